/*
 * Every message of the table: encoded, decoded, and encoded again to the same bytes; each shorter
 * body and each longer one is refused; numbers over their maximum do not travel.
 */
#include "base/prng.h"
#include "base/test.h"
#include "ipc/codec.h"

#define ROUNDS 20

static uint8_t pool[8192];

static uint64_t
number(struct prng *prng, uint64_t max)
{
	return max ? prng_below(prng, max) : prng_next(prng);
}

static void
fill_u8(struct prng *prng, uint8_t *ret, uint64_t max)
{
	*ret = (uint8_t)number(prng, max);
}

static void
fill_u16(struct prng *prng, uint16_t *ret, uint64_t max)
{
	*ret = (uint16_t)number(prng, max);
}

static void
fill_u32(struct prng *prng, uint32_t *ret, uint64_t max)
{
	*ret = (uint32_t)number(prng, max);
}

static void
fill_u64(struct prng *prng, uint64_t *ret, uint64_t max)
{
	*ret = number(prng, max);
}

static void
fill_i64(struct prng *prng, int64_t *ret, uint64_t max)
{
	(void)max;
	*ret = (int64_t)prng_next(prng);
}

static void
fill_flag(struct prng *prng, bool *ret, uint64_t max)
{
	(void)max;
	*ret = prng_below(prng, 2);
}

static void
fill_id(struct prng *prng, msg_id *ret, uint64_t max)
{
	(void)max;
	*ret = prng_next(prng);
}

static void
fill_bytes(struct prng *prng, struct slice *ret, uint64_t max)
{
	*ret = slice_of(pool + prng_below(prng, 100), prng_below(prng, max + 1));
}

static void
fill_u16s(struct prng *prng, struct ipc_u16s *ret, uint64_t max)
{
	*ret = (struct ipc_u16s){pool + prng_below(prng, 100), prng_below(prng, max + 1)};
}

static void
fill_addr(struct prng *prng, struct net_addr *ret, uint64_t max)
{
	(void)max;
	*ret = net_addr_of(slice_of(pool + prng_below(prng, 100), prng_below(prng, 2) ? 4 : 16));
	ret->port = (uint16_t)prng_next(prng);
}

static void
fill_verdict(struct prng *prng, struct verdict *ret, uint64_t max)
{
	(void)max;
	*ret = (struct verdict){.class = VERDICT_LATER,
				.code = (uint16_t)prng_below(prng, 600),
				.wall_ms = (int64_t)prng_next(prng)};
	fill_bytes(prng, &ret->reply, VERDICT_REPLY_MAX);
	fill_bytes(prng, &ret->host, VERDICT_HOST_MAX);
	fill_addr(prng, &ret->address, 0);
}

static void
fill_fd(struct prng *prng, int *ret, uint64_t max)
{
	(void)max;
	*ret = prng_below(prng, 4) ? 7 : -1;
}

#define MAXIMUM(...) (__VA_ARGS__ + 0)
#define FIELD(type, field, ...) fill_##type(prng, &m->field, MAXIMUM(__VA_ARGS__));
#define MESSAGE(NAME, name, fields)                                                                \
	static void fill_##name(struct prng *prng, struct ipc_##name *m)                           \
	{                                                                                          \
		fields                                                                             \
	}
#include "def/messages.def"
#undef MESSAGE
#undef FIELD

static void
message_fill(struct prng *prng, struct ipc_message *message)
{
	switch (message->type) {
#define MESSAGE(NAME, name, fields)                                                                \
	case IPC_##NAME:                                                                           \
		fill_##name(prng, &message->u.name);                                               \
		return;
#include "def/messages.def"
#undef MESSAGE
	case IPC_TYPE_MAX:
		break;
	}
	fail();
}

static void
refuse_wrong_lengths(enum ipc_type type, struct slice body)
{
	uint8_t longer[RT_PACKET_MAX + 1] = {0};
	struct ipc_message got;

	for (size_t len = 0; len < body.len; len++) {
		struct ipc_fds fds = {.count = RT_PACKET_FDS_MAX};

		assert_int_not_equal(ipc_decode_with_fds(type, slice_sub(body, 0, len), &fds, &got),
				     0);
	}
	memcpy(longer, body.data, body.len);
	assert_int_equal(ipc_decode(type, slice_of(longer, body.len + 1), &got), ERR_LEFTOVER);
}

