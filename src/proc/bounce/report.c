/*
 * The message is opened twice: once to know its sender, once to compose, so that a report that
 * waits for the directory holds little memory. Composing is done in one go: the header (and the
 * body, where it goes back) is read, the letter and the report are built, and all of it is given to
 * a draft.
 */
#include "proc/bounce/report.h"

#include <string.h>

#include "base/assert.h"
#include "proc/bounce/compose.h"
#include "resolver/idna.h"
#include "rule/explain/explain.h"
#include "rule/explain/wanted.h"
#include "wire/smtp/address.h"

#define RCPTS_FIRST 4

static struct report *
report_of(struct map_node *node)
{
	return CONTAINER_OF(node, struct report, node);
}

static bool
report_match(const struct map_node *node, struct slice key)
{
	const struct report *report = report_of((struct map_node *)(uintptr_t)node);

	return slice_eq(MAP_KEY(report->make.key), key);
}

struct report *
bounce_report_find(struct bounce *bounce, uint64_t key)
{
	struct map_node *node = map_find(&bounce->reports, MAP_KEY(key), report_match);

	return node ? report_of(node) : NULL;
}

static void
outcome_tell(struct bounce *bounce, uint64_t key, enum report_outcome outcome, msg_id id)
{
	/* A queue that cannot hear it now asks again. */
	if (bounce->queue && IPC_SEND(bounce->queue, REPORT_DONE, report_done, .key = key,
				      .outcome = (uint8_t)outcome, .report = id))
		bounce->counters.later++;
}

static void
report_destroy(struct report *report)
{
	struct bounce *bounce = report->bounce;

	map_remove(&bounce->reports, &report->node);
	list_remove(&report->order_node);
	bounce->report_count--;
	bounce->bytes -= report->bytes;
	arena_finish(&report->arena);
	mem_give(rt_mem(bounce->rt), report, sizeof(*report));
	bounce_look(bounce);
}

void
report_end(struct report *report, enum report_outcome outcome)
{
	struct bounce *bounce = report->bounce;

	if (report->state == REPORT_COMMITTING) {
		report->orphan = true;
		return;
	}
	if (outcome == REPORT_OUTCOME_LATER)
		bounce->counters.later++;
	else if (outcome == REPORT_OUTCOME_NONE)
		bounce->counters.none++;
	if (!report->orphan)
		outcome_tell(bounce, report->make.key, outcome, 0);
	report_destroy(report);
}

struct report *
report_begin(struct bounce *bounce, const struct ipc_report_make *make)
{
	struct report *report = NULL;

	if (bounce->report_count < BOUNCE_REPORTS_MAX && bounce->bytes < BOUNCE_BYTES_MAX &&
	    !bounce->stopping && make->kind > SPOOL_REPORT_NONE &&
	    make->kind < SPOOL_REPORT_KIND_MAX)
		report = MEM_NEW(rt_mem(bounce->rt), struct report);
	if (report) {
		report->make = *make;
		if (map_insert(&bounce->reports, &report->node, MAP_KEY(report->make.key))) {
			mem_give(rt_mem(bounce->rt), report, sizeof(*report));
			report = NULL;
		}
	}
	if (!report) {
		bounce->counters.later++;
		outcome_tell(bounce, make->key, REPORT_OUTCOME_LATER, 0);
		return NULL;
	}
	report->bounce = bounce;
	report->due_ms = rt_now_ms(bounce->rt) + BOUNCE_WAIT_MS;
	arena_init(&report->arena, rt_mem(bounce->rt), BOUNCE_REPORT_BYTES_MAX);
	list_push_back(&bounce->in_order, &report->order_node);
	bounce->report_count++;
	return report;
}

