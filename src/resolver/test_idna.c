/* resolver/idna: names of people to names of DNS and back. */
#include "base/test.h"
#include "resolver/idna.h"
#include "resolver/test_idna_memory.h"

TEST(ascii)
{
	static const struct {
		const char *name, *want;
		int err;
	} rows[] = {
		{"Example.TEST", "example.test", 0},
		{"b\303\274cher.test", "xn--bcher-kva.test", 0},
		{"B\303\234CHER.Test", "xn--bcher-kva.test", 0},
		{"bu\314\210cher.test", "xn--bcher-kva.test", 0}, /* not composed */
		{"fa\303\237.test", "xn--fa-hia.test", 0},	  /* not fass.test */
		{"\344\276\213\343\201\210.test", "xn--r8jz45g.test", 0},
		{"b\303\274cher\343\200\202test", "xn--bcher-kva.test", 0}, /* ideographic stop */
		{"_dmarc.example.test", "_dmarc.example.test", 0},
		{"", NULL, ERR_SYNTAX},
		{"\377.test", NULL, ERR_SYNTAX},
		{"b\303\274 cher.test", NULL, ERR_SYNTAX},
		{"\342\230\203.test", NULL, ERR_SYNTAX}, /* a snowman is no letter */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t buf[300];
		struct builder b;

		builder_init_fixed(&b, buf, sizeof(buf));
		assert_int_equal(idna_to_ascii(slice_str(rows[i].name), &b), rows[i].err);
		if (rows[i].want)
			assert_slice_str(builder_slice(&b), rows[i].want);
	}
}

TEST(too_long)
{
	uint8_t name[1100], buf[2000];
	struct builder b;

	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = i % 50 == 49 ? '.' : 'a';
	builder_init_fixed(&b, buf, sizeof(buf));
	assert_int_equal(idna_to_ascii(slice_of(name, 300), &b), ERR_LIMIT);
	assert_int_equal(idna_to_ascii(slice_of(name, sizeof(name)), &b), ERR_LIMIT);
	memcpy(name, "b\303\274", 3);
	assert_int_equal(idna_to_ascii(slice_of(name, 400), &b), ERR_LIMIT);
}

TEST(unicode)
{
	static const char *const rows[][2] = {
		{"xn--bcher-kva.test", "b\303\274cher.test"},
		{"example.test", "example.test"},
		{"xn--\177.test", "xn--\177.test"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t buf[300];
		struct builder b;

		builder_init_fixed(&b, buf, sizeof(buf));
		assert_int_equal(idna_to_unicode(slice_str(rows[i][0]), &b), 0);
		assert_slice_str(builder_slice(&b), rows[i][1]);
	}
}

TEST(address)
{
	static const char *const rows[][2] = {
		{"ann@b\303\274cher.test", "ann@xn--bcher-kva.test"},
		{"\"a@b\"@b\303\274cher.test", "\"a@b\"@xn--bcher-kva.test"},
		{"\303\244nn@b\303\274cher.test", "\303\244nn@b\303\274cher.test"},
		{"\303\244nn@example.test", "\303\244nn@example.test"},
		{"Ann@Example.test", "Ann@Example.test"},
		{"ann@b\303\274 cher.test", "ann@b\303\274 cher.test"},
		{"b\303\274cher", "b\303\274cher"},
		{"", ""},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t buf[300];
		struct builder b;

		builder_init_fixed(&b, buf, sizeof(buf));
		assert_int_equal(idna_address(slice_str(rows[i][0]), &b), 0);
		assert_slice_str(builder_slice(&b), rows[i][1]);
	}
}

/* Want of memory is no property of the name. */
TEST(no_memory)
{
	uint8_t buf[300];
	struct builder b;

	builder_init_fixed(&b, buf, sizeof(buf));
	test_idna_no_memory = true;
	assert_int_equal(idna_to_ascii(SLICE("b\303\274cher.test"), &b), ERR_NO_MEMORY);
	assert_int_equal(idna_address(SLICE("ann@b\303\274cher.test"), &b), ERR_NO_MEMORY);
	assert_int_equal(b.len, 0);
	assert_int_equal(idna_address(SLICE("ann@example.test"), &b), 0);
	test_idna_no_memory = false;
}

TESTS(TEST_ROW(ascii), TEST_ROW(too_long), TEST_ROW(unicode), TEST_ROW(address),
      TEST_ROW(no_memory))