static void
round_trip(struct prng *prng, enum ipc_type type)
{
	static uint8_t first_buf[RT_PACKET_MAX], second_buf[RT_PACKET_MAX];
	struct ipc_message sent = {.type = type}, got, type_only = {.type = IPC_TYPE_MAX};
	struct ipc_fds fds = {0};
	struct builder first, second;
	struct slice rest, body;

	message_fill(prng, &sent);
	builder_init_fixed(&first, first_buf, sizeof(first_buf));
	assert_int_equal(ipc_encode_with_fds(&first, &sent, &fds), 0);
	rest = builder_slice(&first);
	assert_int_equal(ipc_packet_next(&rest, &type_only.type, &body), 0);
	assert_int_equal(type_only.type, type);
	assert_int_equal(rest.len, 0);
	assert_int_equal(ipc_decode_with_fds(type, body, &fds, &got), 0);
	assert_int_equal(fds.taken, fds.count);
	builder_init_fixed(&second, second_buf, sizeof(second_buf));
	assert_int_equal(ipc_encode(&second, &got), 0);
	assert_slice(builder_slice(&second), body);
	/* One descriptor too few. */
	if (fds.count) {
		fds.taken = 1;
		assert_int_not_equal(ipc_decode_with_fds(type, body, &fds, &got), 0);
	}
	refuse_wrong_lengths(type, body);
}

TEST(every_message_round_trip)
{
	struct prng prng;

	prng_init(&prng, 42);
	for (size_t i = 0; i < sizeof(pool); i++)
		pool[i] = (uint8_t)prng_next(&prng);
	for (int i = 0; i < IPC_TYPE_MAX * ROUNDS; i++)
		round_trip(&prng, (enum ipc_type)(i % IPC_TYPE_MAX));
}

TEST(maxima_hold_both_ways)
{
	uint8_t buf[512];
	struct builder b;
	struct ipc_message message = {.type = IPC_DIR_RCPT};

	message.u.dir_rcpt.kind = DIR_RCPT_KIND_MAX;
	builder_init_fixed(&b, buf, sizeof(buf));
	assert_int_equal(ipc_encode(&b, &message), ERR_RANGE);
	message.u.dir_rcpt.kind = 0;
	message.u.dir_rcpt.mailbox = slice_of(pool, 65);
	builder_init_fixed(&b, buf, sizeof(buf));
	assert_int_equal(ipc_encode(&b, &message), ERR_RANGE);
	message.u.dir_rcpt.mailbox = slice_of(pool, 64);
	builder_init_fixed(&b, buf, sizeof(buf));
	assert_int_equal(ipc_encode(&b, &message), 0);
	buf[4] = DIR_RCPT_KIND_MAX; /* behind the request number */
	assert_int_equal(ipc_decode(IPC_DIR_RCPT, builder_slice(&b), &message), ERR_RANGE);
}

TEST(packets_that_are_none)
{
	static const struct {
		const char *name;
		uint8_t bytes[12];
		size_t len;
	} rows[] = {
		{"short header", {0, 0, 0, 0, 0, 0, 0}, 7},
		{"unknown type", {0xff, 0, 0, 0, 0, 0, 0, 0}, 8},
		{"zero is not zero", {0, 0, 1, 0, 0, 0, 0, 0}, 8},
		{"longer than there is", {0, 0, 0, 0, 5, 0, 0, 0, 1, 2, 3, 4}, 12},
		{"length wraps", {0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4}, 12},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slice rest = slice_of(rows[i].bytes, rows[i].len), body;
		enum ipc_type type;

		if (ipc_packet_next(&rest, &type, &body) != ERR_PROTOCOL)
			fail_msg("%s", rows[i].name);
	}
}

TEST(lists_of_numbers)
{
	uint16_t numbers[] = {1, 0x1234, 0xffff};
	struct ipc_u16s list = ipc_u16s_make(numbers, 3);

	assert_int_equal(ipc_u16s_at(list, 0), 1);
	assert_int_equal(ipc_u16s_at(list, 1), 0x1234);
	assert_int_equal(ipc_u16s_at(list, 2), 0xffff);
}

TEST(routes_and_names)
{
	struct ipc_routes routes = ipc_routes_between(IPC_ROLE_QUEUE, IPC_ROLE_SMTPOUT);

	assert_true(ipc_routes_have(&routes, IPC_JOB));
	assert_false(ipc_routes_have(&routes, IPC_JOB_DONE));
	assert_false(ipc_routes_have(&routes, IPC_TYPE_MAX));
	routes = ipc_routes_between(IPC_ROLE_SMTPIN, IPC_ROLE_SMTPOUT);
	for (unsigned type = 0; type < IPC_TYPE_MAX; type++)
		assert_false(ipc_routes_have(&routes, type));
	assert_string_equal(ipc_role_str(IPC_ROLE_SMTPIN), "smtpin");
	assert_string_equal(ipc_type_str(IPC_JOB_DONE), "job_done");
}

TESTS(TEST_ROW(every_message_round_trip), TEST_ROW(maxima_hold_both_ways),
      TEST_ROW(packets_that_are_none), TEST_ROW(lists_of_numbers), TEST_ROW(routes_and_names))
