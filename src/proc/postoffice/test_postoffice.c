/*
 * postoffice alone, with this test in place of boot and queue: messages lie in a segment that the
 * test wrote, jobs are sent over a real channel, mailboxes are read back from disk.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "proc/postoffice/postoffice.h"
#include "rt/test_rt.h"
#include "wire/spool/record.h"
#include "wire/verdict/cause.h"

#define SECRET 815
#define RESULTS_MAX 512
#define SEGMENT_MAX ((size_t)4 << 20)
#define FILLING_JOB 999999 /* of results that only fill the channel */

struct result {
	uint64_t job;
	uint16_t rcpts[64];
	size_t rcpt_count;
	uint8_t class;
	struct verdict_status status;
	uint16_t cause;
};

struct world {
	struct test_rt t;
	struct boot boot;
	int log_fd;
	struct arena arena;
	struct config config;
	void *state;
	struct ipc_channel *near, *far; /* postoffice's end, queue's end */
	uint8_t *segment;
	struct builder b;
	uint64_t offsets[8];
	uint32_t lengths[8];
	size_t record_count;
	struct result results[RESULTS_MAX];
	size_t result_count, done_count, done_wanted, rcpts_told;
	size_t filling;
	bool stopped;
	char mail[96];
};

static struct world *the_world; /* for boot_stopped, which knows only boot */

void
boot_stopped(struct boot *boot)
{
	assert_ptr_equal(boot, &the_world->boot);
	the_world->stopped = true;
	rt_stop(boot->rt);
}

static void
queue_receive(void *ctx, struct ipc_channel *from, struct ipc_message *message)
{
	struct world *w = ctx;

	(void)from;
	if ((message->type == IPC_JOB_RESULT && message->u.job_result.job == FILLING_JOB) ||
	    (message->type == IPC_JOB_DONE && message->u.job_done.job == FILLING_JOB)) {
		w->filling--;
	} else if (message->type == IPC_JOB_RESULT) {
		const struct ipc_job_result *got = &message->u.job_result;
		struct result *result = &w->results[w->result_count++];

		assert_true(w->result_count < RESULTS_MAX);
		result->job = got->job;
		result->rcpt_count = got->rcpts.count;
		for (size_t i = 0; i < got->rcpts.count && i < 64; i++)
			result->rcpts[i] = ipc_u16s_at(got->rcpts, i);
		result->class = got->verdict.class;
		result->status = got->verdict.status;
		result->cause = got->verdict.cause;
		w->rcpts_told += got->rcpts.count;
		assert_int_equal(got->verdict.stage, VERDICT_STAGE_LOCAL);
	} else {
		assert_int_equal(message->type, IPC_JOB_DONE);
		if (++w->done_count == w->done_wanted)
			rt_stop(w->t.rt);
	}
}

static void
near_receive(void *ctx, struct ipc_channel *from, struct ipc_message *message)
{
	postoffice_process.receive(((struct world *)ctx)->state, from, message);
}

static void
on_closed(void *ctx, struct ipc_channel *channel, int err)
{
	(void)ctx;
	(void)channel;
	(void)err;
}

static void
channels_open(struct world *w)
{
	struct ipc_events near_events = {.ctx = w, .receive = near_receive, .closed = on_closed};
	struct ipc_events far_events = {.ctx = w, .receive = queue_receive, .closed = on_closed};
	struct ipc_ends near_ends = {.self = IPC_ROLE_POSTOFFICE, .peer = IPC_ROLE_QUEUE};
	struct ipc_ends far_ends = {.self = IPC_ROLE_QUEUE, .peer = IPC_ROLE_POSTOFFICE};
	int fds[2];

	assert_int_equal(rt_channel_pair(w->t.rt, fds), 0);
	assert_int_equal(ipc_channel_create(w->t.rt, fds[0], &near_ends, &near_events, &w->near),
			 0);
	assert_int_equal(ipc_channel_create(w->t.rt, fds[1], &far_ends, &far_events, &w->far), 0);
	postoffice_process.channel(w->state, w->near);
}

