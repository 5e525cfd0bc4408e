/*
 * tls/crypto: the few functions of OpenSSL that others need: SHA-256, HMAC, PBKDF2 (for SCRAM),
 * comparison in constant time, wiping.
 */
#ifndef TLS_CRYPTO_H
#define TLS_CRYPTO_H

#include "base/err.h"
#include "base/slice.h"

#define CRYPTO_SHA256_LEN 32

/* ERR_NO_MEMORY or ERR_TLS when OpenSSL fails: then nothing may be trusted. */
int crypto_sha256(struct slice data, uint8_t ret_hash[CRYPTO_SHA256_LEN]) MUST_USE;
int crypto_hmac_sha256(struct slice key, struct slice data,
		       uint8_t ret_mac[CRYPTO_SHA256_LEN]) MUST_USE;
/* PBKDF2 with HMAC-SHA-256 and one block of output: Hi() of RFC 5802 2.2. Slow by design. */
int crypto_pbkdf2_sha256(struct slice password, struct slice salt, uint32_t iterations,
			 uint8_t ret_key[CRYPTO_SHA256_LEN]) MUST_USE;

/* In a time that does not depend on where they differ. Lengths may be told. */
bool crypto_equal(struct slice a, struct slice b);
/* Is not optimised away. */
void crypto_wipe(void *data, size_t len);

#endif
