/*
 * directory/password: crypt_rn and crypt_gensalt_rn keep no state of their own; the working memory
 * of a hash is wiped after use.
 */
#include "proc/directory/password.h"

#include <crypt.h>
#include <string.h>

#include "proc/directory/scram.h"
#include "tls/crypto.h"
#include "wire/text/utf8.h"

#define YESCRYPT "$y$"
#define YESCRYPT_SALT_LEN (PASSWORD_RANDOM_LEN - PASSWORD_SALT_LEN)

bool
password_is_good(struct slice password)
{
	for (size_t i = 0; i < password.len; i++)
		if (password.data[i] < 0x20 || password.data[i] == 0x7f)
			return false;
	return password.len > 0 && password.len <= PASSWORD_MAX && utf8_is_valid(password);
}

/* The hash of a good password under a setting (salt or whole hash), into out; false on failure. */
static bool
hash(struct slice password, const char *setting, char out[DB_CRYPT_MAX + 1])
{
	struct crypt_data data;
	char text[PASSWORD_MAX + 1];
	const char *result;
	bool good;

	memset(&data, 0, sizeof(data));
	memcpy(text, password.data, password.len);
	text[password.len] = 0;
	result = crypt_rn(text, setting, &data, sizeof(data));
	good = result && result[0] != '*' && strlen(result) <= DB_CRYPT_MAX;
	if (good)
		memcpy(out, result, strlen(result) + 1);
	crypto_wipe(text, sizeof(text));
	crypto_wipe(&data, sizeof(data));
	return good;
}

int
password_make(struct slice password, const uint8_t random[PASSWORD_RANDOM_LEN],
	      struct db_password *ret_password)
{
	struct db_password made = {.salt_len = PASSWORD_SALT_LEN,
				   .iterations = PASSWORD_ITERATIONS};
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	int err;

	if (!password_is_good(password))
		return ERR_SYNTAX;
	if (!crypt_gensalt_rn(YESCRYPT, 0, (const char *)random + PASSWORD_SALT_LEN,
			      YESCRYPT_SALT_LEN, setting, sizeof(setting)) ||
	    !hash(password, setting, made.crypt))
		return ERR_UNSUPPORTED;
	memcpy(made.salt, random, PASSWORD_SALT_LEN);
	err = scram_keys_make(password, slice_of(made.salt, made.salt_len), made.iterations,
			      made.stored_key, made.server_key);
	if (err == 0)
		*ret_password = made;
	crypto_wipe(&made, sizeof(made));
	return err;
}

bool
password_verify(struct slice password, const char *crypt_text)
{
	char out[DB_CRYPT_MAX + 1];
	bool equal = password_is_good(password) && hash(password, crypt_text, out) &&
		     crypto_equal(slice_str(out), slice_str(crypt_text));

	crypto_wipe(out, sizeof(out));
	return equal;
}
