/*
 * postfix: a line of a delivery agent is "ID: to=<a>, orig_to=<o>, relay=host[ip]:25, delay=1,
 * delays=1/0/0/0, dsn=5.1.1, status=bounced (why)", of the queue manager "ID: from=<a>,
 * status=expired, returned to sender", of a server "ID or NOQUEUE: reject: RCPT from host[ip]:
 * reply; from=<a> to=<b> proto=ESMTP helo=<c>". What stands in "why" also comes alone, for an
 * attempt after which another exchanger is tried.
 */
#include "base/assert.h"
#include "wire/logline/part.h"

#define ID_LEN_MIN 5
#define ID_LEN_MAX 20 /* long queue ids have 16 at most today */
#define SUSPENDED_MAX 4

/* --- why ------------------------------------------------------------------------------------- */

/* Text begins with lead and, behind it, has mark (where one is given). */
static const struct why {
	struct slice lead, mark;
	bool host;     /* it stands behind lead */
	bool said;     /* the reply is what stands behind mark; else all of it */
	uint8_t stage; /* VERDICT_STAGE_MAX: words behind "in reply to" or "while" say it */
} whys[] = {
#define STR(literal)                                                                               \
	{                                                                                          \
		(const uint8_t *)(literal), sizeof(literal) - 1                                    \
	}
#define WHY(lead, mark, host, said, NAME)                                                          \
	{                                                                                          \
		STR(lead), STR(mark), host, said, VERDICT_STAGE_##NAME                             \
	}
	WHY("host ", " said: ", true, true, MAX),
	WHY("host ", " refused to talk to me: ", true, true, GREETING),
	WHY("SASL authentication failed; server ", " said: ", true, true, LOGIN),
	WHY("SASL authentication failed", "", false, false, LOGIN),
	WHY("connect to ", "", true, false, CONNECT),
	WHY("lost connection with ", " while ", true, false, MAX),
	WHY("conversation with ", " while ", true, false, MAX),
	WHY("TLS is required, but was not offered by host ", "", true, false, TLS),
	WHY("TLS is required", "", false, false, TLS),
	WHY("Cannot start TLS", "", false, false, TLS),
	WHY("Server certificate ", "", false, false, TLS),
	WHY("Host or domain name not found", "", false, false, DNS),
	WHY("Host found but no data record", "", false, false, DNS),
	WHY("Domain ", " does not accept mail", false, false, DNS),
	WHY("mail for ", " loops back to myself", false, false, DNS),
	WHY("unable to look up host ", "", false, false, DNS),
#undef WHY
};

static const struct why *
why_find(struct slice text)
{
	for (size_t i = 0; i < sizeof(whys) / sizeof(whys[0]); i++) {
		const struct why *why = &whys[i];

		if (slice_starts(text, why->lead) &&
		    (!why->mark.len || slice_find(text, why->mark) < text.len))
			return why;
	}
	return NULL;
}

/* Takes " (in reply to RCPT TO command)" off the end. */
static struct slice
in_reply_cut(struct logline *l, struct slice text)
{
	static const struct slice lead = STR(" (in reply to ");
	size_t at = slice_rindex(text, '(');

	if (at == text.len || at == 0 || !slice_starts(slice_from(text, at - 1), lead))
		return text;
	part_stage_set(l, part_between(slice_from(text, at - 1), lead, ')'));
	return slice_sub(text, 0, at - 1);
}

/* name[ip]:port, in old versions name [ip]; some that write the same logs leave the address out. */
static void
why_host_set(struct logline *l, struct slice text)
{
	size_t end = slice_index(text, ' ');

	if (slice_starts(slice_from(text, end), SLICE(" [")))
		end = slice_index(text, ']') + 1;
	text = slice_sub(text, 0, end);
	if (!part_host_set(l, text) && slice_index(text, '.') < text.len)
		l->remote_host = text;
}

