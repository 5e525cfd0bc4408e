/*
 * paths: see paths.c.
 */
#ifndef DB_PATHS_H
#define DB_PATHS_H

#include <sqlite3.h>

#include "base/err.h"

/* For sqlite3_open_v2. */
#define DB_PATHS "frank"

int db_paths_as_given(void) MUST_USE;

#endif
