/*
 * journal: codec of its records, one encoder and one decoder per kind in one table. A decoder reads
 * everything into place; journal_decode checks once at the end.
 */
#include "wire/spool/journal.h"

#include "base/assert.h"
#include "base/cursor.h"

#define ID_BYTES 8

typedef void encode_fn(struct builder *b, const struct journal_record *record);
typedef void decode_fn(struct cursor *c, struct journal_record *record);

struct row {
	const char *name;
	encode_fn *encode;
	decode_fn *decode;
};

uint16_t
journal_rcpt_at(struct journal_rcpts rcpts, size_t index)
{
	ASSERT(index < rcpts.count);
	return (uint16_t)(rcpts.data[2 * index] | rcpts.data[2 * index + 1] << 8);
}

struct journal_rcpts
journal_rcpts_make(uint16_t *numbers, size_t count)
{
	uint8_t *bytes = (uint8_t *)numbers;

	for (size_t i = 0; i < count; i++) {
		uint16_t number = numbers[i];

		bytes[2 * i] = (uint8_t)number;
		bytes[2 * i + 1] = (uint8_t)(number >> 8);
	}
	return (struct journal_rcpts){bytes, count};
}

msg_id
journal_live_at(const struct journal_live *live, size_t index)
{
	struct cursor c;
	msg_id id;

	cursor_init(&c, slice_sub(live->ids, index * ID_BYTES, ID_BYTES));
	id = cursor_u64(&c);
	ASSERT(!cursor_end(&c));
	return id;
}

static void
rcpts_encode(struct builder *b, struct journal_rcpts rcpts)
{
	ASSERT(rcpts.count <= SPOOL_RCPTS_MAX);
	builder_u16(b, (uint16_t)rcpts.count);
	builder_bytes(b, rcpts.data, rcpts.count * 2);
}

static struct journal_rcpts
rcpts_decode(struct cursor *c)
{
	struct journal_rcpts rcpts = {.count = cursor_u16(c)};
	struct slice bytes;

	if (rcpts.count > SPOOL_RCPTS_MAX)
		cursor_fail(c, ERR_RANGE);
	bytes = cursor_bytes(c, rcpts.count * 2);
	rcpts.data = bytes.data;
	for (size_t i = 0; !c->err && i < rcpts.count; i++)
		if (journal_rcpt_at(rcpts, i) >= SPOOL_RCPTS_MAX)
			cursor_fail(c, ERR_RANGE);
	return rcpts;
}

static void
place_encode(struct builder *b, const struct journal_place *place)
{
	builder_u32(b, place->segment);
	builder_u64(b, place->offset);
	builder_u32(b, place->length);
}

static struct journal_place
place_decode(struct cursor *c)
{
	struct journal_place place;

	place.segment = cursor_u32(c);
	place.offset = cursor_u64(c);
	place.length = cursor_u32(c);
	return place;
}

static uint8_t
word_decode(struct cursor *c, unsigned max)
{
	uint8_t word = cursor_u8(c);

	if (word >= max)
		cursor_fail(c, ERR_RANGE);
	return word;
}

static void
accepted_encode(struct builder *b, const struct journal_record *record)
{
	place_encode(b, &record->u.accepted.place);
	builder_add(b, record->u.accepted.meta);
}

static void
accepted_decode(struct cursor *c, struct journal_record *record)
{
	record->u.accepted.place = place_decode(c);
	record->u.accepted.meta = cursor_bytes(c, c->rest.len);
}

static void
result_encode(struct builder *b, const struct journal_record *record)
{
	const struct journal_result *result = &record->u.result;

	builder_u8(b, result->state);
	builder_u8(b, result->flags);
	builder_u16(b, result->attempt);
	builder_u64(b, result->age_ms);
	builder_u64(b, result->wait_ms);
	rcpts_encode(b, result->rcpts);
	verdict_encode(b, &result->verdict);
}

static void
result_decode(struct cursor *c, struct journal_record *record)
{
	struct journal_result *result = &record->u.result;

	result->state = word_decode(c, JOURNAL_STATE_MAX);
	result->flags = cursor_u8(c);
	result->attempt = cursor_u16(c);
	result->age_ms = cursor_u64(c);
	result->wait_ms = cursor_u64(c);
	result->rcpts = rcpts_decode(c);
	verdict_decode(c, &result->verdict);
}

