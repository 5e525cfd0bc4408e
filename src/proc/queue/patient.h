/*
 * patient: reading files that may have bad places. An error of the disk may pass, so a read is
 * tried again for a while; what still cannot be read then is taken for damaged bytes, block by
 * block, so that what lies behind it is read all the same.
 */
#ifndef PROC_QUEUE_PATIENT_H
#define PROC_QUEUE_PATIENT_H

#include "rt/file.h"

#define PATIENT_AGAIN_MS 250
#define PATIENT_TRIES 8

struct patient {
	struct rt *rt;
	int fd;
	uint64_t at;
	uint8_t *buf;
	size_t want;
	unsigned *failures; /* the owner's, of this file: 0 at first */
};

/* Fills buf; fewer bytes than wanted only at the end of the file. False: to be tried again after
 * PATIENT_AGAIN_MS. */
bool patient_read(const struct patient *patient, size_t *ret_len);

#endif
