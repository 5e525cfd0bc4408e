/*
 * mailenable: the activity log has a line for each command, parted by tabs: time, SMTP-IN or
 * another word for outgoing, message, socket, remote address, command, its details, reply, bytes
 * in, bytes out, login (ME020170). The debug log has decisions with codes, ME-E0193 (ME020280,
 * ME020517); only those whose meaning is published have one here. A bounce's "Reason:" reads alike.
 */
#include "wire/logline/part.h"

#include <string.h>

#define COLUMNS 8 /* that matter */
#define CODE_LEN 8
#define STR(literal)                                                                               \
	{                                                                                          \
		(const uint8_t *)(literal), sizeof(literal) - 1                                    \
	}

enum column { AT_TIME, AT_TYPE, AT_ID, AT_SOCKET, AT_IP, AT_COMMAND, AT_DETAIL, AT_REPLY };

/* --- activity --------------------------------------------------------------------------------- */

/* false when there are fewer. */
static bool
columns_cut(struct slice line, struct slice *columns)
{
	for (unsigned i = 0; i < COLUMNS; i++) {
		if (!line.data)
			return false;
		columns[i] = slice_trim(slice_cut(&line, '\t'));
	}
	return true;
}

/* Takes byte counts off the end, which a reply that is pasted has behind it. */
static struct slice
counts_cut(struct slice text)
{
	for (unsigned i = 0; i < 2; i++) {
		size_t blank = slice_rindex(text, ' ');

		if (blank < text.len && part_all_digits(slice_from(text, blank + 1)))
			text = slice_trim(slice_sub(text, 0, blank));
	}
	return text;
}

/* The same line where its tabs have become blanks: columns are told by their form. */
static bool
pasted_cut(struct slice line, struct slice *columns)
{
	size_t at = 0;

	part_word(&line); /* the day */
	for (unsigned i = 0; i < AT_COMMAND; i++)
		columns[i] = part_word(&line);
	while (at < line.len &&
	       ((at > 0 && line.data[at - 1] != ' ') || !part_code(slice_from(line, at))))
		at++;
	columns[AT_REPLY] = counts_cut(slice_from(line, at));
	line = slice_sub(line, 0, at);
	columns[AT_COMMAND] = part_word(&line);
	columns[AT_DETAIL] = line;
	return slice_ends_nocase(columns[AT_ID], SLICE(".MAI"));
}

/* What a reply to that command means for the message. */
static uint8_t
action_of(const struct logline *l)
{
	if (l->code >= 400 && l->inbound)
		return LOGLINE_REJECTED;
	if (l->code >= 500)
		return LOGLINE_BOUNCED;
	if (l->code >= 400)
		return LOGLINE_DEFERRED;
	return l->stage == VERDICT_STAGE_FINAL && l->code && !l->inbound ? LOGLINE_SENT
									 : LOGLINE_NONE;
}

static void
command_read(struct logline *l, struct slice command, struct slice detail)
{
	struct slice address = part_between(detail, SLICE("<"), '>');

	if (!command.len)
		l->stage = VERDICT_STAGE_GREETING;
	else if (slice_eq(command, SLICE(".")))
		l->stage = VERDICT_STAGE_FINAL;
	else
		part_stage_set(l, command);
	if (l->stage == VERDICT_STAGE_RECIPIENT)
		l->recipient = address;
	else if (l->stage == VERDICT_STAGE_SENDER)
		l->sender = address;
}

static bool
activity_read(struct slice line, struct logline *l)
{
	struct slice columns[COLUMNS];

	if (!columns_cut(line, columns) && !pasted_cut(line, columns))
		return false;
	if (!slice_starts(columns[AT_TYPE], SLICE("SMTP-")) || !columns[AT_TIME].len ||
	    !ascii_is_digit(columns[AT_TIME].data[0]))
		return false;
	l->tag = columns[AT_TYPE];
	l->inbound = slice_starts(columns[AT_TYPE], SLICE("SMTP-IN"));
	l->queue_id = columns[AT_ID];
	part_host_set(l, columns[AT_IP]);
	command_read(l, columns[AT_COMMAND], columns[AT_DETAIL]);
	part_reply_set(l, columns[AT_REPLY]);
	/* the reply to DATA itself is 354; 250 is the one to the message */
	if (l->stage == VERDICT_STAGE_DATA && l->code / 100 == 2)
		l->stage = VERDICT_STAGE_FINAL;
	l->action = action_of(l);
	return true;
}