static void
mail_dir_give(struct world *w)
{
	int fd;

	assert_int_equal(rt_open_dir(w->t.rt, w->t.dir_fd, "mail", true, &fd), 0);
	postoffice_process.dir(w->state, SLICE("mail"), fd);
}

/* Without a folder for mail, yet. */
static void
begin_bare(struct world *w)
{
	struct spool_file_head head = {.kind = SPOOL_FILE_SEGMENT, .number = 1, .secret = SECRET};

	memset(w, 0, sizeof(*w));
	the_world = w;
	test_rt_begin(&w->t);
	test_rt_folder(&w->t);
	arena_init(&w->arena, rt_mem(w->t.rt), CONFIG_ARENA_BYTES);
	assert_int_equal(config_defaults(&w->arena, &w->config), 0);
	w->config.hostname = SLICE("mail.example.test");
	w->boot = (struct boot){.rt = w->t.rt, .config = &w->config, .role = IPC_ROLE_POSTOFFICE};
	w->log_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	assert_int_equal(log_create(w->t.rt, "postoffice", w->log_fd, &w->boot.log), 0);
	w->segment = calloc(1, SEGMENT_MAX);
	builder_init_fixed(&w->b, w->segment, SEGMENT_MAX);
	spool_file_head_encode(&w->b, &head);
	assert_int_equal(postoffice_process.create(&w->boot, &w->state), 0);
	snprintf(w->mail, sizeof(w->mail), "%s/mail", w->t.path);
	channels_open(w);
	postoffice_process.start(w->state);
}

static void
begin(struct world *w)
{
	begin_bare(w);
	mail_dir_give(w);
}

