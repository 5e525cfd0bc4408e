/*
 * reply_clean: a reply as text to show, and the host that gave it.
 *
 * Reports wrap a reply's lines and join them; both is undone: a line begins only where the reply's
 * code stands again.
 */
#include "wire/bounce/reply.h"

#include "wire/bounce/bounce.h"
#include "wire/text/utf8.h"

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static struct slice
line_trim(struct slice line)
{
	line = slice_trim(line);
	while (slice_starts(line, SLICE("<<< ")) || slice_starts(line, SLICE("<-- ")))
		line = slice_trim(slice_from(line, 4));
	return line;
}

/* Without what joined an address and the words, and without a closing sign of the text around. */
static struct slice
edges_cut(struct slice words)
{
	static const char pairs[][2] = {{'(', ')'}, {'[', ']'}};

	while (words.len && slice_index(SLICE(" \t\n;:,.)]"), words.data[0]) < 9)
		words = slice_from(words, 1);
	while (words.len && slice_index(SLICE(" \t\n"), words.data[words.len - 1]) < 3)
		words.len--;
	for (size_t i = 0; i < 2; i++)
		if (words.len && words.data[words.len - 1] == pairs[i][1] &&
		    slice_index(words, (uint8_t)pairs[i][0]) == words.len)
			words.len--;
	return line_trim(words);
}

/* The reply's code again, as a line of several begins. */
static bool
begins_line(struct slice reply, struct slice text)
{
	return text.len > 3 && slice_eq(slice_sub(reply, 0, 3), slice_sub(text, 0, 3)) &&
	       (text.data[3] == '-' || text.data[3] == ' ');
}

/* "550-a 550-b 550 c": a blank before each code becomes a line end. */
static void
lines_restore(uint8_t *data, size_t len)
{
	struct slice all = {data, len};

	if (len < 5 || data[3] != '-' || !ascii_is_digit(data[0]))
		return;
	for (size_t i = 4; i < len; i++)
		if (data[i] == ' ' && begins_line(all, slice_from(all, i + 1)))
			data[i] = '\n';
}

struct slice
bounce_reply_clean(struct arena *arena, struct slice words)
{
	struct slice rest;
	struct builder b;

	words = edges_cut(utf8_head(words, (size_t)BOUNCE_REPLY_MAX * 2));
	if (slice_index(words, '\n') == words.len && slice_index(words, '\t') == words.len &&
	    slice_find(words, SLICE("  ")) == words.len && slice_index(words, '-') != 3)
		return utf8_head(words, BOUNCE_REPLY_MAX);
	builder_init_arena(&b, arena, words.len);
	for (rest = words; rest.data;) {
		struct slice line = line_trim(slice_cut(&rest, '\n'));

		if (line.len && b.len)
			builder_byte(&b, ' ');
		for (size_t i = 0; i < line.len; i++)
			if (!is_blank(line.data[i]))
				builder_byte(&b, line.data[i]);
			else if (!is_blank(line.data[i - 1]))
				builder_byte(&b, ' ');
	}
	lines_restore(b.data, b.len);
	return utf8_head(builder_slice(&b), BOUNCE_REPLY_MAX);
}

/* --- hosts ------------------------------------------------------------------------------------ */

static bool
is_host_byte(uint8_t c)
{
	return ascii_is_alpha(c) || ascii_is_digit(c) || c == '.' || c == '-' || c == '_';
}

static struct slice
host_word(struct slice s, size_t at)
{
	size_t len = 0;

	while (at + len < s.len && (is_host_byte(s.data[at + len]) || s.data[at + len] == ':'))
		len++;
	while (len && (s.data[at + len - 1] == '.' || s.data[at + len - 1] == ':'))
		len--;
	return slice_sub(s, at, len);
}

static bool
is_address(struct slice s)
{
	size_t dots = 0, colons = 0;

	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = ascii_lower(s.data[i]);

		dots += c == '.';
		colons += c == ':';
		if (!ascii_is_digit(c) && c != '.' && c != ':' && !(c >= 'a' && c <= 'f'))
			return false;
	}
	return s.len >= 7 && (dots == 3 || colons >= 2);
}

/* "name [address]" or "name (address)" with the opening sign at this place. */
static struct slice
host_before(struct slice s, size_t at)
{
	struct slice address = host_word(s, at + 1);
	size_t end = at, begin;

	if (!is_address(address))
		return SLICE_EMPTY;
	while (end && (is_blank(s.data[end - 1]) || s.data[end - 1] == '.'))
		end--;
	begin = end;
	while (begin && is_host_byte(s.data[begin - 1]))
		begin--;
	if (slice_index(slice_sub(s, begin, end - begin), '.') < end - begin)
		return slice_sub(s, begin, end - begin);
	return address;
}

struct slice
bounce_host_find(const struct phrase_index *index, struct slice text)
{
	struct slice found = SLICE_EMPTY, rest = text;
	struct phrase_hit hit;
	size_t at = 0;

	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] == '[' || text.data[i] == '(') {
			struct slice host = host_before(text, i);

			found = host.len ? host : found;
		}
	while (!found.len && phrase_next(index, text, PHRASE_HOST, &at, &hit)) {
		struct slice host = host_word(text, hit.end);

		if (slice_index(host, '.') < host.len)
			found = host;
	}
	while (rest.data && !found.len) {
		struct slice host = host_word(slice_trim(slice_cut(&rest, '\n')), 0);

		if (is_address(host))
			found = host;
	}
	return found;
}
