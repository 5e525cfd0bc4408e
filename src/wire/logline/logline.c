/*
 * logline: takes the prefix off and asks the readers. A prefix is told by its tag, the word that
 * names the program: "postfix/smtp[123]:" after date and host (RFC 3164 and what journalctl
 * prints), or the fourth word of a line that begins as RFC 5424 wants ("<22>1 DATE HOST TAG PROCID
 * MSGID DATA"). Dates are not looked at. Without a tag each reader decides by the form of the line.
 */
#include "wire/logline/logline.h"

#include <string.h>

#include "base/assert.h"
#include "wire/logline/part.h"

/* Words in front of a tag: "Sat 2026-11-28 08:00:00 UTC host" and some. */
#define TAG_WORDS_MAX 8

static const char *const program_names[LOGLINE_PROGRAM_MAX] = {
	[LOGLINE_UNKNOWN] = "unknown",	     [LOGLINE_FRANK] = "frank",
	[LOGLINE_POSTFIX] = "postfix",	     [LOGLINE_EXIM] = "exim",
	[LOGLINE_MAILENABLE] = "mailenable", [LOGLINE_EXCHANGE] = "exchange",
	[LOGLINE_SENDMAIL] = "sendmail",
};

static const char *const action_names[LOGLINE_ACTION_MAX] = {
	[LOGLINE_NONE] = "none",	 [LOGLINE_SENT] = "sent",
	[LOGLINE_DEFERRED] = "deferred", [LOGLINE_BOUNCED] = "bounced",
	[LOGLINE_EXPIRED] = "expired",	 [LOGLINE_REJECTED] = "rejected",
};

const char *
logline_program_str(unsigned program)
{
	ASSERT(program < LOGLINE_PROGRAM_MAX);
	return program_names[program];
}

const char *
logline_action_str(unsigned action)
{
	ASSERT(action < LOGLINE_ACTION_MAX);
	return action_names[action];
}

struct slice
logline_reply(const struct logline *l)
{
	return slice_of(l->reply, l->reply_len);
}

/* --- the prefix ------------------------------------------------------------------------------- */

struct prefix {
	uint8_t program;     /* LOGLINE_UNKNOWN: no tag that says */
	struct slice daemon; /* behind the last slash of the tag */
	struct slice text;   /* behind the prefix */
};

static bool
is_postfix_daemon(struct slice name)
{
	static const char *const names[] = {"smtp",  "lmtp",	"error",  "retry",
					    "local", "virtual", "pipe",	  "qmgr",
					    "smtpd", "cleanup", "bounce", "postscreen"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (slice_eq(name, slice_str(names[i])))
			return true;
	}
	return false;
}

/* syslog_name may be anything: "postfix/smtp", "postfix-out/smtp", "outbound/smtp". */
static bool
tag_read(struct slice tag, struct prefix *ret_prefix)
{
	size_t slash = slice_rindex(tag, '/');

	if (slash < tag.len && (slice_starts(tag, SLICE("postfix")) ||
				is_postfix_daemon(slice_from(tag, slash + 1)))) {
		ret_prefix->program = LOGLINE_POSTFIX;
		ret_prefix->daemon = slice_from(tag, slash + 1);
		return true;
	}
	if (slice_eq(tag, SLICE("exim")) || slice_eq(tag, SLICE("exim4"))) {
		ret_prefix->program = LOGLINE_EXIM;
		return true;
	}
	if (slice_eq(tag, SLICE("sendmail")) || slice_eq(tag, SLICE("sm-mta")) ||
	    slice_eq(tag, SLICE("sm-msp-queue"))) {
		ret_prefix->program = LOGLINE_SENDMAIL;
		return true;
	}
	return false;
}

