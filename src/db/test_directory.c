/* db/directory: rows go in, are found, listed and taken out; what depends is kept; damage is said.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/builder.h"
#include "base/test.h"
#include "db/directory.h"

#define NOBODY 65534

static struct test_mem mem = TEST_MEM_INIT;
static char folder[] = "/tmp/frank-db.XXXXXX";
static char path[64];

static struct db_password
password(const char *crypt)
{
	struct db_password p = {.salt = {1, 2, 3}, .salt_len = 16, .iterations = 4096};

	snprintf(p.crypt, sizeof(p.crypt), "%s", crypt);
	memset(p.stored_key, 7, sizeof(p.stored_key));
	memset(p.server_key, 9, sizeof(p.server_key));
	return p;
}

static struct db_directory *
open_db(void)
{
	struct db_directory *db = NULL;

	assert_int_equal(db_directory_open(&mem.mem, path, &db), 0);
	return db;
}

static struct db_directory *
open_fresh(void)
{
	(void)unlink(path);
	return open_db();
}

static int64_t
fill(struct db_directory *db)
{
	struct db_password p = password("$y$hash");
	struct db_mailbox mailbox;

	assert_int_equal(db_postoffice_add(db, SLICE("example.test")), 0);
	assert_int_equal(db_domain_add(db, SLICE("example.test"), SLICE("example.test")), 0);
	assert_int_equal(db_mailbox_add(db, SLICE("ann"), SLICE("example.test"), &p), 0);
	assert_int_equal(db_mailbox_find(db, SLICE("ann"), SLICE("example.test"), &mailbox, &p), 0);
	return mailbox.id;
}

TEST(found)
{
	struct db_directory *db = open_fresh();
	struct db_mailbox mailbox;
	struct db_password p;
	struct db_address address = {SLICE("info"), SLICE("example.test"), fill(db), false};
	char first[256];

	assert_int_equal(db_domain_find(db, SLICE("example.test")), 0);
	assert_int_equal(db_domain_find(db, SLICE("other.test")), ERR_NOT_FOUND);
	assert_int_equal(db_domain_first(db, first), 0);
	assert_string_equal(first, "example.test");
	assert_int_equal(db_address_find(db, SLICE("info"), SLICE("example.test"), &mailbox),
			 ERR_NOT_FOUND);
	assert_int_equal(db_address_add(db, &address), 0);
	assert_int_equal(db_address_find(db, SLICE("info"), SLICE("example.test"), &mailbox), 0);
	assert_string_equal(mailbox.mailbox, "ann");
	assert_string_equal(mailbox.postoffice, "example.test");
	assert_int_equal(db_domain_mailbox(db, SLICE("example.test"), &mailbox), 0);
	assert_string_equal(mailbox.mailbox, "ann");
	assert_int_equal(db_mailbox_find(db, SLICE("ann"), SLICE("example.test"), &mailbox, &p), 0);
	assert_string_equal(p.crypt, "$y$hash");
	assert_int_equal(p.salt_len, 16);
	assert_int_equal(p.stored_key[31], 7);
	assert_int_equal(db_mailbox_find(db, SLICE("bob"), SLICE("example.test"), &mailbox, &p),
			 ERR_NOT_FOUND);
	db_directory_close(&db);
	/* All of it is on disk. */
	db = open_db();
	assert_int_equal(db_address_find(db, SLICE("info"), SLICE("example.test"), &mailbox), 0);
	db_directory_close(&db);
	assert_int_equal(mem.taken, mem.given);
}

