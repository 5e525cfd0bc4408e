/*
 * facts: the code is that of the last line that begins with one, as in SMTP, but of no line behind
 * a refusal's end; in a text that begins with other words it is the first that looks like a code
 * with words behind it. The status stands behind the code, or somewhere in the text behind "#", "("
 * or a blank. Servers that quote a reply say at which command it came ("in reply to RCPT TO"); and
 * a reply whose first line is a host name alone is a greeting (RFC 5321 3.1).
 */
#include "rule/normal/facts.h"

#include "base/assert.h"
#include "rule/normal/token.h"
#include "wire/text/clean.h"

#define CODE_DIGITS 3
#define CODE_REFUSED_MIN 400
#define STATUS_LEN_MAX 9
/* Judged in place of a code that is not known; no rule speaks of these. */
#define CODE_LATER 450
#define CODE_NEVER 550

static uint16_t
class_of(struct slice s, size_t at)
{
	return at < s.len ? token_classes[s.data[at]] : TOKEN_BLANK;
}

/* 200 to 599 at the start of text with a blank, hyphen or nothing behind it; else 0. */
static uint16_t
code_at(struct slice text)
{
	uint64_t code;

	if (!slice_to_u64(slice_sub(text, 0, CODE_DIGITS), 599, &code) || code < 200 ||
	    text.len < CODE_DIGITS)
		return 0;
	if (!(class_of(text, CODE_DIGITS) & TOKEN_BLANK) && text.data[CODE_DIGITS] != '-')
		return 0;
	return (uint16_t)code;
}

static struct verdict_status
status_of(struct slice s)
{
	struct verdict_status status = {.class = (uint8_t)(s.data[0] - '0')};
	uint64_t number;
	bool good;

	ASSERT(token_is_status(s));
	s = slice_from(s, 2);
	good = slice_to_u64(slice_cut(&s, '.'), 999, &number);
	status.subject = (uint16_t)number;
	good = good && slice_to_u64(s, 999, &number);
	ASSERT(good);
	status.detail = (uint16_t)number;
	return status;
}

/* The status that begins at the index and is a token of its own; class 0 for none. */
static struct verdict_status
status_at(struct slice text, size_t at)
{
	size_t end = at;

	while (end < text.len && end <= at + STATUS_LEN_MAX &&
	       (token_classes[text.data[end]] & (TOKEN_DIGIT | TOKEN_DOT)))
		end++;
	if (end > at && text.data[end - 1] == '.')
		end--;
	if ((class_of(text, end) & (TOKEN_LETTER | TOKEN_DIGIT)) ||
	    !token_is_status(slice_sub(text, at, end - at)))
		return (struct verdict_status){0};
	return status_of(slice_sub(text, at, end - at));
}

/* The first one anywhere that is no part of a longer number. */
static struct verdict_status
status_find(struct slice text)
{
	struct verdict_status status = {0};

	for (size_t dot = slice_index(text, '.'); dot + 3 < text.len && !status.class;
	     dot += 1 + slice_index(slice_from(text, dot + 1), '.')) {
		if (dot == 1 || (dot > 1 && !(token_classes[text.data[dot - 2]] & TOKEN_BYTE)))
			status = status_at(text, dot - 1);
	}
	return status;
}

static size_t
blanks(struct slice text, size_t at)
{
	while (at < text.len && (token_classes[text.data[at]] & TOKEN_BLANK))
		at++;
	return at;
}

/* Of all lines, as SMTP has it: code and status of the last one that has them. A refusal ends with
 * a line without a hyphen: another code behind it is of another reply, or a number where a line was
 * broken ("over the limit of", "250 MB"). */
