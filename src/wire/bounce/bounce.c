/*
 * bounce: which parts of a mail are for whom to read, and what kind of mail it is at the end.
 *
 * Each message in the mail is tried, from the outermost: its status parts, its X-Failed-Recipients,
 * its text. Only the outermost can be an automatic answer; a message inside counts when it is a
 * report.
 */
#include "wire/bounce/bounce.h"

#include "base/assert.h"
#include "wire/bounce/reading.h"

#define HEADER_VALUE_MAX 4096
#define FORWARDS_MAX 3 /* "original message" within the text of one part */

const char *
bounce_kind_str(unsigned kind)
{
	static const char *const names[BOUNCE_KIND_MAX] = {"none",    "failure",  "delay",
							   "success", "vacation", "feedback"};

	return kind < BOUNCE_KIND_MAX ? names[kind] : "?";
}

const char *
bounce_action_str(unsigned action)
{
	static const char *const names[BOUNCE_ACTION_MAX] = {"failed",	"delayed",  "delivered",
							     "relayed", "expanded", "answered"};

	return action < BOUNCE_ACTION_MAX ? names[action] : "?";
}

/* --- parts ------------------------------------------------------------------------------------ */

static bool
is_type(const struct mime_part *part, const char *const *types)
{
	for (; *types; types++)
		if (slice_eq_nocase(part->type, slice_str(*types)))
			return true;
	return false;
}

static bool
is_message(const struct mime_part *part)
{
	static const char *const types[] = {"message/rfc822",
					    "message/global",
					    "text/rfc822-headers",
					    "text/rfc822-header",
					    "text/rfc822",
					    "message/rfc822-headers",
					    "message/partial",
					    "message/global-headers",
					    NULL};

	return is_type(part, types);
}

static bool
is_status(const struct mime_part *part)
{
	static const char *const types[] = {"message/delivery-status",
					    "message/global-delivery-status",
					    "text/delivery-status", NULL};

	return is_type(part, types);
}

static bool
is_feedback(const struct mime_part *part)
{
	static const char *const types[] = {"message/feedback-report", NULL};

	return is_type(part, types);
}

static bool
is_text(const struct mime_part *part)
{
	if (is_status(part))
		return reading_is_prose(part->body);
	return !part->container && !is_message(part) && !is_feedback(part) &&
	       (!part->type.len || slice_starts_nocase(part->type, SLICE("text")));
}

static void
owners_find(struct reading *r)
{
	const struct mime *mime = r->mime;

	for (size_t i = 1; i < mime->part_count; i++) {
		size_t parent = mime->parts[i].parent;

		r->owner[i] = is_message(&mime->parts[parent]) ? (uint8_t)i : r->owner[parent];
	}
}

/* A part's text; of the body only so much as is left to be read. */
static struct slice
part_text(struct reading *r, const struct mime_part *part, size_t *left)
{
	struct mime_part head = *part;
	struct builder b;

	head.body = slice_sub(part->body, 0, *left);
	*left -= head.body.len;
	builder_init_arena(&b, r->arena, MIME_TEXT_ROOM(head.body.len));
	mime_text(&b, &head, r->hook);
	return builder_slice(&b);
}

struct slice
reading_header(struct reading *r, struct slice header, struct slice name)
{
	struct slice value;
	struct builder b;

	if (!mime_header_find(header, name, &value))
		return SLICE_EMPTY;
	value = slice_sub(value, 0, HEADER_VALUE_MAX);
	builder_init_arena(&b, r->arena, MIME_TEXT_ROOM(value.len) + 16);
	mime_header_text(&b, value, r->hook);
	return builder_slice(&b);
}

static bool
is_blank(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] != ' ' && text.data[i] != '\n' && text.data[i] != '\t')
			return false;
	return true;
}

/* A letter that quotes another: more than half of its lines begin with ">". Not a report that
 * quotes what it is about. */
static struct slice
unquote(struct reading *r, struct slice text)
{
	size_t lines = 0, quoted = 0, own = text.len;
	struct slice rest = text;
	struct builder b;

	while (rest.data) {
		struct slice line = slice_cut(&rest, '\n');

		lines += line.len > 0;
		if (!line.len || line.data[0] != '>')
			continue;
		if (!quoted++)
			own = (size_t)(line.data - text.data);
	}
	if (quoted < 5 || quoted * 2 < lines ||
	    reading_has(r, slice_sub(text, 0, own), PHRASE_FORM))
		return text;
	builder_init_arena(&b, r->arena, text.len + 1);
	for (rest = text; rest.data;) {
		struct slice line = slice_cut(&rest, '\n');

		if (line.len && line.data[0] == '>')
			line = slice_from(line, line.len > 1 && line.data[1] == ' ' ? 2 : 1);
		builder_add(&b, line);
		builder_byte(&b, '\n');
	}
	return builder_slice(&b);
}

/* The text for people: the parts before the returned message, the plain ones where there are any.
 */
