/*
 * directory: the process that knows postoffices, domains, mailboxes, addresses and logins. See
 * README.
 */
#ifndef PROC_DIRECTORY_DIRECTORY_H
#define PROC_DIRECTORY_DIRECTORY_H

#include "boot/boot.h"

#define DIRECTORY_FILE "directory.db"
#define DIRECTORY_THREADS 8
/* While the database cannot be opened, it is tried again so often. */
#define DIRECTORY_OPEN_RETRY_MS 5000

extern const struct boot_process directory_process;

#endif
