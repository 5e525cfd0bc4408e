/*
 * db/directory: SQLite with one table of statements (statements.def), each prepared once. The
 * schema's version stands in user_version. A busy database (frank check, a backup) is waited for up
 * to DB_BUSY_MS.
 */
#include "db/directory.h"

#include <string.h>

#include <sqlite3.h>

#include "base/assert.h"
#include "base/builder.h"
#include "db/paths.h"

#define SCHEMA_VERSION 1
#define BINDS_MAX 7

static const char schema[] =
	"CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE postoffice (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
	"CREATE TABLE domain (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
	"  postoffice INTEGER NOT NULL REFERENCES postoffice ON DELETE RESTRICT);"
	"CREATE TABLE mailbox (id INTEGER PRIMARY KEY, name TEXT NOT NULL,"
	"  postoffice INTEGER NOT NULL REFERENCES postoffice ON DELETE RESTRICT,"
	"  crypt TEXT NOT NULL, salt BLOB NOT NULL, iterations INTEGER NOT NULL,"
	"  stored_key BLOB NOT NULL, server_key BLOB NOT NULL, UNIQUE (postoffice, name));"
	"CREATE TABLE address (local TEXT NOT NULL,"
	"  domain INTEGER NOT NULL REFERENCES domain ON DELETE CASCADE,"
	"  mailbox INTEGER NOT NULL REFERENCES mailbox ON DELETE CASCADE,"
	"  PRIMARY KEY (domain, local)) WITHOUT ROWID;"
	"CREATE INDEX address_mailbox ON address (mailbox);"
	"CREATE INDEX domain_postoffice ON domain (postoffice);"
	"PRAGMA user_version = 1;";

static const char settings[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
			       "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;"
			       /* A long list is sorted without files: the sandbox has no /tmp. */
			       "PRAGMA temp_store = MEMORY;"
			       /* An old password leaves no trace in free pages. */
			       "PRAGMA secure_delete = ON;";

#define LIST(NAME, sql)
enum statement {
#define STATEMENT(NAME, sql) STATEMENT_##NAME,
#include "db/statements.def"
#undef STATEMENT
	STATEMENT_MAX
};

static const char *const statements[STATEMENT_MAX] = {
#define STATEMENT(NAME, sql) [STATEMENT_##NAME] = (sql),
#include "db/statements.def"
#undef STATEMENT
};
#undef LIST

static const char *const lists[DB_LIST_MAX] = {
#define STATEMENT(NAME, sql)
#define LIST(NAME, sql) [DB_LIST_##NAME] = (sql),
#include "db/statements.def"
#undef LIST
#undef STATEMENT
};

struct db_directory {
	struct mem *mem;
	sqlite3 *sqlite;
	sqlite3_stmt *prepared[STATEMENT_MAX];
	char why[DB_WHY_MAX + 1];
};

/* What a parameter of a statement is given. */
struct value {
	enum { VALUE_TEXT, VALUE_BLOB, VALUE_NUMBER } kind;
	struct slice bytes;
	int64_t number;
};

#define TEXT(s) ((struct value){VALUE_TEXT, (s), 0})
#define BLOB(data, len) ((struct value){VALUE_BLOB, {(data), (len)}, 0})
#define NUMBER(n) ((struct value){VALUE_NUMBER, {0}, (n)})

static int
fail(struct db_directory *db)
{
	int code = sqlite3_extended_errcode(db->sqlite);
	struct builder b;

	builder_init_fixed(&b, db->why, DB_WHY_MAX);
	builder_add(&b, slice_sub(slice_str(sqlite3_errmsg(db->sqlite)), 0, DB_WHY_MAX));
	db->why[b.len] = 0;
	if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY)
		return ERR_EXISTS;
	if (code == SQLITE_CONSTRAINT_FOREIGNKEY || code == SQLITE_CONSTRAINT_TRIGGER)
		return ERR_STATE;
	return ERR_DB;
}

