/*
 * host: a mail host of the outside. It behaves as its scenario says and tells the ledger what it
 * took; it is strict about what Frank says to it.
 */
#ifndef TESTS_SIM_HOST_H
#define TESTS_SIM_HOST_H

#include "run.h"

struct host *host_create(struct run *run, unsigned index);
void host_destroy(struct host **host);
/* Connections to it are neither taken nor refused meanwhile. */
void host_silent(struct host *host, bool silent);
struct net_addr host_addr(unsigned index);

#endif
