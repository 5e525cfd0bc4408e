/*
 * tls/openssl: OpenSSL's headers, and what context.c and conn.c share; private to this folder.
 */
#ifndef TLS_OPENSSL_H
#define TLS_OPENSSL_H

/* OpenSSL has a type with the name of one of our errors. */
#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#undef ERR_STATE

#include "tls/context.h"

struct tls_context {
	struct mem *mem;
	unsigned refs;
	bool server;
	int64_t not_after_s;
	SSL_CTX *ctx;
	BIO_METHOD *stream_bio; /* reads and writes an rt_stream; set by conn.c */
};

/* In conn.c: NULL when out of memory. */
BIO_METHOD *tls_stream_bio_create(void);

/* The oldest error in OpenSSL's queue of this thread, after what; the queue is empty then. */
void tls_why_fill(struct tls_why *why, const char *what);

#endif
