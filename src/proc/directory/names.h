/*
 * directory/names: which names exist, and what an address or login means. Case never matters: local
 * parts, domains, mailboxes and postoffices are kept and compared in lower case (ASCII letters).
 */
#ifndef PROC_DIRECTORY_NAMES_H
#define PROC_DIRECTORY_NAMES_H

#include "base/builder.h"
#include "db/directory.h"
#include "ipc/ipc.h"

#define NAMES_LOCAL_MAX 320
#define NAMES_DOMAIN_MAX 255
#define NAMES_LOGIN_MAX (2 * DB_NAME_MAX + 1)

/* Text in a buffer of its own. */
struct name_text {
	uint8_t buf[NAMES_LOCAL_MAX];
	size_t len;
};
struct slice name_slice(const struct name_text *text);

/* A postoffice or mailbox: becomes a folder's name, so a-z 0-9 . _ - only, a letter or digit in
 * front, and no dot at the end, where it would be taken for that of a domain. ERR_SYNTAX,
 * ERR_LIMIT. */
int name_plain(struct slice name, struct name_text *ret_text) MUST_USE;
/* A domain: A-labels in lower case. */
int name_domain(struct slice name, struct name_text *ret_text) MUST_USE;
/* Both sides of the last "@". ERR_SYNTAX. */
int name_split(struct slice name, struct slice *ret_left, struct slice *ret_right) MUST_USE;

struct names {
	struct db_directory *db;
	struct slice separator; /* of subaddresses, one byte or none */
};

/* What a recipient is. An empty domain is that of the first domain (plain "postmaster"). postmaster
 * and abuse exist in every domain: without an address of their own, at the oldest mailbox of the
 * domain's postoffice. *ret_mailbox is set for DIR_RCPT_LOCAL. */
enum dir_rcpt_kind names_resolve(const struct names *names, struct slice local, struct slice domain,
				 struct db_mailbox *ret_mailbox);
/* The one form of all spellings of a login (case, U-labels, a dot at the end); logins with the same
 * form are the same to names_login. ERR_SYNTAX, ERR_LIMIT: it is nobody's. */
int names_login_split(struct slice login, struct name_text *ret_left,
		      struct name_text *ret_right) MUST_USE;
/* The mailbox of a login: "mailbox@postoffice", or one of its addresses. ERR_NOT_FOUND, ERR_DB. */
int names_login(const struct names *names, struct slice login, struct db_mailbox *ret_mailbox,
		struct db_password *ret_password) MUST_USE;

#endif
