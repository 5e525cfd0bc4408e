/*
 * explain_content: what a file holds, by its first lines: log lines, replies, a mail, a mailbox of
 * mails, or what was copied out of a mail.
 */
#include "tool/explain.h"

#define LOG_LINES_OF_OTHERS_MAX 1000
#define BINARY_LOOK_BYTES 64 /* in which no text has a zero byte */
#define UTF16_PAIR_GROWTH 3  /* bytes that two become at most */
#define UTF16_ROOMS 3	     /* as the text's room is doubled till it fits, and the old ones stay */
#define MAIL_ARENA_BYTES (BOUNCE_ARENA_BYTES + MIME_MESSAGE_MAX + 64)

/* --- bytes ------------------------------------------------------------------------------------ */

/* What Windows calls Unicode. */
static int
utf16_text(struct explain *ex, const char *file, struct slice content, explain_content_fn *fn)
{
	const struct charset_hook hook = charset_iconv_hook(&ex->iconv);
	size_t most = (content.len / 2 + 1) * UTF16_PAIR_GROWTH;
	struct arena arena;
	struct builder b;
	int exit_code;

	arena_init(&arena, rt_mem(ex->tool->rt), UTF16_ROOMS * most + MIME_MESSAGE_MAX);
	builder_init_arena(&b, &arena, most);
	charset_convert(&b, SLICE("utf-16"), content, &hook);
	exit_code = b.failed ? explain_complain(ex, file, ": not enough memory to read this text",
						TOOL_EXIT_SOFTWARE)
			     : fn(ex, file, builder_slice(&b));
	arena_finish(&arena);
	return exit_code;
}

int
explain_as_text(struct explain *ex, const char *file, struct slice content, explain_content_fn *fn)
{
	struct slice begin = slice_sub(content, 0, BINARY_LOOK_BYTES);

	if (slice_starts(content, SLICE("\xff\xfe")) || slice_starts(content, SLICE("\xfe\xff")))
		return utf16_text(ex, file, content, fn);
	if (slice_index(begin, 0) < begin.len)
		return explain_complain(
			ex, file,
			": this is no text: save the mail as a text file (.eml), or "
			"copy what it says into one",
			TOOL_EXIT_DATA);
	if (slice_starts(content, SLICE("\xef\xbb\xbf")))
		content = slice_from(content, 3);
	return fn(ex, file, content);
}

/* --- mails ------------------------------------------------------------------------------------ */

static void
mail_put(struct explain *ex, const char *file)
{
	bool tells;
	size_t count;

	tells = (ex->bounce.kind == BOUNCE_FAILURE || ex->bounce.kind == BOUNCE_DELAY) &&
		ex->bounce.rcpt_count;
	count = ex->bounce.rcpt_count ? ex->bounce.rcpt_count : 1;
	for (size_t i = 0; i < count; i++) {
		if (tells)
			explain_returned(&ex->bounce, i, ex->set, &ex->match, &ex->explained);
		else
			explain_no_bounce(&ex->bounce, i, ex->set, &ex->explained);
		explain_put(ex, file);
	}
}

static bool
is_field_line(struct slice line)
{
	size_t colon = slice_index(line, ':');

	for (size_t i = 0; i < colon && colon < line.len; i++) {
		if (line.data[i] <= ' ' || line.data[i] > '~')
			return false;
	}
	return colon > 0 && colon < line.len;
}

/* "From ann@example.org Sat Nov 28 10:00:00 2026", before each mail of a mailbox file (RFC 4155): a
 * time and a year, in whatever order. */
static bool
is_mailbox_line(struct slice line)
{
	size_t colon = slice_index(line, ':');
	uint64_t year;

	if (!slice_starts(line, SLICE("From ")) || colon == line.len ||
	    !ascii_is_digit(line.data[colon - 1]))
		return false;
	while (line.len) {
		struct slice word = slice_cut(&line, ' ');

		if (word.len == 4 && slice_to_u64(word, 9999, &year))
			return true;
	}
	return false;
}

/* A mail has one of these fields; what has none of them before its first empty line was taken out
 * of a mail: its text, a block of its report, a line. */
static bool
has_header(struct slice content)
{
	static const char *const fields[] = {
		"From:",	"To:",	       "Subject:",	"Date:",	 "Received:",
		"Return-Path:", "Message-ID:", "MIME-Version:", "Delivered-To:", "Content-Type:"};
	struct slice line;

	content = slice_sub(content, 0, MIME_HEADER_MAX);
	line = explain_next_line(&content);
	if (is_mailbox_line(line))
		line = explain_next_line(&content);
	if (!is_field_line(line))
		return false;
	for (; line.len; line = explain_next_line(&content)) {
		for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
			if (slice_starts_nocase(line, slice_str(fields[i])))
				return true;
	}
	return false;
}

