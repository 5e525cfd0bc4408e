/*
 * What an administrator does to messages, also in odd states, and what others may not do to
 * reports.
 */
#include "proc/queue/report.h"
#include "proc/queue/result.h"
#include "proc/queue/test_crash.h"

static const char *const to_far[] = {"bob@far.test"};

TEST(commands)
{
	static const char *const three[] = {"ann@local", "bob@far.test", "eve@near.test"};
	char name[128], hidden[160];
	struct world w;
	msg_id id;

	world_begin(&w, NULL);
	w.config.lifetime = 60000;
	world_start(&w);
	world_defer(&w, answer_far_later);
	id = world_accept(&w, "me@local", three, 3, "hello\r\n");
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
	/* A file that cannot be opened is told: half a story is none. */
	snprintf(name, sizeof(name), "%s/journal/%08x.journal", w.path, w.queue->journal.number);
	snprintf(hidden, sizeof(hidden), "%s.hidden", name);
	assert_int_equal(rename(name, hidden), 0);
	w.is_done = false;
	assert_int_equal(IPC_SEND(w.control.own_side, CTL_TRACE, ctl_trace, .request = 2), 0);
	WORLD_WAIT(&w, w.is_done);
	assert_int_equal(w.done.exit, 69);
	assert_int_equal(rename(hidden, name), 0);
	w.is_done = false;
	assert_int_equal(IPC_SEND(w.control.own_side, CTL_STATUS, ctl_status, .request = 3), 0);
	WORLD_WAIT(&w, w.is_done && w.counter_count > 10);
	assert_int_equal(w.delivered_counted, 1); /* ann's, in some bucket */
	world_end(&w);
}

/* A message whose record cannot be read is listed, held and deleted like any other. */
TEST(unreadable_record_is_listed)
{
	struct world w;
	char name[128];
	msg_id id;

	world_begin(&w, NULL);
	w.config.lifetime = 60000;
	world_start(&w);
	world_defer(&w, answer_far_later);
	id = world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.queue->counters.deferred == 1);
	crash_segment_path(w.path, msg_id_segment(id), name, sizeof(name));
	crash_file_damage(name, SPOOL_FILE_HEAD_BYTES + SPOOL_HEAD_BYTES + 20, 20);
	world_ctl(&w, CTL_QUEUE_LIST, 0);
	assert_int_equal(w.row_count, 1);
	assert_string_equal(w.row_rcpts[0], "(unreadable)");
	assert_string_equal(w.row_replies[0], "their own words");
	world_ctl(&w, CTL_QUEUE_HOLD, id);
	assert_int_equal(w.done.count, 1);
	world_ctl(&w, CTL_QUEUE_DELETE, id);
	assert_int_equal(w.done.count, 1);
	WORLD_WAIT(&w, world_is_empty(&w));
	world_end(&w);
}

/* Deleted while a worker has it: not tried again, and a restart does not forget it. */
TEST(delete_during_attempt)
{
	struct world w;
	msg_id id;

	world_begin(&w, NULL);
	world_start(&w);
	w.answer = answer_silent;
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

/* bounce cannot make the report: the recipient can be deleted, also over a restart. */
TEST(delete_of_what_is_reported)
{
	struct world w;
	msg_id id;

	world_begin(&w, NULL);
	world_start(&w);
	w.answer = answer_far_never;
	w.bounce_silent = true;
	id = world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.report_rcpt_count == 1);
	world_ctl(&w, CTL_QUEUE_DELETE, id);
	assert_int_equal(w.done.count, 1);
	WORLD_WAIT(&w, world_is_empty(&w));
	w.bounce_silent = false;
	world_stop(&w);
	world_start(&w);
	WORLD_WAIT(&w, world_is_empty(&w));
	world_run_ms(&w, 50);
	assert_int_equal(w.report_count, 0);
	world_end(&w);
}

/* What is carried of a deleted recipient says that it is deleted. */
TEST(deleted_is_the_last_word)
{
	static const char *const both[] = {"bob@far.test", "eve@far.test"};
	struct journal_result last;
	const uint16_t number = 0;
	struct queue_msg *msg;
	struct arena arena;
	struct world w;

	world_begin(&w, NULL);
	w.config.lifetime = 60000;
	world_start(&w);
	world_defer(&w, answer_far_later);
	world_accept(&w, "me@local", both, 2, "hello\r\n");
	WORLD_WAIT(&w, w.queue->counters.deferred == 2);
	msg = index_find(w.queue, w.last_id);
	result_delete(w.queue, msg, &number, 1, RESULT_DELETED);
	arena_init(&arena, rt_mem(w.t.rt), 65536);
	assert_int_equal(journal_last_result(w.queue, &msg->rcpts[0], &arena, &last), 0);
	assert_int_equal(last.state, JOURNAL_DELETED);
	/* A place where something is said about somebody else gives nothing. */
	msg->rcpts[1].verdict_file = msg->rcpts[0].verdict_file;
	msg->rcpts[1].verdict_at = msg->rcpts[0].verdict_at;
	assert_int_equal(journal_last_result(w.queue, &msg->rcpts[1], &arena, &last),
			 ERR_NOT_FOUND);
	arena_finish(&arena);
	world_end(&w);
}

