/*
 * explain_input: what somebody has before him, by what it looks like: a file or folder by its name,
 * a code by the knowledge base, and the content of a file by its first lines: log lines, replies,
 * or a mail.
 */
#include <errno.h>
#include <string.h>

#include "rt/file.h"
#include "rule/redact/redact.h"
#include "tool/explain.h"

#define READ_FIRST ((size_t)64 << 10)
#define PATH_BYTES_MAX 4096
#define FOLDER_FILES_MAX 100000
#define MAIL_ARENA_BYTES (BOUNCE_ARENA_BYTES + MIME_MESSAGE_MAX + 64)

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

static int
complain_file(struct explain *ex, const char *path, int err)
{
	tool_complain(ex->tool, path, " cannot be read:");
	tool_complain(ex->tool, tool_err_str(err), "");
	return TOOL_EXIT_DATA;
}

/* The memory is of *ret_room bytes. */
static int
read_path(struct explain *ex, const char *path, size_t max, struct growing *g)
{
	bool input = strcmp(path, "-") == 0;
	int fd = TOOL_IN, err = 0;

	*g = (struct growing){.mem = rt_mem(ex->tool->rt)};
	if (!input)
		err = rt_open(ex->tool->rt, RT_AT_PATH, path, RT_OPEN_READ, &fd);
	if (!err) {
		err = read_fd(ex, fd, max, g);
		if (!input)
			rt_close(ex->tool->rt, fd);
	}
	if (!err)
		return 0;
	mem_give(g->mem, g->bytes, g->room);
	*g = (struct growing){0};
	return err;
}

int
explain_with_file(struct explain *ex, const char *path, size_t max, explain_content_fn *fn)
{
	struct growing g;
	int err = read_path(ex, path, max, &g), exit_code;

	if (err)
		return complain_file(ex, path, err);
	exit_code = fn(ex, path, slice_of(g.bytes, g.len));
	mem_give(g.mem, g.bytes, g.room);
	return exit_code;
}

/* --- mails ------------------------------------------------------------------------------------ */

static int
mail_explain(struct explain *ex, const char *file, struct slice text)
{
	const struct charset_hook hook = charset_iconv_hook(&ex->iconv);
	bool tells;
	size_t count;

	if (!bounce_read(text, &hook, &ex->arena, &ex->bounce)) {
		tool_complain(ex->tool, file, ": not enough memory to read this mail");
		return TOOL_EXIT_SOFTWARE;
	}
	tells = (ex->bounce.kind == BOUNCE_FAILURE || ex->bounce.kind == BOUNCE_DELAY) &&
		ex->bounce.rcpt_count;
	count = ex->bounce.rcpt_count ? ex->bounce.rcpt_count : 1;
	for (size_t i = 0; i < count; i++) {
		if (tells)
			explain_returned(&ex->bounce, i, ex->set, &ex->match, &ex->explained);
		else
			explain_no_bounce(&ex->bounce, i, ex->set, &ex->explained);
		explain_put(ex, file);
	}
	return 0;
}

/* A text that begins with no header field is the body of a mail. */
static bool
is_header_line(struct slice line)
{
	size_t colon = slice_index(line, ':');

	if (slice_starts(line, SLICE("From ")))
		return true;
	for (size_t i = 0; i < colon && colon < line.len; i++) {
		if (line.data[i] <= ' ' || line.data[i] > '~')
			return false;
	}
	return colon > 0 && colon < line.len;
}

static int
mail_input(struct explain *ex, const char *file, struct slice content, bool header)
{
	struct builder b;
	int exit_code;

	arena_init(&ex->arena, rt_mem(ex->tool->rt), MAIL_ARENA_BYTES);
	content = slice_sub(content, 0, MIME_MESSAGE_MAX - 1);
	builder_init_arena(&b, &ex->arena, MIME_MESSAGE_MAX);
	if (!header)
		builder_byte(&b, '\n');
	mime_lines(&b, content);
	if (b.failed) {
		tool_complain(ex->tool, file, ": not enough memory to read this mail");
		exit_code = TOOL_EXIT_SOFTWARE;
	} else {
		exit_code = mail_explain(ex, file, builder_slice(&b));
	}
	arena_finish(&ex->arena);
	return exit_code;
}

/* --- log lines -------------------------------------------------------------------------------- */

static struct slice
next_line(struct slice *rest)
{
	struct slice line = slice_cut(rest, '\n');

	if (line.len && line.data[line.len - 1] == '\r')
		line.len--;
	return line;
}

/* Lines that tell the fate of a mail; the others have nothing to explain. */
static void
log_input(struct explain *ex, const char *file, struct slice content)
{
	struct slice fields = SLICE_EMPTY;

	while (content.len) {
		struct slice line = next_line(&content);

		logline_read(line, fields, &ex->logline);
		if (ex->logline.header)
			fields = line;
		if (ex->logline.program == LOGLINE_UNKNOWN || ex->logline.action == LOGLINE_NONE)
			continue;
		explain_logline(&ex->logline, ex->set, &ex->match, &ex->explained);
		explain_put(ex, file);
	}
}

static bool
is_log_line(struct explain *ex, struct slice line)
{
	logline_read(line, SLICE_EMPTY, &ex->logline);
	return ex->logline.program != LOGLINE_UNKNOWN || ex->logline.header;
}

/* --- by content ------------------------------------------------------------------------------- */

static bool
is_reply_line(struct slice line)
{
	uint64_t code;

	return line.len > 3 && slice_to_u64(slice_sub(line, 0, 3), 599, &code) && code >= 200 &&
	       (line.data[3] == ' ' || line.data[3] == '-');
}

