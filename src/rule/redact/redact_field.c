/*
 * redact_field: what becomes of a field is a table by its name. In a header a field that is not in
 * it is left out; in a report for machines (delivery-status, feedback-report) it is text, since the
 * reason may stand anywhere there.
 */
#include <string.h>

#include "rule/redact/redact_impl.h"
#include "wire/message/mime.h"

#define NAME_MAX_BYTES 64
#define STR(literal)                                                                               \
	{                                                                                          \
		(const uint8_t *)(literal), sizeof(literal) - 1                                    \
	}

/* T_OWN: text in the bounce itself, left out of what it returns. */
enum treatment { T_TEXT, T_OWN, T_ADDRESSES, T_ID, T_SUBJECT, T_RECEIVED, T_DROP };

static const struct row {
	struct slice name;
	uint8_t treatment;
	bool about_message; /* said of the returned message in running text, too */
} rows[] = {
	{STR("from"), T_ADDRESSES, true},
	{STR("to"), T_ADDRESSES, true},
	{STR("cc"), T_ADDRESSES, true},
	{STR("bcc"), T_ADDRESSES, true},
	{STR("sender"), T_ADDRESSES, true},
	{STR("reply-to"), T_ADDRESSES, true},
	{STR("errors-to"), T_ADDRESSES, true},
	{STR("return-path"), T_ADDRESSES, false},
	{STR("delivered-to"), T_ADDRESSES, false},
	{STR("envelope-to"), T_ADDRESSES, false},
	{STR("x-original-to"), T_ADDRESSES, false},
	{STR("x-envelope-to"), T_ADDRESSES, false},
	{STR("x-failed-recipients"), T_ADDRESSES, false},
	{STR("subject"), T_SUBJECT, true},
	{STR("thread-topic"), T_SUBJECT, true},
	{STR("original-subject"), T_SUBJECT, true},
	{STR("message-id"), T_ID, true},
	{STR("in-reply-to"), T_ID, false},
	{STR("references"), T_ID, false},
	{STR("original-message-id"), T_ID, false},
	{STR("x-original-message-id"), T_ID, false},
	{STR("original-envelope-id"), T_ID, false},
	{STR("x-postfix-queue-id"), T_ID, false},
	{STR("x-display-name"), T_DROP, false},
	{STR("received-from-mta"), T_DROP, false}, /* where the sender sits */
	{STR("received"), T_RECEIVED, false},
	{STR("date"), T_TEXT, false},
	{STR("arrival-date"), T_TEXT, false},
	{STR("auto-submitted"), T_TEXT, false},
	{STR("mime-version"), T_OWN, false},
	{STR("precedence"), T_TEXT, false},
	{STR("content-description"), T_TEXT, false},
	{STR("x-auto-response-suppress"), T_TEXT, false},
	{STR("x-mailer"), T_OWN, false},
	{STR("x-mefilter"), T_TEXT, false},
};

/* The usual subjects of bounces; what follows one of them is the sender's or the recipient's, or
 * the reason in the server's words. */
static const struct subject {
	struct slice text;
	bool reason;
} subjects[] = {
	{STR("undelivered mail returned to sender"), false},
	{STR("undelivered mail"), false},
	{STR("delivery status notification (failure)"), false},
	{STR("delivery status notification (delay)"), false},
	{STR("delivery status notification"), false},
	{STR("delivery status"), false},
	{STR("returned mail:"), true},
	{STR("returned mail"), false},
	{STR("postmaster notify:"), true},
	{STR("warning: could not send message"), true},
	{STR("mail delivery failed: returning message to sender"), false},
	{STR("mail delivery failed"), false},
	{STR("mail delivery failure"), false},
	{STR("mail delivery problem"), false},
	{STR("mail delivery subsystem"), false},
	{STR("mail could not be delivered"), false},
	{STR("mail system error - returned mail"), false},
	{STR("mail undeliverable"), false},
	{STR("message delivery failure"), false},
	{STR("message delivery delayed"), false},
	{STR("message undeliverable"), false},
	{STR("message not delivered"), false},
	{STR("undeliverable mail"), false},
	{STR("undeliverable message"), false},
	{STR("undeliverable"), false},
	{STR("nondeliverable mail"), false},
	{STR("non-deliverable"), false},
	{STR("failure notice"), false},
	{STR("failed delivery"), false},
	{STR("failed mail"), false},
	{STR("delivery notification: delivery has failed"), false},
	{STR("delivery notification"), false},
	{STR("delivery failure"), false},
	{STR("delivery failed"), false},
	{STR("delivery report"), false},
	{STR("delayed mail"), false},
	{STR("there was an error sending your mail"), false},
	{STR("permanent delivery failure"), false},
	{STR("rejected mail"), false},
	{STR("unzustellbar"), false},
	{STR("abuse report"), false},
	{STR("automatic reply"), false},
	{STR("auto-reply"), false},
	{STR("out of office"), false},
	{STR("read:"), false},
};

static const struct row *
row_find(struct slice name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (slice_eq_nocase(name, rows[i].name))
			return &rows[i];
	}
	return NULL;
}

bool
redact_is_listed(struct slice name)
{
	return row_find(name) != NULL;
}

bool
redact_is_about_message(struct slice name)
{
	const struct row *row = row_find(name);

	return row && row->about_message;
}

