/*
 * What comes to lie in mailboxes, byte for byte, and what is said of what cannot: damaged records
 * and bodies, names that lead elsewhere, folders that are in the way or go away.
 */
#include "proc/postoffice/test_world.h"

static const char *const one[] = {"bob@example.test", NULL};

TEST(one_mail)
{
	static uint8_t room[1 << 16];
	struct builder content;
	struct world w;

	world_begin(&w);
	builder_init_fixed(&content, room, sizeof(room));
	world_mail_add(
		&w,
		&(struct world_mail){
			"ann@x.test", one,
			SLICE("Received: y\r\nReturn-Path: <forged@x.test>\r\nSubject: hi\r\n\r\n"),
			SLICE("..dot\r\nline\r\n"), 0});
	world_segment_give(&w);
	world_job_give(&w, 5, 0, 1);
	world_run(&w, 1);
	assert_int_equal(w.result_count, 1);
	assert_int_equal(w.results[0].job, 5);
	assert_int_equal(w.results[0].class, VERDICT_OK);
	assert_int_equal(w.results[0].status.class, 2);
	assert_int_equal(world_mailbox_read(&w, "example.test/bob", "new", &content), 1);
	assert_slice_str(builder_slice(&content),
			 "Return-Path: <ann@x.test>\nDelivered-To: bob@example.test\n"
			 "Received: y\nSubject: hi\n\n.dot\nline\n");
	assert_int_equal(world_mailbox_read(&w, "example.test/bob", "tmp", &content), 0);
	world_end(&w);
}

TEST(no_final_line_end)
{
	static uint8_t room[1 << 16];
	struct builder content;
	struct world w;

	world_begin(&w);
	builder_init_fixed(&content, room, sizeof(room));
	world_mail_add(&w, &(struct world_mail){"", one, SLICE("A: b\r\n\r\n"), SLICE("end\r\n"),
						SPOOL_NO_FINAL_CRLF});
	world_segment_give(&w);
	world_job_give(&w, 1, 0, 1);
	world_run(&w, 1);
	assert_int_equal(world_mailbox_read(&w, "example.test/bob", "new", &content), 1);
	assert_slice_str(builder_slice(&content),
			 "Return-Path: <>\nDelivered-To: bob@example.test\nA: b\n\nend");
	world_end(&w);
}

TEST(large_in_pieces)
{
	static uint8_t room[1 << 20];
	const size_t lines = 20000;
	struct builder content, body;
	struct world w;
	struct slice rest;

	world_begin(&w);
	builder_init_fixed(&content, room, sizeof(room));
	body.data = malloc(1 << 20);
	builder_init_fixed(&body, body.data, 1 << 20);
	for (size_t i = 0; i < lines; i++)
		builder_str(&body, i % 3 ? "line\r\n" : "..line\r\n");
	world_mail_add(&w, &(struct world_mail){"a@x.test", one, SLICE("A: b\r\n\r\n"),
						builder_slice(&body), 0});
	world_segment_give(&w);
	world_job_give(&w, 1, 0, 1);
	world_run(&w, 1);
	assert_int_equal(world_mailbox_read(&w, "example.test/bob", "new", &content), 1);
	rest = builder_slice(&content);
	rest = slice_from(rest, slice_find(rest, SLICE("\n\n")) + 2);
	for (size_t i = 0; i < lines; i++)
		assert_slice_str(slice_cut(&rest, '\n'), i % 3 ? "line" : ".line");
	assert_int_equal(rest.len, 0);
	free(body.data);
	world_end(&w);
}