static bool
rcpts_grow(struct report *report)
{
	size_t room = report->rcpt_room ? report->rcpt_room * 4 : RCPTS_FIRST;
	struct dsn_rcpt *rcpts;
	uint16_t *numbers;

	if (report->rcpt_count < report->rcpt_room)
		return true;
	rcpts = arena_alloc(&report->arena, room * sizeof(*rcpts));
	numbers = arena_alloc(&report->arena, room * sizeof(*numbers));
	if (!rcpts || !numbers)
		return false;
	if (report->rcpt_count) {
		memcpy(rcpts, report->rcpts, report->rcpt_count * sizeof(*rcpts));
		memcpy(numbers, report->numbers, report->rcpt_count * sizeof(*numbers));
	}
	report->rcpts = rcpts;
	report->numbers = numbers;
	report->rcpt_room = room;
	return true;
}

/* By what queue asks for: a late or given up message has a verdict that says later. */
static enum dsn_action
action_of(uint8_t kind, const struct verdict *verdict)
{
	if (kind == SPOOL_REPORT_FAILURE)
		return DSN_FAILED;
	if (kind == SPOOL_REPORT_DELAY)
		return DSN_DELAYED;
	return verdict->stage == VERDICT_STAGE_LOCAL ? DSN_DELIVERED : DSN_RELAYED;
}

/* What is told, kept: the server's words; else ours, the sentence before the facts behind it; else
 * the cause's name. */
static struct slice
words_keep(struct report *report, const struct verdict *verdict)
{
	struct slice kept = SLICE_EMPTY;
	struct builder b;

	builder_init_arena(&b, &report->arena, VERDICT_REPLY_MAX);
	builder_add(&b, verdict->reply);
	if (!b.len) {
		builder_add(&b, verdict->public_text);
		if (verdict->public_text.len && verdict->evidence.len)
			builder_byte(&b, '\n');
		builder_add(&b, verdict->evidence);
	}
	if (!b.len && verdict->class != VERDICT_OK)
		builder_str(&b, verdict_cause_str(verdict->cause));
	if (builder_take(&b, &kept))
		report->broken = true;
	return kept;
}

/* What else is known beside a server's reply; without one it is in the words already. */
static struct slice
facts_keep(struct report *report, const struct verdict *verdict)
{
	return verdict->reply.len ? arena_keep(&report->arena, verdict_facts(verdict))
				  : SLICE_EMPTY;
}

void
bounce_report_add(struct report *report, const struct ipc_report_rcpt *rcpt)
{
	size_t before = report->arena.used_bytes;
	struct slice facts;
	struct dsn_rcpt *to;

	if (report->state != REPORT_GATHERING || report->rcpt_count == DSN_RCPTS_MAX ||
	    !rcpts_grow(report)) {
		report->broken = true;
		return;
	}
	report->numbers[report->rcpt_count] = rcpt->rcpt;
	to = &report->rcpts[report->rcpt_count++];
	*to = (struct dsn_rcpt){.attempts = rcpt->attempts, .verdict = rcpt->verdict};
	explain_verdict(&to->verdict);
	to->action = (uint8_t)action_of(report->make.kind, &to->verdict);
	to->expired = to->action == DSN_FAILED && rcpt->expired;
	facts = facts_keep(report, &to->verdict);
	to->verdict.reply = words_keep(report, &to->verdict);
	to->verdict.evidence = facts;
	to->verdict.host = arena_keep(&report->arena, rcpt->verdict.host);
	to->verdict.helo = arena_keep(&report->arena, rcpt->verdict.helo);
	to->verdict.public_text = SLICE_EMPTY;
	report->broken = report->broken || report->arena.failed;
	report->bytes += report->arena.used_bytes - before;
	report->bounce->bytes += report->arena.used_bytes - before;
}

static void
none_log(struct report *report, const char *why)
{
	struct log_line line;

	log_begin(&line, report->bounce->boot->log, EVENT_bounce_none);
	log_msg(&line, report->make.message);
	log_text(&line, "why", slice_str(why));
	log_end(&line);
}

