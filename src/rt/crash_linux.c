/*
 * Crashes: panic(), the one symbol that the pure layers leave open, and the signals of a fault.
 * Whoever asked is told first, in the crash itself; then the process ends by the signal that it
 * would have ended by.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/builder.h"
#include "rt/file.h"
#include "rt/process.h"
#include "rt/rt_linux.h"

#define STDERR_FD 2
#define WHY_BYTES_MAX 512
/* A stack that overflowed has no room for the handler. */
#define STACK_BYTES ((size_t)32 << 10)

static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS, SIGABRT};

struct crash {
	rt_crash_fn *fn;
	void *ctx;
	bool told; /* once: a crash in the crash ends it */
	_Alignas(64) uint8_t stack[STACK_BYTES];
};
/* global: a crash knows nothing but the process */
static struct crash the_crash;

static void
tell(const char *why)
{
	if (!the_crash.fn || the_crash.told)
		return;
	the_crash.told = true;
	the_crash.fn(the_crash.ctx, why);
}

static void
on_fault(int number)
{
	char why[32];
	struct builder b;

	builder_init_fixed(&b, why, sizeof(why));
	builder_str(&b, "signal ");
	builder_dec(&b, (uint64_t)number);
	builder_byte(&b, 0);
	tell(why);
	(void)!raise(number);
}

void
rt_on_crash(struct rt *rt, rt_crash_fn *fn, void *ctx)
{
	const stack_t stack = {.ss_sp = the_crash.stack, .ss_size = sizeof(the_crash.stack)};
	struct sigaction action = {.sa_handler = on_fault,
				   .sa_flags = SA_RESETHAND | SA_NODEFER | SA_ONSTACK};

	(void)rt;
	the_crash.fn = fn;
	the_crash.ctx = ctx;
	if (!fn || sigaltstack(&stack, NULL) < 0)
		return;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		(void)!sigaction(faults[i], &action, NULL);
}

/* One write, so that lines of several processes on one descriptor do not mix. */
_Noreturn void
panic(const char *expression, const char *file, int line)
{
	char why[WHY_BYTES_MAX];
	struct builder b;

	builder_init_fixed(&b, why, sizeof(why) - 2);
	builder_str(&b, file);
	builder_str(&b, ":");
	builder_dec(&b, (uint64_t)line);
	builder_str(&b, ": assertion failed: ");
	builder_str(&b, expression);
	why[b.len] = 0;
	tell(why);
	why[b.len] = '\n';
	(void)!rt_write_line(NULL, STDERR_FD, slice_of(why, b.len + 1));
	abort();
}
