/*
 * Segments, the disk and memory, between queue and those who write: what is full goes, what is
 * short is said, and what gets lost on the way is said again.
 */
#include "proc/queue/test_world.h"
#include "spool/writer_impl.h"

static const char *const to_ann[] = {"ann@local"};

TEST(segments_go)
{
	struct world w;

	world_begin(&w, NULL);
	w.config.segment_size_max = 20000;
	world_start(&w);
	for (int i = 0; i < 60; i++)
		world_accept_large(&w, "ann@local", 3000);
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

/* As many recipients as there may be: new mail is refused, but not the reports by which those in
 * the queue leave it. */
TEST(reports_have_room)
{
	static const char *const to_far[] = {"bob@far.test"};
	uint64_t free_bytes;
	struct world w;

	world_begin(&w, NULL);
	w.config.queue_recipients_max = 1;
	world_start(&w);
	w.answer = answer_silent;
	world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, spool_writer_ready(w.smtpin.writer) == -ENOSPC);
	assert_int_equal(spool_writer_ready(w.bounce.writer), 0);
	w.answer = answer_far_never;
	world_disconnect(&w, &w.smtpout);
	world_connect(&w, &w.smtpout);
	WORLD_WAIT(&w, w.report_count == 1 && world_is_empty(&w));
	WORLD_WAIT(&w, spool_writer_ready(w.smtpin.writer) == 0);
	/* The disk is for reports down to half of its reserve, then for nobody. */
	assert_int_equal(rt_free_bytes(w.t.rt, w.queue->spool_fd, &free_bytes), 0);
	w.config.disk_reserve = free_bytes + free_bytes / 2;
	WORLD_WAIT(&w, spool_writer_ready(w.smtpin.writer) == -ENOSPC);
	world_run_ms(&w, 50);
	assert_int_equal(spool_writer_ready(w.bounce.writer), 0);
	w.config.disk_reserve = (uint64_t)1 << 60;
	WORLD_WAIT(&w, spool_writer_ready(w.bounce.writer) == -ENOSPC);
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

/* Queue has no memory for a message that was answered 250: it is read when there is some, with its
 * body, and none of its segment is taken for dead meanwhile. */
TEST(no_memory_for_a_message)
{
	struct world w;
	msg_id id;

	world_begin(&w, NULL);
	world_start(&w);
	world_starve(&w, SIZE_MAX);
	id = world_accept_large(&w, "ann@local", 50000);
	world_run_ms(&w, 50);
	assert_true(world_is_empty(&w));
	assert_true(w.queue->files.starved);
	world_starve(&w, 0);
	WORLD_WAIT(&w, world_delivered(&w, id, 0) == 1 && world_is_empty(&w));
	assert_false(w.queue->files.starved);
	world_end(&w);
}

/* A smtpin that dies with a full hand: what it had is found, and its spares are not kept. */
TEST(writer_dies)
{
	struct world w;
	msg_id id;

	world_begin(&w, NULL);
	world_start(&w);
	w.answer = answer_silent;
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

TESTS(TEST_ROW(segments_go), TEST_ROW(no_room), TEST_ROW(reports_have_room),
      TEST_ROW(room_is_told_again), TEST_ROW(no_memory_for_a_message), TEST_ROW(writer_dies),
      TEST_ROW(indexed_is_lost))