static struct slice
human_text(struct reading *r)
{
	const struct mime *mime = r->mime;
	struct builder b;

	builder_init_arena(&b, r->arena, MIME_TEXT_ROOM(BOUNCE_TEXT_MAX) + MIME_PARTS_MAX);
	for (size_t i = r->root; i < mime->part_count; i++) {
		const struct mime_part *part = &mime->parts[i];

		if (r->owner[i] != r->root)
			continue;
		if (is_message(part) && i != r->root)
			break;
		if (!is_text(part) || !r->text_left)
			continue;
		if (slice_eq_nocase(part->type, SLICE("text/html")) && !is_blank(builder_slice(&b)))
			continue;
		builder_add(&b, part_text(r, part, &r->text_left));
		builder_byte(&b, '\n');
	}
	if (is_blank(builder_slice(&b)) && !r->draft_count) { /* as with a wrong boundary */
		const struct mime_part whole = {.body = mime->parts[r->root].body};

		builder_add(&b, part_text(r, &whole, &r->text_left));
	}
	reading_footers_blank(r, &b);
	return unquote(r, builder_slice(&b));
}

static void
returned_header_find(struct reading *r)
{
	const struct mime *mime = r->mime;

	r->returned_header = r->returned;
	for (size_t i = r->root + 1; i < mime->part_count; i++) {
		const struct mime_part *part = &mime->parts[i];

		if (r->owner[i] != r->root || !is_message(part))
			continue;
		r->returned_header = part->body;
		if (i + 1 < mime->part_count && mime->parts[i + 1].parent == i)
			r->returned_header = mime->parts[i + 1].header;
		break;
	}
	r->returned_header = slice_sub(r->returned_header, 0, BOUNCE_TEXT_MAX);
}

/* --- what kind -------------------------------------------------------------------------------- */

static void
kind_by_drafts(struct reading *r)
{
	bool failed = false, delayed = false;

	for (size_t i = 0; i < r->draft_count; i++) {
		failed = failed || r->drafts[i].action == BOUNCE_FAILED;
		delayed = delayed || r->drafts[i].action == BOUNCE_DELAYED;
	}
	r->bounce->kind = failed ? BOUNCE_FAILURE : delayed ? BOUNCE_DELAY : BOUNCE_SUCCESS;
}

static void
answer_result(struct reading *r)
{
	struct draft *draft = reading_draft_add(r, address_of_value(r->from));

	if (draft)
		draft->action = BOUNCE_ANSWERED;
	r->bounce->kind = BOUNCE_VACATION;
	r->form = "answer";
}

/* --- drafts ----------------------------------------------------------------------------------- */

static void
draft_by_text(struct reading *r, struct slice recipient)
{
	struct draft *draft = reading_draft_add(r, recipient);

	if (draft)
		draft->action = r->waiting ? BOUNCE_DELAYED
				: r->done  ? BOUNCE_DELIVERED
					   : BOUNCE_FAILED;
}

static void
drafts_by_failed(struct reading *r)
{
	struct address_found found;
	size_t at = 0;

	while (address_next(r->failed, &at, &found)) {
		struct draft *draft = reading_draft_add(r, found.address);

		if (draft)
			draft->action = BOUNCE_FAILED;
	}
}

/* The only address in a field's value; empty when there are more, or none. */
static struct slice
only_address(struct slice value)
{
	struct address_found first, second;
	size_t at = 0;

	if (!address_next(value, &at, &first) || address_next(value, &at, &second))
		return SLICE_EMPTY;
	return first.address;
}

/* Whom the text does not name: the returned message's To, or the report's subject may. */
static struct slice
recipient_guess(struct reading *r)
{
	struct slice to = only_address(reading_header(r, r->returned_header, SLICE("To")));

	return to.len || !r->by_sender ? to : only_address(r->subject);
}

static void
drafts_by_text(struct reading *r)
{
	for (size_t i = 0; i < r->block_count; i++)
		draft_by_text(r, r->blocks[i].address);
	for (size_t i = 0; i < r->answer_count && !r->block_count; i++)
		if (r->answers[i].failed)
			draft_by_text(r, r->answers[i].address);
	if (!r->draft_count)
		draft_by_text(r, recipient_guess(r));
}

/* --- one message ------------------------------------------------------------------------------ */

/* "Re: mail returned": of a person who writes about it. */
static bool
is_reply_subject(struct slice subject)
{
	static const char *const marks[] = {"re:", "aw:", "antw:", "sv:", "rif:", "odp:", "vs:"};

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (slice_starts_nocase(subject, slice_str(marks[i])))
			return true;
	return false;
}

static void
header_read(struct reading *r)
{
	struct slice header = r->mime->parts[r->root].header;

	r->subject = reading_header(r, header, SLICE("Subject"));
	r->from = reading_header(r, header, SLICE("From"));
	r->to = address_of_value(reading_header(r, header, SLICE("To")));
	r->failed = reading_header(r, header, SLICE("X-Failed-Recipients"));
	/* What somebody took out of a mail and asks about has no header. */
	r->by_sender = r->failed.len || reading_has(r, r->from, PHRASE_DAEMON) ||
		       (r->root == 0 && !header.len);
	r->by_daemon = address_of_daemon(r->from);
	r->by_subject = !is_reply_subject(r->subject) && reading_has(r, r->subject, PHRASE_NOTICE);
	r->waiting = reading_has(r, r->subject, PHRASE_WAITING);
	r->done = reading_has(r, r->subject, PHRASE_DONE);
}

