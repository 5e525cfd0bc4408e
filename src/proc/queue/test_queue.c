/*
 * The queue at work: accepted, delivered, tried again, reported, commanded.
 */
#include "proc/queue/result.h"
#include "proc/queue/test_world.h"
#include "spool/writer_impl.h"

static const char *const to_ann[] = {"ann@local"};
static const char *const to_far[] = {"bob@far.test"};
static const char *const to_three[] = {"ann@local", "bob@far.test", "eve@near.test"};

TEST(delivered)
{
	struct world w;
	msg_id id;

	world_begin(&w, NULL);
	world_start(&w);
	id = world_accept(&w, "me@local", to_ann, 1, "hello\r\n");
	WORLD_WAIT(&w, world_delivered(&w, id, 0) == 1 && world_is_empty(&w));
	assert_non_null(strstr(w.deliveries[0].body, "hello"));
	assert_string_equal(w.deliveries[0].destination, "");
	assert_int_equal(w.queue->counters.delivered, 1);
	world_end(&w);
}

TEST(to_several_places)
{
	struct world w;
	msg_id id;

	world_begin(&w, NULL);
	world_start(&w);
	id = world_accept(&w, "me@local", to_three, 3, "hello\r\n");
	WORLD_WAIT(&w, world_is_empty(&w) && w.delivery_count == 3);
	for (uint16_t i = 0; i < 3; i++)
		assert_int_equal(world_delivered(&w, id, i), 1);
	assert_int_equal(w.job_count, 3);
	world_end(&w);
}

TEST(many_messages)
{
	struct world w;

	world_begin(&w, NULL);
	world_start(&w);
	for (int i = 0; i < 300; i++)
		world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, world_is_empty(&w) && w.delivery_count == 300);
	world_end(&w);
}

TEST(large_body)
{
	struct world w;
	msg_id id;

	world_begin(&w, NULL);
	world_start(&w);
	id = world_accept_large(&w, "ann@local", 100000);
	WORLD_WAIT(&w, world_delivered(&w, id, 0) == 1 && world_is_empty(&w));
	assert_string_equal(w.deliveries[0].body, "0123456789012345678901234567890123456789");
	/* Its body file is gone; the spares are there. */
	WORLD_WAIT(&w, world_files(&w, "bodies") == 4);
	world_end(&w);
}

static uint8_t
second_time(struct world *w, const struct ipc_job *job, uint16_t rcpt)
{
	(void)rcpt;
	(void)w;
	return job->attempt < 2 ? VERDICT_LATER : VERDICT_OK;
}

TEST(tried_again)
{
	struct world w;
	uint64_t start_ms;
	msg_id id;

	world_begin(&w, NULL);
	world_start(&w);
	w.answer = second_time;
	start_ms = rt_now_ms(w.t.rt);
	id = world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, world_delivered(&w, id, 0) == 1 && world_is_empty(&w));
	assert_true(rt_now_ms(w.t.rt) - start_ms >= 50);
	assert_int_equal(w.delivery_count, 2);
	assert_int_equal(w.queue->counters.deferred, 1);
	world_end(&w);
}

static uint8_t
only_ann(struct world *w, const struct ipc_job *job, uint16_t rcpt)
{
	(void)w;
	(void)rcpt;
	return job->destination.len ? VERDICT_NEVER : VERDICT_OK;
}

TEST(failure_is_reported)
{
	struct world w;
	msg_id id;

	world_begin(&w, NULL);
	world_start(&w);
	w.answer = only_ann;
	id = world_accept(&w, "me@local", to_three, 3, "hello\r\n");
	WORLD_WAIT(&w, w.report_count == 1 && world_is_empty(&w));
	assert_true(w.report_make.message == id);
	assert_int_equal(w.report_make.kind, SPOOL_REPORT_FAILURE);
	assert_int_equal(w.report_rcpt_count, 2);
	assert_string_equal(w.report_reply, "their own words");
	assert_int_equal(world_delivered(&w, id, 0), 1);
	assert_true(w.deliveries[w.delivery_count - 1].report);
	assert_int_equal(w.delivery_count, 4);
	world_end(&w);
}

