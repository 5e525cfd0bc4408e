/*
 * From travelling to lying. The one reader of stuffed dots is wire/smtp/data; here CRLF becomes LF.
 * A CR without LF cannot be in an accepted message; if it is, it stays.
 */
#include "base/planted.h"
#include "wire/maildir/message.h"

#include "wire/message/header.h"
#include "wire/text/clean.h"

#define ADDRESS_SHOWN_MAX 400

void
maildir_top_build(struct builder *b, struct slice sender, struct slice target)
{
	builder_str(b, "Return-Path: <");
	clean_line(b, sender, ADDRESS_SHOWN_MAX);
	builder_str(b, ">\nDelivered-To: ");
	clean_line(b, target, ADDRESS_SHOWN_MAX);
	builder_byte(b, '\n');
}

void
maildir_header_build(struct builder *b, struct slice header)
{
	struct maildir_lines lines = {0};
	struct header_scan scan;
	struct header_field field;
	size_t from = 0;

	header_scan_init(&scan, header);
	while (header_scan_next(&scan, &field) != 0) {
		if (!slice_eq_nocase(field.name, SLICE("Return-Path")))
			continue;
		maildir_lines_add(&lines, slice_sub(header, from, field.offset - from), b);
		from = scan.at;
	}
	maildir_lines_add(&lines, slice_from(header, from), b);
	maildir_lines_finish(&lines, b);
}

bool
maildir_is_loop(struct slice header, struct slice target)
{
	struct header_scan scan;
	struct header_field field;
	int more;

	header_scan_init(&scan, header);
	while ((more = header_scan_next(&scan, &field)) != 0) {
		if (more > 0 && slice_eq_nocase(field.name, SLICE("Delivered-To")) &&
		    slice_eq_nocase(slice_trim(field.value), target))
			return true;
	}
	return false;
}

static void
lines_plain(struct maildir_lines *lines, struct slice chunk, struct builder *b)
{
	while (chunk.len) {
		size_t cr = slice_index(chunk, '\r');

		if (lines->cr && chunk.data[0] != '\n')
			builder_byte(b, '\r');
		lines->cr = false;
		builder_add(b, slice_sub(chunk, 0, cr));
		lines->cr = cr < chunk.len;
		chunk = slice_from(chunk, cr + 1);
	}
}

void
maildir_lines_add(struct maildir_lines *lines, struct slice piece, struct builder *b)
{
	struct slice chunk;

	if (PLANTED(DOTS_KEPT)) {
		lines_plain(lines, piece, b);
		return;
	}
	while (smtp_unstuff_next(&lines->unstuff, &piece, &chunk))
		lines_plain(lines, chunk, b);
}

void
maildir_lines_finish(struct maildir_lines *lines, struct builder *b)
{
	if (lines->cr)
		builder_byte(b, '\r');
	lines->cr = false;
}
