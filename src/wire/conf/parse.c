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
	struct conf_places *places;
	struct config_listener *listeners;
	size_t listener_count;
	/* Inside a listener's braces, or NULL both. */
	struct config_listener *block;
	struct conf_block_places *block_places;
	uint32_t line;
	/* Words of the line at hand and their columns. */
	struct conf_words words;
	uint32_t columns[CONFIG_LIST_MAX];
	bool opens, closes; /* braces of this line */
	uint32_t brace_column;
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

static bool
is_control(uint8_t byte)
{
	return byte < ' ' || byte == 0x7f;
}

/* A quoted word; *at is behind the first quote, and then behind the last one. What is wrong, or
 * NULL. */
static const char *
quoted_read(struct parser *p, struct slice line, size_t *at, struct slice *ret_word)
{
	struct builder b;

	builder_init_arena(&b, p->arena, CONFIG_VALUE_MAX);
	for (; *at < line.len && line.data[*at] != '"'; (*at)++) {
		if (line.data[*at] == '\\' && *at + 1 < line.len)
			(*at)++;
		if (is_control(line.data[*at]))
			return "a control character stands here";
		builder_byte(&b, line.data[*at]);
	}
	if (*at == line.len)
		return "expected a closing \" on this line";
	(*at)++;
	return builder_take(&b, ret_word) ? "too long: expected at most 1024 bytes" : NULL;
}

static const char *
bare_read(struct slice line, size_t *at, struct slice *ret_word)
{
	size_t start = *at;

	for (; *at < line.len && slice_index(SLICE(" \t\"{}#"), line.data[*at]) == 6; (*at)++)
		if (is_control(line.data[*at]))
			return "a control character stands here";
	*ret_word = slice_sub(line, start, *at - start);
	return ret_word->len > CONFIG_VALUE_MAX ? "too long: expected at most 1024 bytes" : NULL;
}

static int
word_add(struct parser *p, struct slice line, size_t *at)
{
	uint32_t column = (uint32_t)*at + 1;
	const char *wrong;
	struct slice word;

	if (p->words.count == CONFIG_LIST_MAX) {
		problem(p, column, "too many values: expected at most 63", SLICE_EMPTY);
		return ERR_LIMIT;
	}
	if (line.data[*at] == '"') {
		(*at)++;
		wrong = quoted_read(p, line, at, &word);
	} else {
		wrong = bare_read(line, at, &word);
	}
	if (wrong) {
		/* A word is named by its first column, a byte by its own. */
		if (*at < line.len && is_control(line.data[*at]))
			column = (uint32_t)*at + 1;
		problem(p, column, wrong, SLICE_EMPTY);
		return ERR_SYNTAX;
	}
	p->columns[p->words.count] = column;
	p->words.items[p->words.count++] = word;
	return 0;
}

static int
line_split(struct parser *p, struct slice line)
{
	int err = 0;

	p->words.count = 0;
	p->opens = p->closes = false;
	for (size_t at = 0; !err && at < line.len;) {
		uint8_t byte = line.data[at];

		if (byte == '#')
			return 0;
		if (byte == ' ' || byte == '\t') {
			at++;
		} else if (p->opens || p->closes) {
			problem(p, (uint32_t)at + 1, "expected the end of the line after a brace",
				SLICE_EMPTY);
			err = ERR_SYNTAX;
		} else if (byte == '{' || byte == '}') {
			p->brace_column = (uint32_t)++at;
			p->opens = byte == '{';
			p->closes = byte == '}';
		} else {
			err = word_add(p, line, &at);
		}
	}
	return err;
}

/* Where option lines go now. */
static struct conf_options
options_here(const struct parser *p)
{
	return p->block ? conf_listener_options : conf_global_options;
}

static struct conf_place *
place_of(struct parser *p, const struct conf_option *option)
{
	size_t row = (size_t)(option - options_here(p).rows);

	return p->block ? &p->block_places->options[row] : &p->places->options[row];
}

