/*
 * exim: a line of the main log is "DATE TIME [ZONE] [[PID]] [ID] FLAG ADDRESS [<ORIGINAL>] FIELDS:
 * WHY" with the flags => -> >> *> (delivered), ** (failed), == (put off), <= (arrived); a refusal
 * of its own is "DATE TIME [ID] H=name (helo) [ip] F=<sender> [temporarily] rejected RCPT <addr>:
 * why". Fields are R= router, T= transport, H= host, F= or P= sender, C="reply". WHY of older
 * versions names the host itself: "SMTP error from remote mail server after X: host h [ip]: 550".
 * Lines inside a reply are written as \n. (Exim specification, "Log files".)
 */
#include "wire/logline/part.h"

#define ID_OLD 16 /* 1dJ08B-0003oP-5i */
#define ID_NEW 23 /* since 4.97: 1qYyZ0-00000001aBc-2dEf */
#define DATE_LEN 10
#define TIME_LEN 8
#define STR(literal)                                                                               \
	{                                                                                          \
		(const uint8_t *)(literal), sizeof(literal) - 1                                    \
	}

/* --- the front of a line ---------------------------------------------------------------------- */

static bool
has_form(struct slice s, const char *form) /* 9 stands for a digit; more may follow */
{
	for (size_t i = 0; form[i]; i++) {
		if (i >= s.len ||
		    (form[i] == '9' ? !ascii_is_digit(s.data[i]) : s.data[i] != (uint8_t)form[i]))
			return false;
	}
	return true;
}

/* Takes date and time off, with zone and process number where they follow. */
static bool
date_take(struct slice *text)
{
	struct slice rest = *text, word;

	if (!has_form(rest, "9999-99-99 99:99:99"))
		return false;
	part_word(&rest);
	part_word(&rest);
	*text = rest;
	word = part_word(&rest);
	if (has_form(word, "+9999") || has_form(word, "-9999")) {
		*text = rest;
		word = part_word(&rest);
	}
	if (has_form(word, "[9") && part_all_digits(part_between(word, SLICE("["), ']')))
		*text = rest;
	return true;
}

static bool
is_id(struct slice s)
{
	size_t first = slice_index(s, '-'), last = slice_rindex(s, '-');

	if ((s.len != ID_OLD && s.len != ID_NEW) || first != 6 || last == first)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (!ascii_is_digit(s.data[i]) && !ascii_is_alpha(s.data[i]) && i != first &&
		    i != last)
			return false;
	}
	return last == (s.len == ID_OLD ? 13u : 18u);
}

/* --- why -------------------------------------------------------------------------------------- */

/* Words that tell where a failure without a reply happened; the first row that is found. */
static const struct {
	struct slice words;
	uint8_t stage;
} places[] = {
#define AT(words, NAME)                                                                            \
	{                                                                                          \
		STR(words), VERDICT_STAGE_##NAME                                                   \
	}
	AT("TLS", TLS),
	AT("lookup", DNS),
	AT("MX record", DNS),
	AT("MX or SRV record", DNS),
	AT("MX host", DNS),
	AT("Connection timed out", CONNECT),
	AT("Connection refused", CONNECT),
	AT("No route to host", CONNECT),
	AT("Network is unreachable", CONNECT),
	AT("mailbox is full", LOCAL),
	AT("quota exceeded", LOCAL),
#undef AT
};

/* What stands before the name of a command or moment. */
static const struct slice leads[] = {STR("SMTP error from remote mail server after "),
				     STR("SMTP error from remote mailer after "),
				     STR("LMTP error after "),
				     STR("SMTP timeout after "),
				     STR("closed connection after "),
				     STR("in response to ")};

static bool
is_expired(struct slice why)
{
	static const struct slice words[] = {STR("retry timeout exceeded"),
					     STR("long failure period"),
					     STR("failing for a long time")};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (slice_find(why, words[i]) < why.len)
			return true;
	}
	return false;
}

static void
place_set(struct logline *l, struct slice why)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (slice_find(why, places[i].words) == why.len)
			continue;
		l->stage = places[i].stage;
		return;
	}
}

