/*
 * Inside of the SMTP server machine: what DATA and BDAT share.
 */
#ifndef WIRE_SMTP_SERVER_MESSAGE_H
#define WIRE_SMTP_SERVER_MESSAGE_H

#include "wire/smtp/server_impl.h"

/* A refused message is read on up to so many times the size that would have been allowed. */
#define SMTP_SERVER_DRAIN_TIMES 4u

void server_message_begin(struct smtp_server *s, enum smtp_data_mode mode);
/* False when the message has failed; the transaction is over then. */
bool server_message_check(struct smtp_server *s);
enum smtp_server_step server_message_end(struct smtp_server *s, struct smtp_server_event *ret_event,
					 bool chunking);
bool server_too_much_to_drain(const struct smtp_server *s, uint64_t size);
void server_answer_chunk(struct smtp_server *s, const struct smtp_answer *answer);

#endif
