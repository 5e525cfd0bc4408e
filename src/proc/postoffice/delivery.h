/*
 * postoffice/delivery: one message into one mailbox: a file in tmp, written piece by piece and
 * synced, moved to new, new synced. Only then it is done. Ends with one outcome, always.
 */
#ifndef PROC_POSTOFFICE_DELIVERY_H
#define PROC_POSTOFFICE_DELIVERY_H

#include "proc/postoffice/mailbox.h"
#include "spool/reader.h"
#include "wire/maildir/message.h"

/* Bytes of a message that are in memory at once. */
#define DELIVERY_PIECE_BYTES ((size_t)64 << 10)

/* A message on its way into one or more mailboxes; shared by its deliveries. */
struct delivery_source {
	struct spool_reader *reader;
	struct spool_message message;
	uint8_t *travelling; /* the header block as it travels ... */
	size_t header_bytes;
	uint8_t *lying; /* ... and as it lies in a mailbox, without Return-Path */
	size_t lying_len;
	uint64_t body_offset;	/* of the content */
	uint64_t content_bytes; /* of it that belong into the mailbox */
	bool cancelled;		/* its descriptors are no longer ours: nothing more is read */
};

/* Opens the message and prepares its header. The errors of spool_message_open, ERR_NO_MEMORY. */
int delivery_source_open(struct delivery_source *source, struct rt *rt,
			 const struct ipc_job *job) MUST_USE;
void delivery_source_close(struct delivery_source *source, struct rt *rt);

struct delivery {
	struct rt *rt;
	struct delivery_source *source;
	struct mailbox *mailbox; /* NULL until it is open */
	struct maildir_lines lines;
	struct mailbox_waiter waiter;
	struct rt_io io;
	struct slice slices[3];
	int fd; /* of the file in tmp, -1 when closed */
	bool in_tmp, in_new;
	uint64_t offset;	     /* of the content: what is to be read next */
	uint64_t written;	     /* bytes in the file */
	struct spool_sum_state *sum; /* of the body file; NULL without one */
	uint8_t *raw, *cooked;
	size_t piece_bytes;
	char tmp_name[MAILDIR_FILE_MAX + 1], new_name[MAILDIR_FILE_MAX + 1];
	uint8_t top[MAILDIR_TOP_BYTES_MAX];
	size_t top_len;
	/* The outcome: err 0 is delivered; ERR_EXISTS a loop; all others are faults of ours. */
	void (*done)(void *ctx, int err);
	void *ctx;
};

struct delivery_options {
	struct mailbox_store *store;
	struct delivery_source *source; /* outlives the delivery */
	struct slice target;		/* mailbox@postoffice */
	struct maildir_file file;
	void (*done)(void *ctx, int err);
	void *ctx;
};

/* Starts; done comes later, never from inside. When the answer is not 0 there is no delivery and
 * no done: the outcome is the answer. */
int delivery_begin(struct delivery *delivery, struct rt *rt,
		   const struct delivery_options *options) MUST_USE;

#endif