/* What was meant has its problem now, and shall not be missed on top. */
static const char *
option_meant(struct parser *p, struct slice name)
{
	const char *near = conf_option_suggest(options_here(p), name);

	if (near)
		place_of(p, conf_option_find(options_here(p), slice_str(near)))->bad = true;
	return near;
}

static void
unknown_option(struct parser *p)
{
	struct slice name = p->words.items[0];
	struct builder b;

	builder_init_arena(&b, p->arena, CONFIG_VALUE_MAX);
	builder_add(&b, slice_sub(name, 0, CONFIG_NAME_MAX));
	builder_str(&b, p->block ? ": expected an option of a listener" : ": expected an option");
	if (p->block && conf_option_find(conf_global_options, name)) {
		builder_str(&b, "; this one belongs outside the block");
	} else if (!p->block && conf_option_find(conf_listener_options, name)) {
		builder_str(&b, "; this one belongs inside `listener NAME { ... }`");
	} else {
		const char *near = option_meant(p, name);

		builder_str(&b, near ? "; did you mean " : "");
		builder_str(&b, near ? near : "");
		builder_str(&b, near ? "?" : "");
	}
	problem(p, p->columns[0], "unknown option ", builder_slice(&b));
}

static void
value_problem(struct parser *p, const struct conf_reading *reading,
	      const struct conf_option *option, int err)
{
	struct slice found = SLICE_EMPTY, near = SLICE_EMPTY;
	size_t word = reading->bad_word + 1;
	struct builder b;

	builder_init_arena(&b, p->arena, CONFIG_VALUE_MAX);
	builder_str(&b, option->name);
	builder_str(&b, ": expected ");
	builder_add(&b, reading->expected);
	if (word < p->words.count) {
		found = p->words.items[word];
		near = conf_value_suggest(option, found);
		builder_str(&b, ", found ");
		builder_add(&b, slice_sub(found, 0, 80));
	}
	if (near.len) {
		builder_str(&b, "; did you mean ");
		builder_add(&b, near);
		builder_str(&b, "?");
	}
	problem(p, word < p->words.count ? p->columns[word] : p->columns[0],
		err == ERR_RANGE ? "out of range: " : "", builder_slice(&b));
}

static void
twice_problem(struct parser *p, const struct conf_place *first)
{
	struct builder b;

	builder_init_arena(&b, p->arena, CONFIG_VALUE_MAX);
	builder_add(&b, p->words.items[0]);
	builder_str(&b, "; the first one is in line ");
	builder_dec(&b, first->line);
	problem(p, p->columns[0], "given twice: ", builder_slice(&b));
}

