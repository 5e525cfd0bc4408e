/*
 * maildir/name: names on disk. Folders are made from a recipient's target (mailbox@postoffice) and
 * from nothing else; what could leave its folder, hide, or confuse a shell is no name. Files get
 * names that no two deliveries share.
 */
#ifndef WIRE_MAILDIR_NAME_H
#define WIRE_MAILDIR_NAME_H

#include "base/builder.h"

#define MAILDIR_FOLDER_MAX 64 /* bytes of a postoffice's or mailbox's name */
#define MAILDIR_TARGET_MAX (2 * MAILDIR_FOLDER_MAX + 1)
#define MAILDIR_FILE_MAX 200 /* bytes of a file's name, the size behind it included */

/* Letters, digits, "-", "_", "+", "=" and "." or UTF-8 letters; no "." or "-" in front. */
bool maildir_folder_is_valid(struct slice name);

/* mailbox@postoffice, split at the last "@". ERR_SYNTAX when a part is no valid folder name. */
int maildir_target_parse(struct slice target, struct slice *ret_mailbox,
			 struct slice *ret_postoffice) MUST_USE;

struct maildir_file {
	int64_t wall_ms;
	uint64_t unique; /* random at the start of the process */
	uint64_t count;	 /* of files made by the process */
	struct slice host;
};

/* "1057049557.M000R0123456789abcdefQ17.mail.example.test", for tmp. */
void maildir_file_build(struct builder *b, const struct maildir_file *file);
/* The same with ",S=1234", for new: mail programs read the size from the name. */
void maildir_file_build_final(struct builder *b, struct slice tmp_name, uint64_t size_bytes);

#endif