/* A smtpin that was taken over names the key of a report under way: it is mail like any other. */
TEST(key_of_a_report_in_mail)
{
	const struct spool_rcpt rcpt = {
		SLICE("ann@local"), {NULL, 0}, 0, SPOOL_RCPT_LOCAL, SLICE("ann@local")};
	struct spool_accept accept = {.flags = SPOOL_REPORT, .rcpts = &rcpt, .rcpt_count = 1};
	struct spool_draft *draft;
	struct world w;
	size_t before;

	world_begin(&w, NULL);
	world_start(&w);
	w.answer = answer_far_never;
	w.bounce_silent = true;
	world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.report_rcpt_count == 1);
	accept.report_key = w.report_make.key;
	accept.report_kind = w.report_make.kind;
	before = w.accepted_count;
	assert_int_equal(spool_draft_begin(w.smtpin.writer, 0, &draft), 0);
	world_commit(&w, &draft, &accept);
	WORLD_WAIT(&w, w.accepted_count > before);
	WORLD_WAIT(&w, world_delivered(&w, w.last_id, 0) == 1);
	assert_non_null(report_find(w.queue, accept.report_key));
	assert_int_equal(w.queue->counters.reports, 0);
	world_end(&w);
}

/* No smtpout, and more places than a round looks at: local mail goes. */
TEST(many_that_cannot_be_served)
{
	static const char *const to_ann[] = {"ann@local"};
	char address[32];
	const char *const rcpts[] = {address};
	struct world w;
	msg_id id;

	world_begin(&w, NULL);
	world_start(&w);
	world_disconnect(&w, &w.smtpout);
	for (int i = 0; i < 150; i++) {
		snprintf(address, sizeof(address), "bob@far%d.test", i);
		world_accept(&w, "me@local", rcpts, 1, "hello\r\n");
	}
	world_run_ms(&w, 50);
	id = world_accept(&w, "me@local", to_ann, 1, "hello\r\n");
	WORLD_WAIT(&w, world_delivered(&w, id, 0) == 1);
	world_run_ms(&w, 20);
	assert_false(rt_timer_armed(&w.queue->grant_timer)); /* it rests */
	world_connect(&w, &w.smtpout);
	WORLD_WAIT(&w, world_is_empty(&w) && w.delivery_count == 151);
	world_end(&w);
}

static size_t
rows_of(struct world *w, const char *sender, const char *rcpt, const char *destination)
{
	w->row_count = 0;
	w->is_done = false;
	assert_int_equal(IPC_SEND(w->control.own_side, CTL_QUEUE, ctl_queue, .request = 1,
				  .verb = CTL_QUEUE_LIST, .sender = slice_str(sender),
				  .rcpt = slice_str(rcpt), .destination = slice_str(destination)),
			 0);
	WORLD_WAIT(w, w->is_done);
	return w->row_count;
}

/* Each filter finds all that fit, in any case, and nothing else: also among many, of which some
 * agree in what the index keeps of an address. */
TEST(filters)
{
	struct world w;
	char text[32];

	world_begin(&w, NULL);
	w.config.lifetime = 60000;
	world_start(&w);
	world_defer(&w, answer_far_later);
	for (int i = 0; i < 30; i++) {
		const char *rcpts[] = {text, "eve@near.test"};

		snprintf(text, sizeof(text), "r%d@far.test", i);
		world_accept(&w, i % 3 ? "me@local" : "Other@local", rcpts, 2, "hello\r\n");
	}
	WORLD_WAIT(&w, w.delivery_count == 60);
	world_run_ms(&w, 20);
	assert_int_equal(rows_of(&w, "", "", ""), 60);
	assert_int_equal(rows_of(&w, "me@local", "", ""), 40);
	assert_int_equal(rows_of(&w, "other@LOCAL", "", ""), 20);
	assert_int_equal(rows_of(&w, "nobody@local", "", ""), 0);
	for (int i = 0; i < 30; i++) {
		snprintf(text, sizeof(text), "R%d@far.test", i);
		assert_int_equal(rows_of(&w, "", text, ""), 1);
		assert_int_equal(rows_of(&w, "me@local", text, ""), i % 3 ? 1 : 0);
		assert_int_equal(rows_of(&w, "", text, "near.test"), 0);
	}
	assert_int_equal(rows_of(&w, "", "eve@near.test", "NEAR.test"), 30);
	assert_int_equal(rows_of(&w, "other@local", "", "far.test"), 10);
	world_end(&w);
}