static uint8_t
never(struct world *w, const struct ipc_job *job, uint16_t rcpt)
{
	(void)w;
	(void)job;
	(void)rcpt;
	return VERDICT_NEVER;
}

TEST(no_report_for_a_report)
{
	struct world w;

	world_begin(&w, NULL);
	world_start(&w);
	w.answer = never; /* the report itself is refused too */
	world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.report_count == 1 && world_is_empty(&w));
	world_accept(&w, "", to_far, 1, "null sender\r\n");
	WORLD_WAIT(&w, w.delivery_count == 3 && world_is_empty(&w));
	assert_int_equal(w.report_count, 1);
	world_end(&w);
}

TEST(notify_is_honoured)
{
	const char *const rcpts[] = {"a@far.test 1", "b@far.test 2"}; /* NEVER; SUCCESS */
	struct world w;

	world_begin(&w, NULL);
	world_start(&w);
	w.answer = never;
	world_accept(&w, "me@local", rcpts, 2, "hello\r\n");
	WORLD_WAIT(&w, w.delivery_count == 2 && world_is_empty(&w));
	assert_int_equal(w.report_count, 0);
	w.answer = NULL;
	world_accept(&w, "me@local", rcpts, 2, "hello\r\n");
	WORLD_WAIT(&w, w.report_count == 1 && world_is_empty(&w));
	assert_int_equal(w.report_make.kind, SPOOL_REPORT_SUCCESS);
	assert_int_equal(w.report_rcpt_count, 1);
	assert_int_equal(w.report_rcpts[0], 1);
	w.dsn_passed = true;
	world_accept(&w, "me@local", rcpts, 2, "hello\r\n");
	WORLD_WAIT(&w, w.delivery_count == 7 && world_is_empty(&w));
	assert_int_equal(w.report_count, 1);
	world_end(&w);
}

static uint8_t
later(struct world *w, const struct ipc_job *job, uint16_t rcpt)
{
	(void)w;
	(void)rcpt;
	return job->destination.len ? VERDICT_LATER : VERDICT_OK;
}

TEST(expires)
{
	struct world w;

	world_begin(&w, NULL);
	world_start(&w);
	w.answer = later;
	world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.report_count == 1 && world_is_empty(&w));
	assert_int_equal(w.report_make.kind, SPOOL_REPORT_FAILURE);
	assert_int_equal(w.queue->counters.expired, 1);
	world_end(&w);
}

TEST(delay_notice_once)
{
	struct world w;

	world_begin(&w, NULL);
	w.config.delay_notice = CONFIG_DELAY_AFTER;
	w.config.delay_notice_after = 120;
	w.config.lifetime = 3000;
	world_start(&w);
	w.answer = later;
	world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.report_count == 1);
	assert_int_equal(w.report_make.kind, SPOOL_REPORT_DELAY);
	WORLD_WAIT(&w, w.report_count == 2 && world_is_empty(&w));
	assert_int_equal(w.report_make.kind, SPOOL_REPORT_FAILURE);
	world_end(&w);
}

TEST(bounce_without_an_answer)
{
	struct world w;

	world_begin(&w, NULL);
	world_start(&w);
	w.answer = only_ann;
	w.bounce_silent = true;
	world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.report_rcpt_count == 1);
	world_disconnect(&w, &w.bounce);
	spool_writer_destroy(&w.bounce.writer);
	w.bounce_silent = false;
	world_connect(&w, &w.bounce);
	WORLD_WAIT(&w, w.report_count == 1 && world_is_empty(&w));
	world_end(&w);
}

/* Its answer is lost, though it lives on. */
TEST(bounce_answer_is_lost)
{
	struct world w;

	world_begin(&w, NULL);
	world_start(&w);
	w.queue->report_asked_ms = 50;
	w.answer = only_ann;
	w.bounce_silent = true;
	world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.report_rcpt_count == 1);
	w.bounce_silent = false;
	WORLD_WAIT(&w, w.report_count == 1 && world_is_empty(&w));
	assert_int_equal(w.queue->reports_asked, 0);
	world_end(&w);
}

TEST(report_not_needed)
{
	struct world w;

	world_begin(&w, NULL);
	world_start(&w);
	w.answer = only_ann;
	w.report_outcome = 2;
	world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.report_rcpt_count == 1 && world_is_empty(&w));
	assert_int_equal(w.report_count, 0);
	world_end(&w);
}

