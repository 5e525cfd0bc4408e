/*
 * exchange: both kinds of log are lines of cells parted by commas, in double quotes where needed.
 * "#Fields: date-time,..." names the columns; without it the usual order is taken:
 *   tracking  date-time,client-ip,client-hostname,server-ip,server-hostname,source-context,
 *             connector-id,source,event-id,internal-message-id,message-id,[network-message-id,]
 *             recipient-address,recipient-status,total-bytes,recipient-count,
 *             related-recipient-address,reference,message-subject,sender-address,...
 *   protocol  date-time,connector-id,session-id,sequence-number,local-endpoint,remote-endpoint,
 *             event,data,context
 * network-message-id came with Exchange 2013. A status of newer versions is
 * [{LRT=when};{LED=reply};{FQDN=host};{IP=address}].
 */
#include <string.h>

#include "wire/logline/part.h"

#define CELLS_MAX 48
#define CELL_NONE CELLS_MAX
#define EVENT_CELL 8
#define PROTOCOL_EVENT_CELL 6
#define NETWORK_ID_CELL 11
#define STR(literal)                                                                               \
	{                                                                                          \
		(const uint8_t *)(literal), sizeof(literal) - 1                                    \
	}

struct row {
	struct slice fields; /* names of the columns, or empty */
	struct slice cells[CELLS_MAX];
	size_t count;
	bool old; /* without network-message-id */
};

/* --- cells ------------------------------------------------------------------------------------ */

/* Without the quotes around it; doubled ones inside are left. */
static struct slice
cell_cut(struct slice *rest)
{
	struct slice cell;
	size_t end = 1;

	if (!rest->len || rest->data[0] != '"')
		return slice_cut(rest, ',');
	while (end < rest->len) {
		if (rest->data[end] != '"')
			end++;
		else if (end + 1 < rest->len && rest->data[end + 1] == '"')
			end += 2;
		else
			break;
	}
	cell = slice_sub(*rest, 1, end - 1);
	*rest = slice_from(*rest, end);
	slice_cut(rest, ',');
	return cell;
}

static void
row_cut(struct slice line, struct row *row)
{
	while (line.data && row->count < CELLS_MAX)
		row->cells[row->count++] = cell_cut(&line);
}

/* Index of the column; otherwise is that of the usual order. */
static size_t
column(const struct row *row, struct slice name, size_t otherwise)
{
	struct slice rest = row->fields;

	for (size_t i = 0; rest.data && row->fields.len; i++) {
		if (slice_eq_nocase(slice_trim(slice_cut(&rest, ',')), name))
			return i;
	}
	if (row->fields.len)
		return CELL_NONE;
	return row->old && otherwise > NETWORK_ID_CELL ? otherwise - 1 : otherwise;
}

static struct slice
cell(const struct row *row, struct slice name, size_t otherwise)
{
	size_t i = column(row, name, otherwise);

	return i < row->count ? slice_trim(row->cells[i]) : SLICE_EMPTY;
}

/* The reply, with doubled quotes as one. */
static void
reply_set(struct logline *l, struct slice text)
{
	uint8_t room[LOGLINE_REPLY_MAX];
	size_t len = 0;

	for (size_t i = 0; i < text.len && len < sizeof(room); i++) {
		room[len++] = text.data[i];
		if (text.data[i] == '"' && i + 1 < text.len && text.data[i + 1] == '"')
			i++;
	}
	part_reply_set(l, slice_of(room, len));
}

/* --- tracking --------------------------------------------------------------------------------- */