static bool
is_name(struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (!ascii_is_alpha(name.data[i]) && !ascii_is_digit(name.data[i]) &&
		    name.data[i] != '-' && name.data[i] != '_')
			return false;
	}
	return name.len && name.len <= NAME_MAX_BYTES;
}

static uint8_t
treatment_of(struct slice name, enum redact_place place)
{
	const struct row *row = row_find(name);
	bool description = slice_eq_nocase(name, SLICE("content-description"));

	if (!is_name(name) || (place == REDACT_PLACE_PART && !description))
		return T_DROP;
	if (!row)
		return place == REDACT_PLACE_STATUS ? T_TEXT : T_DROP;
	/* they tell of the sender's own machine */
	if ((row->treatment == T_RECEIVED || row->treatment == T_OWN) && place != REDACT_PLACE_MAIL)
		return T_DROP;
	return row->treatment;
}

static void
subject_build(struct redact *r, struct slice value)
{
	for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
		const struct subject *subject = &subjects[i];

		if (!slice_starts_nocase(value, subject->text))
			continue;
		builder_add(&r->out, slice_sub(value, 0, subject->text.len));
		if (subject->reason)
			redact_line(r, slice_from(value, subject->text.len));
		else if (value.len > subject->text.len)
			builder_str(&r->out, " " REDACT_LEFT_OUT);
		return;
	}
	builder_str(&r->out, REDACT_LEFT_OUT);
}

/* Words are ids; one with an at sign keeps the form of a Message-ID. */
static void
ids_build(struct redact *r, struct slice value)
{
	for (bool first = true; value.len; first = false) {
		struct slice id = slice_trim(slice_cut(&value, ' '));
		bool mail = slice_index(id, '@') < id.len;

		if (id.len && (id.data[0] == '<' || mail))
			id = slice_sub(id, id.data[0] == '<', id.len);
		if (id.len && id.data[id.len - 1] == '>')
			id.len--;
		if (!id.len)
			continue;
		builder_str(&r->out, first ? "" : " ");
		builder_str(&r->out, mail ? "<" : "");
		redact_id(r, id);
		builder_str(&r->out, mail ? "@id.invalid>" : "");
	}
}

/* Behind these stands an id or a name in a Received field; an address is one by its sign. */
static const struct slice received_keys[] = {
	STR(" id "), STR(" for "), STR("sender: "), STR("sender="), STR("user: "), STR("user="),
};

/* The first of them from at on, or NULL; *ret_at: where what it names begins. */
static const struct slice *
received_key(struct slice value, size_t *ret_at)
{
	for (size_t at = 0; at < value.len; at++) {
		for (size_t i = 0; i < sizeof(received_keys) / sizeof(received_keys[0]); i++) {
			if (!slice_starts_nocase(slice_from(value, at), received_keys[i]))
				continue;
			*ret_at = at + received_keys[i].len;
			return &received_keys[i];
		}
	}
	return NULL;
}

/* "from a by b with ESMTP id X for <c>; date". */
static void
received_build(struct redact *r, struct slice value)
{
	const struct slice *key;
	size_t at;

	while ((key = received_key(value, &at))) {
		struct slice word = slice_from(value, at);
		size_t len = 0;

		redact_line(r, slice_sub(value, 0, at - key->len));
		builder_add(&r->out, *key);
		while (len < word.len && !memchr(" \t;)", word.data[len], 4))
			len++;
		value = slice_from(word, len);
		word = slice_sub(word, 0, len);
		if (key != &received_keys[0] && slice_index(word, '@') < word.len)
			redact_line(r, word);
		else if (word.len)
			redact_id(r, word);
	}
	redact_line(r, value);
}

/* A value without any address: "<>", "MAILER-DAEMON", or who knows what. */
static void
nobody_build(struct redact *r, struct slice value)
{
	struct slice word =
		slice_starts(value, SLICE("<")) ? slice_sub(value, 1, value.len - 2) : value;

	if (slice_eq(value, SLICE("<>")) || redact_is_role(word))
		builder_add(&r->out, value);
	else
		builder_str(&r->out, REDACT_LEFT_OUT);
}

static void
value_build(struct redact *r, struct slice value, uint8_t treatment)
{
	if (treatment == T_TEXT || treatment == T_OWN)
		redact_line(r, value);
	else if (treatment == T_SUBJECT)
		subject_build(r, value);
	else if (treatment == T_ID)
		ids_build(r, value);
	else if (treatment == T_RECEIVED)
		received_build(r, value);
	else if (!redact_addresses(r, value))
		nobody_build(r, value);
}

bool
redact_field(struct redact *r, struct slice name, struct slice value, enum redact_place place)
{
	uint8_t treatment = treatment_of(name, place);
	struct builder text;

	if (treatment == T_DROP)
		return false;
	builder_init_fixed(&text, r->field_room, sizeof(r->field_room));
	mime_header_text(&text, value, r->hook);
	builder_add(&r->out, name);
	builder_str(&r->out, ": ");
	value_build(r, builder_slice(&text), treatment);
	builder_byte(&r->out, '\n');
	return true;
}

size_t
redact_fields(struct redact *r, struct slice fields, enum redact_place place)
{
	struct slice name, value;
	size_t dropped = 0;

	while (mime_field_next(&fields, &name, &value))
		dropped += !redact_field(r, name, value, place);
	return dropped;
}
