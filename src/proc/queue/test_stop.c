/*
 * queue is told to stop while it is still finding out what is there.
 */
#include <sys/syscall.h>

#include "proc/queue/recover.h"
#include "proc/queue/test_crash.h"

static const char *const to_far[] = {"bob@far.test"};

/* Syncs do not come back. */
static bool _Atomic held;

int
fsync(int fd)
{
	while (held)
		usleep(1000);
	return (int)syscall(SYS_fsync, fd);
}

static void
stop_in_journals(struct world *w)
{
	world_begin(w, NULL);
	world_start(w);
	world_defer(w, answer_far_later);
	world_accept(w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(w, w->queue->counters.deferred == 1);
	world_stop(w);
	held = true;
	world_open(w);
	world_run_ms(w, 20);
	assert_int_equal(w->queue->phase, QUEUE_JOURNALS);
	assert_true(recover_busy(w->queue));
}

/* There is no super here to be told that queue has stopped: as if it had been. */
static void
stopped(struct world *w)
{
	rt_timer_disarm(&w->queue->stop_timer);
	w->queue->phase = QUEUE_STOPPED;
	held = false;
	WORLD_WAIT(w, !recover_busy(w->queue));
	world_run_ms(w, 20);
	assert_int_equal(w->queue->journal.number, 0);
	assert_int_equal(w->job_count, 1);
	world_end(w);
}

/* No journal is open: nothing is made, read or granted. */
TEST(while_journals_are_read)
{
	static struct world w;

	stop_in_journals(&w);
	queue_process.stop(w.queue);
	world_connect(&w, &w.smtpin); /* wants segments */
	world_run_ms(&w, 200);
	stopped(&w);
}

/* The same when the writers went first, as super ends them: their segments are not read then. */
TEST(when_writers_are_gone)
{
	static struct world w;

	stop_in_journals(&w);
	spool_writer_destroy(&w.smtpin.writer);
	spool_writer_destroy(&w.bounce.writer);
	queue_process.stop(w.queue);
	world_run_ms(&w, 200);
	stopped(&w);
}

TESTS(TEST_ROW(while_journals_are_read), TEST_ROW(when_writers_are_gone))