static const struct event {
	struct slice name;
	uint8_t action;
} events[] = {
	{STR("FAIL"), LOGLINE_BOUNCED},
	{STR("BADMAIL"), LOGLINE_BOUNCED},
	{STR("SUBMITFAIL"), LOGLINE_BOUNCED},
	{STR("DEFER"), LOGLINE_DEFERRED},
	{STR("SUBMITDEFER"), LOGLINE_DEFERRED},
	{STR("SEND"), LOGLINE_SENT},
	{STR("SENDEXTERNAL"), LOGLINE_SENT},
	{STR("DELIVER"), LOGLINE_SENT},
	{STR("DUPLICATEDELIVER"), LOGLINE_SENT},
	{STR("RECEIVE"), LOGLINE_NONE},
	{STR("SUBMIT"), LOGLINE_NONE},
	{STR("DSN"), LOGLINE_NONE},
	{STR("DROP"), LOGLINE_NONE},
	{STR("EXPAND"), LOGLINE_NONE},
	{STR("RESOLVE"), LOGLINE_NONE},
	{STR("REDIRECT"), LOGLINE_NONE},
	{STR("TRANSFER"), LOGLINE_NONE},
	{STR("POISONMESSAGE"), LOGLINE_NONE},
	{STR("HARECEIVE"), LOGLINE_NONE},
	{STR("HAREDIRECT"), LOGLINE_NONE},
	{STR("HADISCARD"), LOGLINE_NONE},
	{STR("HAREDIRECTFAIL"), LOGLINE_NONE},
	{STR("AGENTINFO"), LOGLINE_NONE},
	{STR("NOTIFYMAPI"), LOGLINE_NONE},
	{STR("PROCESS"), LOGLINE_NONE},
	{STR("RESUBMIT"), LOGLINE_NONE},
	{STR("SUPPRESSED"), LOGLINE_NONE},
	{STR("THROTTLE"), LOGLINE_NONE},
	{STR("LOAD"), LOGLINE_NONE},
};

static const struct event *
event_find(struct slice name)
{
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		if (slice_eq(name, events[i].name))
			return &events[i];
	}
	return NULL;
}

static void
remote_set(struct logline *l, struct slice host, struct slice address)
{
	struct net_addr addr;

	part_host_set(l, address);
	if (net_addr_parse(host, &addr) == 0)
		l->remote_ip = host;
	else
		l->remote_host = host;
}

/* A value of [{LED=reply};{FQDN=host};{IP=address}], in which a reply may have braces of its own.
 */
static struct slice
status_value(struct slice status, struct slice key)
{
	struct slice rest = part_behind(status, key);
	size_t end = slice_find(rest, SLICE("};{")), last = slice_find(rest, SLICE("}]"));

	end = last < end ? last : end;
	return slice_sub(rest, 0, end < rest.len ? end : slice_rindex(rest, '}'));
}

static void
status_read(struct logline *l, struct slice status)
{
	struct slice led = status_value(status, SLICE("{LED="));

	if (led.len) {
		remote_set(l, status_value(status, SLICE("{FQDN=")),
			   status_value(status, SLICE("{IP=")));
		status = led;
	}
	reply_set(l, status);
	if (slice_find(status, SLICE("Failed to connect")) < status.len ||
	    slice_find(status, SLICE("Connection refused")) < status.len)
		l->stage = VERDICT_STAGE_CONNECT;
	if (l->action == LOGLINE_BOUNCED && slice_find(status, SLICE("QUEUE.Expired")) < status.len)
		l->action = LOGLINE_EXPIRED;
}

/* What a message trace or a console shows: "Reason: [{LED=550 5.1.1 no};{MSG=};...]". */
static bool
reason_read(struct slice line, struct logline *l)
{
	size_t at = slice_find(line, SLICE("[{L"));
	struct slice status = slice_from(line, at);

	if (!status_value(status, SLICE("{LED=")).len)
		return false;
	l->action = LOGLINE_BOUNCED;
	status_read(l, status);
	if (l->code / 100 == 4)
		l->action = LOGLINE_DEFERRED;
	return true;
}

