/*
 * option: the rows of options.def and listener_options.def as a table, and what can be done with a
 * value of each type: read from words, written as words, put into a snapshot, taken from one.
 * Everything generic about options stands on this table; nothing lists options a second time.
 */
#ifndef WIRE_CONF_OPTION_H
#define WIRE_CONF_OPTION_H

#include "base/cursor.h"
#include "wire/conf/config.h"

enum conf_type {
	CONF_TEXT,
	CONF_PATH,
	CONF_FLAG,
	CONF_COUNT,
	CONF_SIZE,
	CONF_TIME,
	CONF_CHOICE,
	CONF_TEXTS,
	CONF_NETS,
	CONF_ADDRS,
	CONF_TIMES,
	CONF_TYPE_MAX
};

struct conf_option {
	const char *name;
	enum conf_type type;
	size_t offset;	      /* of the field in its struct */
	const char *fallback; /* words, as in a file */
	uint64_t min, max;    /* of a number, or of the length of a text */
	const char *choices;  /* "a|b|c", or NULL */
	const char *text;     /* manual */
};

struct conf_options {
	const struct conf_option *rows;
	size_t count;
};

/* Rows at most, for what is kept by row. */
#define CONF_GLOBAL_OPTIONS_MAX 128
#define CONF_LISTENER_OPTIONS_MAX 32

/* Of struct config and of struct config_listener. */
extern const struct conf_options conf_global_options;
extern const struct conf_options conf_listener_options;

/* NULL when there is none. */
const struct conf_option *conf_option_find(struct conf_options options, struct slice name);
/* The known name that is most like this one, or NULL when none is near. */
const char *conf_option_suggest(struct conf_options options, struct slice name);
/* The same for a value of one that takes certain words only; empty when none is near. */
struct slice conf_value_suggest(const struct conf_option *option, struct slice word);

/* The words of one option line. */
struct conf_words {
	struct slice items[CONFIG_LIST_MAX];
	size_t count;
};

/* Reads the words into the field; base holds the folder for relative paths. On ERR_SYNTAX or
 * ERR_RANGE *ret_bad is the number of the word at fault and *ret_expected says what was expected.
 */
struct conf_reading {
	struct arena *arena;
	struct slice folder;
	size_t bad_word;
	struct slice expected;
};
int conf_value_read(struct conf_reading *reading, const struct conf_option *option,
		    const struct conf_words *words, void *holder) MUST_USE;
/* What a value of this option looks like: "on or off", "1 to 16". */
void conf_value_expected(struct builder *b, const struct conf_option *option);
/* The value as words of a file. */
void conf_value_write(struct builder *b, const struct conf_option *option, const void *holder);

void conf_value_encode(struct builder *b, const struct conf_option *option, const void *holder);
void conf_value_decode(struct cursor *c, struct arena *arena, const struct conf_option *option,
		       void *holder);

#endif
