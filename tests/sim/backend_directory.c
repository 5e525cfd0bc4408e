/*
 * The directory database, in the place of SQLite: one domain with a few mailboxes m0, m1 ..., and
 * it can fail as a whole. SQLite's own files are not simulated.
 */
#include "db/directory.h"

#include <string.h>

#include "rt/rt.h"
#include "run.h"

struct db_directory {
	struct mem *mem;
};

int
db_directory_open(struct mem *mem, const char *path, struct db_directory **ret_db)
{
	struct db_directory *db = MEM_NEW(mem, struct db_directory);

	(void)path;
	if (!db)
		return ERR_NO_MEMORY;
	db->mem = mem;
	*ret_db = db;
	return 0;
}

void
db_directory_close(struct db_directory **db)
{
	if (*db)
		mem_give((*db)->mem, *db, sizeof(**db));
	*db = NULL;
}

const char *
db_directory_why(const struct db_directory *db)
{
	(void)db;
	return "the scenario";
}

static bool
fails(const struct db_directory *db)
{
	return run_of(sim_world_of_mem(db->mem))->directory_fails;
}

int
db_domain_find(struct db_directory *db, struct slice domain)
{
	if (fails(db))
		return ERR_DB;
	return slice_eq(domain, SLICE(RUN_DOMAIN)) ? 0 : ERR_NOT_FOUND;
}

int
db_domain_first(struct db_directory *db, char ret_domain[256])
{
	if (fails(db))
		return ERR_DB;
	memcpy(ret_domain, RUN_DOMAIN, sizeof(RUN_DOMAIN));
	return 0;
}

static void
mailbox_fill(unsigned number, struct db_mailbox *mailbox)
{
	*mailbox = (struct db_mailbox){.id = number + 1};
	(void)snprintf(mailbox->mailbox, sizeof(mailbox->mailbox), "m%u", number);
	(void)snprintf(mailbox->postoffice, sizeof(mailbox->postoffice), RUN_DOMAIN);
}

int
db_address_find(struct db_directory *db, struct slice local, struct slice domain,
		struct db_mailbox *ret_mailbox)
{
	uint64_t number;

	if (fails(db))
		return ERR_DB;
	if (!slice_eq(domain, SLICE(RUN_DOMAIN)) || !slice_starts(local, SLICE("m")) ||
	    !slice_to_u64(slice_from(local, 1), RUN_MAILBOXES - 1, &number))
		return ERR_NOT_FOUND;
	mailbox_fill((unsigned)number, ret_mailbox);
	return 0;
}

int
db_domain_mailbox(struct db_directory *db, struct slice domain, struct db_mailbox *ret_mailbox)
{
	return db_address_find(db, SLICE("m0"), domain, ret_mailbox);
}

int
db_mailbox_find(struct db_directory *db, struct slice mailbox, struct slice postoffice,
		struct db_mailbox *ret_mailbox, struct db_password *ret_password)
{
	*ret_password = (struct db_password){0};
	return db_address_find(db, mailbox, postoffice, ret_mailbox);
}

int
db_directory_secret(struct db_directory *db, const uint8_t random[DB_KEY_LEN],
		    uint8_t ret_secret[DB_KEY_LEN])
{
	if (fails(db))
		return ERR_DB;
	memcpy(ret_secret, random, DB_KEY_LEN);
	return 0;
}

/* --- what only administrators do ---------------------------------------------------------------
 */

int
db_postoffice_add(struct db_directory *db, struct slice name)
{
	(void)db;
	(void)name;
	return ERR_UNSUPPORTED;
}

int
db_postoffice_remove(struct db_directory *db, struct slice name)
{
	(void)db;
	(void)name;
	return ERR_UNSUPPORTED;
}

int
db_domain_add(struct db_directory *db, struct slice domain, struct slice postoffice)
{
	(void)db;
	(void)domain;
	(void)postoffice;
	return ERR_UNSUPPORTED;
}

int
db_domain_remove(struct db_directory *db, struct slice domain)
{
	(void)db;
	(void)domain;
	return ERR_UNSUPPORTED;
}

int
db_mailbox_add(struct db_directory *db, struct slice mailbox, struct slice postoffice,
	       const struct db_password *password)
{
	(void)db;
	(void)mailbox;
	(void)postoffice;
	(void)password;
	return ERR_UNSUPPORTED;
}

int
db_mailbox_set(struct db_directory *db, int64_t id, const struct db_password *password)
{
	(void)db;
	(void)id;
	(void)password;
	return ERR_UNSUPPORTED;
}

int
db_mailbox_remove(struct db_directory *db, int64_t id)
{
	(void)db;
	(void)id;
	return ERR_UNSUPPORTED;
}

int
db_address_add(struct db_directory *db, const struct db_address *address)
{
	(void)db;
	(void)address;
	return ERR_UNSUPPORTED;
}

int
db_address_remove(struct db_directory *db, struct slice local, struct slice domain)
{
	(void)db;
	(void)local;
	(void)domain;
	return ERR_UNSUPPORTED;
}

int
db_rows_begin(struct db_directory *db, enum db_list list, struct slice filter,
	      struct db_rows **ret_rows)
{
	(void)db;
	(void)list;
	(void)filter;
	(void)ret_rows;
	return ERR_UNSUPPORTED;
}

int
db_rows_next(struct db_rows *rows, struct slice *ret_name, struct slice *ret_value)
{
	(void)rows;
	(void)ret_name;
	(void)ret_value;
	return ERR_UNSUPPORTED;
}

void
db_rows_end(struct db_rows **rows)
{
	*rows = NULL;
}