static void
read_lines(struct slice text, uint16_t *code, struct verdict_status *status)
{
	struct slice line;
	bool ended = false;

	while (clean_line_next(&text, &line)) {
		size_t from = blanks(line, 0);
		uint16_t got = code_at(slice_from(line, from));
		struct verdict_status behind = {0};

		if (!got || (ended && got != *code))
			continue;
		if (got >= CODE_REFUSED_MIN &&
		    !slice_starts(slice_from(line, from + CODE_DIGITS), SLICE("-")))
			ended = true;
		*code = got;
		behind = status_at(line, blanks(line, from + CODE_DIGITS + 1));
		if (behind.class)
			*status = behind;
	}
}

/* A code inside a text of other words: "host x said: 550 5.1.1 no". */
static uint16_t
code_find(struct slice text)
{
	for (size_t i = 1; i + CODE_DIGITS < text.len; i++) {
		uint16_t code;

		if (text.data[i] < '4' || text.data[i] > '5' ||
		    (token_classes[text.data[i - 1]] & TOKEN_BYTE))
			continue;
		code = code_at(slice_from(text, i));
		if (code >= 400 && code % 100 / 10 <= 5)
			return code;
	}
	return 0;
}

/* --- the stage -------------------------------------------------------------------------------- */

/* How Postfix and Exim name the command that a reply answered. */
static const struct {
	struct slice words;
	uint8_t stage;
} commands[] = {
#define SAID(words, NAME)                                                                          \
	{                                                                                          \
		{(const uint8_t *)(words), sizeof(words) - 1}, VERDICT_STAGE_##NAME                \
	}
	SAID("connect", GREETING),  SAID("initial connection", GREETING),
	SAID("helo", HELLO),	    SAID("ehlo", HELLO),
	SAID("starttls", TLS),	    SAID("auth ", LOGIN),
	SAID("mail from", SENDER),  SAID("rcpt to", RECIPIENT),
	SAID("end of data", FINAL), SAID("data", DATA),
#undef SAID
};

/* The stage of the command that text begins with. */
static enum verdict_stage
stage_at(struct slice text)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (slice_starts_nocase(text, commands[i].words))
			return commands[i].stage;
	}
	return VERDICT_STAGE_MAX;
}

/* What stands behind the lead, which is looked for by a letter of it that is rare. */
static struct slice
behind_lead(struct slice text, struct slice lead, size_t rare)
{
	for (size_t at = rare; at < text.len; at++) {
		at += slice_index(slice_from(text, at), lead.data[rare]);
		if (slice_starts_nocase(slice_from(text, at - rare), lead))
			return slice_from(text, at - rare + lead.len);
	}
	return SLICE_EMPTY;
}

static enum verdict_stage
stage_find(struct slice text)
{
	static const struct {
		struct slice words;
		size_t rare;
	} leads[] = {
		{{(const uint8_t *)"in reply to ", 12}, 7},			     /* y */
		{{(const uint8_t *)"error from remote mail server after ", 36}, 26}, /* v */
	};

	for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
		struct slice behind = behind_lead(text, leads[i].words, leads[i].rare);

		if (behind.len)
			return stage_at(behind);
	}
	return VERDICT_STAGE_MAX;
}

/* "554-mx.example" and then the same code again: on a line of its own, or where lines were joined
 * by blanks. */
static bool
is_greeting(struct slice text)
{
	uint16_t code = code_at(text);
	size_t end = CODE_DIGITS + 1, next;
	enum normal_kind kind;

	if (code != 554 || text.len == CODE_DIGITS || text.data[CODE_DIGITS] != '-')
		return false;
	while (end < text.len && (token_classes[text.data[end]] & TOKEN_BYTE))
		end++;
	next = blanks(text, end);
	return next > end && end > CODE_DIGITS + 1 &&
	       token_form(slice_sub(text, CODE_DIGITS + 1, end - CODE_DIGITS - 1), &kind) ==
		       TOKEN_FORM_FIELD &&
	       kind == NORMAL_HOST && code_at(slice_from(text, next)) == code;
}

enum verdict_stage
facts_stage_of_name(struct slice name)
{
	unsigned stage = 0;

	while (stage < VERDICT_STAGE_MAX && !slice_eq(name, slice_str(verdict_stage_str(stage))))
		stage++;
	return (enum verdict_stage)stage;
}