static void
option_line(struct parser *p)
{
	const struct conf_option *option = conf_option_find(options_here(p), p->words.items[0]);
	struct conf_reading reading = {.arena = p->arena, .folder = p->folder};
	struct conf_words values = {.count = p->words.count - 1};
	struct conf_place *place;
	int err;

	if (!option) {
		unknown_option(p);
		return;
	}
	place = place_of(p, option);
	if (place->line) {
		twice_problem(p, place);
		return;
	}
	place->line = p->line;
	place->column = p->columns[values.count > 0];
	memcpy(values.items, p->words.items + 1, values.count * sizeof(values.items[0]));
	err = conf_value_read(&reading, option, &values,
			      p->block ? (void *)p->block : (void *)p->config);
	if (!err)
		return;
	place->bad = true;
	value_problem(p, &reading, option, err);
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

static bool
is_plain_name(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (!ascii_is_alpha(name.data[i]) && !ascii_is_digit(name.data[i]) &&
		    slice_index(SLICE("-_."), name.data[i]) == 3)
			return false;
	return name.len > 0 && name.len <= CONFIG_NAME_MAX;
}

/* What is wrong with the line that opens a block, or NULL. */
static const char *
heading_wrong(const struct parser *p)
{
	if (p->words.count == 0 || !slice_eq(p->words.items[0], SLICE("listener")))
		return "unknown block: expected `listener NAME {`";
	if (p->words.count != 2 || !p->opens)
		return "expected `listener NAME {`";
	if (!is_plain_name(p->words.items[1]))
		return "expected a listener's name of at most 64 letters, digits, - _ and .";
	if (p->listener_count == CONFIG_LISTENERS_MAX)
		return "expected at most 16 listeners";
	return NULL;
}

static void
block_end_missing(struct parser *p)
{
	uint32_t line = p->line;

	p->line = p->block_places->head.line;
	p->block_places->head.bad = true;
	problem(p, 1, "this block has no end: expected a line with }", SLICE_EMPTY);
	p->line = line;
}

/* A block begins even where its heading is wrong, so that what is in it is read as what it was
 * meant to be; beyond the last listener it lands on that one, and with an error nothing is used. */
static void
listener_open(struct parser *p)
{
	const char *wrong;
	size_t index;

	if (p->block)
		block_end_missing(p);
	wrong = heading_wrong(p);
	if (wrong)
		problem(p, p->words.count ? p->columns[0] : p->brace_column, wrong, SLICE_EMPTY);
	for (size_t i = 0; !wrong && i < p->listener_count; i++)
		if (slice_eq(p->listeners[i].name, p->words.items[1]))
			problem(p, p->columns[1], "a second listener of the name ",
				p->words.items[1]);
	if (p->listener_count < CONFIG_LISTENERS_MAX)
		p->listener_count++;
	index = p->listener_count - 1;
	p->block = &p->listeners[index];
	p->block->name = wrong ? SLICE_EMPTY : arena_keep(p->arena, p->words.items[1]);
	p->block_places = &p->places->listeners[index];
	*p->block_places = (struct conf_block_places){.head = {p->line, 1, wrong != NULL}};
	if (listener_defaults(p->arena, p->block))
		problem(p, 1, "out of memory", SLICE_EMPTY);
}

static void
block_close(struct parser *p)
{
	if (!p->block || p->words.count)
		problem(p, p->brace_column,
			"unexpected }: expected it alone on a line, after `listener NAME {`",
			SLICE_EMPTY);
	p->block = NULL;
	p->block_places = NULL;
}

/* A brace was forgotten: better a word on that than many on the lines to come. */
static bool
is_heading(const struct parser *p)
{
	return p->opens || (p->words.count && slice_eq(p->words.items[0], SLICE("listener")));
}

static void
one_line(struct parser *p, struct slice line)
{
	if (line.len && line.data[line.len - 1] == '\r')
		line.len--;
	if (line_split(p, line))
		return;
	if (is_heading(p))
		listener_open(p);
	else if (p->closes)
		block_close(p);
	else if (p->words.count)
		option_line(p);
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
	p.places = ARENA_NEW(arena, struct conf_places);
	if (!p.listeners || !p.places || config_defaults(arena, &config)) {
		problem(&p, 0, "out of memory", SLICE_EMPTY);
		return ERR_NO_MEMORY;
	}
	problems->places = p.places;
	if (text.len > CONFIG_TEXT_BYTES_MAX)
		problem(&p, 0, "the file is larger than 1M", SLICE_EMPTY);
	for (struct slice rest = text; rest.data && problems->errors < CONF_PROBLEMS_MAX;) {
		p.line++;
		one_line(&p, slice_cut(&rest, '\n'));
	}
	if (p.block)
		block_end_missing(&p);
	config.listeners = p.listeners;
	config.listener_count = p.listener_count;
	conf_check(arena, &config, p.places, problems);
	if (arena->failed && !problems->errors)
		return ERR_NO_MEMORY;
	if (problems->errors)
		return ERR_SYNTAX;
	*ret_config = config;
	return 0;
}
