/*
 * A destination that refuses our address at the greeting: its mail is kept, each sender is told
 * once, one message probes, and all goes on when it recovers.
 */
#include "proc/queue/journal_file.h"
#include "proc/queue/suspend.h"
#include "proc/queue/test_world.h"

static const char *const to_far[] = {"bob@far.test"};
static const char *const to_both[] = {"bob@far.test", "eve@near.test"};

static uint8_t
answer_far_closed(struct world *w, const struct ipc_job *job, uint16_t rcpt)
{
	(void)w;
	(void)rcpt;
	return slice_eq(job->destination, SLICE("far.test")) ? WORLD_CLOSED : VERDICT_OK;
}

static void
begin(struct world *w)
{
	world_begin(w, NULL);
	w->config.lifetime = 60000;
	w->config.delay_notice = CONFIG_DELAY_AFTER;
	w->config.delay_notice_after = 3600000;
	w->config.probe_wait = 3600000;
	w->config.probe_wait_max = 7200000;
	w->answer = answer_far_closed;
	world_start(w);
}

static struct queue_suspension *
suspension(struct world *w)
{
	struct list_node *node = list_first(&w->queue->suspended);

	return node ? CONTAINER_OF(node, struct queue_suspension, node) : NULL;
}

static void
probe(struct world *w)
{
	suspend_probe_now(w->queue, suspension(w)->dest);
}

/* How often this recipient was given to smtpout. */
static size_t
tries(const struct world *w, const char *destination)
{
	size_t count = 0;

	for (size_t i = 0; i < w->delivery_count; i++)
		count += strcmp(w->deliveries[i].destination, destination) == 0;
	return count;
}

TEST(kept_told_and_released)
{
	struct world w;
	msg_id id, more[20];

	begin(&w);
	id = world_accept(&w, "me@local", to_both, 2, "hello\r\n");
	WORLD_WAIT(&w, w.report_count == 1);
	assert_int_equal(w.report_make.kind, SPOOL_REPORT_DELAY);
	assert_int_equal(w.report_rcpt_count, 1);
	assert_int_equal(w.report_rcpts[0], 0);
	assert_int_equal(world_delivered(&w, id, 1), 1); /* others go on */
	assert_int_equal(w.queue->suspended_count, 1);
	/* What joins is not tried, and its senders are told, too. */
	for (size_t i = 0; i < 20; i++)
		more[i] = world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.delivery_count == 23 && w.queue->index.msgs.count == 21);
	assert_int_equal(tries(&w, "far.test"), 1);
	assert_int_equal(index_find(w.queue, more[3])->rcpts[0].attempts, 0);
	world_ctl(&w, CTL_QUEUE_LIST, 0);
	assert_int_equal(w.row_count, 21);
	assert_int_equal(w.rows[5].state, CTL_RCPT_SUSPENDED);
	assert_string_equal(w.row_replies[5], "their own words");
	assert_true(w.rows[5].next_wall_ms > rt_wall_ms(w.t.rt) + 3500000);
	assert_int_equal(w.suspension_count, 1);
	assert_int_equal(w.suspension_total, 1);
	/* A probe that is refused is one message, and the next comes later. */
	probe(&w);
	WORLD_WAIT(&w, suspension(&w)->state.refusals == 2);
	assert_int_equal(tries(&w, "far.test"), 2);
	assert_int_equal(suspension(&w)->state.wait_ms, 7200000);
	/* One that gets in lets all others go. */
	w.answer = NULL;
	probe(&w);
	WORLD_WAIT(&w, world_is_empty(&w));
	assert_int_equal(world_delivered(&w, id, 0), 1);
	for (size_t i = 0; i < 20; i++)
		assert_int_equal(world_delivered(&w, more[i], 0), 1);
	assert_int_equal(w.report_count, 21);
	assert_int_equal(w.queue->suspended_count, 0);
	world_end(&w);
}

static uint8_t
answer_far_refuses_rcpt(struct world *w, const struct ipc_job *job, uint16_t rcpt)
{
	(void)w;
	(void)rcpt;
	return job->attempt > 1 ? VERDICT_NEVER : VERDICT_OK;
}

/* A recipient that is refused shows that we were let in. */
TEST(refused_recipient_releases)
{
	struct world w;
	msg_id id, other;

	begin(&w);
	id = world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	other = world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.report_count == 2);
	w.answer = answer_far_refuses_rcpt;
	suspension(&w)->known[0] = id; /* it probes */
	probe(&w);
	WORLD_WAIT(&w, world_is_empty(&w));
	assert_int_equal(w.report_count, 3);
	assert_int_equal(w.report_make.kind, SPOOL_REPORT_FAILURE);
	assert_int_equal(world_delivered(&w, other, 0), 1);
	world_end(&w);
}

