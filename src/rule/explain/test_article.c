/* article: every cause, number and code leads somewhere, and what is none leads nowhere. */
#include "base/test.h"

#include "rule/explain/article.h"

static const struct {
	const char *name;
	unsigned number;
} causes[] = {
#define CAUSE(NAME, name, number, ...) {name, number},
#include "def/causes.def"
#undef CAUSE
};

static struct article_found
find(const char *asked)
{
	struct article_found found = {0};

	if (!article_find(slice_str(asked), &found))
		fail_msg("nothing found for %s", asked);
	return found;
}

static struct slice
shown(const struct article_found *found)
{
	static uint8_t room[ARTICLE_SHOWN_MAX];
	struct builder b;

	builder_init_fixed(&b, room, sizeof(room));
	article_show_text(&b, found);
	assert_false(b.failed);
	return builder_slice(&b);
}

TEST(causes_and_numbers)
{
	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
		char number[16];
		struct article_found by_name = find(causes[i].name), by_number;

		snprintf(number, sizeof(number), "FR-E%u", causes[i].number);
		by_number = find(number);
		assert_slice_str(by_name.name, causes[i].name);
		assert_slice_str(by_number.name, causes[i].name);
		assert_int_equal(by_number.code.len, 0);
	}
}

TEST(numbers_of_mailenable)
{
	static const char *const rows[][2] = {
		{"ME-E0193", "ME-E0193"},      {"ME-I0073", "ME-I0073"},
		{"ME-I0102", "ME-I0102"},      {"ME-I0106", "relay-granted"},
		{"ME-I0107", "relay-granted"}, {"ME-I0108", "relay-granted"},
		{"ME-E0109", "relay-refused"}, {"ME-I0110", "relay-granted"},
		{"ME-I0111", "relay-refused"}, {"ME-I0112", "relay-refused"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_slice_str(find(rows[i][0]).name, rows[i][1]);
}

/* IANA's registry, by subject the highest detail. */
TEST(registered_statuses)
{
	static const unsigned last[] = {0, 10, 4, 6, 8, 6, 10, 30};
	static const char classes[] = "245xX";

	for (unsigned subject = 0; subject < sizeof(last) / sizeof(last[0]); subject++)
		for (unsigned detail = 0; detail <= last[subject]; detail++)
			for (const char *class = classes; *class; class ++) {
				char asked[16], row[16];
				struct article_found found;

				snprintf(asked, sizeof(asked), "%c.%u.%u", *class, subject, detail);
				snprintf(row, sizeof(row), "x.%u.%u", subject, detail);
				found = find(asked);
				assert_slice_str(found.code, row);
				assert_int_equal(found.class_code.len,
						 ascii_is_digit((uint8_t) * class) ? 5 : 0);
				assert_true(found.sentence.len && found.source.len);
			}
}

TEST(reply_codes)
{
	static const char *const codes[] = {
		"211", "214", "220", "221", "235", "250", "251", "252", "253", "334", "354",
		"355", "421", "432", "450", "451", "452", "453", "454", "455", "458", "459",
		"500", "501", "502", "503", "504", "521", "523", "525", "530", "534", "535",
		"538", "550", "551", "552", "553", "554", "555", "556",
	};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		struct article_found found = find(codes[i]);

		assert_slice_str(found.code, codes[i]);
		assert_true(found.sentence.len && !found.class_code.len);
	}
}

TEST(other_forms)
{
	static const struct {
		const char *asked, *name, *code;
	} rows[] = {
		{"5.7.25", "ptr", "x.7.25"},	     {"X.7.25", "ptr", "x.7.25"},
		{"5.7.606", "policy", "x.7.x"}, /* a receiver's own */
		{"4.2.99", "rcpt-refused", "x.2.x"}, {"5.7.X", "policy", "x.7.x"},
		{"5.x.x", "reply-codes", "5.x.x"},   {"5.X.1", "reply-codes", "5.x.x"},
		{"IP-Blocked", "ip-blocked", ""},    {"fr-e1009", "ip-blocked", ""},
		{"me-e0193", "ME-E0193", ""},	     {"gmail", "at-google", ""},
		{"at-google", "at-google", ""},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct article_found found = find(rows[i].asked);

		assert_slice_str(found.name, rows[i].name);
		assert_slice_str(found.code, rows[i].code);
	}
	assert_slice_str(find("4.7.25").class_code, "4.x.x");
}

TEST(nothing)
{
	static const char *const rows[] = {
		"",	  "x",	      "999",	    "55",	 "5500",
		"5.7",	  "5.7.",     ".7.25",	    "5..1",	 "5.7.25.1",
		"3.7.25", "6.7.25",   "5.9.1",	    "5.7.1234",	 "5.7.-1",
		"5.7.2a", "x.x.x",    "ip_blocked", "ip-blocke", "ip-blocked ",
		"at-",	  "FR-E1000", "FR-E1028",   "ME-E0036",	 "55.7.25",
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct article_found found = {0};

		if (article_find(slice_str(rows[i]), &found))
			fail_msg("found for '%s': %.*s", rows[i], SLICE_ARG(found.name));
		assert_null(found.name.data);
	}
	assert_false(article_find(slice_of("550\0", 4), &(struct article_found){0}));
}

/* Ordered, whole, and of lines that a terminal shows. */
TEST(all_articles)
{
	struct slice last = SLICE_EMPTY;

	for (size_t i = 0; i < article_count(); i++) {
		struct article_found found;
		struct slice rest;

		article_at(i, &found);
		assert_true(slice_cmp(last, found.name) < 0);
		assert_slice(find((const char *)found.name.data).text, found.text);
		for (rest = shown(&found); rest.len;) {
			struct slice line = slice_cut(&rest, '\n');

			if (line.len > 80 && slice_find(line, SLICE("://")) == line.len)
				fail_msg("%.*s: %.*s", SLICE_ARG(found.name), SLICE_ARG(line));
		}
		last = found.name;
	}
	assert_true(article_count() > sizeof(causes) / sizeof(causes[0]));
}

TEST(show)
{
	static uint8_t room[ARTICLE_SHOWN_MAX];
	struct article_found found = find("5.7.25");
	struct json_writer w;
	struct builder b;

	assert_true(slice_starts(
		shown(&found),
		SLICE("x.7.25: Our address has no proper name in reverse DNS. (RFC 7372 3.3)\n"
		      "5.x.x: For good: ")));
	assert_true(slice_find(shown(&found), SLICE("\n\nOur address has no proper name in "
						    "reverse DNS\n\nWhat it means\n  ")) <
		    shown(&found).len);
	found = find("ptr");
	assert_true(slice_starts(shown(&found), SLICE("Our address has")));
	/* quotes around code of several words, not from one code to the next */
	assert_true(slice_find(shown(&found), SLICE("Options hostname and helo.")) <
		    shown(&found).len);
	builder_init_fixed(&b, room, sizeof(room));
	json_init(&w, &b);
	article_show_json(&w, &found);
	assert_false(b.failed);
	assert_true(slice_starts(builder_slice(&b),
				 SLICE("{\"code\":null,\"sentence\":null,\"class\":null,"
				       "\"source\":null,\"article\":\"ptr\",\"title\":\"Our")));
}

TESTS(TEST_ROW(causes_and_numbers), TEST_ROW(numbers_of_mailenable), TEST_ROW(registered_statuses),
      TEST_ROW(reply_codes), TEST_ROW(other_forms), TEST_ROW(nothing), TEST_ROW(all_articles),
      TEST_ROW(show))
