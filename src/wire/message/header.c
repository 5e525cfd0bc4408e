/*
 * Header fields in place. A field begins at a line whose first byte is not white space and goes on
 * over all lines that begin with white space; its name is printable ASCII without colon
 * (RFC 5322 2.2). CR and LF alone are no line end: in a name they make the line no field, in a
 * value they stay for the reader of the value to judge.
 */
#include "wire/message/header.h"

#include "base/assert.h"

static bool
header_is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* Index behind the CRLF of the line that begins at `at`, or the block's end. */
static size_t
header_line_end(struct slice block, size_t at)
{
	while (at < block.len) {
		size_t cr = at + slice_index(slice_from(block, at), '\r');

		if (cr + 1 >= block.len)
			return block.len;
		if (block.data[cr + 1] == '\n')
			return cr + 2;
		at = cr + 1;
	}
	return block.len;
}

void
header_scan_init(struct header_scan *scan, struct slice block)
{
	*scan = (struct header_scan){.block = block};
}

/* Without its last CRLF. */
static struct slice
header_chomp(struct slice s)
{
	if (slice_ends_nocase(s, SLICE("\r\n")))
		return slice_sub(s, 0, s.len - 2);
	return s;
}

/* Splits the line at its colon; false when what stands before it is no field name. */
static bool
header_split(struct slice line, struct header_field *field)
{
	size_t colon = slice_index(line, ':');
	size_t end = colon;

	if (colon == line.len)
		return false;
	while (end > 0 && header_is_blank(line.data[end - 1]))
		end--;
	if (end == 0 || end > HEADER_NAME_MAX)
		return false;
	for (size_t i = 0; i < end; i++) {
		if (line.data[i] < 33 || line.data[i] > 126)
			return false;
	}
	field->name = slice_sub(line, 0, end);
	field->value = slice_from(line, colon + 1);
	return true;
}

int
header_scan_next(struct header_scan *scan, struct header_field *ret_field)
{
	struct header_field field = {.offset = scan->at};
	size_t end;

	if (scan->at >= scan->block.len ||
	    slice_starts(slice_from(scan->block, scan->at), SLICE("\r\n")))
		return 0;
	end = header_line_end(scan->block, scan->at);
	while (end < scan->block.len && header_is_blank(scan->block.data[end]))
		end = header_line_end(scan->block, end);
	ASSERT(end > scan->at);
	field.raw = slice_sub(scan->block, scan->at, end - scan->at);
	scan->at = end;
	if (!header_split(header_chomp(field.raw), &field)) {
		*ret_field = field;
		return ERR_SYNTAX;
	}
	*ret_field = field;
	return 1;
}

int
header_block_len(struct slice message, size_t *ret_len)
{
	size_t end;

	if (slice_starts(message, SLICE("\r\n"))) {
		*ret_len = 2;
		return 0;
	}
	end = slice_find(message, SLICE("\r\n\r\n"));
	if (end == message.len)
		return ERR_NOT_FOUND;
	*ret_len = end + 4;
	return 0;
}

bool
header_find(struct slice block, struct slice name, size_t index, struct header_field *ret)
{
	struct header_scan scan;
	struct header_field field;
	int more;

	header_scan_init(&scan, block);
	while ((more = header_scan_next(&scan, &field)) != 0) {
		if (more > 0 && slice_eq_nocase(field.name, name) && index-- == 0) {
			*ret = field;
			return true;
		}
	}
	return false;
}

size_t
header_count(struct slice block, struct slice name)
{
	struct header_scan scan;
	struct header_field field;
	size_t count = 0;
	int more;

	header_scan_init(&scan, block);
	while ((more = header_scan_next(&scan, &field)) != 0) {
		if (more > 0 && slice_eq_nocase(field.name, name))
			count++;
	}
	return count;
}

void
header_unfold(struct builder *b, struct slice value)
{
	value = header_chomp(value);
	while (value.len && (header_is_blank(value.data[0]) || slice_starts(value, SLICE("\r\n"))))
		value = slice_from(value, value.data[0] == '\r' ? 2 : 1);
	value = slice_trim(value);
	while (value.len && !b->failed) {
		size_t fold = slice_find(value, SLICE("\r\n"));

		builder_add(b, slice_sub(value, 0, fold));
		value = slice_from(value, fold + 2);
	}
}
