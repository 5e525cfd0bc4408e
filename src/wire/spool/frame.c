/*
 * frame: file heads, record heads, sums, scanning, footers. XXH3-64 comes from xxhash.h as inline
 * functions, so that nothing is called and the layer stays pure. Only the sums make a record
 * valid: the magic is there to find candidates quickly, and the head's own seeded sum makes a
 * candidate made by an attacker cost 48 bytes of hashing, not the length it claims.
 */
#include "wire/spool/frame.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/assert.h"
#include "base/cursor.h"

_Static_assert(sizeof(XXH3_state_t) <= SPOOL_SUM_BYTES && _Alignof(XXH3_state_t) <= SPOOL_SUM_ALIGN,
	       "the state fits");

#define HEAD_SUMMED_BYTES 48
#define FILE_HEAD_SUMMED_BYTES 56
#define MAGIC_BYTES 4
#define SEAL_META_BYTES 16

static const uint8_t record_magic[MAGIC_BYTES] = {0x8b, 'F', 'R', 'K'};
static const char *const file_magic[SPOOL_FILE_KIND_MAX] = {"FRANKSEG", "FRANKJNL"};

uint64_t
spool_sum(uint64_t secret, struct slice bytes)
{
	return XXH3_64bits_withSeed(bytes.len ? bytes.data : record_magic, bytes.len, secret);
}

static XXH3_state_t *
state_of(const struct spool_sum_state *state)
{
	uintptr_t at = (uintptr_t)state->bytes + SPOOL_SUM_ALIGN - 1;

	return (XXH3_state_t *)(at - at % SPOOL_SUM_ALIGN);
}

void
spool_sum_begin(struct spool_sum_state *state, uint64_t secret)
{
	XXH3_INITSTATE(state_of(state));
	XXH3_64bits_reset_withSeed(state_of(state), secret);
}

void
spool_sum_add(struct spool_sum_state *state, struct slice part)
{
	if (part.len)
		XXH3_64bits_update(state_of(state), part.data, part.len);
}

uint64_t
spool_sum_end(const struct spool_sum_state *state)
{
	return XXH3_64bits_digest(state_of(state));
}

static void
zeros(struct builder *b, size_t count)
{
	while (count--)
		builder_u8(b, 0);
}

/* What has been written since start, for a sum over it. */
static struct slice
since(const struct builder *b, size_t start)
{
	return slice_from(builder_slice(b), start);
}

void
spool_file_head_encode(struct builder *b, const struct spool_file_head *head)
{
	size_t start = b->len;

	ASSERT(head->kind < SPOOL_FILE_KIND_MAX);
	builder_str(b, file_magic[head->kind]);
	builder_u16(b, SPOOL_FORM);
	builder_u16(b, head->node);
	builder_u32(b, head->number);
	builder_u64(b, head->secret);
	builder_u64(b, (uint64_t)head->created_wall_ms);
	builder_u8(b, head->writer_role);
	builder_u8(b, 0);
	builder_u16(b, head->writer_instance);
	zeros(b, FILE_HEAD_SUMMED_BYTES - 36);
	builder_u64(b, spool_sum(0, since(b, start)));
}

int
spool_file_head_decode(struct slice bytes, struct spool_file_head *ret_head)
{
	struct spool_file_head head = {0};
	struct slice magic;
	struct cursor c;
	uint16_t form;

	if (bytes.len < SPOOL_FILE_HEAD_BYTES)
		return ERR_TRUNCATED;
	cursor_init(&c, slice_sub(bytes, 0, SPOOL_FILE_HEAD_BYTES));
	magic = cursor_bytes(&c, 8);
	while (head.kind < SPOOL_FILE_KIND_MAX &&
	       !slice_eq(magic, slice_str(file_magic[head.kind])))
		head.kind++;
	form = cursor_u16(&c);
	head.node = cursor_u16(&c);
	head.number = cursor_u32(&c);
	head.secret = cursor_u64(&c);
	head.created_wall_ms = (int64_t)cursor_u64(&c);
	head.writer_role = cursor_u8(&c);
	cursor_u8(&c);
	head.writer_instance = cursor_u16(&c);
	cursor_bytes(&c, FILE_HEAD_SUMMED_BYTES - 36);
	if (head.kind >= SPOOL_FILE_KIND_MAX ||
	    cursor_u64(&c) != spool_sum(0, slice_sub(bytes, 0, FILE_HEAD_SUMMED_BYTES)))
		return ERR_CHECKSUM;
	if (form != SPOOL_FORM)
		return ERR_VERSION;
	if (head.node > MSG_ID_NODE_MAX)
		return ERR_RANGE;
	*ret_head = head;
	return 0;
}

