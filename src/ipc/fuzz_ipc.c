/*
 * Fuzzes a packet of messages. Whatever decodes must encode again, and the second encoding must
 * decode to itself (the first may differ: a verdict of a newer catalogue is mapped to unknown).
 */
#include "base/fuzz.h"
#include "ipc/codec.h"

static void
encode_again(const struct ipc_message *message, struct slice body)
{
	static uint8_t first_buf[RT_PACKET_MAX], second_buf[RT_PACKET_MAX];
	struct ipc_fds fds = {.count = RT_PACKET_FDS_MAX};
	struct builder first, second;
	struct ipc_message got;
	int err;

	builder_init_fixed(&first, first_buf, sizeof(first_buf));
	err = ipc_encode(&first, message);
	ASSERT(!err && first.len == body.len);
	err = ipc_decode_with_fds(message->type, builder_slice(&first), &fds, &got);
	ASSERT(!err);
	builder_init_fixed(&second, second_buf, sizeof(second_buf));
	err = ipc_encode(&second, &got);
	ASSERT(!err && slice_eq(builder_slice(&first), builder_slice(&second)));
}

FUZZ(input)
{
	enum ipc_type type;
	struct slice body;

	while (input.len <= RT_PACKET_MAX && input.len > 0 &&
	       ipc_packet_next(&input, &type, &body) == 0) {
		struct ipc_fds fds = {.count = RT_PACKET_FDS_MAX};
		struct ipc_message message;

		if (ipc_decode_with_fds(type, body, &fds, &message) == 0)
			encode_again(&message, body);
	}
}