/* Status and feedback parts; true when it is feedback. */
static bool
reports_read(struct reading *r)
{
	bool feedback = false;

	for (size_t i = r->root; i < r->mime->part_count; i++) {
		const struct mime_part *part = &r->mime->parts[i];

		if (r->owner[i] != r->root || part->container)
			continue;
		if (is_status(part))
			reading_status(r, part_text(r, part, &r->status_left), false);
		if (is_feedback(part)) {
			reading_feedback(r, part_text(r, part, &r->status_left));
			feedback = true;
		}
	}
	return feedback;
}

static void
text_read(struct reading *r)
{
	struct slice text = human_text(r);

	reading_text(r, text);
	for (int i = 0; i < FORWARDS_MAX && !r->form && reading_has(r, r->returned, PHRASE_FORM);
	     i++)
		reading_text(r, r->returned);
	returned_header_find(r);
}

/* A better name for the only recipient, where the field has a file, a host or nothing. */
static void
draft_name(struct reading *r, struct draft *draft)
{
	struct address_found first, second;
	struct slice name = SLICE_EMPTY;
	size_t at = 0;

	if (address_next(r->failed, &at, &first) && !address_next(r->failed, &at, &second))
		name = first.address;
	else if (r->block_count == 1 && !r->blocks[0].sentence)
		name = r->blocks[0].address;
	if (!name.len)
		return;
	draft->recipient = name;
	draft->hash = address_hash(name);
}

/* Fields of RFC 3464 within the text: for people, or of a report that is there with its header. */
static void
drafts_by_fields(struct reading *r)
{
	if (!r->draft_count && r->by_fields)
		reading_status(r, r->human, true);
	if (!r->draft_count && (!r->block_count || r->blocks[0].sentence) &&
	    reading_has(r, r->returned, PHRASE_STATUS))
		reading_status(r, r->returned, true);
	if (r->draft_count)
		r->form = "rfc3464";
	if (r->draft_count == 1 && !address_is_full(r->drafts[0].recipient))
		draft_name(r, &r->drafts[0]);
}

/* The recipients by what is best known of them; or an automatic answer. */
static void
drafts_make(struct reading *r)
{
	drafts_by_fields(r);
	if (!r->draft_count)
		drafts_by_failed(r);
	if (r->draft_count)
		return;
	if (reading_has(r, r->subject, PHRASE_COMPLAINT)) {
		reading_feedback_add(r, SLICE_EMPTY, SLICE_EMPTY);
		r->bounce->kind = BOUNCE_FEEDBACK;
		r->form = "feedback";
	} else if (reading_is_answer(r))
		answer_result(r);
	else if (reading_is_report(r))
		drafts_by_text(r);
}

static bool
message_read(struct reading *r)
{
	header_read(r);
	if (reports_read(r)) {
		r->bounce->kind = BOUNCE_FEEDBACK;
		r->form = "feedback";
		return true;
	}
	text_read(r);
	if (!reading_transcript(r))
		return false;
	drafts_make(r);
	if (r->draft_count && r->bounce->kind == BOUNCE_NONE)
		kind_by_drafts(r);
	return true;
}

static bool
arrays_make(struct reading *r)
{
	r->drafts = arena_alloc(r->arena, BOUNCE_RCPTS_MAX * sizeof(*r->drafts));
	r->blocks = arena_alloc(r->arena, BOUNCE_RCPTS_MAX * sizeof(*r->blocks));
	return r->drafts && r->blocks;
}

static void
result_make(struct reading *r)
{
	struct slice domain = address_of_value(r->from);

	reading_join(r);
	if (!r->bounce->reporter.len)
		r->bounce->reporter = slice_from(domain, slice_rindex(domain, '@') + 1);
	r->bounce->form = slice_str(r->form ? r->form : "text");
}

bool
bounce_read(struct slice text, const struct charset_hook *hook, struct arena *arena,
	    struct bounce *ret_bounce)
{
	struct mime *mime = ARENA_NEW(arena, struct mime);
	struct phrase_index *index = ARENA_NEW(arena, struct phrase_index);
	struct reading r = {.arena = arena, .index = index, .hook = hook, .mime = mime};

	*ret_bounce = (struct bounce){0};
	r.bounce = ret_bounce;
	if (!mime || !index || !arrays_make(&r))
		return false;
	r.text_left = r.status_left = BOUNCE_TEXT_MAX;
	phrase_index_init(index);
	mime_read(slice_sub(text, 0, MIME_MESSAGE_MAX), mime);
	owners_find(&r);
	for (size_t i = 0; i < mime->part_count && ret_bounce->kind == BOUNCE_NONE; i++) {
		if (r.owner[i] != i)
			continue;
		r.root = i;
		r.form = NULL;
		r.by_words = false;
		if (!message_read(&r))
			return false;
	}
	if (ret_bounce->kind != BOUNCE_NONE)
		result_make(&r);
	return !arena->failed;
}
