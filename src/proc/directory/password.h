/*
 * directory/password: what is kept of a password: yescrypt (by libxcrypt) for PLAIN and LOGIN, and
 * SCRAM-SHA-256 keys. Both functions are slow by design and run in work threads.
 */
#ifndef PROC_DIRECTORY_PASSWORD_H
#define PROC_DIRECTORY_PASSWORD_H

#include "base/err.h"
#include "base/slice.h"
#include "db/directory.h"

#define PASSWORD_MAX 256
#define PASSWORD_SALT_LEN 16
#define PASSWORD_RANDOM_LEN 48 /* for both salts */
#define PASSWORD_ITERATIONS 10000u

/* Well formed: 1 to PASSWORD_MAX bytes of UTF-8 without control characters. */
bool password_is_good(struct slice password);
/* ERR_SYNTAX when it is not good, ERR_NO_MEMORY, ERR_UNSUPPORTED when libxcrypt lacks yescrypt. */
int password_make(struct slice password, const uint8_t random[PASSWORD_RANDOM_LEN],
		  struct db_password *ret_password) MUST_USE;
/* crypt: any hash that libxcrypt knows. */
bool password_verify(struct slice password, const char *crypt_text);

#endif
