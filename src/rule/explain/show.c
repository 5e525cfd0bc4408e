/*
 * show: the two forms have the same facts. The number is the one that a report of ours would bear
 * (letter.h); the sentences are those of causes.def.
 */
#include "rule/explain/show.h"

#include "base/assert.h"
#include "rule/explain/letter.h"
#include "wire/text/clean.h"
#include "wire/text/wrap.h"

#define COLUMNS_MAX 76
#define INDENT "    "
#define PARAGRAPH_MAX 2048
#define REPLY_LINES_SHOWN_MAX 64
#define NUMBER_MAX 16

/* --- what both say ---------------------------------------------------------------------------- */

static struct slice
number_text(const struct verdict *v, uint8_t *room)
{
	struct dsn_rcpt rcpt = {.action = DSN_FAILED, .verdict = *v};
	struct builder b;

	builder_init_fixed(&b, room, NUMBER_MAX);
	letter_code_build(&b, &rcpt);
	ASSERT(!b.failed);
	return builder_slice(&b);
}

/* What decided: words, else the status, else the code; as they stand in the reply. */
static struct slice
evidence_of(const struct explained *e, uint8_t *room)
{
	const struct verdict *v = &e->verdict;
	struct builder b;

	if (v->evidence.len || v->cause == VERDICT_CAUSE_UNKNOWN)
		return v->evidence;
	builder_init_fixed(&b, room, NUMBER_MAX);
	verdict_status_format(&b, v->status);
	if (!v->status.class && e->code_known)
		builder_dec(&b, v->code);
	return builder_slice(&b);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void
text_or_null(struct json_writer *w, const char *key, struct slice value)
{
	if (value.len)
		json_text(w, key, value);
	else
		json_null(w, key);
}

/* The first field of each kind; numbers as numbers. */
static void
fields_json(struct json_writer *w, const struct normal *n)
{
	json_object_begin(w, "fields");
	for (unsigned kind = 0; kind < NORMAL_KIND_MAX; kind++) {
		const struct normal_field *f = normal_find(n, kind);

		if (!f || kind == NORMAL_NUMBER || kind == NORMAL_TIME)
			continue;
		if (kind == NORMAL_WAIT || kind == NORMAL_SPAN || kind == NORMAL_SIZE ||
		    kind == NORMAL_LIMIT)
			json_number(w, normal_kind_str(kind), (int64_t)f->value);
		else
			json_text(w, normal_kind_str(kind), normal_field_text(n, f));
	}
	json_object_end(w);
}

static void
facts_json(struct json_writer *w, const struct explained *e)
{
	const struct verdict *v = &e->verdict;
	uint8_t room[NUMBER_MAX];
	struct builder b;

	builder_init_fixed(&b, room, sizeof(room));
	verdict_status_format(&b, v->status);
	json_null(w, "recipient");
	text_or_null(w, "class",
		     e->class_known ? slice_str(verdict_class_str(v->class)) : SLICE_EMPTY);
	text_or_null(w, "stage",
		     e->stage_known ? slice_str(verdict_stage_str(v->stage)) : SLICE_EMPTY);
	if (e->code_known)
		json_number(w, "code", v->code);
	else
		json_null(w, "code");
	text_or_null(w, "status", builder_slice(&b));
	json_text(w, "reply", v->reply);
}

void
explain_show_json(struct json_writer *w, const struct explained *e)
{
	const struct verdict *v = &e->verdict;
	const struct cause_row *row = cause_row(v->cause);
	uint8_t number_room[NUMBER_MAX], evidence_room[NUMBER_MAX];
	struct slice number = number_text(v, number_room);
	struct slice evidence = evidence_of(e, evidence_room);

	ASSERT(row);
	json_object_begin(w, NULL);
	facts_json(w, e);
	json_text(w, "cause", slice_str(row->name));
	json_hundredths(w, "confidence", v->confidence_percent);
	json_text(w, "actor", slice_str(verdict_actor_str(v->actor)));
	json_text(w, "action", slice_str(verdict_action_str(v->action)));
	json_text(w, "scope", slice_str(verdict_scope_str(v->scope)));
	json_text(w, "number", number);
	json_null(w, "provider");
	json_array_begin(w, "evidence");
	if (evidence.len)
		json_text(w, NULL, evidence);
	json_array_end(w);
	fields_json(w, &e->normal);
	json_object_begin(w, "remedy");
	json_text(w, "sender", slice_str(cause_sender_text(v->cause, v->class == VERDICT_NEVER)));
	json_text(w, "admin", slice_str(row->admin_text));
	json_object_end(w);
	text_or_null(w, "remote_host", v->host.len ? v->host : e->mx);
	json_text(w, "article", number);
	json_text(w, "shape", normal_shape(&e->normal));
	json_object_end(w);
}

/* --- text ------------------------------------------------------------------------------------- */

static const char *
class_text(const struct explained *e)
{
	static const char *const texts[VERDICT_CLASS_MAX] = {
		[VERDICT_OK] = "No refusal",
		[VERDICT_LATER] = "Put off for now",
		[VERDICT_NEVER] = "Refused for good",
	};

	if (e->empty)
		return "Nothing to explain";
	return e->class_known ? texts[e->verdict.class] : "Refused";
}

static const char *
stage_text(const struct explained *e)
{
	static const char *const texts[VERDICT_STAGE_MAX] = {
		[VERDICT_STAGE_DNS] = " when the domain was looked up",
		[VERDICT_STAGE_CONNECT] = " at the connection",
		[VERDICT_STAGE_GREETING] = " at the greeting",
		[VERDICT_STAGE_HELLO] = " at the introduction",
		[VERDICT_STAGE_TLS] = " at the start of encryption",
		[VERDICT_STAGE_LOGIN] = " at the login",
		[VERDICT_STAGE_SENDER] = " when the sender was named",
		[VERDICT_STAGE_RECIPIENT] = " when the recipient was named",
		[VERDICT_STAGE_DATA] = " before the message was sent",
		[VERDICT_STAGE_FINAL] = " after the message was sent",
		[VERDICT_STAGE_LOCAL] = " at the mailbox",
	};

	return e->stage_known ? texts[e->verdict.stage] : "";
}

const char *
explain_turn_str(const struct verdict *v)
{
	static const char *const texts[VERDICT_ACTOR_MAX] = {
		[VERDICT_ACTOR_NOBODY] = "Nobody has to act.",
		[VERDICT_ACTOR_SENDER] = "It is the sender's turn.",
		[VERDICT_ACTOR_RECIPIENT] = "It is the recipient's turn.",
		[VERDICT_ACTOR_OUR_ADMIN] = "It is the turn of the sending side's administrator.",
		[VERDICT_ACTOR_THEIR_ADMIN] =
			"It is the turn of the receiving side's administrator.",
		[VERDICT_ACTOR_QUEUE] = "The sending server tries again by itself.",
	};

	return v->cause == VERDICT_CAUSE_UNKNOWN ? "No rule fits: somebody has to read it."
						 : texts[v->actor];
}

static void
put_paragraph(struct builder *b, const char *who, const char *text)
{
	uint8_t room[PARAGRAPH_MAX];
	struct builder p;

	builder_init_fixed(&p, room, sizeof(room));
	builder_str(&p, who);
	builder_str(&p, text);
	wrap_text(b, builder_slice(&p), COLUMNS_MAX, "\n");
}

static void
put_headline(struct builder *b, const struct explained *e)
{
	uint8_t room[PARAGRAPH_MAX], number[NUMBER_MAX];
	struct builder p;

	builder_init_fixed(&p, room, sizeof(room));
	builder_str(&p, class_text(e));
	builder_str(&p, stage_text(e));
	builder_str(&p, ": ");
	builder_str(&p, verdict_cause_str(e->verdict.cause));
	builder_str(&p, " (");
	builder_add(&p, number_text(&e->verdict, number));
	builder_str(&p, "). ");
	builder_str(&p, explain_turn_str(&e->verdict));
	wrap_text(b, builder_slice(&p), COLUMNS_MAX, "\n");
}

static void
put_reply(struct builder *b, struct slice reply)
{
	struct slice line;
	size_t count = 0;

	builder_str(b, "\nThe reply:\n");
	while (clean_line_next(&reply, &line) && count++ < REPLY_LINES_SHOWN_MAX) {
		builder_str(b, INDENT);
		clean_line(b, line, VERDICT_REPLY_MAX);
		builder_byte(b, '\n');
	}
	if (count > REPLY_LINES_SHOWN_MAX)
		builder_str(b, INDENT CLEAN_CUT "\n");
}

static void
put_fact(struct builder *b, const char *name, struct slice value)
{
	if (!value.len)
		return;
	builder_str(b, name);
	clean_line(b, value, VERDICT_REPLY_MAX);
	builder_byte(b, '\n');
}

static void
put_fields(struct builder *b, const struct normal *n)
{
	static const char *const names[NORMAL_KIND_MAX] = {
		[NORMAL_IP] = "Address:       ",	[NORMAL_LIST] = "Block list:    ",
		[NORMAL_LIST_CODE] = "Its answer:    ", [NORMAL_TAG] = "Their code:    ",
		[NORMAL_ID] = "Their id:      ",	[NORMAL_WAIT] = "Wait:          ",
		[NORMAL_SIZE] = "Size:          ",	[NORMAL_LIMIT] = "Limit:         ",
		[NORMAL_URL] = "Link:          ",
	};

	for (unsigned kind = 0; kind < NORMAL_KIND_MAX; kind++) {
		const struct normal_field *f = normal_find(n, kind);

		if (f && names[kind])
			put_fact(b, names[kind], normal_field_text(n, f));
	}
	if (normal_find(n, NORMAL_URL))
		builder_str(b, "               (their link, not ours: look twice before you follow "
			       "it)\n");
}

static void
put_facts(struct builder *b, const struct explained *e)
{
	const struct verdict *v = &e->verdict;
	uint8_t room[NUMBER_MAX];

	builder_byte(b, '\n');
	put_fact(b, "Shown by:      ", evidence_of(e, room));
	if (v->cause != VERDICT_CAUSE_UNKNOWN) {
		builder_str(b, "How sure:      ");
		builder_dec(b, v->confidence_percent);
		builder_str(b, " %\n");
	}
	put_fact(b, "Remote host:   ", v->host.len ? v->host : e->mx);
	put_fields(b, &e->normal);
	builder_str(b, "The queue:     ");
	builder_str(b, verdict_action_str(v->action));
	builder_str(b, ", about: ");
	builder_str(b, verdict_scope_str(v->scope));
	builder_byte(b, '\n');
}

void
explain_show_text(struct builder *b, const struct explained *e)
{
	const struct verdict *v = &e->verdict;

	put_headline(b, e);
	if (e->empty)
		return;
	put_reply(b, v->reply);
	put_facts(b, e);
	builder_byte(b, '\n');
	put_paragraph(b,
		      "For the sender: ", cause_sender_text(v->cause, v->class == VERDICT_NEVER));
	builder_byte(b, '\n');
	put_paragraph(b, "For the administrator: ", cause_row(v->cause)->admin_text);
}
