/*
 * Messages carry their own proof: the field X-Sim has the submission's number, the length of the
 * body and its hash. Line ends count as CRLF whatever they are where the message lies.
 */
#include "mail.h"

#include <stdlib.h>
#include <string.h>

#include "run.h"

#define HASH_START 0xcbf29ce484222325u
#define HASH_PRIME 0x100000001b3u
#define LINE_LOW 1
#define LINE_HIGH 120
#define FIELD "X-Sim: "

struct text {
	char *data;
	size_t len, cap;
};

static void
put(struct text *t, const void *data, size_t len)
{
	if (t->len + len > t->cap) {
		t->cap = (t->len + len) * 2 + 1024;
		t->data = realloc(t->data, t->cap);
		ASSERT(t->data);
	}
	memcpy(t->data + t->len, data, len);
	t->len += len;
}

static void
put_str(struct text *t, const char *string)
{
	put(t, string, strlen(string));
}

static uint64_t
hash_byte(uint64_t hash, uint8_t byte)
{
	return (hash ^ byte) * HASH_PRIME;
}

static uint64_t
hash_of(const void *data, size_t len)
{
	const uint8_t *bytes = data;
	uint64_t hash = HASH_START;

	for (size_t i = 0; i < len; i++)
		hash = hash_byte(hash, bytes[i]);
	return hash;
}

/* Looks like the spool's own, as far as SMTP lets it through. */
static void
put_record(struct run *run, struct text *t)
{
	static const char marks[][9] = {"FRANKSEG", "FRANKJNL", "FRANKEND"};

	put(t, "\x8b\x46\x52\x4b\x01\x01\x01\x01", 8);
	put_str(t, marks[run_between(run, 0, 2)]);
	for (unsigned i = 0; i < 40; i++) {
		char byte = (char)run_between(run, 128, 255);

		put(t, &byte, 1);
	}
}

static void
put_line(struct run *run, struct text *t, bool records)
{
	uint64_t kind = run_between(run, 0, 19), len = run_between(run, LINE_LOW, LINE_HIGH);

	if (kind == 0)
		put_str(t, ".");
	else if (kind == 1)
		put_str(t, "..");
	else if (kind == 2)
		len = 0;
	else if (kind == 3)
		put_str(t, "From ");
	if (records && kind > 10)
		put_record(run, t);
	for (uint64_t i = 0; i < len; i++) {
		char byte = (char)run_between(run, 32, 126);

		put(t, &byte, 1);
	}
	put_str(t, "\r\n");
}

static void
put_header(struct run *run, struct text *t, const struct sub *sub)
{
	char line[512];
	int len;

	len = snprintf(line, sizeof(line),
		       "From: <%s>\r\nSubject: number %llu\r\nMessage-ID: <sim.%llu@sim.test>\r\n"
		       "Date: Thu, 1 Jan 2026 00:00:00 +0000\r\n",
		       sub->sender[0] ? sub->sender : "nobody@sim.test",
		       (unsigned long long)sub->number, (unsigned long long)sub->number);
	put(t, line, (size_t)len);
	for (unsigned i = 0; i < sub->rcpt_count; i++) {
		len = snprintf(line, sizeof(line), "To: <%s>\r\n", sub->rcpts[i].addr);
		put(t, line, (size_t)len);
	}
	len = snprintf(line, sizeof(line), FIELD "%llu %llu %016llx\r\n\r\n",
		       (unsigned long long)sub->number, (unsigned long long)sub->body_len,
		       (unsigned long long)sub->body_hash);
	put(t, line, (size_t)len);
	(void)run;
}

char *
mail_make(struct run *run, struct sub *sub, size_t *ret_len)
{
	const struct scenario *s = run->scenario;
	uint64_t size = run_between(run, s->size_low, s->size_high);
	bool records = s->records_in && run_between(run, 1, s->records_in) == 1;
	struct text body = {0}, all = {0};
	bool at_start = true;

	/* Most are small. */
	if (run_between(run, 0, 3))
		size = run_between(run, s->size_low, size);
	while (body.len < size)
		put_line(run, &body, records);
	sub->body_len = body.len;
	sub->body_hash = hash_of(body.data, body.len);
	put_header(run, &all, sub);
	for (size_t i = 0; i < body.len; i++) {
		if (at_start && body.data[i] == '.')
			put(&all, ".", 1);
		put(&all, &body.data[i], 1);
		at_start = body.data[i] == '\n';
	}
	put(&all, ".\r\n", 3);
	free(body.data);
	*ret_len = all.len;
	return all.data;
}

