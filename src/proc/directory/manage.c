/*
 * directory/manage: one function per object and verb, in a table. The words of a refusal say what
 * to do; exit codes are those of sysexits.h.
 */
#include "proc/directory/manage.h"

#include <string.h>

#include "base/assert.h"
#include "proc/directory/password.h"
#include "rt/work.h"
#include "tls/crypto.h"

enum exit_code {
	EXIT_OK = 0,
	EXIT_USAGE = 64,
	EXIT_DATA = 65,
	EXIT_NO_INPUT = 66,
	EXIT_TEMPORARY = 75
};

struct manage {
	struct rt *rt;
	struct log *log;
	const struct names *names;
	struct list jobs;
	size_t job_count;
	struct list listings;
	size_t listing_count;
	struct rt_timer listing_timer;
};

/* A command under way. */
struct command {
	struct manage *manage;
	struct ipc_channel *from;
	const struct ipc_ctl_directory *message;
};

/* Rows on their way: in a turn no more than the channel takes well. */
struct listing {
	struct list_node node;
	struct manage *manage;
	struct ipc_channel *from;
	uint32_t request;
	uint8_t object;
	bool exact; /* the row of this very name, which has to be there */
	struct db_rows *rows;
	bool has_row; /* read and not sent yet: */
	struct slice name, value;
	uint8_t filter_buf[2 * NAMES_LOCAL_MAX + 1];
	struct builder filter;
	uint64_t count; /* rows sent */
};

/* A password being hashed for a mailbox. */
struct job {
	struct rt_work work;
	struct list_node node;
	struct manage *manage;
	struct ipc_channel *from; /* NULL: gone */
	uint32_t request;
	bool add;
	struct name_text mailbox, postoffice;
	uint8_t random[PASSWORD_RANDOM_LEN];
	uint8_t secret[PASSWORD_MAX];
	size_t secret_len;
	struct db_password password;
	int err;
};

static const struct {
	int err;
	enum exit_code exit;
	const char *text;
} refusals[] = {
	{ERR_NOT_FOUND, EXIT_NO_INPUT, "There is nothing of that name; see the list command."},
	{ERR_EXISTS, EXIT_DATA,
	 "It exists already: see show. set changes a mailbox or address, remove takes any away."},
	{ERR_STATE, EXIT_DATA,
	 "Others still belong to it: first remove the domains and mailboxes of a postoffice, the "
	 "addresses of a domain or mailbox (see address list)."},
	{ERR_SYNTAX, EXIT_USAGE,
	 "The name is not well formed: a-z, 0-9, dot, hyphen, underscore; mailboxes as "
	 "mailbox@postoffice, addresses as local@domain."},
	{ERR_LIMIT, EXIT_USAGE, "The name is too long."},
	{ERR_UNSUPPORTED, EXIT_USAGE, "That cannot be done with this kind of thing."},
	{ERR_DENIED, EXIT_USAGE,
	 "A password has 1 to 256 bytes of UTF-8 without control characters."},
	{ERR_TIMEOUT, EXIT_TEMPORARY, "Too much is being asked at once; try again."},
	{ERR_NO_MEMORY, EXIT_TEMPORARY, "There is no memory for it now; try again."},
};

/* What is in no row of refusals. */
static void
trouble_log(const struct manage *manage, int err)
{
	struct log_line line;

	log_begin(&line, manage->log, EVENT_directory_database);
	log_text(&line, "what", SLICE("command"));
	log_err(&line, err);
	log_text(&line, "why", slice_str(db_directory_why(manage->names->db)));
	log_end(&line);
}

/* Nobody listens any more when it cannot be sent. */
static void
done_send(const struct manage *manage, struct ipc_channel *to, struct ipc_ctl_done done, int err)
{
	size_t i = 0;

	while (i < sizeof(refusals) / sizeof(refusals[0]) && refusals[i].err != err)
		i++;
	if (i < sizeof(refusals) / sizeof(refusals[0])) {
		done.exit = (uint8_t)refusals[i].exit;
		done.text = slice_str(refusals[i].text);
	} else if (err < 0) {
		trouble_log(manage, err);
		done.exit = EXIT_TEMPORARY;
		done.text = SLICE("The database does not answer; see the log, and try again.");
	}
	(void)!ipc_send(to, &(struct ipc_message){.type = IPC_CTL_DONE, .u.ctl_done = done});
}

static int
postoffice_add(struct command *c)
{
	struct name_text name;
	int err = name_plain(c->message->name, &name);

	return err < 0 ? err : db_postoffice_add(c->manage->names->db, name_slice(&name));
}

static int
postoffice_remove(struct command *c)
{
	struct name_text name;
	int err = name_plain(c->message->name, &name);

	return err < 0 ? err : db_postoffice_remove(c->manage->names->db, name_slice(&name));
}

