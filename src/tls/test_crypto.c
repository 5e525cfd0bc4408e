/* tls/crypto: published vectors (FIPS 180-4 examples, RFC 4231, RFC 7677's key). */
#include "base/builder.h"
#include "base/test.h"
#include "tls/crypto.h"

static void
assert_hex(const uint8_t *bytes, const char *want)
{
	uint8_t buf[65];
	struct builder b;

	builder_init_fixed(&b, buf, sizeof(buf));
	builder_hex(&b, slice_of(bytes, CRYPTO_SHA256_LEN));
	assert_slice_str(builder_slice(&b), want);
}

TEST(vectors)
{
	uint8_t out[CRYPTO_SHA256_LEN];

	assert_int_equal(crypto_sha256(SLICE("abc"), out), 0);
	assert_hex(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(crypto_sha256(SLICE_EMPTY, out), 0);
	assert_hex(out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_int_equal(
		crypto_hmac_sha256(SLICE("Jefe"), SLICE("what do ya want for nothing?"), out), 0);
	assert_hex(out, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	assert_int_equal(
		crypto_pbkdf2_sha256(SLICE("pencil"),
				     SLICE("\x5b\x6d\x99\x68\x9d\x12\x35\x8e\xec\xa0\x4b\x14"
					   "\x12\x36\xfa\x81"),
				     4096, out),
		0);
	assert_hex(out, "c4a49510323ab4f952cac1fa99441939e78ea74d6be81ddf7096e87513dc615d");
}

TEST(comparing)
{
	uint8_t secret[4] = {1, 2, 3, 4};

	assert_true(crypto_equal(SLICE("ab"), SLICE("ab")));
	assert_false(crypto_equal(SLICE("ab"), SLICE("ac")));
	assert_false(crypto_equal(SLICE("ab"), SLICE("abc")));
	assert_true(crypto_equal(SLICE_EMPTY, SLICE("")));
	crypto_wipe(secret, sizeof(secret));
	assert_memory_equal(secret, "\0\0\0\0", 4);
}

TESTS(TEST_ROW(vectors), TEST_ROW(comparing))
