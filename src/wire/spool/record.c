/*
 * record: meta of an ACCEPT record. Texts are u16 length and bytes, each with its maximum, so that
 * a record from a writer that was taken over cannot carry more than an honest one; every
 * enumeration and every sum of lengths is checked here, once.
 */
#include "wire/spool/record.h"

#include "base/assert.h"
#include "base/cursor.h"

#define META_FORM 1
#define ADDR_BYTES 16
/* Form to report id, client, lengths, count of recipients. */
#define META_FIXED_BYTES (6 + 24 + 3 + ADDR_BYTES + 16 + 24 + 2)

static void
text_encode(struct builder *b, struct slice text, size_t max)
{
	ASSERT(text.len <= max);
	builder_u16(b, (uint16_t)text.len);
	builder_add(b, text);
}

static struct slice
text_decode(struct cursor *c, size_t max)
{
	size_t len = cursor_u16(c);

	if (len > max)
		cursor_fail(c, ERR_LIMIT);
	return cursor_bytes(c, len);
}

static size_t
text_bytes(struct slice text, size_t max, bool *over)
{
	if (text.len > max)
		*over = true;
	return 2 + text.len;
}

size_t
spool_meta_bytes(const struct spool_accept *accept)
{
	size_t bytes = META_FIXED_BYTES;
	bool over = accept->rcpt_count == 0 || accept->rcpt_count > SPOOL_RCPTS_MAX;

	bytes += text_bytes(accept->sender, SPOOL_ADDRESS_MAX, &over);
	bytes += text_bytes(accept->envid, SPOOL_TEXT_MAX, &over);
	bytes += text_bytes(accept->listener, SPOOL_TEXT_MAX, &over);
	bytes += text_bytes(accept->helo, SPOOL_TEXT_MAX, &over);
	bytes += text_bytes(accept->login, SPOOL_TEXT_MAX, &over);
	bytes += text_bytes(accept->tls, SPOOL_TEXT_MAX, &over);
	for (size_t i = 0; i < accept->rcpt_count && !over; i++) {
		bytes += 2 + text_bytes(accept->rcpts[i].address, SPOOL_ADDRESS_MAX, &over);
		bytes += text_bytes(accept->rcpts[i].orcpt, SPOOL_TEXT_MAX, &over);
		bytes += text_bytes(accept->rcpts[i].target, SPOOL_ADDRESS_MAX, &over);
	}
	return over ? 0 : bytes;
}

static void
lengths_encode(struct builder *b, const struct spool_accept *accept)
{
	builder_u32(b, accept->trace_len);
	builder_u32(b, accept->header_len);
	builder_u32(b, accept->inline_len);
	builder_u32(b, accept->body.file);
	builder_u64(b, accept->body.file_bytes);
	builder_u64(b, accept->body.sum);
	builder_u64(b, accept->size_bytes);
}

void
spool_meta_encode(struct builder *b, const struct spool_accept *accept)
{
	ASSERT(accept->rcpt_count <= SPOOL_RCPTS_MAX);
	builder_u8(b, META_FORM);
	builder_u16(b, accept->flags);
	builder_u8(b, accept->ret);
	builder_u8(b, accept->protocol);
	builder_u8(b, accept->report_kind);
	builder_u64(b, (uint64_t)accept->accepted_wall_ms);
	builder_u64(b, accept->report_key);
	builder_u64(b, accept->report_of);
	builder_u8(b, accept->client.family);
	builder_u16(b, accept->client.port);
	builder_bytes(b, accept->client.bytes, ADDR_BYTES);
	lengths_encode(b, accept);
	text_encode(b, accept->sender, SPOOL_ADDRESS_MAX);
	text_encode(b, accept->envid, SPOOL_TEXT_MAX);
	text_encode(b, accept->listener, SPOOL_TEXT_MAX);
	text_encode(b, accept->helo, SPOOL_TEXT_MAX);
	text_encode(b, accept->login, SPOOL_TEXT_MAX);
	text_encode(b, accept->tls, SPOOL_TEXT_MAX);
	builder_u16(b, (uint16_t)accept->rcpt_count);
	for (size_t i = 0; i < accept->rcpt_count; i++) {
		const struct spool_rcpt *rcpt = &accept->rcpts[i];

		builder_u8(b, rcpt->kind);
		builder_u8(b, rcpt->notify);
		text_encode(b, rcpt->address, SPOOL_ADDRESS_MAX);
		text_encode(b, rcpt->orcpt, SPOOL_TEXT_MAX);
		text_encode(b, rcpt->target, SPOOL_ADDRESS_MAX);
	}
}

static void
client_decode(struct cursor *c, struct net_addr *ret_client)
{
	struct slice bytes;

	ret_client->family = cursor_u8(c);
	ret_client->port = cursor_u16(c);
	bytes = cursor_bytes(c, ADDR_BYTES);
	for (size_t i = 0; i < bytes.len; i++)
		ret_client->bytes[i] = bytes.data[i];
	if (ret_client->family != NET_FAMILY_NONE && ret_client->family != NET_FAMILY_4 &&
	    ret_client->family != NET_FAMILY_6)
		cursor_fail(c, ERR_RANGE);
}

