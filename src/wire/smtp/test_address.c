/*
 * address: tables of mailboxes and paths, the way back through smtp_address_build, and the isemail
 * corpus where FRANK_CORPORA names a folder that has it.
 */
#include "base/prng.h"
#include "base/test.h"
#include "wire/smtp/address.h"

#define A50 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee"
#define L63 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeefffffffffffff"

static struct slice
built(const struct smtp_address *address, uint8_t *buf, size_t size)
{
	struct builder b;
	struct slice s = SLICE_EMPTY;

	builder_init_fixed(&b, buf, size);
	smtp_address_build(&b, address);
	assert_int_equal(builder_take(&b, &s), 0);
	return s;
}

TEST(mailboxes)
{
	static const struct {
		const char *input, *local, *domain, *built;
		unsigned flags;
	} rows[] = {
		{"ann@example.test", "ann", "example.test", "ann@example.test", 0},
		{"Ann@EXAMPLE.test", "Ann", "EXAMPLE.test", "Ann@example.test", 0},
		{"a.b+c@x", "a.b+c", "x", "a.b+c@x", 0},
		{"\"a b\"@x.test", "a b", "x.test", "\"a b\"@x.test", SMTP_ADDRESS_QUOTED},
		{"\"a.b\"@x.test", "a.b", "x.test", "a.b@x.test", SMTP_ADDRESS_QUOTED},
		{"\"a\\\"\\\\b\"@x", "a\"\\b", "x", "\"a\\\"\\\\b\"@x", SMTP_ADDRESS_QUOTED},
		{"\"a\\b\"@x", "ab", "x", "ab@x", SMTP_ADDRESS_QUOTED},
		{"\"\"@x", "", "x", "\"\"@x", SMTP_ADDRESS_QUOTED},
		{"\"u@d\"@x.test", "u@d", "x.test", "\"u@d\"@x.test", SMTP_ADDRESS_QUOTED},
		{"u%d@x.test", "u%d", "x.test", "u%d@x.test", 0},
		{"d!u@x.test", "d!u", "x.test", "d!u@x.test", 0},
		{"u@[192.0.2.1]", "u", "[192.0.2.1]", "u@[192.0.2.1]", SMTP_ADDRESS_IP},
		{"u@[IPv6:2001:DB8::1]", "u", "[IPv6:2001:DB8::1]", "u@[ipv6:2001:db8::1]",
		 SMTP_ADDRESS_IP},
		{"d\xc3\xb6rte@x.test", "d\xc3\xb6rte", "x.test", "d\xc3\xb6rte@x.test",
		 SMTP_ADDRESS_UTF8},
		{"u@b\xc3\xbc"
		 "cher.test",
		 "u",
		 "b\xc3\xbc"
		 "cher.test",
		 "u@b\xc3\xbc"
		 "cher.test",
		 SMTP_ADDRESS_UTF8},
		{"\"\xc3\xb6 \"@x", "\xc3\xb6 ", "x", "\"\xc3\xb6 \"@x",
		 SMTP_ADDRESS_UTF8 | SMTP_ADDRESS_QUOTED},
		{A50 "12345678901234@x", A50 "12345678901234", "x", A50 "12345678901234@x", 0},
		{"u@" L63 ".x", "u", L63 ".x", "u@" L63 ".x", 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t scratch[SMTP_LOCAL_MAX], buf[SMTP_PATH_MAX];
		struct smtp_address got;

		assert_int_equal(smtp_address_parse(slice_str(rows[i].input), scratch, &got), 0);
		assert_slice_str(got.local, rows[i].local);
		assert_slice_str(got.domain, rows[i].domain);
		assert_int_equal(got.flags, rows[i].flags);
		assert_slice_str(built(&got, buf, sizeof(buf)), rows[i].built);
	}
}

TEST(not_mailboxes)
{
	static const struct {
		const char *input;
		int want;
	} rows[] = {
		{"", ERR_SYNTAX},
		{"ann", ERR_SYNTAX},
		{"@x", ERR_SYNTAX},
		{"ann@", ERR_SYNTAX},
		{"ann@x@y", ERR_SYNTAX},
		{"ann@x.", ERR_SYNTAX},
		{"ann@.x", ERR_SYNTAX},
		{"ann@x..y", ERR_SYNTAX},
		{"ann@-x", ERR_SYNTAX},
		{"ann@x-", ERR_SYNTAX},
		{"ann@x-.y", ERR_SYNTAX},
		{"ann@a_b.test", ERR_SYNTAX},
		{".ann@x", ERR_SYNTAX},
		{"ann.@x", ERR_SYNTAX},
		{"a..b@x", ERR_SYNTAX},
		{"a b@x", ERR_SYNTAX},
		{"ann@ x", ERR_SYNTAX},
		{"ann@x ", ERR_SYNTAX},
		{" ann@x", ERR_SYNTAX},
		{"ann%x@", ERR_SYNTAX},
		{"ann@x%", ERR_SYNTAX},
		{"(c)ann@x", ERR_SYNTAX},
		{"\"u@d\"", ERR_SYNTAX},
		{"\"a@x", ERR_SYNTAX},
		{"\"a\\\"@x", ERR_SYNTAX},
		{"\"a\"b@x", ERR_SYNTAX},
		{"\"a\tb\"@x", ERR_SYNTAX},
		{"u@[192.0.2.256]", ERR_SYNTAX},
		{"u@[192.0.2]", ERR_SYNTAX},
		{"u@[192.0.2.1", ERR_SYNTAX},
		{"u@[]", ERR_SYNTAX},
		{"u@[2001:db8::1]", ERR_SYNTAX},
		{"u@[x-y:z]", ERR_SYNTAX},
		{"u@[IPv6:2001:db8::g]", ERR_SYNTAX},
		{"u@[IPv6:192.0.2.1]", ERR_SYNTAX},
		{"u@[x:a@b]", ERR_SYNTAX},
		{"u@[192.0.2.1]x", ERR_SYNTAX},
		{"\xc3@x", ERR_SYNTAX},
		{"u\xe2\x80\xae@x", ERR_SYNTAX}, /* right-to-left override */
		{A50 "123456789012345@x", ERR_LIMIT},
		{"\"" A50 "1234567890123\"@x", ERR_LIMIT},
		{"u@" L63 "x.test", ERR_LIMIT},
		{"u@" L63 "." L63 "." L63 "." L63 ".x", ERR_LIMIT},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t scratch[SMTP_LOCAL_MAX];
		struct smtp_address got = {.flags = 77};
		int err = smtp_address_parse(slice_str(rows[i].input), scratch, &got);

		if (err != rows[i].want)
			fail_msg("%s gave %d", rows[i].input, err);
		assert_int_equal(got.flags, 77);
	}
}

TEST(paths)
{
	static const struct {
		const char *input;
		int err;
		const char *built, *rest;
		unsigned flags;
	} rows[] = {
		{"<>", 0, "", "", SMTP_ADDRESS_NULL},
		{"<> SIZE=1", 0, "", " SIZE=1", SMTP_ADDRESS_NULL},
		{"<Postmaster>", 0, "Postmaster", "", SMTP_ADDRESS_POSTMASTER},
		{"<POSTMASTER>", 0, "POSTMASTER", "", SMTP_ADDRESS_POSTMASTER},
		{"<postmaster@x>", 0, "postmaster@x", "", 0},
		{"<@a,@b.test:u@x>x", 0, "u@x", "x", SMTP_ADDRESS_SOURCE_ROUTE},
		{"<@[192.0.2.1]:u@x>", 0, "u@x", "", SMTP_ADDRESS_SOURCE_ROUTE},
		{"<\"a>b\"@x>", 0, "\"a>b\"@x", "", SMTP_ADDRESS_QUOTED},
		{"", ERR_SYNTAX, NULL, "", 0},
		{"u@x", ERR_SYNTAX, NULL, "u@x", 0},
		{"<u@x", ERR_SYNTAX, NULL, "<u@x", 0},
		{"<u>", ERR_SYNTAX, NULL, "<u>", 0},
		{"<@x>", ERR_SYNTAX, NULL, "<@x>", 0},
		{"<@a:>", ERR_SYNTAX, NULL, "<@a:>", 0},
		{"<@a,:u@x>", ERR_SYNTAX, NULL, "<@a,:u@x>", 0},
		{"<@a@b:u@x>", ERR_SYNTAX, NULL, "<@a@b:u@x>", 0},
		{"< u@x>", ERR_SYNTAX, NULL, "< u@x>", 0},
		{"<<u@x>>", ERR_SYNTAX, NULL, "<<u@x>>", 0},
		{"<u@" L63 "." L63 "." L63 "." A50 "12345678>", 0,
		 "u@" L63 "." L63 "." L63 "." A50 "12345678", "", 0},
		{"<u1@" L63 "." L63 "." L63 "." A50 "1234567890>", ERR_LIMIT, NULL, NULL, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t scratch[SMTP_LOCAL_MAX], buf[SMTP_PATH_MAX];
		struct smtp_address got;
		struct slice rest = slice_str(rows[i].input);

		assert_int_equal(smtp_path_parse(&rest, scratch, &got), rows[i].err);
		assert_slice_str(rest, rows[i].rest ? rows[i].rest : rows[i].input);
		if (rows[i].err)
			continue;
		assert_int_equal(got.flags, rows[i].flags);
		assert_slice_str(built(&got, buf, sizeof(buf)), rows[i].built);
	}
}

TEST(domain_is_valid)
{
	assert_true(smtp_domain_is_valid(SLICE("mx-1.example.test")));
	assert_false(smtp_domain_is_valid(SLICE("mx.example.test.")));
	assert_false(smtp_domain_is_valid(SLICE_EMPTY));
	assert_false(smtp_domain_is_valid(SLICE("[192.0.2.1]")));
}

/* What is built parses to the same and builds the same again. */
TEST(build_parse_build)
{
	static const char alphabet[] = "ab.@\"\\ <>[]:,1-%!\xc3\xb6";
	struct prng prng;

	prng_init(&prng, 5321);
	for (unsigned round = 0; round < 200000; round++) {
		uint8_t text[24], scratch[SMTP_LOCAL_MAX], again[SMTP_LOCAL_MAX];
		uint8_t buf[2][SMTP_PATH_MAX];
		size_t len = prng_below(&prng, sizeof(text));
		struct smtp_address a, b;
		struct slice s;

		for (size_t i = 0; i < len; i++)
			text[i] = (uint8_t)alphabet[prng_below(&prng, sizeof(alphabet) - 1)];
		if (smtp_address_parse(slice_of(text, len), scratch, &a))
			continue;
		s = built(&a, buf[0], sizeof(buf[0]));
		assert_int_equal(smtp_address_parse(s, again, &b), 0);
		assert_slice(b.local, a.local);
		assert_true(slice_eq_nocase(b.domain, a.domain));
		assert_slice(built(&b, buf[1], sizeof(buf[1])), s);
	}
}

/* The text of the first <name>...</name> in *xml; moves *xml behind it. Empty for <name/>. */
static bool
element(const char **xml, const char *name, char *ret_text, size_t size)
{
	char open[32], shut[32];
	const char *start = NULL, *end;

	(void)snprintf(open, sizeof(open), "<%s", name);
	(void)snprintf(shut, sizeof(shut), "</%s>", name);
	start = strstr(*xml, open);
	if (!start)
		return false;
	start += strlen(open);
	ret_text[0] = '\0';
	if (*start == '/') {
		*xml = start;
		return true;
	}
	start = strchr(start, '>') + 1;
	end = strstr(start, shut);
	assert_non_null(end);
	assert_true((size_t)(end - start) < size);
	memcpy(ret_text, start, (size_t)(end - start));
	ret_text[end - start] = '\0';
	*xml = end;
	return true;
}

/* Entities away; U+24xx stands for the control character xx. */
static size_t
decode(const char *text, char *out)
{
	static const char *const names[] = {"&quot;", "&amp;", "&lt;", "&gt;", "&apos;"};
	static const char bytes[] = "\"&<>'";
	size_t len = 0;

	while (*text) {
		size_t i = 0;

		while (i < 5 && strncmp(text, names[i], strlen(names[i])) != 0)
			i++;
		if (i < 5) {
			out[len++] = bytes[i];
			text += strlen(names[i]);
		} else if (strncmp(text, "&#xA9;", 6) == 0) {
			out[len++] = '\xc2';
			out[len++] = '\xa9';
			text += 6;
		} else if (strncmp(text, "&#x24", 5) == 0) {
			out[len++] = (char)strtol(text + 5, NULL, 16);
			text = strchr(text, ';') + 1;
		} else {
			out[len++] = *text++;
		}
	}
	return len;
}

/*
 * RFC 5321 forms and those that are only odd in the DNS are addresses, all else is none; but "::"
 * for a single group is accepted (RFC 4291 2.2 allows it, RFC 5321 4.1.3 does not).
 */
static bool
corpus_wants(const char *category, const char *diagnosis)
{
	return strcmp(category, "ISEMAIL_VALID_CATEGORY") == 0 ||
	       strcmp(category, "ISEMAIL_DNSWARN") == 0 ||
	       strcmp(category, "ISEMAIL_RFC5321") == 0 ||
	       strcmp(diagnosis, "ISEMAIL_RFC5321_IPV6DEPRECATED") == 0;
}

TEST(isemail_corpus)
{
	static char xml[200000], path[512], text[4096], category[128], diagnosis[128], raw[4096];
	const char *folder = getenv("FRANK_CORPORA"), *at = xml;
	unsigned count = 0;
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/addresses/tests.xml", folder ? folder : "");
	file = folder ? fopen(path, "r") : NULL;
	if (!file) {
		skip();
		return;
	}
	xml[fread(xml, 1, sizeof(xml) - 1, file)] = '\0';
	(void)fclose(file);
	at = strstr(xml, "<test ");
	while (at && element(&at, "address", text, sizeof(text)) &&
	       element(&at, "category", category, sizeof(category)) &&
	       element(&at, "diagnosis", diagnosis, sizeof(diagnosis))) {
		uint8_t scratch[SMTP_LOCAL_MAX];
		struct smtp_address got;
		size_t len = decode(text, raw);
		int err = smtp_address_parse(slice_of(raw, len), scratch, &got);

		if (!err != corpus_wants(category, diagnosis))
			fail_msg("%s (%s) gave %d", text, category, err);
		count++;
	}
	assert_true(count > 150);
}

TESTS(TEST_ROW(mailboxes), TEST_ROW(not_mailboxes), TEST_ROW(paths), TEST_ROW(domain_is_valid),
      TEST_ROW(build_parse_build), TEST_ROW(isemail_corpus))