/* The value of a field at the beginning of a line, anywhere. */
static bool
field(struct slice text, struct slice name, struct slice *ret_value)
{
	size_t at = 0;

	for (;;) {
		size_t found = slice_find_nocase(slice_from(text, at), name);

		if (found == text.len - at)
			return false;
		at += found;
		if (at == 0 || text.data[at - 1] == '\n')
			break;
		at++;
	}
	*ret_value = slice_from(text, at + name.len);
	*ret_value = slice_sub(*ret_value, 0, slice_index(*ret_value, '\n'));
	*ret_value = slice_trim(*ret_value);
	if (ret_value->len && ret_value->data[ret_value->len - 1] == '\r')
		ret_value->len--;
	return true;
}

/* Where the header ends: the index of the first byte of the body. */
static size_t
header_end(struct slice text)
{
	size_t crlf = slice_find(text, SLICE("\r\n\r\n")), lf = slice_find(text, SLICE("\n\n"));

	if (crlf < text.len && crlf < lf)
		return crlf + 4;
	return lf < text.len ? lf + 2 : text.len;
}

static bool
body_intact(struct slice body, uint64_t len, uint64_t hash)
{
	uint64_t got = HASH_START, count = 0;

	for (size_t i = 0; i < body.len; i++) {
		if (body.data[i] == '\n' && (i == 0 || body.data[i - 1] != '\r')) {
			got = hash_byte(got, '\r');
			count++;
		}
		got = hash_byte(got, body.data[i]);
		count++;
	}
	return got == hash && count == len;
}

static bool
hex(struct slice text, uint64_t *ret_value)
{
	*ret_value = 0;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t byte = text.data[i];

		if (!ascii_is_digit(byte) && (byte < 'a' || byte > 'f'))
			return false;
		*ret_value = *ret_value << 4 |
			     (uint64_t)(ascii_is_digit(byte) ? byte - '0' : byte - 'a' + 10);
	}
	return text.len == 16;
}

struct mail
mail_read(struct slice text)
{
	struct mail mail = {.kind = MAIL_BROKEN, .text = text};
	size_t body_at = header_end(text);
	struct slice header = slice_sub(text, 0, body_at), value, word;
	uint64_t len, hash;

	if (field(header, SLICE("Message-ID:"), &value))
		mail.id_hash = hash_of(value.data, value.len);
	if (slice_find_nocase(header, SLICE("delivery-status")) < header.len)
		mail.kind = MAIL_REPORT;
	if (!field(mail.kind == MAIL_REPORT ? text : header, SLICE(FIELD), &value))
		return mail;
	word = slice_cut(&value, ' ');
	if (!slice_to_u64(word, UINT64_MAX, &mail.number))
		return mail;
	if (mail.kind == MAIL_REPORT)
		return mail;
	word = slice_cut(&value, ' ');
	if (!slice_to_u64(word, UINT64_MAX, &len) || !hex(value, &hash))
		return mail;
	mail.kind = MAIL_COPY;
	mail.intact = body_intact(slice_from(text, body_at), len, hash);
	return mail;
}

bool
mail_report_next(struct slice text, size_t *at, struct slice *ret_rcpt, struct slice *ret_action)
{
	struct slice rest = slice_from(text, *at);
	size_t found = slice_find_nocase(rest, SLICE("\nFinal-Recipient:"));
	struct slice block;

	if (found == rest.len)
		return false;
	block = slice_from(rest, found + 1);
	*at += found + 2;
	if (!field(block, SLICE("Final-Recipient:"), ret_rcpt) ||
	    !field(block, SLICE("Action:"), ret_action))
		return false;
	(void)slice_cut(ret_rcpt, ';');
	*ret_rcpt = slice_trim(*ret_rcpt);
	return true;
}