static void
report_begin_encode(struct builder *b, const struct journal_record *record)
{
	builder_u64(b, record->u.report.key);
	builder_u8(b, record->u.report.kind);
	rcpts_encode(b, record->u.report.rcpts);
}

static void
report_begin_decode(struct cursor *c, struct journal_record *record)
{
	record->u.report.key = cursor_u64(c);
	record->u.report.kind = word_decode(c, SPOOL_REPORT_KIND_MAX);
	record->u.report.rcpts = rcpts_decode(c);
}

static void
report_made_encode(struct builder *b, const struct journal_record *record)
{
	builder_u64(b, record->u.report.key);
	builder_u8(b, record->u.report.kind);
	builder_u8(b, record->u.report.outcome);
	builder_u64(b, record->u.report.report);
	rcpts_encode(b, record->u.report.rcpts);
}

static void
report_made_decode(struct cursor *c, struct journal_record *record)
{
	record->u.report.key = cursor_u64(c);
	record->u.report.kind = word_decode(c, SPOOL_REPORT_KIND_MAX);
	record->u.report.outcome = cursor_u8(c);
	record->u.report.report = cursor_u64(c);
	record->u.report.rcpts = rcpts_decode(c);
}

static void
action_encode(struct builder *b, const struct journal_record *record)
{
	builder_u8(b, record->u.action.action);
	rcpts_encode(b, record->u.action.rcpts);
}

static void
action_decode(struct cursor *c, struct journal_record *record)
{
	record->u.action.action = word_decode(c, JOURNAL_ACTION_MAX);
	record->u.action.rcpts = rcpts_decode(c);
}

static void
segment_encode(struct builder *b, const struct journal_record *record)
{
	builder_u32(b, record->u.segment.segment);
	builder_u64(b, record->u.segment.end);
	builder_u8(b, record->u.segment.flags);
}

static void
segment_decode(struct cursor *c, struct journal_record *record)
{
	record->u.segment.segment = cursor_u32(c);
	record->u.segment.end = cursor_u64(c);
	record->u.segment.flags = cursor_u8(c);
}

static void
numbers_encode(struct builder *b, const struct journal_record *record)
{
	builder_u32(b, record->u.numbers.next_segment);
	builder_u32(b, record->u.numbers.next_body);
}

static void
numbers_decode(struct cursor *c, struct journal_record *record)
{
	record->u.numbers.next_segment = cursor_u32(c);
	record->u.numbers.next_body = cursor_u32(c);
}

static void
live_encode(struct builder *b, const struct journal_record *record)
{
	const struct journal_live *live = &record->u.live;

	ASSERT(live->ids.len % ID_BYTES == 0 && live->ids.len / ID_BYTES <= JOURNAL_LIVE_IDS_MAX);
	builder_u32(b, live->segment);
	builder_u64(b, live->end);
	builder_u32(b, live->part);
	builder_u32(b, live->parts);
	builder_u32(b, (uint32_t)(live->ids.len / ID_BYTES));
	builder_add(b, live->ids);
}

static void
live_decode(struct cursor *c, struct journal_record *record)
{
	struct journal_live *live = &record->u.live;
	uint32_t count;

	live->segment = cursor_u32(c);
	live->end = cursor_u64(c);
	live->part = cursor_u32(c);
	live->parts = cursor_u32(c);
	count = cursor_u32(c);
	if (count > JOURNAL_LIVE_IDS_MAX || live->part >= live->parts)
		cursor_fail(c, ERR_RANGE);
	live->ids = cursor_bytes(c, (size_t)count * ID_BYTES);
}

static void
placed_encode(struct builder *b, const struct journal_record *record)
{
	place_encode(b, &record->u.placed.place);
	builder_u16(b, record->u.placed.rcpt_count);
}

static void
placed_decode(struct cursor *c, struct journal_record *record)
{
	record->u.placed.place = place_decode(c);
	record->u.placed.rcpt_count = cursor_u16(c);
	if (record->u.placed.rcpt_count == 0 || record->u.placed.rcpt_count > SPOOL_RCPTS_MAX)
		cursor_fail(c, ERR_RANGE);
}