static int
domain_add(struct command *c)
{
	struct name_text name, postoffice;
	int err = name_domain(c->message->name, &name);

	if (err == 0)
		err = name_plain(c->message->value, &postoffice);
	if (err < 0)
		return err;
	return db_domain_add(c->manage->names->db, name_slice(&name), name_slice(&postoffice));
}

static int
domain_remove(struct command *c)
{
	struct name_text name;
	int err = name_domain(c->message->name, &name);

	return err < 0 ? err : db_domain_remove(c->manage->names->db, name_slice(&name));
}

/* "mailbox@postoffice" in its kept form. */
static int
mailbox_parse(struct slice text, struct name_text *ret_mailbox, struct name_text *ret_postoffice)
{
	struct slice left, right;
	int err = name_split(text, &left, &right);

	if (err == 0)
		err = name_plain(left, ret_mailbox);
	if (err == 0)
		err = name_plain(right, ret_postoffice);
	return err;
}

static int
mailbox_find(struct manage *manage, struct slice text, struct db_mailbox *ret_mailbox)
{
	struct name_text mailbox, postoffice;
	struct db_password password;
	int err = mailbox_parse(text, &mailbox, &postoffice);

	if (err == 0)
		err = db_mailbox_find(manage->names->db, name_slice(&mailbox),
				      name_slice(&postoffice), ret_mailbox, &password);
	crypto_wipe(&password, sizeof(password));
	return err;
}

static int
mailbox_remove(struct command *c)
{
	struct db_mailbox mailbox;
	int err = mailbox_find(c->manage, c->message->name, &mailbox);

	return err < 0 ? err : db_mailbox_remove(c->manage->names->db, mailbox.id);
}

static int
address_parse(struct slice text, struct name_text *ret_local, struct name_text *ret_domain)
{
	struct slice left, right;
	struct builder b;
	int err = name_split(text, &left, &right);

	if (err == 0)
		err = name_domain(right, ret_domain);
	if (err < 0)
		return err;
	builder_init_fixed(&b, ret_local->buf, sizeof(ret_local->buf));
	builder_lower(&b, left);
	ret_local->len = b.len;
	return b.failed ? ERR_LIMIT : 0;
}

static int
address_put(struct command *c, bool replace)
{
	struct name_text local, domain;
	struct db_address address;
	struct db_mailbox mailbox;
	int err = address_parse(c->message->name, &local, &domain);

	if (err == 0)
		err = mailbox_find(c->manage, c->message->value, &mailbox);
	if (err < 0)
		return err;
	address = (struct db_address){name_slice(&local), name_slice(&domain), mailbox.id, replace};
	return db_address_add(c->manage->names->db, &address);
}

static int
address_add(struct command *c)
{
	return address_put(c, false);
}

static int
address_set(struct command *c)
{
	return address_put(c, true);
}

static int
address_remove(struct command *c)
{
	struct name_text local, domain;
	int err = address_parse(c->message->name, &local, &domain);

	if (err < 0)
		return err;
	return db_address_remove(c->manage->names->db, name_slice(&local), name_slice(&domain));
}

static void
listing_free(struct listing *listing)
{
	struct manage *manage = listing->manage;

	list_remove(&listing->node);
	manage->listing_count--;
	db_rows_end(&listing->rows);
	mem_give(rt_mem(manage->rt), listing, sizeof(*listing));
}

/* 0: sent, or not wanted. ERR_LIMIT, ERR_NO_MEMORY: not now. */
static int
row_send(struct listing *listing)
{
	int err;

	if (listing->exact && !slice_eq(listing->name, builder_slice(&listing->filter)))
		return 0;
	err = IPC_SEND(listing->from, CTL_DIRECTORY_ROW, ctl_directory_row,
		       .request = listing->request, .object = listing->object,
		       .name = listing->name, .value = listing->value);
	listing->count += err == 0;
	return err;
}

/* 1: there is more, for later. 0: that was all. */
static int
rows_send(struct listing *listing)
{
	while (!ipc_full(listing->from)) {
		int err = 1;

		if (!listing->has_row)
			err = db_rows_next(listing->rows, &listing->name, &listing->value);
		if (err <= 0)
			return err;
		listing->has_row = true;
		err = row_send(listing);
		if (err == ERR_LIMIT || err == ERR_NO_MEMORY)
			return 1;
		if (err)
			return err;
		listing->has_row = false;
	}
	return 1;
}

static void
listing_run(struct listing *listing)
{
	struct ipc_ctl_done done = {.request = listing->request};
	struct manage *manage = listing->manage;
	int err = rows_send(listing);

	if (err == 1) {
		rt_timer_arm(&manage->listing_timer, MANAGE_LISTING_MS);
		return;
	}
	if (err == 0 && listing->exact && listing->count == 0)
		err = ERR_NOT_FOUND;
	if (err == 0)
		done.count = listing->count;
	done_send(manage, listing->from, done, err);
	listing_free(listing);
}

