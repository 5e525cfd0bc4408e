/*
 * outcome: what the client's machine (or the system, or our own limits) says about an attempt, as
 * the facts of a verdict: class, stage, code, status, reply. The cause is found from these by
 * rule/explain; only what is known without guessing is set here. Pure.
 */
#ifndef PROC_SMTPOUT_OUTCOME_H
#define PROC_SMTPOUT_OUTCOME_H

#include "wire/smtp/client.h"
#include "wire/verdict/verdict.h"

/* text and host of reply are borrowed. reply may be NULL. */
struct verdict outcome_of_client(enum smtp_client_stage stage, enum smtp_client_how how,
				 const struct smtp_reply *reply);
/* err: why no connection came about. */
struct verdict outcome_of_connect(int err);
/* Trouble of our own: never a bounce. what is a sentence. */
struct verdict outcome_of_trouble(const char *what);

/* Of two reasons why no host took our mail the one that counts: what may pass comes before what
 * stays, and what a server has said before silence; and any answer before an address of the other
 * family that our system has no way to. */
bool outcome_is_better(const struct verdict *verdict, const struct verdict *than);

#endif
