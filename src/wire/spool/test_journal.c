/*
 * Journal records: each kind there and back, every truncation refused.
 */
#include "base/test.h"
#include "wire/spool/journal.h"

struct packed {
	uint8_t bytes[2048];
	struct slice meta;
	struct spool_head head;
};

static void
pack(const struct journal_record *record, struct packed *ret)
{
	struct builder b;

	builder_init_fixed(&b, ret->bytes, sizeof(ret->bytes));
	journal_encode(&b, record);
	assert_int_equal(builder_take(&b, &ret->meta), 0);
	ret->head = (struct spool_head){.kind = record->kind, .id = record->id};
}

static struct journal_record
there_and_back(const struct journal_record *record, struct packed *packed)
{
	struct journal_record got = {0};

	pack(record, packed);
	for (size_t len = 0; record->kind != JOURNAL_ACCEPTED && len < packed->meta.len; len++)
		assert_true(journal_decode(&packed->head, slice_sub(packed->meta, 0, len), &got) <
			    0);
	assert_int_equal(journal_decode(&packed->head, packed->meta, &got), 0);
	assert_int_equal(got.kind, record->kind);
	assert_true(got.id == record->id && got.wall_ms == record->wall_ms);
	return got;
}

TEST(accepted)
{
	struct journal_record want = {.kind = JOURNAL_ACCEPTED, .id = 5, .wall_ms = 123}, got;
	struct packed packed;

	want.u.accepted.place = (struct journal_place){7, (uint64_t)1 << 33, 4096};
	want.u.accepted.meta = SLICE("meta");
	got = there_and_back(&want, &packed);
	assert_int_equal(got.u.accepted.place.segment, 7);
	assert_true(got.u.accepted.place.offset == (uint64_t)1 << 33);
	assert_slice_str(got.u.accepted.meta, "meta");
}

TEST(result)
{
	struct journal_record want = {.kind = JOURNAL_RESULT, .id = 5, .wall_ms = 123}, got;
	uint16_t numbers[] = {0, 3, 999};
	struct packed packed;

	want.u.result = (struct journal_result){
		.state = JOURNAL_EXPIRED,
		.flags = JOURNAL_CARRIED | JOURNAL_HELD,
		.attempt = 9,
		.age_ms = 1000,
		.wait_ms = 60000,
		.rcpts = journal_rcpts_make(numbers, 3),
		.verdict = {.class = VERDICT_LATER, .code = 451, .reply = SLICE("451 later")},
	};
	got = there_and_back(&want, &packed);
	assert_int_equal(got.u.result.state, JOURNAL_EXPIRED);
	assert_int_equal(got.u.result.flags, JOURNAL_CARRIED | JOURNAL_HELD);
	assert_int_equal(got.u.result.attempt, 9);
	assert_int_equal(got.u.result.wait_ms, 60000);
	assert_int_equal(got.u.result.rcpts.count, 3);
	assert_int_equal(journal_rcpt_at(got.u.result.rcpts, 2), 999);
	assert_slice_str(got.u.result.verdict.reply, "451 later");
}

TEST(report)
{
	struct journal_record want = {.kind = JOURNAL_REPORT_MADE, .id = 5}, got;
	uint16_t numbers[] = {1};
	struct packed packed;

	want.u.report = (struct journal_report){.key = 99,
						.kind = SPOOL_REPORT_FAILURE,
						.outcome = 2,
						.report = 77,
						.rcpts = journal_rcpts_make(numbers, 1)};
	got = there_and_back(&want, &packed);
	assert_true(got.u.report.key == 99 && got.u.report.report == 77);
	assert_int_equal(got.u.report.outcome, 2);
	want.kind = JOURNAL_REPORT_BEGIN;
	got = there_and_back(&want, &packed);
	assert_true(got.u.report.key == 99 && got.u.report.rcpts.count == 1);
}

TEST(others)
{
	struct journal_record want = {.kind = JOURNAL_ACTION, .id = 5}, got;
	uint16_t numbers[] = {4};
	uint8_t ids[16] = {1, [8] = 2};
	struct packed packed;

	want.u.action = (struct journal_acted){JOURNAL_RELEASE, journal_rcpts_make(numbers, 1)};
	got = there_and_back(&want, &packed);
	assert_int_equal(got.u.action.action, JOURNAL_RELEASE);
	want = (struct journal_record){.kind = JOURNAL_SEGMENT, .u.segment = {3, 4096, 1}};
	got = there_and_back(&want, &packed);
	assert_int_equal(got.u.segment.end, 4096);
	want = (struct journal_record){.kind = JOURNAL_NUMBERS, .u.numbers = {3, 4}};
	got = there_and_back(&want, &packed);
	assert_int_equal(got.u.numbers.next_body, 4);
	want = (struct journal_record){.kind = JOURNAL_LIVE,
				       .u.live = {3, 4096, 0, 2, slice_of(ids, sizeof(ids))}};
	got = there_and_back(&want, &packed);
	assert_int_equal(got.u.live.parts, 2);
	assert_true(journal_live_at(&got.u.live, 1) == 2);
	want = (struct journal_record){
		.kind = JOURNAL_PLACED, .id = 9, .u.placed = {{1, 64, 128}, 3}};
	got = there_and_back(&want, &packed);
	assert_int_equal(got.u.placed.place.length, 128);
	want = (struct journal_record){.kind = JOURNAL_MADE, .u.made = {7, 0x0123456789abcdef, 2}};
	got = there_and_back(&want, &packed);
	assert_true(got.u.made.secret == 0x0123456789abcdef && got.u.made.role == 2);
	want = (struct journal_record){.kind = JOURNAL_SUSPENDED,
				       .u.suspended = {.name = SLICE("far.test"),
						       .since_wall_ms = -5,
						       .refusals = 7,
						       .interval_ms = 1000,
						       .wait_ms = 300,
						       .verdict = {.code = 554}}};
	got = there_and_back(&want, &packed);
	assert_slice_str(got.u.suspended.name, "far.test");
	assert_true(got.u.suspended.since_wall_ms == -5 && !got.u.suspended.over);
	assert_int_equal(got.u.suspended.refusals, 7);
	assert_int_equal(got.u.suspended.interval_ms, 1000);
	assert_int_equal(got.u.suspended.wait_ms, 300);
	assert_int_equal(got.u.suspended.verdict.code, 554);
	want = (struct journal_record){.kind = JOURNAL_START, .wall_ms = 6};
	there_and_back(&want, &packed);
}

TEST(names)
{
	struct spool_head unknown = {.kind = JOURNAL_KIND_MAX};
	struct journal_record got;

	assert_string_equal(journal_kind_str(JOURNAL_PLACED), "placed");
	assert_string_equal(journal_kind_str(1), "?");
	assert_string_equal(journal_state_str(JOURNAL_SILENT), "silent");
	assert_string_equal(journal_state_str(JOURNAL_STATE_MAX), "?");
	assert_string_equal(journal_action_str(JOURNAL_HOLD), "hold");
	assert_string_equal(journal_action_str(JOURNAL_ACTION_MAX), "?");
	assert_int_equal(journal_decode(&unknown, SLICE("x"), &got), ERR_VERSION);
}

TESTS(TEST_ROW(accepted), TEST_ROW(result), TEST_ROW(report), TEST_ROW(others), TEST_ROW(names))
