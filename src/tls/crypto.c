/*
 * tls/crypto: thin shells over OpenSSL's one-shot functions. Digests are fetched by OpenSSL's own
 * cache; the callers are logins, not messages.
 */
#include "tls/crypto.h"

#include "tls/openssl.h"

static const void *
bytes_of(struct slice s)
{
	return s.len ? (const void *)s.data : "";
}

int
crypto_sha256(struct slice data, uint8_t ret_hash[CRYPTO_SHA256_LEN])
{
	return EVP_Digest(bytes_of(data), data.len, ret_hash, NULL, EVP_sha256(), NULL) == 1
		       ? 0
		       : ERR_TLS;
}

int
crypto_hmac_sha256(struct slice key, struct slice data, uint8_t ret_mac[CRYPTO_SHA256_LEN])
{
	return HMAC(EVP_sha256(), bytes_of(key), (int)key.len, bytes_of(data), data.len, ret_mac,
		    NULL)
		       ? 0
		       : ERR_TLS;
}

int
crypto_pbkdf2_sha256(struct slice password, struct slice salt, uint32_t iterations,
		     uint8_t ret_key[CRYPTO_SHA256_LEN])
{
	return PKCS5_PBKDF2_HMAC(bytes_of(password), (int)password.len, bytes_of(salt),
				 (int)salt.len, (int)iterations, EVP_sha256(), CRYPTO_SHA256_LEN,
				 ret_key) == 1
		       ? 0
		       : ERR_TLS;
}

bool
crypto_equal(struct slice a, struct slice b)
{
	return a.len == b.len && CRYPTO_memcmp(bytes_of(a), bytes_of(b), a.len) == 0;
}

void
crypto_wipe(void *data, size_t len)
{
	OPENSSL_cleanse(data, len);
}