/* --- all of it -------------------------------------------------------------------------------- */

static void
read_stage(struct facts *e, uint8_t stage)
{
	if (stage == VERDICT_STAGE_MAX && is_greeting(e->verdict.reply))
		stage = VERDICT_STAGE_GREETING;
	if (stage == VERDICT_STAGE_MAX)
		stage = (uint8_t)stage_find(e->verdict.reply);
	e->stage_known = stage != VERDICT_STAGE_MAX;
	e->verdict.stage = e->stage_known ? stage : VERDICT_STAGE_RECIPIENT;
}

static uint8_t
class_of_digit(unsigned digit)
{
	return digit == 5 ? VERDICT_NEVER : digit == 4 ? VERDICT_LATER : VERDICT_OK;
}

static void
read_code(struct facts *e, const struct facts_given *given)
{
	struct verdict *v = &e->verdict;

	read_lines(v->reply, &v->code, &v->status);
	if (!v->code)
		v->code = code_find(v->reply);
	if (!v->code)
		v->code = given->code;
	if (!v->status.class)
		v->status = status_find(v->reply);
	/* A status of another class than the code says nothing for sure (wire/smtp/reply.h). */
	if (v->code && v->status.class != v->code / 100)
		v->status = (struct verdict_status){0};
	if (!v->status.class && (!v->code || given->status.class == v->code / 100))
		v->status = given->status;
	e->code_known = v->code != 0;
	e->class_known = v->code || v->status.class;
	if (v->code)
		v->class = class_of_digit(v->code / 100);
	else if (v->status.class)
		v->class = class_of_digit(v->status.class);
	else
		v->class = VERDICT_NEVER;
}

enum verdict_stage
facts_stage_of_command(struct slice command)
{
	return stage_at(slice_trim(command));
}

/*
 * "host mx.example.org[192.0.2.1] said: 550 ...", "...after RCPT TO:<x>: host mx.example.org
 * [192.0.2.1]: 550 ...": where the words of the other side begin, and who said them. What stands
 * before is about us and them, not by them.
 */
static struct slice
words_begin(struct slice text, struct slice *ret_host)
{
	struct slice before;
	size_t host, end = 0;

	if (!slice_starts(text, SLICE("host ")) &&
	    !slice_starts(text, SLICE("SMTP error from remote")))
		return text;
	host = slice_find(text, SLICE("host "));
	for (size_t i = host; i + 2 < text.len; i++) {
		if (text.data[i] != ':' || text.data[i + 1] != ' ' ||
		    code_at(slice_from(text, i + 2)) < 400)
			continue;
		before = slice_sub(text, host + 5, i - host - 5);
		while (end < before.len && (class_of(before, end) & TOKEN_BYTE))
			end++;
		*ret_host = slice_sub(before, 0, end);
		return slice_from(text, i + 2);
	}
	return text;
}

void
facts_read(struct slice text, const struct facts_given *given, struct facts *ret_facts)
{
	struct facts *e = ret_facts;
	struct verdict *v = &e->verdict;
	struct slice host = SLICE_EMPTY;

	ASSERT(given->stage <= VERDICT_STAGE_MAX);
	e->verdict = (struct verdict){.reply = slice_sub(text, 0, VERDICT_REPLY_MAX),
				      .host = given->host};
	e->mx = given->mx;
	e->reporter = given->reporter;
	e->empty = blanks(v->reply, 0) == v->reply.len;
	read_code(e, given);
	read_stage(e, given->stage);
	normalise(words_begin(v->reply, &host), v->code, v->status, &e->normal);
	if (!v->host.len)
		v->host = host;
	if (!e->class_known && e->normal.again)
		v->class = VERDICT_LATER;
	if (!e->code_known)
		v->code = v->class == VERDICT_LATER ? CODE_LATER : CODE_NEVER;
}
