/*
 * directory/scram: the example of RFC 7677 3, channel binding, downgrades, and every message cut or
 * changed.
 */
#include "base/test.h"
#include "proc/directory/scram.h"
#include "tls/crypto.h"
#include "wire/text/base64.h"

#define SALT "\x5b\x6d\x99\x68\x9d\x12\x35\x8e\xec\xa0\x4b\x14\x12\x36\xfa\x81"
#define SERVER_NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define CLIENT_FIRST "n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
#define CLIENT_FINAL                                                                               \
	"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"                             \
	"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="

static uint8_t stored[SCRAM_KEY_LEN], server[SCRAM_KEY_LEN];
static const struct scram_offer plain = {0};
static const struct scram_offer offered = {false, SLICE("tls-exporter"), SLICE("channel")};
static const struct scram_offer bound = {true, SLICE("tls-exporter"), SLICE("channel")};

static struct scram_keys
keys(void)
{
	struct slice salt = slice_of(SALT, 16);

	assert_int_equal(scram_keys_make(SLICE("pencil"), salt, 4096, stored, server), 0);
	return (struct scram_keys){salt, 4096, stored, server};
}

TEST(rfc_7677)
{
	struct scram_keys k = keys();
	struct scram scram;
	uint8_t buf[500];
	struct builder b;

	assert_int_equal(scram_client_first(&scram, SLICE(CLIENT_FIRST), &plain), 0);
	assert_slice_str(scram.name, "user");
	assert_int_equal(scram.authzid.len, 0);
	builder_init_fixed(&b, buf, sizeof(buf));
	assert_int_equal(scram_server_first(&scram, &k, SLICE(SERVER_NONCE), &b), 0);
	assert_slice_str(builder_slice(&b), "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
					    "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
	builder_clear(&b);
	assert_int_equal(scram_client_final(&scram, SLICE(CLIENT_FINAL), &k, &b), 0);
	assert_slice_str(builder_slice(&b), "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

TEST(client_first)
{
	static const struct {
		const char *message;
		const struct scram_offer *offer;
		int want;
		const char *name, *authzid;
	} rows[] = {
		{"n,,n=user,r=x", &plain, 0, "user", ""},
		{"y,,n=user,r=x", &plain, 0, "user", ""},
		{"n,a=bob,n=user,r=x", &plain, 0, "user", "bob"},
		{"n,,n=a=2Cb=3Dc,r=x", &plain, 0, "a,b=c", ""},
		{"n,,n=b\303\274,r=x", &plain, 0, "b\303\274", ""},
		{"n,,n=user,r=x,e=future", &plain, 0, "user", ""},
		{"n,,n=user,r=x", &offered, 0, "user", ""},
		{"p=tls-exporter,,n=user,r=x", &bound, 0, "user", ""},
		/* RFC 5802 6: it could bind and was told that we cannot. */
		{"y,,n=user,r=x", &offered, ERR_DENIED, NULL, NULL},
		{"p=tls-exporter,,n=user,r=x", &offered, ERR_DENIED, NULL, NULL},
		{"p=tls-exporter,,n=user,r=x", &plain, ERR_DENIED, NULL, NULL},
		/* RFC 9266: tls-unique does not exist in TLS 1.3. */
		{"p=tls-unique,,n=user,r=x", &bound, ERR_DENIED, NULL, NULL},
		{"n,,n=user,r=x", &bound, ERR_SYNTAX, NULL, NULL},
		{"y,,n=user,r=x", &bound, ERR_SYNTAX, NULL, NULL},
		{"n,,m=must,n=user,r=x", &plain, ERR_SYNTAX, NULL, NULL},
		{"n,,n=,r=x", &plain, ERR_SYNTAX, NULL, NULL},
		{"n,,n=user,r=", &plain, ERR_SYNTAX, NULL, NULL},
		{"n,,n=us=er,r=x", &plain, ERR_SYNTAX, NULL, NULL},
		{"n,,n=us=2,r=x", &plain, ERR_SYNTAX, NULL, NULL},
		{"n,,n=us\ner,r=x", &plain, ERR_SYNTAX, NULL, NULL},
		{"n,,n=\377,r=x", &plain, ERR_SYNTAX, NULL, NULL},
		{"n,,r=x,n=user", &plain, ERR_SYNTAX, NULL, NULL},
		{"n,a=,n=user,r=x", &plain, ERR_SYNTAX, NULL, NULL},
		{"n,x,n=user,r=x", &plain, ERR_SYNTAX, NULL, NULL},
		{"n=user,r=x", &plain, ERR_SYNTAX, NULL, NULL},
		{"N,,n=user,r=x", &plain, ERR_SYNTAX, NULL, NULL},
		{"n,,n=user,r=x y", &plain, ERR_SYNTAX, NULL, NULL},
		{"", &plain, ERR_SYNTAX, NULL, NULL},
		{",,", &plain, ERR_SYNTAX, NULL, NULL},
		{"n,,", &plain, ERR_SYNTAX, NULL, NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct scram scram;

		if (scram_client_first(&scram, slice_str(rows[i].message), rows[i].offer) !=
		    rows[i].want)
			fail_msg("'%s'", rows[i].message);
		if (rows[i].want == 0) {
			assert_slice_str(scram.name, rows[i].name);
			assert_slice_str(scram.authzid, rows[i].authzid);
		}
	}
}

/* The client's part, so that binding can be tried: a right proof for that c=. */
static size_t
client_final(char *buf, const struct scram *scram, const char *bind64)
{
	uint8_t salted[32], key[32], mac[32], auth[3000];
	struct slice nonce = slice_of(scram->nonce_buf, scram->nonce_len);
	struct builder b, a;

	builder_init_fixed(&b, buf, 1000);
	builder_str(&b, "c=");
	builder_str(&b, bind64);
	builder_str(&b, ",r=");
	builder_add(&b, nonce);
	builder_init_fixed(&a, auth, sizeof(auth));
	builder_add(&a, slice_of(scram->auth_buf, scram->auth_len));
	builder_str(&a, ",");
	builder_add(&a, builder_slice(&b));
	assert_int_equal(crypto_pbkdf2_sha256(SLICE("pencil"), slice_of(SALT, 16), 4096, salted),
			 0);
	assert_int_equal(crypto_hmac_sha256(slice_of(salted, 32), SLICE("Client Key"), key), 0);
	assert_int_equal(crypto_hmac_sha256(slice_of(stored, 32), builder_slice(&a), mac), 0);
	for (size_t i = 0; i < 32; i++)
		key[i] ^= mac[i];
	builder_str(&b, ",p=");
	base64_encode(&b, slice_of(key, 32));
	return b.len;
}

static int
bound_exchange(const char *first, const char *bind_text, const struct scram_offer *offer)
{
	struct scram_keys k = keys();
	uint8_t challenge[500];
	char bind64[200], final[1000];
	struct scram scram;
	struct builder b;
	size_t len;

	assert_int_equal(scram_client_first(&scram, slice_str(first), offer), 0);
	builder_init_fixed(&b, challenge, sizeof(challenge));
	assert_int_equal(scram_server_first(&scram, &k, SLICE("server"), &b), 0);
	builder_init_fixed(&b, bind64, sizeof(bind64));
	base64_encode(&b, slice_str(bind_text));
	builder_byte(&b, 0);
	len = client_final(final, &scram, bind64);
	builder_init_fixed(&b, challenge, sizeof(challenge));
	return scram_client_final(&scram, slice_of(final, len), &k, &b);
}

TEST(binding)
{
	assert_int_equal(
		bound_exchange("p=tls-exporter,,n=user,r=x", "p=tls-exporter,,channel", &bound), 0);
	assert_int_equal(bound_exchange("n,,n=user,r=x", "n,,", &offered), 0);
	/* Another channel: a man in the middle has two of them. */
	assert_int_equal(
		bound_exchange("p=tls-exporter,,n=user,r=x", "p=tls-exporter,,another", &bound),
		ERR_DENIED);
	/* The header was changed under way. */
	assert_int_equal(bound_exchange("n,,n=user,r=x", "y,,", &plain), ERR_DENIED);
	assert_int_equal(bound_exchange("p=tls-exporter,,n=user,r=x", "n,,", &bound), ERR_DENIED);
	assert_int_equal(bound_exchange("n,a=bob,n=user,r=x", "n,,", &plain), ERR_DENIED);
}

/* Each byte of the final message changed: never accepted. */
TEST(changed)
{
	struct slice right = SLICE(CLIENT_FINAL);
	struct scram_keys k = keys();
	uint8_t copy[sizeof(CLIENT_FINAL)], buf[500];

	for (size_t i = 0; i <= right.len; i++) {
		struct scram scram;
		struct builder b;

		builder_init_fixed(&b, buf, sizeof(buf));
		assert_int_equal(scram_client_first(&scram, SLICE(CLIENT_FIRST), &plain), 0);
		assert_int_equal(scram_server_first(&scram, &k, SLICE(SERVER_NONCE), &b), 0);
		memcpy(copy, right.data, right.len);
		builder_clear(&b);
		if (i == right.len) {
			assert_int_equal(
				scram_client_final(&scram, slice_of(copy, right.len), &k, &b), 0);
			break;
		}
		copy[i] ^= 1;
		assert_true(scram_client_final(&scram, slice_of(copy, right.len), &k, &b) < 0);
		/* And cut there. */
		assert_true(scram_client_final(&scram, slice_of(right.data, i), &k, &b) < 0);
	}
}

TEST(wrong_password)
{
	struct scram_keys k = keys();
	uint8_t buf[500], other[SCRAM_KEY_LEN];
	struct scram scram;
	struct builder b;

	assert_int_equal(scram_keys_make(SLICE("pencils"), k.salt, 4096, stored, other), 0);
	builder_init_fixed(&b, buf, sizeof(buf));
	assert_int_equal(scram_client_first(&scram, SLICE(CLIENT_FIRST), &plain), 0);
	assert_int_equal(scram_server_first(&scram, &k, SLICE(SERVER_NONCE), &b), 0);
	builder_clear(&b);
	assert_int_equal(scram_client_final(&scram, SLICE(CLIENT_FINAL), &k, &b), ERR_DENIED);
	assert_int_equal(b.len, 0);
}

TESTS(TEST_ROW(rfc_7677), TEST_ROW(client_first), TEST_ROW(binding), TEST_ROW(changed),
      TEST_ROW(wrong_password))
