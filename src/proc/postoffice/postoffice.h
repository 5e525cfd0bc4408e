/*
 * postoffice: final delivery into mailboxes. Takes jobs from queue, answers verdicts. See README.
 */
#ifndef PROC_POSTOFFICE_POSTOFFICE_H
#define PROC_POSTOFFICE_POSTOFFICE_H

#include "boot/boot.h"

/* Deliveries that are written at once; further ones wait with their job. */
#define POSTOFFICE_DELIVERIES_MAX 64
/* Jobs that may wait; more are refused, and queue grants them again. */
#define POSTOFFICE_JOBS_MAX 4096

extern const struct boot_process postoffice_process;

#endif