/* A restart forgets neither that the destination is suspended nor who has been told, tried or not.
 */
TEST(told_once_over_restarts)
{
	struct world w;
	msg_id tried, aside;

	begin(&w);
	tried = world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.report_count == 1);
	aside = world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.report_count == 2);
	for (size_t i = 0; i < 3; i++) {
		world_run_ms(&w, 30);
		world_stop(&w);
		world_start(&w);
		WORLD_WAIT(&w, !w.queue->recovery);
		assert_true(index_find(w.queue, tried)->rcpts[0].flags & RCPT_DELAY_TOLD);
		assert_true(index_find(w.queue, aside)->rcpts[0].flags & RCPT_DELAY_TOLD);
		assert_int_equal(w.queue->suspended_count, 1);
		assert_int_equal(suspension(&w)->state.refusals, i + 1);
		world_run_ms(&w, 150); /* those whose wait is over are no probe */
		assert_int_equal(tries(&w, "far.test"), i + 1);
		world_ctl(&w, CTL_QUEUE_FLUSH, 0);
		WORLD_WAIT(&w, suspension(&w)->state.refusals == i + 2 &&
				       w.queue->index.waiting_count == 2);
	}
	world_run_ms(&w, 50);
	assert_int_equal(w.report_count, 2);
	w.answer = NULL;
	world_ctl(&w, CTL_QUEUE_FLUSH, 0);
	WORLD_WAIT(&w, world_is_empty(&w));
	world_end(&w);
}

/* What is over, or has no mail any more, is not found again; nor is it where bounces are wanted. */
TEST(restarts_without_it)
{
	struct world w;
	msg_id id;

	begin(&w);
	world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.report_count == 1);
	w.answer = NULL;
	probe(&w);
	WORLD_WAIT(&w, world_is_empty(&w));
	world_stop(&w);
	world_start(&w);
	WORLD_WAIT(&w, !w.queue->recovery);
	assert_int_equal(w.queue->suspended_count, 0);

	w.answer = answer_far_closed;
	id = world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.report_count == 2);
	world_ctl(&w, CTL_QUEUE_DELETE, id);
	WORLD_WAIT(&w, world_is_empty(&w));
	assert_int_equal(w.queue->suspended_count, 0);

	world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.report_count == 3);
	world_stop(&w);
	w.config.greeting_refusal = CONFIG_GREETING_BOUNCE;
	world_start(&w);
	WORLD_WAIT(&w, world_is_empty(&w) && w.report_count == 4);
	assert_int_equal(w.report_make.kind, SPOOL_REPORT_FAILURE);
	world_end(&w);
}

/* It ends after the refusal was noted and before its sender was told: that is not put off until the
 * next attempt. */
TEST(told_after_a_restart)
{
	struct world w;

	begin(&w);
	w.retry_after_s = 3600;
	world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.queue->counters.deferred == 1);
	world_stop(&w);
	assert_int_equal(w.report_count, 0);
	world_start(&w);
	WORLD_WAIT(&w, w.report_count == 1);
	assert_int_equal(w.report_make.kind, SPOOL_REPORT_DELAY);
	assert_int_equal(tries(&w, "far.test"), 1);
	world_stop(&w);
	world_start(&w);
	world_run_ms(&w, 1200);
	assert_int_equal(w.report_count, 1);
	world_end(&w);
}

/* What was put aside has its place again: it goes as soon as a probe is wanted. */
TEST(restart_knows_whom_to_send)
{
	struct world w;

	begin(&w);
	w.retry_after_s = 3600;
	world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.report_count == 1);
	world_stop(&w);
	world_start(&w);
	WORLD_WAIT(&w, !w.queue->recovery);
	w.answer = NULL;
	probe(&w);
	WORLD_WAIT(&w, world_is_empty(&w));
	world_end(&w);
}

static void
reload(struct world *w, int greeting_refusal)
{
	w->config.greeting_refusal = greeting_refusal;
	queue_process.reload(w->queue);
}

