/*
 * show: the two forms have the same facts. The number is the one that a report of ours would bear
 * (letter.h); the sentences are those of causes.def.
 */
#include "rule/explain/show.h"

#include "base/assert.h"
#include "rule/explain/article.h"
#include "rule/explain/letter.h"
#include "wire/text/clean.h"
#include "wire/text/wrap.h"

#define COLUMNS_MAX 76
#define INDENT "    "
#define PARAGRAPH_MAX 2048
#define REPLY_LINES_SHOWN_MAX 64
#define NUMBER_MAX 16
#define REMEDY_MAX 2048

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

/* Where no words decided: the status, else the code. */
static struct slice
other_evidence(const struct explained *e, uint8_t *room)
{
	const struct verdict *v = &e->facts.verdict;
	struct builder b;

	if (!e->why.rule)
		return v->evidence;
	builder_init_fixed(&b, room, NUMBER_MAX);
	verdict_status_format(&b, v->status);
	if (!v->status.class && e->facts.code_known)
		builder_dec(&b, v->code);
	return builder_slice(&b);
}

static bool
is_quantity(unsigned kind)
{
	return kind == NORMAL_WAIT || kind == NORMAL_SPAN || kind == NORMAL_SIZE ||
	       kind == NORMAL_LIMIT;
}

/* The rule's own value of a field, which stands in place of the reply's; or empty. Of a quantity
 * the reply knows more. */
static struct slice
taken(const struct explained *e, unsigned kind)
{
	const struct ruleset *set = e->why.set;
	const struct ruleset_rule *rule = e->why.rule;

	if (!rule || (is_quantity(kind) && normal_find(&e->facts.normal, kind)))
		return SLICE_EMPTY;
	for (size_t i = 0; i < rule->takes.count; i++) {
		const struct ruleset_take *take = &set->takes[rule->takes.first + i];

		if (slice_eq(ruleset_slice(set, take->name), slice_str(normal_kind_str(kind))))
			return ruleset_slice(set, take->value);
	}
	return SLICE_EMPTY;
}

static struct slice
provider_name(const struct explained *e)
{
	return e->why.provider == RULESET_NO_PROVIDER
		       ? SLICE_EMPTY
		       : ruleset_slice(e->why.set, e->why.set->providers[e->why.provider].name);
}

static struct slice
provider_title(const struct explained *e)
{
	return e->why.provider == RULESET_NO_PROVIDER
		       ? SLICE_EMPTY
		       : ruleset_slice(e->why.set, e->why.set->providers[e->why.provider].title);
}

static struct slice
rule_admin(const struct explained *e)
{
	return e->why.rule ? ruleset_slice(e->why.set, e->why.rule->admin) : SLICE_EMPTY;
}

