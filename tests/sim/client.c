/*
 * A client: connects, sends a few messages over one connection, with or without pipelining, and
 * comes back later when something went wrong.
 */
#include "client.h"

#include <stdlib.h>
#include <string.h>

#include "line.h"
#include "mail.h"

#define PORT 25
#define TIMEOUT_US (600 * US_PER_S)
#define LATER_US_MAX (20 * US_PER_S)
#define PER_CONNECTION_MAX 5

enum step {
	STEP_IDLE,
	STEP_GREETING,
	STEP_EHLO,
	STEP_MAIL,
	STEP_RCPT,
	STEP_DATA,
	STEP_DOT,
	STEP_QUIT
};

struct client {
	struct run *run;
	unsigned index;
	enum step step;
	struct line line;
	struct sim_event event; /* begin, or time is over */
	struct sub *sub;
	unsigned rcpt, rcpts_taken;
	bool pipelines, gave_up;
	bool probes;	    /* after all has healed: one message must be taken */
	unsigned left_here; /* messages for this connection */
};

static void begin(void *ctx);
static void on_ready(void *ctx);

static void
again_after(struct client *client, uint64_t after_us)
{
	client->step = STEP_IDLE;
	client->sub = NULL;
	sim_after(client->run->world, &client->event, after_us, begin, client);
}

static void
leave(struct client *client, bool hard)
{
	struct run *run = client->run;

	line_finish(&client->line, hard);
	if (client->sub)
		client->sub->ended_us = sim_now_us(run->world);
	again_after(client, run_between(run, 1000, LATER_US_MAX));
}

/* The connection has failed under us. */
static void
lost(struct client *client)
{
	if (client->step == STEP_DOT)
		run_note(client->run, "client %u: no reply to the dot of %llu", client->index,
			 (unsigned long long)client->sub->number);
	leave(client, true);
}

static void
on_timeout(void *ctx)
{
	lost(ctx);
}

static void
wait_for(struct client *client, enum step step)
{
	client->step = step;
	sim_after(client->run->world, &client->event, TIMEOUT_US, on_timeout, client);
}

static void
begin(void *ctx)
{
	struct client *client = ctx;
	struct run *run = client->run;
	struct net_addr to = run_addr(10, 0, 1, PORT),
			from = run_addr(10, 1, 1 + client->index % 200, 0);

	if (client->probes ? run->probe_taken
			   : run->load_over || run->ledger.accepted >= run->scenario->messages) {
		run->clients_busy--;
		return;
	}
	client->left_here = (unsigned)run_between(run, 1, PER_CONNECTION_MAX);
	client->line.sock = sim_connect(run->world, &to, &from, on_ready, client);
	wait_for(client, STEP_GREETING);
}

/* --- what is sent ---------------------------------------------------------------------------- */

static void
sender_choose(struct run *run, struct sub *sub)
{
	const struct scenario *s = run->scenario;
	uint64_t pick = run_between(run, 1, s->from_local + s->from_remote + s->from_null);

	if (pick <= s->from_local)
		(void)snprintf(sub->sender, SUB_ADDR_MAX, "m%u@" RUN_DOMAIN,
			       (unsigned)run_between(run, 0, RUN_MAILBOXES - 1));
	else if (pick <= s->from_local + s->from_remote)
		(void)snprintf(sub->sender, SUB_ADDR_MAX, "b%llu@" RUN_SENDER_HOST,
			       (unsigned long long)sub->number);
}

/* A host by weight; -1: one of our mailboxes. */
static int
place_choose(struct run *run)
{
	const struct scenario *s = run->scenario;
	uint64_t all = s->local_weight, pick;

	for (size_t i = 0; i < s->host_count; i++)
		all += s->hosts[i].weight;
	pick = run_between(run, 1, all);
	for (size_t i = 0; i < s->host_count; i++) {
		if (pick <= s->hosts[i].weight)
			return (int)i;
		pick -= s->hosts[i].weight;
	}
	return -1;
}

static void
rcpt_choose(struct run *run, struct sub *sub, unsigned index)
{
	struct sub_rcpt *rcpt = &sub->rcpts[index];

	rcpt->host = place_choose(run);
	/* Each mailbox once, so that a copy tells whose it is. */
	rcpt->mailbox = (unsigned)(sub->number + index) % RUN_MAILBOXES;
	if (rcpt->host < 0)
		(void)snprintf(rcpt->addr, SUB_ADDR_MAX, "m%u+%llu@" RUN_DOMAIN, rcpt->mailbox,
			       (unsigned long long)sub->number);
	else
		(void)snprintf(rcpt->addr, SUB_ADDR_MAX, "r%llu.%u@%s",
			       (unsigned long long)sub->number, index,
			       run->scenario->hosts[rcpt->host].name);
	if (rcpt->host >= 0 && run->scenario->hosts[rcpt->host].dns[0])
		rcpt->refused_there = true;
}

static void
sub_make(struct client *client)
{
	struct run *run = client->run;
	const struct scenario *s = run->scenario;
	struct sub *sub = ledger_new(run);

	client->sub = sub;
	sender_choose(run, sub);
	sub->rcpt_count = (unsigned)run_between(run, s->rcpts_low, s->rcpts_high);
	for (unsigned i = 0; i < sub->rcpt_count; i++)
		rcpt_choose(run, sub, i);
	sub->notify_success = s->notify_in && run_between(run, 1, s->notify_in) == 1;
	run_note(run, "client %u: begins %llu from <%s>, %u recipients", client->index,
		 (unsigned long long)sub->number, sub->sender, sub->rcpt_count);
}

static void
say_rcpt(struct client *client, unsigned index)
{
	line_say(&client->line, "RCPT TO:<%s>%s", client->sub->rcpts[index].addr,
		 client->sub->notify_success ? " NOTIFY=SUCCESS,FAILURE" : "");
}