static void
fault_log(struct report *report, int err)
{
	struct log_line line;

	log_begin(&line, report->bounce->boot->log, EVENT_bounce_fault);
	log_msg(&line, report->make.message);
	log_err(&line, err);
	log_end(&line);
}

/* Somebody who is to get the report; what is no address gets none. */
static int
reader_add(struct report *report, struct slice text)
{
	struct report_reader *reader = &report->readers[report->reader_count];
	uint8_t scratch[SMTP_LOCAL_MAX];
	struct smtp_address address;
	struct builder domain;
	int err;

	if (!text.len || smtp_address_parse(text, scratch, &address))
		return 0;
	builder_init_arena(&domain, &report->arena, SMTP_DOMAIN_MAX);
	err = idna_to_ascii(address.domain, &domain);
	if (!err)
		err = builder_take(&domain, &reader->domain);
	if (err)
		return err == ERR_NO_MEMORY || report->arena.failed ? ERR_NO_MEMORY : 0;
	reader->address = text;
	report->reader_count++;
	return 0;
}

/* As it stands in To: and goes into the envelope: in ASCII if it can be, so that a report reaches a
 * sender whose way back lacks SMTPUTF8 (RFC 6533 4). */
static int
address_keep(struct report *report, struct slice address, struct slice *ret_kept)
{
	struct builder b;
	int err;

	builder_init_arena(&b, &report->arena, SPOOL_ADDRESS_MAX);
	err = idna_address(address, &b);
	if (err == ERR_NO_MEMORY)
		return err;
	if (err || builder_take(&b, ret_kept))
		*ret_kept = arena_keep(&report->arena, address); /* A-labels are longer */
	return report->arena.failed ? ERR_NO_MEMORY : 0;
}

/* The directory is asked about the next reader that has not been answered. */
static int
reader_ask(struct report *report, struct report_reader *reader)
{
	struct bounce *bounce = report->bounce;
	uint8_t scratch[SMTP_LOCAL_MAX];
	struct smtp_address address;
	int err = smtp_address_parse(reader->address, scratch, &address);

	if (err)
		return err;
	if (!bounce->directory)
		return ERR_AGAIN;
	do {
		reader->request = ++bounce->request_last;
	} while (!reader->request);
	return IPC_SEND(bounce->directory, DIR_RCPT_ASK, dir_rcpt_ask, .request = reader->request,
			.local = address.local, .domain = reader->domain);
}

/* Reads the message once: who sent it, and whether anybody may be told. */
static int
readers_find(struct report *report, enum report_wanted *ret_wanted)
{
	struct bounce *bounce = report->bounce;
	const struct config *config = bounce->boot->config;
	struct report_source source;
	struct slice copy = SLICE_EMPTY;
	int err = report_source_open(&source, bounce, &report->make, 0);

	if (err)
		return err;
	*ret_wanted = report_wanted(source.message.accept.sender, source.header);
	err = address_keep(report, source.message.accept.sender, &report->sender);
	if (!err && *ret_wanted == REPORT_WANTED)
		err = reader_add(report, report->sender);
	if (!err && *ret_wanted != REPORT_NO_SENDER && report->make.kind == SPOOL_REPORT_FAILURE &&
	    !slice_eq_nocase(config->failure_copy, source.message.accept.sender))
		err = address_keep(report, config->failure_copy, &copy);
	if (!err)
		err = reader_add(report, copy);
	report_source_close(&source, bounce);
	return err;
}

void
report_go(struct report *report)
{
	enum report_wanted wanted = REPORT_WANTED;
	int err = report->broken || !report->rcpt_count ? ERR_LIMIT : readers_find(report, &wanted);

	report->state = REPORT_ASKING;
	report->due_ms = rt_now_ms(report->bounce->rt) + BOUNCE_WAIT_MS;
	for (size_t i = 0; i < report->reader_count && !err; i++)
		err = reader_ask(report, &report->readers[i]);
	if (err) {
		if (err != ERR_AGAIN)
			fault_log(report, err);
		report_end(report, REPORT_OUTCOME_LATER);
	} else if (!report->reader_count) {
		none_log(report,
			 wanted == REPORT_WANTED ? "no way back" : report_wanted_str(wanted));
		report_end(report, REPORT_OUTCOME_NONE);
	}
}