static void
listings_run(void *ctx)
{
	struct manage *manage = ctx;
	struct list_node *node = list_first(&manage->listings), *next;

	for (; node; node = next) {
		next = list_next(&manage->listings, node);
		listing_run(CONTAINER_OF(node, struct listing, node));
	}
}

/* The name as it is kept, however it was spelled. */
static int
name_keep(const struct ipc_ctl_directory *message, struct builder *b)
{
	struct name_text left = {.len = 0}, right = {.len = 0};
	int err;

	if (message->object == CTL_DIRECTORY_POSTOFFICE)
		err = name_plain(message->name, &left);
	else if (message->object == CTL_DIRECTORY_DOMAIN)
		err = name_domain(message->name, &left);
	else if (message->object == CTL_DIRECTORY_MAILBOX)
		err = mailbox_parse(message->name, &left, &right);
	else
		err = address_parse(message->name, &left, &right);
	builder_add(b, name_slice(&left));
	if (right.len)
		builder_byte(b, '@');
	builder_add(b, name_slice(&right));
	return err;
}

/* Answers 1: the rows come from here on, and their end. */
static int
listing_begin(struct command *c, bool exact)
{
	static const enum db_list lists[CTL_DIRECTORY_OBJECT_MAX] = {
		[CTL_DIRECTORY_POSTOFFICE] = DB_LIST_POSTOFFICES,
		[CTL_DIRECTORY_DOMAIN] = DB_LIST_DOMAINS,
		[CTL_DIRECTORY_MAILBOX] = DB_LIST_MAILBOXES,
		[CTL_DIRECTORY_ADDRESS] = DB_LIST_ADDRESSES,
	};
	struct manage *manage = c->manage;
	struct listing *listing;
	int err = 0;

	if (manage->listing_count >= MANAGE_LISTINGS_MAX)
		return ERR_TIMEOUT;
	listing = MEM_NEW(rt_mem(manage->rt), struct listing);
	if (!listing)
		return ERR_NO_MEMORY;
	listing->manage = manage;
	listing->from = c->from;
	listing->request = c->message->request;
	listing->object = c->message->object;
	listing->exact = exact;
	list_push_back(&manage->listings, &listing->node);
	manage->listing_count++;
	builder_init_fixed(&listing->filter, listing->filter_buf, sizeof(listing->filter_buf));
	if (exact)
		err = name_keep(c->message, &listing->filter);
	else
		builder_lower(&listing->filter, c->message->name);
	if (err == 0)
		err = db_rows_begin(manage->names->db, lists[c->message->object],
				    builder_slice(&listing->filter), &listing->rows);
	if (err < 0) {
		listing_free(listing);
		return err;
	}
	listing_run(listing);
	return 1;
}

static int
list(struct command *c)
{
	return listing_begin(c, false);
}

static int
show(struct command *c)
{
	return listing_begin(c, true);
}

/* ---- passwords */

static void
job_run(void *ctx)
{
	struct job *job = ctx;

	job->err =
		password_make(slice_of(job->secret, job->secret_len), job->random, &job->password);
}

static int
job_store(struct job *job)
{
	struct db_directory *db = job->manage->names->db;
	struct slice mailbox = name_slice(&job->mailbox), office = name_slice(&job->postoffice);
	struct db_password old;
	struct db_mailbox found;
	int err;

	if (job->err < 0)
		return job->err;
	if (job->add)
		return db_mailbox_add(db, mailbox, office, &job->password);
	err = db_mailbox_find(db, mailbox, office, &found, &old);
	crypto_wipe(&old, sizeof(old));
	return err < 0 ? err : db_mailbox_set(db, found.id, &job->password);
}

static void
job_done(void *ctx)
{
	struct job *job = ctx;
	struct manage *manage = job->manage;
	int err = job_store(job);

	if (job->from)
		done_send(manage, job->from,
			  (struct ipc_ctl_done){.request = job->request, .count = err == 0}, err);
	list_remove(&job->node);
	manage->job_count--;
	crypto_wipe(job, sizeof(*job));
	mem_give(rt_mem(manage->rt), job, sizeof(*job));
}

/* 1: the answer comes later. */
static int
job_begin(struct command *c, struct job *job)
{
	struct manage *manage = c->manage;

	job->work = (struct rt_work){.run = job_run, .done = job_done, .ctx = job};
	job->manage = manage;
	job->from = c->from;
	job->request = c->message->request;
	job->add = c->message->verb == CTL_DIRECTORY_ADD;
	rt_random(manage->rt, job->random, sizeof(job->random));
	memcpy(job->secret, c->message->secret.data, c->message->secret.len);
	job->secret_len = c->message->secret.len;
	if (rt_work_submit(manage->rt, &job->work) < 0)
		return ERR_TIMEOUT;
	list_push_back(&manage->jobs, &job->node);
	manage->job_count++;
	return 1;
}