static int
script_run(struct db_directory *db, const char *sql)
{
	return sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(db);
}

/* 0: there is none yet. */
static int
schema_version(struct db_directory *db)
{
	sqlite3_stmt *version = NULL;
	int number = -1;

	if (sqlite3_prepare_v2(db->sqlite, "PRAGMA user_version", -1, &version, NULL) ==
		    SQLITE_OK &&
	    sqlite3_step(version) == SQLITE_ROW)
		number = sqlite3_column_int(version, 0);
	sqlite3_finalize(version);
	return number < 0 ? fail(db) : number;
}

static int
schema_check(struct db_directory *db)
{
	int version = schema_version(db);

	if (version == SCHEMA_VERSION)
		return 0;
	if (version < 0)
		return version;
	if (version > SCHEMA_VERSION)
		return ERR_VERSION;
	if (script_run(db, "BEGIN IMMEDIATE") < 0)
		return ERR_DB;
	/* Somebody else may have made it meanwhile. */
	if (schema_version(db) == 0 && script_run(db, schema) < 0) {
		(void)script_run(db, "ROLLBACK");
		return ERR_DB;
	}
	return script_run(db, "COMMIT");
}

static int
statements_prepare(struct db_directory *db)
{
	for (unsigned i = 0; i < STATEMENT_MAX; i++)
		if (sqlite3_prepare_v3(db->sqlite, statements[i], -1, SQLITE_PREPARE_PERSISTENT,
				       &db->prepared[i], NULL) != SQLITE_OK)
			return fail(db);
	return 0;
}

int
db_directory_open(struct mem *mem, const char *path, struct db_directory **ret_db)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
		    SQLITE_OPEN_EXRESCODE;
	struct db_directory *db = MEM_NEW(mem, struct db_directory);
	int err;

	if (!db)
		return ERR_NO_MEMORY;
	db->mem = mem;
	err = db_paths_as_given();
	if (err == 0 && sqlite3_open_v2(path, &db->sqlite, flags, DB_PATHS) != SQLITE_OK)
		err = ERR_DB;
	if (err == 0)
		sqlite3_busy_timeout(db->sqlite, DB_BUSY_MS);
	if (err == 0)
		err = script_run(db, settings);
	if (err == 0)
		err = schema_check(db);
	if (err == 0)
		err = statements_prepare(db);
	if (err < 0)
		db_directory_close(&db);
	else
		*ret_db = db;
	return err;
}

void
db_directory_close(struct db_directory **db)
{
	struct db_directory *d = *db;

	if (!d)
		return;
	for (unsigned i = 0; i < STATEMENT_MAX; i++)
		sqlite3_finalize(d->prepared[i]);
	sqlite3_close(d->sqlite);
	mem_give(d->mem, d, sizeof(*d));
	*db = NULL;
}

const char *
db_directory_why(const struct db_directory *db)
{
	return db->why;
}

static bool
value_bind(sqlite3_stmt *stmt, int index, const struct value *value)
{
	const void *data = value->bytes.len ? (const void *)value->bytes.data : "";
	int len = (int)value->bytes.len;

	if (value->kind == VALUE_NUMBER)
		return sqlite3_bind_int64(stmt, index, value->number) == SQLITE_OK;
	if (value->kind == VALUE_BLOB)
		return sqlite3_bind_blob(stmt, index, data, len, SQLITE_TRANSIENT) == SQLITE_OK;
	return sqlite3_bind_text(stmt, index, data, len, SQLITE_TRANSIENT) == SQLITE_OK;
}

/* Binds and steps once: 1 a row is there (statement_end after reading), 0 none, or an error. */
static int
statement_begin(struct db_directory *db, enum statement which, const struct value *values,
		size_t count)
{
	sqlite3_stmt *stmt = db->prepared[which];
	int rc = SQLITE_OK;

	ASSERT(count <= BINDS_MAX);
	for (size_t i = 0; i < count && rc == SQLITE_OK; i++)
		if (!value_bind(stmt, (int)i + 1, &values[i]))
			rc = SQLITE_ERROR;
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		return 1;
	rc = rc == SQLITE_DONE ? 0 : fail(db);
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	return rc;
}