/* The rule's, or the number's: every number has one. */
static struct slice
article_name(const struct explained *e, struct slice number)
{
	struct slice own =
		e->why.rule ? ruleset_slice(e->why.set, e->why.rule->article) : SLICE_EMPTY;

	return own.len ? own : number;
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

/* The first field of each kind; quantities as numbers. */
static void
fields_json(struct json_writer *w, const struct explained *e)
{
	const struct normal *n = &e->facts.normal;

	json_object_begin(w, "fields");
	for (unsigned kind = 0; kind < NORMAL_KIND_MAX; kind++) {
		const struct normal_field *f = normal_find(n, kind);
		const char *name = normal_kind_str(kind);
		struct slice own = taken(e, kind);
		uint64_t number = f ? f->value : 0;

		if (kind == NORMAL_NUMBER || kind == NORMAL_TIME)
			continue;
		if (is_quantity(kind) && (f || slice_to_u64(own, INT64_MAX, &number)))
			json_number(w, name, (int64_t)number);
		else if (own.len)
			json_text(w, name, own);
		else if (f)
			json_text(w, name, normal_field_text(n, f));
	}
	json_object_end(w);
}

static void
evidence_json(struct json_writer *w, const struct explained *e)
{
	uint8_t room[NUMBER_MAX];
	struct slice other = other_evidence(e, room);

	json_array_begin(w, "evidence");
	for (size_t i = 0; i < e->why.evidence_count; i++)
		json_text(w, NULL, e->why.evidence[i]);
	if (!e->why.evidence_count && other.len)
		json_text(w, NULL, other);
	json_array_end(w);
}

static void
remedy_json(struct json_writer *w, const struct explained *e)
{
	const struct verdict *v = &e->facts.verdict;
	uint8_t room[REMEDY_MAX];
	struct builder b;

	builder_init_fixed(&b, room, sizeof(room));
	builder_str(&b, cause_row(v->cause)->admin_text);
	if (rule_admin(e).len)
		builder_byte(&b, ' ');
	builder_add(&b, rule_admin(e));
	json_object_begin(w, "remedy");
	json_text(w, "sender", slice_str(cause_sender_text(v->cause, v->class == VERDICT_NEVER)));
	json_text(w, "admin", builder_slice(&b));
	json_object_end(w);
}

/* Where the text has none, the one that fits the cause (RFC 3463). */
static struct verdict_status
status_of(const struct explained *e)
{
	const struct verdict *v = &e->facts.verdict;

	return v->status.class || v->class == VERDICT_OK || !e->facts.class_known
		       ? v->status
		       : cause_status(v->cause, v->class);
}

static void
facts_json(struct json_writer *w, const struct explained *e)
{
	const struct verdict *v = &e->facts.verdict;
	uint8_t room[NUMBER_MAX];
	struct builder b;

	builder_init_fixed(&b, room, sizeof(room));
	verdict_status_format(&b, status_of(e));
	json_text(w, "kind", slice_str(e->kind));
	text_or_null(w, "recipient", e->recipient);
	text_or_null(w, "class",
		     e->facts.class_known ? slice_str(verdict_class_str(v->class)) : SLICE_EMPTY);
	text_or_null(w, "stage",
		     e->facts.stage_known ? slice_str(verdict_stage_str(v->stage)) : SLICE_EMPTY);
	if (e->facts.code_known)
		json_number(w, "code", v->code);
	else
		json_null(w, "code");
	text_or_null(w, "status", builder_slice(&b));
	json_flag(w, "status_given", v->status.class != 0);
	json_text(w, "reply", v->reply);
}

void
explain_show_json(struct json_writer *w, const struct explained *e, struct slice file)
{
	const struct verdict *v = &e->facts.verdict;
	const struct cause_row *row = cause_row(v->cause);
	uint8_t room[NUMBER_MAX];
	struct slice number = number_text(v, room);

	ASSERT(row);
	json_object_begin(w, NULL);
	if (file.len)
		json_text(w, "file", file);
	facts_json(w, e);
	json_text(w, "cause", slice_str(row->name));
	if (e->last_cause)
		json_text(w, "last_cause", slice_str(verdict_cause_str(e->last_cause)));
	json_hundredths(w, "confidence", v->confidence_percent);
	json_text(w, "actor", slice_str(verdict_actor_str(v->actor)));
	json_text(w, "action", slice_str(verdict_action_str(v->action)));
	json_text(w, "scope", slice_str(verdict_scope_str(v->scope)));
	json_text(w, "number", number);
	text_or_null(w, "provider", provider_name(e));
	evidence_json(w, e);
	fields_json(w, e);
	remedy_json(w, e);
	text_or_null(w, "remote_host", v->host.len || e->recipient.len ? v->host : e->facts.mx);
	json_text(w, "article", article_name(e, number));
	text_or_null(w, "rule",
		     e->why.rule ? ruleset_slice(e->why.set, e->why.rule->name) : SLICE_EMPTY);
	json_text(w, "shape", normal_shape(&e->facts.normal));
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

	if (e->facts.verdict.cause == VERDICT_CAUSE_NOT_BOUNCE && e->facts.class_known)
		return texts[VERDICT_OK];
	if (e->facts.empty && !e->why.rule)
		return "Nothing to explain";
	return e->facts.class_known ? texts[e->facts.verdict.class] : "Refused";
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

	return e->facts.stage_known ? texts[e->facts.verdict.stage] : "";
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
put_paragraph(struct builder *b, const char *who, struct slice text)
{
	uint8_t room[PARAGRAPH_MAX];
	struct builder p;

	builder_init_fixed(&p, room, sizeof(room));
	builder_str(&p, who);
	builder_add(&p, text);
	wrap_text(b, builder_slice(&p), COLUMNS_MAX, "\n");
}

/* The title of its article: what it means in plain words. */
static void
put_title(struct builder *b, unsigned cause)
{
	struct article_found article;

	if (article_find(slice_str(verdict_cause_str(cause)), &article))
		builder_add(b, article.title);
}

static void
put_headline(struct builder *b, const struct explained *e)
{
	const struct verdict *v = &e->facts.verdict;
	uint8_t room[PARAGRAPH_MAX], number[NUMBER_MAX];
	struct builder p;

	builder_init_fixed(&p, room, sizeof(room));
	put_title(&p, v->cause);
	if (e->last_cause) {
		builder_str(&p, "; in the end: ");
		put_title(&p, e->last_cause);
	}
	builder_str(&p, ". ");
	builder_str(&p, class_text(e));
	builder_str(&p, stage_text(e));
	builder_str(&p, " (");
	builder_str(&p,
		    v->cause == VERDICT_CAUSE_NOT_BOUNCE ? e->kind : verdict_cause_str(v->cause));
	builder_str(&p, ", ");
	builder_add(&p, number_text(v, number));
	builder_str(&p, "). ");
	builder_str(&p, explain_turn_str(v));
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
put_fields(struct builder *b, const struct explained *e)
{
	const struct normal *n = &e->facts.normal;
	static const char *const names[NORMAL_KIND_MAX] = {
		[NORMAL_IP] = "Address:       ",	[NORMAL_LIST] = "Block list:    ",
		[NORMAL_LIST_CODE] = "Its answer:    ", [NORMAL_TAG] = "Their code:    ",
		[NORMAL_ID] = "Their id:      ",	[NORMAL_WAIT] = "Wait:          ",
		[NORMAL_SIZE] = "Size:          ",	[NORMAL_LIMIT] = "Limit:         ",
		[NORMAL_URL] = "Link:          ",
	};

	for (unsigned kind = 0; kind < NORMAL_KIND_MAX; kind++) {
		const struct normal_field *f = normal_find(n, kind);

		if (names[kind] && taken(e, kind).len)
			put_fact(b, names[kind], taken(e, kind));
		else if (f && names[kind])
			put_fact(b, names[kind], normal_field_text(n, f));
	}
	if (normal_find(n, NORMAL_URL))
		builder_str(b, "               (their link, not ours: look twice before you follow "
			       "it)\n");
}

static void
put_facts(struct builder *b, const struct explained *e, struct slice file)
{
	const struct verdict *v = &e->facts.verdict;
	uint8_t room[NUMBER_MAX];

	builder_byte(b, '\n');
	put_fact(b, "Recipient:     ", e->recipient);
	put_fact(b, "From the file: ", file);
	if (!e->why.evidence_count)
		put_fact(b, "Shown by:      ", other_evidence(e, room));
	for (size_t i = 0; i < e->why.evidence_count; i++)
		put_fact(b, i ? "               " : "Shown by:      ", e->why.evidence[i]);
	if (v->cause != VERDICT_CAUSE_UNKNOWN) {
		builder_str(b, "How sure:      ");
		builder_dec(b, v->confidence_percent);
		builder_str(b, " %\n");
	}
	put_fact(b, "Remote host:   ", v->host.len || e->recipient.len ? v->host : e->facts.mx);
	put_fact(b, "Receiver:      ", provider_title(e));
	put_fields(b, e);
	builder_str(b, "The queue:     ");
	builder_str(b, verdict_action_str(v->action));
	builder_str(b, ", about: ");
	builder_str(b, verdict_scope_str(v->scope));
	builder_byte(b, '\n');
}

void
explain_show_text(struct builder *b, const struct explained *e, struct slice file)
{
	const struct verdict *v = &e->facts.verdict;
	uint8_t room[NUMBER_MAX];

	put_headline(b, e);
	if (e->facts.empty && !e->facts.class_known)
		return;
	if (!e->facts.empty)
		put_reply(b, v->reply);
	put_facts(b, e, file);
	builder_byte(b, '\n');
	put_paragraph(b, "For the sender: ",
		      slice_str(cause_sender_text(v->cause, v->class == VERDICT_NEVER)));
	builder_byte(b, '\n');
	put_paragraph(b, "For the administrator: ", slice_str(cause_row(v->cause)->admin_text));
	if (rule_admin(e).len) {
		builder_byte(b, '\n');
		put_paragraph(b, "Here: ", rule_admin(e));
	}
	builder_str(b, "\nMore: frank explain ");
	builder_add(b, article_name(e, number_text(v, room)));
	builder_byte(b, '\n');
}