static uint8_t
silent(struct world *w, const struct ipc_job *job, uint16_t rcpt)
{
	(void)w;
	(void)job;
	(void)rcpt;
	return WORLD_SILENT;
}

TEST(worker_dies)
{
	struct world w;
	msg_id id;

	world_begin(&w, NULL);
	world_start(&w);
	w.answer = silent;
	id = world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.job_count == 1);
	world_disconnect(&w, &w.smtpout);
	w.answer = NULL;
	world_run_ms(&w, 50);
	assert_int_equal(w.queue->index.active_count, 0);
	world_connect(&w, &w.smtpout);
	WORLD_WAIT(&w, world_delivered(&w, id, 0) == 1 && world_is_empty(&w));
	world_end(&w);
}

/* Whoever delivers it dies of it, again and again: that is an attempt in the end, so that it does
 * not stay for ever. */
TEST(workers_die_of_it)
{
	struct world w;
	msg_id id;

	world_begin(&w, NULL);
	world_start(&w);
	w.answer = silent;
	id = world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.job_count == 1);
	index_find(w.queue, id)->lost = RESULT_LOST_MAX;
	world_disconnect(&w, &w.smtpout);
	assert_int_equal(w.queue->counters.deferred, 1);
	assert_int_equal(index_find(w.queue, id)->rcpts[0].attempts, 1);
	world_end(&w);
}

/* One recipient is refused at RCPT and tried again while the job is still at the other's DATA: what
 * the first job says after that is not about the second. */
TEST(early_result_and_late_end)
{
	static const char *const both[] = {"bob@far.test", "eve@far.test"};
	struct ipc_job_result result = {.verdict = {.class = VERDICT_LATER}};
	struct queue_peer *peer;
	uint16_t number = 0;
	uint64_t first;
	struct world w;
	msg_id id;

	world_begin(&w, NULL);
	w.config.lifetime = 60000;
	world_start(&w);
	w.answer = silent;
	id = world_accept(&w, "me@local", both, 2, "hello\r\n");
	WORLD_WAIT(&w, w.job_count == 1);
	peer = queue_peer_role(w.queue, IPC_ROLE_SMTPOUT);
	first = w.queue->job_number;
	result.job = first;
	result.rcpts = ipc_u16s_make(&number, 1);
	result_receive(w.queue, peer, &result);
	world_ctl(&w, CTL_QUEUE_RETRY, id);
	WORLD_WAIT(&w, w.job_count == 2);
	result_receive(w.queue, peer, &result); /* again: it counts once */
	assert_int_equal(w.queue->index.active_count, 2);
	result_done(w.queue, peer,
		    &(struct ipc_job_done){first}); /* only the other is given back */
	assert_int_equal(w.queue->index.active_count, 1);
	assert_int_equal(w.queue->counters.deferred, 1);
	w.answer = NULL;
	WORLD_WAIT(&w, world_delivered(&w, id, 1) == 1);
	assert_int_equal(w.job_count, 3);
	result.job = first + 1;
	result.verdict.class = VERDICT_OK;
	result_receive(w.queue, peer, &result);
	WORLD_WAIT(&w, world_is_empty(&w));
	assert_int_equal(w.queue->counters.delivered, 2);
	world_end(&w);
}

/* Its worker died before the first attempt ended, and the sender is to be told of delay: it waits
 * quietly, is tried again, and only then tells. */
TEST(nothing_is_told_before_an_attempt)
{
	struct world w;
	uint64_t first;

	world_begin(&w, NULL);
	w.config.delay_notice = CONFIG_DELAY_FIRST_FAILURE;
	w.config.lifetime = 60000;
	world_start(&w);
	w.answer = silent;
	world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.job_count == 1);
	world_disconnect(&w, &w.smtpout);
	WORLD_WAIT(&w, w.queue->index.waiting_count == 1);
	first = heap_first(&w.queue->index.waits)->key;
	assert_true(first > rt_now_ms(w.t.rt)); /* else the loop never sleeps */
	assert_int_equal(w.report_count, 0);
	world_connect(&w, &w.smtpout);
	w.answer = later;
	w.retry_after_s = 3600;
	WORLD_WAIT(&w, w.queue->counters.deferred == 1 && w.report_count == 1);
	world_end(&w);
}

