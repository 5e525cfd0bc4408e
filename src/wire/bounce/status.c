/*
 * status: message/delivery-status (RFC 3464 2) and what is sent under its name: blocks in plain
 * text, without types, with the original recipient only, with lines of a reply that are not folded,
 * or with blocks that are not separated.
 *
 * block = *(field-name ":" value); a block ends at an empty line or where a recipient is named
 * again.
 */
#include "wire/bounce/reading.h"

#include "wire/text/utf8.h"

enum field {
	FIELD_FINAL,
	FIELD_ORIGINAL,
	FIELD_ACTUAL,
	FIELD_ACTION,
	FIELD_STATUS,
	FIELD_DIAGNOSTIC,
	FIELD_REMOTE,
	FIELD_REPORTER,
	FIELD_OTHER,
	FIELD_MAX
};

static const struct {
	const char *name;
	uint8_t field;
} names[] = {
	{"final-recipient", FIELD_FINAL},
	{"original-recipient", FIELD_ORIGINAL},
	{"x-actual-recipient", FIELD_ACTUAL},
	{"action", FIELD_ACTION},
	{"status", FIELD_STATUS},
	{"diagnostic-code", FIELD_DIAGNOSTIC},
	{"x-supplementary-info", FIELD_DIAGNOSTIC},
	{"remote-mta", FIELD_REMOTE},
	{"reporting-mta", FIELD_REPORTER},
	{"last-attempt-date", FIELD_OTHER},
	{"will-retry-until", FIELD_OTHER},
	{"final-log-id", FIELD_OTHER},
	{"arrival-date", FIELD_OTHER},
	{"received-from-mta", FIELD_OTHER},
	{"original-envelope-id", FIELD_OTHER},
	{"dsn-gateway", FIELD_OTHER},
};

struct status_reader {
	struct reading *reading;
	struct slice values[FIELD_MAX];
	uint8_t last;	 /* the field at work; FIELD_MAX: none */
	bool named_only; /* blocks without a recipient do not count */
};

struct draft *
reading_draft_add(struct reading *r, struct slice recipient)
{
	uint32_t hash = address_hash(recipient);
	struct draft *draft;

	for (size_t i = 0; i < r->draft_count; i++)
		if (r->drafts[i].hash == hash && slice_eq_nocase(r->drafts[i].recipient, recipient))
			return NULL;
	if (r->draft_count >= BOUNCE_RCPTS_MAX) {
		r->bounce->rcpts_left_out++;
		return NULL;
	}
	draft = &r->drafts[r->draft_count++];
	*draft = (struct draft){.recipient = recipient, .hash = hash};
	return draft;
}

/* The field that a line begins, FIELD_MAX when it is none, and the value. */
static uint8_t
field_of_line(struct slice line, struct slice *ret_value)
{
	size_t colon = slice_index(line, ':');
	struct slice name = slice_trim(slice_sub(line, 0, colon));

	if (colon >= line.len || !name.len || name.len > 40)
		return FIELD_MAX;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (slice_eq_nocase(name, slice_str(names[i].name))) {
			*ret_value = slice_from(line, colon + 1);
			return names[i].field;
		}
	if (slice_starts_nocase(name, SLICE("x-")) && slice_index(name, ' ') == name.len) {
		*ret_value = slice_from(line, colon + 1);
		return FIELD_OTHER;
	}
	return FIELD_MAX;
}

/* "dns; host (comment)": the host, without type, brackets and a last dot. */
static struct slice
host_of_value(struct slice value)
{
	size_t end;

	value = slice_from(value,
			   slice_index(value, ';') < value.len ? slice_index(value, ';') + 1 : 0);
	value = slice_trim(value);
	while (value.len && (value.data[0] == '<' || value.data[0] == '['))
		value = slice_from(value, 1);
	for (end = 0; end < value.len; end++)
		if (slice_index(SLICE(" \t\n(,>]"), value.data[end]) < 7)
			break;
	value = slice_sub(value, 0, end);
	if (value.len && value.data[value.len - 1] == '.')
		value.len--;
	return utf8_head(value, VERDICT_HOST_MAX);
}

static uint8_t
action_of_value(struct slice value, struct draft *draft)
{
	static const struct {
		const char *word;
		uint8_t action;
		bool expired;
	} words[] = {
		{"fail", BOUNCE_FAILED, false},	      {"delay", BOUNCE_DELAYED, false},
		{"deliver", BOUNCE_DELIVERED, false}, {"relay", BOUNCE_RELAYED, false},
		{"expand", BOUNCE_EXPANDED, false},   {"undeliver", BOUNCE_FAILED, false},
		{"expired", BOUNCE_FAILED, true},     {"error", BOUNCE_FAILED, false},
	};

	value = slice_trim(value);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (slice_starts_nocase(value, slice_str(words[i].word))) {
			draft->by_action = true;
			draft->expired = words[i].expired;
			return words[i].action;
		}
	return BOUNCE_FAILED;
}

/* Of a program that delivered, as Sendmail gives it: no words. Postfix has what it printed. */
static bool
is_exit_code(struct slice value)
{
	uint64_t code;

	return slice_to_u64(slice_trim(value), UINT8_MAX, &code) || slice_trim(value).len == 0;
}

/* Without the type before the first ";", if one is there. */
static struct slice
diagnostic_of_value(struct slice value)
{
	size_t sign = slice_index(value, ';');
	struct slice type = slice_trim(slice_sub(value, 0, sign));

	for (size_t i = 0; i < type.len; i++)
		if (!ascii_is_alpha(type.data[i]) && !ascii_is_digit(type.data[i]) &&
		    type.data[i] != '-' && type.data[i] != '_')
			return value;
	if (sign >= value.len || type.len > 40 || (type.len && ascii_is_digit(type.data[0])))
		return value;
	value = slice_from(value, sign + 1);
	return slice_eq_nocase(type, SLICE("x-unix")) && is_exit_code(value) ? SLICE_EMPTY : value;
}

