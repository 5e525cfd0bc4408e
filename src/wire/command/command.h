/*
 * command: what the frank tool and the control process say to each other over the control socket.
 *
 * The tool sends one request: u32 length of the rest, u8 version, u8 flags, u16 count, then count
 * words (u32 length, bytes). Control answers frames: u8 kind, u32 length, bytes; the last one is
 * an exit frame of one byte. Integers are little-endian. Control writes the text that people see,
 * so that console and tool cannot differ.
 */
#ifndef WIRE_COMMAND_COMMAND_H
#define WIRE_COMMAND_COMMAND_H

#include "base/builder.h"
#include "base/cursor.h"

#define COMMAND_VERSION 1
#define COMMAND_REQUEST_BYTES_MAX ((size_t)65536)
#define COMMAND_WORDS_MAX 64
#define COMMAND_FRAME_HEAD_BYTES 5
#define COMMAND_FRAME_BYTES_MAX ((size_t)1 << 20)
#define COMMAND_SOCKET_NAME "control.sock"

enum command_flags { COMMAND_JSON = 1, COMMAND_TERMINAL = 2 };

enum command_frame_kind { COMMAND_FRAME_OUT, COMMAND_FRAME_ERROR, COMMAND_FRAME_EXIT };

struct command_request {
	uint8_t flags;
	struct slice words[COMMAND_WORDS_MAX];
	size_t count;
};

/* With its length in front. ERR_LIMIT when it is too large. */
int command_request_encode(struct builder *b, const struct command_request *request) MUST_USE;
/* bytes: what has arrived. > 0: bytes used, the request borrows from them; 0: needs more; < 0: no
 * request (ERR_VERSION, ERR_LIMIT, ERR_SYNTAX). */
int command_request_decode(struct slice bytes, struct command_request *ret_request) MUST_USE;

void command_frame_head(struct builder *b, enum command_frame_kind kind, size_t len);
/* As command_request_decode, for one frame. */
int command_frame_decode(struct slice bytes, uint8_t *ret_kind, struct slice *ret_content) MUST_USE;

#endif