/* A body file that cannot be opened counts as an attempt: in the end the sender hears of it. */
TEST(unreadable_expires)
{
	struct world w;
	char name[128];
	msg_id id;

	world_begin(&w, NULL);
	w.config.lifetime = 60;
	w.config.attempts_min = 1;
	world_start(&w);
	world_disconnect(&w, &w.postoffice);
	id = world_accept_large(&w, "ann@local", 50000);
	WORLD_WAIT(&w, index_find(w.queue, id));
	snprintf(name, sizeof(name), "%s/bodies/%08x.body", w.path, index_find(w.queue, id)->body);
	assert_int_equal(unlink(name), 0);
	world_run_ms(&w, 60);
	w.report_outcome = 2;
	world_connect(&w, &w.postoffice);
	WORLD_WAIT(&w, w.queue->counters.expired == 1);
	assert_int_equal(w.delivery_count, 0);
	world_end(&w);
}

static void *
take_nothing(struct mem *mem, size_t size)
{
	(void)mem;
	(void)size;
	return NULL;
}

struct poor_mem {
	struct mem mem;
	struct mem *rich;
};

static void
give_back(struct mem *mem, void *block, size_t size)
{
	mem_give(CONTAINER_OF(mem, struct poor_mem, mem)->rich, block, size);
}

/* Queue has no memory for a message that was answered 250: it is read when there is some, with its
 * body, and none of its segment is taken for dead meanwhile. */
TEST(no_memory_for_a_message)
{
	struct poor_mem poor = {{take_nothing, give_back}, NULL};
	struct world w;
	msg_id id;

	world_begin(&w, NULL);
	world_start(&w);
	poor.rich = w.queue->mem;
	w.queue->mem = &poor.mem;
	id = world_accept_large(&w, "ann@local", 50000);
	world_run_ms(&w, 50);
	assert_true(world_is_empty(&w));
	assert_true(w.queue->files.starved);
	w.queue->mem = poor.rich;
	WORLD_WAIT(&w, world_delivered(&w, id, 0) == 1 && world_is_empty(&w));
	assert_false(w.queue->files.starved);
	world_end(&w);
}

static struct {
	msg_id id;
	size_t jobs;
} poison;

static uint8_t
not_the_poison(struct world *w, const struct ipc_job *job, uint16_t rcpt)
{
	(void)w;
	(void)rcpt;
	if (job->message != poison.id)
		return VERDICT_OK;
	poison.jobs++;
	return WORLD_SILENT;
}

/* A message whose attempts end with their worker: it waits longer each time, and after three it has
 * the worker for itself, so that no neighbour is delivered twice. Others go before it and after. */
TEST(message_that_kills)
{
	struct queue_peer *peer;
	struct world w;

	world_begin(&w, NULL);
	w.config.lifetime = 60000;
	world_start(&w);
	w.answer = silent;
	poison.id = world_accept(&w, "me@local", to_far, 1, "poison\r\n");
	WORLD_WAIT(&w, w.queue->index.active_count == 1);
	for (unsigned i = 1; i <= 3; i++) {
		uint64_t wait_ms;

		world_disconnect(&w, &w.smtpout);
		assert_int_equal(index_find(w.queue, poison.id)->lost, i);
		wait_ms = index_find(w.queue, poison.id)->rcpts[0].next_ms - rt_now_ms(w.t.rt);
		assert_in_range(wait_ms, (500u << i) - 20, 500u << i);
		world_connect(&w, &w.smtpout);
		if (i == 3)
			world_accept(&w, "me@local", (const char *const[]){"eve@near.test"}, 1,
				     "slow\r\n");
		WORLD_WAIT(&w, w.queue->index.active_count == 1);
		world_ctl(&w, CTL_QUEUE_FLUSH, 0);
		WORLD_WAIT(&w, w.job_count == i + 1);
	}
	/* The slow one has the worker: the other waits for it, and nothing new is put beside it. */
	peer = queue_peer_role(w.queue, IPC_ROLE_SMTPOUT);
	w.answer = not_the_poison;
	world_accept(&w, "me@local", (const char *const[]){"eve@near.test"}, 1, "next\r\n");
	world_run_ms(&w, 50);
	assert_int_equal(poison.jobs, 0);
	assert_int_equal(peer->job_count, 1);
	assert_true(peer->alone == poison.id);
	result_done(w.queue, peer, &(struct ipc_job_done){w.queue->job_number});
	WORLD_WAIT(&w, poison.jobs == 1);
	assert_int_equal(peer->job_count, 1);
	world_ctl(&w, CTL_QUEUE_DELETE, poison.id);
	world_disconnect(&w, &w.smtpout);
	world_connect(&w, &w.smtpout);
	WORLD_WAIT(&w, world_is_empty(&w));
	assert_int_equal(w.delivery_count, 2);
	world_end(&w);
}