/* It ends before all mail is known again: that goes at once, and nothing keeps the destination. */
TEST(over_while_recovering)
{
	const struct journal_suspended given = {
		.name = SLICE("far.test"), .refusals = 1, .verdict = {.code = 554}};
	struct world w;
	msg_id id;

	begin(&w);
	w.retry_after_s = 3600;
	id = world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.report_count == 1);
	world_stop(&w);
	world_open(&w);
	assert_int_equal(suspend_recover(w.queue, &given, 0), 0);
	reload(&w, CONFIG_GREETING_BOUNCE); /* there is no journal yet to write to */
	assert_int_equal(w.queue->suspended_count, 0);
	reload(&w, CONFIG_GREETING_SUSPEND);
	WORLD_WAIT(&w, w.queue->phase == QUEUE_SERVING);
	assert_non_null(w.queue->recovery);
	assert_int_equal(w.queue->suspended_count, 1);
	reload(&w, CONFIG_GREETING_BOUNCE);
	reload(&w, CONFIG_GREETING_SUSPEND);
	w.answer = NULL;
	world_connect_all(&w);
	WORLD_WAIT(&w, world_is_empty(&w));
	assert_int_equal(world_delivered(&w, id, 0), 1);
	assert_int_equal(w.queue->index.dests.count, 0);
	world_end(&w);
}

/* Whatever a job says after it has been heard, it does not end the next probe. */
TEST(late_end_of_a_probe)
{
	static const struct verdict refused = {.class = VERDICT_NEVER,
					       .stage = VERDICT_STAGE_GREETING,
					       .code = 554,
					       .scope = VERDICT_SCOPE_ADDRESS_AT_DESTINATION};
	struct queue_job job = {0};
	struct world w;

	begin(&w);
	job.id = world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.report_count == 1);
	job.dest = suspension(&w)->dest;
	suspend_granted(&job);
	suspend_hear(w.queue, &job, &refused);
	assert_false(suspension(&w)->state.probing);
	suspension_probe_begin(&suspension(&w)->state);
	suspend_job_end(&job);
	assert_true(suspension(&w)->state.probing);
	world_end(&w);
}

static uint8_t
answer_closed(struct world *w, const struct ipc_job *job, uint16_t rcpt)
{
	(void)w;
	(void)job;
	(void)rcpt;
	return WORLD_CLOSED;
}

/* All goes through one door: when it opens for one, it is open for all. */
TEST(smart_host)
{
	static const char *const to_near[] = {"eve@near.test"};
	struct world w;

	begin(&w);
	w.config.smart_host = SLICE("smart.test");
	w.retry_after_s = 3600;
	w.answer = answer_closed;
	world_accept(&w, "", to_far, 1, "hello\r\n");
	world_accept(&w, "", to_near, 1, "hello\r\n");
	WORLD_WAIT(&w, w.queue->suspended_count == 2);
	w.answer = NULL;
	probe(&w);
	WORLD_WAIT(&w, world_is_empty(&w));
	assert_int_equal(w.queue->suspended_count, 0);
	world_end(&w);
}

/* What each file begins with may be more than journal-size-max: that alone ends none. */
TEST(files_follow_records)
{
	struct world w;
	uint32_t number;

	begin(&w);
	w.retry_after_s = 3600;
	w.config.journal_size_max = 64;
	world_accept(&w, "", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.queue->suspended_count == 1);
	world_run_ms(&w, 300);
	number = w.queue->journal.number;
	world_run_ms(&w, 300);
	assert_int_equal(w.queue->journal.number, number);
	world_end(&w);
}

/* The journal file that has it goes, and the next one knows. */
TEST(carried)
{
	struct journal_result last;
	struct arena arena;
	struct world w;
	uint32_t first;
	msg_id aside;

	begin(&w);
	w.retry_after_s = 3600;
	world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.report_count == 1);
	aside = world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.report_count == 2);
	world_run_ms(&w, 20);
	first = w.queue->journal.number;
	w.config.journal_size_max = 64;
	probe(&w);
	WORLD_WAIT(&w, w.queue->journal.number > first);
	w.config.journal_size_max = 1 << 20;
	w.config.trace_keep_size = 1;
	world_run_ms(&w, 20);
	journal_keep_run(w.queue);
	WORLD_WAIT(&w, list_empty(&w.queue->journal.old));
	arena_init(&arena, w.queue->mem, 1 << 16);
	assert_int_equal(
		journal_last_result(w.queue, &index_find(w.queue, aside)->rcpts[0], &arena, &last),
		0);
	assert_true(last.flags & JOURNAL_NOT_TRIED && last.flags & JOURNAL_CARRIED);
	arena_finish(&arena);
	world_stop(&w);
	world_start(&w);
	WORLD_WAIT(&w, !w.queue->recovery);
	assert_int_equal(w.queue->suspended_count, 1);
	assert_int_equal(suspension(&w)->state.refusals, 2);
	world_end(&w);
}

