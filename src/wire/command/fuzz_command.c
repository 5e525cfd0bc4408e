/* fuzz: bytes as a request and as a frame. */
#include "base/assert.h"
#include "wire/command/command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct command_request request;
	struct slice content;
	uint8_t kind;
	int used;

	used = command_request_decode(slice_of(data, size), &request);
	ASSERT(used <= 0 || (size_t)used <= size);
	used = command_frame_decode(slice_of(data, size), &kind, &content);
	ASSERT(used <= 0 || content.len + COMMAND_FRAME_HEAD_BYTES == (size_t)used);
	return 0;
}