static void
made_encode(struct builder *b, const struct journal_record *record)
{
	builder_u32(b, record->u.made.segment);
	builder_u64(b, record->u.made.secret);
	builder_u8(b, record->u.made.role);
}

static void
made_decode(struct cursor *c, struct journal_record *record)
{
	record->u.made.segment = cursor_u32(c);
	record->u.made.secret = cursor_u64(c);
	record->u.made.role = cursor_u8(c);
}

static void
suspended_encode(struct builder *b, const struct journal_record *record)
{
	const struct journal_suspended *suspended = &record->u.suspended;

	ASSERT(suspended->name.len <= JOURNAL_NAME_MAX);
	builder_u8(b, suspended->over);
	builder_u8(b, (uint8_t)suspended->name.len);
	builder_add(b, suspended->name);
	builder_u64(b, (uint64_t)suspended->since_wall_ms);
	builder_u32(b, suspended->refusals);
	builder_u64(b, suspended->interval_ms);
	builder_u64(b, suspended->wait_ms);
	verdict_encode(b, &suspended->verdict);
}

static void
suspended_decode(struct cursor *c, struct journal_record *record)
{
	struct journal_suspended *suspended = &record->u.suspended;

	suspended->over = word_decode(c, 2);
	suspended->name = cursor_bytes(c, cursor_u8(c));
	suspended->since_wall_ms = (int64_t)cursor_u64(c);
	suspended->refusals = cursor_u32(c);
	suspended->interval_ms = cursor_u64(c);
	suspended->wait_ms = cursor_u64(c);
	verdict_decode(c, &suspended->verdict);
}

static void
start_encode(struct builder *b, const struct journal_record *record)
{
	(void)b;
	(void)record;
}

static void
start_decode(struct cursor *c, struct journal_record *record)
{
	(void)c;
	(void)record;
}

static const struct row rows[JOURNAL_KIND_MAX - SPOOL_RECORD_JOURNAL_FIRST] = {
	{"accepted", accepted_encode, accepted_decode},
	{"result", result_encode, result_decode},
	{"report-begin", report_begin_encode, report_begin_decode},
	{"report-made", report_made_encode, report_made_decode},
	{"action", action_encode, action_decode},
	{"segment", segment_encode, segment_decode},
	{"numbers", numbers_encode, numbers_decode},
	{"live", live_encode, live_decode},
	{"placed", placed_encode, placed_decode},
	{"start", start_encode, start_decode},
	{"made", made_encode, made_decode},
	{"suspended", suspended_encode, suspended_decode},
};

static const char *const state_names[JOURNAL_STATE_MAX] = {"waiting", "delivered", "failed",
							   "expired", "deleted",   "silent"};
static const char *const action_names[JOURNAL_ACTION_MAX] = {"retry", "hold", "release", "delete"};

static const struct row *
row_of(unsigned kind)
{
	if (kind < SPOOL_RECORD_JOURNAL_FIRST || kind >= JOURNAL_KIND_MAX)
		return NULL;
	return &rows[kind - SPOOL_RECORD_JOURNAL_FIRST];
}

const char *
journal_kind_str(unsigned kind)
{
	const struct row *row = row_of(kind);

	return row ? row->name : "?";
}

const char *
journal_state_str(unsigned state)
{
	return state < JOURNAL_STATE_MAX ? state_names[state] : "?";
}

const char *
journal_action_str(unsigned action)
{
	return action < JOURNAL_ACTION_MAX ? action_names[action] : "?";
}

void
journal_encode(struct builder *b, const struct journal_record *record)
{
	const struct row *row = row_of(record->kind);

	ASSERT(row);
	builder_u64(b, (uint64_t)record->wall_ms);
	row->encode(b, record);
}

int
journal_decode(const struct spool_head *head, struct slice meta, struct journal_record *ret_record)
{
	struct journal_record record = {.kind = head->kind, .id = head->id};
	const struct row *row = row_of(head->kind);
	struct cursor c;
	int err;

	if (!row)
		return ERR_VERSION;
	cursor_init(&c, meta);
	record.wall_ms = (int64_t)cursor_u64(&c);
	row->decode(&c, &record);
	err = cursor_end(&c);
	if (err)
		return err;
	*ret_record = record;
	return 0;
}
