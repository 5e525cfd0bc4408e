/*
 * record: what a writer appends to a segment when it accepts a message. docs/spool-format.md has
 * every byte. A record is: fixed head (magic, kind, length, sequence, checksum: XXH3-64 seeded by
 * the segment's secret), meta (envelope and what trace needs), content.
 *
 * content = trace fields, header block, body, one after the other, exactly as they travel (CRLF,
 * dot-stuffed, without the final dot), so that relaying sends one run of bytes. A message over
 * body_memory_max has its content from the body's start in a body file; then content in the record
 * holds only what comes before.
 */
#ifndef WIRE_SPOOL_RECORD_H
#define WIRE_SPOOL_RECORD_H

#include "base/arena.h"
#include "base/msg_id.h"
#include "base/net_addr.h"

#define SPOOL_RCPTS_MAX 1000
#define SPOOL_ADDRESS_MAX 320
#define SPOOL_TEXT_MAX 512 /* of each other text in meta */
#define SPOOL_META_MAX ((size_t)2 << 20)
#define SPOOL_RECORD_MAX ((size_t)64 << 20)

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

/* Bytes of head and meta for this message; what follows is inline_len bytes of content, then
 * padding to 8. */
#define SPOOL_HEAD_BYTES 40

/* Encodes meta only (the writer adds head and content). */
int spool_meta_encode(struct builder *b, const struct spool_accept *accept) MUST_USE;

struct spool_head {
	uint8_t kind;
	uint32_t length; /* whole record: head, meta, content, padding */
	uint32_t meta_length;
	uint64_t sequence; /* counts from 1 in its segment */
	uint64_t checksum;
};

enum spool_record_kind { SPOOL_RECORD_ACCEPT = 1, SPOOL_RECORD_SEAL = 2, SPOOL_RECORD_KIND_MAX };

/* Head of a record; checks magic, kind and bounds, not the checksum. */
int spool_head_decode(struct slice bytes, struct spool_head *ret_head) MUST_USE;
void spool_head_encode(struct builder *b, const struct spool_head *head);
/* What the checksum covers: all of the record but the checksum itself. parts: head with checksum
 * zero, meta, content..., padding. Streaming, since content comes in pieces. */
struct spool_sum;
#define SPOOL_SUM_BYTES 640
struct spool_sum_state {
	_Alignas(64) uint8_t bytes[SPOOL_SUM_BYTES];
};
void spool_sum_begin(struct spool_sum_state *state, uint64_t secret);
void spool_sum_add(struct spool_sum_state *state, struct slice part);
uint64_t spool_sum_end(const struct spool_sum_state *state);

/* A whole record: checks everything with the segment's secret. Slices in ret_accept borrow from
 * record, the recipients live in the arena; *ret_content is the inline content. */
int spool_record_decode(struct arena *arena, struct slice record, uint64_t secret,
			struct spool_accept *ret_accept, struct slice *ret_content) MUST_USE;

/* First bytes of a segment. The secret never leaves the server's processes. */
#define SPOOL_SEGMENT_HEAD_BYTES 64
struct spool_segment_head {
	uint32_t number;
	uint16_t node;
	uint64_t secret;
	int64_t created_wall_ms;
	uint8_t writer_role; /* enum ipc_role of the writer it was made for */
	uint16_t writer_instance;
};
void spool_segment_head_encode(struct builder *b, const struct spool_segment_head *head);
int spool_segment_head_decode(struct slice bytes, struct spool_segment_head *ret_head) MUST_USE;

#endif
