/*
 * test_world: see test_world.h.
 */
#include "proc/postoffice/test_world.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#define SECRET 815
#define SEGMENT_MAX ((size_t)4 << 20)

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
	if ((message->type == IPC_JOB_RESULT && message->u.job_result.job == WORLD_FILLING_JOB) ||
	    (message->type == IPC_JOB_DONE && message->u.job_done.job == WORLD_FILLING_JOB)) {
		w->filling--;
	} else if (message->type == IPC_JOB_RESULT) {
		const struct ipc_job_result *got = &message->u.job_result;
		struct world_result *result = &w->results[w->result_count++];

		assert_true(w->result_count < WORLD_RESULTS_MAX);
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

void
world_channels_open(struct world *w)
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

void
world_begin_bare(struct world *w)
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
	world_channels_open(w);
	postoffice_process.start(w->state);
}

void
world_begin(struct world *w)
{
	world_begin_bare(w);
	mail_dir_give(w);
}

/* Depth-first, by the names in the folder. */
void
world_tree_remove(const char *path)
{
	struct dirent *entry;
	DIR *dir = opendir(path);
	char name[600];

	while (dir && (entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		if (unlink(name) < 0)
			world_tree_remove(name);
	}
	if (dir)
		closedir(dir);
	assert_int_equal(rmdir(path), 0);
}

void
world_end(struct world *w)
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
		world_tree_remove(w->mail);
	test_rt_end(&w->t);
}

size_t
world_mail_add(struct world *w, const struct world_mail *mail)
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

void
world_segment_give(struct world *w)
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

void
world_mail_small(struct world *w)
{
	static const char *const one[] = {"bob@example.test", NULL};

	world_mail_add(
		w, &(struct world_mail){"s@x.test", one, SLICE("A: b\r\n\r\n"), SLICE("x\r\n"), 0});
	world_segment_give(w);
}

void
world_body_give(struct world *w, struct slice content)
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

void
world_job_give(struct world *w, uint64_t job, size_t record, size_t rcpt_count)
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

void
world_run(struct world *w, size_t jobs)
{
	w->done_wanted = w->done_count + jobs;
	test_rt_run(&w->t);
}

size_t
world_mailbox_read(struct world *w, const char *mailbox, const char *folder,
		   struct builder *content)
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
