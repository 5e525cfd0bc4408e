/*
 * What the sender is told: of failure, of delay, of success; once, and only where it is wanted.
 */
#include "proc/queue/test_world.h"

static const char *const to_far[] = {"bob@far.test"};
static const char *const to_three[] = {"ann@local", "bob@far.test", "eve@near.test"};

TEST(failure_is_reported)
{
	struct world w;
	msg_id id;

	world_begin(&w, NULL);
	world_start(&w);
	w.answer = answer_far_never;
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

TEST(no_report_for_a_report)
{
	struct world w;

	world_begin(&w, NULL);
	world_start(&w);
	w.answer = answer_never; /* the report itself is refused too */
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
	w.answer = answer_never;
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

TEST(expires)
{
	struct world w;

	world_begin(&w, NULL);
	world_start(&w);
	w.answer = answer_far_later;
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
	w.answer = answer_far_later;
	world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.report_count == 1);
	assert_int_equal(w.report_make.kind, SPOOL_REPORT_DELAY);
	WORLD_WAIT(&w, w.report_count == 2 && world_is_empty(&w));
	assert_int_equal(w.report_make.kind, SPOOL_REPORT_FAILURE);
	world_end(&w);
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
	world_defer(&w, answer_far_later);
	world_accept(&w, "me@local", to_three + 1, 2, "hello\r\n");
	WORLD_WAIT(&w, w.queue->counters.deferred == 2);
	WORLD_WAIT(&w, w.report_count == 1);
	world_run_ms(&w, 1500);
	assert_int_equal(w.report_count, 1);
	assert_int_equal(w.report_rcpt_count, 2);
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
	w.answer = answer_silent;
	world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.job_count == 1);
	world_disconnect(&w, &w.smtpout);
	WORLD_WAIT(&w, w.queue->index.waiting_count == 1);
	first = heap_first(&w.queue->index.waits)->key;
	assert_true(first > rt_now_ms(w.t.rt)); /* else the loop never sleeps */
	assert_int_equal(w.report_count, 0);
	world_connect(&w, &w.smtpout);
	world_defer(&w, answer_far_later);
	WORLD_WAIT(&w, w.queue->counters.deferred == 1 && w.report_count == 1);
	world_end(&w);
}

TEST(bounce_without_an_answer)
{
	struct world w;

	world_begin(&w, NULL);
	world_start(&w);
	w.answer = answer_far_never;
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
	w.answer = answer_far_never;
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
	w.answer = answer_far_never;
	w.report_outcome = 2;
	world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.report_rcpt_count == 1 && world_is_empty(&w));
	assert_int_equal(w.report_count, 0);
	world_end(&w);
}

TESTS(TEST_ROW(failure_is_reported), TEST_ROW(no_report_for_a_report), TEST_ROW(notify_is_honoured),
      TEST_ROW(expires), TEST_ROW(delay_notice_once), TEST_ROW(one_notice_of_delay),
      TEST_ROW(nothing_is_told_before_an_attempt), TEST_ROW(bounce_without_an_answer),
      TEST_ROW(bounce_answer_is_lost), TEST_ROW(report_not_needed))
