/*
 * parse: words with their places, one line at a time; an option line is handed to value.c. After
 * an error the rest of the line is skipped, so that one run shows all problems.
 */
#include "wire/conf/parse.h"

#include <string.h>

#include "wire/conf/option.h"

struct parser {
	struct arena *arena;
	struct slice folder;
	struct conf_problems *problems;
	struct config *config;
	struct config_listener *listeners;
	size_t listener_count;
	struct config_listener *block; /* inside this listener's braces */
	uint32_t block_line;
	uint32_t line;
	/* Words of the line at hand and their columns. */
	struct conf_words words;
	uint32_t columns[CONFIG_LIST_MAX];
	bool opens, closes; /* braces of this line */
	uint32_t brace_column;
	uint8_t seen[256]; /* options that were given already, global then of the block */
};

static void
problem(struct parser *p, uint32_t column, const char *what, struct slice detail)
{
	struct builder b;

	builder_init_arena(&b, p->arena, CONFIG_VALUE_MAX);
	builder_str(&b, what);
	builder_add(&b, slice_sub(detail, 0, 200));
	conf_problem_add(p->arena, p->problems,
			 &(struct conf_problem){p->line, column, false, builder_slice(&b)});
}

/* One word from *at on; ERR_SYNTAX for a quote without end or a byte that may not be there. */
static int
word_read(struct parser *p, struct slice line, size_t *at, struct slice *ret_word)
{
	struct builder b;

	builder_init_arena(&b, p->arena, CONFIG_VALUE_MAX);
	if (line.data[*at] != '"') {
		size_t start = *at;

		while (*at < line.len && slice_index(SLICE(" \t\"{}#"), line.data[*at]) == 6)
			(*at)++;
		*ret_word = slice_sub(line, start, *at - start);
		return ret_word->len > CONFIG_VALUE_MAX ? ERR_LIMIT : 0;
	}
	for ((*at)++; *at < line.len && line.data[*at] != '"'; (*at)++) {
		if (line.data[*at] == '\\' && *at + 1 < line.len)
			(*at)++;
		builder_byte(&b, line.data[*at]);
	}
	if (*at == line.len)
		return ERR_SYNTAX;
	(*at)++;
	return builder_take(&b, ret_word);
}

static int
word_add(struct parser *p, struct slice line, size_t *at)
{
	uint32_t column = (uint32_t)*at + 1;
	struct slice word;

	if (p->opens || p->closes) {
		problem(p, column, "expected the end of the line after a brace", SLICE_EMPTY);
		return ERR_SYNTAX;
	}
	if (p->words.count == CONFIG_LIST_MAX) {
		problem(p, column, "too many values: expected at most 63", SLICE_EMPTY);
		return ERR_LIMIT;
	}
	if (word_read(p, line, at, &word)) {
		problem(p, column, "expected a closing \" and at most 1024 bytes", SLICE_EMPTY);
		return ERR_SYNTAX;
	}
	p->columns[p->words.count] = column;
	p->words.items[p->words.count++] = word;
	return 0;
}

static int
line_split(struct parser *p, struct slice line)
{
	p->words.count = 0;
	p->opens = p->closes = false;
	for (size_t at = 0; at < line.len;) {
		uint8_t byte = line.data[at];

		if (byte == '#')
			return 0;
		if (byte == ' ' || byte == '\t') {
			at++;
		} else if (byte < ' ' || byte == 0x7f) {
			problem(p, (uint32_t)at + 1, "a control character stands here",
				SLICE_EMPTY);
			return ERR_SYNTAX;
		} else if (byte == '{' || byte == '}') {
			p->brace_column = (uint32_t)++at;
			p->opens |= byte == '{';
			p->closes |= byte == '}';
		} else if (word_add(p, line, &at)) {
			return ERR_SYNTAX;
		}
	}
	return 0;
}

static void
unknown_option(struct parser *p, struct conf_options options)
{
	const char *near = conf_option_suggest(options, p->words.items[0]);
	struct builder b;

	builder_init_arena(&b, p->arena, CONFIG_VALUE_MAX);
	builder_add(&b, slice_sub(p->words.items[0], 0, CONFIG_NAME_MAX));
	builder_str(&b, p->block ? ": expected an option of a listener" : ": expected an option");
	if (near) {
		builder_str(&b, "; did you mean ");
		builder_str(&b, near);
		builder_byte(&b, '?');
	}
	problem(p, p->columns[0], "unknown option ", builder_slice(&b));
}

static void
value_problem(struct parser *p, const struct conf_reading *reading, const char *name, int err)
{
	struct builder b;
	size_t word = reading->bad_word + 1;

	builder_init_arena(&b, p->arena, CONFIG_VALUE_MAX);
	builder_str(&b, name);
	builder_str(&b, ": expected ");
	builder_add(&b, reading->expected);
	if (word < p->words.count) {
		builder_str(&b, ", found ");
		builder_add(&b, slice_sub(p->words.items[word], 0, 80));
	}
	problem(p, word < p->words.count ? p->columns[word] : p->columns[0],
		err == ERR_RANGE ? "out of range: " : "", builder_slice(&b));
}

