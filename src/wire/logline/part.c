/*
 * part: a reply that a log has put on one line becomes lines again. Postfix and MailEnable join
 * them by a blank ("550-5.1.1 no 550 5.1.1 such"), Exim writes \n. Stages are told by words that
 * all programs use in one way or another: the commands of SMTP and some names of moments.
 */
#include "wire/logline/part.h"

#include <string.h>

#define CODE_DIGITS 3
#define STATUS_NUMBER_MAX 999

/* --- text ------------------------------------------------------------------------------------- */

struct slice
part_behind(struct slice text, struct slice needle)
{
	size_t at = slice_find(text, needle);

	return at < text.len ? slice_from(text, at + needle.len) : SLICE_EMPTY;
}

struct slice
part_between(struct slice text, struct slice needle, uint8_t end)
{
	struct slice rest = part_behind(text, needle);
	size_t at = slice_index(rest, end);

	return at < rest.len ? slice_sub(rest, 0, at) : SLICE_EMPTY;
}

struct slice
part_word(struct slice *rest)
{
	size_t end = 0;
	struct slice word;

	*rest = slice_trim(*rest);
	while (end < rest->len && rest->data[end] != ' ' && rest->data[end] != '\t')
		end++;
	word = slice_sub(*rest, 0, end);
	*rest = slice_trim(slice_from(*rest, end));
	return word;
}

bool
part_all_digits(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!ascii_is_digit(s.data[i]))
			return false;
	}
	return s.len != 0;
}

uint16_t
part_code(struct slice text)
{
	uint64_t code;

	if (!part_all_digits(slice_sub(text, 0, CODE_DIGITS)) ||
	    !slice_to_u64(slice_sub(text, 0, CODE_DIGITS), 599, &code) || code < 200 ||
	    (text.len > CODE_DIGITS && !memchr(" -\t\n", text.data[CODE_DIGITS], 4)))
		return 0;
	return (uint16_t)code;
}

struct verdict_status
part_status(struct slice s)
{
	struct slice klass = slice_cut(&s, '.'), subject = slice_cut(&s, '.');
	uint64_t a, b, c;

	if (!slice_to_u64(klass, 5, &a) || !slice_to_u64(subject, STATUS_NUMBER_MAX, &b) ||
	    !slice_to_u64(s, STATUS_NUMBER_MAX, &c) || a < 2 || a == 3)
		return (struct verdict_status){0};
	return (struct verdict_status){(uint8_t)a, (uint16_t)b, (uint16_t)c};
}

/* --- the reply -------------------------------------------------------------------------------- */

/* "550-" or "550 " at the start of text, by the code that the joined lines share. */
static bool
line_begins(struct slice text, struct slice code)
{
	return code.len && slice_starts(text, code) && text.len > code.len &&
	       (text.data[code.len] == '-' || text.data[code.len] == ' ');
}

static bool
is_blank(uint8_t byte)
{
	return byte == ' ' || byte == '\t';
}

/* code: of a reply whose lines may be joined; empty otherwise. */
static void
reply_copy(struct logline *l, struct slice text, struct slice code)
{
	for (size_t i = 0; i < text.len && l->reply_len < sizeof(l->reply); i++) {
		struct slice next = slice_from(text, i + 1);
		uint8_t byte = text.data[i];

		if (byte == '\\' && next.len && next.data[0] == 'n') {
			byte = '\n';
			i++;
		} else if (is_blank(byte) && line_begins(next, code)) {
			if (next.data[code.len] == ' ') /* the last of them */
				code = SLICE_EMPTY;
			byte = '\n';
		}
		l->reply[l->reply_len++] = byte;
	}
}

/* The status behind the code of the first line: "5.1.1", "#5.1.1", "(#5.1.1)". */
static struct verdict_status
status_behind(struct slice text)
{
	size_t end = 0;

	text = slice_from(text, CODE_DIGITS + 1);
	while (text.len && memchr(" #(", text.data[0], 3))
		text = slice_from(text, 1);
	while (end < text.len && (ascii_is_digit(text.data[end]) || text.data[end] == '.'))
		end++;
	return part_status(slice_sub(text, 0, end));
}