bool
spool_file_head_unborn(struct slice content, enum spool_file_kind kind)
{
	struct slice magic = slice_str(file_magic[kind]);
	size_t common = content.len < magic.len ? content.len : magic.len, zeros = 0;

	while (zeros < content.len && content.data[zeros] == 0)
		zeros++;
	if (content.len > SPOOL_FILE_HEAD_BYTES)
		return false;
	return zeros == content.len ||
	       (content.len < SPOOL_FILE_HEAD_BYTES &&
		slice_eq(slice_sub(content, 0, common), slice_sub(magic, 0, common)));
}

void
spool_head_encode(struct builder *b, const struct spool_head *head, uint64_t secret)
{
	size_t start = b->len;

	ASSERT(head->length % SPOOL_ALIGN == 0 && head->length <= SPOOL_RECORD_MAX);
	ASSERT(head->meta_length <= head->length - SPOOL_HEAD_BYTES);
	builder_bytes(b, record_magic, sizeof(record_magic));
	builder_u8(b, head->kind);
	builder_u8(b, SPOOL_FORM);
	builder_u16(b, 0);
	builder_u32(b, head->length);
	builder_u32(b, head->meta_length);
	builder_u64(b, head->sequence);
	builder_u64(b, head->id);
	builder_u64(b, head->meta_sum);
	builder_u64(b, head->content_sum);
	builder_u64(b, spool_sum(secret, since(b, start)));
}

static int
head_check(const struct spool_head *head, uint8_t form)
{
	if (form != SPOOL_FORM)
		return ERR_VERSION;
	if (head->kind == 0 || head->kind >= SPOOL_RECORD_KIND_MAX)
		return ERR_RANGE;
	if (head->length % SPOOL_ALIGN || head->length < SPOOL_HEAD_BYTES ||
	    head->length > SPOOL_RECORD_MAX || head->meta_length > SPOOL_META_MAX ||
	    head->meta_length > head->length - SPOOL_HEAD_BYTES)
		return ERR_RANGE;
	return 0;
}

int
spool_head_decode(struct slice bytes, uint64_t secret, struct spool_head *ret_head)
{
	struct spool_head head = {0};
	struct cursor c;
	uint8_t form;
	int err;

	if (bytes.len < SPOOL_HEAD_BYTES)
		return ERR_TRUNCATED;
	if (!slice_starts(bytes, slice_of(record_magic, sizeof(record_magic))))
		return ERR_SYNTAX;
	cursor_init(&c, slice_sub(bytes, MAGIC_BYTES, SPOOL_HEAD_BYTES - MAGIC_BYTES));
	head.kind = cursor_u8(&c);
	form = cursor_u8(&c);
	cursor_u16(&c);
	head.length = cursor_u32(&c);
	head.meta_length = cursor_u32(&c);
	head.sequence = cursor_u64(&c);
	head.id = cursor_u64(&c);
	head.meta_sum = cursor_u64(&c);
	head.content_sum = cursor_u64(&c);
	if (cursor_u64(&c) != spool_sum(secret, slice_sub(bytes, 0, HEAD_SUMMED_BYTES)))
		return ERR_CHECKSUM;
	err = head_check(&head, form);
	if (err)
		return err;
	*ret_head = head;
	return 0;
}

void
spool_record_encode(struct builder *b, struct spool_head head, uint64_t secret, struct slice meta)
{
	static const uint8_t padding[SPOOL_ALIGN] = {0};
	size_t pad = spool_padding(meta.len);

	ASSERT(meta.len <= SPOOL_META_MAX);
	head.length = (uint32_t)(SPOOL_HEAD_BYTES + meta.len + pad);
	head.meta_length = (uint32_t)meta.len;
	head.meta_sum = spool_sum(secret, meta);
	head.content_sum = spool_sum(secret, slice_of(padding, pad));
	spool_head_encode(b, &head, secret);
	builder_add(b, meta);
	builder_bytes(b, padding, pad);
}

/* > 0: a good record stands at the start of rest; 0: a good head, but the rest of it is not here
 * yet (need says how much); < 0: none. */
static int
scan_at(struct slice rest, uint64_t secret, struct spool_found *found)
{
	struct slice body;
	int err = spool_head_decode(rest, secret, &found->head);

	if (err)
		return err;
	if (found->head.length > rest.len) {
		found->need = found->head.length;
		return 0;
	}
	found->record = slice_sub(rest, 0, found->head.length);
	body = slice_from(found->record, SPOOL_HEAD_BYTES);
	if (spool_sum(secret, slice_sub(body, 0, found->head.meta_length)) !=
		    found->head.meta_sum ||
	    spool_sum(secret, slice_from(body, found->head.meta_length)) != found->head.content_sum)
		return ERR_CHECKSUM;
	return 1;
}