TEST(one_place_holds_up_no_other)
{
	struct world w;
	msg_id id;

	world_begin(&w, NULL);
	w.config.destination_concurrency = 2;
	w.config.destination_jobs_ahead = 1;
	world_start(&w);
	w.answer = silent;
	for (int i = 0; i < 10; i++)
		world_accept(&w, "me@local", to_far, 1, "slow\r\n");
	WORLD_WAIT(&w, w.job_count == 2);
	w.answer = NULL;
	id = world_accept(&w, "me@local", (const char *const[]){"eve@near.test"}, 1, "x\r\n");
	WORLD_WAIT(&w, world_delivered(&w, id, 0) == 1);
	assert_int_equal(w.job_count, 3);
	WORLD_WAIT(&w, w.queue->index.active_count == 2);
	world_end(&w);
}

TEST(commands)
{
	struct world w;
	msg_id id;

	world_begin(&w, NULL);
	w.config.lifetime = 60000;
	world_start(&w);
	w.answer = later;
	w.retry_after_s = 3600;
	id = world_accept(&w, "me@local", to_three, 3, "hello\r\n");
	WORLD_WAIT(&w, w.delivery_count == 3);
	world_run_ms(&w, 20);
	world_ctl(&w, CTL_QUEUE_LIST, 0);
	assert_int_equal(w.row_count, 2); /* ann has it */
	assert_true(w.rows[0].message == id);
	assert_string_equal(w.row_rcpts[0], "bob@far.test");
	assert_string_equal(w.row_replies[0], "their own words");
	assert_int_equal(w.rows[0].attempts, 1);
	assert_int_equal(w.rows[0].state, CTL_RCPT_WAITING);
	assert_true(w.rows[0].next_wall_ms > rt_wall_ms(w.t.rt));
	world_ctl(&w, CTL_QUEUE_HOLD, id);
	assert_int_equal(w.done.count, 2);
	world_ctl(&w, CTL_QUEUE_FLUSH, 0);
	assert_int_equal(w.done.count, 0);
	world_ctl(&w, CTL_QUEUE_SHOW, id);
	assert_int_equal(w.rows[0].state, CTL_RCPT_HELD);
	world_ctl(&w, CTL_QUEUE_RELEASE, id);
	WORLD_WAIT(&w, w.delivery_count == 5);
	world_run_ms(&w, 20);
	world_ctl(&w, CTL_QUEUE_RETRY, id);
	assert_int_equal(w.done.count, 2);
	WORLD_WAIT(&w, w.delivery_count == 7);
	world_run_ms(&w, 20);
	world_ctl(&w, CTL_QUEUE_DELETE, id);
	assert_int_equal(w.done.count, 2);
	WORLD_WAIT(&w, world_is_empty(&w));
	assert_int_equal(w.report_count, 0);
	w.is_done = false;
	assert_int_equal(IPC_SEND(w.control.own_side, CTL_TRACE, ctl_trace, .request = 2), 0);
	WORLD_WAIT(&w, w.is_done && w.file_count == 1);
	w.is_done = false;
	assert_int_equal(IPC_SEND(w.control.own_side, CTL_STATUS, ctl_status, .request = 3), 0);
	WORLD_WAIT(&w, w.is_done && w.counter_count > 10);
	assert_int_equal(w.delivered_counted, 1); /* ann's, in some bucket */
	world_end(&w);
}

