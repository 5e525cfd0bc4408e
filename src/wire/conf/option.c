/*
 * option: the tables made from the .def files, look-up by name, and the nearest known word for a
 * misspelt one (edit distance).
 */
#include "wire/conf/option.h"

#include <string.h>

#define ROW_NUMBER(min, max) min, max, NULL
#define ROW_WORDS(min, max) 0, 0, max
#define ROW_LIMITS_TEXT(min, max) ROW_NUMBER(min, max)
#define ROW_LIMITS_PATH(min, max) ROW_NUMBER(min, max)
#define ROW_LIMITS_FLAG(min, max) ROW_NUMBER(min, max)
#define ROW_LIMITS_COUNT(min, max) ROW_NUMBER(min, max)
#define ROW_LIMITS_SIZE(min, max) ROW_NUMBER(min, max)
#define ROW_LIMITS_TIME(min, max) ROW_NUMBER(min, max)
#define ROW_LIMITS_CHOICE(min, max) ROW_WORDS(min, max)
#define ROW_LIMITS_TEXTS(min, max) ROW_NUMBER(min, max)
#define ROW_LIMITS_NETS(min, max) ROW_NUMBER(min, max)
#define ROW_LIMITS_ADDRS(min, max) ROW_NUMBER(min, max)
#define ROW_LIMITS_TIMES(min, max) ROW_NUMBER(min, max)

#define OPTION(field, name, TYPE, def, min, max, text)                                             \
	{name, CONF_##TYPE, offsetof(struct config, field), def, ROW_LIMITS_##TYPE(min, max), text},
static const struct conf_option global_rows[] = {
#include "def/options.def"
};
#undef OPTION

#define OPTION(field, name, TYPE, def, min, max, text)                                             \
	{name,                                                                                     \
	 CONF_##TYPE,                                                                              \
	 offsetof(struct config_listener, field),                                                  \
	 def,                                                                                      \
	 ROW_LIMITS_##TYPE(min, max),                                                              \
	 text},
static const struct conf_option listener_rows[] = {
#include "def/listener_options.def"
};
#undef OPTION

_Static_assert(sizeof(global_rows) / sizeof(global_rows[0]) <= CONF_GLOBAL_OPTIONS_MAX, "rows");
_Static_assert(sizeof(listener_rows) / sizeof(listener_rows[0]) <= CONF_LISTENER_OPTIONS_MAX,
	       "rows");

const struct conf_options conf_global_options = {global_rows,
						 sizeof(global_rows) / sizeof(global_rows[0])};
const struct conf_options conf_listener_options = {listener_rows, sizeof(listener_rows) /
									  sizeof(listener_rows[0])};

const struct conf_option *
conf_option_find(struct conf_options options, struct slice name)
{
	for (size_t i = 0; i < options.count; i++)
		if (slice_eq(slice_str(options.rows[i].name), name))
			return &options.rows[i];
	return NULL;
}

static size_t
min3(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

static size_t
edit_distance(struct slice a, struct slice b)
{
	size_t row[CONFIG_NAME_MAX + 1];

	if (a.len > CONFIG_NAME_MAX || b.len > CONFIG_NAME_MAX)
		return CONFIG_NAME_MAX;
	for (size_t j = 0; j <= b.len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			size_t swap = diagonal + (a.data[i - 1] != b.data[j - 1]);

			diagonal = row[j];
			row[j] = min3(row[j] + 1, row[j - 1] + 1, swap);
		}
	}
	return row[b.len];
}

/* What a candidate must come below: a third of the letters, and never half of them. */
static bool
is_nearer(struct slice name, struct slice candidate, size_t *distance)
{
	size_t found = edit_distance(name, candidate);

	if (found >= *distance || found * 2 > name.len)
		return false;
	*distance = found;
	return true;
}

const char *
conf_option_suggest(struct conf_options options, struct slice name)
{
	size_t distance = name.len / 3 + 2;
	const char *best = NULL;

	for (size_t i = 0; i < options.count; i++)
		if (is_nearer(name, slice_str(options.rows[i].name), &distance))
			best = options.rows[i].name;
	return best;
}

/* What others call on and off. */
static const struct {
	const char *word, *means;
} flag_words[] = {
	{"yes", "on"}, {"true", "on"},	 {"1", "on"},  {"enabled", "on"},
	{"no", "off"}, {"false", "off"}, {"0", "off"}, {"disabled", "off"},
};

struct slice
conf_value_suggest(const struct conf_option *option, struct slice word)
{
	struct slice rest = SLICE("on|off"), best = SLICE_EMPTY;
	size_t distance = word.len / 3 + 2;

	if (option->choices)
		rest = slice_str(option->choices);
	else if (option->type != CONF_FLAG)
		return best;
	for (size_t i = 0; i < sizeof(flag_words) / sizeof(flag_words[0]); i++)
		if (option->type == CONF_FLAG &&
		    slice_eq_nocase(word, slice_str(flag_words[i].word)))
			return slice_str(flag_words[i].means);
	while (rest.data) {
		struct slice choice = slice_cut(&rest, '|');

		if (slice_eq_nocase(word, choice) || is_nearer(word, choice, &distance))
			best = choice;
	}
	return best;
}
