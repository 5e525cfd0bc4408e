/*
 * log: one event per line, `time level process event key=value ...`, to an inherited descriptor,
 * non-blocking; lines that could not be written are counted and the count is logged when it works
 * again. Events, levels and their meaning stand in def/events.def. Values are quoted so that mail
 * content cannot break out of them. Credentials are never logged. Only proc logs.
 *
 *	struct log_line line;
 *	log_begin(&line, log, EVENT_smtpin_connect);
 *	log_addr(&line, "client", &addr);
 *	log_end(&line);
 */
#ifndef LOG_LOG_H
#define LOG_LOG_H

#include "base/msg_id.h"
#include "rt/rt.h"
#include "wire/verdict/verdict.h"

#define LOG_LINE_MAX 2048 /* longer lines are cut, with a mark */
#define LOG_VALUE_MAX 512

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_LEVEL_MAX };

enum log_event {
#define EVENT(name, level, help) EVENT_##name,
#include "def/events.def"
#undef EVENT
	EVENT_MAX
};

struct log;

/* fd stays the caller's. process names the lines' writer, "smtpin" or "smtpin-2". */
int log_create(struct rt *rt, const char *process, int fd, struct log **ret_log) MUST_USE;
void log_destroy(struct log **log);
/* After a reopen. */
void log_set_fd(struct log *log, int fd);
/* Errors go to this descriptor, too: while a start can fail with somebody at the terminal. -1:
 * none.
 */
void log_set_echo(struct log *log, int fd);
void log_set_level(struct log *log, enum log_level most);
uint64_t log_lost(const struct log *log);

/* Notes a message from a neighbour for log_crash; both names must stay. */
void log_recent_message(struct log *log, const char *from, const char *type);
/* A crash (rt_on_crash): why, and the last things that the process did, oldest first. */
void log_crash(void *log, const char *why);

struct recent_entry;
struct log_line {
	struct recent_entry *recent;
	struct log *log; /* NULL: this level is not wanted, all calls do nothing */
	enum log_level level;
	struct builder b;
	uint8_t buf[LOG_LINE_MAX];
};

void log_begin(struct log_line *line, struct log *log, enum log_event event);
void log_text(struct log_line *line, const char *key, struct slice value);
void log_number(struct log_line *line, const char *key, int64_t value);
void log_msg(struct log_line *line, msg_id id); /* msg= */
void log_addr(struct log_line *line, const char *key, const struct net_addr *addr);
void log_err(struct log_line *line, int err);
/* class, stage, code, status, cause, host, addr, reply. */
void log_verdict(struct log_line *line, const struct verdict *verdict);
void log_end(struct log_line *line);

#endif
