/*
 * sendmail: "ID: key=value, key=value": for an attempt to=, mailer=, relay=host. [ip], dsn=, since
 * 8.16 reply=, and last stat=, the fate in words; for a refusal of its own ruleset=check_rcpt,
 * arg1=<a>, relay=, reject=reply, or "Milter: to=<a>, reject=reply"; for an arrival from=.
 * (Sendmail Installation and Operation Guide, "The System Log".)
 */
#include "wire/logline/part.h"

#define STR(literal)                                                                               \
	{                                                                                          \
		(const uint8_t *)(literal), sizeof(literal) - 1                                    \
	}

/* The value behind ", key=" or at the start, up to the next comma. */
static struct slice
value_of(struct slice text, struct slice key)
{
	size_t at = slice_starts(text, slice_from(key, 2)) ? 0 : slice_find(text, key) + 2;
	struct slice rest = slice_from(text, at + key.len - 2);

	return slice_sub(rest, 0, slice_index(rest, ','));
}

/* A value that is the last one, or is a reply: up to the end or to ", stat=". */
static struct slice
words_of(struct slice text, struct slice key)
{
	struct slice rest = part_behind(text, key);

	return slice_sub(rest, 0, slice_find(rest, SLICE(", stat=")));
}

static struct slice
address_of(struct slice value)
{
	return slice_starts(value, SLICE("<")) ? part_between(value, SLICE("<"), '>') : value;
}

/* "mx.example.org. [192.0.2.1]", "[192.0.2.1] [192.0.2.1]", "h [IPv6:2001:db8::1]". */
static void
relay_set(struct logline *l, struct slice relay)
{
	struct slice name = part_word(&relay);

	while (name.len && name.data[name.len - 1] == '.')
		name.len--;
	if (slice_starts_nocase(relay, SLICE("[IPv6:")))
		part_host_set(l, part_between(relay, SLICE(":"), ']'));
	else if (relay.len)
		part_host_set(l, relay);
	else
		part_host_set(l, name);
	if (slice_index(name, '[') == name.len && slice_index(name, '.') < name.len)
		l->remote_host = name;
}

static uint8_t
action_of(struct slice stat, struct verdict_status status)
{
	if (slice_starts(stat, SLICE("Sent")))
		return LOGLINE_SENT;
	if (slice_starts(stat, SLICE("queued")))
		return LOGLINE_NONE;
	if (slice_starts(stat, SLICE("Deferred")) || status.class == 4)
		return LOGLINE_DEFERRED;
	return LOGLINE_BOUNCED;
}

static bool
delivery_read(struct slice text, struct logline *l)
{
	struct slice stat = part_behind(text, SLICE(", stat=")), reply, mailer;

	if (!slice_starts(text, SLICE("to=")) || !stat.len)
		return false;
	l->recipient = address_of(value_of(text, SLICE(", to=")));
	l->sender = address_of(value_of(text, SLICE(", ctladdr=")));
	l->status = part_status(value_of(text, SLICE(", dsn=")));
	l->action = action_of(stat, l->status);
	relay_set(l, value_of(text, SLICE(", relay=")));
	mailer = value_of(text, SLICE(", mailer="));
	if (slice_eq(mailer, SLICE("local")))
		l->stage = VERDICT_STAGE_LOCAL;
	else if (slice_starts(stat, SLICE("Deferred: Connection ")))
		l->stage = VERDICT_STAGE_CONNECT;
	else if (slice_starts(stat, SLICE("Host unknown")))
		l->stage = VERDICT_STAGE_DNS;
	reply = words_of(text, SLICE(", reply="));
	if (!reply.len && l->action == LOGLINE_SENT)
		reply = part_between(stat, SLICE("("), ')');
	part_reply_set(l, reply.len ? reply : stat);
	return true;
}

static const struct {
	struct slice lead;
	uint8_t stage;
} checks[] = {
	{STR("ruleset=check_rcpt"), VERDICT_STAGE_RECIPIENT},
	{STR("ruleset=check_mail"), VERDICT_STAGE_SENDER},
	{STR("ruleset=check_relay"), VERDICT_STAGE_GREETING},
	{STR("ruleset=check_"), VERDICT_STAGE_MAX},
	{STR("ruleset="), VERDICT_STAGE_MAX},
	{STR("Milter: to="), VERDICT_STAGE_RECIPIENT},
	{STR("Milter: from="), VERDICT_STAGE_SENDER},
	{STR("Milter: data"), VERDICT_STAGE_FINAL},
	{STR("Milter: "), VERDICT_STAGE_MAX},
};

static bool
reject_read(struct slice text, struct logline *l)
{
	struct slice reject = part_behind(text, SLICE(", reject="));
	size_t i = 0;

	while (i < sizeof(checks) / sizeof(checks[0]) && !slice_starts(text, checks[i].lead))
		i++;
	if (i == sizeof(checks) / sizeof(checks[0]) || !reject.len)
		return false;
	l->inbound = true;
	l->action = LOGLINE_REJECTED;
	l->stage = checks[i].stage;
	if (slice_starts(text, SLICE("Milter: ")))
		text = slice_from(text, 8);
	l->recipient = address_of(value_of(text, SLICE(", to=")));
	l->sender = address_of(value_of(text, SLICE(", from=")));
	if (l->stage == VERDICT_STAGE_RECIPIENT && !l->recipient.len)
		l->recipient = address_of(value_of(text, SLICE(", arg1=")));
	else if (l->stage == VERDICT_STAGE_SENDER && !l->sender.len)
		l->sender = address_of(value_of(text, SLICE(", arg1=")));
	relay_set(l, value_of(text, SLICE(", relay=")));
	part_reply_set(l, reject);
	return true;
}

static bool
arrival_read(struct slice text, struct logline *l)
{
	if (!slice_starts(text, SLICE("from=")))
		return false;
	l->inbound = true;
	l->sender = address_of(value_of(text, SLICE(", from=")));
	relay_set(l, value_of(text, SLICE(", relay=")));
	return true;
}

bool
sendmail_read(struct slice text, struct logline *l)
{
	size_t end = slice_find(text, SLICE(": "));

	/* "[ID 801593 mail.info] " of Solaris */
	if (slice_starts(text, SLICE("[ID "))) {
		text = slice_trim(slice_from(text, slice_index(text, ']') + 1));
		end = slice_find(text, SLICE(": "));
	}
	if (end == text.len || slice_index(slice_sub(text, 0, end), ' ') < end)
		return false;
	l->queue_id = slice_sub(text, 0, end);
	text = slice_from(text, end + 2);
	if (!delivery_read(text, l) && !reject_read(text, l))
		arrival_read(text, l);
	return true;
}
