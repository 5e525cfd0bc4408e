/*
 * client: one SMTP client after the other sends its messages and keeps the ledger. A client whose
 * message was not taken makes another one; it never repeats.
 */
#ifndef TESTS_SIM_CLIENT_H
#define TESTS_SIM_CLIENT_H

#include "run.h"

/* probes: ends with the first message that is taken, however long that takes. */
struct client *client_create(struct run *run, unsigned index, bool probes);
void client_destroy(struct client **client);

#endif