/* The lifetime ends it, also of what was never tried itself, with the refusal and its history. */
TEST(expires_with_the_refusal)
{
	struct world w;

	world_begin(&w, NULL);
	w.config.lifetime = 400;
	w.config.delay_notice = CONFIG_DELAY_NEVER;
	w.config.probe_wait = 60;
	w.config.probe_wait_max = 60;
	w.answer = answer_far_closed;
	world_start(&w);
	world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.queue->suspended_count == 1);
	world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.report_count == 2 && world_is_empty(&w));
	assert_int_equal(w.queue->counters.expired, 2);
	assert_int_equal(w.report_make.kind, SPOOL_REPORT_FAILURE);
	assert_true(w.report_expired);
	assert_string_equal(w.report_reply, "their own words");
	assert_non_null(strstr(w.report_evidence, "Our server was refused there "));
	assert_int_equal(w.queue->suspended_count, 0); /* nothing is left to be kept */
	world_end(&w);
}

static uint8_t
answer_far_silent(struct world *w, const struct ipc_job *job, uint16_t rcpt)
{
	(void)w;
	(void)rcpt;
	return job->destination.len ? WORLD_SILENT : VERDICT_OK;
}

/* The worker with the probe dies: another one is due, and nothing else goes meanwhile. */
TEST(probe_is_lost)
{
	struct world w;
	msg_id id;

	begin(&w);
	id = world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.report_count == 2);
	w.answer = answer_far_silent;
	probe(&w);
	WORLD_WAIT(&w, suspension(&w)->state.probing);
	world_run_ms(&w, 20);
	assert_int_equal(w.queue->index.active_count, 1);
	world_disconnect(&w, &w.smtpout);
	assert_false(suspension(&w)->state.probing);
	w.answer = NULL;
	world_connect(&w, &w.smtpout);
	WORLD_WAIT(&w, world_is_empty(&w));
	assert_int_equal(world_delivered(&w, id, 0), 1);
	world_end(&w);
}

/* By the other setting it comes back at once; a reload lets those that were kept go and come back.
 */
TEST(bounce_instead)
{
	struct world w;

	begin(&w);
	world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.report_count == 1);
	w.config.greeting_refusal = CONFIG_GREETING_BOUNCE;
	queue_process.reload(w.queue);
	WORLD_WAIT(&w, w.report_count == 2 && world_is_empty(&w));
	assert_int_equal(w.report_make.kind, SPOOL_REPORT_FAILURE);
	assert_false(w.report_expired);
	world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.report_count == 3 && world_is_empty(&w));
	assert_int_equal(w.queue->counters.failed, 2);
	world_end(&w);
}

/* Without memory for the suspension the mail is kept all the same. */
TEST(no_memory)
{
	struct world w;
	msg_id id;

	begin(&w);
	world_starve(&w, sizeof(struct queue_suspension));
	id = world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.report_count == 1);
	assert_int_equal(w.queue->suspended_count, 0);
	world_starve(&w, 0);
	w.answer = NULL;
	WORLD_WAIT(&w, world_delivered(&w, id, 0) == 1 && world_is_empty(&w));
	world_end(&w);
}

/* Held and deleted mail is no probe. */
TEST(administrator)
{
	struct world w;
	msg_id held, deleted, other;

	begin(&w);
	held = world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	deleted = world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	other = world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.report_count == 3);
	world_ctl(&w, CTL_QUEUE_HOLD, held);
	world_ctl(&w, CTL_QUEUE_DELETE, deleted);
	w.answer = NULL;
	world_ctl(&w, CTL_QUEUE_RETRY, other);
	WORLD_WAIT(&w, world_delivered(&w, other, 0) == 1);
	world_run_ms(&w, 50);
	assert_int_equal(world_delivered(&w, held, 0), 0);
	world_ctl(&w, CTL_QUEUE_RELEASE, held);
	WORLD_WAIT(&w, world_is_empty(&w));
	assert_int_equal(world_delivered(&w, held, 0), 1);
	assert_int_equal(world_delivered(&w, deleted, 0), 0);
	world_end(&w);
}

TESTS(TEST_ROW(kept_told_and_released), TEST_ROW(refused_recipient_releases),
      TEST_ROW(told_once_over_restarts), TEST_ROW(told_after_a_restart),
      TEST_ROW(restarts_without_it), TEST_ROW(carried), TEST_ROW(expires_with_the_refusal),
      TEST_ROW(probe_is_lost), TEST_ROW(bounce_instead), TEST_ROW(no_memory),
      TEST_ROW(administrator), TEST_ROW(restart_knows_whom_to_send),
      TEST_ROW(over_while_recovering), TEST_ROW(late_end_of_a_probe), TEST_ROW(smart_host),
      TEST_ROW(files_follow_records))
