/*
 * status: what several processes answer to `frank status` in the same form.
 */
#ifndef BOOT_STATUS_H
#define BOOT_STATUS_H

#include "base/histogram.h"
#include "ipc/ipc.h"

/* A counter for each bucket that is not empty: "NAME.below_1024". */
int boot_status_histogram(struct ipc_channel *to, uint32_t request, const char *name,
			  const struct histogram *histogram) MUST_USE;

#endif