static int
content_input(struct explain *ex, const char *file, struct slice content)
{
	struct slice rest = content, first = SLICE_EMPTY;

	while (rest.len && !first.len)
		first = slice_trim(next_line(&rest));
	if (!first.len) {
		tool_complain(ex->tool, file, ": nothing to explain, it is empty");
		return TOOL_EXIT_DATA;
	}
	if (is_reply_line(first)) {
		explain_reply(ex, content, file);
		return 0;
	}
	if (is_log_line(ex, first)) {
		log_input(ex, file, content);
		return 0;
	}
	return mail_input(ex, file, content, is_header_line(first));
}

/* --- folders ---------------------------------------------------------------------------------- */

struct folder {
	struct explain *ex;
	struct builder names; /* each with a zero byte behind */
	size_t count;
};

static int
folder_name(void *ctx, const char *name)
{
	struct folder *folder = ctx;

	if (name[0] == '.' || folder->count == FOLDER_FILES_MAX)
		return 0;
	folder->count++;
	builder_str(&folder->names, name);
	builder_byte(&folder->names, 0);
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

static int
folder_files(struct folder *folder, const char *path, const char **names)
{
	const char *at = (const char *)folder->names.data;
	char file[PATH_BYTES_MAX];
	int worst = 0;

	for (size_t i = 0; i < folder->count; i++) {
		names[i] = at;
		at += strlen(at) + 1;
	}
	names_sort(names, folder->count);
	for (size_t i = 0; i < folder->count; i++) {
		struct builder b;
		int exit_code, fd;

		builder_init_fixed(&b, file, sizeof(file));
		builder_str(&b, path);
		builder_byte(&b, '/');
		builder_str(&b, names[i]);
		builder_byte(&b, 0);
		if (b.failed)
			continue;
		if (rt_open_dir(folder->ex->tool->rt, RT_AT_PATH, file, false, &fd) == 0) {
			rt_close(folder->ex->tool->rt, fd);
			continue;
		}
		exit_code = explain_with_file(folder->ex, file, MIME_MESSAGE_MAX, content_input);
		worst = exit_code > worst ? exit_code : worst;
	}
	return worst;
}

static int
folder_input(struct explain *ex, const char *path, int dir_fd)
{
	struct folder folder = {.ex = ex};
	struct arena arena;
	const char **names;
	int err, exit_code = 0;

	arena_init(&arena, rt_mem(ex->tool->rt), FOLDER_FILES_MAX * (size_t)(256 + 16));
	builder_init_arena(&folder.names, &arena, FOLDER_FILES_MAX * (size_t)256);
	err = rt_list(ex->tool->rt, dir_fd, folder_name, &folder);
	names = arena_alloc(&arena, (folder.count + 1) * sizeof(*names));
	if (!err && (folder.names.failed || !names))
		err = ERR_NO_MEMORY;
	if (err)
		exit_code = complain_file(ex, path, err);
	else
		exit_code = folder_files(&folder, path, names);
	arena_finish(&arena);
	return exit_code;
}

/* --- all of it -------------------------------------------------------------------------------- */

static int
article_input(struct explain *ex, const struct article_found *article)
{
	if (ex->tool->json) {
		article_show_json(&ex->json, article);
	} else {
		if (ex->count)
			builder_str(&ex->out, EXPLAIN_SEPARATOR);
		article_show_text(&ex->out, article);
	}
	explain_result(ex);
	return 0;
}

static int
redact_content(struct explain *ex, const char *file, struct slice content)
{
	const struct charset_hook hook = charset_iconv_hook(&ex->iconv);
	struct slice text;
	int err;

	arena_init(&ex->arena, rt_mem(ex->tool->rt), REDACT_ARENA_BYTES);
	err = redact_mail(content, &hook, &ex->arena, &text);
	if (err)
		tool_complain(ex->tool, file, ": not enough memory to read this mail");
	else
		tool_print(ex->tool, TOOL_OUT, text);
	arena_finish(&ex->arena);
	return err ? TOOL_EXIT_SOFTWARE : 0;
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
	if (is_log_line(ex, slice_str(input)) && ex->logline.action != LOGLINE_NONE) {
		explain_logline(&ex->logline, ex->set, &ex->match, &ex->explained);
		explain_put(ex, NULL);
		return 0;
	}
	if (!strchr(input, ' ')) {
		tool_complain(ex->tool, "there is no such file, code or cause: ", input);
		return TOOL_EXIT_NO_INPUT;
	}
	explain_line(ex, slice_str(input), NULL);
	return 0;
}

int
explain_input(struct explain *ex, const char *input)
{
	struct rt *rt = ex->tool->rt;
	struct article_found article;
	int fd, exit_code;

	if (strcmp(input, "-") == 0)
		return explain_with_file(ex, input, EXPLAIN_REPLIES_BYTES_MAX, content_input);
	if (rt_open_dir(rt, RT_AT_PATH, input, false, &fd) == 0) {
		exit_code = folder_input(ex, input, fd);
		rt_close(rt, fd);
		return exit_code;
	}
	if (rt_open(rt, RT_AT_PATH, input, RT_OPEN_READ, &fd) == 0) {
		rt_close(rt, fd);
		return explain_with_file(ex, input, EXPLAIN_REPLIES_BYTES_MAX, content_input);
	}
	if (article_find(slice_str(input), &article))
		return article_input(ex, &article);
	return words_input(ex, input);
}
