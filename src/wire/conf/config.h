/*
 * config: the configuration as values: made from options.def and listener_options.def, parsed from
 * text by conf_parse (in the config process and in `frank check`), carried as a binary snapshot.
 * A struct config is immutable; everything in it lives in the arena it was made in.
 */
#ifndef WIRE_CONF_CONFIG_H
#define WIRE_CONF_CONFIG_H

#include "base/net_addr.h"

#define CONFIG_TEXT_BYTES_MAX ((size_t)1 << 20) /* of a configuration file */
#define CONFIG_LIST_MAX 64			/* values of a list */
#define CONFIG_LISTENERS_MAX 16
#define CONFIG_NAME_MAX 64
#define CONFIG_VALUE_MAX 1024
#define CONFIG_SNAPSHOT_BYTES_MAX ((size_t)1 << 20)
#define CONFIG_ARENA_BYTES ((size_t)4 << 20)

struct config_texts {
	const struct slice *items;
	size_t count;
};
struct config_nets {
	const struct net_cidr *items;
	size_t count;
};
struct config_addrs {
	const struct net_addr *items;
	size_t count;
};
struct config_times {
	const uint64_t *items; /* ms */
	size_t count;
};

#define CONFIG_C_TEXT struct slice
#define CONFIG_C_PATH struct slice
#define CONFIG_C_FLAG bool
#define CONFIG_C_COUNT uint64_t
#define CONFIG_C_SIZE uint64_t
#define CONFIG_C_TIME uint64_t
#define CONFIG_C_CHOICE uint64_t
#define CONFIG_C_TEXTS struct config_texts
#define CONFIG_C_NETS struct config_nets
#define CONFIG_C_ADDRS struct config_addrs
#define CONFIG_C_TIMES struct config_times

#define OPTION(field, name, TYPE, def, min, max, text) CONFIG_C_##TYPE field;
struct config_listener {
	struct slice name;
#include "def/listener_options.def"
};

struct config {
#include "def/options.def"
	const struct config_listener *listeners;
	size_t listener_count;
};
#undef OPTION

/* Values of the choices. */
enum config_log_level { CONFIG_LOG_ERROR, CONFIG_LOG_WARN, CONFIG_LOG_INFO, CONFIG_LOG_DEBUG };
enum config_sandbox { CONFIG_SANDBOX_REQUIRED, CONFIG_SANDBOX_OFF };
enum config_delay_notice { CONFIG_DELAY_NEVER, CONFIG_DELAY_FIRST_FAILURE, CONFIG_DELAY_AFTER };
enum config_greeting_refusal { CONFIG_GREETING_SUSPEND, CONFIG_GREETING_BOUNCE };
enum config_tls_out { CONFIG_TLS_OUT_OPPORTUNISTIC, CONFIG_TLS_OUT_OFF };
enum config_kind { CONFIG_KIND_MX, CONFIG_KIND_SUBMISSION, CONFIG_KIND_SUBMISSIONS };

/* The defaults of all options, no listeners. For tests too. ERR_NO_MEMORY when the arena is full.
 */
int config_defaults(struct arena *arena, struct config *ret_config) MUST_USE;

/* The snapshot that travels between processes. decode checks everything again. */
int config_encode(struct builder *b, const struct config *config) MUST_USE;
int config_decode(struct arena *arena, struct slice snapshot, struct config *ret_config) MUST_USE;

#endif
