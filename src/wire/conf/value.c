/*
 * value: one row per type: how its words are read, written, encoded and decoded. Units: sizes take
 * K, M, G (powers of 1024), times ms, s, m, h, d; written back with the largest unit that divides.
 */
#include "wire/conf/option.h"

#include <string.h>

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit size_units[] = {
	{"G", 1u << 30}, {"M", 1u << 20}, {"K", 1u << 10}, {"", 1}};
static const struct unit time_units[] = {
	{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};

static bool
number_read(struct slice word, const struct unit *units, size_t unit_count, uint64_t *ret_value)
{
	size_t digits = 0;
	uint64_t value;

	while (digits < word.len && ascii_is_digit(word.data[digits]))
		digits++;
	if (!slice_to_u64(slice_sub(word, 0, digits), UINT64_MAX, &value))
		return false;
	for (size_t i = 0; i < unit_count; i++) {
		if (slice_eq(slice_from(word, digits), slice_str(units[i].name)) ||
		    (value == 0 && digits == word.len))
			return !__builtin_mul_overflow(value, units[i].factor, ret_value);
	}
	return false;
}

static void
number_write(struct builder *b, uint64_t value, const struct unit *units, size_t unit_count)
{
	for (size_t i = 0; i < unit_count; i++) {
		if (i + 1 == unit_count || (value && value % units[i].factor == 0)) {
			builder_dec(b, value / units[i].factor);
			builder_str(b, units[i].name);
			return;
		}
	}
}

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
static const struct unit plain_units[] = {{"", 1}};

static void
units_of(enum conf_type type, const struct unit **ret_units, size_t *ret_count)
{
	bool time = type == CONF_TIME || type == CONF_TIMES;

	*ret_units = time ? time_units : type == CONF_SIZE ? size_units : plain_units;
	*ret_count = time		 ? COUNT_OF(time_units)
		     : type == CONF_SIZE ? COUNT_OF(size_units)
					 : COUNT_OF(plain_units);
}

/* One item of each type, from one word. */
typedef int item_read_fn(struct conf_reading *, const struct conf_option *, struct slice, void *);
typedef void item_write_fn(struct builder *, const struct conf_option *, const void *);
typedef void item_encode_fn(struct builder *, const void *);
typedef void item_decode_fn(struct cursor *, struct arena *, const struct conf_option *, void *);

static size_t
text_max(const struct conf_option *option)
{
	return option->max ? option->max : CONFIG_VALUE_MAX;
}

static int
text_read(struct conf_reading *r, const struct conf_option *option, struct slice word, void *item)
{
	if (word.len > text_max(option))
		return ERR_RANGE;
	*(struct slice *)item = arena_keep(r->arena, word);
	return r->arena->failed ? ERR_NO_MEMORY : 0;
}

static int
path_read(struct conf_reading *r, const struct conf_option *option, struct slice word, void *item)
{
	struct builder b;

	if (word.len == 0 || word.data[0] == '/')
		return text_read(r, option, word, item);
	builder_init_arena(&b, r->arena, CONFIG_VALUE_MAX);
	builder_add(&b, r->folder);
	builder_byte(&b, '/');
	builder_add(&b, word);
	return builder_take(&b, item) ? ERR_RANGE : 0;
}

static void
text_write(struct builder *b, const struct conf_option *option, const void *item)
{
	const struct slice *s = item;

	(void)option;
	builder_byte(b, '"');
	for (size_t i = 0; i < s->len; i++) {
		if (s->data[i] == '"' || s->data[i] == '\\')
			builder_byte(b, '\\');
		builder_byte(b, s->data[i]);
	}
	builder_byte(b, '"');
}

static void
text_encode(struct builder *b, const void *item)
{
	builder_blob(b, *(const struct slice *)item);
}

static void
text_decode(struct cursor *c, struct arena *arena, const struct conf_option *option, void *item)
{
	*(struct slice *)item = arena_keep(arena, cursor_blob(c, text_max(option)));
}

static int
flag_read(struct conf_reading *r, const struct conf_option *option, struct slice word, void *item)
{
	(void)r;
	(void)option;
	if (!slice_eq(word, SLICE("on")) && !slice_eq(word, SLICE("off")))
		return ERR_SYNTAX;
	*(bool *)item = slice_eq(word, SLICE("on"));
	return 0;
}

static void
flag_write(struct builder *b, const struct conf_option *option, const void *item)
{
	(void)option;
	builder_str(b, *(const bool *)item ? "on" : "off");
}

static void
flag_encode(struct builder *b, const void *item)
{
	builder_u8(b, *(const bool *)item);
}

static void
flag_decode(struct cursor *c, struct arena *arena, const struct conf_option *option, void *item)
{
	uint8_t value = cursor_u8(c);

	(void)arena;
	(void)option;
	if (value > 1)
		cursor_fail(c, ERR_RANGE);
	*(bool *)item = value == 1;
}

static int
count_read(struct conf_reading *r, const struct conf_option *option, struct slice word, void *item)
{
	const struct unit *units;
	size_t unit_count;
	uint64_t value;

	(void)r;
	units_of(option->type, &units, &unit_count);
	if (!number_read(word, units, unit_count, &value))
		return ERR_SYNTAX;
	if (value < option->min || value > option->max)
		return ERR_RANGE;
	*(uint64_t *)item = value;
	return 0;
}

static void
count_write(struct builder *b, const struct conf_option *option, const void *item)
{
	const struct unit *units;
	size_t unit_count;

	units_of(option->type, &units, &unit_count);
	number_write(b, *(const uint64_t *)item, units, unit_count);
}

static void
count_encode(struct builder *b, const void *item)
{
	builder_u64(b, *(const uint64_t *)item);
}

static void
count_decode(struct cursor *c, struct arena *arena, const struct conf_option *option, void *item)
{
	uint64_t value = cursor_u64(c);

	(void)arena;
	if (!c->err && (value < option->min || value > option->max))
		cursor_fail(c, ERR_RANGE);
	*(uint64_t *)item = value;
}

static size_t
choice_count(const struct conf_option *option)
{
	struct slice rest = slice_str(option->choices);
	size_t count = 0;

	while (rest.data) {
		slice_cut(&rest, '|');
		count++;
	}
	return count;
}

static int
choice_read(struct conf_reading *r, const struct conf_option *option, struct slice word, void *item)
{
	struct slice rest = slice_str(option->choices);

	(void)r;
	for (uint64_t index = 0; rest.data; index++) {
		if (slice_eq(slice_cut(&rest, '|'), word)) {
			*(uint64_t *)item = index;
			return 0;
		}
	}
	return ERR_SYNTAX;
}

static void
choice_write(struct builder *b, const struct conf_option *option, const void *item)
{
	struct slice rest = slice_str(option->choices), word = SLICE_EMPTY;

	for (uint64_t index = 0; index <= *(const uint64_t *)item; index++)
		word = slice_cut(&rest, '|');
	builder_add(b, word);
}

static void
choice_decode(struct cursor *c, struct arena *arena, const struct conf_option *option, void *item)
{
	uint64_t value = cursor_u64(c);

	(void)arena;
	if (!c->err && value >= choice_count(option))
		cursor_fail(c, ERR_RANGE);
	*(uint64_t *)item = value;
}

static int
net_read(struct conf_reading *r, const struct conf_option *option, struct slice word, void *item)
{
	(void)r;
	(void)option;
	return net_cidr_parse(word, item);
}

static void
net_write(struct builder *b, const struct conf_option *option, const void *item)
{
	const struct net_cidr *cidr = item;

	(void)option;
	net_addr_format(b, &cidr->base);
	builder_byte(b, '/');
	builder_dec(b, cidr->bits);
}

static void
net_encode(struct builder *b, const void *item)
{
	const struct net_cidr *cidr = item;

	builder_u8(b, cidr->base.family);
	builder_u8(b, cidr->bits);
	builder_bytes(b, cidr->base.bytes, sizeof(cidr->base.bytes));
}

static void
net_decode(struct cursor *c, struct arena *arena, const struct conf_option *option, void *item)
{
	struct net_cidr *cidr = item;
	struct slice bytes;

	(void)arena;
	(void)option;
	cidr->base.family = cursor_u8(c);
	cidr->bits = cursor_u8(c);
	bytes = cursor_bytes(c, sizeof(cidr->base.bytes));
	if (bytes.len)
		memcpy(cidr->base.bytes, bytes.data, bytes.len);
	if (!c->err && cidr->bits > (cidr->base.family == NET_FAMILY_4 ? 32 : 128))
		cursor_fail(c, ERR_RANGE);
}

static int
addr_read(struct conf_reading *r, const struct conf_option *option, struct slice word, void *item)
{
	(void)r;
	(void)option;
	return net_addr_parse_port(word, item);
}

static void
addr_write(struct builder *b, const struct conf_option *option, const void *item)
{
	(void)option;
	net_addr_format_port(b, item);
}

static void
addr_encode(struct builder *b, const void *item)
{
	const struct net_addr *addr = item;

	builder_u8(b, addr->family);
	builder_u16(b, addr->port);
	builder_bytes(b, addr->bytes, sizeof(addr->bytes));
}

static void
addr_decode(struct cursor *c, struct arena *arena, const struct conf_option *option, void *item)
{
	struct net_addr *addr = item;
	struct slice bytes;

	(void)arena;
	(void)option;
	addr->family = cursor_u8(c);
	addr->port = cursor_u16(c);
	bytes = cursor_bytes(c, sizeof(addr->bytes));
	if (bytes.len)
		memcpy(addr->bytes, bytes.data, bytes.len);
	if (!c->err && addr->family != NET_FAMILY_4 && addr->family != NET_FAMILY_6)
		cursor_fail(c, ERR_RANGE);
}

/* list: items behind a pointer and a count; all config_* list structs have this shape. */
struct any_list {
	const void *items;
	size_t count;
};

static const struct {
	item_read_fn *read;
	item_write_fn *write;
	item_encode_fn *encode;
	item_decode_fn *decode;
	size_t item_size;
	bool list;
	const char *expected;
} types[CONF_TYPE_MAX] = {
	[CONF_TEXT] = {text_read, text_write, text_encode, text_decode, sizeof(struct slice), false,
		       "a text"},
	[CONF_PATH] = {path_read, text_write, text_encode, text_decode, sizeof(struct slice), false,
		       "a path"},
	[CONF_FLAG] = {flag_read, flag_write, flag_encode, flag_decode, sizeof(bool), false,
		       "on or off"},
	[CONF_COUNT] = {count_read, count_write, count_encode, count_decode, sizeof(uint64_t),
			false, "a number"},
	[CONF_SIZE] = {count_read, count_write, count_encode, count_decode, sizeof(uint64_t), false,
		       "a size such as 512K, 50M or 1G"},
	[CONF_TIME] = {count_read, count_write, count_encode, count_decode, sizeof(uint64_t), false,
		       "a time such as 200ms, 30s, 15m, 4h or 5d"},
	[CONF_CHOICE] = {choice_read, choice_write, count_encode, choice_decode, sizeof(uint64_t),
			 false, "one of"},
	[CONF_TEXTS] = {text_read, text_write, text_encode, text_decode, sizeof(struct slice), true,
			"texts"},
	[CONF_NETS] = {net_read, net_write, net_encode, net_decode, sizeof(struct net_cidr), true,
		       "networks such as 192.0.2.0/24 or 2001:db8::/32"},
	[CONF_ADDRS] = {addr_read, addr_write, addr_encode, addr_decode, sizeof(struct net_addr),
			true, "addresses with port such as 192.0.2.1:25 or [2001:db8::1]:25"},
	[CONF_TIMES] = {count_read, count_write, count_encode, count_decode, sizeof(uint64_t), true,
			"times such as 15m 30m 1h"},
};

void
conf_value_expected(struct builder *b, const struct conf_option *option)
{
	const struct unit *units;
	size_t unit_count;

	builder_str(b, types[option->type].expected);
	if (option->choices) {
		struct slice rest = slice_str(option->choices);

		while (rest.data) {
			builder_byte(b, ' ');
			builder_add(b, slice_cut(&rest, '|'));
		}
	}
	if (option->type == CONF_TEXT && option->max) {
		builder_str(b, " of at most ");
		builder_dec(b, option->max);
		builder_str(b, " bytes");
	}
	if (types[option->type].read != count_read)
		return;
	units_of(option->type, &units, &unit_count);
	builder_str(b, " from ");
	number_write(b, option->min, units, unit_count);
	builder_str(b, " to ");
	number_write(b, option->max, units, unit_count);
}

static int
reading_failed(struct conf_reading *r, const struct conf_option *option, size_t word, int err)
{
	struct builder b;

	builder_init_arena(&b, r->arena, CONFIG_VALUE_MAX);
	conf_value_expected(&b, option);
	r->expected = builder_slice(&b);
	r->bad_word = word;
	return err;
}

int
conf_value_read(struct conf_reading *r, const struct conf_option *option,
		const struct conf_words *words, void *holder)
{
	void *field = (char *)holder + option->offset;
	struct any_list list = {NULL, words->count};
	size_t size = types[option->type].item_size;
	char *items;
	int err;

	if (!types[option->type].list) {
		if (words->count != 1)
			return reading_failed(r, option, words->count ? 1 : 0, ERR_SYNTAX);
		err = types[option->type].read(r, option, words->items[0], field);
		return err ? reading_failed(r, option, 0, err) : 0;
	}
	if (words->count == 1 && words->items[0].len == 0)
		list.count = 0;
	items = arena_alloc(r->arena, size * list.count);
	if (!items)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < list.count; i++) {
		err = types[option->type].read(r, option, words->items[i], items + i * size);
		if (err)
			return reading_failed(r, option, i, err);
	}
	list.items = items;
	memcpy(field, &list, sizeof(list));
	return 0;
}