/* Depth-first, by the names in the folder. */
static void
tree_remove(const char *path)
{
	struct dirent *entry;
	DIR *dir = opendir(path);
	char name[600];

	while (dir && (entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		if (unlink(name) < 0)
			tree_remove(name);
	}
	if (dir)
		closedir(dir);
	assert_int_equal(rmdir(path), 0);
}

static void
end(struct world *w)
{

	if (!w->stopped) {
		postoffice_process.stop(w->state);
		if (!w->stopped)
			test_rt_run(&w->t);
	}
	assert_true(w->stopped);
	postoffice_process.destroy(&w->state);
	ipc_channel_destroy(&w->near);
	ipc_channel_destroy(&w->far);
	log_destroy(&w->boot.log);
	close(w->log_fd);
	arena_finish(&w->arena);
	free(w->segment);
	if (access(w->mail, F_OK) == 0)
		tree_remove(w->mail);
	test_rt_end(&w->t);
}

/* Content: header (with its empty line) and body as they travel. */
struct mail {
	const char *sender;
	const char *const *targets;
	struct slice header, body;
	uint16_t flags;
	struct slice file; /* what lies in body file 9 */
};

static size_t
mail_add(struct world *w, const struct mail *mail)
{
	struct slice header = mail->header, body = mail->body;
	const char *const *targets = mail->targets;
	static struct spool_rcpt rcpts[100];
	static uint8_t meta_room[1 << 16];
	struct spool_accept accept = {.id = 100 + w->record_count,
				      .sender = slice_str(mail->sender),
				      .flags = mail->flags,
				      .rcpts = rcpts,
				      .header_len = (uint32_t)header.len,
				      .inline_len = (uint32_t)(header.len + body.len),
				      .size_bytes = header.len + body.len};
	struct spool_head head = {
		.kind = SPOOL_RECORD_ACCEPT, .sequence = w->record_count + 1, .id = accept.id};
	struct builder meta, content;
	size_t begin = w->b.len, pad;

	for (; targets[accept.rcpt_count]; accept.rcpt_count++)
		rcpts[accept.rcpt_count] =
			(struct spool_rcpt){.address = slice_str(targets[accept.rcpt_count]),
					    .kind = SPOOL_RCPT_LOCAL,
					    .target = slice_str(targets[accept.rcpt_count])};
	if (mail->file.len) {
		accept.body = (struct spool_body){
			.file = 9, .file_bytes = mail->file.len, .sum = spool_sum(0, mail->file)};
		accept.size_bytes += mail->file.len;
	}
	builder_init_fixed(&meta, meta_room, sizeof(meta_room));
	spool_meta_encode(&meta, &accept);
	content.data = calloc(1, header.len + body.len + 8);
	builder_init_fixed(&content, content.data, header.len + body.len + 8);
	builder_add(&content, header);
	builder_add(&content, body);
	pad = (SPOOL_ALIGN - (SPOOL_HEAD_BYTES + meta.len + content.len) % SPOOL_ALIGN) %
	      SPOOL_ALIGN;
	builder_bytes(&content, "\0\0\0\0\0\0\0", pad);
	head.meta_length = (uint32_t)meta.len;
	head.length = (uint32_t)(SPOOL_HEAD_BYTES + meta.len + content.len);
	head.meta_sum = spool_sum(SECRET, builder_slice(&meta));
	head.content_sum = spool_sum(SECRET, builder_slice(&content));
	spool_head_encode(&w->b, &head, SECRET);
	builder_add(&w->b, builder_slice(&meta));
	builder_add(&w->b, builder_slice(&content));
	assert_false(w->b.failed);
	free(content.data);
	w->offsets[w->record_count] = begin;
	w->lengths[w->record_count] = head.length;
	return w->record_count++;
}

static void
segment_give(struct world *w)
{
	int fd;

	assert_int_equal(rt_open(w->t.rt, w->t.dir_fd, "1.seg",
				 RT_OPEN_READ | RT_OPEN_WRITE | RT_OPEN_APPEND | RT_OPEN_CREATE,
				 &fd),
			 0);
	assert_int_equal(rt_write(w->t.rt, fd, builder_slice(&w->b)), 0);
	assert_int_equal(IPC_SEND(w->far, SEGMENT_OPEN, segment_open, .segment = 1,
				  .secret = SECRET, .file = fd),
			 0);
	rt_close(w->t.rt, fd);
}

static void
job_give(struct world *w, uint64_t job, size_t record, size_t rcpt_count)
{
	uint16_t rcpts[100];

	for (size_t i = 0; i < rcpt_count; i++)
		rcpts[i] = (uint16_t)i;
	assert_int_equal(IPC_SEND(w->far, JOB, job, .job = job, .message = 100 + record,
				  .segment = 1, .offset = w->offsets[record],
				  .length = w->lengths[record], .attempt = 1, .slots = 1,
				  .rcpts = ipc_u16s_make(rcpts, rcpt_count)),
			 0);
}

static void
run(struct world *w, size_t jobs)
{
	w->done_wanted = w->done_count + jobs;
	test_rt_run(&w->t);
}

/* Files in a folder of a mailbox; the last one's content, and its name when asked. */
static size_t
mailbox_read(struct world *w, const char *mailbox, const char *folder, struct builder *content)
{
	char path[256], name[600];
	struct dirent *entry;
	struct stat st;
	size_t count = 0;
	uint8_t buf[4096];
	ssize_t got;
	DIR *dir;
	int fd;

	snprintf(path, sizeof(path), "%s/%s/Maildir/%s", w->mail, mailbox, folder);
	dir = opendir(path);
	if (!dir)
		return 0;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		count++;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		fd = open(name, O_RDONLY);
		assert_true(fd >= 0);
		assert_int_equal(fstat(fd, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
		assert_non_null(strstr(entry->d_name, ",S="));
		assert_int_equal(atoll(strstr(entry->d_name, ",S=") + 3), st.st_size);
		builder_clear(content);
		while ((got = read(fd, buf, sizeof(buf))) > 0)
			builder_bytes(content, buf, (size_t)got);
		close(fd);
	}
	closedir(dir);
	return count;
}

static const char *const one[] = {"bob@example.test", NULL};

TEST(one_mail)
{
	static uint8_t room[1 << 16];
	struct builder content;
	struct world w;

	begin(&w);
	builder_init_fixed(&content, room, sizeof(room));
	mail_add(
		&w,
		&(struct mail){
			"ann@x.test", one,
			SLICE("Received: y\r\nReturn-Path: <forged@x.test>\r\nSubject: hi\r\n\r\n"),
			SLICE("..dot\r\nline\r\n"), 0});
	segment_give(&w);
	job_give(&w, 5, 0, 1);
	run(&w, 1);
	assert_int_equal(w.result_count, 1);
	assert_int_equal(w.results[0].job, 5);
	assert_int_equal(w.results[0].class, VERDICT_OK);
	assert_int_equal(w.results[0].status.class, 2);
	assert_int_equal(mailbox_read(&w, "example.test/bob", "new", &content), 1);
	assert_slice_str(builder_slice(&content),
			 "Return-Path: <ann@x.test>\nDelivered-To: bob@example.test\n"
			 "Received: y\nSubject: hi\n\n.dot\nline\n");
	assert_int_equal(mailbox_read(&w, "example.test/bob", "tmp", &content), 0);
	end(&w);
}

TEST(no_final_line_end)
{
	static uint8_t room[1 << 16];
	struct builder content;
	struct world w;

	begin(&w);
	builder_init_fixed(&content, room, sizeof(room));
	mail_add(&w, &(struct mail){"", one, SLICE("A: b\r\n\r\n"), SLICE("end\r\n"),
				    SPOOL_NO_FINAL_CRLF});
	segment_give(&w);
	job_give(&w, 1, 0, 1);
	run(&w, 1);
	assert_int_equal(mailbox_read(&w, "example.test/bob", "new", &content), 1);
	assert_slice_str(builder_slice(&content),
			 "Return-Path: <>\nDelivered-To: bob@example.test\nA: b\n\nend");
	end(&w);
}

TEST(large_in_pieces)
{
	static uint8_t room[1 << 20];
	const size_t lines = 20000;
	struct builder content, body;
	struct world w;
	struct slice rest;

	begin(&w);
	builder_init_fixed(&content, room, sizeof(room));
	body.data = malloc(1 << 20);
	builder_init_fixed(&body, body.data, 1 << 20);
	for (size_t i = 0; i < lines; i++)
		builder_str(&body, i % 3 ? "line\r\n" : "..line\r\n");
	mail_add(&w,
		 &(struct mail){"a@x.test", one, SLICE("A: b\r\n\r\n"), builder_slice(&body), 0});
	segment_give(&w);
	job_give(&w, 1, 0, 1);
	run(&w, 1);
	assert_int_equal(mailbox_read(&w, "example.test/bob", "new", &content), 1);
	rest = builder_slice(&content);
	rest = slice_from(rest, slice_find(rest, SLICE("\n\n")) + 2);
	for (size_t i = 0; i < lines; i++)
		assert_slice_str(slice_cut(&rest, '\n'), i % 3 ? "line" : ".line");
	assert_int_equal(rest.len, 0);
	free(body.data);
	end(&w);
}

static void
body_give(struct world *w, struct slice content)
{
	int fd;

	assert_int_equal(rt_open(w->t.rt, w->t.dir_fd, "9.body",
				 RT_OPEN_READ | RT_OPEN_WRITE | RT_OPEN_APPEND | RT_OPEN_CREATE,
				 &fd),
			 0);
	assert_int_equal(rt_write(w->t.rt, fd, content), 0);
	assert_int_equal(IPC_SEND(w->far, BODY_OPEN, body_open, .body = 9, .file = fd), 0);
	rt_close(w->t.rt, fd);
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

		begin(&w);
		builder_init_fixed(&content, room, sizeof(room));
		mail_add(&w,
			 &(struct mail){"a@x.test", one, SLICE("A: b\r\n\r\n"), SLICE("start\r\n."),
					rows[i].flags, SLICE(".\r\nin the file\r\n")});
		segment_give(&w);
		body_give(&w, slice_str(rows[i].file));
		job_give(&w, 1, 0, 1);
		run(&w, 1);
		assert_int_equal(w.results[0].class, rows[i].class);
		assert_int_equal(mailbox_read(&w, "example.test/bob", "new", &content),
				 rows[i].class == VERDICT_OK);
		if (rows[i].flags)
			builder_str(&content, "\n"); /* nothing follows but this */
		if (rows[i].class == VERDICT_OK)
			assert_slice_str(builder_slice(&content),
					 "Return-Path: <a@x.test>\nDelivered-To: bob@example.test\n"
					 "A: b\n\nstart\n.\nin the file\n");
		else
			assert_int_equal(mailbox_read(&w, "example.test/bob", "tmp", &content), 0);
		end(&w);
	}
}

TEST(many_at_once)
{
	static const char *const boxes[] = {"a@x.test", "b@x.test", "c@y.test", "a@x.test", NULL};
	static uint8_t room[1 << 16];
	struct builder content;
	struct world w;

	begin(&w);
	builder_init_fixed(&content, room, sizeof(room));
	mail_add(&w, &(struct mail){"s@x.test", boxes, SLICE("A: b\r\n\r\n"), SLICE("x\r\n"), 0});
	mail_add(&w, &(struct mail){"s@x.test", one, SLICE("A: b\r\n\r\n"), SLICE("x\r\n"), 0});
	segment_give(&w);
	for (uint64_t job = 1; job <= 20; job++)
		job_give(&w, job, job % 2 ? 0 : 1, job % 2 ? 4 : 1);
	run(&w, 20);
	assert_int_equal(w.rcpts_told, 10 * 4 + 10);
	for (size_t i = 0; i < w.result_count; i++)
		assert_int_equal(w.results[i].class, VERDICT_OK);
	assert_int_equal(mailbox_read(&w, "x.test/a", "new", &content), 20);
	assert_int_equal(mailbox_read(&w, "x.test/b", "new", &content), 10);
	assert_int_equal(mailbox_read(&w, "y.test/c", "new", &content), 10);
	assert_int_equal(mailbox_read(&w, "example.test/bob", "new", &content), 10);
	end(&w);
}

/* Loops never come again; what is our own fault is tried again; names cannot leave the root. */
TEST(refusals)
{
	static const char *const boxes[] = {"loop@x.test", "../evil@x.test", "good@x.test", NULL};
	static uint8_t room[1 << 16];
	struct builder content;
	struct world w;
	bool seen[3] = {false};

	begin(&w);
	builder_init_fixed(&content, room, sizeof(room));
	mail_add(&w, &(struct mail){"s@x.test", boxes, SLICE("Delivered-To: loop@x.test\r\n\r\n"),
				    SLICE("x\r\n"), 0});
	segment_give(&w);
	job_give(&w, 1, 0, 3);
	run(&w, 1);
	assert_int_equal(w.result_count, 3);
	for (size_t i = 0; i < 3; i++) {
		const struct result *r = &w.results[i];

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
	assert_int_equal(mailbox_read(&w, "x.test/loop", "new", &content), 0);
	assert_int_equal(mailbox_read(&w, "x.test/good", "new", &content), 1);
	assert_int_not_equal(access(w.mail, F_OK), -1);
	end(&w);
}

TEST(damaged_record)
{
	struct world w;

	begin(&w);
	mail_add(&w, &(struct mail){"s@x.test", one, SLICE("A: b\r\n\r\n"), SLICE("x\r\n"), 0});
	w.segment[w.b.len - 9] ^= 1;
	segment_give(&w);
	job_give(&w, 1, 0, 1);
	run(&w, 1);
	assert_int_equal(w.result_count, 1);
	assert_int_equal(w.results[0].class, VERDICT_LATER);
	end(&w);
}

/* Read-only folder: temporary, nothing left in tmp. */
TEST(store_refuses)
{
	int fd;
	struct world w;

	begin(&w);
	mail_add(&w, &(struct mail){"s@x.test", one, SLICE("A: b\r\n\r\n"), SLICE("x\r\n"), 0});
	segment_give(&w);
	/* a file where the folder should be: refused for root too */
	assert_int_equal(rt_open_dir(w.t.rt, w.t.dir_fd, "mail", false, &fd), 0);
	close(openat(fd, "example.test", O_CREAT | O_WRONLY, 0600));
	close(fd);
	job_give(&w, 1, 0, 1);
	run(&w, 1);
	assert_int_equal(w.results[0].class, VERDICT_LATER);
	assert_int_equal(w.results[0].cause, VERDICT_CAUSE_LOCAL_DELIVERY);
	end(&w);
}

static void
on_later(void *ctx)
{
	rt_stop(((struct world *)ctx)->t.rt);
}

/* Queue dies and comes back: old jobs are not told to the new one, new jobs work. */
TEST(queue_restarts)
{
	static uint8_t room[1 << 16];
	struct builder content;
	struct rt_timer timer;
	struct world w;

	begin(&w);
	builder_init_fixed(&content, room, sizeof(room));
	mail_add(&w, &(struct mail){"s@x.test", one, SLICE("A: b\r\n\r\n"), SLICE("x\r\n"), 0});
	segment_give(&w);
	for (uint64_t job = 1; job <= 200; job++)
		job_give(&w, job, 0, 1);
	rt_timer_init(&timer, w.t.rt, on_later, &w);
	rt_timer_arm(&timer, 3);
	test_rt_run(&w.t);
	postoffice_process.channel_closed(w.state, w.near);
	ipc_channel_destroy(&w.near);
	ipc_channel_destroy(&w.far);
	w.result_count = w.done_count = w.rcpts_told = 0;
	channels_open(&w);
	w.b.len = 0;
	segment_give(&w);
	job_give(&w, 1000, 0, 1);
	run(&w, 1);
	assert_int_equal(w.done_count, 1);
	assert_int_equal(w.result_count, 1);
	assert_int_equal(w.results[0].job, 1000);
	assert_int_equal(w.results[0].class, VERDICT_OK);
	assert_true(mailbox_read(&w, "example.test/bob", "new", &content) >= 1);
	rt_timer_finish(&timer);
	end(&w);
}

TEST(stop_while_busy)
{
	struct world w;

	begin(&w);
	mail_add(&w, &(struct mail){"s@x.test", one, SLICE("A: b\r\n\r\n"), SLICE("x\r\n"), 0});
	segment_give(&w);
	for (uint64_t job = 1; job <= 100; job++)
		job_give(&w, job, 0, 1);
	w.done_wanted = 1;
	test_rt_run(&w.t);
	end(&w);
	assert_true(w.stopped);
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

		begin(&w);
		builder_init_fixed(&content, room, sizeof(room));
		mail_add(&w,
			 &(struct mail){"s@x.test", one, SLICE("A: b\r\n\r\n"), SLICE("x\r\n"), 0});
		segment_give(&w);
		job_give(&w, 1, 0, 1);
		run(&w, 1);
		snprintf(path, sizeof(path), "%s/example.test/bob/%s", w.mail, rows[i].path);
		if (rows[i].new_path) {
			snprintf(new_path, sizeof(new_path), "%s/example.test/bob/%s", w.mail,
				 rows[i].new_path);
			assert_int_equal(rename(path, new_path), 0);
		} else {
			tree_remove(path);
		}
		job_give(&w, 2, 0, 1);
		run(&w, 1);
		assert_int_equal(w.results[1].class, rows[i].class);
		job_give(&w, 3, 0, 1);
		run(&w, 1);
		assert_int_equal(w.results[2].class, VERDICT_OK);
		assert_int_equal(mailbox_read(&w, "example.test/bob", "new", &content), 2);
		end(&w);
	}
}

static bool
fill_by(struct world *w, struct slice reply)
{
	struct verdict v = {.class = VERDICT_LATER,
			    .stage = VERDICT_STAGE_LOCAL,
			    .status = {4, 0, 0},
			    .reply = reply};
	size_t before = w->filling;
	uint16_t rcpt = 0;

	while (IPC_SEND(w->near, JOB_RESULT, job_result, .job = FILLING_JOB,
			.rcpts = ipc_u16s_make(&rcpt, 1), .verdict = v) == 0)
		w->filling++;
	while (!reply.len && IPC_SEND(w->near, JOB_DONE, job_done, .job = FILLING_JOB) == 0)
		w->filling++;
	return w->filling > before;
}

/* Queue reads nothing, until neither the channel nor the system's buffers take more. */
static void
channel_fill(struct world *w, struct rt_timer *timer)
{
	static uint8_t text[1000];
	bool more = true;

	memset(text, 'x', sizeof(text));
	ipc_channel_pause(w->far, true);
	while (more) {
		more = fill_by(w, slice_of(text, sizeof(text)));
		more |= fill_by(w, SLICE_EMPTY);
		rt_timer_arm(timer, 20);
		test_rt_run(&w->t);
	}
}

TEST(end_of_a_refused_job_is_told)
{
	struct rt_timer timer;
	struct world w;

	begin(&w);
	mail_add(&w, &(struct mail){"s@x.test", one, SLICE("A: b\r\n\r\n"), SLICE("x\r\n"), 0});
	segment_give(&w);
	rt_timer_init(&timer, w.t.rt, on_later, &w);
	channel_fill(&w, &timer);
	for (uint64_t job = 1; job <= 3; job++)
		job_give(&w, job, 0, 0); /* of no recipients: refused */
	rt_timer_arm(&timer, 20);
	test_rt_run(&w.t);
	w.done_wanted = 3;
	ipc_channel_pause(w.far, false);
	test_rt_run(&w.t);
	assert_int_equal(w.filling, 0);
	assert_int_equal(w.result_count, 0);
	rt_timer_finish(&timer);
	end(&w);
}

/* Its end waits until queue has room for what is to be said. */
TEST(stop_with_a_full_channel)
{
	struct rt_timer timer;
	struct world w;

	begin_bare(&w);
	mail_add(&w, &(struct mail){"s@x.test", one, SLICE("A: b\r\n\r\n"), SLICE("x\r\n"), 0});
	segment_give(&w);
	job_give(&w, 1, 0, 1);
	rt_timer_init(&timer, w.t.rt, on_later, &w);
	rt_timer_arm(&timer, 20);
	test_rt_run(&w.t);
	channel_fill(&w, &timer);
	postoffice_process.stop(w.state);
	assert_false(w.stopped);
	ipc_channel_pause(w.far, false);
	while (!w.stopped)
		test_rt_run(&w.t);
	rt_timer_finish(&timer);
	end(&w);
}

static void *(*take_real)(struct mem *, size_t);

static void *
take_small(struct mem *mem, size_t size)
{
	return size > RT_PACKET_MAX ? NULL : take_real(mem, size);
}

/* Without memory for a packet every outcome is kept, those of failures too, and no end of a job
 * comes before them. */
TEST(outcomes_outlive_want_of_memory)
{
	static const char *const boxes[] = {"good@x.test", "loop@x.test", "../evil@x.test", NULL};
	bool seen[3] = {false};
	struct rt_timer timer;
	struct world w;

	begin(&w);
	mail_add(&w, &(struct mail){"s@x.test", boxes, SLICE("Delivered-To: loop@x.test\r\n\r\n"),
				    SLICE("x\r\n"), 0});
	segment_give(&w);
	job_give(&w, 1, 0, 3);
	job_give(&w, 2, 0, 0); /* of no recipients: refused */
	take_real = rt_mem(w.t.rt)->take;
	rt_mem(w.t.rt)->take = take_small;
	rt_timer_init(&timer, w.t.rt, on_later, &w);
	rt_timer_arm(&timer, 200);
	test_rt_run(&w.t);
	assert_int_equal(w.result_count + w.done_count, 0);
	rt_mem(w.t.rt)->take = take_real;
	run(&w, 2);
	assert_int_equal(w.result_count, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(w.results[i].rcpt_count, 1);
		seen[w.results[i].rcpts[0]] = true;
	}
	assert_true(seen[0] && seen[1] && seen[2]);
	rt_timer_finish(&timer);
	end(&w);
}

TESTS(TEST_ROW(one_mail), TEST_ROW(no_final_line_end), TEST_ROW(large_in_pieces),
      TEST_ROW(body_file), TEST_ROW(many_at_once), TEST_ROW(refusals), TEST_ROW(damaged_record),
      TEST_ROW(store_refuses), TEST_ROW(queue_restarts), TEST_ROW(stop_while_busy),
      TEST_ROW(folders_go_away), TEST_ROW(end_of_a_refused_job_is_told),
      TEST_ROW(stop_with_a_full_channel), TEST_ROW(outcomes_outlive_want_of_memory))
