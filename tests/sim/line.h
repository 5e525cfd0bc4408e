/*
 * line: an SMTP connection of an actor: lines in, bytes out as the other side takes them.
 */
#ifndef TESTS_SIM_LINE_H
#define TESTS_SIM_LINE_H

#include "base/slice.h"
#include "rt/sim/net.h"

#define LINE_IN_MAX 4096

struct line {
	struct sim_sock *sock;
	uint8_t in[LINE_IN_MAX];
	size_t from, to;
	char *out;
	size_t out_from, out_to, out_cap;
	int err; /* ERR_EOF or what else ended it */
};

void line_finish(struct line *line, bool hard);
/* Takes in what is there and sends what waits. */
void line_pump(struct line *line);
/* The next line without its end; false when there is none yet. */
bool line_next(struct line *line, struct slice *ret_line);
void line_put(struct line *line, const void *data, size_t len);
void line_say(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
