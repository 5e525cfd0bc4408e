/*
 * The loop over libevent's core. A turn is: wait, call what is ready, fire due timers, run the
 * hooks. Timers lie in our own wheel over one timerfd, set only when the earliest deadline moves
 * ahead: libevent's would be late by up to a tick of the coarse clock, which a group commit of 2 ms
 * would feel.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "rt/rt_linux.h"

/* Hooks may ask for hooks (a commit that sends a message); more rounds than this wait a turn. */
#define HOOK_ROUNDS_MAX 16
#define US_PER_MS 1000u
#define NS_PER_US 1000u
#define US_PER_S 1000000u
#define MS_PER_S 1000u
#define NS_PER_MS 1000000u

static int loop_init(struct rt *rt);
static void loop_finish(struct rt *rt);
static void on_timer_fd(evutil_socket_t fd, short what, void *arg);
static void on_wake_fd(evutil_socket_t fd, short what, void *arg);
static void timer_fd_set(struct rt *rt);
static void timers_run(struct rt *rt);
static bool hooks_run(struct rt *rt);

static uint64_t
clock_us(clockid_t id)
{
	struct timespec now;
	int failed = clock_gettime(id, &now);

	ASSERT(!failed);
	return (uint64_t)now.tv_sec * US_PER_S + (uint64_t)now.tv_nsec / NS_PER_US;
}

static void *
mem_take_counted(struct mem *mem, size_t size)
{
	struct rt *rt = CONTAINER_OF(mem, struct rt, mem);
	void *block;

	if (rt->fail_alloc && --rt->fail_alloc == 0)
		return NULL;
	block = calloc(1, size);
	if (block)
		rt->used_bytes += size;
	return block;
}

static void
mem_give_counted(struct mem *mem, void *block, size_t size)
{
	struct rt *rt = CONTAINER_OF(mem, struct rt, mem);

	ASSERT(rt->used_bytes >= size);
	rt->used_bytes -= size;
	free(block);
}

#ifdef FRANK_SANITIZED
/* A sandboxed process cannot look for leaks at its end (no ptrace); unit tests ask for it by
 * ASAN_OPTIONS, which overrides this. */
const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "detect_leaks=0:handle_segv=2";
}
#endif

int
rt_create(const struct rt_options *options, struct rt **ret_rt)
{
	struct rt *rt = calloc(1, sizeof(*rt));
	const char *fail_alloc = getenv("FRANK_FAIL_ALLOC");
	int err;

	if (!rt)
		return ERR_NO_MEMORY;
	rt->mem = (struct mem){mem_take_counted, mem_give_counted};
	rt->fail_alloc = fail_alloc ? strtoull(fail_alloc, NULL, 10) : 0;
	rt->now_ms = clock_us(CLOCK_MONOTONIC) / US_PER_MS;
	rt->wall_offset_ms = options->wall_offset_ms;
	rt_operations_init(rt, options->process);
	/* Reads the zone's file now; localtime_r does not look again (sandbox). */
	tzset();
	list_init(&rt->hooks);
	list_init(&rt->ready_timers);
	timer_wheel_init(&rt->wheel, rt->now_ms);
	rt->timer_fd = rt->wake_fd = -1;
	err = rt_pools_init(rt, options);
	if (!err)
		err = loop_init(rt);
	if (err) {
		loop_finish(rt);
		free(rt);
		return err;
	}
	*ret_rt = rt;
	return 0;
}

static int
loop_init(struct rt *rt)
{
	struct event_config *config = event_config_new();

	if (!config)
		return ERR_NO_MEMORY;
	/* Times are ours; no second thread touches the base. */
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_NO_CACHE_TIME);
	rt->base = event_base_new_with_config(config);
	event_config_free(config);
	if (!rt->base)
		return ERR_NO_MEMORY;
	rt->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	rt->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (rt->timer_fd < 0 || rt->wake_fd < 0)
		return -errno;
	rt->timer_fd_ms = UINT64_MAX;
	if (event_assign(&rt->timer_event, rt->base, rt->timer_fd, EV_READ | EV_PERSIST,
			 on_timer_fd, rt) ||
	    event_assign(&rt->wake_event, rt->base, rt->wake_fd, EV_READ | EV_PERSIST, on_wake_fd,
			 rt) ||
	    event_add(&rt->timer_event, NULL) || event_add(&rt->wake_event, NULL))
		return ERR_NO_MEMORY;
	/* A lost peer and a file at its size limit are errors of the write, never a signal. */
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
		return -errno;
	return 0;
}

static void
loop_finish(struct rt *rt)
{
	rt_signals_finish(rt);
	if (event_initialized(&rt->timer_event))
		event_del(&rt->timer_event);
	if (event_initialized(&rt->wake_event))
		event_del(&rt->wake_event);
	if (rt->timer_fd >= 0)
		close(rt->timer_fd);
	if (rt->wake_fd >= 0)
		close(rt->wake_fd);
	if (rt->base)
		event_base_free(rt->base);
}

void
rt_destroy(struct rt **rt)
{
	if (!*rt)
		return;
	rt_pools_finish(*rt);
	loop_finish(*rt);
	free((*rt)->packet_buf);
	free(*rt);
	*rt = NULL;
}

void
rt_run(struct rt *rt)
{
	bool hooks_left = false;

	while (!rt->stopping) {
		int flags = EVLOOP_ONCE;

		if (hooks_left || !list_empty(&rt->hooks) || !list_empty(&rt->ready_timers))
			flags |= EVLOOP_NONBLOCK;
		else
			timer_fd_set(rt);
		if (event_base_loop(rt->base, flags) < 0)
			panic("event_base_loop", __FILE__, __LINE__);
		rt_turn_enter(rt);
		timers_run(rt);
		hooks_left = hooks_run(rt);
		rt->in_turn = false;
	}
	rt->stopping = false;
}

