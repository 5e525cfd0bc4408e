/*
 * explain: what the pieces of frank explain share: explain.c (what was asked), explain_input.c
 * (files, folders, standard input), explain_content.c (what is in them), explain_unknown.c (shapes
 * that no rule fits).
 */
#ifndef TOOL_EXPLAIN_H
#define TOOL_EXPLAIN_H

#include "base/arena.h"
#include "charset/charset_iconv.h"
#include "rule/explain/article.h"
#include "rule/explain/local.h"
#include "rule/explain/returned.h"
#include "rule/explain/show.h"
#include "tool/tool.h"

#define EXPLAIN_REPLIES_BYTES_MAX ((size_t)256 << 20) /* of a file of replies or log lines */
#define EXPLAIN_SEPARATOR "\n----\n\n"
#define EXPLAIN_OUTPUT_BYTES (2 * EXPLAIN_SHOWN_MAX)

struct explain {
	struct tool *tool;
	const char *reply, *replies, *unknown, *redact, *rules;
	const char *stage, *host, *mx;
	const char *inputs[COMMAND_WORDS_MAX];
	size_t input_count;
	struct facts_given given;
	const struct ruleset *set;
	struct arena rules_arena;
	struct ruleset own; /* --rules */
	struct json_writer json;
	struct builder out;
	size_t count; /* of results */
	bool unknown_seen;
	struct arena arena; /* of one mail */
	struct charset_iconv iconv;
	uint8_t room[EXPLAIN_OUTPUT_BYTES];
	uint8_t text[VERDICT_REPLY_MAX];
	struct explained explained;
	struct match match;
	struct bounce bounce;
	struct logline logline;
};

/* explain.c: around what is printed of one result. */
void explain_begin(struct explain *ex);
void explain_end(struct explain *ex);
/* The result in ex->explained goes out; file: where it is from, or NULL. */
void explain_put(struct explain *ex, const char *file);

void explain_flush(struct explain *ex);
/* One reply, its lines as they are. */
void explain_reply(struct explain *ex, struct slice text, const char *file);
/* One reply in one line: \n in it parts its lines. */
void explain_line(struct explain *ex, struct slice line, const char *file);
/* Up to LF or CRLF, which is taken, too. */
struct slice explain_next_line(struct slice *rest);
struct slice explain_unescape(struct explain *ex, struct slice line);

/* explain_input.c: fn gets the whole of a file or, for "-", of standard input; what is wrong is
 * said. Exit code. */
typedef int explain_content_fn(struct explain *ex, const char *file, struct slice content);
int explain_with_file(struct explain *ex, const char *path, size_t max, explain_content_fn *fn);
/* "PATH: text" on standard error, the path cleaned; answers exit_code. */
int explain_complain(struct explain *ex, const char *path, const char *text, int exit_code);
/* A file, a folder of files, standard input, a code, a log line, a reply. Exit code. */
int explain_input(struct explain *ex, const char *input);
int explain_redact(struct explain *ex);

/* explain_content.c: an explain_content_fn; log lines, replies, mails. */
int explain_content(struct explain *ex, const char *file, struct slice content);
/* fn gets the content as it was meant, without a byte order mark; what is no text is said. Exit
 * code. */
int explain_as_text(struct explain *ex, const char *file, struct slice content,
		    explain_content_fn *fn);
/* Of one of the programs whose logs are known; it is read into ex->logline. */
bool explain_is_log_line(struct explain *ex, struct slice line);

/* explain_unknown.c */
int explain_unknown(struct explain *ex);

#endif
