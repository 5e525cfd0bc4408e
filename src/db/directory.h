/*
 * db/directory: the directory database: postoffices, domains, mailboxes with their passwords,
 * addresses. db/ is the only folder that includes SQLite's header.
 *
 * Names come normalised (lower case, A-labels); what is stored compares byte by byte. Every change
 * is on disk when its call returns (WAL, synchronous=FULL). Answers: 0, ERR_NOT_FOUND, ERR_EXISTS,
 * ERR_STATE (something still depends on it), ERR_LIMIT (a text is too long), and ERR_DB for all
 * trouble of the database itself, which is always temporary to the mail.
 */
#ifndef DB_DIRECTORY_H
#define DB_DIRECTORY_H

#include "base/err.h"
#include "base/mem.h"
#include "base/slice.h"

#define DB_NAME_MAX 64	 /* of a postoffice or mailbox */
#define DB_CRYPT_MAX 128 /* crypt(3) string */
#define DB_SALT_MAX 32
#define DB_KEY_LEN 32
#define DB_WHY_MAX 200
#define DB_BUSY_MS 2000

struct db_directory;

struct db_mailbox {
	int64_t id;
	char mailbox[DB_NAME_MAX + 1];
	char postoffice[DB_NAME_MAX + 1];
};

/* A password as it is kept: a slow hash for PLAIN and LOGIN, and SCRAM-SHA-256 keys. */
struct db_password {
	char crypt[DB_CRYPT_MAX + 1];
	uint8_t salt[DB_SALT_MAX];
	uint8_t salt_len;
	uint32_t iterations;
	uint8_t stored_key[DB_KEY_LEN];
	uint8_t server_key[DB_KEY_LEN];
};

/* path: of the database file, made when it is not there; used as it is given, so that a folder may
 * be named by its descriptor (/proc/self/fd/N) and lie beneath one that nobody else may enter. */
int db_directory_open(struct mem *mem, const char *path, struct db_directory **ret_db) MUST_USE;
void db_directory_close(struct db_directory **db);
/* SQLite's words about the last ERR_DB; "" when there was none. */
const char *db_directory_why(const struct db_directory *db);

/* Whether the domain is ours. */
int db_domain_find(struct db_directory *db, struct slice domain) MUST_USE;
/* The domain that was made first: where mail for plain "postmaster" goes. */
int db_domain_first(struct db_directory *db, char ret_domain[256]) MUST_USE;
int db_address_find(struct db_directory *db, struct slice local, struct slice domain,
		    struct db_mailbox *ret_mailbox) MUST_USE;
/* The oldest mailbox of the domain's postoffice. */
int db_domain_mailbox(struct db_directory *db, struct slice domain,
		      struct db_mailbox *ret_mailbox) MUST_USE;
int db_mailbox_find(struct db_directory *db, struct slice mailbox, struct slice postoffice,
		    struct db_mailbox *ret_mailbox, struct db_password *ret_password) MUST_USE;

int db_postoffice_add(struct db_directory *db, struct slice name) MUST_USE;
/* ERR_STATE while it has domains or mailboxes. */
int db_postoffice_remove(struct db_directory *db, struct slice name) MUST_USE;
int db_domain_add(struct db_directory *db, struct slice domain, struct slice postoffice) MUST_USE;
/* ERR_STATE while it has addresses. */
int db_domain_remove(struct db_directory *db, struct slice domain) MUST_USE;
int db_mailbox_add(struct db_directory *db, struct slice mailbox, struct slice postoffice,
		   const struct db_password *password) MUST_USE;
int db_mailbox_set(struct db_directory *db, int64_t id,
		   const struct db_password *password) MUST_USE;
/* ERR_STATE while addresses lead to it. What lies in its Maildir stays. */
int db_mailbox_remove(struct db_directory *db, int64_t id) MUST_USE;
/* The domain must be of the mailbox's postoffice (else ERR_NOT_FOUND). replace: an address that is
 * there is turned to this mailbox; otherwise a new one, ERR_EXISTS unless it leads there already.
 */
struct db_address {
	struct slice local, domain;
	int64_t mailbox_id;
	bool replace;
};
int db_address_add(struct db_directory *db, const struct db_address *address) MUST_USE;
int db_address_remove(struct db_directory *db, struct slice local, struct slice domain) MUST_USE;

enum db_list {
	DB_LIST_POSTOFFICES,
	DB_LIST_DOMAINS,
	DB_LIST_MAILBOXES,
	DB_LIST_ADDRESSES,
	DB_LIST_MAX
};
/* Rows in the order of their names, as many at once as the caller likes; other calls may come
 * between. filter: only rows whose name it is or ends in "@" filter, or whose value it is; empty:
 * all. All rows must have ended before the database is closed. */
struct db_rows;
int db_rows_begin(struct db_directory *db, enum db_list list, struct slice filter,
		  struct db_rows **ret_rows) MUST_USE;
/* 1: a row; name and value are borrowed until the next call. 0: there are no more. Or an error. */
int db_rows_next(struct db_rows *rows, struct slice *ret_name, struct slice *ret_value) MUST_USE;
void db_rows_end(struct db_rows **rows);

/* 32 random bytes made with the database, never shown: what answers about unknown users are derived
 * from. random: used when there are none yet. */
int db_directory_secret(struct db_directory *db, const uint8_t random[DB_KEY_LEN],
			uint8_t ret_secret[DB_KEY_LEN]) MUST_USE;

#endif
