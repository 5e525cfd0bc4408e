/*
 * tls/context: what connections share: certificate, key, and the rules (TLS 1.2 or newer, session
 * tickets, no renegotiation, no compression). A reload makes a new context; connections keep
 * theirs by a reference. tls/ is the only folder that includes OpenSSL's headers.
 *
 * A client context checks nothing: opportunistic TLS takes any certificate (RFC 7435).
 */
#ifndef TLS_CONTEXT_H
#define TLS_CONTEXT_H

#include "base/err.h"
#include "base/mem.h"
#include "base/slice.h"

#define TLS_WHY_MAX 160
#define TLS_PEM_BYTES_MAX ((size_t)256 << 10)

struct tls_context;

struct tls_why {
	char text[TLS_WHY_MAX]; /* for the log and `frank check`; never NULL-less, may be empty */
};

/* certificate: PEM, the leaf first, then the chain; key: PEM without a passphrase. ERR_SYNTAX: one
 * of them is no good or they do not match, *ret_why says it; ERR_NO_MEMORY. One reference. */
int tls_context_server_create(struct mem *mem, struct slice certificate, struct slice key,
			      struct tls_why *ret_why, struct tls_context **ret_context) MUST_USE;
int tls_context_client_create(struct mem *mem, struct tls_context **ret_context) MUST_USE;

struct tls_context *tls_context_ref(struct tls_context *context);
/* NULL is fine; nulls. The last one frees. */
void tls_context_unref(struct tls_context **context);

/* Until when the server's certificate is valid, seconds since 1970; 0 for a client context. */
int64_t tls_context_not_after_s(const struct tls_context *context);

#endif
