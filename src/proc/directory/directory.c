/*
 * directory: the frame: opens the database in the folder `state`, answers smtpin and bounce, passes
 * logins to auth and the administrator's commands to manage. Without a database everything is
 * answered "later", and opening is tried again.
 */
#include "proc/directory/directory.h"

#include <string.h>

#include "base/assert.h"
#include "proc/directory/auth.h"
#include "proc/directory/manage.h"
#include "rt/file.h"

#define STOP_POLL_MS 10

struct state {
	struct boot *boot;
	int dir_fd; /* -1: none yet */
	struct db_directory *db;
	struct names names;
	struct auth *auth;
	struct manage *manage;
	struct rt_timer retry;
	bool complained; /* about the database, until it works again */
	uint64_t rcpts_asked, logins_good, logins_refused;
};

static void
trouble_log(struct state *state, const char *what, int err)
{
	struct log_line line;

	if (state->complained)
		return;
	state->complained = true;
	log_begin(&line, state->boot->log, EVENT_directory_database);
	log_text(&line, "what", slice_str(what));
	log_err(&line, err);
	if (state->db)
		log_text(&line, "why", slice_str(db_directory_why(state->db)));
	log_end(&line);
}

static void
auth_challenged(void *ctx, const struct auth_peer *peer, struct slice challenge)
{
	(void)ctx;
	(void)!IPC_SEND((struct ipc_channel *)(uintptr_t)peer->asker, AUTH_CHALLENGE,
			auth_challenge, .request = peer->request, .challenge = challenge);
}

static void
auth_ended(void *ctx, const struct auth_peer *peer, enum auth_outcome outcome, struct slice login)
{
	struct state *state = ctx;

	if (outcome == AUTH_OUTCOME_OK)
		state->logins_good++;
	else
		state->logins_refused++;
	(void)!IPC_SEND((struct ipc_channel *)(uintptr_t)peer->asker, AUTH_RESULT, auth_result,
			.request = peer->request, .outcome = (uint8_t)outcome, .login = login);
}

static struct auth_limits
limits_of(const struct config *config)
{
	uint64_t threads = config->auth_threads;

	return (struct auth_limits){
		.threads = threads < DIRECTORY_THREADS ? (unsigned)threads : DIRECTORY_THREADS,
		.network_bits4 = (unsigned)config->client_network_bits4,
		.network_bits6 = (unsigned)config->client_network_bits6,
	};
}

/* Everything that stands on an open database. */
static int
open_all(struct state *state)
{
	struct auth_options options = {
		.rt = state->boot->rt,
		.log = state->boot->log,
		.names = &state->names,
		.limits = limits_of(state->boot->config),
		.events = {state, auth_challenged, auth_ended},
	};
	char path[64];
	struct builder b;
	int fd, err;

	/* Made by rt first: readable by nobody else, and what SQLite puts beside it likewise. */
	err = rt_open(state->boot->rt, state->dir_fd, DIRECTORY_FILE,
		      RT_OPEN_WRITE | RT_OPEN_CREATE, &fd);
	if (err < 0)
		return err;
	rt_close(state->boot->rt, fd);
	/* SQLite wants a path: the folder by its descriptor, whatever it is called now. */
	builder_init_fixed(&b, path, sizeof(path));
	builder_str(&b, "/proc/self/fd/");
	builder_dec(&b, (uint64_t)state->dir_fd);
	builder_str(&b, "/" DIRECTORY_FILE);
	builder_byte(&b, 0);
	ASSERT(!b.failed);
	err = db_directory_open(rt_mem(state->boot->rt), path, &state->db);
	if (err < 0)
		return err;
	state->names.db = state->db;
	err = auth_create(&options, &state->auth);
	if (err == 0)
		err = manage_create(state->boot->rt, state->boot->log, &state->names,
				    &state->manage);
	if (err < 0) {
		auth_destroy(&state->auth);
		db_directory_close(&state->db);
	}
	return err;
}

static void
open_try(void *ctx)
{
	struct state *state = ctx;
	int err;

	if (state->db || state->dir_fd < 0)
		return;
	err = open_all(state);
	if (err == 0) {
		state->complained = false;
		return;
	}
	trouble_log(state, "open", err);
	rt_timer_arm(&state->retry, DIRECTORY_OPEN_RETRY_MS);
}

