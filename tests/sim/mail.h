/*
 * mail: the text of a submission, and reading it back.
 */
#ifndef TESTS_SIM_MAIL_H
#define TESTS_SIM_MAIL_H

#include "ledger.h"

/* Header and body as they travel, with the final dot. To be freed. */
char *mail_make(struct run *run, struct sub *sub, size_t *ret_len);

enum mail_kind { MAIL_COPY, MAIL_REPORT, MAIL_BROKEN };
struct mail {
	enum mail_kind kind;
	uint64_t number; /* of the submission; of a report: what it is about */
	bool intact;
	struct slice text;
	uint64_t id_hash; /* of its Message-ID */
};
/* text: with CRLF or LF, not stuffed. */
struct mail mail_read(struct slice text);
/* The recipients of a report, one by one; false at the end. *at begins at 0. */
bool mail_report_next(struct slice text, size_t *at, struct slice *ret_rcpt,
		      struct slice *ret_action);

#endif
