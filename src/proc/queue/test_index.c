/*
 * The index: what a recipient costs, states and counts, walks over messages that go meanwhile.
 */
#include "proc/queue/test_world.h"

#define MANY 100000
#define RCPT_BYTES_MAX 256

static struct queue_segment *
segment_of(struct queue *queue)
{
	int fd;

	assert_int_equal(rt_dup(queue->rt, queue->lock_fd, &fd), 0);
	return segment_add(queue, 1000, fd, 1);
}

static struct queue_msg *
msg_of(struct queue *queue, struct queue_segment *segment, msg_id id, uint16_t rcpt_count)
{
	struct queue_msg *msg = index_add(queue, id, rcpt_count);

	assert_non_null(msg);
	for (size_t i = 0; i < rcpt_count; i++) {
		msg->rcpts[i].dest = index_dest(queue, SPOOL_RCPT_REMOTE, SLICE("far.test"));
		assert_non_null(msg->rcpts[i].dest);
	}
	segment_place(queue, segment, msg);
	return msg;
}

static void
msg_end(struct queue *queue, struct queue_msg *msg)
{
	for (size_t i = 0; i < msg->rcpt_count; i++)
		index_set(queue, &msg->rcpts[i], RCPT_FINISHED);
	segment_let_go(queue, msg);
	index_remove(queue, msg);
}

/* No deliverers: nothing is granted behind the tests' back. */
static void
quiet_world(struct world *w)
{
	world_begin(w, NULL);
	world_start(w);
	world_disconnect(w, &w->smtpout);
	world_disconnect(w, &w->postoffice);
}

TEST(a_recipient_costs)
{
	static struct world w;
	struct queue_segment *segment;
	size_t before, bytes;

	quiet_world(&w);
	segment = segment_of(w.queue);
	before = rt_mem_used_bytes(w.t.rt);
	for (msg_id id = 1; id <= MANY; id++) {
		struct queue_msg *msg = msg_of(w.queue, segment, id, 1);

		index_wait(w.queue, &msg->rcpts[0], UINT64_MAX, UINT64_MAX);
	}
	bytes = (rt_mem_used_bytes(w.t.rt) - before) / MANY;
	assert_int_equal(w.queue->index.waiting_count, MANY);
	/* Blocks of malloc cost up to 16 bytes more, once per message. */
	assert_in_range(bytes, sizeof(struct queue_msg), RCPT_BYTES_MAX - 16);
	for (msg_id id = 1; id <= MANY; id++)
		msg_end(w.queue, index_find(w.queue, id));
	assert_int_equal(w.queue->index.rcpt_count, 0);
	assert_int_equal(w.queue->index.dests.count, 0);
	world_end(&w);
}

TEST(states_and_counts)
{
	static struct world w;
	struct queue_segment *segment;
	struct queue_rcpt *rcpt;
	struct queue_msg *msg;

	quiet_world(&w);
	segment = segment_of(w.queue);
	msg = msg_of(w.queue, segment, 7, 3);
	rcpt = &msg->rcpts[1];
	assert_ptr_equal(index_msg_of(rcpt), msg);
	assert_ptr_equal(index_find(w.queue, 7), msg);
	assert_null(index_find(w.queue, 8));
	index_ready(w.queue, rcpt);
	assert_int_equal(rcpt->dest->turn.ready, 1);
	index_set(w.queue, rcpt, RCPT_ACTIVE);
	assert_int_equal(rcpt->dest->turn.ready, 0);
	assert_int_equal(msg->active, 1);
	index_wait(w.queue, rcpt, 100, 50);
	assert_int_equal(msg->active, 0);
	assert_int_equal(heap_first(&w.queue->index.waits)->key, 50);
	index_park(w.queue, rcpt); /* held */
	rcpt->flags |= RCPT_HELD;
	assert_null(heap_first(&w.queue->index.waits));
	index_set(w.queue, rcpt, RCPT_FINISHED);
	assert_int_equal(msg->open, 2);
	msg_end(w.queue, msg);
	world_end(&w);
}

TEST(walk_over_what_goes)
{
	static struct world w;
	struct queue_segment *segment;
	struct queue_walk walk;
	struct queue_msg *msg;
	size_t count = 0;

	quiet_world(&w);
	segment = segment_of(w.queue);
	for (msg_id id = 1; id <= 10; id++)
		msg_of(w.queue, segment, id, 1);
	walk_begin(w.queue, &walk);
	while ((msg = walk_next(w.queue, &walk))) {
		msg_id next = msg->id + 1;

		count++;
		msg_end(w.queue, msg);
		if (next <= 10 && index_find(w.queue, next))
			msg_end(w.queue, index_find(w.queue, next)); /* the next one too */
	}
	assert_int_equal(count, 5);
	walk_end(&walk);
	assert_int_equal(w.queue->index.msgs.count, 0);
	world_end(&w);
}

TEST(names_of_files)
{
	char name[QUEUE_NAME_BYTES];
	uint32_t number = 0;

	queue_name(name, 0x2a, "seg");
	assert_string_equal(name, "0000002a.seg");
	assert_true(queue_name_parse("0000002a.seg", "seg", &number));
	assert_int_equal(number, 0x2a);
	assert_false(queue_name_parse("0000002A.seg", "seg", &number));
	assert_false(queue_name_parse("0000002a.body", "seg", &number));
	assert_false(queue_name_parse("000002a.seg", "seg", &number));
	assert_false(queue_name_parse("00000000.seg", "seg", &number));
	assert_false(queue_name_parse("ffffffff.seg", "seg", &number));
	assert_false(queue_name_parse("", "seg", &number));
}

TESTS(TEST_ROW(a_recipient_costs), TEST_ROW(states_and_counts), TEST_ROW(walk_over_what_goes),
      TEST_ROW(names_of_files))
