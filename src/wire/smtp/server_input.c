/*
 * server_input: bytes fed and not yet taken. While the owner pulls events they are borrowed from
 * feed; when it stops, what is left moves to a buffer of the session, which is wiped (it may hold
 * a login) and given back as soon as it is empty.
 */
#include <string.h>

#include "base/assert.h"
#include "wire/smtp/server_impl.h"

#define PENDING_FIRST_BYTES 512u

static void
pending_free(struct smtp_server *s)
{
	if (!s->pending)
		return;
	memset(s->pending, 0, s->pending_size);
	mem_give(s->mem, s->pending, s->pending_size);
	s->pending = NULL;
	s->pending_size = 0;
}

/* A buffer with the view at its front and room for more bytes behind it; the old one is gone. */
static bool
pending_make(struct smtp_server *s, size_t more)
{
	size_t need = s->view.len + more, size = PENDING_FIRST_BYTES;
	uint8_t *pending;

	if (s->pending && s->view_is_pending && need <= s->pending_size) {
		memmove(s->pending, s->view.data, s->view.len);
		s->view.data = s->pending;
		return true;
	}
	while (size < need)
		size *= 2;
	pending = mem_take(s->mem, size);
	if (!pending)
		return false;
	if (s->view.len)
		memcpy(pending, s->view.data, s->view.len);
	pending_free(s);
	s->pending = pending;
	s->pending_size = (uint32_t)size;
	s->view.data = pending;
	s->view_is_pending = true;
	return true;
}

void
server_input_feed(struct smtp_server *s, struct slice input)
{
	if (s->view.len == 0) {
		pending_free(s);
		s->view = input;
		s->view_is_pending = false;
		return;
	}
	ASSERT(s->view_is_pending);
	if (!pending_make(s, input.len)) {
		server_close(s);
		return;
	}
	memcpy(s->pending + s->view.len, input.data, input.len);
	s->view.len += input.len;
}

void
server_input_discard(struct smtp_server *s)
{
	s->view = SLICE_EMPTY;
	s->view_is_pending = false;
	s->skip_line = false;
	pending_free(s);
}

void
server_input_park(struct smtp_server *s)
{
	if (s->view.len == 0) {
		s->view = SLICE_EMPTY;
		s->view_is_pending = false;
		pending_free(s);
	} else if (!s->view_is_pending && !pending_make(s, 0)) {
		s->view = SLICE_EMPTY;
		server_close(s);
	}
}

static bool
line_is_clean(struct slice line)
{
	struct slice text = slice_sub(line, 0, line.len - 2);

	if (line.len < 2 || line.data[line.len - 2] != '\r')
		return false;
	return slice_index(text, '\r') == text.len && slice_index(text, 0) == text.len;
}

static bool
begins_with_bdat(struct slice line)
{
	return slice_eq_nocase(slice_sub(line, 0, 4), SLICE("BDAT"));
}

bool
server_input_line(struct smtp_server *s, size_t max, struct slice *ret_line,
		  enum smtp_refusal *ret_refused)
{
	size_t at = slice_index(s->view, '\n');
	struct slice line = slice_sub(s->view, 0, at + 1);

	if (!s->skip_line)
		s->line_is_bdat = begins_with_bdat(line);
	if (at == s->view.len) {
		if (s->skip_line || s->view.len > max) {
			s->skip_line = true;
			s->view.len = 0;
		}
		return false;
	}
	s->view.data += line.len;
	s->view.len -= line.len;
	*ret_refused = SMTP_REFUSED_MAX;
	if (s->skip_line || line.len > max)
		*ret_refused = SMTP_REFUSED_LINE_LONG;
	else if (!line_is_clean(line))
		*ret_refused = SMTP_REFUSED_LINE_END;
	s->skip_line = false;
	*ret_line =
		*ret_refused == SMTP_REFUSED_MAX ? slice_sub(line, 0, line.len - 2) : SLICE_EMPTY;
	return true;
}
