/*
 * journal: what became of messages, as values and bytes. docs/spool-format.md ("Journal") has every
 * field. The frame around each is frame.h's.
 */
#ifndef WIRE_SPOOL_JOURNAL_H
#define WIRE_SPOOL_JOURNAL_H

#include "wire/spool/record.h"
#include "wire/verdict/verdict.h"

enum journal_kind {
	JOURNAL_ACCEPTED = SPOOL_RECORD_JOURNAL_FIRST,
	JOURNAL_RESULT,
	JOURNAL_REPORT_BEGIN,
	JOURNAL_REPORT_MADE,
	JOURNAL_ACTION,
	JOURNAL_SEGMENT,
	JOURNAL_NUMBERS,
	JOURNAL_LIVE,
	JOURNAL_PLACED,
	JOURNAL_START,
	JOURNAL_MADE,
	JOURNAL_SUSPENDED,
	JOURNAL_KIND_MAX
};
const char *journal_kind_str(unsigned kind);

/* What a recipient is in after a RESULT. */
enum journal_state {
	JOURNAL_WAITING,   /* another attempt will come */
	JOURNAL_DELIVERED, /* final */
	JOURNAL_FAILED,	   /* refused for good; owes a report */
	JOURNAL_EXPIRED,   /* given up; owes a report */
	JOURNAL_DELETED,   /* by an administrator; final */
	JOURNAL_SILENT,	   /* failed, and nobody is to be told; final */
	JOURNAL_STATE_MAX
};
const char *journal_state_str(unsigned state);

enum journal_flags {
	JOURNAL_DSN_PASSED = 1, /* the next hop takes DSN on */
	JOURNAL_CARRIED = 2,	/* last state again: its file is about to go */
	JOURNAL_DELAY_TOLD = 4,
	JOURNAL_HELD = 8,
	JOURNAL_OWES = 16,	/* a report is to be made about it: of failure, or of success */
	JOURNAL_DELETING = 32,	/* deleted during an attempt, whose end is not yet known */
	JOURNAL_NOT_TRIED = 64, /* its destination is suspended: the verdict is another attempt's */
};

enum journal_action {
	JOURNAL_RETRY,
	JOURNAL_HOLD,
	JOURNAL_RELEASE,
	JOURNAL_DELETE,
	JOURNAL_ACTION_MAX
};
const char *journal_action_str(unsigned action);

enum journal_segment_flags { JOURNAL_SEGMENT_POISONED = 1 };

/* Numbers of recipients, as they lie in a record. */
struct journal_rcpts {
	const uint8_t *data;
	size_t count;
};
/* index < rcpts.count */
uint16_t journal_rcpt_at(struct journal_rcpts rcpts, size_t index);
/* Turns numbers in host form into the record's form in place. */
struct journal_rcpts journal_rcpts_make(uint16_t *numbers, size_t count);

struct journal_place {
	uint32_t segment;
	uint64_t offset;
	uint32_t length;
};

struct journal_placed {
	struct journal_place place;
	uint16_t rcpt_count;
};
struct journal_accepted {
	struct journal_place place;
	struct slice meta; /* spool_meta_decode */
};
struct journal_result {
	uint8_t state; /* enum journal_state */
	uint8_t flags; /* enum journal_flags */
	uint16_t attempt;
	uint64_t age_ms;
	uint64_t wait_ms; /* until the next attempt */
	struct journal_rcpts rcpts;
	struct verdict verdict;
};
struct journal_report {
	uint64_t key;
	uint8_t kind;	 /* enum spool_report_kind */
	uint8_t outcome; /* MADE: as in REPORT_DONE */
	msg_id report;	 /* MADE */
	struct journal_rcpts rcpts;
};
struct journal_acted {
	uint8_t action;
	struct journal_rcpts rcpts;
};
struct journal_segment {
	uint32_t segment;
	uint64_t end;
	uint8_t flags;
};
/* What a segment's head says, for when that cannot be read any more. */
struct journal_made {
	uint32_t segment;
	uint64_t secret;
	uint8_t role; /* of its writer, enum ipc_role */
};
/* A destination that refuses our address at the greeting, or does not any more. */
struct journal_suspended {
	bool over;
	struct slice name; /* JOURNAL_NAME_MAX bytes at most */
	int64_t since_wall_ms;
	uint32_t refusals;
	uint64_t interval_ms;	/* between the last probe and the next */
	uint64_t wait_ms;	/* until the next one */
	struct verdict verdict; /* of the last refusal; nothing when it is over */
};
#define JOURNAL_NAME_MAX 255
struct journal_numbers {
	uint32_t next_segment, next_body;
};
struct journal_live {
	uint32_t segment;
	uint64_t end;
	uint32_t part, parts; /* from 0 */
	struct slice ids;     /* 8 bytes each */
};
#define JOURNAL_LIVE_IDS_MAX 4096
msg_id journal_live_at(const struct journal_live *live, size_t index);

struct journal_record {
	uint8_t kind; /* enum journal_kind */
	msg_id id;    /* 0 for those about no message */
	int64_t wall_ms;
	union {
		struct journal_accepted accepted;
		struct journal_result result;
		struct journal_report report; /* BEGIN and MADE */
		struct journal_acted action;
		struct journal_segment segment;
		struct journal_numbers numbers;
		struct journal_live live;
		struct journal_placed placed;
		struct journal_made made;
		struct journal_suspended suspended;
	} u;
};

/* The meta of a record. */
void journal_encode(struct builder *b, const struct journal_record *record);
/* Slices borrow from meta. An unknown kind is ERR_VERSION: of a newer Frank, to be skipped. */
int journal_decode(const struct spool_head *head, struct slice meta,
		   struct journal_record *ret_record) MUST_USE;

#endif