static void
lengths_decode(struct cursor *c, struct spool_accept *a)
{
	a->trace_len = cursor_u32(c);
	a->header_len = cursor_u32(c);
	a->inline_len = cursor_u32(c);
	a->body.file = cursor_u32(c);
	a->body.file_bytes = cursor_u64(c);
	a->body.sum = cursor_u64(c);
	a->size_bytes = cursor_u64(c);
	if (a->inline_len > SPOOL_RECORD_MAX || a->body.file_bytes > INT64_MAX ||
	    (a->body.file == 0 && a->body.file_bytes) ||
	    a->size_bytes != a->inline_len + a->body.file_bytes ||
	    (uint64_t)a->trace_len + a->header_len > a->size_bytes)
		cursor_fail(c, ERR_RANGE);
}

static void
rcpts_decode(struct cursor *c, struct arena *arena, struct spool_accept *a)
{
	struct spool_rcpt *rcpts;

	a->rcpt_count = cursor_u16(c);
	if (a->rcpt_count == 0 || a->rcpt_count > SPOOL_RCPTS_MAX)
		cursor_fail(c, ERR_RANGE);
	if (c->err)
		return;
	rcpts = arena_alloc(arena, a->rcpt_count * sizeof(*rcpts));
	if (!rcpts) {
		cursor_fail(c, ERR_NO_MEMORY);
		return;
	}
	a->rcpts = rcpts;
	for (size_t i = 0; i < a->rcpt_count && !c->err; i++) {
		rcpts[i].kind = cursor_u8(c);
		rcpts[i].notify = cursor_u8(c);
		rcpts[i].address = text_decode(c, SPOOL_ADDRESS_MAX);
		rcpts[i].orcpt = text_decode(c, SPOOL_TEXT_MAX);
		rcpts[i].target = text_decode(c, SPOOL_ADDRESS_MAX);
		if (rcpts[i].kind != SPOOL_RCPT_LOCAL && rcpts[i].kind != SPOOL_RCPT_REMOTE)
			cursor_fail(c, ERR_RANGE);
		if (rcpts[i].notify >= SPOOL_NOTIFY_DELAY * 2)
			cursor_fail(c, ERR_RANGE);
	}
}

int
spool_meta_decode(struct arena *arena, struct slice meta, msg_id id,
		  struct spool_accept *ret_accept)
{
	struct spool_accept a = {.id = id};
	struct cursor c;
	int err;

	cursor_init(&c, meta);
	if (cursor_u8(&c) != META_FORM)
		cursor_fail(&c, ERR_VERSION);
	a.flags = cursor_u16(&c);
	a.ret = cursor_u8(&c);
	a.protocol = cursor_u8(&c);
	a.report_kind = cursor_u8(&c);
	if (a.ret > SPOOL_RET_HDRS || a.protocol > SPOOL_PROTOCOL_INTERNAL ||
	    a.report_kind >= SPOOL_REPORT_KIND_MAX)
		cursor_fail(&c, ERR_RANGE);
	a.accepted_wall_ms = (int64_t)cursor_u64(&c);
	a.report_key = cursor_u64(&c);
	a.report_of = cursor_u64(&c);
	client_decode(&c, &a.client);
	lengths_decode(&c, &a);
	a.sender = text_decode(&c, SPOOL_ADDRESS_MAX);
	a.envid = text_decode(&c, SPOOL_TEXT_MAX);
	a.listener = text_decode(&c, SPOOL_TEXT_MAX);
	a.helo = text_decode(&c, SPOOL_TEXT_MAX);
	a.login = text_decode(&c, SPOOL_TEXT_MAX);
	a.tls = text_decode(&c, SPOOL_TEXT_MAX);
	rcpts_decode(&c, arena, &a);
	err = cursor_end(&c);
	if (err)
		return err;
	*ret_accept = a;
	return 0;
}

int
spool_record_decode(struct arena *arena, struct slice record, uint64_t secret,
		    struct spool_accept *ret_accept, struct slice *ret_content)
{
	struct spool_accept accept;
	struct spool_found found;
	uint64_t want;
	int err = spool_scan(record, secret, true, &found);

	if (err < 0)
		return err;
	if (err == 0 || found.skipped || found.record.len != record.len)
		return ERR_CHECKSUM;
	if (found.head.kind != SPOOL_RECORD_ACCEPT || found.head.id == 0)
		return ERR_RANGE;
	err = spool_meta_decode(arena, spool_record_meta(&found), found.head.id, &accept);
	if (err)
		return err;
	want = SPOOL_HEAD_BYTES + (uint64_t)found.head.meta_length + accept.inline_len;
	if (want + spool_padding(want) != found.head.length)
		return ERR_RANGE;
	*ret_accept = accept;
	*ret_content =
		slice_sub(record, SPOOL_HEAD_BYTES + found.head.meta_length, accept.inline_len);
	return 0;
}
