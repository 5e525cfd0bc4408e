/*
 * Descriptors that a library polls.
 */
#include "rt/rt_linux.h"

struct rt_watch {
	struct rt *rt;
	struct event event;
	rt_watch_fn *fn;
	void *ctx;
};

short
rt_events_to_ev(unsigned events)
{
	return (short)((events & RT_READABLE ? EV_READ : 0) |
		       (events & RT_WRITABLE ? EV_WRITE : 0));
}

unsigned
rt_events_of_ev(short what)
{
	return (what & EV_READ ? RT_READABLE : 0) | (what & EV_WRITE ? RT_WRITABLE : 0);
}

static void
on_watch(evutil_socket_t fd, short what, void *arg)
{
	struct rt_watch *watch = arg;

	(void)fd;
	rt_turn_enter(watch->rt);
	watch->fn(watch->ctx, rt_events_of_ev(what));
}

int
rt_watch_create(struct rt *rt, const struct rt_watch_options *options, struct rt_watch **ret_watch)
{
	struct rt_watch *watch = MEM_NEW(&rt->mem, struct rt_watch);

	if (!watch)
		return ERR_NO_MEMORY;
	watch->rt = rt;
	watch->fn = options->fn;
	watch->ctx = options->ctx;
	if (event_assign(&watch->event, rt->base, options->fd,
			 (short)(rt_events_to_ev(options->events) | EV_PERSIST), on_watch, watch) ||
	    event_add(&watch->event, NULL)) {
		mem_give(&rt->mem, watch, sizeof(*watch));
		return ERR_NO_MEMORY;
	}
	*ret_watch = watch;
	return 0;
}

void
rt_watch_destroy(struct rt_watch **watch)
{
	struct rt *rt;

	if (!*watch)
		return;
	rt = (*watch)->rt;
	event_del(&(*watch)->event);
	mem_give(&rt->mem, *watch, sizeof(**watch));
	*watch = NULL;
}
