/*
 * Names in a Maildir: seconds, then what makes it unique on this host, then the host, with "/" and
 * ":" as \057 and \072 (the Maildir description's own rule).
 */
#include "wire/maildir/name.h"

#include "wire/text/clean.h"
#include "wire/text/utf8.h"

bool
maildir_folder_is_valid(struct slice name)
{
	const struct slice signs = SLICE("-_+=.");
	uint32_t code;

	if (!name.len || name.len > MAILDIR_FOLDER_MAX || name.data[0] == '.' ||
	    name.data[0] == '-')
		return false;
	while (name.len) {
		if (!utf8_next(&name, &code) || !clean_code_is_plain(code))
			return false;
		if (code < 0x80 && !ascii_is_alpha((uint8_t)code) &&
		    !ascii_is_digit((uint8_t)code) &&
		    slice_index(signs, (uint8_t)code) == signs.len)
			return false;
	}
	return true;
}

int
maildir_target_parse(struct slice target, struct slice *ret_mailbox, struct slice *ret_postoffice)
{
	size_t at = slice_rindex(target, '@');
	struct slice mailbox = slice_sub(target, 0, at), postoffice = slice_from(target, at + 1);

	if (!maildir_folder_is_valid(mailbox) || !maildir_folder_is_valid(postoffice))
		return ERR_SYNTAX;
	*ret_mailbox = mailbox;
	*ret_postoffice = postoffice;
	return 0;
}

void
maildir_file_build(struct builder *b, const struct maildir_file *file)
{
	int64_t wall_ms = file->wall_ms > 0 ? file->wall_ms : 0;
	uint8_t unique[8];

	for (size_t i = 0; i < sizeof(unique); i++)
		unique[i] = (uint8_t)(file->unique >> (56 - 8 * i));
	builder_dec(b, (uint64_t)wall_ms / 1000);
	builder_str(b, ".M");
	builder_dec_padded(b, (uint64_t)wall_ms % 1000, 3);
	builder_byte(b, 'R');
	builder_hex(b, slice_of(unique, sizeof(unique)));
	builder_byte(b, 'Q');
	builder_dec(b, file->count);
	builder_byte(b, '.');
	for (size_t i = 0; i < file->host.len && i < 100; i++) {
		uint8_t c = file->host.data[i];

		if (c == '/' || c == ':' || c <= ' ' || c > 126) {
			builder_byte(b, '\\');
			builder_byte(b, (uint8_t)('0' + (c >> 6)));
			builder_byte(b, (uint8_t)('0' + (c >> 3 & 7)));
			builder_byte(b, (uint8_t)('0' + (c & 7)));
		} else {
			builder_byte(b, c);
		}
		if (b->len > MAILDIR_FILE_MAX - 30)
			break;
	}
}

void
maildir_file_build_final(struct builder *b, struct slice tmp_name, uint64_t size_bytes)
{
	builder_add(b, tmp_name);
	builder_str(b, ",S=");
	builder_dec(b, size_bytes);
}
