/*
 * reply: finds codes and tells them from other numbers by what stands around them.
 *
 * A code is three digits, 4xx or 5xx, with an end behind; and either a status follows it, or it
 * begins a line or a quotation, or a word that announces it stands before ("said", "error", ":").
 * Words end where the paragraph ends, at the sign that closes what was opened before the code, or
 * where the reporter speaks again (PHRASE_TAIL).
 */
#include "wire/bounce/reply.h"

#define STATUS_SUBJECT_MAX 7 /* RFC 3463 3 */

static uint8_t
byte_at(struct slice s, size_t at)
{
	return at < s.len ? s.data[at] : '\n';
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* Digits at the start of s, at most max; 0 when more follow. */
static size_t
digits_len(struct slice s, size_t max)
{
	size_t len = 0;

	while (len < s.len && ascii_is_digit(s.data[len]))
		len++;
	return len > max ? 0 : len;
}

static uint16_t
digits_value(struct slice s)
{
	unsigned value = 0;

	for (size_t i = 0; i < s.len; i++)
		value = value * 10 + (s.data[i] - '0');
	return (uint16_t)value;
}

/* Length of "d.d.d" at the start of s, or 0. */
static size_t
status_len(struct slice s, struct verdict_status *ret_status)
{
	struct verdict_status status;
	size_t subject, detail;

	if (s.len < 5 || (s.data[0] != '2' && s.data[0] != '4' && s.data[0] != '5') ||
	    s.data[1] != '.')
		return 0;
	subject = digits_len(slice_from(s, 2), 3);
	if (!subject || byte_at(s, 2 + subject) != '.')
		return 0;
	detail = digits_len(slice_from(s, 3 + subject), 3);
	if (!detail || (byte_at(s, 3 + subject + detail) == '.' &&
			ascii_is_digit(byte_at(s, 4 + subject + detail))))
		return 0;
	status.class = (uint8_t)(s.data[0] - '0');
	status.subject = digits_value(slice_sub(s, 2, subject));
	status.detail = digits_value(slice_sub(s, 3 + subject, detail));
	if (status.subject > STATUS_SUBJECT_MAX)
		return 0;
	*ret_status = status;
	return 3 + subject + detail;
}

struct verdict_status
bounce_status_find(struct slice text)
{
	struct verdict_status status = {0};

	for (size_t i = 0; i + 4 < text.len; i++) {
		uint8_t before = i ? text.data[i - 1] : ' ';

		if (text.data[i + 1] != '.' || ascii_is_digit(before) || ascii_is_alpha(before) ||
		    before == '.' || before == '/')
			continue;
		if (status_len(slice_from(text, i), &status))
			break;
	}
	return status;
}

bool
bounce_status_is_precise(struct verdict_status status)
{
	return status.class && (status.subject || status.detail);
}

/* --- codes ------------------------------------------------------------------------------------ */

/* A digit or letter, or one of the signs that bind as strongly as these. */
static bool
is_bound(uint8_t c, struct slice signs)
{
	return ascii_is_alpha(c) || ascii_is_digit(c) || slice_index(signs, c) < signs.len;
}

/* Three digits with an end, as a reply code; 0 when there is none. */
static uint16_t
code_at(struct slice s, size_t at)
{
	uint8_t first = byte_at(s, at), behind = byte_at(s, at + 3);

	if ((first != '2' && first != '4' && first != '5') || digits_len(slice_from(s, at), 3) != 3)
		return 0;
	if (at && is_bound(s.data[at - 1], SLICE("./@=_")))
		return 0;
	if (behind >= 0x80 || is_bound(behind, SLICE("/@_%")))
		return 0;
	if ((behind == '.' || behind == ',') && ascii_is_digit(byte_at(s, at + 4)))
		return 0;
	return digits_value(slice_sub(s, at, 3));
}

static size_t
signs_skip(struct slice s, size_t at)
{
	const struct slice signs = SLICE(" \t-:,#");

	while (at < s.len && slice_index(signs, s.data[at]) < signs.len)
		at++;
	return at;
}

/* To what a code says: over blanks, signs and the code repeated ("554 554 5.7.0"). */
static size_t
code_skip(struct slice s, size_t at, uint16_t code)
{
	size_t next = signs_skip(s, at + 3);

	return code_at(s, next) == code ? signs_skip(s, next + 3) : next;
}

static bool
is_announcement(struct slice word)
{
	static const char *const words[] = {"said",   "returned", "error",	  "code",
					    "reply",  "response", "status",	  "reason",
					    "with",   "was",	  "answered",	  "replied",
					    "failed", "said:",	  "responsecode", "errorcode"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (slice_eq_nocase(word, slice_str(words[i])))
			return true;
	return false;
}

static bool
is_quote(uint8_t c)
{
	return c == '\'' || c == '"';
}

/* The end of text, which is not empty, is a sign behind which a code may stand. */
static bool
is_announcing_sign(struct slice text)
{
	const struct slice signs = SLICE("\n:;>#[(<\"'|=`*");
	uint8_t last = text.data[text.len - 1], before = text.len > 1 ? text.data[text.len - 2] : 0;

	if (slice_index(signs, last) < signs.len)
		return true;
	if (last == ',') /* "[192.0.2.1], 554 no" */
		return before == ']' || before == ')';
	/* U+201C and the like: typographic quotes. */
	return text.len >= 3 && before == 0x80 && text.data[text.len - 3] == 0xe2;
}

/* What stands before a code makes it one. */
static bool
is_announced(struct slice s, size_t at)
{
	size_t end = at, begin;

	while (end && is_blank(s.data[end - 1]))
		end--;
	if (!end || is_announcing_sign(slice_sub(s, 0, end)))
		return true;
	if (byte_at(s, at + 3) == '-' && is_quote(byte_at(s, at + 4))) /* "error 550-'no'" */
		return true;
	begin = end;
	while (begin && end - begin < 16 && ascii_is_alpha(s.data[begin - 1]))
		begin--;
	return is_announcement(slice_sub(s, begin, end - begin));
}

/* A code that is a reply's, at this place. */
static uint16_t
reply_code_at(struct slice s, size_t at)
{
	uint16_t code = code_at(s, at);
	struct verdict_status status;
	size_t next;

	if (code < 400)
		return 0;
	next = code_skip(s, at, code);
	if (status_len(slice_from(s, next), &status))
		return code;
	return is_announced(s, at) ? code : 0;
}

/* --- words ------------------------------------------------------------------------------------ */

static bool
is_empty_line(struct slice line)
{
	return slice_trim(line).len == 0;
}

/* Length of the paragraph at the start of s. */
static size_t
paragraph_len(struct slice s)
{
	struct slice rest = s;
	size_t len = 0;

	while (rest.data) {
		struct slice line = slice_cut(&rest, '\n');

		if (is_empty_line(line))
			break;
		len = (size_t)(line.data + line.len - s.data);
	}
	return len;
}

/* Length up to a quote that ends what this quote began; an apostrophe in a word is none. */
static size_t
quoted_len(struct slice words, uint8_t quote)
{
	size_t end = slice_index(words, quote);

	while (quote == '\'' && end + 1 < words.len && ascii_is_alpha(words.data[end + 1]))
		end += 1 + slice_index(slice_from(words, end + 1), quote);
	return end;
}

/* Length up to the sign that closes what was opened before the words. */
static size_t
closed_len(struct slice words, uint8_t open, uint8_t close)
{
	size_t depth = 1, at;

	for (at = 0; at < words.len; at++) {
		depth += words.data[at] == open;
		if (words.data[at] == close && !--depth)
			break;
	}
	return at;
}

/* Where the line with this place begins. */
static size_t
line_begin(struct slice text, size_t at)
{
	while (at && text.data[at - 1] != '\n')
		at--;
	return at;
}

/* "(reason: 550 no)", "[550 no]": without what closes the reporter's own bracket. */
static struct slice
bracket_cut(struct slice words, struct slice before)
{
	static const char pairs[][2] = {{'(', ')'}, {'[', ']'}, {'<', '>'}};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		uint8_t open = (uint8_t)pairs[i][0], close = (uint8_t)pairs[i][1];
		size_t last = slice_rindex(before, open);
		struct slice since = slice_from(before, last);

		if (!since.len || slice_index(since, close) < since.len)
			continue;
		if (open == '<' && since.len > 1) /* "<<< 550" */
			continue;
		return slice_sub(words, 0, closed_len(words, open, close));
	}
	return words;
}

/* "Reason: 550 no": a line that begins with a word or some and a colon. */
static bool
is_labelled(struct slice line)
{
	size_t at = 0;

	line = slice_trim(line);
	while (at < line.len && at < 32 &&
	       (ascii_is_alpha(line.data[at]) || line.data[at] == ' ' || line.data[at] == '-'))
		at++;
	return at && at < line.len && line.data[at] == ':' && line.data[0] <= 'Z';
}

/* Where the reply has a label, the next label ends it. */
static struct slice
label_cut(struct slice words, struct slice before)
{
	struct slice rest = words;

	if (!is_labelled(before))
		return words;
	slice_cut(&rest, '\n');
	while (rest.data) {
		struct slice line = slice_cut(&rest, '\n');

		if (is_labelled(line))
			return slice_sub(words, 0, (size_t)(line.data - words.data));
	}
	return words;
}

static struct slice
words_of(const struct phrase_index *index, struct slice text, size_t at)
{
	struct slice words = slice_from(text, at), before;
	size_t begin = line_begin(text, at);
	struct phrase_hit hit;

	before = slice_sub(text, begin, at - begin);
	words = slice_sub(words, 0, paragraph_len(words));
	if (at && (text.data[at - 1] == '"' || text.data[at - 1] == '\''))
		words = slice_sub(words, 0, quoted_len(words, text.data[at - 1]));
	words = label_cut(bracket_cut(words, before), before);
	if (phrase_find(index, words, PHRASE_TAIL, &hit))
		words = slice_sub(words, 0, hit.at);
	return words;
}

static bool
is_expiry(struct verdict_status status)
{
	return status.subject == 4 && status.detail == 7;
}

static void
reply_at(const struct phrase_index *index, struct slice text, size_t at, struct bounce_reply *ret)
{
	struct bounce_reply reply = {.at = at, .code = code_at(text, at)};
	size_t next = code_skip(text, at, reply.code);

	reply.words = words_of(index, text, at);
	if (!status_len(slice_from(text, next), &reply.status))
		reply.status = bounce_status_find(slice_from(reply.words, next - at));
	if (!reply.status.class) { /* "5.3.0 - what it means 550-'what was said'" */
		size_t begin = line_begin(text, at);

		reply.status = bounce_status_find(slice_sub(text, begin, at - begin));
	}
	*ret = reply;
}

static bool
reply_from(const struct phrase_index *index, struct slice text, size_t at, struct bounce_reply *ret)
{
	for (size_t i = at; i + 2 < text.len; i++) {
		if ((text.data[i] == '4' || text.data[i] == '5') && reply_code_at(text, i)) {
			reply_at(index, text, i, ret);
			return true;
		}
	}
	return false;
}

/* "550 4.4.7 message expired <421 4.4.2 timed out>": the last real reply counts. */
static void
reply_before_expiry(const struct phrase_index *index, struct slice text, struct bounce_reply *reply)
{
	struct bounce_reply last;

	if (!is_expiry(reply->status))
		return;
	reply->gave_up = true;
	if (!reply_from(index, text, reply->at + 3, &last) || is_expiry(last.status))
		return;
	reply->code = last.code;
	reply->status = last.status;
	/* Where it stands in the same words, these tell the whole story. */
	if (last.at >= reply->at + reply->words.len)
		reply->words = last.words;
}

bool
bounce_reply_find(const struct phrase_index *index, struct slice text,
		  struct bounce_reply *ret_reply)
{
	if (!reply_from(index, text, 0, ret_reply))
		return false;
	reply_before_expiry(index, text, ret_reply);
	return true;
}

bool
bounce_reply_diagnostic(const struct phrase_index *index, struct slice value,
			struct bounce_reply *ret_reply)
{
	struct bounce_reply reply = {0};
	size_t at = 0;

	while (at < value.len && (is_blank(value.data[at]) || value.data[at] == '\n' ||
				  value.data[at] == '"' || value.data[at] == '\''))
		at++;
	value = slice_from(value, at);
	if (!value.len)
		return false;
	if (code_at(value, 0))
		reply_at(index, value, 0, &reply);
	else if (!bounce_reply_find(index, value, &reply))
		reply = (struct bounce_reply){.words = words_of(index, value, 0),
					      .status = bounce_status_find(value)};
	reply_before_expiry(index, value, &reply);
	*ret_reply = reply;
	return true;
}
