/*
 * check: frank check, frank config show, frank config explain: the configuration, offline.
 */
#include <string.h>

#include "rt/file.h"
#include "tool/tool.h"
#include "wire/conf/option.h"
#include "wire/conf/parse.h"
#include "wire/text/json.h"

#define TOOL_OUTPUT_BYTES_MAX ((size_t)1 << 20)

/* 0, or an error with problems filled (a file that cannot be read is a problem of the whole). */
static int
parse_file(struct tool *tool, struct arena *arena, struct config *ret_config,
	   struct conf_problems *problems)
{
	struct slice path = slice_str(tool->config_path), text;
	size_t slash = slice_rindex(path, '/');
	struct slice folder = slash < path.len ? slice_sub(path, 0, slash) : SLICE(".");
	int fd, err;

	*problems = (struct conf_problems){0};
	err = rt_open(tool->rt, RT_AT_PATH, tool->config_path, RT_OPEN_READ, &fd);
	if (err == 0) {
		err = rt_read_all(tool->rt, fd, CONFIG_TEXT_BYTES_MAX, &text);
		rt_close(tool->rt, fd);
	}
	if (err) {
		conf_problem_add(
			arena, problems,
			&(struct conf_problem){
				.text = slice_str(
					err_errno(err) ? "cannot be opened: does it exist, and may "
							 "you read it?"
						       : "is too large")});
		return err;
	}
	err = conf_parse(arena, text, folder, ret_config, problems);
	mem_give(rt_mem(tool->rt), (void *)(uintptr_t)text.data, text.len);
	return err;
}

int
tool_config_read(struct tool *tool, struct arena *arena, struct config *ret_config)
{
	struct conf_problems problems;
	struct builder b;
	int err = parse_file(tool, arena, ret_config, &problems);

	if (err) {
		builder_init_arena(&b, arena, TOOL_OUTPUT_BYTES_MAX);
		conf_problems_write(&b, slice_str(tool->config_path), &problems);
		tool_print(tool, TOOL_ERROR, builder_slice(&b));
	}
	return err;
}

static void
problems_json(struct builder *b, const char *path, const struct conf_problems *problems)
{
	struct json_writer w;

	json_init(&w, b);
	json_object_begin(&w, NULL);
	json_text(&w, "file", slice_str(path));
	json_flag(&w, "valid", problems->errors == 0);
	json_array_begin(&w, "problems");
	for (size_t i = 0; i < problems->count; i++) {
		const struct conf_problem *p = &problems->items[i];

		json_object_begin(&w, NULL);
		json_text(&w, "level", p->warning ? SLICE("warning") : SLICE("error"));
		json_number(&w, "line", p->line);
		json_number(&w, "column", p->column);
		json_text(&w, "text", p->text);
		json_object_end(&w);
	}
	json_array_end(&w);
	json_object_end(&w);
	builder_byte(b, '\n');
}

int
tool_check(struct tool *tool)
{
	struct conf_problems problems;
	struct config config;
	struct arena arena;
	struct builder b;
	int err;

	arena_init(&arena, rt_mem(tool->rt), 4 * CONFIG_ARENA_BYTES);
	builder_init_arena(&b, &arena, TOOL_OUTPUT_BYTES_MAX);
	err = parse_file(tool, &arena, &config, &problems);
	if (!err)
		tool_check_files(tool, &arena, &config, &problems);
	else if (!problems.errors)
		problems.errors = 1;
	if (tool->json) {
		problems_json(&b, tool->config_path, &problems);
	} else {
		conf_problems_write(&b, slice_str(tool->config_path), &problems);
		if (!problems.errors) {
			builder_str(&b, tool->config_path);
			builder_str(&b, problems.count ? ": valid, with warnings\n" : ": valid\n");
		}
	}
	tool_print(tool, TOOL_OUT, builder_slice(&b));
	arena_finish(&arena);
	return problems.errors ? TOOL_EXIT_FAULT : 0;
}