/* false: the text is not one of a failure on the way to another host. */
static bool
why_read(struct logline *l, struct slice text)
{
	static const struct slice suspended = STR("delivery temporarily suspended: ");
	const struct why *why;

	for (unsigned i = 0; i < SUSPENDED_MAX && slice_starts(text, suspended); i++)
		text = slice_from(text, suspended.len);
	why = why_find(text);
	if (!why)
		return false;
	if (why->host)
		why_host_set(l, slice_from(text, why->lead.len));
	if (why->stage != VERDICT_STAGE_MAX)
		l->stage = why->stage;
	else
		part_stage_set(l, part_behind(text, SLICE(" while ")));
	if (why->said)
		text = in_reply_cut(l, part_behind(text, why->mark));
	part_reply_set(l, text);
	return true;
}

/* --- deliveries ------------------------------------------------------------------------------- */

static const struct {
	struct slice word;
	uint8_t action;
} statuses[] = {
	{STR("sent"), LOGLINE_SENT},
	{STR("deferred"), LOGLINE_DEFERRED},
	{STR("bounced"), LOGLINE_BOUNCED},
	{STR("expired"), LOGLINE_EXPIRED},
	{STR("undeliverable"), LOGLINE_BOUNCED},
	{STR("SOFTBOUNCE"), LOGLINE_DEFERRED},
	{STR("force-expired"), LOGLINE_EXPIRED},
};

static uint8_t
action_of(struct slice word)
{
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		if (slice_eq(word, statuses[i].word))
			return statuses[i].action;
	}
	return LOGLINE_NONE;
}

static bool
is_local(struct slice daemon)
{
	return slice_eq(daemon, SLICE("local")) || slice_eq(daemon, SLICE("virtual")) ||
	       slice_eq(daemon, SLICE("pipe"));
}

/* A value of the list before "status=". */
static struct slice
value_of(struct slice list, struct slice key)
{
	struct slice rest = part_behind(list, key);

	return slice_sub(rest, 0, slice_index(rest, ','));
}

/* Without "(" and ")"; the latter may have a number behind it that a collector has added, and in a
 * line that was cut there is none. */
static struct slice
parentheses_cut(struct slice text)
{
	size_t close = slice_rindex(text, ')');
	struct slice behind = slice_trim(slice_from(text, close + 1));

	if (close < text.len && (!behind.len || part_all_digits(behind)))
		text.len = close;
	return slice_from(text, text.len && text.data[0] == '(');
}

static bool
delivery_read(struct slice daemon, struct slice text, struct logline *l)
{
	size_t at = slice_find(text, SLICE(", status="));
	struct slice list = slice_sub(text, 0, at), rest = slice_from(text, at + 9), word;

	if (at == text.len)
		return false;
	word = part_word(&rest);
	if (word.len && word.data[word.len - 1] == ',')
		word.len--;
	if (slice_starts(text, SLICE("from=<"))) { /* "status=expired, returned to sender" */
		l->sender = part_between(list, SLICE("from=<"), '>');
		part_reply_set(l, rest);
	} else if (slice_starts(text, SLICE("to="))) { /* some take the address out: "to=," */
		l->recipient = slice_starts(list, SLICE("to=<"))
				       ? part_between(list, SLICE("to=<"), '>')
				       : value_of(list, SLICE("to="));
		l->status = part_status(value_of(list, SLICE(", dsn=")));
		part_host_set(l, value_of(list, SLICE(", relay=")));
		rest = parentheses_cut(rest);
		if (is_local(daemon))
			l->stage = VERDICT_STAGE_LOCAL;
		if (!why_read(l, rest))
			part_reply_set(l, rest);
	} else {
		return false;
	}
	l->action = action_of(word);
	return true;
}

/* --- refusals of our own ---------------------------------------------------------------------- */

/* Where "; from=<a> to=<b> proto=ESMTP helo=<c>" begins. A reply may have ";" in it. */
static size_t
tail_index(struct slice text)
{
	for (size_t i = text.len; i-- > 0;) {
		struct slice rest = slice_from(text, i);

		if (text.data[i] == ';' &&
		    (slice_starts(rest, SLICE("; from=")) || slice_starts(rest, SLICE("; proto="))))
			return i;
	}
	return text.len;
}

/* cleanup: "reject: header Subject: x from host[ip]; from=... helo=<c>: 5.7.1 why". */
static void
content_reject_read(struct logline *l, struct slice head, struct slice tail)
{
	size_t from = head.len;

	while (from > 0 && !slice_starts(slice_from(head, from), SLICE(" from ")))
		from--;
	part_host_set(l, slice_from(head, from + 6));
	l->stage = VERDICT_STAGE_FINAL;
	part_reply_set(l, part_behind(tail, SLICE(">: ")));
}

