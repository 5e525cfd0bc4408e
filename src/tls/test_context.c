/* tls/context: what is accepted as certificate and key, and what is said about the rest. */
#include "base/builder.h"
#include "tls/context.h"
#include "tls/test_pem.h"

static struct test_mem mem = TEST_MEM_INIT;

TEST(good)
{
	struct tls_context *context, *again;
	struct tls_why why;
	struct test_pem pem;

	test_pem_make(&pem);
	assert_int_equal(tls_context_server_create(&mem.mem, test_pem_slice(pem.certificate),
						   test_pem_slice(pem.key), &why, &context),
			 0);
	assert_true(tls_context_not_after_s(context) > 1500000000);
	again = tls_context_ref(context);
	tls_context_unref(&context);
	assert_null(context);
	assert_int_equal(mem.given, 0);
	tls_context_unref(&again);
	assert_int_equal(mem.taken, mem.given);
	test_pem_free(&pem);
}

TEST(chain)
{
	static uint8_t buf[8192];
	struct tls_context *context;
	struct tls_why why;
	struct test_pem pem, other;
	struct builder b;

	test_pem_make(&pem);
	test_pem_make(&other);
	builder_init_fixed(&b, buf, sizeof(buf));
	builder_add(&b, test_pem_slice(pem.certificate));
	builder_add(&b, test_pem_slice(other.certificate));
	assert_int_equal(tls_context_server_create(&mem.mem, builder_slice(&b),
						   test_pem_slice(pem.key), &why, &context),
			 0);
	tls_context_unref(&context);
	/* The second certificate is cut short. */
	b.len -= 100;
	assert_int_equal(tls_context_server_create(&mem.mem, builder_slice(&b),
						   test_pem_slice(pem.key), &why, &context),
			 ERR_SYNTAX);
	test_pem_free(&pem);
	test_pem_free(&other);
}

TEST(bad)
{
	struct test_pem pem, other;
	struct tls_context *context = NULL;
	struct tls_why why;

	test_pem_make(&pem);
	test_pem_make(&other);
	const struct {
		struct slice certificate, key;
		const char *why;
	} rows[] = {
		{SLICE_EMPTY, test_pem_slice(pem.key), "the certificate file is no good"},
		{SLICE("x"), test_pem_slice(pem.key), "the certificate file is no good"},
		{test_pem_slice(pem.key), test_pem_slice(pem.key),
		 "the certificate file is no good"},
		{test_pem_slice(pem.certificate), SLICE_EMPTY, "the key file is no good"},
		{test_pem_slice(pem.certificate), test_pem_slice(pem.certificate),
		 "the key file is no good"},
		{test_pem_slice(pem.certificate), test_pem_slice(other.key),
		 "the key does not belong to the certificate"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(tls_context_server_create(&mem.mem, rows[i].certificate,
							   rows[i].key, &why, &context),
				 ERR_SYNTAX);
		assert_null(context);
		if (strncmp(why.text, rows[i].why, strlen(rows[i].why)) != 0)
			fail_msg("row %zu: '%s'", i, why.text);
	}
	assert_int_equal(mem.taken, mem.given);
	test_pem_free(&pem);
	test_pem_free(&other);
}

TESTS(TEST_ROW(good), TEST_ROW(chain), TEST_ROW(bad))
