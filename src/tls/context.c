/*
 * tls/context: SSL_CTX from PEM in memory. Buffers are given back when a connection is idle
 * (SSL_MODE_RELEASE_BUFFERS), tickets carry the sessions (no cache to grow), and a close without
 * close_notify is an end of file: SMTP says itself where data ends.
 */
#include <string.h>

#include "base/assert.h"
#include "base/builder.h"
#include "tls/openssl.h"

#define OPTIONS                                                                                    \
	(SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF |          \
	 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_CLEANSE_PLAINTEXT)
#define MODES                                                                                      \
	(SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |                                \
	 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER)
#define CHAIN_MAX 16

void
tls_why_fill(struct tls_why *why, const char *what)
{
	unsigned long code = ERR_get_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;
	struct builder b;

	ERR_clear_error();
	builder_init_fixed(&b, why->text, sizeof(why->text) - 1);
	builder_str(&b, what);
	if (reason) {
		builder_str(&b, ": ");
		builder_str(&b, reason);
	}
	why->text[b.len] = 0;
}

/* Instead of OpenSSL's own, which would ask at the terminal. */
static int
no_passphrase(char *buf, int size, int writing, void *ctx)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)ctx;
	return 0;
}

static int
context_create(struct mem *mem, const SSL_METHOD *method, struct tls_context **ret_context)
{
	struct tls_context *context = MEM_NEW(mem, struct tls_context);

	if (!context)
		return ERR_NO_MEMORY;
	context->mem = mem;
	context->refs = 1;
	context->ctx = SSL_CTX_new(method);
	context->stream_bio = tls_stream_bio_create();
	if (!context->ctx || !context->stream_bio) {
		tls_context_unref(&context);
		return ERR_NO_MEMORY;
	}
	SSL_CTX_set_options(context->ctx, OPTIONS);
	SSL_CTX_set_mode(context->ctx, MODES);
	SSL_CTX_set_session_cache_mode(context->ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_default_passwd_cb(context->ctx, no_passphrase);
	SSL_CTX_set_verify(context->ctx, SSL_VERIFY_NONE, NULL);
	if (SSL_CTX_set_min_proto_version(context->ctx, TLS1_2_VERSION) != 1) {
		tls_context_unref(&context);
		return ERR_TLS;
	}
	*ret_context = context;
	return 0;
}

static bool
certificate_use(struct tls_context *context, BIO *pem)
{
	X509 *leaf = PEM_read_bio_X509(pem, NULL, no_passphrase, NULL);
	struct tm until;
	bool good;

	if (!leaf)
		return false;
	good = SSL_CTX_use_certificate(context->ctx, leaf) == 1;
	if (good && ASN1_TIME_to_tm(X509_get0_notAfter(leaf), &until) == 1)
		context->not_after_s = timegm(&until);
	X509_free(leaf);
	return good;
}

static bool
chain_add(struct tls_context *context, BIO *pem)
{
	X509 *next;
	int count = 0;

	while ((next = PEM_read_bio_X509(pem, NULL, no_passphrase, NULL))) {
		bool good = ++count <= CHAIN_MAX && SSL_CTX_add1_chain_cert(context->ctx, next);

		X509_free(next);
		if (!good)
			return false;
	}
	/* The end is "no start line"; anything else is a damaged certificate. */
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return false;
	ERR_clear_error();
	return true;
}

static BIO *
pem_open(struct slice pem)
{
	return BIO_new_mem_buf(pem.len ? (const void *)pem.data : "", (int)pem.len);
}

static int
chain_use(struct tls_context *context, struct slice certificate, struct tls_why *ret_why)
{
	BIO *pem = pem_open(certificate);
	int err = pem ? 0 : ERR_NO_MEMORY;

	if (pem && !(certificate_use(context, pem) && chain_add(context, pem))) {
		tls_why_fill(ret_why, "the certificate file is no good");
		err = ERR_SYNTAX;
	}
	BIO_free(pem);
	return err;
}

static int
key_use(struct tls_context *context, struct slice key, struct tls_why *ret_why)
{
	BIO *pem = pem_open(key);
	EVP_PKEY *pkey = pem ? PEM_read_bio_PrivateKey(pem, NULL, no_passphrase, NULL) : NULL;
	int err = pem ? 0 : ERR_NO_MEMORY;

	if (pem && !pkey) {
		tls_why_fill(ret_why, "the key file is no good");
		err = ERR_SYNTAX;
	} else if (pkey && (SSL_CTX_use_PrivateKey(context->ctx, pkey) != 1 ||
			    SSL_CTX_check_private_key(context->ctx) != 1)) {
		tls_why_fill(ret_why, "the key does not belong to the certificate");
		err = ERR_SYNTAX;
	}
	EVP_PKEY_free(pkey);
	BIO_free(pem);
	return err;
}

int
tls_context_server_create(struct mem *mem, struct slice certificate, struct slice key,
			  struct tls_why *ret_why, struct tls_context **ret_context)
{
	struct tls_context *context;
	int err;

	ERR_clear_error();
	if (certificate.len > TLS_PEM_BYTES_MAX || key.len > TLS_PEM_BYTES_MAX)
		return ERR_LIMIT;
	err = context_create(mem, TLS_server_method(), &context);
	if (err < 0)
		return err;
	context->server = true;
	err = chain_use(context, certificate, ret_why);
	if (err == 0)
		err = key_use(context, key, ret_why);
	if (err == 0 && (SSL_CTX_set_dh_auto(context->ctx, 1) != 1 ||
			 SSL_CTX_set_num_tickets(context->ctx, 1) != 1))
		err = ERR_TLS;
	if (err < 0)
		tls_context_unref(&context);
	else
		*ret_context = context;
	return err;
}

int
tls_context_client_create(struct mem *mem, struct tls_context **ret_context)
{
	ERR_clear_error();
	return context_create(mem, TLS_client_method(), ret_context);
}

struct tls_context *
tls_context_ref(struct tls_context *context)
{
	ASSERT(context->refs > 0);
	context->refs++;
	return context;
}

void
tls_context_unref(struct tls_context **context)
{
	struct tls_context *c = *context;

	*context = NULL;
	if (!c || --c->refs > 0)
		return;
	SSL_CTX_free(c->ctx);
	BIO_meth_free(c->stream_bio);
	mem_give(c->mem, c, sizeof(*c));
}

int64_t
tls_context_not_after_s(const struct tls_context *context)
{
	return context->not_after_s;
}
