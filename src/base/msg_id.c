/*
 * msg_id: packing and base 32 (0-9 a-z without i l o u), most significant digit first; 65 bits of
 * text for 64 of id, so the first digit is 0..f.
 */
#include "base/msg_id.h"

#include "base/assert.h"

static const char msg_id_digits[] = "0123456789abcdefghjkmnpqrstvwxyz";

msg_id
msg_id_make(unsigned node, uint32_t segment, uint32_t sequence)
{
	ASSERT(node <= MSG_ID_NODE_MAX && sequence <= MSG_ID_SEQUENCE_MAX);
	return (uint64_t)node << 52 | (uint64_t)segment << 20 | sequence;
}

uint32_t
msg_id_segment(msg_id id)
{
	return (uint32_t)(id >> 20);
}

uint32_t
msg_id_sequence(msg_id id)
{
	return (uint32_t)id & MSG_ID_SEQUENCE_MAX;
}

void
msg_id_format(struct builder *b, msg_id id)
{
	for (int digit = MSG_ID_TEXT_LEN - 1; digit >= 0; digit--)
		builder_byte(b, (uint8_t)msg_id_digits[id >> (5 * digit) & 31]);
}

int
msg_id_parse(struct slice s, msg_id *ret_id)
{
	uint64_t id = 0;

	if (s.len != MSG_ID_TEXT_LEN)
		return ERR_SYNTAX;
	for (size_t i = 0; i < s.len; i++) {
		size_t digit = slice_index(SLICE("0123456789abcdefghjkmnpqrstvwxyz"),
					   ascii_lower(s.data[i]));

		if (digit >= 32 || (i == 0 && digit > 15))
			return ERR_SYNTAX;
		id = id << 5 | digit;
	}
	*ret_id = id;
	return 0;
}
