/*
 * Counts what a process does to the world outside and, for crash tests, kills it right before the
 * n-th such operation. FRANK_KILL=process:n[,n...] names the process as the log does (queue,
 * smtpin-1); started for the k-th time it obeys the k-th number (super says which time it is by
 * FRANK_KILL_START), and once the numbers are used up it lives. What it died of is said on standard
 * error. Without the variable it costs one branch.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/builder.h"
#include "rt/rt_linux.h"

#define LINE_BYTES 200
#define STDERR_FD 2

static const char *const names[] = {
#define RT_OPERATION(NAME, name) [RT_OPERATION_##NAME] = name,
	RT_OPERATIONS(RT_OPERATION)
#undef RT_OPERATION
};

static bool
number_at(struct slice list, uint64_t index, uint64_t *ret_number)
{
	for (;;) {
		size_t comma = slice_index(list, ',');
		struct slice number = slice_sub(list, 0, comma < list.len ? comma : list.len);

		if (index-- == 0)
			return slice_to_u64(number, UINT64_MAX, ret_number);
		if (comma >= list.len)
			return false;
		list = slice_from(list, comma + 1);
	}
}

void
rt_operations_init(struct rt *rt, const char *process)
{
	const char *kill = getenv("FRANK_KILL"), *start = getenv("FRANK_KILL_START");
	struct slice rest = slice_str(kill ? kill : "");
	size_t len = process ? strlen(process) : 0;
	uint64_t index = 0, number = 0;

	if (!len || !slice_starts(rest, slice_str(process)) || rest.len <= len ||
	    rest.data[len] != ':')
		return;
	if (start && !slice_to_u64(slice_str(start), UINT32_MAX, &index))
		return;
	if (!number_at(slice_from(rest, len + 1), index, &number))
		return;
	rt->process_name = process;
	rt->kill_at = number;
}

_Noreturn static void
die(const struct rt *rt, enum rt_operation operation, const char *what)
{
	char buf[LINE_BYTES];
	struct builder b;

	builder_init_fixed(&b, buf, sizeof(buf));
	builder_str(&b, "FRANK_KILL ");
	builder_str(&b, rt->process_name);
	builder_str(&b, " ");
	builder_dec(&b, rt->kill_at);
	builder_str(&b, " ");
	builder_str(&b, names[operation]);
	builder_str(&b, " ");
	builder_str(&b, what);
	builder_str(&b, "\n");
	if (!b.failed && write(STDERR_FD, buf, b.len) < 0)
		_exit(1);
	(void)raise(SIGKILL);
	abort();
}

void
rt_operation_count(struct rt *rt, enum rt_operation operation, const char *what)
{
	/* Some are counted in threads. */
	if (__atomic_add_fetch(&rt->operations, 1, __ATOMIC_RELAXED) == rt->kill_at)
		die(rt, operation, what);
}

void
rt_operation_write(struct rt *rt, int fd, const void *data, size_t len)
{
	rt_operation_count(rt, RT_OPERATION_WRITE, "");
	if (__atomic_add_fetch(&rt->operations, 1, __ATOMIC_RELAXED) != rt->kill_at)
		return;
	if (write(fd, data, len / 2) < 0)
		die(rt, RT_OPERATION_WRITE, "that fails");
	die(rt, RT_OPERATION_WRITE, "of the second half");
}