/* --- debug ------------------------------------------------------------------------------------ */

static const struct {
	struct slice code;
	uint8_t action, stage;
	bool inbound;
} meanings[] = {
	{STR("ME-E0193"), LOGLINE_BOUNCED, VERDICT_STAGE_GREETING, false},
	{STR("ME-I0102"), LOGLINE_NONE, VERDICT_STAGE_RECIPIENT, true}, /* goes to a catch-all */
	{STR("ME-I0106"), LOGLINE_NONE, VERDICT_STAGE_RECIPIENT, true}, /* relaying is granted */
	{STR("ME-I0107"), LOGLINE_NONE, VERDICT_STAGE_RECIPIENT, true},
	{STR("ME-I0108"), LOGLINE_NONE, VERDICT_STAGE_RECIPIENT, true},
	{STR("ME-I0110"), LOGLINE_NONE, VERDICT_STAGE_RECIPIENT, true},
	{STR("ME-E0109"), LOGLINE_REJECTED, VERDICT_STAGE_RECIPIENT, true}, /* denied */
	{STR("ME-I0111"), LOGLINE_REJECTED, VERDICT_STAGE_RECIPIENT, true},
	{STR("ME-I0112"), LOGLINE_REJECTED, VERDICT_STAGE_RECIPIENT, true},
	{STR("ME-I0073"), LOGLINE_NONE, VERDICT_STAGE_MAX, true}, /* an address is banned */
};

/* "ME-E0193" at the start of text. */
static struct slice
code_at(struct slice text)
{
	struct slice code = slice_sub(text, 0, CODE_LEN);

	if (code.len < CODE_LEN || !slice_starts(code, SLICE("ME-")) ||
	    !memchr("EIW", code.data[3], 3) || !part_all_digits(slice_from(code, 4)) ||
	    !slice_starts(slice_from(text, CODE_LEN), SLICE(":")))
		return SLICE_EMPTY;
	return code;
}

static void
meaning_set(struct logline *l)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		if (!slice_eq(l->tag, meanings[i].code))
			continue;
		l->action = meanings[i].action;
		l->stage = meanings[i].stage;
		l->inbound = meanings[i].inbound;
	}
}

/* A remote's reply stands behind one of these words; else the text is the server's own. */
static bool
returned_read(struct logline *l, struct slice text)
{
	static const struct slice leads[] = {STR("Remote SMTP Server Returned:"),
					     STR("The server returned:"),
					     STR("remote server returned:")};

	for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
		size_t at = slice_find_nocase(text, leads[i]);

		if (at == text.len)
			continue;
		part_reply_set(l, slice_from(text, at + leads[i].len));
		return true;
	}
	return false;
}

static bool
debug_read(struct slice line, struct logline *l)
{
	size_t at = slice_find(line, SLICE("ME-"));
	struct slice text = slice_from(line, at), mail;
	bool returned;

	l->tag = code_at(text);
	if (l->tag.len) {
		meaning_set(l);
		text = slice_trim(slice_from(text, CODE_LEN + 1));
	}
	returned = returned_read(l, line);
	if (!l->tag.len && !returned)
		return false;
	if (returned && l->action == LOGLINE_NONE)
		l->action = l->code / 100 == 4 ? LOGLINE_DEFERRED : LOGLINE_BOUNCED;
	if (!returned)
		part_reply_set(l, text);
	l->recipient = part_between(line, SLICE("[SMTP:"), ']');
	mail = part_between(text, SLICE("["), ']');
	if (slice_ends_nocase(mail, SLICE(".MAI")))
		l->queue_id = mail;
	part_host_set(l, part_between(text, SLICE("("), ')'));
	return true;
}

bool
mailenable_read(struct slice line, struct logline *l)
{
	return activity_read(line, l) || debug_read(line, l);
}
