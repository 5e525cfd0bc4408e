/*
 * reading: what the readers of one bounce share. Only for files of this folder.
 *
 * status.c makes drafts of status blocks, text.c blocks of the human text, transcript.c answers of
 * a dialogue; join.c makes one result of them for each recipient.
 */
#ifndef WIRE_BOUNCE_READING_H
#define WIRE_BOUNCE_READING_H

#include "wire/bounce/address.h"
#include "wire/bounce/bounce.h"
#include "wire/bounce/phrase.h"
#include "wire/bounce/reply.h"

/* Text about one recipient is looked at so far, and about all of them together: they may share it.
 */
#define BOUNCE_REGION_MAX ((size_t)16 << 10)
#define BOUNCE_REGIONS_MAX ((size_t)512 << 10)

/* A recipient of whom the mail tells, before text and fields are joined. */
struct draft {
	struct slice recipient;
	uint32_t hash;
	struct slice diagnostic; /* behind its type; empty: none */
	struct slice comment;	 /* of its status or action: "(user unknown)", without brackets */
	struct slice remote;
	struct verdict_status status; /* of its field */
	uint8_t action;		      /* enum bounce_action */
	bool by_action;		      /* action is from a field, not assumed */
	bool expired;		      /* an Action that says so */
};

/* Where the human text speaks of a recipient. */
struct block {
	struct slice address;
	uint32_t hash;
	struct slice line;  /* where it stands */
	struct slice rest;  /* of the line, behind it */
	struct slice after; /* the lines up to the next block */
	bool sentence;	    /* the line itself tells why */
};

/* An answer in a dialogue. */
struct answer {
	struct slice address; /* whom it is about; empty: nobody by name */
	uint32_t hash;
	struct slice words;
	struct slice command, host;
	bool failed; /* the mailer's own line says that this recipient failed */
};

struct reading {
	struct arena *arena;
	const struct phrase_index *index;
	const struct charset_hook *hook;
	const struct mime *mime;
	uint8_t owner[MIME_PARTS_MAX]; /* the part that is the message to which a part belongs */
	size_t root;		       /* the part that is the message at work */
	size_t text_left, status_left; /* bytes still to be read */
	struct bounce *bounce;

	struct slice subject, from, to, failed; /* of its header; failed: X-Failed-Recipients */
	struct slice human, returned;		/* text */
	struct slice lead, dialogue;		/* of human: before the first block; a session */
	struct slice returned_header;
	size_t list_at, dialogue_at; /* in human: lines that announce recipients, a session */
	const char *form;	     /* NULL: none was recognized */
	bool by_words, by_sender, by_subject, waiting, done, gave_up;
	bool by_daemon;		    /* From is MAILER-DAEMON, whom nobody else writes as */
	bool list_known, by_fields; /* of the text: list_at is set; it has fields of RFC 3464 */

	struct draft *drafts;
	struct block *blocks;
	struct answer *answers;
	size_t draft_count, block_count, answer_count;
};

/* Adds a draft unless there is one for that address; NULL when there is, or no room. */
struct draft *reading_draft_add(struct reading *r, struct slice recipient);

/* Status blocks in a text: adds drafts; named_only: those that name a recipient, no others. */
void reading_status(struct reading *r, struct slice text, bool named_only);
/* Sentences, where InterMail says that they are status blocks. */
bool reading_is_prose(struct slice text);
/* A complaint about a recipient, who may be empty. */
void reading_feedback_add(struct reading *r, struct slice recipient, struct slice source);
/* Takes the reports' fields of RFC 5965: one result for each recipient, or one. */
void reading_feedback(struct reading *r, struct slice text);
/* Makes blank what scanners and lawyers add to every mail, paragraph by paragraph. */
void reading_footers_blank(const struct reading *r, struct builder *b);
/* Whether at most so many bytes stand before at on its line. */
bool reading_near_line_begin(struct slice text, size_t at, size_t most);
/* Sets human, returned, form, lead and blocks from a part's text. */
void reading_text(struct reading *r, struct slice text);
/* Answers of the dialogue in the human text, if there is one; false when memory ran out. */
bool reading_transcript(struct reading *r);
/* The drafts, completed from the text, as results. */
void reading_join(struct reading *r);

/* Whether one of these phrases stands in the text. */
static inline bool
reading_has(const struct reading *r, struct slice text, unsigned kinds)
{
	return phrase_find(r->index, text, kinds, NULL);
}

/* kind.c: an automatic answer (RFC 3834); a report that no field marks as one. */
bool reading_is_answer(const struct reading *r);
bool reading_is_report(const struct reading *r);
/* The value of a field in one line, encoded words resolved; empty when absent. */
struct slice reading_header(struct reading *r, struct slice header, struct slice name);

#endif