/* Deleted while a worker has it: not tried again, and a restart does not forget it. */
TEST(delete_during_attempt)
{
	struct world w;
	msg_id id;

	world_begin(&w, NULL);
	world_start(&w);
	w.answer = silent;
	id = world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.job_count == 1);
	world_ctl(&w, CTL_QUEUE_DELETE, id);
	assert_int_equal(w.done.count, 1);
	world_disconnect(&w, &w.smtpout); /* what became of the attempt nobody knows */
	WORLD_WAIT(&w, world_is_empty(&w));
	world_connect(&w, &w.smtpout);

	id = world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.job_count == 2);
	world_ctl(&w, CTL_QUEUE_DELETE, id);
	assert_int_equal(w.done.count, 1);
	world_stop(&w);
	world_start(&w);
	WORLD_WAIT(&w, world_is_empty(&w) && !w.queue->recovery);
	world_run_ms(&w, 50);
	assert_int_equal(w.job_count, 2);
	assert_int_equal(w.report_count, 0);
	world_end(&w);
}

TEST(segments_go)
{
	uint8_t body[3000];
	struct world w;

	memset(body, 'x', sizeof(body) - 1);
	body[sizeof(body) - 1] = 0;
	world_begin(&w, NULL);
	w.config.segment_size_max = 20000;
	world_start(&w);
	for (int i = 0; i < 60; i++)
		world_accept(&w, "me@local", to_ann, 1, (const char *)body);
	WORLD_WAIT(&w, world_is_empty(&w) && w.delivery_count == 60);
	/* Two each for smtpin and bounce; all that were full have gone. */
	WORLD_WAIT(&w, world_files(&w, "segments") == 4);
	assert_int_equal(w.delivery_count, 60);
	world_end(&w);
}

TEST(no_room)
{
	struct world w;

	world_begin(&w, NULL);
	world_start(&w);
	w.config.disk_reserve = (uint64_t)1 << 60;
	WORLD_WAIT(&w, spool_writer_ready(w.smtpin.writer) == -ENOSPC);
	w.config.disk_reserve = 1 << 20;
	WORLD_WAIT(&w, spool_writer_ready(w.smtpin.writer) == 0);
	w.config.queue_recipients_max = 0;
	WORLD_WAIT(&w, spool_writer_ready(w.smtpin.writer) == -ENOSPC);
	world_end(&w);
}

/* Both have no room for the other reason; the disk goes first. Whoever missed the change is told
 * again. */
TEST(room_is_told_again)
{
	struct queue_peer *peer;
	struct world w;

	world_begin(&w, NULL);
	world_start(&w);
	w.config.disk_reserve = (uint64_t)1 << 60;
	w.queue->journal.broken = true;
	WORLD_WAIT(&w, spool_writer_ready(w.smtpin.writer) == -ENOSPC);
	w.queue->journal.broken = false;
	w.config.disk_reserve = 1 << 20;
	WORLD_WAIT(&w, w.queue->refuse == 0 && spool_writer_ready(w.smtpin.writer) == 0);
	peer = queue_peer_role(w.queue, IPC_ROLE_SMTPIN);
	w.smtpin.writer->refuse = 1; /* as if it had missed it */
	peer->knows_room = false;
	WORLD_WAIT(&w, spool_writer_ready(w.smtpin.writer) == 0);
	world_end(&w);
}

/* A smtpin that dies with a full hand: what it had is found, and its spares are not kept. */
TEST(writer_dies)
{
	struct world w;
	msg_id id;

	world_begin(&w, NULL);
	world_start(&w);
	w.answer = silent;
	id = world_accept(&w, "me@local", to_ann, 1, "hello\r\n");
	world_disconnect(&w, &w.smtpin);
	spool_writer_destroy(&w.smtpin.writer);
	w.answer = NULL;
	world_disconnect(&w, &w.postoffice);
	world_connect(&w, &w.postoffice);
	WORLD_WAIT(&w, world_delivered(&w, id, 0) == 1 && world_is_empty(&w));
	WORLD_WAIT(&w, world_files(&w, "segments") == 2 && world_files(&w, "bodies") == 2);
	world_connect(&w, &w.smtpin);
	WORLD_WAIT(&w, spool_writer_ready(w.smtpin.writer) == 0);
	world_accept(&w, "me@local", to_ann, 1, "hello\r\n");
	WORLD_WAIT(&w, world_is_empty(&w) && w.delivery_count == 2);
	world_end(&w);
}