static void
statement_end(struct db_directory *db, enum statement which)
{
	sqlite3_reset(db->prepared[which]);
	sqlite3_clear_bindings(db->prepared[which]);
}

/* A statement that changes: ERR_NOT_FOUND when it changed nothing. */
static int
change(struct db_directory *db, enum statement which, const struct value *values, size_t count)
{
	int err = statement_begin(db, which, values, count);

	ASSERT(err <= 0);
	if (err == 0 && sqlite3_changes(db->sqlite) == 0)
		err = ERR_NOT_FOUND;
	return err;
}

/* What others belong to stays. Asked here, for the tables of version 1 cascade. Nobody else writes,
 * so that nothing comes between the two statements. */
static int
remove_unused(struct db_directory *db, enum statement in_use, enum statement remove,
	      const struct value *value)
{
	int got = statement_begin(db, in_use, value, 1);

	if (got == 1) {
		statement_end(db, in_use);
		return ERR_STATE;
	}
	return got < 0 ? got : change(db, remove, value, 1);
}

static struct slice
column(sqlite3_stmt *stmt, int index)
{
	const void *data = sqlite3_column_blob(stmt, index);

	return slice_of(data, (size_t)sqlite3_column_bytes(stmt, index));
}

/* A text column into a buffer with room for max bytes and a NUL. */
static bool
column_text(sqlite3_stmt *stmt, int index, char *buf, size_t max)
{
	struct slice text = column(stmt, index);

	if (text.len > max)
		return false;
	if (text.len)
		memcpy(buf, text.data, text.len);
	buf[text.len] = 0;
	return true;
}

static bool
column_key(sqlite3_stmt *stmt, int index, uint8_t key[DB_KEY_LEN])
{
	struct slice bytes = column(stmt, index);

	if (bytes.len != DB_KEY_LEN)
		return false;
	memcpy(key, bytes.data, DB_KEY_LEN);
	return true;
}

static int
mailbox_read(sqlite3_stmt *stmt, struct db_mailbox *ret_mailbox)
{
	ret_mailbox->id = sqlite3_column_int64(stmt, 0);
	return column_text(stmt, 1, ret_mailbox->mailbox, DB_NAME_MAX) &&
			       column_text(stmt, 2, ret_mailbox->postoffice, DB_NAME_MAX)
		       ? 0
		       : ERR_DB;
}

static int
password_read(sqlite3_stmt *stmt, struct db_password *ret_password)
{
	struct slice salt = column(stmt, 4);

	if (salt.len == 0 || salt.len > DB_SALT_MAX)
		return ERR_DB;
	memcpy(ret_password->salt, salt.data, salt.len);
	ret_password->salt_len = (uint8_t)salt.len;
	ret_password->iterations = (uint32_t)sqlite3_column_int64(stmt, 5);
	return column_text(stmt, 3, ret_password->crypt, DB_CRYPT_MAX) &&
			       column_key(stmt, 6, ret_password->stored_key) &&
			       column_key(stmt, 7, ret_password->server_key)
		       ? 0
		       : ERR_DB;
}

int
db_domain_find(struct db_directory *db, struct slice domain)
{
	struct value values[] = {TEXT(domain)};
	int got = statement_begin(db, STATEMENT_DOMAIN_FIND, values, 1);

	if (got == 1)
		statement_end(db, STATEMENT_DOMAIN_FIND);
	return got == 1 ? 0 : got == 0 ? ERR_NOT_FOUND : got;
}

