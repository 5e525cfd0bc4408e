/*
 * msg_id: the name of a message, unique in a cluster: node (12 bits), number of the segment that
 * accepted it (32), place in that segment's count (20). It stays when a message moves to another
 * segment. Printed as 13 characters of Crockford's base 32, lower case.
 */
#ifndef BASE_MSG_ID_H
#define BASE_MSG_ID_H

#include "base/builder.h"

#define MSG_ID_NODE_MAX 4095u
#define MSG_ID_SEQUENCE_MAX ((1u << 20) - 1)
#define MSG_ID_TEXT_LEN 13

typedef uint64_t msg_id; /* 0 is no message */

msg_id msg_id_make(unsigned node, uint32_t segment, uint32_t sequence);
uint32_t msg_id_segment(msg_id id);
uint32_t msg_id_sequence(msg_id id);
void msg_id_format(struct builder *b, msg_id id);
/* ERR_SYNTAX unless s is exactly an id (either case). */
int msg_id_parse(struct slice s, msg_id *ret_id) MUST_USE;

#endif
