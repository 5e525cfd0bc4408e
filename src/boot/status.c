/*
 * status: see status.h. The last bucket has no upper end: it is called "above".
 */
#include "boot/status.h"

#define NAME_BYTES 64

int
boot_status_histogram(struct ipc_channel *to, uint32_t request, const char *name,
		      const struct histogram *histogram)
{
	int err = 0;

	for (unsigned n = 0; n < HISTOGRAM_BUCKETS && !err; n++) {
		uint8_t bytes[NAME_BYTES];
		struct builder b;

		if (!histogram->counts[n])
			continue;
		builder_init_fixed(&b, bytes, sizeof(bytes));
		builder_str(&b, name);
		builder_str(&b, n + 1 < HISTOGRAM_BUCKETS ? ".below_" : ".above");
		if (n + 1 < HISTOGRAM_BUCKETS)
			builder_dec(&b, (uint64_t)1 << n);
		err = IPC_SEND(to, CTL_COUNTER, ctl_counter, .request = request,
			       .name = builder_slice(&b), .value = (int64_t)histogram->counts[n]);
	}
	return err;
}
