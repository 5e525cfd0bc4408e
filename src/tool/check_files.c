/*
 * check_files: frank check looks at the files that a configuration names as the processes will that
 * read them: a certificate and its key that belong together and are valid today, a zone that
 * parses, a password that is there. A file that only root may read is no fault for somebody else.
 */
#include <errno.h>
#include <string.h>

#include "boot/boot.h"
#include "resolver/resolver.h"
#include "rt/file.h"
#include "rt/process.h"
#include "rule/explain/local.h"
#include "tls/context.h"
#include "tool/tool.h"
#include "wire/conf/parse.h"
#include "wire/dns/zone.h"

#define PASSWORD_BYTES_MAX 255
#define DAY_S 86400
#define EXPIRES_SOON_S (14 * DAY_S)
#define MS_PER_S 1000

struct files {
	struct tool *tool;
	struct arena *arena;
	struct conf_problems *problems;
};

static void
complain(struct files *f, const char *option, bool warning, struct builder *text)
{
	struct conf_problem problem = conf_problem_about(f->problems, option);

	problem.warning = warning;
	problem.text = builder_slice(text);
	conf_problem_add(f->arena, f->problems, &problem);
}

static void
text_begin(struct files *f, struct builder *b, const char *option)
{
	builder_init_arena(b, f->arena, 2 * CONFIG_VALUE_MAX);
	builder_str(b, option);
	builder_str(b, ": ");
}

/* False: it has no name, or has been complained of. Given back by content_give. */
static bool
content_take(struct files *f, const char *option, struct slice path, struct slice *ret_content)
{
	struct builder b, name;
	bool warning;
	int fd, err;

	if (path.len == 0)
		return false;
	builder_init_arena(&name, f->arena, CONFIG_VALUE_MAX + 1);
	builder_add(&name, path);
	builder_byte(&name, 0);
	err = name.failed ? ERR_LIMIT
			  : rt_open(f->tool->rt, RT_AT_PATH, (const char *)name.data, RT_OPEN_READ,
				    &fd);
	if (!err) {
		err = rt_read_all(f->tool->rt, fd, BOOT_FILE_BYTES_MAX, ret_content);
		rt_close(f->tool->rt, fd);
	}
	if (!err)
		return true;
	warning = err == -EACCES && rt_uid(f->tool->rt) != 0;
	text_begin(f, &b, option);
	builder_add(&b, path);
	builder_str(&b, " cannot be read: ");
	builder_str(&b, tool_err_str(err));
	builder_str(&b, warning ? "; ask as root, who starts the server" : "");
	complain(f, option, warning, &b);
	return false;
}

static void
content_give(struct files *f, struct slice content)
{
	void *block = (void *)(uintptr_t)content.data;

	if (content.len)
		explicit_bzero(block, content.len);
	mem_give(rt_mem(f->tool->rt), block, content.len);
}

/* Clients and servers refuse a certificate from its last second on, most without a word to us. */
static void
validity_check(struct files *f, const struct tls_context *context)
{
	int64_t left_s = tls_context_not_after_s(context) - rt_wall_ms(f->tool->rt) / MS_PER_S;
	struct builder b;

	if (left_s > EXPIRES_SOON_S)
		return;
	text_begin(f, &b, "tls-certificate");
	builder_str(&b, left_s < 0 ? "expired " : "expires in ");
	builder_dec(&b, (uint64_t)(left_s < 0 ? -left_s : left_s) / DAY_S);
	builder_str(&b, left_s < 0 ? " days ago: expected a valid one"
				   : " days: get the next one now, then `frank reload`");
	complain(f, "tls-certificate", left_s >= 0, &b);
}

static void
pair_check(struct files *f, struct slice certificate, struct slice key)
{
	struct tls_context *context;
	struct tls_why why = {""};
	struct builder b;
	int err = tls_context_server_create(rt_mem(f->tool->rt), certificate, key, &why, &context);

	if (!err) {
		validity_check(f, context);
		tls_context_unref(&context);
		return;
	}
	text_begin(f, &b, "tls-certificate and tls-key");
	builder_str(&b, "expected PEM of a certificate and of the key to it: ");
	builder_str(&b, why.text[0] ? why.text : err_str(err));
	complain(f, "tls-certificate", false, &b);
}

static void
tls_check(struct files *f, const struct config *config)
{
	struct slice certificate, key;

	if (!content_take(f, "tls-certificate", config->tls_certificate, &certificate))
		return;
	if (content_take(f, "tls-key", config->tls_key, &key)) {
		pair_check(f, certificate, key);
		content_give(f, key);
	}
	content_give(f, certificate);
}

static void
zone_check(struct files *f, const struct config *config)
{
	struct dns_zone_error wrong = {0};
	struct slice content;
	struct dns_zone zone;
	struct arena arena;
	struct builder b;
	int err;

	if (!content_take(f, "zone-file", config->zone_file, &content))
		return;
	arena_init(&arena, rt_mem(f->tool->rt), RESOLVER_ZONE_ARENA_BYTES);
	err = dns_zone_parse(content, &arena, &zone, &wrong);
	if (err) {
		text_begin(f, &b, "zone-file");
		builder_add(&b, config->zone_file);
		builder_str(&b, ":");
		builder_dec(&b, wrong.line);
		builder_str(&b, ":");
		builder_dec(&b, wrong.column);
		builder_str(&b, ": expected ");
		builder_str(&b, wrong.expected ? wrong.expected : err_str(err));
		complain(f, "zone-file", false, &b);
	}
	arena_finish(&arena);
	content_give(f, content);
}

static void
password_check(struct files *f, const struct config *config)
{
	const char *option = "smart-host-password-file";
	struct slice content, rest, line;
	struct builder b;

	if (!content_take(f, option, config->smart_host_password_file, &content))
		return;
	rest = content;
	line = slice_cut(&rest, '\n');
	if (line.len && line.data[line.len - 1] == '\r')
		line.len--;
	if (line.len == 0 || line.len > PASSWORD_BYTES_MAX) {
		text_begin(f, &b, option);
		builder_str(&b, "expected a password of 1 to 255 bytes in the first line");
		complain(f, option, false, &b);
	}
	content_give(f, content);
}

static void
rules_check(struct files *f, const struct config *config)
{
	const char *option = "refusal-rules";
	struct ruleset_error error;
	struct slice content;
	struct ruleset rules;
	struct arena arena;
	struct builder b;
	int err;

	if (!content_take(f, option, config->refusal_rules, &content))
		return;
	arena_init(&arena, rt_mem(f->tool->rt), RULESET_ARENA_MAX);
	err = explain_local_compile(&arena, config->refusal_rules, content, &rules, &error);
	if (err) {
		text_begin(f, &b, option);
		if (err == ERR_SYNTAX)
			explain_local_error(&b, config->refusal_rules, &error);
		else
			builder_str(&b, err_str(err));
		complain(f, option, false, &b);
	}
	arena_finish(&arena);
	content_give(f, content);
}

void
tool_check_files(struct tool *tool, struct arena *arena, const struct config *config,
		 struct conf_problems *problems)
{
	struct files f = {tool, arena, problems};

	tls_check(&f, config);
	zone_check(&f, config);
	password_check(&f, config);
	rules_check(&f, config);
}