void
part_reply_set(struct logline *l, struct slice text)
{
	struct slice code = SLICE_EMPTY, reply;

	text = slice_trim(text);
	l->code = part_code(text);
	l->reply_len = 0;
	if (l->code && text.len > CODE_DIGITS && text.data[CODE_DIGITS] == '-')
		code = slice_sub(text, 0, CODE_DIGITS);
	reply_copy(l, text, code);
	reply = logline_reply(l);
	if (l->status.class)
		return;
	l->status = l->code ? status_behind(reply)
			    : part_status(slice_sub(reply, 0, slice_index(reply, ' ')));
}

/* --- the stage -------------------------------------------------------------------------------- */

/* The first row whose word is among the words; so the longer ones stand before their parts. */
static const struct {
	struct slice word;
	uint8_t stage;
} stages[] = {
#define AT(word, NAME)                                                                             \
	{                                                                                          \
		{(const uint8_t *)(word), sizeof(word) - 1}, VERDICT_STAGE_##NAME                  \
	}
	AT("initial", GREETING), /* server greeting, connection, protocol handshake */
	AT("greeting", GREETING),  AT("connection", GREETING),
	AT("end of data", FINAL),  AT("end-of-", FINAL), /* message, data */
	AT("end data", FINAL),	   AT("data block", FINAL),
	AT("message body", FINAL), AT("ehlo", HELLO),
	AT("helo", HELLO),	   AT("lhlo", HELLO),
	AT("starttls", TLS),	   AT("tls", TLS),
	AT("rcpt", RECIPIENT),	   AT("mail", SENDER),
	AT("auth", LOGIN),	   AT("bdat", FINAL),
	AT("data", DATA),	   AT("connect", GREETING),
#undef AT
};

#define STAGE_WORDS_MAX 64

void
part_stage_set(struct logline *l, struct slice words)
{
	struct slice start = slice_sub(words, 0, STAGE_WORDS_MAX);

	/* what follows is an address, which may have any words in it */
	start = slice_sub(start, 0, slice_index(start, '<'));
	for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
		if (slice_find_nocase(start, stages[i].word) == start.len)
			continue;
		l->stage = stages[i].stage;
		l->stage_words = words;
		return;
	}
}

/* --- the host --------------------------------------------------------------------------------- */

static bool
is_ip(struct slice s)
{
	struct net_addr addr;

	return net_addr_parse(s, &addr) == 0;
}

/* 192.0.2.1 or 192.0.2.1:25 or [2001:db8::1]:25, and nothing else. */
static bool
bare_host_set(struct logline *l, struct slice text)
{
	struct net_addr addr;

	if (is_ip(text))
		l->remote_ip = text;
	else if (net_addr_parse_port(text, &addr) == 0)
		l->remote_ip = text.data[0] == '[' ? part_between(text, SLICE("["), ']')
						   : slice_sub(text, 0, slice_index(text, ':'));
	else
		return false;
	l->remote_host = SLICE_EMPTY;
	return true;
}

bool
part_host_set(struct logline *l, struct slice text)
{
	size_t open = slice_index(text, '['), close = slice_index(text, ']');
	struct slice name = slice_trim(slice_sub(text, 0, open)), ip;

	if (open >= close || close == text.len)
		return bare_host_set(l, text);
	ip = slice_sub(text, open + 1, close - open - 1);
	if (!is_ip(ip) && name.len == 0)
		return false;
	name = slice_sub(name, 0, slice_index(name, ' '));
	name = slice_sub(name, 0, slice_index(name, '('));
	if (slice_eq(name, SLICE("unknown")) || is_ip(name))
		name = SLICE_EMPTY;
	l->remote_host = name;
	l->remote_ip = is_ip(ip) ? ip : SLICE_EMPTY;
	return true;
}
