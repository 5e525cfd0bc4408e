/*
 * A host listens at an address of its own. Each connection is a session that knows whose mail it
 * is from the recipients: r12.0@host is the first recipient of submission 12.
 */
#include "host.h"

#include <stdlib.h>
#include <string.h>

#include "line.h"
#include "mail.h"

#define PORT 25
#define IDLE_US (900 * US_PER_S)
/* Who does not let us in is probed at growing intervals, 2 minutes at least in all scenarios: so
 * often in a while, and some more for what died or failed in it. */
#define KNOCKS_US (600 * US_PER_S)
#define KNOCKS_MAX 6
#define KNOCKS_MORE 3

struct taken { /* a copy whose reply Frank may not have seen */
	uint64_t sub;
	unsigned rcpt;
};

struct session {
	struct list_node node;
	struct host *host;
	struct line line;
	struct sim_event event; /* idle for too long, or a wait */
	bool waits, silent, in_data, quit;
	char sender[SUB_ADDR_MAX];
	char rcpts[SUB_RCPTS_MAX][SUB_ADDR_MAX];
	unsigned rcpt_count;
	bool has_mail;
	char *text;
	size_t len, cap;
	struct taken taken[SUB_RCPTS_MAX];
	unsigned taken_count;
	char later[SCN_REPLY_MAX]; /* said after the wait */
	bool later_close;
};

struct host {
	struct run *run;
	unsigned index;
	const struct scn_host *scn;
	struct sim_listener *listener;
	struct list sessions;
	unsigned met[SCN_STAGE_MAX];
	/* Since a while began: refusals of all that comes. */
	uint64_t knocks_from_us, knocks, knocks_misfortunes;
};

static void on_ready(void *ctx);
static void on_time(void *ctx);

struct net_addr
host_addr(unsigned index)
{
	return run_addr(10, 9, 1 + index, PORT);
}

static void
session_end(struct session *session, bool hard)
{
	struct run *run = session->host->run;

	for (unsigned i = 0; i < session->taken_count; i++) {
		struct sub *sub = ledger_find(run, session->taken[i].sub);

		sub->rcpts[session->taken[i].rcpt].unsure++;
		run_note(run, "= %s: the reply for %llu may not have been seen",
			 session->host->scn->name, (unsigned long long)sub->number);
	}
	list_remove(&session->node);
	sim_cancel(&session->event);
	line_finish(&session->line, hard);
	free(session->text);
	free(session);
}

static void
idle_restart(struct session *session)
{
	sim_after(session->host->run->world, &session->event, IDLE_US, on_time, session);
}

/* --- rules ----------------------------------------------------------------------------------- */

static struct sub_rcpt *
rcpt_of(struct run *run, const char *addr, uint64_t *ret_sub, unsigned *ret_index)
{
	struct slice text = slice_str(addr), word;
	uint64_t number, index;
	struct sub *sub;

	if (!slice_starts_nocase(text, SLICE("r")))
		return NULL;
	text = slice_from(text, 1);
	word = slice_cut(&text, '.');
	text = slice_sub(text, 0, slice_index(text, '@'));
	if (!slice_to_u64(word, UINT64_MAX, &number) || !slice_to_u64(text, SUB_RCPTS_MAX, &index))
		return NULL;
	sub = ledger_find(run, number);
	if (!sub || index >= sub->rcpt_count)
		return NULL;
	*ret_sub = number;
	*ret_index = (unsigned)index;
	return &sub->rcpts[index];
}

/* The rule that holds now, if any; counts that it was met. rcpt: whom it is about. */
static const struct scn_rule *
rule_find(struct session *session, enum scn_stage stage, const char *rcpt_addr)
{
	struct host *host = session->host;
	struct run *run = host->run;
	uint64_t number;
	unsigned index;
	struct sub_rcpt *rcpt = rcpt_addr ? rcpt_of(run, rcpt_addr, &number, &index) : NULL;
	unsigned *met = rcpt ? &rcpt->stages[stage] : &host->met[stage];

	for (size_t i = 0; i < host->scn->rule_count; i++) {
		const struct scn_rule *rule = &host->scn->rules[i];

		if (rule->stage != stage || (rule->first && *met >= rule->first))
			continue;
		if (rule->until_us && sim_now_us(run->world) >= rule->until_us)
			continue;
		if (rule->one_in && run_between(run, 1, rule->one_in) != 1)
			continue;
		++*met;
		return rule;
	}
	return NULL;
}