/* A word like "I=[192.0.2.1]:25", "F=<a>": the next field. */
static bool
is_field(struct slice word)
{
	size_t equals = slice_index(word, '=');

	return equals > 0 && equals < word.len && equals <= 3;
}

/*
 * "name (said) [ip]:port", where name may be missing, and so may the address. What the client said
 * can be a literal, too: the last one before the next field counts.
 */
static void
host_set(struct logline *l, struct slice text)
{
	struct slice rest = slice_sub(text, 0, slice_find(text, SLICE(": "))),
		     word = part_word(&rest);

	if (word.len && word.data[0] != '(' && !part_host_set(l, word) &&
	    slice_index(word, '.') < word.len)
		l->remote_host = word;
	for (; word.len && !is_field(word); word = part_word(&rest)) {
		struct slice name = l->remote_host;

		if (word.data[0] == '[' && part_host_set(l, word))
			l->remote_host = name;
	}
}

/* "host h [ip]: " in front of the reply. */
static struct slice
host_cut(struct logline *l, struct slice text)
{
	size_t end = slice_find(text, SLICE("]: "));

	if (!slice_starts(text, SLICE("host ")) || end == text.len)
		return text;
	part_host_set(l, slice_sub(slice_from(text, 5), 0, end - 4));
	return slice_from(text, end + 3);
}

static void
why_read(struct logline *l, struct slice why)
{
	struct slice words = SLICE_EMPTY;

	for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]) && !words.len; i++)
		words = part_behind(why, leads[i]);
	if (words.len) {
		size_t end = slice_find(words, SLICE(": "));

		part_stage_set(l, slice_sub(words, 0, end));
		if (end < words.len)
			why = host_cut(l, slice_from(words, end + 2));
	} else {
		place_set(l, why);
	}
	part_reply_set(l, why);
}

/* --- deliveries ------------------------------------------------------------------------------- */

static const struct flag {
	struct slice word;
	uint8_t action;
} flags[] = {
	{STR("=>"), LOGLINE_SENT}, {STR("->"), LOGLINE_SENT},	 {STR(">>"), LOGLINE_SENT},
	{STR("*>"), LOGLINE_SENT}, {STR("**"), LOGLINE_BOUNCED}, {STR("=="), LOGLINE_DEFERRED},
	{STR("<="), LOGLINE_NONE}, {STR("(="), LOGLINE_NONE},
};

static const struct flag *
flag_find(struct slice word)
{
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (slice_eq(word, flags[i].word))
			return &flags[i];
	}
	return NULL;
}

/* The first address; a file, a pipe or a mailbox name goes after the original one in <>. */
static struct slice
address_of(struct slice text)
{
	struct slice rest = text, word = part_word(&rest), original;

	if (word.len && word.data[word.len - 1] == ':')
		word.len--;
	if (slice_index(word, '@') < word.len || slice_eq(word, SLICE("<>")))
		return slice_eq(word, SLICE("<>")) ? SLICE_EMPTY : word;
	original =
		slice_starts(rest, SLICE("<")) ? part_between(rest, SLICE("<"), '>') : SLICE_EMPTY;
	return original.len ? original : word;
}

/* Value of a field in angle brackets: F=<a>, else P=<a>. */
static struct slice
sender_of(struct slice text)
{
	struct slice sender = part_between(text, SLICE(" F=<"), '>');

	return sender.len ? sender : part_between(text, SLICE(" P=<"), '>');
}

/* Up to the quote that ends it; \" does not. */
static struct slice
quoted(struct slice text)
{
	size_t end = 0;

	while (end < text.len && text.data[end] != '"')
		end += text.data[end] == '\\' ? 2 : 1;
	return slice_sub(text, 0, end);
}

static void
delivery_read(struct logline *l, const struct flag *flag, struct slice text)
{
	size_t colon = slice_find(text, SLICE(": "));
	struct slice fields = slice_sub(text, 0, colon), reply = part_behind(text, SLICE(" C=\""));

	l->action = flag->action;
	host_set(l, part_behind(text, SLICE(" H=")));
	if (slice_eq(flag->word, SLICE("<=")) || slice_eq(flag->word, SLICE("(="))) {
		l->inbound = true;
		l->sender = address_of(text);
		return;
	}
	l->recipient = address_of(text);
	l->sender = sender_of(fields);
	if (flag->action == LOGLINE_SENT) {
		part_reply_set(l, quoted(reply));
		return;
	}
	why_read(l, slice_from(text, colon + 2));
	if (flag->action == LOGLINE_BOUNCED && is_expired(text))
		l->action = LOGLINE_EXPIRED;
}