static void
next_message(struct client *client)
{
	struct run *run = client->run;

	if (client->left_here == 0 || (client->probes ? run->probe_taken : run->load_over)) {
		line_say(&client->line, "QUIT");
		wait_for(client, STEP_QUIT);
		return;
	}
	client->left_here--;
	sub_make(client);
	client->rcpt = client->rcpts_taken = 0;
	client->gave_up = false;
	client->pipelines = run_between(run, 0, 1);
	line_say(&client->line, "MAIL FROM:<%s>", client->sub->sender);
	for (unsigned i = 0; client->pipelines && i < client->sub->rcpt_count; i++)
		say_rcpt(client, i);
	wait_for(client, STEP_MAIL);
}

static void
send_text(struct client *client)
{
	size_t len;
	char *text = mail_make(client->run, client->sub, &len);
	/* Now and then a client goes away in the middle. */
	bool breaks = run_between(client->run, 0, 99) == 0;

	if (breaks) {
		line_put(&client->line, text, len / 2);
		leave(client, true);
	} else {
		client->sub->state = SUB_UNSURE;
		line_put(&client->line, text, len);
		wait_for(client, STEP_DOT);
	}
	free(text);
}

/* --- what is heard --------------------------------------------------------------------------- */

static void
refused(struct client *client, struct slice reply)
{
	/* Nothing that a client of ours says is wrong. */
	if (reply.data[0] == '5')
		run_find(client->run, "I5", client->sub, "a client is refused for good: %.*s",
			 SLICE_ARG(reply));
	client->gave_up = true;
}

static void
on_dot_reply(struct client *client, struct slice reply)
{
	struct run *run = client->run;
	struct sub *sub = client->sub;
	size_t at = slice_rindex(reply, ' ');

	sub->ended_us = sim_now_us(run->world);
	if (reply.data[0] != '2') {
		sub->state = SUB_REFUSED;
		refused(client, reply);
		leave(client, false);
		return;
	}
	sub->state = SUB_ACCEPTED;
	run->ledger.accepted++;
	run->probe_taken |= client->probes;
	(void)snprintf(sub->frank_id, sizeof(sub->frank_id), "%.*s",
		       SLICE_ARG(slice_from(reply, at + 1)));
	run_note(run, "client %u: 250 for %llu: %.*s", client->index,
		 (unsigned long long)sub->number, SLICE_ARG(reply));
	client->sub = NULL;
	client->step = STEP_IDLE;
	next_message(client);
}

static void
on_rcpt_reply(struct client *client, struct slice reply)
{
	struct sub *sub = client->sub;

	if (reply.data[0] == '2')
		client->rcpts_taken++;
	else if (!client->gave_up) /* pipelined behind a refusal of MAIL: 503 is right */
		refused(client, reply);
	client->rcpt++;
	if (client->rcpt < sub->rcpt_count) {
		if (!client->pipelines && !client->gave_up)
			say_rcpt(client, client->rcpt);
		else if (!client->pipelines)
			leave(client, false);
	} else if (client->gave_up) {
		leave(client, false);
	} else {
		line_say(&client->line, "DATA");
		wait_for(client, STEP_DATA);
	}
}

static void
on_mail_reply(struct client *client, struct slice reply)
{
	if (reply.data[0] != '2')
		refused(client, reply);
	if (client->gave_up && !client->pipelines) {
		leave(client, false);
		return;
	}
	wait_for(client, STEP_RCPT);
	if (!client->pipelines)
		say_rcpt(client, 0);
}

static void
on_reply(struct client *client, struct slice reply)
{
	switch (client->step) {
	case STEP_GREETING:
		if (reply.data[0] != '2') {
			refused(client, reply);
			leave(client, false);
			break;
		}
		line_say(&client->line, "EHLO client%u.sim.test", client->index);
		wait_for(client, STEP_EHLO);
		break;
	case STEP_EHLO:
		if (reply.data[0] == '2')
			next_message(client);
		else
			leave(client, false);
		break;
	case STEP_MAIL:
		on_mail_reply(client, reply);
		break;
	case STEP_RCPT:
		on_rcpt_reply(client, reply);
		break;
	case STEP_DATA:
		if (reply.data[0] == '3') {
			send_text(client);
			break;
		}
		refused(client, reply);
		leave(client, false);
		break;
	case STEP_DOT:
		on_dot_reply(client, reply);
		break;
	case STEP_QUIT:
	case STEP_IDLE:
		line_finish(&client->line, false);
		again_after(client, run_between(client->run, client->run->scenario->pause_low_us,
						client->run->scenario->pause_high_us));
		break;
	}
}

static void
on_ready(void *ctx)
{
	struct client *client = ctx;
	struct slice reply;

	if (!client->line.sock)
		return;
	line_pump(&client->line);
	while (client->line.sock && line_next(&client->line, &reply)) {
		if (reply.len < 3 || !ascii_is_digit(reply.data[0])) {
			run_find(client->run, "I3", client->sub, "a reply that is none");
			return;
		}
		if (reply.len == 3 || reply.data[3] != '-')
			on_reply(client, reply);
	}
	if (client->line.sock && client->line.err)
		lost(client);
}

struct client *
client_create(struct run *run, unsigned index, bool probes)
{
	struct client *client = calloc(1, sizeof(*client));

	ASSERT(client);
	client->run = run;
	client->index = index;
	client->probes = probes;
	run->clients_busy++;
	again_after(client, run_between(run, 0, US_PER_S));
	return client;
}

void
client_destroy(struct client **client)
{
	sim_cancel(&(*client)->event);
	line_finish(&(*client)->line, true);
	free(*client);
	*client = NULL;
}
