/*
 * patient: see patient.h. Bad blocks become bytes that are no record.
 */
#include "proc/queue/patient.h"

#include <string.h>

#define BLOCK_BYTES 4096
#define BAD_BYTE 0xff

bool
patient_read(const struct patient *p, size_t *ret_len)
{
	size_t len = 0;
	bool good = true;

	while (len < p->want) {
		uint64_t at = p->at + len;
		ssize_t got = rt_pread(p->rt, p->fd, p->buf + len, p->want - len, at);
		size_t block = BLOCK_BYTES - (size_t)(at % BLOCK_BYTES);

		if (got == 0)
			break;
		if (got > 0) {
			len += (size_t)got;
			continue;
		}
		if (*p->failures < PATIENT_TRIES) {
			++*p->failures;
			return false;
		}
		good = false;
		if (block > p->want - len)
			block = p->want - len;
		memset(p->buf + len, BAD_BYTE, block);
		len += block;
	}
	if (good)
		*p->failures = 0;
	*ret_len = len;
	return true;
}