/* Bodies in a file: whole, damaged, too short; the same where its last line end is left out. */
TEST(body_file)
{
	static const struct {
		const char *file;
		uint16_t flags;
		uint8_t class;
	} rows[] = {
		{".\r\nin the file\r\n", 0, VERDICT_OK},
		{".\r\nin the fire\r\n", 0, VERDICT_LATER},
		{".\r\nin the", 0, VERDICT_LATER},
		{".\r\nin the file\r\n", SPOOL_NO_FINAL_CRLF, VERDICT_OK},
		{".\r\nin the file\rx", SPOOL_NO_FINAL_CRLF, VERDICT_LATER},
		{".\r\nin the file", SPOOL_NO_FINAL_CRLF, VERDICT_LATER},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static uint8_t room[1 << 16];
		struct builder content;
		struct world w;

		world_begin(&w);
		builder_init_fixed(&content, room, sizeof(room));
		world_mail_add(&w, &(struct world_mail){"a@x.test", one, SLICE("A: b\r\n\r\n"),
							SLICE("start\r\n."), rows[i].flags,
							SLICE(".\r\nin the file\r\n")});
		world_segment_give(&w);
		world_body_give(&w, slice_str(rows[i].file));
		world_job_give(&w, 1, 0, 1);
		world_run(&w, 1);
		assert_int_equal(w.results[0].class, rows[i].class);
		assert_int_equal(world_mailbox_read(&w, "example.test/bob", "new", &content),
				 rows[i].class == VERDICT_OK);
		if (rows[i].flags)
			builder_str(&content, "\n"); /* nothing follows but this */
		if (rows[i].class == VERDICT_OK)
			assert_slice_str(builder_slice(&content),
					 "Return-Path: <a@x.test>\nDelivered-To: bob@example.test\n"
					 "A: b\n\nstart\n.\nin the file\n");
		else
			assert_int_equal(
				world_mailbox_read(&w, "example.test/bob", "tmp", &content), 0);
		world_end(&w);
	}
}

TEST(many_at_once)
{
	static const char *const boxes[] = {"a@x.test", "b@x.test", "c@y.test", "a@x.test", NULL};
	static uint8_t room[1 << 16];
	struct builder content;
	struct world w;

	world_begin(&w);
	builder_init_fixed(&content, room, sizeof(room));
	world_mail_add(&w, &(struct world_mail){"s@x.test", boxes, SLICE("A: b\r\n\r\n"),
						SLICE("x\r\n"), 0});
	world_mail_small(&w);
	for (uint64_t job = 1; job <= 20; job++)
		world_job_give(&w, job, job % 2 ? 0 : 1, job % 2 ? 4 : 1);
	world_run(&w, 20);
	assert_int_equal(w.rcpts_told, 10 * 4 + 10);
	for (size_t i = 0; i < w.result_count; i++)
		assert_int_equal(w.results[i].class, VERDICT_OK);
	assert_int_equal(world_mailbox_read(&w, "x.test/a", "new", &content), 20);
	assert_int_equal(world_mailbox_read(&w, "x.test/b", "new", &content), 10);
	assert_int_equal(world_mailbox_read(&w, "y.test/c", "new", &content), 10);
	assert_int_equal(world_mailbox_read(&w, "example.test/bob", "new", &content), 10);
	world_end(&w);
}

/* Loops never come again; what is our own fault is tried again; names cannot leave the root. */
TEST(refusals)
{
	static const char *const boxes[] = {"loop@x.test", "../evil@x.test", "good@x.test", NULL};
	static uint8_t room[1 << 16];
	struct builder content;
	struct world w;
	bool seen[3] = {false};

	world_begin(&w);
	builder_init_fixed(&content, room, sizeof(room));
	world_mail_add(&w, &(struct world_mail){"s@x.test", boxes,
						SLICE("Delivered-To: loop@x.test\r\n\r\n"),
						SLICE("x\r\n"), 0});
	world_segment_give(&w);
	world_job_give(&w, 1, 0, 3);
	world_run(&w, 1);
	assert_int_equal(w.result_count, 3);
	for (size_t i = 0; i < 3; i++) {
		const struct world_result *r = &w.results[i];

		assert_int_equal(r->rcpt_count, 1);
		seen[r->rcpts[0]] = true;
		if (r->rcpts[0] == 0) {
			assert_int_equal(r->class, VERDICT_NEVER);
			assert_int_equal(r->status.detail, 6);
			assert_int_equal(r->cause, VERDICT_CAUSE_NET_OR_ROUTE);
		} else if (r->rcpts[0] == 1) {
			assert_int_equal(r->class, VERDICT_LATER);
			assert_int_equal(r->cause, VERDICT_CAUSE_LOCAL_DELIVERY);
		} else {
			assert_int_equal(r->class, VERDICT_OK);
		}
	}
	assert_true(seen[0] && seen[1] && seen[2]);
	assert_int_equal(world_mailbox_read(&w, "x.test/loop", "new", &content), 0);
	assert_int_equal(world_mailbox_read(&w, "x.test/good", "new", &content), 1);
	assert_int_not_equal(access(w.mail, F_OK), -1);
	world_end(&w);
}

