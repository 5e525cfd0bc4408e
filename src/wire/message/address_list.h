/*
 * address_list: the addresses in From, Sender, To and the like (RFC 5322 3.4), with comments,
 * quoted strings, groups, folding and the obsolete forms; UTF-8 as RFC 6532 allows. Display names
 * and encoded words are not decoded. Not for the envelope: that is wire/smtp's narrower grammar.
 *
 * Made to decide who a message claims to be from, so what two programs could read differently is
 * refused: control characters, stray line ends, anything left over.
 */
#ifndef WIRE_MESSAGE_ADDRESS_LIST_H
#define WIRE_MESSAGE_ADDRESS_LIST_H

#include "base/arena.h"
#include "base/builder.h"

#define ADDRESS_LIST_MAX 1000 /* addresses in one field */

struct message_address {
	struct slice display; /* as it stands, may be empty */
	struct slice local;   /* without quotes and escapes */
	struct slice domain;  /* without comments and spaces; a literal with its brackets */
};

struct address_list {
	struct message_address *items;
	size_t count;
	size_t groups; /* an empty group gives no address, but counts here */
};

/*
 * value is a field's value with its folding. Memory from arena (about the value's length and 48
 * bytes an address). ERR_SYNTAX, ERR_LIMIT (too many addresses), ERR_NO_MEMORY.
 */
int address_list_parse(struct slice value, struct arena *arena, struct address_list *ret) MUST_USE;

/* local@domain, the local part quoted where it must be. */
void message_address_build(struct builder *b, const struct message_address *address);

/* Who a header block says it is from, for binding a sender to a login (RFC 6409 6.1). */
struct message_author {
	size_t from_fields, sender_fields; /* 5322 3.6: exactly one From, at most one Sender */
	struct address_list from, sender;  /* of the first of each */
};

/* ERR_SYNTAX when a field of either name cannot be read; other errors as address_list_parse. */
int message_author_read(struct slice block, struct arena *arena,
			struct message_author *ret) MUST_USE;

#endif
