/*
 * A run: the machine is set up, Frank starts, clients send while the troubles of the scenario
 * happen; then all heals, and everything that was accepted must come to its end; then Frank ends
 * in order, and what lies on the disk is looked at.
 */
#include "run.h"

#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "client.h"
#include "host.h"
#include "oracle.h"
#include "programs.h"
#include "trouble.h"

#define WALL_START_MS 1767225600000 /* 2026 */
#define PORT 25
#define PROBE_INDEX 199
#define TICK_US (5 * US_PER_S)
#define RESTART_US_MIN US_PER_S
#define RESTART_US_MAX (10 * US_PER_S)
#define REST_US (1800 * US_PER_S) /* what comes late comes now */
#define STOP_US (60 * US_PER_S)
#define CONFIG_TEXT_MAX (SCN_CONFIG_MAX + 4096)
#define ZONE_TEXT_MAX (((size_t)SCN_HOSTS_MAX + 1) * 256)
#define ZONE_ARENA_BYTES ((size_t)4 << 20)

static const char config_head[] =
	"hostname mx.example.test\nspool /spool\nmail /mail\n"
	"state /state\nrun /run\nrelay-trusted 10.1.0.0/16\ntls-out off\n"
	"disk-reserve 1M\n"
	"listener mx {\n\taddress 10.0.0.1:25\n"
	"\tconnections-per-network 20000\n\tconnection-rate 10000000\n}\n";

/* Unless the scenario says otherwise. */
static const struct {
	const char *name, *value;
} config_usual[] = {
	{"retry-schedule", "30s 1m 2m 5m 15m"},
	{"body-memory-max", "4K"},
	{"segment-size-max", "1M"},
	{"delay-notice", "never"},
	{"restart-wait-max", "8s"},
};

struct run *
run_of(struct sim_world *world)
{
	return sim_ctx(world);
}

uint64_t
run_between(struct run *run, uint64_t low, uint64_t high)
{
	return low + prng_below(&run->prng, high - low + 1);
}

struct net_addr
run_addr(unsigned a, unsigned b, unsigned c, unsigned port)
{
	const uint8_t bytes[4] = {(uint8_t)a, (uint8_t)b, 0, (uint8_t)c};
	struct net_addr addr = net_addr_of(slice_of(bytes, sizeof(bytes)));

	addr.port = (uint16_t)port;
	return addr;
}

uint64_t
run_misfortunes(const struct run *run)
{
	uint64_t count = run->crashes;

	for (unsigned i = 0; i < SIM_FAULT_MAX; i++)
		if (i != SIM_FAULT_SHORT && i != SIM_FAULT_SLOW_NET && i != SIM_FAULT_STALL &&
		    i != SIM_FAULT_KILL && i != SIM_FAULT_RESET)
			count += sim_fault_count(run->world, (enum sim_fault)i);
	return count;
}

void
run_misfortunes_note(struct run *run)
{
	uint64_t count = run_misfortunes(run);

	if (count == run->misfortunes_seen)
		return;
	run->misfortunes_seen = count;
	if (run->misfortune_count == run->misfortune_cap) {
		run->misfortune_cap = run->misfortune_cap * 2 + 64;
		run->misfortune_us = realloc(run->misfortune_us,
					     run->misfortune_cap * sizeof(*run->misfortune_us));
		ASSERT(run->misfortune_us);
	}
	run->misfortune_us[run->misfortune_count++] = sim_now_us(run->world);
}

bool
run_was_troubled(const struct run *run, uint64_t from_us, uint64_t to_us)
{
	for (size_t i = 0; i < run->misfortune_count; i++)
		if (run->misfortune_us[i] >= from_us && run->misfortune_us[i] <= to_us)
			return true;
	return false;
}

/* --- history --------------------------------------------------------------------------------- */

static void
line_keep(struct run *run, const char *text, size_t len)
{
	char *line;

	if (run->options.verbose)
		fprintf(stderr, "%.*s\n", (int)len, text);
	if (!run->lines)
		run->lines = calloc(RUN_LINES_MAX, sizeof(*run->lines));
	ASSERT(run->lines);
	if (run->line_count == RUN_LINES_MAX)
		return;
	line = malloc(len + 1);
	ASSERT(line);
	memcpy(line, text, len);
	line[len] = 0;
	run->lines[run->line_count++] = line;
}

