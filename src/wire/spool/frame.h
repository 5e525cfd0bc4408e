/*
 * frame: what segments and journal files have in common: the head of a file, the head of a record
 * with its three sums (head, meta, content: XXH3-64 seeded by the file's secret), and the search
 * for the next good record behind a damaged one. docs/spool-format.md has every byte.
 */
#ifndef WIRE_SPOOL_FRAME_H
#define WIRE_SPOOL_FRAME_H

#include "base/builder.h"
#include "base/msg_id.h"

#define SPOOL_FORM 1
#define SPOOL_FILE_HEAD_BYTES 64
#define SPOOL_HEAD_BYTES 56
#define SPOOL_ALIGN 8
#define SPOOL_META_MAX ((size_t)2 << 20)
#define SPOOL_RECORD_MAX ((size_t)64 << 20)

enum spool_file_kind { SPOOL_FILE_SEGMENT, SPOOL_FILE_JOURNAL, SPOOL_FILE_KIND_MAX };

/* First bytes of a file. The secret never leaves the server's processes. */
struct spool_file_head {
	uint8_t kind; /* enum spool_file_kind */
	uint16_t node;
	uint32_t number;
	uint64_t secret;
	int64_t created_wall_ms;
	uint8_t writer_role; /* enum ipc_role of the writer it was made for */
	uint16_t writer_instance;
};
void spool_file_head_encode(struct builder *b, const struct spool_file_head *head);
/* ERR_TRUNCATED, ERR_CHECKSUM, ERR_VERSION (another form: of a newer Frank). */
int spool_file_head_decode(struct slice bytes, struct spool_file_head *ret_head) MUST_USE;
/* The whole content of a file is what a crash leaves of its head: nothing, zeros, its first bytes.
 */
bool spool_file_head_unborn(struct slice content, enum spool_file_kind kind);

enum spool_record_kind {
	SPOOL_RECORD_ACCEPT = 1,
	SPOOL_RECORD_SEAL = 2,
	SPOOL_RECORD_JOURNAL_FIRST = 16, /* wire/spool/journal.h */
	SPOOL_RECORD_KIND_MAX = 32,
};

struct spool_head {
	uint8_t kind;
	uint32_t length; /* whole record: head, meta, content, padding */
	uint32_t meta_length;
	uint64_t sequence; /* counts from 1 in its file */
	msg_id id;
	uint64_t meta_sum, content_sum;
};

void spool_head_encode(struct builder *b, const struct spool_head *head, uint64_t secret);
/* Checks magic, bounds and the head's own sum. */
int spool_head_decode(struct slice bytes, uint64_t secret, struct spool_head *ret_head) MUST_USE;

uint64_t spool_sum(uint64_t secret, struct slice bytes);
/* The same in pieces. The state stands somewhere in it at a multiple of SPOOL_SUM_ALIGN, which
 * memory that is taken need not have: it must stay where it was begun. */
#define SPOOL_SUM_BYTES 640
#define SPOOL_SUM_ALIGN 64
struct spool_sum_state {
	uint8_t bytes[SPOOL_SUM_BYTES + SPOOL_SUM_ALIGN - 1];
};
void spool_sum_begin(struct spool_sum_state *state, uint64_t secret);
void spool_sum_add(struct spool_sum_state *state, struct slice part);
uint64_t spool_sum_end(const struct spool_sum_state *state);

/* Zeros behind so many bytes up to the next multiple of SPOOL_ALIGN. */
static inline size_t
spool_padding(uint64_t bytes)
{
	return (size_t)(-bytes & (SPOOL_ALIGN - 1));
}

/* A record of meta alone, appended whole with its padding: all journal records are such. head's
 * length, meta_length and sums are filled in. */
void spool_record_encode(struct builder *b, struct spool_head head, uint64_t secret,
			 struct slice meta);

/* Where the next good record is in a window of the file that starts at a multiple of 8. */
struct spool_found {
	size_t skipped; /* bytes of the window before the record that are none */
	size_t need;	/* answer 0: the window must have so many bytes behind skipped */
	struct spool_head head;
	struct slice record; /* whole */
};
/* > 0: a record, all sums checked. 0: none yet; drop skipped bytes and come with at least need
 * behind them. When the window reaches the file's end (last), 0 means that there is none any more
 * and skipped is all of the window. */
int spool_scan(struct slice window, uint64_t secret, bool last,
	       struct spool_found *ret_found) MUST_USE;

struct slice spool_record_meta(const struct spool_found *found);

/* Footer of a file: where its records with an id are. */
struct spool_seal_entry {
	msg_id id;
	uint64_t offset;
	uint32_t length, meta_length;
};
#define SPOOL_SEAL_ENTRY_BYTES 24
#define SPOOL_SEAL_TRAILER_BYTES 16
#define SPOOL_SEAL_ENTRIES_MAX (((size_t)32 << 20) / SPOOL_SEAL_ENTRY_BYTES)
/* The content of a SEAL record is entry after entry, then the trailer. */
void spool_seal_entry_encode(struct builder *b, const struct spool_seal_entry *entry);
/* Bytes of a SEAL record with so many entries. */
size_t spool_seal_bytes(size_t entry_count);
/* Puts the whole record together. entries: as encoded one by one. offset: where the record will
 * stand. records: how many there are before it. */
void spool_seal_encode(struct builder *b, uint64_t secret, struct slice entries, uint64_t offset,
		       uint64_t records);
/* The last bytes of a file: where its SEAL record would be; ERR_NOT_FOUND when it has none. */
int spool_trailer_decode(struct slice last_bytes, uint64_t *ret_offset) MUST_USE;
/* A SEAL record that spool_scan has found. */
int spool_seal_decode(const struct spool_found *found, size_t *ret_count) MUST_USE;
struct spool_seal_entry spool_seal_entry_at(const struct spool_found *found, size_t index);

#endif