static void
names_configure(struct state *state)
{
	struct auth_limits limits = limits_of(state->boot->config);

	state->names.separator = state->boot->config->subaddress_separator;
	if (state->auth)
		auth_set_limits(state->auth, &limits);
}

static int
directory_create(struct boot *boot, void **ret_state)
{
	struct state *state = MEM_NEW(rt_mem(boot->rt), struct state);

	if (!state)
		return ERR_NO_MEMORY;
	state->boot = boot;
	state->dir_fd = -1;
	rt_timer_init(&state->retry, boot->rt, open_try, state);
	names_configure(state);
	*ret_state = state;
	return 0;
}

static void
directory_dir(void *ctx, struct slice name, int fd)
{
	struct state *state = ctx;

	if (!slice_eq(name, SLICE("state")) || state->dir_fd >= 0) {
		rt_close(state->boot->rt, fd);
		return;
	}
	state->dir_fd = fd;
}

static void
directory_start(void *ctx)
{
	open_try(ctx);
}

static void
rcpt_answer(struct state *state, struct ipc_channel *from, const struct ipc_dir_rcpt_ask *ask)
{
	enum dir_rcpt_kind kind = DIR_RCPT_LATER;
	struct db_mailbox mailbox = {0};

	state->rcpts_asked++;
	if (state->db)
		kind = names_resolve(&state->names, ask->local, ask->domain, &mailbox);
	if (kind == DIR_RCPT_LATER)
		trouble_log(state, "recipient", ERR_DB);
	else
		state->complained = false;
	if (kind != DIR_RCPT_LOCAL)
		mailbox = (struct db_mailbox){0};
	(void)!IPC_SEND(from, DIR_RCPT, dir_rcpt, .request = ask->request, .kind = (uint8_t)kind,
			.mailbox = slice_str(mailbox.mailbox),
			.postoffice = slice_str(mailbox.postoffice));
}

enum sender_answer { SENDER_NO, SENDER_YES, SENDER_LATER };

/* A login may send as every address that leads to its mailbox. */
static enum sender_answer
sender_check(struct state *state, const struct ipc_dir_sender_ask *ask)
{
	struct db_mailbox own, addressed;
	struct db_password password;
	enum dir_rcpt_kind kind;
	int err;

	if (!state->db)
		return SENDER_LATER;
	err = names_login(&state->names, ask->login, &own, &password);
	memset(&password, 0, sizeof(password));
	if (err < 0)
		return err == ERR_NOT_FOUND ? SENDER_NO : SENDER_LATER;
	kind = names_resolve(&state->names, ask->local, ask->domain, &addressed);
	if (kind == DIR_RCPT_LATER)
		return SENDER_LATER;
	return kind == DIR_RCPT_LOCAL && addressed.id == own.id ? SENDER_YES : SENDER_NO;
}

static void
status_send(struct state *state, struct ipc_channel *to, uint32_t request)
{
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
		{"directory.open", state->db != NULL},
		{"directory.recipients_asked", state->rcpts_asked},
		{"directory.logins_good", state->logins_good},
		{"directory.logins_refused", state->logins_refused},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		(void)!IPC_SEND(to, CTL_COUNTER, ctl_counter, .request = request,
				.name = slice_str(rows[i].name), .value = (int64_t)rows[i].value);
	(void)!IPC_SEND(to, CTL_DONE, ctl_done, .request = request);
}

static void
receive_rcpt_ask(struct state *state, struct ipc_channel *from, struct ipc_message *message)
{
	rcpt_answer(state, from, &message->u.dir_rcpt_ask);
}

static void
receive_sender_ask(struct state *state, struct ipc_channel *from, struct ipc_message *message)
{
	const struct ipc_dir_sender_ask *ask = &message->u.dir_sender_ask;

	(void)!IPC_SEND(from, DIR_SENDER, dir_sender, .request = ask->request,
			.answer = (uint8_t)sender_check(state, ask));
}

static void
receive_auth_begin(struct state *state, struct ipc_channel *from, struct ipc_message *message)
{
	const struct ipc_auth_begin *begin = &message->u.auth_begin;
	struct auth_peer peer = {from, begin->request};

	if (!state->auth) {
		auth_ended(state, &peer, AUTH_OUTCOME_LATER, SLICE_EMPTY);
		return;
	}
	auth_begin(state->auth, &peer,
		   &(struct auth_begin){
			   .mechanism = begin->mechanism,
			   .has_initial = begin->has_initial,
			   .initial = begin->initial,
			   .binding_type = begin->binding_type,
			   .binding = begin->binding,
			   .session = begin->session,
			   .client = begin->client,
		   });
}

