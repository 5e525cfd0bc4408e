/*
 * Reading scenarios: one statement a line, words by blanks, # begins a comment. Lines that begin
 * with `at` belong to the host above.
 */
#include "scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 512
#define WORDS_MAX 24

struct reader {
	struct scenario *scenario;
	const char *path;
	unsigned line;
	char text[LINE_MAX_BYTES]; /* as written, for what takes the rest of the line */
	char cut[LINE_MAX_BYTES];  /* with ends behind the words */
	const char *words[WORDS_MAX];
	size_t count;
	bool failed;
};

static const char *const stages[SCN_STAGE_MAX] = {
	[SCN_CONNECT] = "connect", [SCN_EHLO] = "ehlo", [SCN_MAIL] = "mail", [SCN_RCPT] = "rcpt",
	[SCN_DATA] = "data",	   [SCN_DOT] = "dot",	[SCN_QUIT] = "quit"};

static const char *const kinds[SCN_TROUBLE_MAX] = {[SCN_FAULT] = "fault",
						   [SCN_KILL] = "kill",
						   [SCN_KILL_OP] = "kill-op",
						   [SCN_POWER_CUT] = "power-cut",
						   [SCN_STOP] = "stop",
						   [SCN_HUP] = "hup",
						   [SCN_JUMP] = "jump",
						   [SCN_DNS] = "dns",
						   [SCN_DIRECTORY] = "directory",
						   [SCN_FULL] = "full",
						   [SCN_BAD_SECTOR] = "bad-sector",
						   [SCN_GARBLE] = "garble",
						   [SCN_SILENT] = "silent",
						   [SCN_AWAY] = "away",
						   [SCN_JUNK] = "junk"};

const char *
scn_stage_str(enum scn_stage stage)
{
	return stages[stage];
}

const char *
scn_trouble_str(enum scn_trouble_kind kind)
{
	return kinds[kind];
}

static void
wrong(struct reader *r, const char *what)
{
	if (!r->failed)
		fprintf(stderr, "%s:%u: %s: %s\n", r->path, r->line, what, r->text);
	r->failed = true;
}

static const char *
word(struct reader *r, size_t at)
{
	if (at < r->count)
		return r->words[at];
	wrong(r, "a word is missing");
	return "";
}

static void
word_copy(struct reader *r, size_t at, char *buf, size_t size)
{
	if (snprintf(buf, size, "%s", word(r, at)) >= (int)size)
		wrong(r, "too long");
}

static uint64_t
number(struct reader *r, size_t at)
{
	char *end;
	uint64_t value = strtoull(word(r, at), &end, 10);

	if (*end)
		wrong(r, "a number is wanted");
	return value;
}

/* 5ms, 2s, 10m, 3h, 1d in microseconds; a sign only where signed is wanted. */
static int64_t
span_signed(struct reader *r, const char *text)
{
	static const struct {
		const char *unit;
		uint64_t us;
	} units[] = {{"us", 1},
		     {"ms", 1000},
		     {"s", US_PER_S},
		     {"m", 60 * US_PER_S},
		     {"h", 3600 * US_PER_S},
		     {"d", 86400 * US_PER_S},
		     {"y", 31557600 * US_PER_S}};
	char *end;
	int64_t value = strtoll(text, &end, 10);

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (!strcmp(end, units[i].unit))
			return value * (int64_t)units[i].us;
	wrong(r, "a time is wanted, like 5s");
	return 0;
}

static uint64_t
span(struct reader *r, size_t at)
{
	return (uint64_t)span_signed(r, word(r, at));
}

/* "5s..2m", or one time. */
static void
span_range(struct reader *r, size_t at, struct scn_trouble *trouble)
{
	char low[SCN_WORD_MAX];
	char *dots;

	word_copy(r, at, low, sizeof(low));
	dots = strstr(low, "..");
	if (dots)
		*dots = 0;
	trouble->low_us = (uint64_t)span_signed(r, low);
	trouble->high_us = dots ? (uint64_t)span_signed(r, dots + 2) : trouble->low_us;
	if (trouble->high_us < trouble->low_us)
		wrong(r, "ends before it begins");
}

static void
read_host(struct reader *r)
{
	struct scenario *s = r->scenario;
	struct scn_host *host = &s->hosts[s->host_count];

	if (s->host_count == SCN_HOSTS_MAX) {
		wrong(r, "too many hosts");
		return;
	}
	s->host_count++;
	word_copy(r, 1, host->name, sizeof(host->name));
	host->weight = (uint32_t)number(r, 2);
	if (r->count > 4 && !strcmp(r->words[3], "dns"))
		word_copy(r, 4, host->dns, sizeof(host->dns));
	else if (r->count > 3 && !strcmp(r->words[3], "nobody"))
		host->nobody = true;
	else if (r->count > 4 && !strcmp(r->words[3], "within"))
		host->within_us = span(r, 4);
	else if (r->count > 3)
		wrong(r, "dns WORD, nobody or within TIME is wanted");
}