/* A page: so many rows behind that message. */
static size_t
page(struct world *w, uint32_t limit, msg_id after)
{
	w->row_count = 0;
	w->is_done = false;
	assert_int_equal(IPC_SEND(w->control.own_side, CTL_QUEUE, ctl_queue, .request = 1,
				  .verb = CTL_QUEUE_LIST, .limit = limit, .after = after),
			 0);
	WORLD_WAIT(w, w->is_done);
	return w->row_count;
}

/* A list that is cut says so; page after page shows each message once, also where one with an older
 * id stands behind others, as after it was moved. */
TEST(pages)
{
	msg_id ids[3], after = 0;
	struct queue_segment *segment;
	struct queue_msg *moved;
	struct world w;

	world_begin(&w, NULL);
	w.config.lifetime = 60000;
	world_start(&w);
	world_defer(&w, answer_far_later);
	for (size_t i = 0; i < 3; i++)
		ids[i] = world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.queue->counters.deferred == 3);
	assert_int_equal(page(&w, 3, 0), 3);
	assert_int_equal(w.done.count, 3);
	assert_int_equal(page(&w, 2, 0), 2);
	assert_int_equal(w.done.count, 3); /* one more than it has */
	moved = index_find(w.queue, ids[0]);
	segment = moved->segment;
	segment_let_go(w.queue, moved);
	segment_place(w.queue, segment, moved); /* behind the others */
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(page(&w, 1, after), 1);
		assert_int_equal(w.done.count, i == 2 ? 1 : 2);
		after = w.rows[0].message;
		assert_true(after == ids[(i + 1) % 3]);
	}
	assert_int_equal(page(&w, 1, after), 0);
	/* What was shown last is gone: from where it was. */
	world_ctl(&w, CTL_QUEUE_DELETE, ids[1]);
	assert_int_equal(page(&w, 3, ids[1]), 2);
	world_end(&w);
}

#define MANY 950

/* More than a channel takes at once, of one message: it comes all the same, and no page cuts it. */
TEST(many_recipients)
{
	static struct spool_rcpt rcpts[MANY];
	static char sender[300], reply[VERDICT_REPLY_MAX];
	struct spool_accept accept = {.rcpts = rcpts, .rcpt_count = MANY};
	struct spool_draft *draft;
	struct world w;
	msg_id id, other;

	world_begin(&w, NULL);
	w.config.lifetime = 60000;
	world_start(&w);
	world_defer(&w, answer_far_later);
	memset(sender, 'x', sizeof(sender));
	memset(reply, 'y', sizeof(reply));
	w.reply = slice_of(reply, sizeof(reply));
	for (size_t i = 0; i < MANY; i++)
		rcpts[i] = (struct spool_rcpt){.address = SLICE("bob@far.test"),
					       .kind = SPOOL_RCPT_REMOTE,
					       .target = SLICE("far.test")};
	accept.sender = slice_of(sender, sizeof(sender));
	accept.accepted_wall_ms = rt_wall_ms(w.t.rt);
	assert_int_equal(spool_draft_begin(w.smtpin.writer, 0, &draft), 0);
	world_commit(&w, &draft, &accept);
	WORLD_WAIT(&w, w.queue->counters.deferred == MANY);
	id = w.last_id;
	other = world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.queue->counters.deferred == MANY + 1);
	world_ctl(&w, CTL_QUEUE_SHOW, id);
	assert_int_equal(w.done.exit, 0);
	assert_int_equal(w.row_count, MANY);
	assert_int_equal(page(&w, 1, 0), MANY);
	assert_int_equal(w.done.count, MANY + 1);
	assert_int_equal(page(&w, 1, id), 1);
	assert_true(w.rows[0].message == other);
	world_end(&w);
}

TESTS(TEST_ROW(commands), TEST_ROW(pages), TEST_ROW(many_recipients),
      TEST_ROW(delete_during_attempt), TEST_ROW(unreadable_record_is_listed), TEST_ROW(filters),
      TEST_ROW(delete_of_what_is_reported), TEST_ROW(deleted_is_the_last_word),
      TEST_ROW(key_of_a_report_in_mail), TEST_ROW(many_that_cannot_be_served))
