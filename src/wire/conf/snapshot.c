/*
 * snapshot: the configuration as bytes, in the order of the tables. A process decodes what super
 * hands it and checks every bound again.
 */
#include "wire/conf/config.h"
#include "wire/conf/option.h"

#define SNAPSHOT_MAGIC 0x464e4331u /* with the number of options: of this build only */

static uint32_t
snapshot_shape(void)
{
	return (uint32_t)(conf_global_options.count << 16 | conf_listener_options.count);
}

int
config_encode(struct builder *b, const struct config *config)
{
	builder_u32(b, SNAPSHOT_MAGIC);
	builder_u32(b, snapshot_shape());
	for (size_t i = 0; i < conf_global_options.count; i++)
		conf_value_encode(b, &conf_global_options.rows[i], config);
	builder_u8(b, (uint8_t)config->listener_count);
	for (size_t i = 0; i < config->listener_count; i++) {
		builder_blob(b, config->listeners[i].name);
		for (size_t j = 0; j < conf_listener_options.count; j++)
			conf_value_encode(b, &conf_listener_options.rows[j], &config->listeners[i]);
	}
	return b->failed ? ERR_LIMIT : 0;
}

int
config_decode(struct arena *arena, struct slice snapshot, struct config *ret_config)
{
	struct config_listener *listeners;
	struct config config = {0};
	struct cursor c;
	int err;

	cursor_init(&c, snapshot);
	if (cursor_u32(&c) != SNAPSHOT_MAGIC || cursor_u32(&c) != snapshot_shape())
		cursor_fail(&c, ERR_VERSION);
	for (size_t i = 0; i < conf_global_options.count; i++)
		conf_value_decode(&c, arena, &conf_global_options.rows[i], &config);
	config.listener_count = cursor_u8(&c);
	if (config.listener_count > CONFIG_LISTENERS_MAX)
		cursor_fail(&c, ERR_LIMIT);
	listeners = c.err ? NULL : arena_alloc(arena, CONFIG_LISTENERS_MAX * sizeof(*listeners));
	if (!listeners)
		return c.err ? c.err : ERR_NO_MEMORY;
	for (size_t i = 0; i < config.listener_count; i++) {
		listeners[i].name = arena_keep(arena, cursor_blob(&c, CONFIG_NAME_MAX));
		for (size_t j = 0; j < conf_listener_options.count; j++)
			conf_value_decode(&c, arena, &conf_listener_options.rows[j], &listeners[i]);
	}
	err = cursor_end(&c);
	if (err || arena->failed)
		return err ? err : ERR_NO_MEMORY;
	config.listeners = listeners;
	*ret_config = config;
	return 0;
}