static bool
reject_read(struct slice text, struct logline *l)
{
	static const struct slice leads[] = {STR("reject: "), STR("milter-reject: "),
					     STR("proxy-reject: ")};
	struct slice head = SLICE_EMPTY, tail, verb;
	size_t end;

	for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]) && !head.len; i++) {
		if (slice_starts(text, leads[i]))
			head = slice_from(text, leads[i].len);
	}
	if (!head.len)
		return false;
	l->action = LOGLINE_REJECTED;
	l->inbound = true;
	end = tail_index(head);
	tail = slice_from(head, end);
	head = slice_sub(head, 0, end);
	l->sender = part_between(tail, SLICE(" from=<"), '>');
	l->recipient = part_between(tail, SLICE(" to=<"), '>');
	if (slice_starts(head, SLICE("header ")) || slice_starts(head, SLICE("body "))) {
		content_reject_read(l, head, tail);
		return true;
	}
	end = slice_find(head, SLICE(": "));
	verb = slice_sub(head, 0, end);
	part_host_set(l, part_behind(verb, SLICE(" from ")));
	part_stage_set(l, slice_sub(verb, 0, slice_index(verb, ' ')));
	part_reply_set(l, slice_from(head, end + 2));
	return true;
}

/* smtpd: "lost connection after RCPT from host[ip]" and the like; a client, and no refusal. */
static bool
client_read(struct slice text, struct logline *l)
{
	static const struct slice leads[] = {STR("lost connection after "), STR("timeout after "),
					     STR("too many errors after ")};

	for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
		struct slice rest = slice_from(text, leads[i].len);

		if (!slice_starts(text, leads[i]))
			continue;
		l->inbound = true;
		part_stage_set(l, slice_sub(rest, 0, slice_find(rest, SLICE(" from "))));
		part_host_set(l, part_behind(rest, SLICE(" from ")));
		part_reply_set(l, text);
		return true;
	}
	return false;
}

/* "warning: host[ip]: SASL LOGIN authentication failed: reason". */
static bool
login_read(struct slice text, struct logline *l)
{
	struct slice host = part_between(text, SLICE("warning: "), ' ');

	if (!slice_starts(text, SLICE("warning: ")) ||
	    slice_find(text, SLICE("]: SASL ")) == text.len ||
	    slice_find(text, SLICE(" authentication failed")) == text.len)
		return false;
	part_host_set(l, host);
	l->inbound = true;
	l->action = LOGLINE_REJECTED;
	l->stage = VERDICT_STAGE_LOGIN;
	part_reply_set(l, part_behind(text, SLICE("]: ")));
	return true;
}

/* --- all of it -------------------------------------------------------------------------------- */

/* Takes "4ABC1234: " or "NOQUEUE: " off the text; the latter is no id. */
static struct slice
id_take(struct slice *text)
{
	size_t end = slice_find(*text, SLICE(": "));
	struct slice id = slice_sub(*text, 0, end);

	if (end == text->len || id.len < ID_LEN_MIN || id.len > ID_LEN_MAX)
		return SLICE_EMPTY;
	for (size_t i = 0; i < id.len; i++) {
		if (!ascii_is_digit(id.data[i]) && !ascii_is_alpha(id.data[i]))
			return SLICE_EMPTY;
	}
	if (slice_eq(id, SLICE("warning")))
		return SLICE_EMPTY;
	*text = slice_from(*text, end + 2);
	return slice_eq(id, SLICE("NOQUEUE")) ? SLICE_EMPTY : id;
}

bool
postfix_read(struct slice daemon, struct slice text, struct logline *l)
{
	struct slice id = id_take(&text);

	l->queue_id = id;
	l->tag = daemon;
	if (delivery_read(daemon, text, l) || reject_read(text, l) || client_read(text, l) ||
	    login_read(text, l) || why_read(l, text) || daemon.len)
		return true;
	l->queue_id = SLICE_EMPTY;
	return false;
}