/* Those of the transaction were refused for good. */
static void
refuse_all(struct session *session)
{
	struct run *run = session->host->run;
	uint64_t number;
	unsigned index;

	for (unsigned i = 0; i < session->rcpt_count; i++) {
		struct sub_rcpt *rcpt = rcpt_of(run, session->rcpts[i], &number, &index);

		if (rcpt)
			rcpt->refused_there = true;
	}
}

/* A refusal at MAIL concerns whatever Frank wanted to send here. One at the greeting says nothing
 * about any mail: Frank keeps it. */
static void
refuse_host(struct session *session)
{
	struct run *run = session->host->run;

	for (size_t i = 0; i < run->ledger.count; i++)
		for (unsigned k = 0; k < run->ledger.subs[i]->rcpt_count; k++)
			if (run->ledger.subs[i]->rcpts[k].host == (int)session->host->index)
				run->ledger.subs[i]->rcpts[k].refused_there = true;
}

/* Says the reply of a rule or the usual one. False when the session is over. */
static bool
answer(struct session *session, const struct scn_rule *rule, const char *usual)
{
	if (!rule) {
		line_say(&session->line, "%s", usual);
		return true;
	}
	if (rule->silence) {
		session->silent = true;
		return true;
	}
	if (rule->wait_us) {
		(void)snprintf(session->later, sizeof(session->later), "%s",
			       rule->reply[0] ? rule->reply : usual);
		session->later_close = rule->close;
		session->waits = true;
		sim_after(session->host->run->world, &session->event, rule->wait_us, on_time,
			  session);
		return true;
	}
	if (rule->reply[0] || (!rule->close && !rule->reset))
		line_say(&session->line, "%s", rule->reply[0] ? rule->reply : usual);
	if (!rule->close && !rule->reset)
		return true;
	session_end(session, rule->reset);
	return false;
}

static bool
is_refusal(const struct scn_rule *rule)
{
	return rule && rule->reply[0] == '5';
}

/* --- the dialogue ---------------------------------------------------------------------------- */

static void
transaction_reset(struct session *session)
{
	session->has_mail = false;
	session->rcpt_count = 0;
	session->len = 0;
}

static void
broken(struct session *session, struct slice what)
{
	run_find(session->host->run, "I3", NULL, "%s hears what SMTP does not know here: %.*s",
		 session->host->scn->name, SLICE_ARG(what));
}

/* The address between the angle brackets. */
static bool
addr_take(struct slice line, char buf[SUB_ADDR_MAX])
{
	size_t open = slice_index(line, '<'), close = slice_index(line, '>');

	if (open >= close || close == line.len || close - open - 1 >= SUB_ADDR_MAX)
		return false;
	memcpy(buf, line.data + open + 1, close - open - 1);
	buf[close - open - 1] = 0;
	return true;
}

static bool
on_mail(struct session *session, struct slice line)
{
	const struct scn_rule *rule = rule_find(session, SCN_MAIL, NULL);

	if (session->has_mail || !addr_take(line, session->sender))
		broken(session, line);
	if (is_refusal(rule))
		refuse_host(session);
	session->has_mail = !rule || rule->reply[0] == 0 || rule->reply[0] == '2';
	return answer(session, rule, "250 2.1.0 ok");
}

