#include "line.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

void
line_finish(struct line *line, bool hard)
{
	sim_sock_close(&line->sock, hard);
	free(line->out);
	*line = (struct line){0};
}

static void
pump_out(struct line *line)
{
	while (line->out_from < line->out_to && !line->err) {
		ssize_t put = sim_sock_send(line->sock, slice_of(line->out + line->out_from,
								 line->out_to - line->out_from));

		if (put == ERR_AGAIN)
			return;
		if (put < 0)
			line->err = (int)put;
		else
			line->out_from += (size_t)put;
	}
	if (line->out_from == line->out_to)
		line->out_from = line->out_to = 0;
}

void
line_pump(struct line *line)
{
	if (!line->sock)
		return;
	if (line->from == line->to)
		line->from = line->to = 0;
	if (line->from) {
		memmove(line->in, line->in + line->from, line->to - line->from);
		line->to -= line->from;
		line->from = 0;
	}
	while (!line->err && line->to < LINE_IN_MAX) {
		ssize_t got =
			sim_sock_recv(line->sock, line->in + line->to, LINE_IN_MAX - line->to);

		if (got == ERR_AGAIN)
			break;
		if (got < 0)
			line->err = (int)got;
		else
			line->to += (size_t)got;
	}
	pump_out(line);
}

/* Without its end; have.len when it is not yet there. */
static size_t
line_end(const struct line *line)
{
	struct slice have = slice_of(line->in + line->from, line->to - line->from);

	return slice_index(have, '\n');
}

bool
line_next(struct line *line, struct slice *ret_line)
{
	size_t end = line_end(line);

	if (end == line->to - line->from) {
		line_pump(line); /* what was read may have filled the room */
		end = line_end(line);
	}
	if (end == line->to - line->from)
		return false;
	*ret_line = slice_of(line->in + line->from, end);
	line->from += end + 1;
	if (end && ret_line->data[end - 1] == '\r')
		ret_line->len--;
	return true;
}

void
line_put(struct line *line, const void *data, size_t len)
{
	if (line->out_to + len > line->out_cap) {
		line->out_cap = (line->out_to + len) * 2;
		line->out = realloc(line->out, line->out_cap);
		ASSERT(line->out);
	}
	memcpy(line->out + line->out_to, data, len);
	line->out_to += len;
	if (line->sock)
		pump_out(line);
}

void
line_say(struct line *line, const char *format, ...)
{
	char text[1024];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text, sizeof(text) - 2, format, args);
	va_end(args);
	ASSERT(len >= 0 && (size_t)len < sizeof(text) - 2);
	memcpy(text + len, "\r\n", 2);
	line_put(line, text, (size_t)len + 2);
}
