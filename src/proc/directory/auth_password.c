/*
 * directory/auth_password: PLAIN (RFC 4616) and LOGIN, and the password checks in work threads. A
 * check is a job of its own, since its exchange may end while a thread works on it.
 */
#include <string.h>

#include "proc/directory/auth_impl.h"
#include "tls/crypto.h"

static void
check_run(void *ctx)
{
	struct check *check = ctx;

	check->good = password_verify(slice_of(check->password, check->password_len), check->crypt);
}

static void
check_free(struct check *check)
{
	struct mem *mem = rt_mem(check->auth->options.rt);

	crypto_wipe(check, sizeof(*check));
	mem_give(mem, check, sizeof(*check));
}

void
auth_check_abort(struct check *check)
{
	if (check->submitted) {
		check->exchange = NULL;
		return;
	}
	list_remove(&check->node);
	check->auth->waiting_count--;
	check_free(check);
}

static void checks_start(struct auth *auth);

static void
check_done(void *ctx)
{
	struct check *check = ctx;
	struct auth *auth = check->auth;
	struct exchange *exchange = check->exchange;
	bool good = check->good;

	auth->running--;
	check_free(check);
	if (exchange) {
		exchange->check = NULL;
		if (good && exchange->known)
			auth_finish(exchange, AUTH_OUTCOME_OK, "");
		else
			auth_finish(exchange, AUTH_OUTCOME_BAD,
				    exchange->known ? "wrong password" : "no such login");
	}
	checks_start(auth);
}

static void
checks_start(struct auth *auth)
{
	while (auth->running < auth->options.limits.threads && !list_empty(&auth->waiting)) {
		struct list_node *node = list_pop_front(&auth->waiting);
		struct check *check = CONTAINER_OF(node, struct check, node);
		struct exchange *exchange = check->exchange;

		auth->waiting_count--;
		check->submitted = rt_work_submit(auth->options.rt, &check->work) == 0;
		if (check->submitted) {
			auth->running++;
			continue;
		}
		exchange->check = NULL;
		check_free(check);
		auth_finish(exchange, AUTH_OUTCOME_LATER, "no thread is free");
	}
}

/* Has the password checked; the user has been looked for. */
static void
password_check(struct exchange *exchange, struct slice password)
{
	struct auth *auth = exchange->auth;
	struct check *check = NULL;

	if (!password_is_good(password)) {
		auth_finish(exchange, AUTH_OUTCOME_BAD, "not well formed");
		return;
	}
	if (auth->waiting_count < AUTH_WAITING_MAX)
		check = MEM_NEW(rt_mem(auth->options.rt), struct check);
	if (!check) {
		auth_finish(exchange, AUTH_OUTCOME_LATER, "too many logins at once");
		return;
	}
	check->work = (struct rt_work){.run = check_run, .done = check_done, .ctx = check};
	check->auth = auth;
	check->exchange = exchange;
	memcpy(check->password, password.data, password.len);
	check->password_len = password.len;
	memcpy(check->crypt, exchange->known ? exchange->password.crypt : auth->fake_crypt,
	       sizeof(check->crypt));
	exchange->check = check;
	exchange->step = NULL;
	list_push_back(&auth->waiting, &check->node);
	auth->waiting_count++;
	checks_start(auth);
}

/* RFC 4616: [authzid] NUL authcid NUL password. */
void
auth_plain_first(struct exchange *exchange, struct slice message)
{
	struct slice password = message;
	struct slice authzid = slice_cut(&password, 0), name = slice_cut(&password, 0);

	if (!password.data || slice_index(password, 0) != password.len || name.len == 0) {
		auth_finish(exchange, AUTH_OUTCOME_SYNTAX, "not well formed");
		return;
	}
	/* Nobody may act for somebody else; who says his own name twice says nothing new. */
	if (authzid.len && !slice_eq_nocase(authzid, name)) {
		auth_finish(exchange, AUTH_OUTCOME_BAD, "wants to act for somebody else");
		return;
	}
	if (auth_user_find(exchange, name))
		password_check(exchange, password);
}

static step_fn login_password;

void
auth_login_first(struct exchange *exchange, struct slice message)
{
	if (message.len == 0 || message.len > sizeof(exchange->name.buf)) {
		auth_finish(exchange, AUTH_OUTCOME_BAD, "not well formed");
		return;
	}
	memcpy(exchange->name.buf, message.data, message.len);
	exchange->name.len = message.len;
	auth_challenge(exchange, SLICE("Password:"), login_password);
}

static void
login_password(struct exchange *exchange, struct slice message)
{
	if (auth_user_find(exchange, name_slice(&exchange->name)))
		password_check(exchange, message);
}
