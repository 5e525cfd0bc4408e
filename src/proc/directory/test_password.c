/* directory/password: made and verified, hashes of other kinds, what is no password. */
#include "base/test.h"
#include "proc/directory/password.h"

TEST(round_trip)
{
	static const uint8_t random[PASSWORD_RANDOM_LEN] = {1, 2, 3};
	struct db_password p = {0}, q;

	assert_int_equal(password_make(SLICE("correct h\303\266rse"), random, &p), 0);
	assert_memory_equal(p.crypt, "$y$", 3);
	assert_true(password_verify(SLICE("correct h\303\266rse"), p.crypt));
	assert_false(password_verify(SLICE("correct horse"), p.crypt));
	assert_false(password_verify(SLICE("correct h\303\266rse "), p.crypt));
	assert_int_equal(password_make(SLICE("other"), random, &q), 0);
	assert_memory_not_equal(p.stored_key, q.stored_key, DB_KEY_LEN);
}

TEST(other_hashes)
{
	/* SHA-512 of "Hello world!", by another implementation (openssl passwd -6). */
	static const char sha512[] = "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnI"
				     "FNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1";

	assert_true(password_verify(SLICE("Hello world!"), sha512));
	assert_false(password_verify(SLICE("Hello world"), sha512));
	assert_false(password_verify(SLICE("x"), ""));
	assert_false(password_verify(SLICE("x"), "*0"));
	assert_false(password_verify(SLICE("x"), "nonsense"));
}

TEST(no_passwords)
{
	static const uint8_t random[PASSWORD_RANDOM_LEN];
	char long_text[PASSWORD_MAX + 2];
	struct db_password p = {0};

	memset(long_text, 'x', sizeof(long_text));
	assert_int_equal(password_make(SLICE_EMPTY, random, &p), ERR_SYNTAX);
	assert_int_equal(password_make(SLICE("a\0b"), random, &p), ERR_SYNTAX);
	assert_int_equal(password_make(SLICE("\377"), random, &p), ERR_SYNTAX);
	assert_int_equal(password_make(slice_of(long_text, PASSWORD_MAX + 1), random, &p),
			 ERR_SYNTAX);
	assert_true(password_is_good(slice_of(long_text, PASSWORD_MAX)));
	assert_false(password_verify(slice_of(long_text, PASSWORD_MAX + 1), "$y$"));
	assert_int_equal(p.crypt[0], 0);
}

TESTS(TEST_ROW(round_trip), TEST_ROW(other_hashes), TEST_ROW(no_passwords))