static void
receive_auth_step(struct state *state, struct ipc_channel *from, struct ipc_message *message)
{
	struct auth_peer peer = {from, message->u.auth_step.request};

	if (state->auth)
		auth_step(state->auth, &peer, message->u.auth_step.response);
	else
		auth_ended(state, &peer, AUTH_OUTCOME_LATER, SLICE_EMPTY);
}

static void
receive_auth_abort(struct state *state, struct ipc_channel *from, struct ipc_message *message)
{
	struct auth_peer peer = {from, message->u.auth_abort.request};

	if (state->auth)
		auth_abort(state->auth, &peer);
}

static void
receive_command(struct state *state, struct ipc_channel *from, struct ipc_message *message)
{
	const struct ipc_ctl_directory *command = &message->u.ctl_directory;

	if (state->manage)
		manage_command(state->manage, from, command);
	else
		(void)!IPC_SEND(from, CTL_DONE, ctl_done, .request = command->request, .exit = 75,
				.text = SLICE("The directory database cannot be opened: see the "
					      "log."));
}

static void
receive_status(struct state *state, struct ipc_channel *from, struct ipc_message *message)
{
	status_send(state, from, message->u.ctl_status.request);
}

static void
directory_receive(void *ctx, struct ipc_channel *from, struct ipc_message *message)
{
	static void (*const receivers[IPC_TYPE_MAX])(struct state *, struct ipc_channel *,
						     struct ipc_message *) = {
		[IPC_DIR_RCPT_ASK] = receive_rcpt_ask, [IPC_DIR_SENDER_ASK] = receive_sender_ask,
		[IPC_AUTH_BEGIN] = receive_auth_begin, [IPC_AUTH_STEP] = receive_auth_step,
		[IPC_AUTH_ABORT] = receive_auth_abort, [IPC_CTL_DIRECTORY] = receive_command,
		[IPC_CTL_STATUS] = receive_status,
	};

	if (receivers[message->type])
		receivers[message->type](ctx, from, message);
}

static void
directory_channel_closed(void *ctx, struct ipc_channel *channel)
{
	struct state *state = ctx;

	if (state->auth)
		auth_abort_all(state->auth, channel);
	if (state->manage)
		manage_channel_closed(state->manage, channel);
}

static void
directory_reload(void *ctx)
{
	names_configure(ctx);
}

static bool
busy(const struct state *state)
{
	return (state->auth && auth_busy(state->auth)) ||
	       (state->manage && manage_busy(state->manage));
}

/* Hashes at work cannot be called back: the end waits for them, some milliseconds. */
static void
stop_try(void *ctx)
{
	struct state *state = ctx;

	if (busy(state))
		rt_timer_arm(&state->retry, STOP_POLL_MS);
	else
		boot_stopped(state->boot);
}

static void
directory_stop(void *ctx)
{
	struct state *state = ctx;

	rt_timer_finish(&state->retry);
	rt_timer_init(&state->retry, state->boot->rt, stop_try, state);
	stop_try(state);
}

static void
directory_destroy(void **ret_state)
{
	struct state *state = *ret_state;

	rt_timer_finish(&state->retry);
	/* Without a stop (super is gone) threads may still be at work on theirs: the process ends.
	 */
	if (busy(state))
		return;
	auth_destroy(&state->auth);
	manage_destroy(&state->manage);
	db_directory_close(&state->db);
	if (state->dir_fd >= 0)
		rt_close(state->boot->rt, state->dir_fd);
	mem_give(rt_mem(state->boot->rt), state, sizeof(*state));
	*ret_state = NULL;
}

const struct boot_process directory_process = {
	.role = IPC_ROLE_DIRECTORY,
	.work_threads = DIRECTORY_THREADS,
	.create = directory_create,
	.channel_closed = directory_channel_closed,
	.receive = directory_receive,
	.dir = directory_dir,
	.start = directory_start,
	.reload = directory_reload,
	.stop = directory_stop,
	.destroy = directory_destroy,
};