static int
mailbox_password(struct command *c)
{
	struct manage *manage = c->manage;
	struct job *job;
	int err;

	if (!password_is_good(c->message->secret))
		return ERR_DENIED;
	if (manage->job_count >= MANAGE_JOBS_MAX)
		return ERR_TIMEOUT;
	job = MEM_NEW(rt_mem(manage->rt), struct job);
	if (!job)
		return ERR_NO_MEMORY;
	err = mailbox_parse(c->message->name, &job->mailbox, &job->postoffice);
	if (err == 0)
		err = job_begin(c, job);
	if (err < 0) {
		crypto_wipe(job, sizeof(*job));
		mem_give(rt_mem(manage->rt), job, sizeof(*job));
	}
	return err;
}

/* NULL: not possible. Answers 0, 1 (later) or an error. */
typedef int command_fn(struct command *c);
static command_fn *const commands[CTL_DIRECTORY_OBJECT_MAX][CTL_DIRECTORY_VERB_MAX] = {
	[CTL_DIRECTORY_POSTOFFICE] = {[CTL_DIRECTORY_ADD] = postoffice_add,
				      [CTL_DIRECTORY_LIST] = list,
				      [CTL_DIRECTORY_SHOW] = show,
				      [CTL_DIRECTORY_REMOVE] = postoffice_remove},
	[CTL_DIRECTORY_DOMAIN] = {[CTL_DIRECTORY_ADD] = domain_add,
				  [CTL_DIRECTORY_LIST] = list,
				  [CTL_DIRECTORY_SHOW] = show,
				  [CTL_DIRECTORY_REMOVE] = domain_remove},
	[CTL_DIRECTORY_MAILBOX] = {[CTL_DIRECTORY_ADD] = mailbox_password,
				   [CTL_DIRECTORY_LIST] = list,
				   [CTL_DIRECTORY_SHOW] = show,
				   [CTL_DIRECTORY_SET] = mailbox_password,
				   [CTL_DIRECTORY_REMOVE] = mailbox_remove},
	[CTL_DIRECTORY_ADDRESS] = {[CTL_DIRECTORY_ADD] = address_add,
				   [CTL_DIRECTORY_LIST] = list,
				   [CTL_DIRECTORY_SHOW] = show,
				   [CTL_DIRECTORY_SET] = address_set,
				   [CTL_DIRECTORY_REMOVE] = address_remove},
};

int
manage_create(struct rt *rt, struct log *log, const struct names *names, struct manage **ret_manage)
{
	struct manage *manage = MEM_NEW(rt_mem(rt), struct manage);

	if (!manage)
		return ERR_NO_MEMORY;
	manage->rt = rt;
	manage->log = log;
	manage->names = names;
	list_init(&manage->jobs);
	list_init(&manage->listings);
	rt_timer_init(&manage->listing_timer, rt, listings_run, manage);
	*ret_manage = manage;
	return 0;
}

void
manage_destroy(struct manage **manage)
{
	struct manage *m = *manage;
	struct list_node *node;

	if (!m)
		return;
	ASSERT(m->job_count == 0);
	while ((node = list_first(&m->listings)))
		listing_free(CONTAINER_OF(node, struct listing, node));
	rt_timer_finish(&m->listing_timer);
	mem_give(rt_mem(m->rt), m, sizeof(*m));
	*manage = NULL;
}

void
manage_command(struct manage *manage, struct ipc_channel *from,
	       const struct ipc_ctl_directory *message)
{
	struct command c = {.manage = manage, .from = from, .message = message};
	command_fn *run = NULL;
	int err = ERR_UNSUPPORTED;

	if (message->object < CTL_DIRECTORY_OBJECT_MAX && message->verb < CTL_DIRECTORY_VERB_MAX)
		run = commands[message->object][message->verb];
	if (run)
		err = run(&c);
	if (err <= 0)
		done_send(manage, from, (struct ipc_ctl_done){.request = message->request}, err);
}

void
manage_channel_closed(struct manage *manage, const struct ipc_channel *channel)
{
	struct list_node *listing = list_first(&manage->listings), *next;

	for (; listing; listing = next) {
		next = list_next(&manage->listings, listing);
		if (CONTAINER_OF(listing, struct listing, node)->from == channel)
			listing_free(CONTAINER_OF(listing, struct listing, node));
	}
	for (struct list_node *node = list_first(&manage->jobs); node;
	     node = list_next(&manage->jobs, node)) {
		struct job *job = CONTAINER_OF(node, struct job, node);

		if (job->from == channel)
			job->from = NULL;
	}
}

size_t
manage_busy(const struct manage *manage)
{
	return manage->job_count;
}
