/*
 * tls/test_pem: a self-signed certificate made on the spot, for the unit tests of this folder.
 */
#ifndef TLS_TEST_PEM_H
#define TLS_TEST_PEM_H

#include "base/test.h"
#include "tls/openssl.h"

struct test_pem {
	BIO *certificate, *key;
};

static inline struct slice
test_pem_slice(BIO *bio)
{
	char *data;
	long len = BIO_get_mem_data(bio, &data);

	return slice_of(data, (size_t)len);
}

static inline void
test_pem_make(struct test_pem *pem)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	X509_NAME *name;

	assert_non_null(key);
	assert_non_null(x);
	name = X509_get_subject_name(x);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const void *)"mx.example.test", -1,
				   -1, 0);
	X509_set_issuer_name(x, name);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, key);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	pem->certificate = BIO_new(BIO_s_mem());
	pem->key = BIO_new(BIO_s_mem());
	assert_int_equal(PEM_write_bio_X509(pem->certificate, x), 1);
	assert_int_equal(PEM_write_bio_PrivateKey(pem->key, key, NULL, NULL, 0, NULL, NULL), 1);
	X509_free(x);
	EVP_PKEY_free(key);
}

static inline void
test_pem_free(struct test_pem *pem)
{
	BIO_free(pem->certificate);
	BIO_free(pem->key);
}

#endif