static bool
on_rcpt(struct session *session, struct slice line)
{
	char addr[SUB_ADDR_MAX];
	const struct scn_rule *rule;
	uint64_t number;
	unsigned index;
	struct sub_rcpt *rcpt;

	if (!addr_take(line, addr)) {
		broken(session, line);
		return true;
	}
	if (!session->has_mail) {
		line_say(&session->line, "503 5.5.1 MAIL first");
		return true;
	}
	rule = rule_find(session, SCN_RCPT, addr);
	rcpt = rcpt_of(session->host->run, addr, &number, &index);
	if (is_refusal(rule) && rcpt)
		rcpt->refused_there = true;
	if (!rule || rule->reply[0] == 0 || rule->reply[0] == '2') {
		if (session->rcpt_count == SUB_RCPTS_MAX) {
			line_say(&session->line, "452 4.5.3 enough");
			return true;
		}
		memcpy(session->rcpts[session->rcpt_count++], addr, sizeof(addr));
	}
	return answer(session, rule, "250 2.1.5 ok");
}

static bool
on_data(struct session *session)
{
	const struct scn_rule *rule =
		rule_find(session, SCN_DATA, session->rcpt_count ? session->rcpts[0] : NULL);

	if (session->rcpt_count == 0) {
		line_say(&session->line, "503 5.5.1 no recipient");
		return true;
	}
	if (is_refusal(rule))
		refuse_all(session);
	session->in_data = !rule || (!rule->reply[0] && !rule->close && !rule->reset);
	return answer(session, rule, "354 go on");
}

static void
copies_take(struct session *session)
{
	struct run *run = session->host->run;

	session->taken_count = 0;
	for (unsigned i = 0; i < session->rcpt_count; i++) {
		struct place place = {.host = (int)session->host->index,
				      .rcpt = slice_str(session->rcpts[i])};
		struct taken *taken = &session->taken[session->taken_count];
		struct sub_rcpt *rcpt =
			ledger_take(run, &place, slice_of(session->text, session->len));

		if (rcpt && rcpt_of(run, session->rcpts[i], &taken->sub, &taken->rcpt))
			session->taken_count++;
	}
}

/* The host has said that it has them. */
static void
copies_tell(struct session *session)
{
	struct run *run = session->host->run;

	for (unsigned i = 0; i < session->taken_count; i++) {
		struct sub *sub = ledger_find(run, session->taken[i].sub);

		sub->rcpts[session->taken[i].rcpt].told++;
	}
}

/* Whether the rule says 250 at once. */
static bool
is_consent(const struct scn_rule *rule)
{
	if (!rule)
		return true;
	if (rule->silence || rule->wait_us)
		return false;
	return rule->reply[0] ? rule->reply[0] == '2' : !rule->close && !rule->reset;
}

static bool
on_dot(struct session *session)
{
	const struct scn_rule *rule = rule_find(session, SCN_DOT, session->rcpts[0]);
	bool keeps = !rule || rule->keep || (!rule->reply[0] && !rule->close && !rule->reset) ||
		     rule->reply[0] == '2';
	bool ok;

	session->in_data = false;
	if (keeps)
		copies_take(session);
	if (keeps && is_consent(rule))
		copies_tell(session);
	if (is_refusal(rule))
		refuse_all(session);
	transaction_reset(session);
	ok = answer(session, rule, "250 2.0.0 taken");
	return ok;
}

static void
text_add(struct session *session, struct slice line)
{
	if (line.len && line.data[0] == '.')
		line = slice_from(line, 1);
	if (session->len + line.len + 2 > session->cap) {
		session->cap = (session->len + line.len + 2) * 2;
		session->text = realloc(session->text, session->cap);
		ASSERT(session->text);
	}
	if (line.len)
		memcpy(session->text + session->len, line.data, line.len);
	memcpy(session->text + session->len + line.len, "\r\n", 2);
	session->len += line.len + 2;
}

static bool
on_command(struct session *session, struct slice line)
{
	if (slice_starts_nocase(line, SLICE("EHLO ")))
		return answer(session, rule_find(session, SCN_EHLO, NULL),
			      "250-host.sim.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-DSN\r\n"
			      "250 ENHANCEDSTATUSCODES");
	if (slice_starts_nocase(line, SLICE("HELO ")))
		return answer(session, NULL, "250 host.sim.test");
	if (slice_starts_nocase(line, SLICE("MAIL FROM:")))
		return on_mail(session, line);
	if (slice_starts_nocase(line, SLICE("RCPT TO:")))
		return on_rcpt(session, line);
	if (slice_eq_nocase(line, SLICE("DATA")))
		return on_data(session);
	if (slice_eq_nocase(line, SLICE("RSET"))) {
		transaction_reset(session);
		return answer(session, NULL, "250 2.0.0 ok");
	}
	if (slice_eq_nocase(line, SLICE("QUIT"))) {
		session->quit = true;
		(void)answer(session, rule_find(session, SCN_QUIT, NULL), "221 2.0.0 bye");
		return true;
	}
	broken(session, line);
	return answer(session, NULL, "500 5.5.1 what?");
}

