/*
 * Options whose manual text says "Restart." are fixed while Frank runs: folders, uids, numbers of
 * processes, listening sockets. A reload takes all others; of these it says that they wait. So does
 * a log file in another folder: super cannot write there any more.
 */
#include "proc/super/super.h"
#include "wire/conf/option.h"

#define MARK "Restart."

struct comparison {
	struct super *super;
	struct builder *note;
};

static void
changed_tell(struct comparison *c, const char *option, struct slice listener)
{
	struct log_line line;

	log_begin(&line, c->super->log, EVENT_restart_needed);
	log_text(&line, "option", slice_str(option));
	if (listener.len)
		log_text(&line, "listener", listener);
	log_end(&line);
	builder_str(c->note, ", ");
	builder_str(c->note, option);
	if (listener.len) {
		builder_byte(c->note, ' ');
		builder_add(c->note, listener);
	}
}

static bool
value_same(struct super *super, const struct conf_option *option, const void *now, const void *next)
{
	struct builder a, b;

	builder_init_fixed(&a, super->values[0], sizeof(super->values[0]));
	builder_init_fixed(&b, super->values[1], sizeof(super->values[1]));
	conf_value_encode(&a, option, now);
	conf_value_encode(&b, option, next);
	return !a.failed && !b.failed && slice_eq(builder_slice(&a), builder_slice(&b));
}

static bool
is_fixed(const struct conf_option *option)
{
	struct slice text = slice_str(option->text);

	return slice_find(text, SLICE(MARK)) < text.len;
}

static const struct config_listener *
listener_find(const struct config *config, struct slice name)
{
	for (size_t i = 0; i < config->listener_count; i++)
		if (slice_eq(config->listeners[i].name, name))
			return &config->listeners[i];
	return NULL;
}

static void
listener_compare(struct comparison *c, const struct config_listener *now,
		 const struct config_listener *next)
{
	for (size_t i = 0; i < conf_listener_options.count; i++) {
		const struct conf_option *option = &conf_listener_options.rows[i];

		if (is_fixed(option) && !value_same(c->super, option, now, next))
			changed_tell(c, option->name, next->name);
	}
}

/* What it was started with. */
static const struct config *
first_of(const struct super *super)
{
	return super->first.fd >= 0 ? &super->first.values : &super->config.values;
}

bool
super_log_waits(const struct super *super, const struct config *next)
{
	struct slice first = first_of(super)->log;

	if (next->log.len == 0)
		return false;
	return first.len == 0 || !slice_eq(super_folder_of(first), super_folder_of(next->log));
}

void
super_restart_only_log(struct super *super, const struct config *next, struct builder *note)
{
	struct comparison c = {super, note};
	const struct config *now = first_of(super);

	if (super_log_waits(super, next))
		changed_tell(&c, "log", SLICE_EMPTY);
	for (size_t i = 0; i < conf_global_options.count; i++) {
		const struct conf_option *option = &conf_global_options.rows[i];

		if (is_fixed(option) && !value_same(super, option, now, next))
			changed_tell(&c, option->name, SLICE_EMPTY);
	}
	for (size_t i = 0; i < next->listener_count; i++) {
		const struct config_listener *was = listener_find(now, next->listeners[i].name);

		if (was)
			listener_compare(&c, was, &next->listeners[i]);
		else
			changed_tell(&c, "listener", next->listeners[i].name);
	}
	for (size_t i = 0; i < now->listener_count; i++)
		if (!listener_find(next, now->listeners[i].name))
			changed_tell(&c, "listener", now->listeners[i].name);
}
