/*
 * dns: the process that asks resolvers. See README.
 */
#ifndef PROC_DNS_DNS_H
#define PROC_DNS_DNS_H

#include "boot/boot.h"

/* Questions of other processes that wait for an answer; more are answered "later" at once. */
#define DNS_REQUESTS_MAX 4096

extern const struct boot_process dns_process;

#endif
