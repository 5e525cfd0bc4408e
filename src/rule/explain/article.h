/*
 * article: the knowledge base of kb/, made part of the program when it is built (tools/
 * gen_articles.py). An article has a name and is found by it, by a cause, by our number and
 * MailEnable's, and by a reply code or an enhanced status, which also have a sentence of their own.
 * Everything that is returned is constant and lives for ever. Pure.
 */
#ifndef RULE_EXPLAIN_ARTICLE_H
#define RULE_EXPLAIN_ARTICLE_H

#include "base/builder.h"
#include "wire/text/json.h"

/* Of one article in either form, with the sentences of a code. */
#define ARTICLE_SHOWN_MAX ((size_t)16 << 10)

struct article_found {
	/* Of a code; all empty when a name led to the article. */
	struct slice code;     /* as the table has it: 550, x.7.25; x.7.x for one not registered */
	struct slice sentence; /* what it says */
	struct slice source;   /* RFC 7372 3.3 */
	/* What the first digit of a status says, when it was given: 5.x.x. */
	struct slice class_code, class_sentence;

	struct slice name, title;
	struct slice
		text; /* UTF-8, ends with a line end; lines of at most 80 columns but for URLs */
};

/*
 * ip-blocked, FR-E1009, ME-E0193, 550, 5.7.25, 4.7.25, x.7.25, a receiver's name; case does not
 * matter. A status that no registry has (5.7.606) is answered by its subject (x.7.x). False when
 * nothing fits: *ret_found is untouched.
 */
bool article_find(struct slice asked, struct article_found *ret_found);

/* All articles, ordered by name; index below article_count. */
size_t article_count(void);
void article_at(size_t index, struct article_found *ret_found);

/* The sentences of the code, then title and text. */
void article_show_text(struct builder *b, const struct article_found *found);
/* One object: code, sentence, class, source (null without a code), article, title, text. */
void article_show_json(struct json_writer *w, const struct article_found *found);

#endif