int
db_domain_first(struct db_directory *db, char ret_domain[256])
{
	int got = statement_begin(db, STATEMENT_DOMAIN_FIRST, NULL, 0);

	if (got <= 0)
		return got == 0 ? ERR_NOT_FOUND : got;
	got = column_text(db->prepared[STATEMENT_DOMAIN_FIRST], 0, ret_domain, 255) ? 0 : ERR_DB;
	statement_end(db, STATEMENT_DOMAIN_FIRST);
	return got;
}

/* A statement that answers a mailbox. */
static int
mailbox_ask(struct db_directory *db, enum statement which, const struct value values[2],
	    struct db_mailbox *ret_mailbox)
{
	int got = statement_begin(db, which, values, which == STATEMENT_DOMAIN_MAILBOX ? 1 : 2);

	if (got <= 0)
		return got == 0 ? ERR_NOT_FOUND : got;
	got = mailbox_read(db->prepared[which], ret_mailbox);
	statement_end(db, which);
	return got;
}

int
db_address_find(struct db_directory *db, struct slice local, struct slice domain,
		struct db_mailbox *ret_mailbox)
{
	struct value values[] = {TEXT(local), TEXT(domain)};

	return mailbox_ask(db, STATEMENT_ADDRESS_FIND, values, ret_mailbox);
}

int
db_domain_mailbox(struct db_directory *db, struct slice domain, struct db_mailbox *ret_mailbox)
{
	struct value values[] = {TEXT(domain), TEXT(SLICE_EMPTY)};

	return mailbox_ask(db, STATEMENT_DOMAIN_MAILBOX, values, ret_mailbox);
}

int
db_mailbox_find(struct db_directory *db, struct slice mailbox, struct slice postoffice,
		struct db_mailbox *ret_mailbox, struct db_password *ret_password)
{
	struct value values[] = {TEXT(mailbox), TEXT(postoffice)};
	sqlite3_stmt *stmt = db->prepared[STATEMENT_MAILBOX_FIND];
	int got = statement_begin(db, STATEMENT_MAILBOX_FIND, values, 2);

	if (got <= 0)
		return got == 0 ? ERR_NOT_FOUND : got;
	got = mailbox_read(stmt, ret_mailbox);
	if (got == 0)
		got = password_read(stmt, ret_password);
	statement_end(db, STATEMENT_MAILBOX_FIND);
	return got;
}

int
db_postoffice_add(struct db_directory *db, struct slice name)
{
	struct value values[] = {TEXT(name)};

	return name.len > DB_NAME_MAX ? ERR_LIMIT : change(db, STATEMENT_POSTOFFICE_ADD, values, 1);
}

int
db_postoffice_remove(struct db_directory *db, struct slice name)
{
	struct value values[] = {TEXT(name)};

	return change(db, STATEMENT_POSTOFFICE_REMOVE, values, 1);
}

int
db_domain_add(struct db_directory *db, struct slice domain, struct slice postoffice)
{
	struct value values[] = {TEXT(domain), TEXT(postoffice)};

	return domain.len > 255 ? ERR_LIMIT : change(db, STATEMENT_DOMAIN_ADD, values, 2);
}

int
db_domain_remove(struct db_directory *db, struct slice domain)
{
	struct value value = TEXT(domain);

	return remove_unused(db, STATEMENT_DOMAIN_IN_USE, STATEMENT_DOMAIN_REMOVE, &value);
}

int
db_mailbox_add(struct db_directory *db, struct slice mailbox, struct slice postoffice,
	       const struct db_password *password)
{
	struct value values[] = {
		TEXT(mailbox),
		TEXT(postoffice),
		TEXT(slice_str(password->crypt)),
		BLOB(password->salt, password->salt_len),
		NUMBER(password->iterations),
		BLOB(password->stored_key, DB_KEY_LEN),
		BLOB(password->server_key, DB_KEY_LEN),
	};

	return mailbox.len > DB_NAME_MAX ? ERR_LIMIT : change(db, STATEMENT_MAILBOX_ADD, values, 7);
}