static void
on_commit(void *ctx, msg_id id, int err)
{
	struct report *report = ctx;
	struct bounce *bounce = report->bounce;
	uint8_t id_room[MSG_ID_TEXT_LEN];
	struct log_line line;
	struct builder b;

	report->state = REPORT_ASKING; /* no longer the writer's */
	if (err) {
		fault_log(report, err);
		report_end(report, REPORT_OUTCOME_LATER);
		return;
	}
	bounce->counters.reports++;
	builder_init_fixed(&b, id_room, sizeof(id_room));
	msg_id_format(&b, id);
	log_begin(&line, bounce->boot->log, EVENT_bounce_report);
	log_msg(&line, report->make.message);
	log_text(&line, "report", builder_slice(&b));
	log_number(&line, "kind", report->make.kind);
	log_text(&line, "to", report->readers[0].address);
	log_number(&line, "recipients", (int64_t)report->rcpt_count);
	log_end(&line);
	if (!report->orphan)
		outcome_tell(bounce, report->make.key, REPORT_OUTCOME_DURABLE, id);
	report_destroy(report);
}

/* All answers are there. */
static void
report_finish(struct report *report)
{
	bool anybody = false;
	int err;

	for (size_t i = 0; i < report->reader_count; i++)
		anybody = anybody || report->readers[i].kind;
	if (!anybody) {
		none_log(report, "the sender's mailbox is gone");
		report_end(report, REPORT_OUTCOME_NONE);
		return;
	}
	report->state = REPORT_COMMITTING;
	err = report_compose(report, on_commit);
	if (!err)
		return;
	report->state = REPORT_ASKING;
	if (err != ERR_AGAIN)
		fault_log(report, err);
	report_end(report, REPORT_OUTCOME_LATER);
}

/* mailbox@postoffice for a mailbox of ours, else the domain. */
static void
reader_take(struct report *report, struct report_reader *reader, const struct ipc_dir_rcpt *answer)
{
	struct builder b;

	reader->request = 0;
	if (answer->kind == DIR_RCPT_NOT_LOCAL) {
		reader->kind = SPOOL_RCPT_REMOTE;
		reader->target = reader->domain;
	} else if (answer->kind == DIR_RCPT_LOCAL) {
		builder_init_arena(&b, &report->arena, SPOOL_ADDRESS_MAX);
		builder_add(&b, answer->mailbox);
		builder_byte(&b, '@');
		builder_add(&b, answer->postoffice);
		if (builder_take(&b, &reader->target) == 0)
			reader->kind = SPOOL_RCPT_LOCAL;
	}
}

static struct report_reader *
reader_find(struct report *report, uint32_t request)
{
	for (size_t i = 0; i < report->reader_count; i++) {
		if (report->readers[i].request == request)
			return &report->readers[i];
	}
	return NULL;
}

void
report_answer(struct bounce *bounce, const struct ipc_dir_rcpt *answer)
{
	struct list_node *node = list_first(&bounce->in_order);
	struct report_reader *reader = NULL;
	struct report *report = NULL;

	for (; node && !reader && answer->request; node = list_next(&bounce->in_order, node)) {
		report = CONTAINER_OF(node, struct report, order_node);
		if (report->state == REPORT_ASKING)
			reader = reader_find(report, answer->request);
	}
	if (!reader)
		return; /* too late */
	if (answer->kind == DIR_RCPT_LATER) {
		report_end(report, REPORT_OUTCOME_LATER);
		return;
	}
	reader_take(report, reader, answer);
	for (size_t i = 0; i < report->reader_count; i++) {
		if (report->readers[i].request)
			return;
	}
	report_finish(report);
}
