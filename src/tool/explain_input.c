/*
 * explain_input: what somebody has before him, by its name: a file, a folder, a code of the
 * knowledge base; else the words themselves.
 */
#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "rt/file.h"
#include "rule/redact/redact.h"
#include "tool/explain.h"
#include "wire/text/clean.h"

#define READ_FIRST ((size_t)64 << 10)
#define PATH_BYTES_MAX 4096
#define PATH_SHOWN_MAX 1000
#define FOLDER_FILES_MAX 100000
#define NAME_BYTES_MAX 256 /* NAME_MAX of Linux and a zero byte */

/* --- reading ---------------------------------------------------------------------------------- */

struct growing {
	struct mem *mem;
	uint8_t *bytes;
	size_t len, room;
};

static int
grow(struct growing *g, size_t max)
{
	size_t room = g->room ? g->room * 2 : READ_FIRST;
	uint8_t *bytes;

	if (g->len > max)
		return ERR_LIMIT;
	bytes = mem_take(g->mem, room);
	if (!bytes)
		return ERR_NO_MEMORY;
	if (g->len)
		memcpy(bytes, g->bytes, g->len);
	mem_give(g->mem, g->bytes, g->room);
	g->bytes = bytes;
	g->room = room;
	return 0;
}

static int
read_fd(struct explain *ex, int fd, size_t max, struct growing *g)
{
	for (;;) {
		int err = g->len == g->room ? grow(g, max) : 0;
		ssize_t got;

		if (err)
			return err;
		got = rt_read(ex->tool->rt, fd, g->bytes + g->len, g->room - g->len);
		if (got < 0)
			return (int)got;
		if (got == 0)
			return g->len > max ? ERR_LIMIT : 0;
		g->len += (size_t)got;
	}
}

/* Names of files come from others, too. */
int
explain_complain(struct explain *ex, const char *path, const char *text, int exit_code)
{
	uint8_t room[PATH_BYTES_MAX];
	struct builder b;

	builder_init_fixed(&b, room, sizeof(room));
	clean_line(&b, slice_str(path), PATH_SHOWN_MAX);
	builder_byte(&b, 0);
	ASSERT(!b.failed);
	tool_complain(ex->tool, (const char *)room, text);
	return exit_code;
}

static int
complain_file(struct explain *ex, const char *path, size_t max, int err)
{
	uint8_t room[256];
	struct builder b;

	builder_init_fixed(&b, room, sizeof(room));
	builder_str(&b, " cannot be read: ");
	if (err == ERR_LIMIT) {
		builder_str(&b, "it is longer than ");
		builder_dec(&b, max);
		builder_str(&b, " bytes");
	} else {
		builder_str(&b, tool_err_str(err));
	}
	builder_byte(&b, 0);
	ASSERT(!b.failed);
	return explain_complain(ex, path, (const char *)room, TOOL_EXIT_DATA);
}

/* Closes fd. */
static int
with_fd(struct explain *ex, const char *path, int fd, size_t max, explain_content_fn *fn)
{
	struct growing g = {.mem = rt_mem(ex->tool->rt)};
	int err = read_fd(ex, fd, max, &g), exit_code;

	rt_close(ex->tool->rt, fd);
	exit_code =
		err ? complain_file(ex, path, max, err) : fn(ex, path, slice_of(g.bytes, g.len));
	mem_give(g.mem, g.bytes, g.room);
	return exit_code;
}

int
explain_with_file(struct explain *ex, const char *path, size_t max, explain_content_fn *fn)
{
	bool input = strcmp(path, "-") == 0;
	int fd, err = input ? rt_dup(ex->tool->rt, TOOL_IN, &fd)
			    : rt_open(ex->tool->rt, RT_AT_PATH, path, RT_OPEN_READ, &fd);

	return err ? complain_file(ex, path, max, err) : with_fd(ex, path, fd, max, fn);
}

/* --- folders ---------------------------------------------------------------------------------- */

struct folder {
	struct explain *ex;
	const char *path;
	int fd;
	struct growing names; /* each with a zero byte behind */
	size_t count;
	bool more;
};

static int
folder_name(void *ctx, const char *name)
{
	struct folder *folder = ctx;
	struct growing *names = &folder->names;
	size_t bytes = strlen(name) + 1;
	int err = 0;

	if (name[0] == '.')
		return 0;
	folder->more = folder->count == FOLDER_FILES_MAX;
	if (folder->more)
		return 1;
	if (names->len + bytes > names->room)
		err = grow(names, FOLDER_FILES_MAX * (size_t)NAME_BYTES_MAX);
	if (err)
		return err;
	memcpy(names->bytes + names->len, name, bytes);
	names->len += bytes;
	folder->count++;
	return 0;
}

static void
names_sort(const char **names, size_t count)
{
	for (size_t gap = count / 2; gap > 0; gap /= 2) {
		for (size_t i = gap; i < count; i++) {
			const char *name = names[i];
			size_t at = i;

			for (; at >= gap && strcmp(names[at - gap], name) > 0; at -= gap)
				names[at] = names[at - gap];
			names[at] = name;
		}
	}
}

/* What is no file (a folder, a pipe, a socket) is passed by, also behind a link: none may hold us,
 * and a file does not know that it is opened so. */