/* Queue's answers to what is durable are lost, and then comes nothing new: it is asked again, so
 * that mail is not refused for ever. */
TEST(indexed_is_lost)
{
	struct world w;

	world_begin(&w, NULL);
	world_start(&w);
	w.lose_indexed = true;
	world_accept(&w, "me@local", to_ann, 1, "hello\r\n");
	WORLD_WAIT(&w, world_is_empty(&w));
	assert_int_equal(w.smtpin.writer->mark_count, 1);
	w.lose_indexed = false;
	WORLD_WAIT(&w, w.smtpin.writer->mark_count == 0);
	world_end(&w);
}

/* The message is finished and gone before its job is: a full channel, or a worker that dies. */
TEST(job_outlives_its_message)
{
	struct world w;
	struct ipc_job_result result = {.verdict = {.class = VERDICT_OK}};
	struct queue_peer *peer;
	uint16_t number = 0;

	for (int dies = 0; dies < 2; dies++) {
		world_begin(&w, NULL);
		world_start(&w);
		w.answer = silent;
		world_accept(&w, "me@local", to_far, 1, "hello\r\n");
		WORLD_WAIT(&w, w.queue->index.active_count == 1);
		peer = queue_peer_role(w.queue, IPC_ROLE_SMTPOUT);
		result.job = w.queue->job_number;
		result.rcpts = ipc_u16s_make(&number, 1);
		result_receive(w.queue, peer, &result);
		WORLD_WAIT(&w, world_is_empty(&w));
		result_receive(w.queue, peer, &result);
		if (dies)
			world_disconnect(&w, &w.smtpout);
		else
			result_done(w.queue, peer, &(struct ipc_job_done){result.job});
		WORLD_WAIT(&w, w.queue->jobs.count == 0);
		assert_int_equal(w.queue->counters.delivered, 1);
		world_end(&w);
	}
}

/* Each recipient waits for itself; the notices are one. */
TEST(one_notice_of_delay)
{
	static struct world w;

	world_begin(&w, NULL);
	w.config.delay_notice = CONFIG_DELAY_AFTER;
	w.config.delay_notice_after = 400;
	w.config.lifetime = 3600000;
	world_start(&w);
	w.answer = later;
	w.retry_after_s = 3600;
	world_accept(&w, "me@local", to_three + 1, 2, "hello\r\n");
	WORLD_WAIT(&w, w.queue->counters.deferred == 2);
	WORLD_WAIT(&w, w.report_count == 1);
	world_run_ms(&w, 1500);
	assert_int_equal(w.report_count, 1);
	assert_int_equal(w.report_rcpt_count, 2);
	world_end(&w);
}

TESTS(TEST_ROW(one_notice_of_delay), TEST_ROW(delivered), TEST_ROW(job_outlives_its_message),
      TEST_ROW(indexed_is_lost), TEST_ROW(to_several_places), TEST_ROW(many_messages),
      TEST_ROW(large_body), TEST_ROW(tried_again), TEST_ROW(failure_is_reported),
      TEST_ROW(no_report_for_a_report), TEST_ROW(notify_is_honoured), TEST_ROW(expires),
      TEST_ROW(delay_notice_once), TEST_ROW(bounce_without_an_answer),
      TEST_ROW(bounce_answer_is_lost), TEST_ROW(report_not_needed), TEST_ROW(worker_dies),
      TEST_ROW(workers_die_of_it), TEST_ROW(one_place_holds_up_no_other),
      TEST_ROW(message_that_kills), TEST_ROW(no_memory_for_a_message),
      TEST_ROW(nothing_is_told_before_an_attempt), TEST_ROW(unreadable_expires),
      TEST_ROW(early_result_and_late_end), TEST_ROW(commands), TEST_ROW(delete_during_attempt),
      TEST_ROW(segments_go), TEST_ROW(no_room), TEST_ROW(room_is_told_again), TEST_ROW(writer_dies))