void
run_note(struct run *run, const char *format, ...)
{
	char text[512];
	va_list args;
	uint64_t now_us = sim_now_us(run->world);
	int head = snprintf(text, sizeof(text), "%7llu.%06llu ",
			    (unsigned long long)(now_us / US_PER_S),
			    (unsigned long long)(now_us % US_PER_S));
	int len;

	va_start(args, format);
	len = vsnprintf(text + head, sizeof(text) - (size_t)head, format, args);
	va_end(args);
	len += head;
	if ((size_t)len >= sizeof(text))
		len = sizeof(text) - 1;
	line_keep(run, text, (size_t)len);
}

void
run_find(struct run *run, const char *invariant, const struct sub *sub, const char *format, ...)
{
	struct run_finding *finding = &run->findings[run->finding_count];
	va_list args;

	if (run->finding_count == RUN_FINDINGS_MAX)
		return;
	run->finding_count++;
	(void)snprintf(finding->invariant, sizeof(finding->invariant), "%s", invariant);
	finding->sub = sub ? sub->number : 0;
	va_start(args, format);
	(void)vsnprintf(finding->text, sizeof(finding->text), format, args);
	va_end(args);
	run_note(run, "! %s: %s", finding->invariant, finding->text);
}

static void
on_log(void *ctx, struct slice line)
{
	struct run *run = ctx;
	char text[2200];
	uint64_t now_us = sim_now_us(run->world);
	int len;

	if (line.len && line.data[line.len - 1] == '\n')
		line.len--;
	len = snprintf(text, sizeof(text), "%7llu.%06llu %.*s",
		       (unsigned long long)(now_us / US_PER_S),
		       (unsigned long long)(now_us % US_PER_S), SLICE_ARG(line));
	line_keep(run, text, (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1);
	oracle_log(run, line);
}

static void
on_broken(void *ctx, const char *program, const char *what)
{
	run_find(ctx, "code", NULL, "%s: %s", program, what);
}

/* What it had not given back, when it had time to (I13). */
static void
leaks_find(struct run *run, const struct sim_ended *ended)
{
	if (ended->memory_bytes)
		run_find(run, "I13", NULL, "%s ends with %zu bytes of memory", ended->program,
			 ended->memory_bytes);
	if (ended->descriptors > 3 && strcmp(ended->program, "frank-config") != 0)
		run_find(run, "I13", NULL, "%s ends with %zu descriptors, the last a %s",
			 ended->program, ended->descriptors, ended->last);
}

static void
on_ended(void *ctx, const struct sim_ended *ended)
{
	struct run *run = ctx;
	int status = ended->status;

	run_note(run, "- %s (%d) ended: %s %d", ended->program, ended->pid,
		 WIFEXITED(status) ? "status" : "signal",
		 WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	if (run->ending && status)
		run_find(run, "I10", NULL, "%s does not end in order: status %#x", ended->program,
			 (unsigned)status);
	/* One that lost super's channel ends as if it were killed. */
	if (status == 0 && run->stopping && !ended->orphan)
		leaks_find(run, ended);
	else
		run->crashes += strcmp(ended->program, "frank-config") != 0;
	run_misfortunes_note(run);
	if (!ended->parentless)
		return;
	run->exit_status = status;
	if (run->on)
		run_start_frank(run, run_between(run, RESTART_US_MIN, RESTART_US_MAX));
}

/* --- Frank ----------------------------------------------------------------------------------- */

static void
on_start(void *ctx)
{
	static const char *const argv[] = {"frank-super", "--config",  "/etc/frank.conf",
					   "--programs",  "/programs", NULL};
	struct run *run = ctx;

	if (sim_pid(run->world, argv[0], 0))
		return; /* it will be started when it has ended */
	run->stopping = false;
	run->on = true;
	run_note(run, "- frank starts");
	(void)sim_start(run->world, "frank-super", argv);
}

void
run_start_frank(struct run *run, uint64_t after_us)
{
	run->on = true;
	sim_after(run->world, &run->start_event, after_us, on_start, run);
}

void
run_stop_frank(struct run *run)
{
	int pid = sim_pid(run->world, "frank-super", 0);

	run->stopping = true;
	if (pid)
		sim_signal(run->world, pid, SIGTERM);
}

static void
words_line(struct builder *b, const char *first, const char *between, const char *last)
{
	builder_str(b, first);
	builder_str(b, between);
	builder_str(b, last);
	builder_byte(b, '\n');
}

static void
config_put(struct run *run)
{
	static uint8_t text[CONFIG_TEXT_MAX];
	const struct scenario *s = run->scenario;
	struct builder b;

	builder_init_fixed(&b, text, sizeof(text));
	builder_str(&b, config_head);
	builder_str(&b, s->config);
	builder_str(&b, "lifetime ");
	builder_dec(&b, s->lifetime_us / US_PER_S);
	builder_str(&b, "s\n");
	for (size_t i = 0; i < sizeof(config_usual) / sizeof(config_usual[0]); i++)
		if (!strstr(s->config, config_usual[i].name))
			words_line(&b, config_usual[i].name, " ", config_usual[i].value);
	ASSERT(!b.failed);
	sim_disk_put(run->world, "/etc/frank.conf", builder_slice(&b));
}

/* A host without words about DNS has a mail host of its own; its address follows from its number.
 */
static void
zone_host(struct builder *b, const struct scn_host *host, unsigned number)
{
	if (host->dns[0]) {
		words_line(b, host->name, " ",
			   strcmp(host->dns, "NULLMX") != 0 ? host->dns : "MX 0 .");
		return;
	}
	words_line(b, host->name, " MX 10 mx.", host->name);
	builder_str(b, "mx.");
	builder_str(b, host->name);
	builder_str(b, " A 10.9.0.");
	builder_dec(b, number);
	builder_byte(b, '\n');
}

static void
zone_make(struct run *run)
{
	static uint8_t text[ZONE_TEXT_MAX];
	const struct scenario *s = run->scenario;
	struct dns_zone_error error;
	struct builder b;
	int err;

	builder_init_fixed(&b, text, sizeof(text));
	for (unsigned i = 0; i < s->host_count; i++)
		zone_host(&b, &s->hosts[i], i + 1);
	ASSERT(!b.failed);
	arena_init(&run->zone_arena, sim_mem(run->world), ZONE_ARENA_BYTES);
	err = dns_zone_parse(builder_slice(&b), &run->zone_arena, &run->zone, &error);
	ASSERT(!err);
}

static void
machine_make(struct run *run)
{
	static const char *const dirs[] = {"/etc",  "/programs", "/spool",
					   "/mail", "/state",	 "/run"};

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		sim_disk_mkdir(run->world, dirs[i]);
	config_put(run);
	zone_make(run);
}

/* --- phases ---------------------------------------------------------------------------------- */

static void
load_end(void *ctx)
{
	struct run *run = ctx;

	if (run->load_over)
		return;
	run->load_over = true;
	run->load_end_us = sim_now_us(run->world);
	run_note(run, "- all heals");
	trouble_end(run);
}

/* True when the run is over: all had its end and a rest, or there is no more time. */
static bool
is_over(struct run *run, uint64_t now_us)
{
	if (run->load_over && run->clients_busy == 0 && !run->probe)
		run->probe = client_create(run, PROBE_INDEX, true);
	if (run->load_over && run->clients_busy == 0 && ledger_settled(run)) {
		if (!run->settled_us)
			run->settled_us = now_us;
		if (now_us - run->settled_us > REST_US)
			return true;
	}
	if (!run->load_over || now_us - run->load_end_us <= run->scenario->drain_us)
		return false;
	run_note(run, "- the time to drain is over");
	if (!run->probe_taken)
		run_find(run, "I8", NULL, "after all has healed no mail is taken");
	return true;
}

static void
on_tick(void *ctx)
{
	struct run *run = ctx;
	uint64_t now_us = sim_now_us(run->world);

	run_misfortunes_note(run);
	oracle_tick(run);
	if (!run->load_over && run->clients_busy == 0 && trouble_over(run))
		load_end(run);
	if (run->finding_count) {
		sim_stop(run->world);
		return;
	}
	oracle_mail(run);
	if (is_over(run, now_us)) {
		sim_stop(run->world);
		return;
	}
	sim_after(run->world, &run->tick_event, TICK_US, on_tick, run);
}

static void
parts_make(struct run *run)
{
	const struct scenario *s = run->scenario;

	run->hosts = calloc(s->host_count + 1, sizeof(struct host *));
	run->clients = calloc(s->clients + 1, sizeof(struct client *));
	ASSERT(run->hosts && run->clients);
	for (; run->host_count < s->host_count; run->host_count++)
		run->hosts[run->host_count] = host_create(run, (unsigned)run->host_count);
	for (unsigned i = 0; i < s->clients; i++)
		run->clients[i] = client_create(run, i, false);
}

static void
parts_drop(struct run *run)
{
	for (unsigned i = 0; run->clients && i < run->scenario->clients; i++)
		client_destroy(&run->clients[i]);
	if (run->probe)
		client_destroy(&run->probe);
	for (size_t i = 0; i < run->host_count; i++)
		host_destroy(&run->hosts[i]);
	free(run->hosts);
	free(run->clients);
	run->hosts = NULL;
	run->clients = NULL;
	run->host_count = 0;
}

/* In order; and a second start must not do again what is done. */
static void
end_frank(struct run *run)
{
	run->on = false;
	run->ending = true;
	run_stop_frank(run);
	(void)sim_run(run->world, sim_now_us(run->world) + STOP_US);
	if (sim_process_count(run->world))
		run_find(run, "I10", NULL, "%zu processes are left a minute after SIGTERM",
			 sim_process_count(run->world));
	else if (run->exit_status)
		run_find(run, "I10", NULL, "super ends with status %d", run->exit_status);
	oracle_mail(run);
	oracle_disk(run, true);
	run->ending = false;
	run->ledger.over = true;
	on_start(run);
	(void)sim_run(run->world, sim_now_us(run->world) + STOP_US);
	oracle_mail(run);
	run->at_rest = true;
	oracle_lines(run);
	oracle_disk(run, false);
	if (run->finding_count == 0)
		ledger_check(run);
}

bool
run_scenario(struct run *run, const struct scenario *scenario, const struct run_options *options)
{
	struct sim_options world = {.seed = options->seed,
				    .wall_ms = WALL_START_MS,
				    .programs = sim_programs,
				    .program_count = SIM_PROGRAM_COUNT,
				    .events = {on_log, on_ended, on_broken},
				    .ctx = run};

	*run = (struct run){.options = *options, .scenario = scenario};
	prng_init(&run->prng, options->seed * 31 + 7);
	if (sim_create(&world, &run->world))
		return false;
	sim_torture(run->world, options->torture);
	machine_make(run);
	parts_make(run);
	trouble_begin(run);
	run_start_frank(run, 1);
	sim_after(run->world, &run->load_event, scenario->load_us, load_end, run);
	sim_after(run->world, &run->tick_event, TICK_US, on_tick, run);
	(void)sim_run(run->world, UINT64_MAX);
	if (run->finding_count == 0) {
		ledger_check(run);
		oracle_end(run);
	}
	if (run->finding_count == 0)
		end_frank(run);
	run->tortured = sim_tortured(run->world);
	return run->finding_count == 0;
}

void
run_finish(struct run *run)
{
	parts_drop(run);
	trouble_finish(run);
	sim_cancel(&run->start_event);
	sim_cancel(&run->load_event);
	sim_cancel(&run->tick_event);
	arena_finish(&run->zone_arena);
	sim_destroy(&run->world);
	ledger_finish(&run->ledger);
	for (size_t i = 0; i < run->line_count; i++)
		free(run->lines[i]);
	free(run->lines);
	free(run->misfortune_us);
}

static bool
line_is_about(const char *line, const struct sub *sub)
{
	char number[40];

	if (line[15] == '!' || strstr(line, " - "))
		return true;
	if (!sub)
		return strstr(line, " error ") || strstr(line, " warn ");
	(void)snprintf(number, sizeof(number), " %llu", (unsigned long long)sub->number);
	if (line[15] == '=' || !strncmp(line + 15, "client", 6)) {
		const char *at = strstr(line + 15, number);
		size_t len = strlen(number);

		return at && (at[len] < '0' || at[len] > '9');
	}
	return sub->frank_id[0] && strstr(line, sub->frank_id);
}

void
run_report(const struct run *run, FILE *out)
{
	for (size_t i = 0; i < run->finding_count; i++) {
		const struct run_finding *finding = &run->findings[i];
		const struct sub *sub = ledger_find(run, finding->sub);
		size_t shown = 0;

		fprintf(out, "FOUND %s: %s\n", finding->invariant, finding->text);
		if (i)
			continue;
		if (sub)
			fprintf(out, "  about message %llu (%s)\n", (unsigned long long)sub->number,
				sub->frank_id);
		for (size_t k = run->line_count; k > 0 && shown < 60; k--)
			shown += line_is_about(run->lines[k - 1], sub);
		for (size_t k = 0, all = 0; k < run->line_count; k++) {
			if (!line_is_about(run->lines[k], sub))
				continue;
			if (++all && shown)
				fprintf(out, "  %s\n", run->lines[k]);
		}
	}
}