TEST(rules)
{
	struct db_directory *db = open_fresh();
	int64_t ann = fill(db), bob;
	struct db_password p = password("$y$other");
	struct db_mailbox mailbox;
	struct db_address address = {SLICE("info"), SLICE("example.test"), ann, false};

	assert_int_equal(db_postoffice_add(db, SLICE("example.test")), ERR_EXISTS);
	assert_int_equal(db_domain_add(db, SLICE("x.test"), SLICE("none")), ERR_NOT_FOUND);
	assert_int_equal(db_domain_add(db, SLICE("example.test"), SLICE("example.test")),
			 ERR_EXISTS);
	assert_int_equal(db_mailbox_add(db, SLICE("ann"), SLICE("example.test"), &p), ERR_EXISTS);
	assert_int_equal(db_mailbox_add(db, SLICE("ann"), SLICE("none"), &p), ERR_NOT_FOUND);
	assert_int_equal(db_mailbox_add(db, SLICE("bob"), SLICE("example.test"), &p), 0);
	assert_int_equal(db_mailbox_find(db, SLICE("bob"), SLICE("example.test"), &mailbox, &p), 0);
	bob = mailbox.id;
	/* Adding what is there is fine, unless it leads elsewhere. */
	assert_int_equal(db_address_add(db, &address), 0);
	assert_int_equal(db_address_add(db, &address), 0);
	address.mailbox_id = bob;
	assert_int_equal(db_address_add(db, &address), ERR_EXISTS);
	address.replace = true;
	assert_int_equal(db_address_add(db, &address), 0);
	address.local = SLICE("nobody");
	assert_int_equal(db_address_add(db, &address), ERR_NOT_FOUND);
	address.local = SLICE("info");
	assert_int_equal(db_address_find(db, SLICE("info"), SLICE("example.test"), &mailbox), 0);
	assert_string_equal(mailbox.mailbox, "bob");
	/* A domain of another postoffice is not for this mailbox. */
	assert_int_equal(db_postoffice_add(db, SLICE("other")), 0);
	assert_int_equal(db_domain_add(db, SLICE("other.test"), SLICE("other")), 0);
	address.domain = SLICE("other.test");
	assert_int_equal(db_address_add(db, &address), ERR_NOT_FOUND);
	/* What others depend on stays. */
	assert_int_equal(db_postoffice_remove(db, SLICE("example.test")), ERR_STATE);
	assert_int_equal(db_domain_remove(db, SLICE("example.test")), ERR_STATE);
	assert_int_equal(db_mailbox_remove(db, bob), ERR_STATE);
	assert_int_equal(db_address_find(db, SLICE("info"), SLICE("example.test"), &mailbox), 0);
	assert_int_equal(db_address_remove(db, SLICE("info"), SLICE("example.test")), 0);
	assert_int_equal(db_mailbox_remove(db, bob), 0);
	assert_int_equal(db_mailbox_remove(db, bob), ERR_NOT_FOUND);
	assert_int_equal(db_address_remove(db, SLICE("info"), SLICE("example.test")),
			 ERR_NOT_FOUND);
	p = password("$y$new");
	assert_int_equal(db_mailbox_set(db, ann, &p), 0);
	assert_int_equal(db_mailbox_find(db, SLICE("ann"), SLICE("example.test"), &mailbox, &p), 0);
	assert_string_equal(p.crypt, "$y$new");
	assert_int_equal(db_mailbox_remove(db, ann), 0);
	assert_int_equal(db_domain_remove(db, SLICE("example.test")), 0);
	assert_int_equal(db_domain_remove(db, SLICE("example.test")), ERR_NOT_FOUND);
	assert_int_equal(db_postoffice_remove(db, SLICE("example.test")), 0);
	db_directory_close(&db);
}