static void
option_line(struct parser *p)
{
	struct conf_options options = p->block ? conf_listener_options : conf_global_options;
	const struct conf_option *option = conf_option_find(options, p->words.items[0]);
	struct conf_reading reading = {.arena = p->arena, .folder = p->folder};
	struct conf_words values = {.count = p->words.count - 1};
	size_t index;
	int err;

	if (!option) {
		unknown_option(p, options);
		return;
	}
	index = (p->block ? 128 : 0) + (size_t)(option - options.rows);
	if (p->seen[index]++) {
		problem(p, p->columns[0], "given twice: ", p->words.items[0]);
		return;
	}
	memcpy(values.items, p->words.items + 1, values.count * sizeof(values.items[0]));
	err = conf_value_read(&reading, option, &values,
			      p->block ? (void *)p->block : (void *)p->config);
	if (err)
		value_problem(p, &reading, option->name, err);
}

static int
listener_defaults(struct arena *arena, struct config_listener *listener)
{
	struct conf_reading reading = {.arena = arena};

	for (size_t i = 0; i < conf_listener_options.count; i++) {
		struct conf_words words = {.count = 1};
		int err;

		words.items[0] = slice_str(conf_listener_options.rows[i].fallback);
		err = conf_value_read(&reading, &conf_listener_options.rows[i], &words, listener);
		if (err)
			return err;
	}
	return 0;
}

static void
listener_open(struct parser *p)
{
	if (p->block || p->words.count != 2 || !slice_eq(p->words.items[0], SLICE("listener"))) {
		problem(p, p->brace_column,
			"unexpected {: expected `listener NAME {` outside a block", SLICE_EMPTY);
		return;
	}
	if (p->listener_count == CONFIG_LISTENERS_MAX || p->words.items[1].len > CONFIG_NAME_MAX) {
		problem(p, p->columns[0], "expected at most 16 listeners with names up to 64 bytes",
			SLICE_EMPTY);
		return;
	}
	for (size_t i = 0; i < p->listener_count; i++)
		if (slice_eq(p->listeners[i].name, p->words.items[1]))
			problem(p, p->columns[1], "a second listener of the name ",
				p->words.items[1]);
	p->block = &p->listeners[p->listener_count++];
	p->block_line = p->line;
	p->block->name = arena_keep(p->arena, p->words.items[1]);
	memset(p->seen + 128, 0, 128);
	if (listener_defaults(p->arena, p->block))
		problem(p, p->columns[0], "out of memory", SLICE_EMPTY);
}

static void
one_line(struct parser *p, struct slice line)
{
	if (line.len && line.data[line.len - 1] == '\r')
		line.len--;
	if (line_split(p, line))
		return;
	if (p->opens) {
		listener_open(p);
	} else if (p->closes) {
		if (!p->block || p->words.count)
			problem(p, p->brace_column,
				"unexpected }: expected it alone on a line, after `listener NAME "
				"{`",
				SLICE_EMPTY);
		p->block = NULL;
	} else if (p->words.count) {
		option_line(p);
	}
}

int
config_defaults(struct arena *arena, struct config *ret_config)
{
	struct conf_reading reading = {.arena = arena};
	struct config config = {0};

	for (size_t i = 0; i < conf_global_options.count; i++) {
		struct conf_words words = {.count = 1};
		struct slice rest = slice_str(conf_global_options.rows[i].fallback);
		int err;

		for (words.count = 0; rest.data;)
			words.items[words.count++] = slice_cut(&rest, ' ');
		err = conf_value_read(&reading, &conf_global_options.rows[i], &words, &config);
		if (err)
			return err;
	}
	*ret_config = config;
	return 0;
}

int
conf_parse(struct arena *arena, struct slice text, struct slice folder, struct config *ret_config,
	   struct conf_problems *problems)
{
	struct config config;
	struct parser p = {
		.arena = arena, .folder = folder, .problems = problems, .config = &config};

	*problems = (struct conf_problems){0};
	p.listeners = arena_alloc(arena, CONFIG_LISTENERS_MAX * sizeof(*p.listeners));
	if (!p.listeners || config_defaults(arena, &config)) {
		problem(&p, 0, "out of memory", SLICE_EMPTY);
		return ERR_NO_MEMORY;
	}
	if (text.len > CONFIG_TEXT_BYTES_MAX)
		problem(&p, 0, "the file is larger than 1M", SLICE_EMPTY);
	for (struct slice rest = text; rest.data && problems->errors < CONF_PROBLEMS_MAX;) {
		p.line++;
		one_line(&p, slice_cut(&rest, '\n'));
	}
	if (p.block) {
		p.line = p.block_line;
		problem(&p, 1, "this block has no end: expected a line with }", SLICE_EMPTY);
	}
	config.listeners = p.listeners;
	config.listener_count = p.listener_count;
	if (!problems->errors)
		conf_check(arena, &config, problems);
	if (arena->failed && !problems->errors)
		return ERR_NO_MEMORY;
	if (problems->errors)
		return ERR_SYNTAX;
	*ret_config = config;
	return 0;
}
