/*
 * record: what a writer appends to a segment when it accepts a message (kind ACCEPT; the frame
 * around it is in frame.h, every byte in docs/spool-format.md). Meta holds the envelope and what
 * trace needs.
 *
 * content = trace fields, header block, body, one after the other, exactly as they travel (CRLF,
 * dot-stuffed, without the final dot), so that relaying sends one run of bytes. A message over
 * body_memory_max goes on in a body file from some point; then content in the record holds only
 * what comes before.
 */
#ifndef WIRE_SPOOL_RECORD_H
#define WIRE_SPOOL_RECORD_H

#include "base/arena.h"
#include "base/net_addr.h"
#include "wire/spool/frame.h"

#define SPOOL_RCPTS_MAX 1000
#define SPOOL_ADDRESS_MAX 320
#define SPOOL_TEXT_MAX 512 /* of each other text in meta */

enum spool_flags {
	SPOOL_EIGHT_BIT = 1,	 /* a byte over 127 in the body: the next hop needs 8BITMIME */
	SPOOL_UTF8 = 2,		 /* accepted with SMTPUTF8 */
	SPOOL_NO_FINAL_CRLF = 4, /* BDAT message that did not end in CRLF; one was added */
	SPOOL_SUBMISSION = 8,	 /* from a login or a trusted network */
	SPOOL_REPORT = 16,	 /* made by bounce */
	SPOOL_HEADER_EIGHT_BIT =
		32, /* a byte over 127 in the header: the next hop needs SMTPUTF8 */
	SPOOL_BODY_BINARY_MIME = 64, /* reserved */
	SPOOL_LONG_LINES = 128,	     /* a line over 998 bytes */
};

enum spool_rcpt_kind { SPOOL_RCPT_LOCAL = 1, SPOOL_RCPT_REMOTE = 2 };
enum spool_notify {
	SPOOL_NOTIFY_NEVER = 1,
	SPOOL_NOTIFY_SUCCESS = 2,
	SPOOL_NOTIFY_FAILURE = 4,
	SPOOL_NOTIFY_DELAY = 8
}; /* 0: not given */
enum spool_ret { SPOOL_RET_NONE, SPOOL_RET_FULL, SPOOL_RET_HDRS };
enum spool_report_kind {
	SPOOL_REPORT_NONE,
	SPOOL_REPORT_FAILURE,
	SPOOL_REPORT_DELAY,
	SPOOL_REPORT_SUCCESS,
	SPOOL_REPORT_KIND_MAX
};
enum spool_protocol { SPOOL_PROTOCOL_SMTP, SPOOL_PROTOCOL_ESMTP, SPOOL_PROTOCOL_INTERNAL };

struct spool_rcpt {
	struct slice address; /* as given: local@domain, local part's case and quotes kept */
	struct slice orcpt;   /* type;xtext as given, or empty */
	uint8_t notify;	      /* enum spool_notify bits */
	uint8_t kind;	      /* enum spool_rcpt_kind */
	/* LOCAL: mailbox@postoffice. REMOTE: the destination domain, lower case, A-labels. */
	struct slice target;
};

struct spool_body {
	uint32_t file;	     /* number of a body file, 0: inline only */
	uint64_t file_bytes; /* of that file that belong to the message */
	uint64_t sum;	     /* of these, seed 0 */
};

struct spool_accept {
	msg_id id;
	int64_t accepted_wall_ms;
	struct slice sender; /* local@domain, empty for the null sender */
	uint8_t ret;
	struct slice envid; /* xtext as given */
	uint16_t flags;
	uint8_t protocol;
	struct slice listener, helo, login, tls; /* tls: "TLSv1.3 cipher", empty without */
	struct net_addr client;
	uint8_t report_kind; /* of this message, when bounce made it */
	uint64_t report_key;
	msg_id report_of;
	const struct spool_rcpt *rcpts;
	uint32_t rcpt_count;
	uint32_t trace_len, header_len; /* first parts of the content: trace fields, header block
					 * with its empty line */
	uint32_t inline_len;		/* content bytes in the record */
	struct spool_body body;
	uint64_t size_bytes; /* content in all, file included */
};

/* Bytes of the encoded meta, or 0 when something in it is over its maximum. */
size_t spool_meta_bytes(const struct spool_accept *accept);
/* Encodes meta only (the writer adds head and content); spool_meta_bytes was not 0. */
void spool_meta_encode(struct builder *b, const struct spool_accept *accept);
/* Slices in ret_accept borrow from meta; the recipients live in the arena. The id is the head's. */
int spool_meta_decode(struct arena *arena, struct slice meta, msg_id id,
		      struct spool_accept *ret_accept) MUST_USE;

/* A whole record: checks everything with the file's secret. Slices borrow from record, the
 * recipients live in the arena; *ret_content is the inline content. */
int spool_record_decode(struct arena *arena, struct slice record, uint64_t secret,
			struct spool_accept *ret_accept, struct slice *ret_content) MUST_USE;

#endif
