/*
 * err: names for errors. One table made from err.def, so that each error can print itself.
 */
#include "base/err.h"

static const char *const err_texts[ERR_INDEX_MAX] = {
#define ERR(name, text) [ERR_INDEX_##name] = text,
#include "base/err.def"
#undef ERR
};

const char *
err_str(int err)
{
	int index = -501 - err;

	if (err >= 0)
		return "no error";
	if (index < 0)
		return "system error";
	if (index >= ERR_INDEX_MAX)
		return "unknown error";
	return err_texts[index];
}

int
err_errno(int err)
{
	return err < 0 && err >= -500 ? -err : 0;
}
