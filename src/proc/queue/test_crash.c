/*
 * test_crash: see test_crash.h.
 */
#include "proc/queue/test_crash.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include "proc/queue/journal_file.h"

void
crash_folder(char path[64])
{
	snprintf(path, 64, "/tmp/frank-queue.XXXXXX");
	assert_non_null(mkdtemp(path));
}

struct told
crash(char path[64], crash_fn *fn)
{
	struct told told = {0};
	int fds[2], status;
	pid_t pid;

	crash_folder(path);
	assert_int_equal(pipe(fds), 0);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		static struct world w;

		world_begin(&w, path);
		w.config.lifetime = 60000;
		world_start(&w);
		fn(&w, &told);
		_exit(write(fds[1], &told, sizeof(told)) == sizeof(told) ? 0 : 1);
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], &told, sizeof(told)), sizeof(told));
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	return told;
}

void
crash_again(struct world *w, const char *path)
{
	world_begin(w, path);
	w->owns_path = true;
	w->config.lifetime = 60000;
	world_start(w);
}

struct told
crash_recover(struct world *w, crash_fn *fn)
{
	char path[64];
	struct told told = crash(path, fn);

	crash_again(w, path);
	return told;
}

void
crash_journal_small(struct world *w)
{
	w->config.journal_size_max = 8000;
	w->config.trace_keep_size = 10000;
}

void
crash_journal_drop(struct world *w)
{
	for (int i = 0; i < 200 && w->queue->journal.old_bytes > 10000; i++) {
		journal_keep_run(w->queue);
		world_run_ms(w, 5);
	}
	assert_true(w->queue->journal.old_bytes <= 10000);
}

void
crash_many_go(struct world *w, uint32_t until_file)
{
	static const char *const to_near[] = {"eve@near.test"};

	while (w->queue->journal.number < until_file) {
		world_accept(w, "me@local", to_near, 1, "goes\r\n");
		world_run_ms(w, 2);
	}
}

uint32_t
crash_journal_oldest(const struct world *w)
{
	const struct list_node *node = list_first(&w->queue->journal.old);

	return node ? CONTAINER_OF((struct list_node *)(uintptr_t)node, struct journal_old, node)
			       ->number
		    : UINT32_MAX;
}

void
crash_journal_drop_until(struct world *w, uint32_t last)
{
	for (int i = 0; i < 2000 && crash_journal_oldest(w) <= last; i++) {
		w->config.trace_keep_size = w->queue->journal.old_bytes - 1;
		journal_keep_run(w->queue);
		world_run_ms(w, 1);
	}
	assert_true(crash_journal_oldest(w) > last);
}

void
crash_segment_path(const char *path, unsigned number, char *name, size_t size)
{
	snprintf(name, size, "%s/segments/%08x.seg", path, number);
}

off_t
crash_file_size(const char *name)
{
	struct stat stat_buf;

	assert_int_equal(stat(name, &stat_buf), 0);
	return stat_buf.st_size;
}

void
crash_file_damage(const char *name, long at, size_t count)
{
	FILE *file = fopen(name, "r+b");

	assert_non_null(file);
	fseek(file, at, SEEK_SET);
	for (size_t i = 0; i < count; i++)
		fputc('X', file);
	fclose(file);
}

size_t
crash_file_read(const char *name, uint8_t *bytes, size_t size)
{
	FILE *file = fopen(name, "rb");
	size_t len;

	assert_non_null(file);
	len = fread(bytes, 1, size, file);
	assert_true(len < size);
	fclose(file);
	return len;
}

void
crash_file_write(const char *name, struct slice bytes)
{
	FILE *file = fopen(name, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes.data, 1, bytes.len, file), bytes.len);
	fclose(file);
}
