/*
 * render: values as people read them, and verdicts in text and JSON. Remote words are cleaned and
 * never trusted.
 */
#include "proc/control/control.h"
#include "wire/text/clean.h"
#include "wire/verdict/cause.h"

static const struct {
	uint64_t ms;
	const char *name;
} durations[] = {{86400000, "d"}, {3600000, "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"}};

/* The largest unit that fits at least twice (or the smallest): 90 s is 90s, 150 s is 2m. */
void
render_duration(struct builder *b, int64_t ms)
{
	uint64_t left = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;

	if (ms < 0)
		builder_byte(b, '-');
	for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
		if (left >= 2 * durations[i].ms || durations[i].ms == 1) {
			builder_dec(b, left / durations[i].ms);
			builder_str(b, durations[i].name);
			return;
		}
	}
}

void
render_size(struct builder *b, uint64_t bytes)
{
	static const char units[] = "BKMGT";
	unsigned unit = 0;

	while (bytes >= 10000 && unit + 1 < sizeof(units) - 1) {
		bytes /= 1024;
		unit++;
	}
	builder_dec(b, bytes);
	builder_byte(b, (uint8_t)units[unit]);
}

void
render_padded(struct builder *b, struct slice text, size_t width)
{
	clean_line(b, text, 200);
	for (size_t i = text.len; i < width; i++)
		builder_byte(b, ' ');
}

static void
addr_write(struct builder *b, const struct net_addr *addr)
{
	builder_str(b, " [");
	net_addr_format(b, addr);
	builder_byte(b, ']');
}

static void
lines_write(struct builder *b, struct slice rest, const char *indent)
{
	struct slice line;

	while (clean_line_next(&rest, &line)) {
		builder_str(b, indent);
		builder_str(b, "  ");
		clean_line(b, line, 1000);
		builder_byte(b, '\n');
	}
}

void
render_verdict(struct builder *b, const struct verdict *v, const char *indent)
{
	builder_str(b, indent);
	builder_str(b, verdict_class_str(v->class));
	builder_str(b, " at ");
	builder_str(b, verdict_stage_str(v->stage));
	if (v->class != VERDICT_OK) {
		builder_str(b, ", cause ");
		builder_str(b, verdict_cause_str(v->cause));
	}
	if (v->host.len) {
		builder_str(b, ", ");
		clean_line(b, v->host, VERDICT_HOST_MAX);
	}
	if (v->address.family)
		addr_write(b, &v->address);
	builder_byte(b, '\n');
	lines_write(b, v->reply, indent);
	if (!v->reply.len)
		lines_write(b, v->public_text, indent);
	lines_write(b, verdict_facts(v), indent);
}

void
render_id_json(struct json_writer *w, const char *key, msg_id id)
{
	uint8_t buf[MSG_ID_TEXT_LEN];
	struct builder b;

	builder_init_fixed(&b, buf, sizeof(buf));
	msg_id_format(&b, id);
	json_text(w, key, builder_slice(&b));
}

static void
addr_json(struct json_writer *w, const char *key, const struct net_addr *addr)
{
	uint8_t buf[NET_ADDR_TEXT_MAX];
	struct builder b;

	if (!addr->family)
		return;
	builder_init_fixed(&b, buf, sizeof(buf));
	net_addr_format(&b, addr);
	json_text(w, key, builder_slice(&b));
}

void
render_verdict_json(struct json_writer *w, const char *key, const struct verdict *v)
{
	const struct cause_row *cause = cause_row(v->cause);
	uint8_t buf[32];
	struct builder b;

	builder_init_fixed(&b, buf, sizeof(buf));
	verdict_status_format(&b, v->status);
	json_object_begin(w, key);
	json_text(w, "class", slice_str(verdict_class_str(v->class)));
	json_text(w, "stage", slice_str(verdict_stage_str(v->stage)));
	json_number(w, "code", v->code);
	json_text(w, "status", builder_slice(&b));
	json_text(w, "cause", slice_str(verdict_cause_str(v->cause)));
	if (cause) {
		json_number(w, "number", cause->number);
		json_text(w, "remedy", slice_str(cause->admin_text));
	}
	json_hundredths(w, "confidence", v->confidence_percent);
	json_text(w, "actor", slice_str(verdict_actor_str(v->actor)));
	json_text(w, "action", slice_str(verdict_action_str(v->action)));
	json_text(w, "scope", slice_str(verdict_scope_str(v->scope)));
	json_text(w, "reply", v->reply);
	json_text(w, "public", v->public_text);
	json_text(w, "evidence", v->evidence);
	json_text(w, "host", v->host);
	addr_json(w, "address", &v->address);
	addr_json(w, "source", &v->source);
	json_text(w, "helo", v->helo);
	json_number(w, "at_ms", v->wall_ms);
	json_number(w, "took_ms", v->took_ms);
	json_number(w, "retry_after_s", v->retry_after_s);
	json_object_end(w);
}