int
db_mailbox_set(struct db_directory *db, int64_t id, const struct db_password *password)
{
	struct value values[] = {
		NUMBER(id),
		TEXT(slice_str(password->crypt)),
		BLOB(password->salt, password->salt_len),
		NUMBER(password->iterations),
		BLOB(password->stored_key, DB_KEY_LEN),
		BLOB(password->server_key, DB_KEY_LEN),
	};

	return change(db, STATEMENT_MAILBOX_SET, values, 6);
}

int
db_mailbox_remove(struct db_directory *db, int64_t id)
{
	struct value value = NUMBER(id);

	return remove_unused(db, STATEMENT_MAILBOX_IN_USE, STATEMENT_MAILBOX_REMOVE, &value);
}

int
db_address_add(struct db_directory *db, const struct db_address *address)
{
	struct value values[] = {TEXT(address->local), TEXT(address->domain),
				 NUMBER(address->mailbox_id)};
	struct db_mailbox now;
	int err;

	if (address->local.len > 320)
		return ERR_LIMIT;
	if (address->replace)
		return change(db, STATEMENT_ADDRESS_SET, values, 3);
	err = change(db, STATEMENT_ADDRESS_ADD, values, 3);
	if (err != ERR_EXISTS)
		return err;
	err = db_address_find(db, address->local, address->domain, &now);
	if (err < 0)
		return err;
	return now.id == address->mailbox_id ? 0 : ERR_EXISTS;
}

int
db_address_remove(struct db_directory *db, struct slice local, struct slice domain)
{
	struct value values[] = {TEXT(local), TEXT(domain)};

	return change(db, STATEMENT_ADDRESS_REMOVE, values, 2);
}

struct db_rows {
	struct db_directory *db;
	sqlite3_stmt *stmt;
};

int
db_rows_begin(struct db_directory *db, enum db_list list, struct slice filter,
	      struct db_rows **ret_rows)
{
	struct db_rows *rows = MEM_NEW(db->mem, struct db_rows);
	struct value value = TEXT(filter);
	int err = 0;

	ASSERT(list < DB_LIST_MAX);
	if (!rows)
		return ERR_NO_MEMORY;
	rows->db = db;
	if (sqlite3_prepare_v2(db->sqlite, lists[list], -1, &rows->stmt, NULL) != SQLITE_OK ||
	    !value_bind(rows->stmt, 1, &value))
		err = fail(db);
	if (err < 0)
		db_rows_end(&rows);
	else
		*ret_rows = rows;
	return err;
}

int
db_rows_next(struct db_rows *rows, struct slice *ret_name, struct slice *ret_value)
{
	int rc = sqlite3_step(rows->stmt);

	if (rc == SQLITE_DONE)
		return 0;
	if (rc != SQLITE_ROW)
		return fail(rows->db);
	*ret_name = column(rows->stmt, 0);
	*ret_value = column(rows->stmt, 1);
	return 1;
}

void
db_rows_end(struct db_rows **rows)
{
	struct db_rows *r = *rows;

	if (!r)
		return;
	sqlite3_finalize(r->stmt);
	mem_give(r->db->mem, r, sizeof(*r));
	*rows = NULL;
}

int
db_directory_secret(struct db_directory *db, const uint8_t random[DB_KEY_LEN],
		    uint8_t ret_secret[DB_KEY_LEN])
{
	struct value values[] = {TEXT(SLICE("secret")), BLOB(random, DB_KEY_LEN)};
	sqlite3_stmt *stmt = db->prepared[STATEMENT_META_GET];
	int got = statement_begin(db, STATEMENT_META_GET, values, 1);

	if (got == 1) {
		got = column_key(stmt, 0, ret_secret) ? 0 : ERR_DB;
		statement_end(db, STATEMENT_META_GET);
		return got;
	}
	if (got == 0)
		got = change(db, STATEMENT_META_PUT, values, 2);
	if (got == 0)
		memcpy(ret_secret, random, DB_KEY_LEN);
	return got;
}