/* One of the words before the reply; the index of its last one, or 0 when it is none of them. */
static size_t
read_rule_word(struct reader *r, size_t at, struct scn_rule *rule)
{
	const char *name = r->words[at];

	if (!strcmp(name, "first"))
		rule->first = (uint32_t)number(r, ++at);
	else if (!strcmp(name, "one-in"))
		rule->one_in = (uint32_t)number(r, ++at);
	else if (!strcmp(name, "until"))
		rule->until_us = span(r, ++at);
	else if (!strcmp(name, "@wait"))
		rule->wait_us = span(r, ++at);
	else if (!strcmp(name, "@keep"))
		rule->keep = true;
	else if (!strcmp(name, "@close"))
		rule->close = true;
	else if (!strcmp(name, "@reset"))
		rule->reset = true;
	else if (!strcmp(name, "@silence"))
		rule->silence = true;
	else
		return 0;
	return at;
}

/* at STAGE [first N] [one-in N] [until TIME] [@keep] [@close] ... [reply] */
static void
read_rule(struct reader *r)
{
	struct scenario *s = r->scenario;
	struct scn_host *host = s->host_count ? &s->hosts[s->host_count - 1] : NULL;
	struct scn_rule rule = {.stage = SCN_STAGE_MAX};
	size_t at = 2, last;

	for (unsigned i = 0; i < SCN_STAGE_MAX; i++)
		if (!strcmp(word(r, 1), stages[i]))
			rule.stage = (enum scn_stage)i;
	while (at < r->count && (last = read_rule_word(r, at, &rule)))
		at = last + 1;
	if (at < r->count)
		(void)snprintf(rule.reply, sizeof(rule.reply), "%s",
			       r->text + (r->words[at] - r->cut));
	if (!host || rule.stage == SCN_STAGE_MAX || host->rule_count == SCN_RULES_MAX)
		wrong(r, "no host, no such stage, or too many");
	else
		host->rules[host->rule_count++] = rule;
}

/* What stands between the kind and the times. */
static size_t
read_trouble_words(struct reader *r, struct scn_trouble *trouble)
{
	switch (trouble->kind) {
	case SCN_KILL:
	case SCN_SILENT:
		word_copy(r, 2, trouble->word, sizeof(trouble->word));
		return 3;
	case SCN_KILL_OP:
		word_copy(r, 2, trouble->word, sizeof(trouble->word));
		trouble->number = number(r, 3);
		return 4;
	case SCN_JUMP:
		trouble->by_ms = span_signed(r, word(r, 2)) / 1000;
		return 3;
	case SCN_DNS:
		word_copy(r, 2, trouble->word, sizeof(trouble->word));
		return 3;
	default:
		return 2;
	}
}

static void
read_do(struct reader *r, struct scn_trouble *trouble)
{
	size_t at;

	trouble->kind = SCN_TROUBLE_MAX;
	for (unsigned i = SCN_FAULT + 1; i < SCN_TROUBLE_MAX; i++)
		if (!strcmp(word(r, 1), kinds[i]))
			trouble->kind = (enum scn_trouble_kind)i;
	if (trouble->kind == SCN_TROUBLE_MAX) {
		wrong(r, "no such trouble");
		return;
	}
	for (at = read_trouble_words(r, trouble); at < r->count; at++) {
		if (!strcmp(r->words[at], "at"))
			span_range(r, ++at, trouble);
		else if (!strcmp(r->words[at], "every")) {
			span_range(r, ++at, trouble);
			trouble->every = true;
		} else if (!strcmp(r->words[at], "for"))
			trouble->for_us = span(r, ++at);
		else if (!strcmp(r->words[at], "always"))
			trouble->always = true;
		else
			wrong(r, "at, every, for or always is wanted");
	}
}

static void
read_fault(struct reader *r, struct scn_trouble *trouble)
{
	trouble->kind = SCN_FAULT;
	trouble->fault = SIM_FAULT_MAX;
	for (unsigned i = 0; i < SIM_FAULT_MAX; i++)
		if (!strcmp(word(r, 1), sim_fault_str((enum sim_fault)i)))
			trouble->fault = (enum sim_fault)i;
	trouble->ppm = (uint32_t)number(r, 2);
	trouble->always = r->count > 3 && !strcmp(r->words[3], "always");
	if (trouble->fault == SIM_FAULT_MAX)
		wrong(r, "no such fault");
}