static int
folder_file(struct folder *folder, const char *name)
{
	struct rt *rt = folder->ex->tool->rt;
	char file[PATH_BYTES_MAX];
	struct rt_stat stat;
	struct builder b;
	int err, fd;

	builder_init_fixed(&b, file, sizeof(file));
	builder_str(&b, folder->path);
	builder_byte(&b, '/');
	builder_str(&b, name);
	builder_byte(&b, 0);
	if (b.failed)
		return complain_file(folder->ex, folder->path, 0, -ENAMETOOLONG);
	err = rt_open(rt, folder->fd, name, RT_OPEN_READ, &fd);
	if (err == -ELOOP) /* a link: followed by its path */
		err = rt_open(rt, RT_AT_PATH, file, RT_OPEN_READ | RT_OPEN_NO_WAIT, &fd);
	if (err == -ENXIO) /* a socket */
		return 0;
	if (err)
		return complain_file(folder->ex, file, 0, err);
	if (rt_stat_fd(rt, fd, &stat) == 0 && !stat.is_file) {
		rt_close(rt, fd);
		return 0;
	}
	return with_fd(folder->ex, file, fd, EXPLAIN_REPLIES_BYTES_MAX, explain_content);
}

static int
folder_files(struct folder *folder, const char **names)
{
	const char *at = (const char *)folder->names.bytes;
	int worst = 0;

	for (size_t i = 0; i < folder->count; i++) {
		names[i] = at;
		at += strlen(at) + 1;
	}
	names_sort(names, folder->count);
	for (size_t i = 0; i < folder->count; i++) {
		int exit_code = folder_file(folder, names[i]);

		worst = exit_code > worst ? exit_code : worst;
	}
	return worst;
}

static int
folder_input(struct explain *ex, const char *path, int dir_fd)
{
	struct mem *mem = rt_mem(ex->tool->rt);
	struct folder folder = {.ex = ex, .path = path, .fd = dir_fd, .names = {.mem = mem}};
	size_t bytes;
	const char **names;
	int err = rt_list(ex->tool->rt, dir_fd, folder_name, &folder), exit_code;

	bytes = (folder.count + 1) * sizeof(*names);
	names = mem_take(mem, bytes);
	if (err < 0 || !names)
		exit_code = complain_file(ex, path, 0, err < 0 ? err : ERR_NO_MEMORY);
	else
		exit_code = folder_files(&folder, names);
	if (folder.more)
		exit_code = explain_complain(ex, path,
					     ": has more than 100000 files; some were not read",
					     TOOL_EXIT_DATA);
	mem_give(mem, names, bytes);
	mem_give(mem, folder.names.bytes, folder.names.room);
	return exit_code;
}

/* --- all of it -------------------------------------------------------------------------------- */

static int
article_input(struct explain *ex, const struct article_found *article)
{
	explain_begin(ex);
	if (ex->tool->json)
		article_show_json(&ex->json, article);
	else
		article_show_text(&ex->out, article);
	explain_end(ex);
	return 0;
}

static int
redact_text(struct explain *ex, const char *file, struct slice content)
{
	const struct charset_hook hook = charset_iconv_hook(&ex->iconv);
	struct slice text;
	int err;

	arena_init(&ex->arena, rt_mem(ex->tool->rt), REDACT_ARENA_BYTES);
	err = redact_mail(content, &hook, &ex->arena, &text);
	if (err)
		err = explain_complain(ex, file, ": not enough memory to read this mail",
				       TOOL_EXIT_SOFTWARE);
	else
		tool_print(ex->tool, TOOL_OUT, text);
	arena_finish(&ex->arena);
	return err;
}

static int
redact_content(struct explain *ex, const char *file, struct slice content)
{
	return explain_as_text(ex, file, content, redact_text);
}

int
explain_redact(struct explain *ex)
{
	return explain_with_file(ex, ex->redact, MIME_MESSAGE_MAX, redact_content);
}

/* What is no file and no code: a line out of a log, else the words of a reply. */
static int
words_input(struct explain *ex, const char *input)
{
	if (explain_is_log_line(ex, slice_str(input)) && ex->logline.action != LOGLINE_NONE) {
		explain_logline(&ex->logline, ex->set, &ex->match, &ex->explained);
		explain_put(ex, NULL);
		return 0;
	}
	if (!strchr(input, ' '))
		return explain_complain(ex, input, ": there is no such file, code or cause",
					TOOL_EXIT_NO_INPUT);
	explain_line(ex, slice_str(input), NULL);
	return 0;
}

/* Words are no name of a file; a file that is there but cannot be read is one. */
static bool
is_no_file(int err)
{
	return err == -ENOENT || err == -ENOTDIR || err == -ENAMETOOLONG || err == -EINVAL;
}

int
explain_input(struct explain *ex, const char *input)
{
	struct rt *rt = ex->tool->rt;
	struct article_found article;
	int fd, err, exit_code;

	if (strcmp(input, "-") == 0)
		return explain_with_file(ex, input, EXPLAIN_REPLIES_BYTES_MAX, explain_content);
	if (rt_open_dir(rt, RT_AT_PATH, input, false, &fd) == 0) {
		exit_code = folder_input(ex, input, fd);
		rt_close(rt, fd);
		return exit_code;
	}
	err = rt_open(rt, RT_AT_PATH, input, RT_OPEN_READ, &fd);
	if (!err)
		return with_fd(ex, input, fd, EXPLAIN_REPLIES_BYTES_MAX, explain_content);
	if (article_find(slice_str(input), &article))
		return article_input(ex, &article);
	if (!is_no_file(err))
		return complain_file(ex, input, 0, err);
	return words_input(ex, input);
}
