/*
 * Accepted, delivered, tried again; also when the workers die, of the mail or otherwise, and when
 * what they say comes late.
 */
#include "proc/queue/result.h"
#include "proc/queue/test_world.h"

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
answer_second_time(struct world *w, const struct ipc_job *job, uint16_t rcpt)
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
	w.answer = answer_second_time;
	start_ms = rt_now_ms(w.t.rt);
	id = world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, world_delivered(&w, id, 0) == 1 && world_is_empty(&w));
	assert_true(rt_now_ms(w.t.rt) - start_ms >= 50);
	assert_int_equal(w.delivery_count, 2);
	assert_int_equal(w.queue->counters.deferred, 1);
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

TEST(one_place_holds_up_no_other)
{
	struct world w;
	msg_id id;

	world_begin(&w, NULL);
	w.config.destination_concurrency = 2;
	w.config.destination_jobs_ahead = 1;
	world_start(&w);
	w.answer = answer_silent;
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

TEST(worker_dies)
{
	struct world w;
	msg_id id;

	world_begin(&w, NULL);
	world_start(&w);
	w.answer = answer_silent;
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
	w.answer = answer_silent;
	id = world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.job_count == 1);
	index_find(w.queue, id)->lost = RESULT_LOST_MAX;
	world_disconnect(&w, &w.smtpout);
	assert_int_equal(w.queue->counters.deferred, 1);
	assert_int_equal(index_find(w.queue, id)->rcpts[0].attempts, 1);
	world_end(&w);
}

static struct {
	msg_id id;
	size_t jobs;
} poison;

static uint8_t
answer_all_but_the_poison(struct world *w, const struct ipc_job *job, uint16_t rcpt)
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
	w.answer = answer_silent;
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
	w.answer = answer_all_but_the_poison;
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
	w.answer = answer_silent;
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
		w.answer = answer_silent;
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

static uint8_t
answer_slower(struct world *w, const struct ipc_job *job, uint16_t rcpt)
{
	(void)w;
	(void)job;
	(void)rcpt;
	return WORLD_SLOWER;
}

/* Whoever wants us to come more slowly gets half as much at once, whatever was under way says it
 * again, and one more for each delivery. */
TEST(slower)
{
	struct queue_dest *dest;
	struct world w;
	msg_id id;

	world_begin(&w, NULL);
	w.config.lifetime = 60000;
	w.config.destination_concurrency = 20;
	w.config.destination_jobs_ahead = 2;
	world_start(&w);
	world_defer(&w, answer_slower);
	id = world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.queue->counters.deferred == 1);
	dest = index_find(w.queue, id)->rcpts[0].dest;
	assert_int_equal(dest->turn.limit, 20);
	dest->paced_at = UINT64_MAX; /* as if it had been granted before */
	world_ctl(&w, CTL_QUEUE_FLUSH, 0);
	WORLD_WAIT(&w, w.queue->counters.deferred == 2);
	assert_int_equal(dest->turn.limit, 20);
	world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.queue->counters.deferred == 3);
	w.answer = NULL;
	world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.queue->counters.delivered == 1);
	assert_int_equal(dest->turn.limit, 21);
	world_end(&w);
}

TESTS(TEST_ROW(delivered), TEST_ROW(to_several_places), TEST_ROW(many_messages),
      TEST_ROW(large_body), TEST_ROW(tried_again), TEST_ROW(unreadable_expires),
      TEST_ROW(one_place_holds_up_no_other), TEST_ROW(worker_dies), TEST_ROW(workers_die_of_it),
      TEST_ROW(message_that_kills), TEST_ROW(early_result_and_late_end),
      TEST_ROW(job_outlives_its_message), TEST_ROW(slower))
