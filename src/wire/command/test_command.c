/* command: both directions, cut anywhere; wild lengths are refused before they are believed. */
#include "base/test.h"
#include "wire/command/command.h"

TEST(request)
{
	struct command_request request = {.flags = COMMAND_JSON, .count = 2}, got;
	uint8_t buf[100];
	struct builder b;

	request.words[0] = SLICE("queue");
	request.words[1] = SLICE("list");
	builder_init_fixed(&b, buf, sizeof(buf));
	assert_int_equal(command_request_encode(&b, &request), 0);
	for (size_t len = 0; len < b.len; len++)
		assert_int_equal(command_request_decode(slice_of(buf, len), &got), 0);
	assert_int_equal(command_request_decode(builder_slice(&b), &got), b.len);
	assert_int_equal(got.count, 2);
	assert_slice_str(got.words[1], "list");
	buf[4] = 9;
	assert_int_equal(command_request_decode(builder_slice(&b), &got), ERR_VERSION);
}

TEST(request_refused)
{
	struct command_request request = {.count = 1}, got;
	struct builder b;

	request.words[0] = slice_of(NULL, COMMAND_REQUEST_BYTES_MAX);
	builder_init_fixed(&b, NULL, 0);
	assert_int_equal(command_request_encode(&b, &request), ERR_LIMIT);
	assert_int_equal(command_request_decode(SLICE("\xff\xff\xff\xff"), &got), ERR_LIMIT);
	assert_int_equal(command_request_decode(SLICE("\x04\0\0\0\x01\0\xff\0"), &got), ERR_LIMIT);
	assert_int_equal(command_request_decode(SLICE("\x05\0\0\0\x01\0\0\0x"), &got),
			 ERR_LEFTOVER);
}

TEST(frames)
{
	struct slice content;
	uint8_t buf[100], kind;
	struct builder b;

	builder_init_fixed(&b, buf, sizeof(buf));
	command_frame_head(&b, COMMAND_FRAME_OUT, 3);
	builder_str(&b, "abc");
	for (size_t len = 0; len < b.len; len++)
		assert_int_equal(command_frame_decode(slice_of(buf, len), &kind, &content), 0);
	assert_int_equal(command_frame_decode(builder_slice(&b), &kind, &content), b.len);
	assert_slice_str(content, "abc");
	assert_int_equal(command_frame_decode(SLICE("\x03\0\0\0\0"), &kind, &content), ERR_SYNTAX);
	assert_int_equal(command_frame_decode(SLICE("\x02\x02\0\0\0ab"), &kind, &content),
			 ERR_LIMIT);
	assert_int_equal(command_frame_decode(SLICE("\0\xff\xff\xff\xff"), &kind, &content),
			 ERR_LIMIT);
}

TESTS(TEST_ROW(request), TEST_ROW(request_refused), TEST_ROW(frames))
