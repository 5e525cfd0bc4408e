/*
 * err: why the world failed, as a negative int (style: "Errors: three kinds").
 *
 * 0 is success. -1 to -500 are -errno; below -500 are ours, from err.def. Functions that answer
 * an error are warn_unused_result (MUST_USE). Machines answer tri-state: > 0 progress, 0 needs
 * more, < 0 an error. Not for the outcome of mail (struct verdict) nor for our own bugs (ASSERT).
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#define MUST_USE __attribute__((warn_unused_result))

enum err_index {
#define ERR(name, text) ERR_INDEX_##name,
#include "base/err.def"
#undef ERR
	ERR_INDEX_MAX
};

/* ERR_AGAIN, ERR_EOF, ...: one constant per row of err.def. */
enum err {
	ERR_OK = 0,
#define ERR(name, text) ERR_##name = -501 - ERR_INDEX_##name,
#include "base/err.def"
#undef ERR
};

/* The sentence for one of ours or "system error" for -errno; never NULL. No ownership. */
const char *err_str(int err);

/* The errno behind err, or 0 when it is one of ours. */
int err_errno(int err);

#endif
