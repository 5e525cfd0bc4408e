/*
 * Files made ahead for writers: what is left of them when making them fails.
 */
#include "proc/queue/test_world.h"

#define TRIES 5

/* smtpin has gone and comes back while queue has no memory for what it makes for it. */
static void
comes_back_starving(struct world *w, size_t size)
{
	size_t segments, bodies;

	world_begin(w, NULL);
	world_start(w);
	world_disconnect(w, &w->smtpin);
	spool_writer_destroy(&w->smtpin.writer);
	WORLD_WAIT(w, world_files(w, "segments") == 2 && world_files(w, "bodies") == 2);
	segments = w->queue->files.segment_count;
	bodies = w->queue->files.bodies.count;
	world_starve(w, size);
	world_connect(w, &w->smtpin);
	world_run_ms(w, 50);
	for (int i = 0; i < TRIES; i++) {
		stock_fill(w->queue);
		world_run_ms(w, 10);
	}
	world_run_ms(w, 200); /* a sweep */
	assert_in_range(w->queue->files.segment_count, segments, segments + 2);
	assert_in_range(w->queue->files.bodies.count, bodies, bodies + 2);
	assert_int_equal(world_files(w, "segments"), w->queue->files.segment_count);
	assert_int_equal(world_files(w, "bodies"), w->queue->files.bodies.count);
	world_starve(w, 0);
	WORLD_WAIT(w, spool_writer_ready(w->smtpin.writer) == 0);
	WORLD_WAIT(w, world_files(w, "segments") == 4 && world_files(w, "bodies") == 4);
	world_end(w);
}

/* A second after the other it is tried again: nothing may be left of a try. */
TEST(no_memory_for_a_segment)
{
	static struct world w;

	comes_back_starving(&w, sizeof(struct queue_segment));
}

TEST(no_memory_for_a_body)
{
	static struct world w;

	comes_back_starving(&w, sizeof(struct queue_body));
}

TESTS(TEST_ROW(no_memory_for_a_segment), TEST_ROW(no_memory_for_a_body))
