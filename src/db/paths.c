/*
 * paths: SQLite asks for the real path of a file, and then opens that. The folder of the directory
 * may lie beneath one that this process may not enter: only its descriptor leads there. So names
 * are taken as they are given.
 */
#include "db/paths.h"

#include <string.h>

#include "base/err.h"

/* global: SQLite keeps what is registered for as long as the process lives */
static sqlite3_vfs db_paths;

static int
name_as_given(sqlite3_vfs *vfs, const char *name, int size, char *full)
{
	size_t len = strlen(name);

	(void)vfs;
	if (size <= 0 || len >= (size_t)size)
		return SQLITE_CANTOPEN;
	memcpy(full, name, len + 1);
	return SQLITE_OK;
}

int
db_paths_as_given(void)
{
	sqlite3_vfs *usual = sqlite3_vfs_find(NULL);

	if (sqlite3_vfs_find(DB_PATHS))
		return 0;
	if (!usual)
		return ERR_DB;
	db_paths = *usual;
	db_paths.pNext = NULL;
	db_paths.zName = DB_PATHS;
	db_paths.xFullPathname = name_as_given;
	return sqlite3_vfs_register(&db_paths, 0) == SQLITE_OK ? 0 : ERR_DB;
}