static bool
tracking_read(const struct row *row, struct logline *l)
{
	struct slice name = cell(row, SLICE("event-id"), EVENT_CELL), recipients, status, context;
	const struct event *event = event_find(name);

	if (!event)
		return false;
	l->tag = name;
	l->action = event->action;
	l->inbound = slice_eq(name, SLICE("RECEIVE"));
	l->queue_id = cell(row, SLICE("internal-message-id"), 9);
	recipients = cell(row, SLICE("recipient-address"), 12);
	l->recipient = slice_sub(recipients, 0, slice_index(recipients, ';'));
	l->sender = cell(row, SLICE("sender-address"), 19);
	if (l->inbound)
		remote_set(l, cell(row, SLICE("client-hostname"), 2),
			   cell(row, SLICE("client-ip"), 1));
	else if (event->action == LOGLINE_SENT)
		remote_set(l, cell(row, SLICE("server-hostname"), 4),
			   cell(row, SLICE("server-ip"), 3));
	if (slice_eq(cell(row, SLICE("source"), 7), SLICE("STOREDRIVER")))
		l->stage = VERDICT_STAGE_LOCAL;
	status = cell(row, SLICE("recipient-status"), 13);
	context = cell(row, SLICE("source-context"), 5);
	if (!status.len &&
	    (part_code(context) || slice_find(context, SLICE("{LED=")) < context.len))
		status = context;
	if (!l->inbound)
		status_read(l, status);
	return true;
}

/* --- protocol --------------------------------------------------------------------------------- */

static void
command_read(struct logline *l, struct slice data)
{
	part_stage_set(l, data);
	if (l->stage == VERDICT_STAGE_RECIPIENT)
		l->recipient = part_between(data, SLICE("<"), '>');
	else if (l->stage == VERDICT_STAGE_SENDER)
		l->sender = part_between(data, SLICE("<"), '>');
}

/* What came in ("<") is the reply of a server where we are the client, else a client's command. */
static void
dialogue_read(struct logline *l, bool in, struct slice data)
{
	bool reply = part_code(data) != 0;

	l->inbound = in != reply;
	if (!reply) {
		command_read(l, data);
		return;
	}
	reply_set(l, data);
	if (l->code >= 400)
		l->action = l->inbound	     ? LOGLINE_REJECTED
			    : l->code >= 500 ? LOGLINE_BOUNCED
					     : LOGLINE_DEFERRED;
	else if (!l->inbound && l->code == 250 && l->status.class == 2 && l->status.subject == 6)
		l->action = LOGLINE_SENT; /* 250 2.6.0, queued mail for delivery */
}

static bool
protocol_read(const struct row *row, struct logline *l)
{
	struct slice event = cell(row, SLICE("event"), PROTOCOL_EVENT_CELL), data;

	if (event.len != 1 || !memchr("<>+-*", event.data[0], 5))
		return false;
	l->tag = event;
	l->queue_id = cell(row, SLICE("session-id"), 2);
	part_host_set(l, cell(row, SLICE("remote-endpoint"), 5));
	data = cell(row, SLICE("data"), 7);
	if (event.data[0] == '<' || event.data[0] == '>') {
		dialogue_read(l, event.data[0] == '<', data);
		return true;
	}
	data = cell(row, SLICE("context"), 8);
	reply_set(l, data);
	if (slice_starts(data, SLICE("Failed to connect")))
		l->stage = VERDICT_STAGE_CONNECT;
	return true;
}

/* --- all of it -------------------------------------------------------------------------------- */

/* The names behind "#Fields:" of a header of Exchange; else empty. */
static struct slice
names_of(struct slice line)
{
	if (slice_starts(line, SLICE("\xef\xbb\xbf")))
		line = slice_from(line, 3);
	if (!slice_starts(line, SLICE("#Fields:")))
		return SLICE_EMPTY;
	line = slice_trim(slice_from(line, 8));
	return slice_starts(line, SLICE("date-time,")) ? line : SLICE_EMPTY;
}

static bool
is_date(struct slice s)
{
	return s.len >= 16 && ascii_is_digit(s.data[0]) && s.data[4] == '-' && s.data[10] == 'T';
}

bool
exchange_read(struct slice line, struct slice fields, struct logline *l)
{
	struct row row = {.fields = names_of(fields)};

	if (names_of(line).len) {
		l->header = true;
		return true;
	}
	row_cut(line, &row);
	if (row.count <= EVENT_CELL || !is_date(row.cells[0]))
		return reason_read(line, l);
	row.old = row.count > NETWORK_ID_CELL &&
		  slice_index(row.cells[NETWORK_ID_CELL], '@') < row.cells[NETWORK_ID_CELL].len;
	return tracking_read(&row, l) || protocol_read(&row, l);
}
