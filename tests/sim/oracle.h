/*
 * oracle: the rules about the whole: what lies on the disk, what the log says, whether the server
 * rests when it has nothing to do. The rules about single messages are the ledger's.
 */
#ifndef TESTS_SIM_ORACLE_H
#define TESTS_SIM_ORACLE_H

#include "run.h"

void oracle_log(struct run *run, struct slice line);
/* Errors and warnings that nothing explains (I12). */
void oracle_lines(struct run *run);
/* Now and then. */
void oracle_tick(struct run *run);
/* Reads the mailboxes: what is durable there is told to the ledger and taken away. */
void oracle_mail(struct run *run);
/* Only documented files (I11). at_rest: Frank has ended in order and nothing was left to do. */
void oracle_disk(struct run *run, bool at_rest);
/* When all is over and Frank still runs. */
void oracle_end(struct run *run);

#endif
