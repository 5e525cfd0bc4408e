/*
 * Meta of ACCEPT records: round trip, every truncation, every changed byte without a crash, and
 * lies that must be refused.
 */
#include "base/test.h"
#include "wire/spool/record.h"

#define SECRET 77
#define ARENA_BYTES ((size_t)1 << 20)

static const struct spool_rcpt rcpts[] = {
	{SLICE("ann@example.test"), SLICE("rfc822;ann@example.test"), SPOOL_NOTIFY_SUCCESS,
	 SPOOL_RCPT_LOCAL, SLICE("ann@example.test")},
	{SLICE("\"b o b\"@Far.test"), {NULL, 0}, 0, SPOOL_RCPT_REMOTE, SLICE("far.test")},
};

static struct spool_accept
sample(void)
{
	return (struct spool_accept){
		.id = 42,
		.accepted_wall_ms = 1700000000000,
		.sender = SLICE("me@example.test"),
		.ret = SPOOL_RET_HDRS,
		.envid = SLICE("QQ314159"),
		.flags = SPOOL_EIGHT_BIT | SPOOL_SUBMISSION,
		.protocol = SPOOL_PROTOCOL_ESMTP,
		.listener = SLICE("mx"),
		.helo = SLICE("client.test"),
		.login = SLICE("me@example.test"),
		.tls = SLICE("TLSv1.3 x"),
		.client = {NET_FAMILY_4, 2500, {192, 0, 2, 1}},
		.report_kind = SPOOL_REPORT_DELAY,
		.report_key = 9,
		.report_of = 8,
		.rcpts = rcpts,
		.rcpt_count = 2,
		.trace_len = 3,
		.header_len = 4,
		.inline_len = 10,
		.body = {5, 90, 0xfeed},
		.size_bytes = 100,
	};
}

static struct slice
encode(struct builder *b, const struct spool_accept *accept)
{
	struct slice meta;

	spool_meta_encode(b, accept);
	assert_int_equal(builder_take(b, &meta), 0);
	if (accept->rcpt_count)
		assert_int_equal(spool_meta_bytes(accept), meta.len);
	return meta;
}

TEST(meta_round_trip)
{
	struct test_mem mem = TEST_MEM_INIT;
	struct spool_accept want = sample(), got;
	struct arena arena;
	uint8_t bytes[1024];
	struct builder b;

	builder_init_fixed(&b, bytes, sizeof(bytes));
	arena_init(&arena, &mem.mem, ARENA_BYTES);
	assert_int_equal(spool_meta_decode(&arena, encode(&b, &want), 42, &got), 0);
	assert_true(got.id == 42 && got.accepted_wall_ms == want.accepted_wall_ms);
	assert_slice(got.sender, want.sender);
	assert_slice(got.envid, want.envid);
	assert_slice(got.listener, want.listener);
	assert_slice(got.helo, want.helo);
	assert_slice(got.login, want.login);
	assert_slice(got.tls, want.tls);
	assert_int_equal(got.flags, want.flags);
	assert_int_equal(got.ret, want.ret);
	assert_int_equal(got.report_kind, want.report_kind);
	assert_true(got.report_key == 9 && got.report_of == 8);
	assert_true(net_addr_eq(&got.client, &want.client) && got.client.port == 2500);
	assert_int_equal(got.trace_len, 3);
	assert_int_equal(got.header_len, 4);
	assert_true(got.body.file == 5 && got.body.file_bytes == 90 && got.body.sum == 0xfeed);
	assert_int_equal(got.rcpt_count, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_slice(got.rcpts[i].address, rcpts[i].address);
		assert_slice(got.rcpts[i].orcpt, rcpts[i].orcpt);
		assert_slice(got.rcpts[i].target, rcpts[i].target);
		assert_int_equal(got.rcpts[i].kind, rcpts[i].kind);
		assert_int_equal(got.rcpts[i].notify, rcpts[i].notify);
	}
	for (size_t len = 0; len < b.len; len++)
		assert_true(spool_meta_decode(&arena, slice_of(bytes, len), 42, &got) < 0);
	arena_finish(&arena);
	assert_int_equal(mem.taken, mem.given);
}

TEST(lies_are_refused)
{
	struct spool_rcpt bad_rcpt = {SLICE("a@b.test"), {NULL, 0}, 0, 3, SLICE("b.test")};
	struct spool_accept lies[8];
	struct test_mem mem = TEST_MEM_INIT;
	struct arena arena;

	for (size_t i = 0; i < 8; i++)
		lies[i] = sample();
	lies[0].size_bytes = 99;
	lies[1].trace_len = 98;
	lies[2].body.file = 0;
	lies[3].rcpt_count = 0;
	lies[4].ret = 3;
	lies[5].report_kind = SPOOL_REPORT_KIND_MAX;
	lies[6].client.family = 5;
	lies[7].rcpts = &bad_rcpt;
	lies[7].rcpt_count = 1;
	arena_init(&arena, &mem.mem, ARENA_BYTES);
	for (size_t i = 0; i < 8; i++) {
		struct spool_accept got;
		uint8_t bytes[1024];
		struct builder b;

		builder_init_fixed(&b, bytes, sizeof(bytes));
		assert_true(spool_meta_decode(&arena, encode(&b, &lies[i]), 42, &got) < 0);
	}
	arena_finish(&arena);
}

TEST(whole_record)
{
	struct spool_accept want = sample(), got;
	struct test_mem mem = TEST_MEM_INIT;
	uint8_t bytes[1024], meta_bytes[512];
	struct slice content, meta;
	struct builder b, m;
	struct arena arena;
	struct spool_head head = {.kind = SPOOL_RECORD_ACCEPT, .sequence = 1, .id = 42};
	static const char text[16] = "0123456789";

	arena_init(&arena, &mem.mem, ARENA_BYTES);
	builder_init_fixed(&m, meta_bytes, sizeof(meta_bytes));
	meta = encode(&m, &want);
	builder_init_fixed(&b, bytes, sizeof(bytes));
	head.meta_length = (uint32_t)meta.len;
	head.length = (uint32_t)(SPOOL_HEAD_BYTES + meta.len + 10);
	head.length += (uint32_t)spool_padding(head.length);
	head.meta_sum = spool_sum(SECRET, meta);
	head.content_sum = spool_sum(SECRET, slice_of(text, 10 + spool_padding(meta.len + 10)));
	spool_head_encode(&b, &head, SECRET);
	builder_add(&b, meta);
	builder_bytes(&b, text, 10 + spool_padding(meta.len + 10));
	assert_int_equal(b.len, head.length);
	assert_int_equal(spool_record_decode(&arena, builder_slice(&b), SECRET, &got, &content), 0);
	assert_slice_str(content, "0123456789");
	for (size_t i = 0; i < b.len; i++) {
		bytes[i] ^= 4;
		assert_true(spool_record_decode(&arena, builder_slice(&b), SECRET, &got, &content) <
			    0);
		bytes[i] ^= 4;
	}
	arena_finish(&arena);
}

TESTS(TEST_ROW(meta_round_trip), TEST_ROW(lies_are_refused), TEST_ROW(whole_record))