TEST(damaged_record)
{
	struct world w;

	world_begin(&w);
	world_mail_add(&w, &(struct world_mail){"s@x.test", one, SLICE("A: b\r\n\r\n"),
						SLICE("x\r\n"), 0});
	w.segment[w.b.len - 9] ^= 1;
	world_segment_give(&w);
	world_job_give(&w, 1, 0, 1);
	world_run(&w, 1);
	assert_int_equal(w.result_count, 1);
	assert_int_equal(w.results[0].class, VERDICT_LATER);
	world_end(&w);
}

/* Read-only folder: temporary, nothing left in tmp. */
TEST(store_refuses)
{
	int fd;
	struct world w;

	world_begin(&w);
	world_mail_small(&w);
	/* a file where the folder should be: refused for root too */
	assert_int_equal(rt_open_dir(w.t.rt, w.t.dir_fd, "mail", false, &fd), 0);
	close(openat(fd, "example.test", O_CREAT | O_WRONLY, 0600));
	close(fd);
	world_job_give(&w, 1, 0, 1);
	world_run(&w, 1);
	assert_int_equal(w.results[0].class, VERDICT_LATER);
	assert_int_equal(w.results[0].cause, VERDICT_CAUSE_LOCAL_DELIVERY);
	world_end(&w);
}

/* What happens to a mailbox while its folders are open, and how the next delivery ends. */
TEST(folders_go_away)
{
	static const struct {
		const char *path, *new_path; /* below the mailbox; NULL: removed */
		uint8_t class;
	} rows[] = {
		{"Maildir", NULL, VERDICT_OK},
		{"Maildir", "Maildir.old", VERDICT_OK},
		{"Maildir/new", "Maildir/new.old", VERDICT_OK},
		{"Maildir/tmp", NULL, VERDICT_LATER},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static uint8_t room[1 << 16];
		struct builder content;
		char path[256], new_path[256];
		struct world w;

		world_begin(&w);
		builder_init_fixed(&content, room, sizeof(room));
		world_mail_small(&w);
		world_job_give(&w, 1, 0, 1);
		world_run(&w, 1);
		snprintf(path, sizeof(path), "%s/example.test/bob/%s", w.mail, rows[i].path);
		if (rows[i].new_path) {
			snprintf(new_path, sizeof(new_path), "%s/example.test/bob/%s", w.mail,
				 rows[i].new_path);
			assert_int_equal(rename(path, new_path), 0);
		} else {
			world_tree_remove(path);
		}
		world_job_give(&w, 2, 0, 1);
		world_run(&w, 1);
		assert_int_equal(w.results[1].class, rows[i].class);
		world_job_give(&w, 3, 0, 1);
		world_run(&w, 1);
		assert_int_equal(w.results[2].class, VERDICT_OK);
		assert_int_equal(world_mailbox_read(&w, "example.test/bob", "new", &content), 2);
		world_end(&w);
	}
}

TESTS(TEST_ROW(one_mail), TEST_ROW(no_final_line_end), TEST_ROW(large_in_pieces),
      TEST_ROW(body_file), TEST_ROW(many_at_once), TEST_ROW(refusals), TEST_ROW(damaged_record),
      TEST_ROW(store_refuses), TEST_ROW(folders_go_away))
