/* msg_id: text and back; no other text is an id. */
#include "base/msg_id.h"
#include "base/test.h"

TEST(round_trip)
{
	static const msg_id ids[] = {1, UINT64_MAX, 0x8000000000000000u, 0x123456789abcdef0u};

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		uint8_t buf[MSG_ID_TEXT_LEN];
		struct builder b;
		msg_id got = 0;

		builder_init_fixed(&b, buf, sizeof(buf));
		msg_id_format(&b, ids[i]);
		assert_false(b.failed);
		assert_int_equal(msg_id_parse(builder_slice(&b), &got), 0);
		assert_true(got == ids[i]);
	}
}

TEST(parts)
{
	msg_id id = msg_id_make(7, 123456, 99);

	assert_int_equal(msg_id_segment(id), 123456);
	assert_int_equal(msg_id_sequence(id), 99);
}

TEST(refused)
{
	static const char *const bad[] = {"", "0", "zzzzzzzzzzzzz", "000000000000u",
					  "00000000000001"};
	msg_id id = 5;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(msg_id_parse(slice_str(bad[i]), &id), ERR_SYNTAX);
	assert_int_equal(id, 5);
}

TESTS(TEST_ROW(round_trip), TEST_ROW(parts), TEST_ROW(refused))
