/*
 * command: both directions of the control socket, bounded before anything is believed.
 */
#include "wire/command/command.h"

int
command_request_encode(struct builder *b, const struct command_request *request)
{
	size_t length = 4;

	if (request->count > COMMAND_WORDS_MAX)
		return ERR_LIMIT;
	for (size_t i = 0; i < request->count; i++)
		length += 4 + request->words[i].len;
	if (length > COMMAND_REQUEST_BYTES_MAX)
		return ERR_LIMIT;
	builder_u32(b, (uint32_t)length);
	builder_u8(b, COMMAND_VERSION);
	builder_u8(b, request->flags);
	builder_u16(b, (uint16_t)request->count);
	for (size_t i = 0; i < request->count; i++)
		builder_blob(b, request->words[i]);
	return b->failed ? ERR_LIMIT : 0;
}

int
command_request_decode(struct slice bytes, struct command_request *ret_request)
{
	struct command_request request = {0};
	struct cursor c;
	uint32_t length;
	int err;

	if (bytes.len < 4)
		return 0;
	cursor_init(&c, bytes);
	length = cursor_u32(&c);
	if (length > COMMAND_REQUEST_BYTES_MAX)
		return ERR_LIMIT;
	if (bytes.len - 4 < length)
		return 0;
	cursor_init(&c, slice_sub(bytes, 4, length));
	if (cursor_u8(&c) != COMMAND_VERSION)
		cursor_fail(&c, ERR_VERSION);
	request.flags = cursor_u8(&c);
	request.count = cursor_u16(&c);
	if (request.count > COMMAND_WORDS_MAX)
		cursor_fail(&c, ERR_LIMIT);
	for (size_t i = 0; i < request.count && !c.err; i++)
		request.words[i] = cursor_blob(&c, COMMAND_REQUEST_BYTES_MAX);
	err = cursor_end(&c);
	if (err)
		return err;
	*ret_request = request;
	return (int)length + 4;
}

void
command_frame_head(struct builder *b, enum command_frame_kind kind, size_t len)
{
	builder_u8(b, (uint8_t)kind);
	builder_u32(b, (uint32_t)len);
}

int
command_frame_decode(struct slice bytes, uint8_t *ret_kind, struct slice *ret_content)
{
	struct cursor c;
	uint32_t length;
	uint8_t kind;

	if (bytes.len < COMMAND_FRAME_HEAD_BYTES)
		return 0;
	cursor_init(&c, bytes);
	kind = cursor_u8(&c);
	length = cursor_u32(&c);
	if (kind > COMMAND_FRAME_EXIT)
		return ERR_SYNTAX;
	if (length > COMMAND_FRAME_BYTES_MAX || (kind == COMMAND_FRAME_EXIT && length != 1))
		return ERR_LIMIT;
	if (bytes.len - COMMAND_FRAME_HEAD_BYTES < length)
		return 0;
	*ret_kind = kind;
	*ret_content = cursor_bytes(&c, length);
	return (int)(COMMAND_FRAME_HEAD_BYTES + length);
}
