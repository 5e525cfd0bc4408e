/*
 * redact_body: many bounces are one text in which the returned message follows the report. It
 * begins behind a line that says so ("--- Below this line is a copy of the message."), or with a
 * field that only a message has at the start of a line (Received, Return-Path). Its header is
 * treated as a header, its body is left out to the end of the part: whatever may follow there, it
 * cannot be told from the body. Lines that are quoted with ">" are the sender's, too; those with
 * ">>>" and "<<<" are a dialogue of servers.
 */
#include <string.h>

#include "rule/redact/redact_impl.h"
#include "wire/message/mime.h"
#include "wire/message/mime_field.h"

#define STR(literal)                                                                               \
	{                                                                                          \
		(const uint8_t *)(literal), sizeof(literal) - 1                                    \
	}
#define RULER_MIN 2 /* of "--" before or behind the words of a marker */

enum state {
	REPORT, /* what is to be shown */
	MARKED, /* a line has said that the message follows */
	HEADER, /* of the returned message */
	GONE	/* its body */
};

struct body {
	struct redact *r;
	uint8_t state;
	bool ruled;		  /* the marker had a ruler: it is one for sure */
	bool noted;		  /* what is left out has been said */
	bool quoted;		  /* the line before was, and it has been said */
	bool subject;		  /* the line before was a subject: it may go on */
	size_t indent;		  /* of the header's first line, or of that subject */
	struct slice name, value; /* of the field that is being gathered */
};

static const struct slice markers[] = {
	STR("copy of the message"),	STR("copy of your message"),
	STR("copy of the original"),	STR("copy of the returned"),
	STR("original message"),	STR("unsent message"),
	STR("message contents follow"), STR("message headers follow"),
	STR("message text follow"),	STR("returned message"),
	STR("undelivered message"),	STR("message header follow"),
	STR("header of the original"),	STR("headers of the original"),
	STR("message header"),		STR("text of your message"),
	STR("your message reads"),
};

static const struct slice message_fields[] = {
	STR("received"),
	STR("return-path"),
	STR("mime-version"),
	STR("dkim-signature"),
	STR("x-received"),
	STR("arc-seal"),
	STR("received-spf"),
	STR("content-transfer-encoding"),
	STR("domainkey-signature"),
	STR("authentication-results"),
};

static bool
is_any(struct slice name, const struct slice *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (slice_eq_nocase(name, list[i]))
			return true;
	}
	return false;
}

static size_t
indent_of(struct slice line)
{
	size_t indent = 0;

	while (indent < line.len && (line.data[indent] == ' ' || line.data[indent] == '\t'))
		indent++;
	return indent;
}

static bool
is_ruler(uint8_t byte)
{
	return byte == '-' || byte == '=' || byte == '*' || byte == '_' || byte == '#' ||
	       byte == '|' || byte == '+';
}

/* A line that says what follows: with a ruler, or with "follow" or a colon at its end. */
static bool
is_marker(struct slice line, bool *ret_ruled)
{
	bool found = false;

	line = slice_trim(line);
	for (size_t i = 0; i < sizeof(markers) / sizeof(markers[0]) && !found; i++)
		found = slice_find_nocase(line, markers[i]) < line.len;
	if (!found)
		return false;
	*ret_ruled = line.len > RULER_MIN && is_ruler(line.data[0]) && is_ruler(line.data[1]);
	return *ret_ruled || line.data[line.len - 1] == ':' ||
	       slice_find_nocase(line, SLICE("follow")) < line.len;
}

static void
line_build(struct body *body, struct slice line)
{
	redact_line(body->r, line);
	builder_byte(&body->r->out, '\n');
}

static void
note_build(struct body *body)
{
	if (!body->noted)
		builder_str(&body->r->out, "[the returned message was left out]\n");
	body->noted = true;
}

/* --- the header of the returned message --------------------------------------------------------
 */

static void
field_end(struct body *body)
{
	if (body->name.len)
		redact_field(body->r, body->name, body->value, REDACT_PLACE_RETURNED);
	body->name = SLICE_EMPTY;
}