static void
read_trouble(struct reader *r)
{
	struct scenario *s = r->scenario;
	struct scn_trouble *trouble = &s->troubles[s->trouble_count];

	if (s->trouble_count == SCN_TROUBLES_MAX) {
		wrong(r, "too many troubles");
		return;
	}
	s->trouble_count++;
	trouble->line = r->line;
	if (!strcmp(r->words[0], "fault"))
		read_fault(r, trouble);
	else
		read_do(r, trouble);
}

static void
read_config(struct reader *r)
{
	struct scenario *s = r->scenario;
	const char *rest = r->text + (word(r, 1) - r->cut);
	int len = snprintf(s->config + s->config_len, SCN_CONFIG_MAX - s->config_len, "%s\n", rest);

	if (len < 0 || (size_t)len >= SCN_CONFIG_MAX - s->config_len)
		wrong(r, "too much configuration");
	else
		s->config_len += (size_t)len;
}

static void
read_simple(struct reader *r)
{
	struct scenario *s = r->scenario;
	const char *name = r->words[0];

	if (!strcmp(name, "load"))
		s->load_us = span(r, 1);
	else if (!strcmp(name, "drain"))
		s->drain_us = span(r, 1);
	else if (!strcmp(name, "lifetime"))
		s->lifetime_us = span(r, 1);
	else if (!strcmp(name, "messages"))
		s->messages = number(r, 1);
	else if (!strcmp(name, "clients"))
		s->clients = (uint32_t)number(r, 1);
	else if (!strcmp(name, "records"))
		s->records_in = (uint32_t)number(r, 1);
	else if (!strcmp(name, "notify"))
		s->notify_in = (uint32_t)number(r, 1);
	else if (!strcmp(name, "local"))
		s->local_weight = (uint32_t)number(r, 1);
	else
		wrong(r, "no such statement");
}

static void
read_pair(struct reader *r)
{
	struct scenario *s = r->scenario;

	if (!strcmp(r->words[0], "pause")) {
		s->pause_low_us = span(r, 1);
		s->pause_high_us = span(r, 2);
	} else if (!strcmp(r->words[0], "size")) {
		s->size_low = number(r, 1);
		s->size_high = number(r, 2);
	} else if (!strcmp(r->words[0], "rcpts")) {
		s->rcpts_low = (uint32_t)number(r, 1);
		s->rcpts_high = (uint32_t)number(r, 2);
	} else {
		s->from_local = (uint32_t)number(r, 1);
		s->from_remote = (uint32_t)number(r, 2);
		s->from_null = (uint32_t)number(r, 3);
	}
}

static void
read_title(struct reader *r)
{
	(void)snprintf(r->scenario->title, sizeof(r->scenario->title), "%s",
		       r->text + (word(r, 1) - r->cut));
}

static const struct {
	const char *name;
	void (*read)(struct reader *r);
} statements[] = {
	{"title", read_title}, {"host", read_host},	{"at", read_rule},
	{"do", read_trouble},  {"fault", read_trouble}, {"config", read_config},
	{"pause", read_pair},  {"size", read_pair},	{"rcpts", read_pair},
	{"from", read_pair},
};

static void
read_line(struct reader *r)
{
	size_t len;

	r->count = 0;
	len = strcspn(r->text, "#\n");
	while (len && (r->text[len - 1] == ' ' || r->text[len - 1] == '\t'))
		len--;
	r->text[len] = 0;
	memcpy(r->cut, r->text, len + 1);
	for (char *at = r->cut; *at && r->count < WORDS_MAX;) {
		at += strspn(at, " \t");
		if (!*at)
			break;
		r->words[r->count++] = at;
		at += strcspn(at, " \t");
		if (*at)
			*at++ = 0;
	}
	for (size_t i = 0; r->count && i < sizeof(statements) / sizeof(statements[0]); i++) {
		if (strcmp(statements[i].name, r->words[0]) != 0)
			continue;
		statements[i].read(r);
		return;
	}
	if (r->count)
		read_simple(r);
}

bool
scenario_read(struct scenario *scenario, const char *path)
{
	struct reader r = {.scenario = scenario, .path = path};
	FILE *file = fopen(path, "r");

	*scenario = (struct scenario){.load_us = 120 * US_PER_S,
				      .drain_us = 36000 * US_PER_S,
				      .lifetime_us = 21600 * US_PER_S,
				      .messages = 60,
				      .clients = 4,
				      .pause_high_us = 2 * US_PER_S,
				      .size_low = 60,
				      .size_high = 6000,
				      .rcpts_low = 1,
				      .rcpts_high = 3,
				      .from_local = 6,
				      .from_remote = 2,
				      .from_null = 1,
				      .local_weight = 3};
	if (!file) {
		fprintf(stderr, "%s: cannot be read\n", path);
		return false;
	}
	while (!r.failed && fgets(r.text, sizeof(r.text), file)) {
		r.line++;
		read_line(&r);
	}
	fclose(file);
	return !r.failed;
}