void
conf_value_write(struct builder *b, const struct conf_option *option, const void *holder)
{
	const char *field = (const char *)holder + option->offset;
	struct any_list list;

	if (!types[option->type].list) {
		types[option->type].write(b, option, field);
		return;
	}
	memcpy(&list, field, sizeof(list));
	if (list.count == 0)
		builder_str(b, "\"\"");
	for (size_t i = 0; i < list.count; i++) {
		if (i > 0)
			builder_byte(b, ' ');
		types[option->type].write(
			b, option, (const char *)list.items + i * types[option->type].item_size);
	}
}

void
conf_value_encode(struct builder *b, const struct conf_option *option, const void *holder)
{
	const char *field = (const char *)holder + option->offset;
	struct any_list list;

	if (!types[option->type].list) {
		types[option->type].encode(b, field);
		return;
	}
	memcpy(&list, field, sizeof(list));
	builder_u8(b, (uint8_t)list.count);
	for (size_t i = 0; i < list.count; i++)
		types[option->type].encode(b, (const char *)list.items +
						      i * types[option->type].item_size);
}

void
conf_value_decode(struct cursor *c, struct arena *arena, const struct conf_option *option,
		  void *holder)
{
	char *field = (char *)holder + option->offset;
	size_t size = types[option->type].item_size;
	struct any_list list = {0};
	char *items;

	if (!types[option->type].list) {
		types[option->type].decode(c, arena, option, field);
		return;
	}
	list.count = cursor_u8(c);
	if (list.count > CONFIG_LIST_MAX)
		cursor_fail(c, ERR_LIMIT);
	items = c->err ? NULL : arena_alloc(arena, size * list.count);
	if (!items) {
		cursor_fail(c, ERR_NO_MEMORY);
		return;
	}
	for (size_t i = 0; i < list.count; i++)
		types[option->type].decode(c, arena, option, items + i * size);
	list.items = items;
	memcpy(field, &list, sizeof(list));
}