/* A continuation line belongs to the field; anything else that is no field ends the header. */
static void
header_line(struct body *body, struct slice line)
{
	size_t indent = indent_of(line);
	struct slice own = slice_from(line, indent < body->indent ? indent : body->indent);

	if (body->name.len && own.len && indent > body->indent) {
		body->value.len = (size_t)(line.data + line.len - body->value.data);
		return;
	}
	field_end(body);
	if (mime_field_split(own, &body->name, &body->value))
		return;
	body->name = SLICE_EMPTY;
	body->state = GONE;
	builder_byte(&body->r->out, '\n');
	note_build(body);
}

/* --- the report ------------------------------------------------------------------------------- */

static bool
is_quoted(struct slice line)
{
	return slice_starts(line, SLICE(">")) && !slice_starts(line, SLICE(">>>"));
}

/* Lines that only a report has: it may be what is quoted, since people forward bounces. */
static bool
is_report(struct slice line)
{
	static const struct slice fields[] = {
		STR("reporting-mta"),  STR("final-recipient"), STR("original-recipient"),
		STR("action"),	       STR("status"),	       STR("remote-mta"),
		STR("diagnostic-code")};
	struct slice name, value;

	while (line.len && memchr("> \t<", line.data[0], 4))
		line = slice_from(line, 1);
	if (mime_field_split(line, &name, &value) &&
	    is_any(name, fields, sizeof(fields) / sizeof(fields[0])))
		return true;
	if (slice_starts(line, SLICE("(reason: ")) || slice_starts(line, SLICE("-----")))
		return true;
	return line.len > 3 && (line.data[0] == '4' || line.data[0] == '5') &&
	       ascii_is_digit(line.data[1]) && ascii_is_digit(line.data[2]) &&
	       (line.data[3] == ' ' || line.data[3] == '-');
}

/* What is said of the message in the report: "Subject: ...", "To: ...". */
static bool
about_line(struct body *body, struct slice line)
{
	size_t indent = indent_of(line);
	struct slice name, value;

	if (!mime_field_split(slice_from(line, indent), &name, &value) ||
	    !redact_is_about_message(name))
		return false;
	builder_add(&body->r->out, slice_sub(line, 0, indent));
	redact_field(body->r, name, value, REDACT_PLACE_RETURNED);
	body->subject = slice_ends_nocase(name, SLICE("subject"));
	body->indent = indent;
	return true;
}

static void
report_line(struct body *body, struct slice line)
{
	size_t indent = indent_of(line);
	struct slice name = SLICE_EMPTY, value;
	bool subject = body->subject;

	body->subject = false;
	if (is_quoted(line) && !is_report(line)) {
		if (!body->quoted)
			builder_str(&body->r->out, "> " REDACT_LEFT_OUT "\n");
		body->quoted = true;
		return;
	}
	body->quoted = false;
	if (mime_field_split(slice_from(line, indent), &name, &value) &&
	    is_any(name, message_fields, sizeof(message_fields) / sizeof(message_fields[0]))) {
		body->state = HEADER;
		body->indent = indent;
		header_line(body, line);
		return;
	}
	/* a header may begin with fields of filters */
	if (slice_starts_nocase(name, SLICE("x-")) && !indent && !redact_is_listed(name))
		return;
	if (about_line(body, line))
		return;
	if (subject && indent > body->indent && indent < line.len)
		return; /* its second line */
	line_build(body, line);
	if (is_marker(line, &body->ruled))
		body->state = MARKED;
}

/* The first line behind a marker decides, but where a ruler did already. */
static void
marked_line(struct body *body, struct slice line)
{
	size_t indent = indent_of(line);
	struct slice name, value;

	if (indent == line.len) {
		builder_byte(&body->r->out, '\n');
		return;
	}
	if (mime_field_split(slice_from(line, indent), &name, &value)) {
		body->state = HEADER;
		body->indent = indent;
		header_line(body, line);
	} else if (body->ruled) {
		body->state = GONE;
		note_build(body);
	} else {
		body->state = REPORT;
		report_line(body, line);
	}
}

void
redact_body(struct redact *r, struct slice text)
{
	static void (*const lines[])(struct body *, struct slice) = {
		[REPORT] = report_line, [MARKED] = marked_line, [HEADER] = header_line};
	struct body body = {.r = r};
	struct slice line;

	while (body.state != GONE && mime_line_next(&text, &line))
		lines[body.state](&body, line);
	if (body.state == HEADER) {
		field_end(&body);
		note_build(&body);
	}
}