/* "tag[123]:" or "tag:". */
static struct slice
tag_of_word(struct slice word)
{
	size_t open = slice_index(word, '[');

	if (!word.len || word.data[word.len - 1] != ':')
		return SLICE_EMPTY;
	word.len--;
	if (open < word.len && word.data[word.len - 1] == ']')
		return slice_sub(word, 0, open);
	return word;
}

static bool
prefix_by_tag(struct slice rest, struct prefix *ret_prefix)
{
	for (unsigned i = 0; i < TAG_WORDS_MAX && rest.len; i++) {
		if (!tag_read(tag_of_word(part_word(&rest)), ret_prefix))
			continue;
		ret_prefix->text = rest;
		return true;
	}
	return false;
}

/* Structured data: "-" or [id name="value"]..., in whose values \ escapes. */
static struct slice
behind_structured(struct slice rest)
{
	bool quoted = false, open = false;
	size_t i = 0;

	if (!rest.len || rest.data[0] != '[')
		return slice_from(rest, 1);
	for (; i < rest.len && (open || quoted || rest.data[i] == '['); i++) {
		if (quoted && rest.data[i] == '\\')
			i++;
		else if (rest.data[i] == '"')
			quoted = !quoted;
		else if (!quoted)
			open = rest.data[i] != ']';
	}
	return slice_from(rest, i);
}

/* RFC 5424 6: "<22>1 DATE HOST TAG PROCID MSGID DATA TEXT". */
static bool
prefix_5424(struct slice line, struct prefix *ret_prefix)
{
	struct slice rest = line, tag, version = part_word(&rest);

	if (version.len < 4 || version.data[0] != '<' ||
	    !slice_eq(slice_from(version, version.len - 2), SLICE(">1")))
		return false;
	part_word(&rest);
	part_word(&rest);
	tag = part_word(&rest);
	part_word(&rest);
	part_word(&rest);
	if (!tag_read(tag, ret_prefix))
		return false;
	rest = slice_trim(behind_structured(rest));
	ret_prefix->text = slice_starts(rest, SLICE("\xef\xbb\xbf")) ? slice_from(rest, 3) : rest;
	return true;
}

/* --- all of it -------------------------------------------------------------------------------- */

static struct slice
line_of(struct slice line)
{
	line = slice_sub(line, 0, LOGLINE_MAX);
	while (line.len && memchr("\r\n", line.data[line.len - 1], 2))
		line.len--;
	while (line.len && memchr(" \t\r\n", line.data[0], 4))
		line = slice_from(line, 1);
	return line;
}

/* A tag names the program, whatever the reader finds in the text. */
static uint8_t
read_any(struct slice line, struct slice fields, struct logline *l)
{
	struct prefix p = {.text = line};

	if (!prefix_5424(line, &p) && !prefix_by_tag(line, &p))
		p.program = LOGLINE_UNKNOWN;
	if (p.program == LOGLINE_POSTFIX)
		postfix_read(p.daemon, p.text, l);
	else if (p.program == LOGLINE_EXIM)
		exim_read(p.text, l);
	else if (p.program == LOGLINE_SENDMAIL)
		sendmail_read(p.text, l);
	else if (frank_read(line, l))
		return LOGLINE_FRANK;
	else if (exchange_read(line, fields, l))
		return LOGLINE_EXCHANGE;
	else if (mailenable_read(line, l))
		return LOGLINE_MAILENABLE;
	else if (exim_read(line, l))
		return LOGLINE_EXIM;
	else if (postfix_read(SLICE_EMPTY, line, l))
		return LOGLINE_POSTFIX;
	return p.program;
}

void
logline_read(struct slice line, struct slice fields, struct logline *ret_logline)
{
	struct logline *l = ret_logline;

	memset(l, 0, offsetof(struct logline, reply));
	l->stage = VERDICT_STAGE_MAX;
	l->program = read_any(line_of(line), line_of(fields), l);
	/* A reader that says no has set nothing. */
	ASSERT(l->program || (!l->action && !l->reply_len && !l->recipient.len && !l->tag.len));
}