int
spool_scan(struct slice window, uint64_t secret, bool last, struct spool_found *ret_found)
{
	struct spool_found found = {0};

	for (; found.skipped < window.len; found.skipped += SPOOL_ALIGN) {
		struct slice rest = slice_from(window, found.skipped);
		int got = scan_at(rest, secret, &found);

		if (got == 0 && last) /* a good head, but the file ends before its record does */
			continue;
		if (got == ERR_TRUNCATED && !last) {
			found.need = SPOOL_HEAD_BYTES;
			got = 0;
		}
		if (got >= 0) {
			*ret_found = found;
			return got;
		}
	}
	if (found.skipped > window.len)
		found.skipped = window.len;
	found.need = last ? 0 : SPOOL_HEAD_BYTES;
	*ret_found = found;
	return 0;
}

struct slice
spool_record_meta(const struct spool_found *found)
{
	return slice_sub(found->record, SPOOL_HEAD_BYTES, found->head.meta_length);
}

void
spool_seal_entry_encode(struct builder *b, const struct spool_seal_entry *entry)
{
	builder_u64(b, entry->id);
	builder_u64(b, entry->offset);
	builder_u32(b, entry->length);
	builder_u32(b, entry->meta_length);
}

size_t
spool_seal_bytes(size_t entry_count)
{
	return SPOOL_HEAD_BYTES + SEAL_META_BYTES + entry_count * SPOOL_SEAL_ENTRY_BYTES +
	       SPOOL_SEAL_TRAILER_BYTES;
}

void
spool_seal_encode(struct builder *b, uint64_t secret, struct slice entries, uint64_t offset,
		  uint64_t records)
{
	size_t count = entries.len / SPOOL_SEAL_ENTRY_BYTES;
	uint8_t meta_bytes[SEAL_META_BYTES], trailer_bytes[SPOOL_SEAL_TRAILER_BYTES];
	struct builder meta, trailer;
	struct spool_sum_state sum;
	struct spool_head head = {
		.kind = SPOOL_RECORD_SEAL,
		.length = (uint32_t)spool_seal_bytes(count),
		.meta_length = SEAL_META_BYTES,
		.sequence = records + 1,
	};

	ASSERT(count <= SPOOL_SEAL_ENTRIES_MAX && entries.len % SPOOL_SEAL_ENTRY_BYTES == 0);
	builder_init_fixed(&meta, meta_bytes, sizeof(meta_bytes));
	builder_u32(&meta, SPOOL_FORM);
	builder_u32(&meta, (uint32_t)count);
	builder_u64(&meta, records);
	builder_init_fixed(&trailer, trailer_bytes, sizeof(trailer_bytes));
	builder_u64(&trailer, offset);
	builder_str(&trailer, "FRANKEND");
	spool_sum_begin(&sum, secret);
	spool_sum_add(&sum, entries);
	spool_sum_add(&sum, builder_slice(&trailer));
	head.meta_sum = spool_sum(secret, builder_slice(&meta));
	head.content_sum = spool_sum_end(&sum);
	spool_head_encode(b, &head, secret);
	builder_add(b, builder_slice(&meta));
	builder_add(b, entries);
	builder_add(b, builder_slice(&trailer));
}

int
spool_trailer_decode(struct slice last_bytes, uint64_t *ret_offset)
{
	struct cursor c;
	uint64_t offset;

	if (last_bytes.len < SPOOL_SEAL_TRAILER_BYTES)
		return ERR_NOT_FOUND;
	cursor_init(&c, slice_from(last_bytes, last_bytes.len - SPOOL_SEAL_TRAILER_BYTES));
	offset = cursor_u64(&c);
	if (!slice_eq(cursor_bytes(&c, 8), SLICE("FRANKEND")) || offset % SPOOL_ALIGN ||
	    offset < SPOOL_FILE_HEAD_BYTES)
		return ERR_NOT_FOUND;
	*ret_offset = offset;
	return 0;
}

int
spool_seal_decode(const struct spool_found *found, size_t *ret_count)
{
	struct cursor c;
	uint32_t form, count;

	if (found->head.kind != SPOOL_RECORD_SEAL)
		return ERR_RANGE;
	cursor_init(&c, spool_record_meta(found));
	form = cursor_u32(&c);
	count = cursor_u32(&c);
	cursor_u64(&c);
	if (cursor_end(&c))
		return ERR_SYNTAX;
	if (form != SPOOL_FORM)
		return ERR_VERSION;
	if (count > SPOOL_SEAL_ENTRIES_MAX || spool_seal_bytes(count) != found->head.length)
		return ERR_RANGE;
	*ret_count = count;
	return 0;
}

struct spool_seal_entry
spool_seal_entry_at(const struct spool_found *found, size_t index)
{
	struct spool_seal_entry entry;
	struct cursor c;

	cursor_init(&c,
		    slice_sub(found->record,
			      SPOOL_HEAD_BYTES + SEAL_META_BYTES + index * SPOOL_SEAL_ENTRY_BYTES,
			      SPOOL_SEAL_ENTRY_BYTES));
	entry.id = cursor_u64(&c);
	entry.offset = cursor_u64(&c);
	entry.length = cursor_u32(&c);
	entry.meta_length = cursor_u32(&c);
	ASSERT(!cursor_end(&c));
	return entry;
}
