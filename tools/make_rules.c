/*
 * make_rules: compiles rule files (docs/rules.md) by Frank's own compiler, tries their examples and
 * prints the set as C. Run by the build: make_rules [--check] FILE... With --check nothing is
 * printed but what is wrong. All faults of examples are told; the first fault of form ends it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rule/ruleset/compile.h"

static void *
take(struct mem *mem, size_t size)
{
	(void)mem;
	return calloc(1, size);
}

static void
give(struct mem *mem, void *block, size_t size)
{
	(void)mem;
	(void)size;
	free(block);
}

static struct mem mem = {take, give};
static struct arena arena;
static struct ruleset_file files[RULESET_FILES_MAX];
static struct ruleset_error error;
static struct ruleset_check work;

static void
die(const char *name, const char *why)
{
	fprintf(stderr, "make_rules: %s: %s\n", name, why);
	exit(1);
}

static void
file_read(struct ruleset_file *file, const char *path)
{
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	FILE *stream = fopen(path, "rb");
	uint8_t *text = malloc(RULESET_FILE_BYTES_MAX + 1);
	size_t len;

	if (!stream || !text)
		die(path, "cannot be read");
	len = fread(text, 1, RULESET_FILE_BYTES_MAX + 1, stream);
	if (ferror(stream))
		die(path, "cannot be read");
	fclose(stream);
	*file = (struct ruleset_file){.name = slice_str(path),
				      .text = slice_of(text, len),
				      .number = (uint16_t)strtoul(name, NULL, 10)};
}

static void
fault_print(void)
{
	fprintf(stderr, "%.*s:%u:%u: %.*s\n", SLICE_ARG(files[error.file].name), error.line,
		error.column, (int)error.len, (const char *)error.text);
}

static void
print_text(struct ruleset_text text)
{
	printf("{%u, %u}", text.at, text.len);
}

static void
print_range(struct ruleset_range range)
{
	printf("{%u, %u}", range.first, range.count);
}

static void
print_rules(const struct ruleset *set)
{
	printf("static const struct ruleset_rule rules[] = {\n");
	for (size_t i = 0; i < set->rule_count; i++) {
		const struct ruleset_rule *r = &set->rules[i];

		printf("\t{");
		print_text(r->name);
		printf(", ");
		print_text(r->admin);
		printf(", ");
		print_text(r->article);
		printf(", ");
		print_text(r->source);
		printf(", %u, %u, ", r->stages, r->fields);
		print_range(r->statuses);
		printf(", ");
		print_range(r->codes);
		printf(", ");
		print_range(r->takes);
		printf(", ");
		print_range(r->words);
		printf(", ");
		print_range(r->near);
		printf(", ");
		print_range(r->unless);
		printf(", %u, %u, %u, %u, %u, %u, %u, %u, %u, %u},\n", r->level, r->provider,
		       r->class, r->cause, r->confidence_percent, r->actor, r->action, r->scope,
		       r->file, r->line);
	}
	printf("};\n");
}

static void
print_numbers(const char *name, const uint16_t *numbers, size_t count)
{
	printf("static const uint16_t %s[] = {", name);
	for (size_t i = 0; i < count; i++)
		printf("%s%u,", i % 16 ? " " : "\n\t", numbers[i]);
	printf("\n\t0};\n");
}

static void
print_ranges(const char *name, const struct ruleset_range *ranges, size_t count)
{
	printf("static const struct ruleset_range %s[] = {", name);
	for (size_t i = 0; i < count; i++) {
		printf("%s", i % 8 ? " " : "\n\t");
		print_range(ranges[i]);
		printf(",");
	}
	printf("\n\t{0, 0}};\n");
}

static void
print_tree(const struct ruleset *set)
{
	printf("static const struct ruleset_node nodes[] = {\n");
	for (size_t i = 0; i < set->nodes_count; i++)
		printf("\t{%u, %u, %u, %u},\n", set->nodes[i].edge, set->nodes[i].edge_count,
		       set->nodes[i].word, set->nodes[i].start);
	printf("};\nstatic const struct ruleset_edge edges[] = {\n");
	for (size_t i = 0; i < set->edges_count; i++)
		printf("\t{%u, %u},\n", set->edges[i].byte, set->edges[i].node);
	printf("\t{0, 0}};\nstatic const uint32_t roots[256] = {");
	for (size_t i = 0; i < 256; i++)
		printf("%s%u,", i % 16 ? " " : "\n\t", set->roots[i]);
	printf("\n};\n");
}

static void
print_facts(const struct ruleset *set)
{
	printf("static const struct ruleset_status statuses[] = {\n");
	for (size_t i = 0; i < set->statuses_count; i++)
		printf("\t{%u, %u, %u},\n", set->statuses[i].class, set->statuses[i].subject,
		       set->statuses[i].detail);
	printf("\t{0, 0, 0}};\nstatic const struct ruleset_take takes[] = {\n");
	for (size_t i = 0; i < set->takes_count; i++) {
		printf("\t{");
		print_text(set->takes[i].name);
		printf(", ");
		print_text(set->takes[i].value);
		printf("},\n");
	}
	printf("\t{{0, 0}, {0, 0}}};\nstatic const uint64_t wordless[] = {\n");
	for (size_t i = 0; i < RULESET_WORDS(set->rule_count); i++)
		printf("\t0x%llx,\n", (unsigned long long)set->wordless[i]);
	printf("\t0};\n");
}

static void
print_providers(const struct ruleset *set)
{
	printf("static const struct ruleset_provider providers[] = {\n");
	for (size_t i = 0; i < set->provider_count; i++) {
		printf("\t{");
		print_text(set->providers[i].name);
		printf(", ");
		print_text(set->providers[i].title);
		printf(", %u},\n", set->providers[i].group);
	}
	printf("\t{{0, 0}, {0, 0}, 0}};\nstatic const struct ruleset_domain domains[] = {\n");
	for (size_t i = 0; i < set->domain_count; i++) {
		printf("\t{%uu, %u, %d, ", set->domains[i].hash, set->domains[i].provider,
		       set->domains[i].link);
		print_text(set->domains[i].name);
		printf("},\n");
	}
	printf("\t{0, 0, 0, {0, 0}}};\n");
}

static void
print_pool(const struct ruleset *set)
{
	printf("static const uint8_t pool[] = {");
	for (size_t i = 0; i < set->pool_len; i++)
		printf("%s%u,", i % 20 ? "" : "\n\t", set->pool[i]);
	printf("\n\t0};\n");
}

static void
print_set(const struct ruleset *set)
{
	printf("/* Made by tools/make_rules.c from share/rules. */\n");
	print_rules(set);
	print_facts(set);
	print_numbers("codes", set->codes, set->codes_count);
	print_numbers("rule_groups", set->rule_groups, set->rule_groups_count);
	print_tree(set);
	print_ranges("phrase_groups", set->phrase_groups, set->phrase_count);
	print_numbers("groups", set->groups, set->groups_count);
	print_ranges("anchored", set->anchored, set->group_count);
	print_numbers("anchored_rules", set->anchored_rules, set->anchored_rules_count);
	print_providers(set);
	print_pool(set);
	printf("static const struct ruleset builtin = {\n"
	       "\t.rules = rules, .statuses = statuses, .codes = codes, .takes = takes,\n"
	       "\t.rule_groups = rule_groups, .nodes = nodes, .edges = edges, .roots = roots,\n"
	       "\t.phrase_groups = phrase_groups, .groups = groups, .anchored = anchored,\n"
	       "\t.anchored_rules = anchored_rules, .wordless = wordless,\n"
	       "\t.providers = providers, .domains = domains, .pool = pool,\n");
	printf("\t.rule_count = %zu, .phrase_count = %zu, .group_count = %zu,\n", set->rule_count,
	       set->phrase_count, set->group_count);
	printf("\t.provider_count = %zu, .domain_count = %zu, .pool_len = %zu,\n};\n",
	       set->provider_count, set->domain_count, set->pool_len);
}

int
main(int argc, char **argv)
{
	bool check_only = argc > 1 && strcmp(argv[1], "--check") == 0;
	struct ruleset_source *source;
	struct ruleset set;
	size_t count = 0;
	int faults = 0, err;

	for (int i = check_only ? 2 : 1; i < argc; i++) {
		if (count == RULESET_FILES_MAX)
			die(argv[i], "too many files");
		file_read(&files[count++], argv[i]);
	}
	arena_init(&arena, &mem, RULESET_ARENA_MAX);
	err = ruleset_compile(&arena, files, count, &set, &source, &error);
	if (err == ERR_SYNTAX) {
		fault_print();
		return 1;
	}
	if (err)
		die("rules", err_str(err));
	while (ruleset_check(source, &work)) {
		fault_print();
		faults++;
	}
	if (!faults && !check_only)
		print_set(&set);
	arena_finish(&arena);
	return faults || ferror(stdout) ? 1 : 0;
}