void
rt_stop(struct rt *rt)
{
	rt->stopping = true;
}

void
rt_turn_enter(struct rt *rt)
{
	if (rt->in_turn)
		return;
	rt->in_turn = true;
	rt->now_ms = clock_us(CLOCK_MONOTONIC) / US_PER_MS;
}

static void
on_timer_fd(evutil_socket_t fd, short what, void *arg)
{
	struct rt *rt = arg;
	uint64_t count;
	ssize_t got = read(fd, &count, sizeof(count));

	(void)what;
	(void)got; /* nothing there: fired for a deadline that was moved */
	rt->timer_fd_ms = UINT64_MAX;
	rt_turn_enter(rt);
}

/* The timerfd may be set too early (a spurious turn), never too late. */
static void
timer_fd_set(struct rt *rt)
{
	uint64_t next_ms = timer_wheel_next(&rt->wheel);
	struct itimerspec when = {0};
	int failed;

	if (next_ms >= rt->timer_fd_ms)
		return;
	when.it_value.tv_sec = (time_t)(next_ms / MS_PER_S);
	when.it_value.tv_nsec = (long)(next_ms % MS_PER_S * NS_PER_MS);
	if (next_ms == 0)
		when.it_value.tv_nsec = 1; /* zero would disarm */
	failed = timerfd_settime(rt->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
	ASSERT(!failed);
	rt->timer_fd_ms = next_ms;
}

static void
timers_run(struct rt *rt)
{
	struct list_node *node;

	timer_wheel_advance(&rt->wheel, rt->now_ms, &rt->ready_timers);
	while ((node = list_pop_front(&rt->ready_timers))) {
		struct rt_timer *timer = CONTAINER_OF(node, struct rt_timer, node);

		timer->fn(timer->ctx);
	}
}

/* True when some had to be left for the next turn. */
static bool
hooks_run(struct rt *rt)
{
	for (int round = 0; round < HOOK_ROUNDS_MAX && !list_empty(&rt->hooks); round++) {
		struct list now;
		struct list_node *node;

		list_init(&now);
		while ((node = list_pop_front(&rt->hooks)))
			list_push_back(&now, node);
		while ((node = list_pop_front(&now))) {
			struct rt_hook *hook = CONTAINER_OF(node, struct rt_hook, node);

			hook->fn(hook->ctx);
		}
	}
	return !list_empty(&rt->hooks);
}

static void
on_wake_fd(evutil_socket_t fd, short what, void *arg)
{
	struct rt *rt = arg;
	uint64_t count;
	ssize_t got = read(fd, &count, sizeof(count));

	(void)what;
	(void)got;
	rt_turn_enter(rt);
	rt_pools_collect(rt);
}

struct mem *
rt_mem(struct rt *rt)
{
	return &rt->mem;
}

size_t
rt_mem_used_bytes(const struct rt *rt)
{
	return rt->used_bytes;
}

uint64_t
rt_now_ms(const struct rt *rt)
{
	return rt->now_ms;
}

uint64_t
rt_now_us(const struct rt *rt)
{
	(void)rt;
	return clock_us(CLOCK_MONOTONIC);
}

int64_t
rt_wall_ms(const struct rt *rt)
{
	return (int64_t)(clock_us(CLOCK_REALTIME) / US_PER_MS) + rt->wall_offset_ms;
}

int
rt_utc_offset_min(const struct rt *rt, int64_t wall_ms)
{
	time_t when = (time_t)(wall_ms / (int64_t)MS_PER_S);
	struct tm local;

	(void)rt;
	if (!localtime_r(&when, &local))
		return 0;
	return (int)(local.tm_gmtoff / 60);
}

void
rt_random(struct rt *rt, void *buf, size_t len)
{
	uint8_t *at = buf;

	(void)rt;
	while (len > 0) {
		ssize_t got = getrandom(at, len, 0);

		if (got < 0 && errno == EINTR)
			continue;
		ASSERT(got > 0);
		at += got;
		len -= (size_t)got;
	}
}

void
rt_timer_init(struct rt_timer *timer, struct rt *rt, rt_fn *fn, void *ctx)
{
	*timer = (struct rt_timer){.rt = rt, .fn = fn, .ctx = ctx};
}

void
rt_timer_arm(struct rt_timer *timer, uint64_t after_ms)
{
	uint64_t now_ms = timer->rt->now_ms;

	timer->due_ms = after_ms < UINT64_MAX - now_ms ? now_ms + after_ms : UINT64_MAX;
	timer_wheel_arm(&timer->rt->wheel, timer);
}

void
rt_timer_disarm(struct rt_timer *timer)
{
	list_remove(&timer->node);
}

bool
rt_timer_armed(const struct rt_timer *timer)
{
	return list_linked(&timer->node);
}

void
rt_timer_finish(struct rt_timer *timer)
{
	list_remove(&timer->node);
}

void
rt_hook_init(struct rt_hook *hook, rt_fn *fn, void *ctx)
{
	*hook = (struct rt_hook){.fn = fn, .ctx = ctx};
}

void
rt_at_turn_end(struct rt *rt, struct rt_hook *hook)
{
	if (!list_linked(&hook->node))
		list_push_back(&rt->hooks, &hook->node);
}

void
rt_hook_finish(struct rt_hook *hook)
{
	list_remove(&hook->node);
}
