/* wrap: lines end in time, long words stand alone, blanks do not add up. */
#include "base/test.h"

#include "wire/text/wrap.h"

static const struct {
	const char *text, *want;
} rows[] = {
	{"", "|"},
	{"one", "one|"},
	{"one two three", "one two|three|"},
	{"  one   two  ", "one two|"},
	{"averylongword x y", "averylongword|x y|"},
	{"12345678 0 1", "12345678|0 1|"},
};

TEST(lines)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t room[64];
		struct builder b;

		builder_init_fixed(&b, room, sizeof(room));
		wrap_text(&b, slice_str(rows[i].text), 8, "|");
		assert_slice_str(builder_slice(&b), rows[i].want);
	}
}

TESTS(TEST_ROW(lines))
