/*
 * normalise: real texts to fields and shapes; what differs between two mails does not change the
 * shape; the vocabulary is in order; nothing hostile leaves the arrays.
 */
#include "base/test.h"

#include "rule/normal/normalise.h"
#include "rule/normal/vocabulary.h"

static struct normal normal;

static void
run(const char *text)
{
	normalise(slice_str(text), 0, (struct verdict_status){0}, &normal);
}

static const struct {
	const char *text, *shape;
} shapes[] = {
	{"", ""},
	{" \r\n\t ", ""},
	{"550 5.1.1 <Ann@Example.TEST>: User  unknown\r\n", "<<mail>>: user unknown"},
	{"550-5.1.1 The email account that you tried\n550-5.1.1 to reach does not exist.\n"
	 "550 5.1.1  https://support.test/a?p=NoSuchUser d2e1a72fcca58-7b0ad4.27 - gsmtp",
	 "the email account that you tried to reach does not exist. <url> <id> - gsmtp"},
	{"554-gateway.test\n554 Your access to this mail system has been rejected due to the "
	 "sending MTA's poor reputation.",
	 "<host> your access to this mail system has been rejected due to the sending mta's poor "
	 "reputation."},
	{"554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org; "
	 "https://list.test/query/ip/192.0.2.1",
	 "service unavailable; client host [<ip>] blocked using <list>; <url>"},
	{"554 5.7.1 [IPv6:2001:db8::25] is listed at bl.example (127.0.0.4)",
	 "[ipv6:<ip>] is listed at <host> (<code>)"},
	{"421 4.7.0 [TSS04] Messages from 192.0.2.25 temporarily deferred",
	 "[tss04] messages from <ip> temporarily deferred"},
	{"450 4.7.1 Greylisted, try again in 300 seconds", "greylisted, try again in <span>"},
	{"450 Greylisted for 1 hour and 5 minutes", "greylisted for <span> and <span>"},
	{"451 please come back again in 00:04:57", "please come back again in <span>"},
	{"552 5.3.4 Message size 31,457,280 exceeds limit of 25MB",
	 "message size <n> exceeds limit of <size>"},
	{"552 size limit (10485760)", "size limit (<n>)"},
	{"554 554 5.7.0 Header error (state 18).", "554 5.7.0 header error (state <n>)."},
	{"503 a\n503-5.5.1 b 503-5.5.1 sequence 503-All", "a b 503-5.5.1 sequence <n>-all"},
	{"450 error <421 4.4.2 timed out>", "error <421 4.4.2 timed out>"},
	{"554 Mon, 12 Jun 2024 10:00:00 +0000 no", "<n> no"},
	{"554 you may send 5 more", "you may send <n> more"},
	{"554 [MX1.example.test 2024-06-11T09:04:02.679Z 08DC8850F12E1502]", "[<host> <n> <id>]"},
	{"550 STOREDRV.Deliver; RESOLVER.ADR.RecipNotFound",
	 "storedrv.deliver; resolver.adr.recipnotfound"},
	{"550 Access denied...7d39d5299584f4be...", "access denied...<id>..."},
	{"550 user:ann@example.test, rcpt=bob@example.test", "user:<mail>, rcpt=<mail>"},
	{"550 see:https://a.test/b?x=c@d.test.", "see:<url>."},
	{"550 (S3140) SC-004 (AS16012609) OFR006_102", "(s3140) sc-004 (as16012609) ofr006_102"},
	{"550 1, 2, 3 and 4", "<n> and <n>"},
	{"550 neko22nyaan", "neko<n>nyaan"},
	{"550 8BITMIME UTF-8 TLSv1.2 IPv6", "8bitmime utf-8 tlsv1.2 ipv6"},
	{"550 Bo\xc3\xaete pleine \xff", "bo\xc3\xaete pleine \xff"},
	{"550 =?utf-8?B?8J+QiA=?=@example.test", "<mail>"},
	{"550 收件人（a@example.test）不存在", "收件人（<mail>）不存在"},
	{"550 <jürgen@bücher.example> unknown", "<<mail>> unknown"},
	{"550 a@ @b user@", "a@ @b user@"},
	{"550 http:// www. ://x", "http:// www. ://x"},
	{"Connection timed out", "connection timed out"},
};