/* False when the session is gone. */
static bool
lines_take(struct session *session)
{
	struct slice line;

	while (!session->waits && line_next(&session->line, &line)) {
		if (session->silent)
			continue;
		/* Whoever goes on has seen our last reply. */
		session->taken_count = 0;
		if (session->in_data && slice_eq(line, SLICE("."))) {
			if (!on_dot(session))
				return false;
		} else if (session->in_data) {
			text_add(session, line);
		} else if (!on_command(session, line)) {
			return false;
		}
	}
	return true;
}

static void
on_ready(void *ctx)
{
	struct session *session = ctx;

	line_pump(&session->line);
	if (!session->waits)
		idle_restart(session);
	if (!lines_take(session))
		return;
	if (session->line.err)
		session_end(session, true);
}

static void
on_time(void *ctx)
{
	struct session *session = ctx;

	if (!session->waits) {
		session_end(session, true);
		return;
	}
	session->waits = false;
	line_say(&session->line, "%s", session->later);
	if (session->later[0] == '2')
		copies_tell(session);
	if (session->later_close) {
		session_end(session, false);
		return;
	}
	on_ready(session);
}

/* We are refused there whatever we bring: nobody may come again and again. */
static void
knock_judge(struct host *host, const struct scn_rule *rule)
{
	struct run *run = host->run;
	uint64_t now_us = sim_now_us(run->world), more;

	if (!rule || !rule->until_us || rule->one_in || rule->reply[0] != '5')
		return;
	if (!host->knocks || now_us - host->knocks_from_us > KNOCKS_US) {
		host->knocks = 0;
		host->knocks_from_us = now_us;
		host->knocks_misfortunes = run_misfortunes(run);
	}
	more = KNOCKS_MORE * (run_misfortunes(run) - host->knocks_misfortunes);
	if (++host->knocks > KNOCKS_MAX + more)
		run_find(run, "I9", NULL, "%s does not let us in, and was asked %llu times",
			 host->scn->name, (unsigned long long)host->knocks);
}

static void
on_accept(void *ctx, struct sim_sock *sock)
{
	struct host *host = ctx;
	struct session *session = calloc(1, sizeof(*session));
	const struct scn_rule *rule;

	ASSERT(session);
	session->host = host;
	session->line.sock = sock;
	sim_sock_set(sock, on_ready, session);
	list_push_back(&host->sessions, &session->node);
	idle_restart(session);
	rule = rule_find(session, SCN_CONNECT, NULL);
	knock_judge(host, rule);
	if (answer(session, rule, "220 host.sim.test ESMTP"))
		on_ready(session);
}

void
host_silent(struct host *host, bool silent)
{
	if (host->listener)
		sim_listener_silent(host->listener, silent);
}

struct host *
host_create(struct run *run, unsigned index)
{
	struct host *host = calloc(1, sizeof(*host));
	struct net_addr addr = host_addr(index);

	ASSERT(host);
	host->run = run;
	host->index = index;
	host->scn = &run->scenario->hosts[index];
	list_init(&host->sessions);
	if (!host->scn->dns[0] && !host->scn->nobody)
		host->listener = sim_listen(run->world, &addr, on_accept, host);
	return host;
}

void
host_destroy(struct host **host)
{
	struct list_node *node;

	while ((node = list_first(&(*host)->sessions))) {
		struct session *session = CONTAINER_OF(node, struct session, node);

		session->taken_count = 0;
		session_end(session, true);
	}
	sim_listener_close(&(*host)->listener);
	free(*host);
	*host = NULL;
}