/* --- other lines ------------------------------------------------------------------------------ */

static bool
reject_read(struct logline *l, struct slice text)
{
	size_t at = slice_find(text, SLICE("rejected "));
	struct slice head = slice_sub(text, 0, at), rest = slice_from(text, at + 9), words;

	if (at == text.len || (at > 0 && text.data[at - 1] != ' ') ||
	    slice_find(head, SLICE("[")) == head.len)
		return false;
	l->inbound = true;
	l->action = LOGLINE_REJECTED;
	l->sender = sender_of(head);
	host_set(l, slice_from(head, slice_starts(head, SLICE("H=")) ? 2 : 0));
	words = slice_sub(rest, 0, slice_find(rest, SLICE(": ")));
	part_stage_set(l, words);
	if (slice_starts(words, SLICE("after DATA")))
		l->stage = VERDICT_STAGE_FINAL;
	if (l->stage == VERDICT_STAGE_RECIPIENT)
		l->recipient = part_between(words, SLICE("<"), '>');
	if (slice_find(head, SLICE("temporarily")) < head.len)
		l->status = (struct verdict_status){.class = 4}; /* the line has no code */
	part_reply_set(l, slice_from(rest, words.len + 2));
	return true;
}

/* "H=h [ip] sender verify fail for <a>: why": a client's; the refusal has a line of its own. */
static bool
verify_read(struct logline *l, struct slice text)
{
	size_t at = slice_find(text, SLICE(" sender verify "));
	struct slice rest = slice_from(text, at);

	if (at == text.len || !slice_starts(text, SLICE("H=")))
		return false;
	l->inbound = true;
	l->stage = VERDICT_STAGE_SENDER;
	l->sender = part_between(rest, SLICE("<"), '>');
	host_set(l, slice_from(slice_sub(text, 0, at), 2));
	part_reply_set(l, part_behind(rest, SLICE(">: ")));
	return true;
}

/* "H=h [ip]: SMTP error ...": an attempt at one of several hosts. */
static bool
attempt_read(struct logline *l, struct slice text)
{
	size_t end = slice_index(text, ']');
	struct slice why = slice_from(text, end + 1);

	if (end == text.len || slice_find(slice_sub(text, 0, end), SLICE("[")) >= end)
		return false;
	if (slice_starts(why, SLICE(":")))
		why = slice_from(why, 1);
	why_read(l, slice_trim(why));
	if (l->stage == VERDICT_STAGE_MAX && !l->code) {
		l->reply_len = 0;
		l->status = (struct verdict_status){0};
		l->remote_host = l->remote_ip = SLICE_EMPTY;
		return false;
	}
	host_set(l, slice_from(text, slice_starts(text, SLICE("H=")) ? 2 : 0));
	return true;
}

/* A message's own log: "DATE TIME address R=r T=t defer (-53): why". */
static bool
message_log_read(struct logline *l, struct slice text)
{
	size_t at = slice_find(text, SLICE(" defer ("));
	static const struct flag deferred = {STR("=="), LOGLINE_DEFERRED};

	if (at == text.len || slice_find(slice_sub(text, 0, at), SLICE(" R=")) == at)
		return false;
	delivery_read(l, &deferred, text);
	return true;
}

bool
exim_read(struct slice text, struct logline *l)
{
	bool dated = date_take(&text);
	struct slice rest = text, id = part_word(&rest), word;
	const struct flag *flag;

	if (is_id(id))
		text = rest;
	else
		id = SLICE_EMPTY;
	if (!dated && !id.len)
		return false;
	rest = text;
	word = part_word(&rest);
	flag = flag_find(word);
	if (flag) {
		l->tag = word;
		delivery_read(l, flag, rest);
	} else if (!reject_read(l, text) && !verify_read(l, text) && !attempt_read(l, text) &&
		   !message_log_read(l, text) && !id.len) {
		return false;
	}
	l->queue_id = id;
	return true;
}