TEST(shape)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		run(shapes[i].text);
		assert_slice_str(normal_shape(&normal), shapes[i].shape);
	}
	normalise(SLICE("550 5.1.1 no"), 550, (struct verdict_status){5, 1, 1}, &normal);
	assert_slice_str(normal_shape(&normal), "550 5.1.1 no");
}

static const struct {
	const char *text;
	uint8_t kind;
	const char *field;
	uint64_t value;
} fields[] = {
	{"550 from [192.0.2.1]", NORMAL_IP, "192.0.2.1", 0},
	{"550 from [IPv6:2001:DB8::1]:25", NORMAL_IP, "2001:DB8::1", 0},
	{"550 from ::1.", NORMAL_IP, "::1", 0},
	{"550 from IP=192.0.2.254 -", NORMAL_IP, "192.0.2.254", 0},
	{"550 http://bl.test/?ip=192.0.2.222", NORMAL_IP, "192.0.2.222", 0},
	{"550 http://bl.test/?ip=192.0.2.222 192.0.2.1", NORMAL_IP, "192.0.2.1", 0},
	{"550 for 127.0.0.1", NORMAL_IP, "127.0.0.1", 0},
	{"550 said 127.255.255.254", NORMAL_LIST_CODE, "127.255.255.254", 0},
	{"550 by mx-1.mail.example.co.test:", NORMAL_HOST, "mx-1.mail.example.co.test", 0},
	{"550 DF.EXAMPLE.JP", NORMAL_HOST, "DF.EXAMPLE.JP", 0},
	{"550 <\"x\"a+b@example.test>", NORMAL_MAIL, "a+b@example.test", 0},
	{"550 \xd0\xb0@\xd0\xb1.test", NORMAL_MAIL, "\xd0\xb0@\xd0\xb1.test", 0},
	{"550 (https://a.test/x?y=1&z=(2).", NORMAL_URL, "https://a.test/x?y=1&z=(2", 0},
	{"550 see www.a.test/x.", NORMAL_URL, "www.a.test/x", 0},
	{"550 see a.test/x!", NORMAL_URL, "a.test/x", 0},
	{"550 using b.barracudacentral.org", NORMAL_LIST, "b.barracudacentral.org", 0},
	{"550 listed by Spamhaus.", NORMAL_LIST, "Spamhaus", 0},
	{"550 in dnsbl.example.test", NORMAL_LIST, "dnsbl.example.test", 0},
	{"550 (AS780090)", NORMAL_TAG, "AS780090", 0},
	{"550 id=20025-09 -", NORMAL_ID, "20025-09", 0},
	{"450 try again in 300 seconds", NORMAL_WAIT, "300 seconds", 300},
	{"450 wait 5 minutes.", NORMAL_WAIT, "5 minutes", 300},
	{"450 wait 90s", NORMAL_WAIT, "90s", 90},
	{"450 wait 5m", NORMAL_WAIT, "5m", 300},
	{"450 1.5 hours until you may retry", NORMAL_WAIT, "1.5 hours", 5400},
	{"450 retry in 1 hour and 30 min", NORMAL_WAIT, "1 hour and 30 min", 5400},
	{"450 in 5 Minuten erneut", NORMAL_WAIT, "5 Minuten", 300},
	{"450 back again in 00:04:57", NORMAL_WAIT, "00:04:57", 297},
	{"450 again. 3 days", NORMAL_SPAN, "3 days", 259200},
	{"450 retry 999999999999999999999 days", NORMAL_WAIT, "999999999999999999999 days",
	 INT64_MAX},
	{"552 limit is 24.5 MB", NORMAL_SIZE, "24.5 MB", 25690112},
	{"552 10M", NORMAL_SIZE, "10M", 10485760},
	{"552 31,457,280 bytes", NORMAL_SIZE, "31,457,280 bytes", 31457280},
	{"552 quota 500 of 500", NORMAL_LIMIT, "500", 500},
	{"552 3 max", NORMAL_LIMIT, "3", 3},
	{"550 in state 18", NORMAL_NUMBER, "18", 18},
	{"550 2024-06-11 no", NORMAL_TIME, "2024-06-11", 0},
};