static int
mail_input(struct explain *ex, const char *file, struct slice content)
{
	const struct charset_hook hook = charset_iconv_hook(&ex->iconv);
	struct slice text;
	struct builder b;
	bool header, failed;

	arena_init(&ex->arena, rt_mem(ex->tool->rt), MAIL_ARENA_BYTES);
	content = slice_sub(content, 0, MIME_MESSAGE_MAX - 1);
	builder_init_arena(&b, &ex->arena, MIME_MESSAGE_MAX);
	builder_byte(&b, '\n'); /* the end of an empty header, where there is none */
	mime_lines(&b, content);
	text = slice_from(builder_slice(&b), 1);
	header = has_header(text);
	failed = b.failed ||
		 !bounce_read(header ? text : builder_slice(&b), &hook, &ex->arena, &ex->bounce);
	if (!failed && !header && ex->bounce.kind == BOUNCE_NONE)
		explain_reply(ex, slice_trim(content), file);
	else if (!failed)
		mail_put(ex, file);
	arena_finish(&ex->arena);
	return failed ? explain_complain(ex, file, ": not enough memory to read this mail",
					 TOOL_EXIT_SOFTWARE)
		      : 0;
}

/* The first mail of a mailbox file, which is taken off. */
static struct slice
mailbox_next(struct slice *rest)
{
	struct slice all = *rest;

	explain_next_line(rest);
	while (rest->len) {
		struct slice at = *rest, line = explain_next_line(rest), next = *rest;

		if (is_mailbox_line(line) && is_field_line(explain_next_line(&next))) {
			*rest = at;
			break;
		}
	}
	return slice_sub(all, 0, all.len - rest->len);
}

static int
mailbox_input(struct explain *ex, const char *file, struct slice content)
{
	int exit_code = 0;

	while (content.len && !exit_code)
		exit_code = mail_input(ex, file, mailbox_next(&content));
	return exit_code;
}

/* --- log lines -------------------------------------------------------------------------------- */

/* Lines that tell the fate of a mail; the others have nothing to explain. */
static void
log_input(struct explain *ex, const char *file, struct slice content)
{
	struct slice fields = SLICE_EMPTY;

	while (content.len) {
		struct slice line = explain_next_line(&content);

		logline_read(line, fields, &ex->logline);
		if (ex->logline.header)
			fields = line;
		if (ex->logline.program == LOGLINE_UNKNOWN || ex->logline.action == LOGLINE_NONE)
			continue;
		explain_logline(&ex->logline, ex->set, &ex->match, &ex->explained);
		explain_put(ex, file);
	}
}

/* "host x said: 550 no" without the name of a program stands in bounces as well. */
bool
explain_is_log_line(struct explain *ex, struct slice line)
{
	const struct logline *l = &ex->logline;

	logline_read(line, SLICE_EMPTY, &ex->logline);
	if (l->action == LOGLINE_NONE && l->reply_len && !l->tag.len)
		return false;
	return l->program != LOGLINE_UNKNOWN || l->header;
}

/* A log of a whole machine begins with lines of others. */
static bool
is_log(struct explain *ex, struct slice content)
{
	for (size_t i = 0; i < LOG_LINES_OF_OTHERS_MAX && content.len; i++) {
		if (explain_is_log_line(ex, explain_next_line(&content)))
			return true;
	}
	return false;
}

/* --- by content ------------------------------------------------------------------------------- */

static bool
is_reply_line(struct slice line)
{
	uint64_t code;

	return line.len > 3 && slice_to_u64(slice_sub(line, 0, 3), 599, &code) && code >= 200 &&
	       (line.data[3] == ' ' || line.data[3] == '-');
}

static int
text_input(struct explain *ex, const char *file, struct slice content)
{
	struct slice rest = content, first = slice_trim(explain_next_line(&rest));

	/* Empty lines before it are none of it: a header would end at the first. */
	while (rest.len && !first.len) {
		content = rest;
		first = slice_trim(explain_next_line(&rest));
	}
	if (!first.len) {
		return explain_complain(ex, file, ": nothing to explain, it is empty",
					TOOL_EXIT_DATA);
	}
	if (is_reply_line(first)) {
		explain_reply(ex, content, file);
		return 0;
	}
	if (is_mailbox_line(first))
		return mailbox_input(ex, file, content);
	if (explain_is_log_line(ex, first) || (!is_field_line(first) && is_log(ex, rest))) {
		log_input(ex, file, content);
		return 0;
	}
	return mail_input(ex, file, content);
}

int
explain_content(struct explain *ex, const char *file, struct slice content)
{
	return explain_as_text(ex, file, content, text_input);
}