static void
many_addresses(unsigned count)
{
	char sql[300];
	sqlite3 *raw;

	snprintf(sql, sizeof(sql),
		 "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < %u) "
		 "INSERT INTO address (local, domain, mailbox) "
		 "SELECT 'somebody.' || x, 1, 1 FROM n",
		 count);
	assert_int_equal(sqlite3_open(path, &raw), SQLITE_OK);
	assert_int_equal(sqlite3_exec(raw, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(raw), SQLITE_OK);
}

static void
list(struct db_directory *db, enum db_list which, const char *filter, struct builder *b)
{
	struct slice name, value;
	struct db_rows *rows;
	int got;

	assert_int_equal(db_rows_begin(db, which, slice_str(filter), &rows), 0);
	while ((got = db_rows_next(rows, &name, &value)) == 1) {
		builder_add(b, name);
		builder_byte(b, '=');
		builder_add(b, value);
		builder_byte(b, ' ');
	}
	assert_int_equal(got, 0);
	db_rows_end(&rows);
}

TEST(lists)
{
	static const struct {
		enum db_list list;
		const char *filter, *want;
	} rows[] = {
		{DB_LIST_POSTOFFICES, "",
		 "example.test=1 domains, 1 mailboxes other=0 domains, 0 mailboxes "},
		{DB_LIST_POSTOFFICES, "other", "other=0 domains, 0 mailboxes "},
		{DB_LIST_DOMAINS, "", "example.test=example.test "},
		{DB_LIST_MAILBOXES, "", "ann@example.test=2 addresses "},
		{DB_LIST_ADDRESSES, "",
		 "a@example.test=ann@example.test b@example.test=ann@example.test "},
		{DB_LIST_ADDRESSES, "b@example.test", "b@example.test=ann@example.test "},
		{DB_LIST_ADDRESSES, "example.test",
		 "a@example.test=ann@example.test b@example.test=ann@example.test "},
		{DB_LIST_ADDRESSES, "ample.test", ""},
	};
	struct db_directory *db = open_fresh();
	struct db_address address = {SLICE("b"), SLICE("example.test"), fill(db), false};

	assert_int_equal(db_postoffice_add(db, SLICE("other")), 0);
	assert_int_equal(db_address_add(db, &address), 0);
	address.local = SLICE("a");
	assert_int_equal(db_address_add(db, &address), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t buf[500];
		struct builder b;

		builder_init_fixed(&b, buf, sizeof(buf));
		list(db, rows[i].list, rows[i].filter, &b);
		assert_slice_str(builder_slice(&b), rows[i].want);
	}
	db_directory_close(&db);
	assert_int_equal(mem.taken, mem.given);
}

/* No file is needed to sort what is more than SQLite's cache takes. */
TEST(long_list)
{
	struct db_directory *db = open_fresh();
	struct db_rows *rows = NULL;
	struct slice name, value;
	struct rlimit old, none;
	unsigned count = 0;
	int got = 1;

	fill(db);
	many_addresses(40000);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	none = (struct rlimit){.rlim_cur = 1, .rlim_max = old.rlim_max};
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	if (db_rows_begin(db, DB_LIST_ADDRESSES, SLICE_EMPTY, &rows) == 0)
		while ((got = db_rows_next(rows, &name, &value)) == 1)
			count++;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(got, 0);
	assert_int_equal(count, 40000);
	db_rows_end(&rows);
	db_directory_close(&db);
}

/* Changes come between the rows of lists; each list is as it was at its begin. */
TEST(lists_at_once)
{
	struct db_directory *db = open_fresh();
	struct db_address address = {SLICE("a"), SLICE("example.test"), fill(db), false};
	struct db_rows *first, *second;
	struct slice name, value;

	assert_int_equal(db_address_add(db, &address), 0);
	address.local = SLICE("b");
	assert_int_equal(db_address_add(db, &address), 0);
	assert_int_equal(db_rows_begin(db, DB_LIST_ADDRESSES, SLICE_EMPTY, &first), 0);
	assert_int_equal(db_rows_next(first, &name, &value), 1);
	assert_slice_str(name, "a@example.test");
	assert_int_equal(db_address_remove(db, SLICE("b"), SLICE("example.test")), 0);
	assert_int_equal(db_rows_begin(db, DB_LIST_ADDRESSES, SLICE_EMPTY, &second), 0);
	assert_int_equal(db_rows_next(second, &name, &value), 1);
	assert_int_equal(db_rows_next(second, &name, &value), 0);
	db_rows_end(&second);
	assert_int_equal(db_rows_next(first, &name, &value), 1);
	assert_slice_str(name, "b@example.test");
	assert_int_equal(db_rows_next(first, &name, &value), 0);
	db_rows_end(&first);
	db_directory_close(&db);
}

TEST(secret)
{
	struct db_directory *db = open_fresh();
	uint8_t random[DB_KEY_LEN] = {1}, other[DB_KEY_LEN] = {2}, got[DB_KEY_LEN];

	assert_int_equal(db_directory_secret(db, random, got), 0);
	assert_memory_equal(got, random, DB_KEY_LEN);
	db_directory_close(&db);
	db = open_db();
	assert_int_equal(db_directory_secret(db, other, got), 0);
	assert_memory_equal(got, random, DB_KEY_LEN);
	db_directory_close(&db);
}

/* Names are bytes, never SQL. */
TEST(hostile_names)
{
	struct db_directory *db = open_fresh();
	struct slice nasty = SLICE("x'; DROP TABLE domain; --\0y");
	struct db_mailbox mailbox;
	int64_t ann = fill(db);
	struct db_address address = {nasty, SLICE("example.test"), ann, false};

	assert_int_equal(db_address_add(db, &address), 0);
	assert_int_equal(db_address_find(db, nasty, SLICE("example.test"), &mailbox), 0);
	assert_int_equal(db_address_find(db, SLICE("x'; DROP TABLE domain; --"),
					 SLICE("example.test"), &mailbox),
			 ERR_NOT_FOUND);
	assert_int_equal(db_domain_find(db, SLICE("example.test")), 0);
	db_directory_close(&db);
}

TEST(damaged)
{
	struct db_directory *db = open_fresh();
	FILE *file;

	fill(db);
	db_directory_close(&db);
	file = fopen(path, "r+");
	assert_non_null(file);
	for (int i = 0; i < 4000; i++)
		fputc('x', file);
	fclose(file);
	assert_int_equal(db_directory_open(&mem.mem, path, &db), ERR_DB);
	assert_null(db);
	assert_int_equal(db_directory_open(&mem.mem, "/nonexistent/folder/x.db", &db), ERR_DB);
	assert_int_equal(mem.taken, mem.given);
}

/* The process that opens it has the folder, and may not enter the one above. */
static int
open_from_afar(const char *above, int folder_fd)
{
	char name[64];
	struct db_directory *db = NULL;

	snprintf(name, sizeof(name), "/proc/self/fd/%d/directory.db", folder_fd);
	if (geteuid() == 0 && (fchown(folder_fd, NOBODY, NOBODY) < 0 || setuid(NOBODY) < 0))
		return 2;
	if (geteuid() != NOBODY && chmod(above, 0) < 0)
		return 3;
	if (access(above, X_OK) == 0 || db_directory_open(&mem.mem, name, &db) < 0)
		return 4;
	(void)fill(db);
	db_directory_close(&db);
	return 0;
}

TEST(folder_beneath_a_closed_one)
{
	static const char *const files[] = {"directory.db", "directory.db-wal", "directory.db-shm"};
	char above[] = "/tmp/frank-db.XXXXXX", name[64];
	int folder_fd, status;
	pid_t pid;

	assert_non_null(mkdtemp(above));
	snprintf(name, sizeof(name), "%s/state", above);
	assert_int_equal(mkdir(name, 0700), 0);
	folder_fd = open(name, O_RDONLY | O_DIRECTORY);
	assert_true(folder_fd >= 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(open_from_afar(above, folder_fd));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(chmod(above, 0700), 0);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		(void)unlinkat(folder_fd, files[i], 0);
	close(folder_fd);
	assert_int_equal(rmdir(name), 0);
	assert_int_equal(rmdir(above), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {TEST_ROW(found),
					   TEST_ROW(rules),
					   TEST_ROW(lists),
					   TEST_ROW(long_list),
					   TEST_ROW(lists_at_once),
					   TEST_ROW(secret),
					   TEST_ROW(hostile_names),
					   TEST_ROW(damaged),
					   TEST_ROW(folder_beneath_a_closed_one)};
	int failed;

	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/x.db", folder);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	(void)unlink(path);
	(void)rmdir(folder);
	return failed;
}
