/*
 * reader: records of messages by descriptor, for those who deliver or report (smtpout, postoffice,
 * bounce). Descriptors come from queue once per segment and body file. Reading is pread from the
 * page cache.
 */
#ifndef SPOOL_READER_H
#define SPOOL_READER_H

#include <sys/types.h>

#include "ipc/ipc.h"
#include "wire/spool/record.h"

struct spool_reader;

int spool_reader_create(struct rt *rt, struct spool_reader **ret_reader) MUST_USE;
void spool_reader_destroy(struct spool_reader **reader);
/* Closes everything: queue was restarted and will hand out anew. */
void spool_reader_reset(struct spool_reader *reader);
/* SEGMENT_OPEN, SEGMENT_CLOSE, BODY_OPEN, BODY_CLOSE. True when it was one of them. */
bool spool_reader_receive(struct spool_reader *reader, struct ipc_message *message);

/* One message, open while it is being sent. The envelope and the inline content live in memory of
 * its own (one allocation of about the record's size). */
struct spool_message {
	struct spool_accept accept;
	struct slice content; /* inline part */
	int body_fd;	      /* -1 without a body file; stays the reader's */
	struct arena arena;
	uint8_t *bytes;
	size_t byte_count;
};

/* ERR_NOT_FOUND: no such segment or body here; ERR_CHECKSUM and others: damaged. */
int spool_message_open(struct spool_reader *reader, uint32_t segment, uint64_t offset,
		       uint32_t length, struct spool_message *ret_message) MUST_USE;
void spool_message_close(struct spool_reader *reader, struct spool_message *message);
/* The content at an offset (inline part, then the body file), into buf: bytes read, 0 at the end.
 */
ssize_t spool_message_read(struct spool_reader *reader, const struct spool_message *message,
			   uint64_t offset, void *buf, size_t len) MUST_USE;

#endif
