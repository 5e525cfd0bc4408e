/*
 * explain_unknown: which shapes of replies no rule fits, the most frequent first, each with a reply
 * to write a rule from. The file holds replies, one a line, or lines of a log.
 */
#include <string.h>

#include "tool/explain.h"
#include "wire/text/clean.h"

#define SHAPES_MAX 65536 /* different ones; what comes then is counted as others */
#define SHAPE_SHOWN_MAX 600
#define COUNT_WIDTH 8

struct shape {
	uint64_t hash; /* of a shape; 0: free */
	uint64_t count;
	struct slice sample; /* of the file */
	struct slice fields; /* the header that the log had there, or empty */
};

struct shapes {
	struct shape *slots; /* twice as many, by hash */
	size_t count;
	uint64_t replies, unknown, others;
};

static void
shape_count(struct shapes *s, uint64_t hash, struct slice sample, struct slice fields)
{
	size_t at = hash % (2 * SHAPES_MAX);

	hash = hash ? hash : 1;
	while (s->slots[at].hash && s->slots[at].hash != hash)
		at = (at + 1) % (2 * SHAPES_MAX);
	if (!s->slots[at].hash && s->count == SHAPES_MAX) {
		s->others++;
		return;
	}
	if (!s->slots[at].hash) {
		s->slots[at] = (struct shape){.hash = hash, .sample = sample, .fields = fields};
		s->count++;
	}
	s->slots[at].count++;
}

/* A line of a log tells its reply; any other line is one. False: nothing to explain. */
static bool
line_explain(struct explain *ex, struct slice line, struct slice fields)
{
	logline_read(line, fields, &ex->logline);
	if (ex->logline.header)
		return false;
	if (ex->logline.program == LOGLINE_UNKNOWN) {
		explain_read(explain_unescape(ex, line), &ex->given, ex->set, &ex->match,
			     &ex->explained);
		return !ex->explained.facts.empty;
	}
	if (ex->logline.action == LOGLINE_NONE || ex->logline.action == LOGLINE_SENT)
		return false;
	explain_logline(&ex->logline, ex->set, &ex->match, &ex->explained);
	return !ex->explained.facts.empty;
}

/* To the front those that are, by falling count; the same count in the order of the file. */
static size_t
shapes_sort(struct shapes *s)
{
	size_t count = 0;

	for (size_t i = 0; i < 2 * SHAPES_MAX; i++) {
		if (s->slots[i].hash)
			s->slots[count++] = s->slots[i];
	}
	for (size_t gap = count / 2; gap > 0; gap /= 2) {
		for (size_t i = gap; i < count; i++) {
			struct shape shape = s->slots[i];
			size_t at = i;

			for (; at >= gap && (s->slots[at - gap].count < shape.count ||
					     (s->slots[at - gap].count == shape.count &&
					      s->slots[at - gap].sample.data > shape.sample.data));
			     at -= gap)
				s->slots[at] = s->slots[at - gap];
			s->slots[at] = shape;
		}
	}
	return count;
}

static void
shape_text(struct explain *ex, const struct shape *shape)
{
	uint8_t digits[COUNT_WIDTH + 16];
	struct builder b;

	builder_init_fixed(&b, digits, sizeof(digits));
	builder_dec(&b, shape->count);
	for (size_t i = b.len; i < COUNT_WIDTH; i++)
		builder_byte(&ex->out, ' ');
	builder_add(&ex->out, builder_slice(&b));
	builder_str(&ex->out, "  ");
	clean_line(&ex->out, normal_shape(&ex->explained.facts.normal), SHAPE_SHOWN_MAX);
	builder_str(&ex->out, "\n          ");
	clean_line(&ex->out, ex->explained.facts.verdict.reply, SHAPE_SHOWN_MAX);
	builder_byte(&ex->out, '\n');
}

static void
shape_json(struct explain *ex, const struct shape *shape)
{
	json_object_begin(&ex->json, NULL);
	json_number(&ex->json, "count", (int64_t)shape->count);
	json_text(&ex->json, "shape", normal_shape(&ex->explained.facts.normal));
	json_text(&ex->json, "example", ex->explained.facts.verdict.reply);
	json_object_end(&ex->json);
}

static void
shapes_put(struct explain *ex, const struct shapes *s, size_t count)
{
	if (ex->tool->json)
		json_array_begin(&ex->json, NULL);
	for (size_t i = 0; i < count; i++) {
		line_explain(ex, s->slots[i].sample, s->slots[i].fields);
		if (ex->tool->json)
			shape_json(ex, &s->slots[i]);
		else
			shape_text(ex, &s->slots[i]);
		if (ex->out.len > EXPLAIN_OUTPUT_BYTES - EXPLAIN_SHOWN_MAX)
			explain_flush(ex);
	}
	if (ex->tool->json) {
		json_array_end(&ex->json);
		builder_byte(&ex->out, '\n');
	} else {
		builder_dec(&ex->out, s->unknown);
		builder_str(&ex->out, " of ");
		builder_dec(&ex->out, s->replies);
		builder_str(&ex->out, " replies are explained by no rule. How to write "
				      "one: docs/rules.md.\n");
	}
	explain_flush(ex);
}

static int
content_count(struct explain *ex, const char *file, struct slice content)
{
	struct mem *mem = rt_mem(ex->tool->rt);
	size_t bytes = 2 * SHAPES_MAX * sizeof(struct shape);
	struct shapes s = {.slots = mem_take(mem, bytes)};
	struct slice fields = SLICE_EMPTY;

	if (!s.slots)
		return explain_complain(ex, file, ": not enough memory", TOOL_EXIT_SOFTWARE);
	while (content.len) {
		struct slice line = explain_next_line(&content);
		bool told = line_explain(ex, line, fields);

		if (ex->logline.header)
			fields = line;
		if (!told)
			continue;
		s.replies++;
		if (ex->explained.facts.verdict.cause != VERDICT_CAUSE_UNKNOWN)
			continue;
		s.unknown++;
		shape_count(&s, ex->explained.facts.normal.hash, line, fields);
	}
	shapes_put(ex, &s, shapes_sort(&s));
	if (s.others)
		explain_complain(ex, file,
				 ": has more than 65536 shapes; those of some replies "
				 "are not listed",
				 0);
	mem_give(mem, s.slots, bytes);
	return 0;
}

int
explain_unknown(struct explain *ex)
{
	return explain_with_file(ex, ex->unknown, EXPLAIN_REPLIES_BYTES_MAX, content_count);
}