static void
values_json(struct json_writer *w, struct conf_options options, const void *holder)
{
	for (size_t i = 0; i < options.count; i++) {
		uint8_t buf[CONFIG_VALUE_MAX * 2];
		struct builder value;

		builder_init_fixed(&value, buf, sizeof(buf));
		conf_value_write(&value, &options.rows[i], holder);
		json_text(w, options.rows[i].name, builder_slice(&value));
	}
}

static void
config_json(struct builder *b, const struct config *config)
{
	struct json_writer w;

	json_init(&w, b);
	json_object_begin(&w, NULL);
	json_object_begin(&w, "options");
	values_json(&w, conf_global_options, config);
	json_object_end(&w);
	json_array_begin(&w, "listeners");
	for (size_t i = 0; i < config->listener_count; i++) {
		json_object_begin(&w, NULL);
		json_text(&w, "name", config->listeners[i].name);
		values_json(&w, conf_listener_options, &config->listeners[i]);
		json_object_end(&w);
	}
	json_array_end(&w);
	json_object_end(&w);
	builder_byte(b, '\n');
}

static int
config_show(struct tool *tool, struct arena *arena, struct builder *b)
{
	bool changed = tool->word_count > 2 && strcmp(tool->words[2], "--changed") == 0;
	struct config config, defaults;

	if (tool->word_count > 2 && !changed) {
		tool_complain(tool, "expected config show [--changed], not ", tool->words[2]);
		return TOOL_EXIT_USAGE;
	}
	if (tool_config_read(tool, arena, &config) || config_defaults(arena, &defaults))
		return TOOL_EXIT_CONFIG;
	if (tool->json)
		config_json(b, &config);
	else
		conf_show(b, &config, changed ? &defaults : NULL);
	return 0;
}

static void
option_explain(struct builder *b, struct conf_options options, const char *name, size_t *found)
{
	for (size_t i = 0; i < options.count; i++) {
		const struct conf_option *option = &options.rows[i];

		if (name && strcmp(name, option->name) != 0)
			continue;
		++*found;
		builder_str(b, option->name);
		builder_str(b, options.rows == conf_listener_options.rows ? " (in a listener)\n    "
									  : "\n    ");
		builder_str(b, option->text);
		builder_str(b, "\n    Expected: ");
		conf_value_expected(b, option);
		builder_str(b, ". Default: ");
		builder_str(b, option->fallback[0] ? option->fallback : "none");
		builder_str(b, ".\n");
	}
}

static int
config_explain(struct tool *tool, struct builder *b)
{
	const char *name = tool->word_count > 2 ? tool->words[2] : NULL;
	const char *near = NULL;
	size_t found = 0;

	option_explain(b, conf_global_options, name, &found);
	option_explain(b, conf_listener_options, name, &found);
	if (found)
		return 0;
	near = conf_option_suggest(conf_global_options, slice_str(name));
	tool_complain(tool, "no such option; did you mean ", near ? near : "another one?");
	return TOOL_EXIT_USAGE;
}

int
tool_config(struct tool *tool)
{
	const char *verb = tool->word_count > 1 ? tool->words[1] : "";
	int exit_code = TOOL_EXIT_USAGE;
	struct arena arena;
	struct builder b;

	arena_init(&arena, rt_mem(tool->rt), 4 * CONFIG_ARENA_BYTES);
	builder_init_arena(&b, &arena, TOOL_OUTPUT_BYTES_MAX);
	if (strcmp(verb, "show") == 0)
		exit_code = config_show(tool, &arena, &b);
	else if (strcmp(verb, "explain") == 0)
		exit_code = config_explain(tool, &b);
	else
		tool_complain(tool, "expected config show or config explain, not ", verb);
	tool_print(tool, TOOL_OUT, builder_slice(&b));
	arena_finish(&arena);
	return exit_code;
}