/* "5.1.1 (no such user)": what stands in the brackets; or empty. */
static struct slice
comment_of_value(struct slice value)
{
	size_t open = slice_index(value, '('), close = slice_rindex(value, ')');

	return open < close && close < value.len ? slice_sub(value, open + 1, close - open - 1)
						 : SLICE_EMPTY;
}

/* Which of the fields names the recipient best: one with a domain, the final one first. */
static struct slice
recipient_of(const struct status_reader *s)
{
	struct slice first = SLICE_EMPTY;

	for (unsigned i = FIELD_FINAL; i <= FIELD_ACTUAL; i++) {
		struct slice address = address_of_value(s->values[i]);

		if (address_is_full(address))
			return address;
		first = first.len ? first : address;
	}
	return first;
}

static void
block_end(struct status_reader *s)
{
	struct reading *r = s->reading;
	struct slice recipient = recipient_of(s);
	bool told = s->values[FIELD_ACTION].data || s->values[FIELD_STATUS].data ||
		    s->values[FIELD_DIAGNOSTIC].data;
	struct draft *draft;

	if (s->values[FIELD_REPORTER].len && !r->bounce->reporter.len)
		r->bounce->reporter = host_of_value(s->values[FIELD_REPORTER]);
	if (s->named_only && !recipient.len)
		told = false;
	draft = told ? reading_draft_add(r, recipient) : NULL;
	if (draft) {
		draft->action = action_of_value(s->values[FIELD_ACTION], draft);
		draft->status = bounce_status_find(s->values[FIELD_STATUS]);
		draft->diagnostic = diagnostic_of_value(s->values[FIELD_DIAGNOSTIC]);
		draft->comment = comment_of_value(s->values[FIELD_STATUS]);
		if (!draft->comment.len)
			draft->comment = comment_of_value(s->values[FIELD_ACTION]);
		draft->remote = host_of_value(s->values[FIELD_REMOTE]);
		if (!draft->by_action)
			draft->action = draft->status.class == 2		 ? BOUNCE_DELIVERED
					: draft->status.class == 4 && r->waiting ? BOUNCE_DELAYED
										 : BOUNCE_FAILED;
	}
	for (unsigned i = 0; i < FIELD_MAX; i++)
		s->values[i] = SLICE_EMPTY;
	s->last = FIELD_MAX;
}

static void
field_add(struct status_reader *s, uint8_t field, struct slice value)
{
	struct slice *old = &s->values[field];

	/* A second recipient's begins without an empty line. */
	if ((field == FIELD_FINAL || field == FIELD_ORIGINAL) && old->data)
		block_end(s);
	s->last = field;
	if (!old->data || (field == FIELD_DIAGNOSTIC && slice_trim(*old).len == 0))
		*old = value;
	else
		s->last = FIELD_OTHER;
}

/* A line that goes on with the field before it; in a reply also one that is not folded. */
static bool
continues(const struct status_reader *s, struct slice line)
{
	return s->last != FIELD_MAX &&
	       (line.data[0] == ' ' || line.data[0] == '\t' || s->last == FIELD_DIAGNOSTIC);
}

bool
reading_is_prose(struct slice text)
{
	struct slice line, value;

	do
		line = slice_trim(slice_cut(&text, '\n'));
	while (text.data && (!line.len || slice_eq(line, SLICE("\r"))));
	return field_of_line(line, &value) == FIELD_MAX && slice_index(line, ' ') < line.len &&
	       slice_index(line, ' ') < slice_index(line, ':');
}

void
reading_status(struct reading *r, struct slice text, bool named_only)
{
	struct status_reader s = {.reading = r, .last = FIELD_MAX, .named_only = named_only};
	struct slice rest = text;

	while (rest.data) {
		struct slice line = slice_cut(&rest, '\n'), value, trimmed = slice_trim(line);
		bool folded = line.len && (line.data[0] == ' ' || line.data[0] == '\t');
		uint8_t field;

		if (!trimmed.len) {
			block_end(&s);
			continue;
		}
		field = folded && s.last != FIELD_MAX ? FIELD_MAX : field_of_line(trimmed, &value);
		if (field != FIELD_MAX) {
			field_add(&s, field, value);
		} else if (continues(&s, line)) {
			struct slice *old = &s.values[s.last];

			if (old->data && s.last != FIELD_OTHER)
				old->len = (size_t)(line.data + line.len - old->data);
		} else {
			s.last = FIELD_MAX;
		}
	}
	block_end(&s);
}

/* --- RFC 5965 --------------------------------------------------------------------------------- */

void
reading_feedback_add(struct reading *r, struct slice recipient, struct slice source)
{
	struct draft *draft = reading_draft_add(r, recipient);

	if (draft) {
		draft->action = BOUNCE_ANSWERED;
		draft->remote = source;
	}
}

void
reading_feedback(struct reading *r, struct slice text)
{
	static const char *const rcpt_names[] = {"original-rcpt-to:", "removal-recipient:"};
	struct slice source = reading_header(r, text, SLICE("Source-IP"));

	for (size_t i = 0; i < 2 && !r->draft_count; i++) {
		struct slice rest = text, name = slice_str(rcpt_names[i]);

		while (rest.data) {
			struct slice line = slice_cut(&rest, '\n');

			if (slice_starts_nocase(line, name))
				reading_feedback_add(
					r, address_of_value(slice_from(line, name.len)), source);
		}
	}
	if (!r->draft_count)
		reading_feedback_add(r, SLICE_EMPTY, source);
}