TEST(field)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const struct normal_field *f;

		run(fields[i].text);
		f = normal_find(&normal, fields[i].kind);
		if (!f)
			fail_msg("%s: no %s", fields[i].text, normal_kind_str(fields[i].kind));
		assert_slice_str(normal_field_text(&normal, f), fields[i].field);
		assert_int_equal(f->value, fields[i].value);
	}
}

TEST(absent)
{
	static const struct {
		const char *text;
		uint8_t kind;
	} rows[] = {
		{"550 5.1.1 no", NORMAL_IP},
		{"550 1.2.3.4.5 256.1.1.1", NORMAL_IP},
		{"550 12:34:56 std::string 1:2", NORMAL_IP},
		{"550 e.g. i.e. sentence.Next", NORMAL_HOST},
		{"550 file.c a..b -.com", NORMAL_HOST},
		{"550 undeliverable after 4 hours", NORMAL_WAIT},
		{"550 second time", NORMAL_SPAN},
		{"550 again; 5 minutes", NORMAL_WAIT},
		{"550 unknown", NORMAL_ID},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct normal_field *f;

		run(rows[i].text);
		f = normal_find(&normal, rows[i].kind);
		if (f)
			fail_msg("%s: %.*s", rows[i].text,
				 SLICE_ARG(normal_field_text(&normal, f)));
	}
}

/* The same refusal of two mails. */
TEST(same)
{
	static const char *const pairs[][2] = {
		{"550 5.1.1 <a@b.test>: gone (host mx1.c.test[192.0.2.1])",
		 "550 5.1.1 <xyz@d.test>:  Gone (host m.e.f.test[198.51.100.20])"},
		{"450 4.7.1 try again in 5 minutes, id 4ABCD12345",
		 "450 4.7.1 Try again\r\n450 4.7.1 in 300 seconds, id 77F0E1A2B3"},
		{"550 see https://a.test/1 (12 of 13)", "550 see http://b.test/?q=x (1 of 99999)"},
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		uint64_t hash;

		run(pairs[i][0]);
		hash = normal.hash;
		run(pairs[i][1]);
		assert_true(normal.hash == hash);
		run("550 other words");
		assert_true(normal.hash != hash);
	}
}

TEST(limits)
{
	static uint8_t text[NORMAL_TEXT_MAX + 100];

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 2 ? 'a' : '1';
	normalise(slice_of(text, sizeof(text)), 599, (struct verdict_status){5, 999, 999}, &normal);
	assert_int_equal(normal.text.len, NORMAL_TEXT_MAX);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 2 ? '!' : '1';
	normalise(slice_of(text, sizeof(text)), 599, (struct verdict_status){5, 999, 999}, &normal);
	assert_int_equal(normal.field_count, NORMAL_FIELDS_MAX);
	assert_true(normal.fields_cut);
	assert_true(normal.shape_len <= NORMAL_SHAPE_MAX);
	normalise(SLICE_EMPTY, 0, (struct verdict_status){0}, &normal);
	assert_int_equal(normal.shape_len, 0);
}

static unsigned
first_of(const char *text)
{
	return ascii_is_alpha((uint8_t)text[0]) ? (uint8_t)text[0] : 0;
}

TEST(vocabulary)
{
	const struct vocabulary_word *last = NULL, *row;
	uint8_t upper[VOCABULARY_WORD_MAX];

	for (size_t i = 0; (row = vocabulary_row(i)); i++) {
		assert_true(row->len <= VOCABULARY_WORD_MAX && row->roles);
		assert_true(!last || first_of(last->text) < first_of(row->text) ||
			    (first_of(last->text) == first_of(row->text) && last->len <= row->len));
		for (size_t k = 0; k < row->len; k++)
			upper[k] = ascii_is_alpha((uint8_t)row->text[k])
					   ? (uint8_t)(row->text[k] & ~0x20)
					   : (uint8_t)row->text[k];
		assert_ptr_equal(vocabulary_find(slice_of(upper, row->len)), row);
		assert_ptr_equal(vocabulary_find_lower(slice_str(row->text)), row);
		last = row;
	}
	assert_null(vocabulary_find(SLICE("nonsense")));
	assert_null(vocabulary_find(SLICE("")));
	assert_null(vocabulary_find(SLICE("averyveryverylongword")));
}

TESTS(TEST_ROW(shape), TEST_ROW(field), TEST_ROW(absent), TEST_ROW(same), TEST_ROW(limits),
      TEST_ROW(vocabulary))
