/*
 * Fuzz target for maildir: the input, cut at the first NUL, is a target and a message as it
 * travels. Folder names cannot leave their folder; a message cut in two becomes the same as in one
 * piece, and never longer; of Return-Path fields only ours is left.
 */
#include "base/fuzz.h"
#include "wire/maildir/message.h"
#include "wire/maildir/name.h"
#include "wire/message/header.h"

#define INPUT_MAX ((size_t)4096)

static void
check_folder(struct slice name)
{
	ASSERT(name.len > 0 && name.len <= MAILDIR_FOLDER_MAX);
	ASSERT(name.data[0] != '.' && name.data[0] != '-');
	ASSERT(slice_index(name, '/') == name.len && slice_index(name, 0) == name.len);
}

static void
check_lines(struct slice text)
{
	static uint8_t whole_room[INPUT_MAX + 8], cut_room[INPUT_MAX + 8];
	struct maildir_lines whole = {0}, cut = {0};
	struct builder a, b;
	size_t at = text.len ? text.data[0] % (text.len + 1) : 0;

	builder_init_fixed(&a, whole_room, sizeof(whole_room));
	builder_init_fixed(&b, cut_room, sizeof(cut_room));
	maildir_lines_add(&whole, text, &a);
	maildir_lines_finish(&whole, &a);
	maildir_lines_add(&cut, slice_sub(text, 0, at), &b);
	maildir_lines_add(&cut, slice_from(text, at), &b);
	maildir_lines_finish(&cut, &b);
	ASSERT(!a.failed && a.len <= text.len);
	ASSERT(slice_eq(builder_slice(&a), builder_slice(&b)));
}

FUZZ(input)
{
	static uint8_t room[INPUT_MAX + 8], top_room[MAILDIR_TOP_BYTES_MAX];
	struct slice target = slice_cut(&input, 0), mailbox, postoffice;
	struct builder b, top;

	input = slice_sub(input, 0, INPUT_MAX);
	if (maildir_target_parse(target, &mailbox, &postoffice) == 0) {
		check_folder(mailbox);
		check_folder(postoffice);
	}
	builder_init_fixed(&top, top_room, sizeof(top_room));
	maildir_top_build(&top, input, target);
	ASSERT(!top.failed);
	check_lines(input);
	builder_init_fixed(&b, room, sizeof(room));
	maildir_header_build(&b, input);
	ASSERT(!b.failed && b.len <= input.len);
	if (maildir_is_loop(input, target))
		ASSERT(header_count(input, SLICE("Delivered-To")) > 0);
}
