/* received: whole fields, keywords, hostile HELO and recipient, Message-ID. */
#include "base/test.h"

#include "wire/message/header.h"
#include "wire/message/received.h"

static const struct {
	struct received r;
	const char *want;
} rows[] = {
	{{.helo = SLICE("client.test"),
	  .client_name = SLICE("mx.client.test"),
	  .client_ip = SLICE("192.0.2.1"),
	  .by = SLICE("mail.example.test"),
	  .with = RECEIVED_ESMTP | RECEIVED_TLS,
	  .tls = SLICE("TLSv1.3 TLS_AES_256_GCM_SHA384"),
	  .id = SLICE("0123456789abc"),
	  .recipient = SLICE("bob@example.test"),
	  .date = {1057049557, 120}},
	 "Received: from client.test (mx.client.test [192.0.2.1])\r\n"
	 "\tby mail.example.test (Frank) with ESMTPS (TLSv1.3 TLS_AES_256_GCM_SHA384)\r\n"
	 "\tid 0123456789abc for <bob@example.test>;\r\n"
	 "\tTue, 1 Jul 2003 10:52:37 +0200\r\n"},
	{{.by = SLICE("mail.example.test"),
	  .with = RECEIVED_ESMTP | RECEIVED_TLS | RECEIVED_AUTH,
	  .id = SLICE("1")},
	 "Received: by mail.example.test (Frank) with ESMTPSA\r\n"
	 "\tid 1;\r\n\tThu, 1 Jan 1970 00:00:00 +0000\r\n"},
	{{.helo = SLICE("evil) by me;\r\nX: <y>"),
	  .client_ip = SLICE("2001:db8::1"),
	  .by = SLICE("mail.example.test"),
	  .id = SLICE("1"),
	  .recipient = SLICE("a>\r\nBcc: b@x.test")},
	 "Received: from evil??by?me???X:??y? ([IPv6:2001:db8::1])\r\n"
	 "\tby mail.example.test (Frank) with SMTP\r\n"
	 "\tid 1;\r\n\tThu, 1 Jan 1970 00:00:00 +0000\r\n"},
	{{.client_ip = SLICE("192.0.2.1"), .by = SLICE("h.test"), .id = SLICE("1")},
	 "Received: from [192.0.2.1] ([192.0.2.1])\r\n\tby h.test (Frank) with SMTP\r\n"
	 "\tid 1;\r\n\tThu, 1 Jan 1970 00:00:00 +0000\r\n"},
};

TEST(fields)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t buf[RECEIVED_BYTES_MAX];
		struct builder b;

		builder_init_fixed(&b, buf, sizeof(buf));
		received_build(&b, &rows[i].r);
		assert_slice_str(builder_slice(&b), rows[i].want);
		assert_int_equal(received_count(builder_slice(&b)), 1);
		assert_int_equal(header_count(builder_slice(&b), SLICE("X")), 0);
	}
}

TEST(largest)
{
	static uint8_t text[1000];
	struct slice all = {text, sizeof(text)};
	struct received r = {.helo = all,
			     .client_name = all,
			     .client_ip = all,
			     .by = all,
			     .tls = all,
			     .id = all,
			     .recipient = slice_sub(all, 0, 255)};
	uint8_t buf[RECEIVED_BYTES_MAX];
	struct builder b;

	memset(text, 'x', sizeof(text));
	builder_init_fixed(&b, buf, sizeof(buf));
	received_build(&b, &r);
	assert_false(b.failed);
}

TEST(keywords)
{
	assert_string_equal(received_with_str(0), "SMTP");
	assert_string_equal(received_with_str(RECEIVED_ESMTP), "ESMTP");
	assert_string_equal(received_with_str(RECEIVED_ESMTP | RECEIVED_AUTH), "ESMTPA");
	assert_string_equal(received_with_str(RECEIVED_ESMTP | RECEIVED_TLS | RECEIVED_AUTH),
			    "ESMTPSA");
	assert_string_equal(received_with_str(RECEIVED_ESMTP | RECEIVED_UTF8), "UTF8SMTP");
	assert_string_equal(received_with_str(RECEIVED_ESMTP | RECEIVED_UTF8 | RECEIVED_TLS),
			    "UTF8SMTPS");
	assert_string_equal(received_with_str(RECEIVED_LOCAL), "LOCAL");
}

TEST(message_ids)
{
	uint8_t buf[100];
	struct builder b;

	builder_init_fixed(&b, buf, sizeof(buf));
	message_id_build(&b, SLICE("0123456789abc"), SLICE("mail.example.test"));
	assert_slice_str(builder_slice(&b), "<0123456789abc@mail.example.test>");
}

TESTS(TEST_ROW(fields), TEST_ROW(largest), TEST_ROW(keywords), TEST_ROW(message_ids))
