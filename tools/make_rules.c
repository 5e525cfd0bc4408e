/*
 * make_rules: compiles the rule files of a folder (docs/rules.md) by Frank's own compiler, tries
 * their examples and prints the set as C. Run by the build: make_rules FOLDER OUTPUT DEPFILE. With
 * the folder alone, or single files, only what is wrong is printed. All faults of examples are
 * told; the first fault of form ends it.
 */
#include <dirent.h>
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
static size_t file_count;
static FILE *out;

#define put(...) fprintf(out, __VA_ARGS__)

static void
die(const char *name, const char *why)
{
	fprintf(stderr, "make_rules: %s: %s\n", name, why);
	exit(1);
}

static void
file_read(const char *path)
{
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	FILE *stream = fopen(path, "rb");
	uint8_t *text = malloc(RULESET_FILE_BYTES_MAX + 1);
	size_t len;

	if (file_count == RULESET_FILES_MAX)
		die(path, "too many files");
	if (!stream || !text)
		die(path, "cannot be read");
	len = fread(text, 1, RULESET_FILE_BYTES_MAX + 1, stream);
	if (ferror(stream))
		die(path, "cannot be read");
	fclose(stream);
	files[file_count++] = (struct ruleset_file){.name = slice_str(strdup(path)),
						    .text = slice_of(text, len),
						    .number = (uint16_t)strtoul(name, NULL, 10)};
}

static int
is_rules(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return entry->d_name[0] != '.' && dot && strcmp(dot, ".rules") == 0;
}

/* All files of it in the order of their names. */
static void
folder_read(const char *folder)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, is_rules, alphasort);
	char path[4096];

	if (count < 0) {
		file_read(folder);
		return;
	}
	for (int i = 0; i < count; i++) {
		if ((size_t)snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name) >=
		    sizeof(path))
			die(folder, "name too long");
		file_read(path);
		free(entries[i]);
	}
	free(entries);
}

/* So that a build with sanitizers can tell a leak. */
static void
files_free(void)
{
	for (size_t i = 0; i < file_count; i++) {
		free((void *)(uintptr_t)files[i].name.data);
		free((void *)(uintptr_t)files[i].text.data);
	}
}

/* The folder itself is one, so that a new file is seen. */
static void
depfile_print(const char *path, const char *target, const char *folder)
{
	out = fopen(path, "w");
	if (!out)
		die(path, "cannot be written");
	put("%s: %s", target, folder);
	for (size_t i = 0; i < file_count; i++)
		put(" %.*s", SLICE_ARG(files[i].name));
	put("\n");
	if (fclose(out))
		die(path, "cannot be written");
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
	put("{%u, %u}", text.at, text.len);
}

static void
print_range(struct ruleset_range range)
{
	put("{%u, %u}", range.first, range.count);
}

static void
print_rules(const struct ruleset *set)
{
	put("static const struct ruleset_rule rules[] = {\n");
	for (size_t i = 0; i < set->rule_count; i++) {
		const struct ruleset_rule *r = &set->rules[i];
		const struct ruleset_range ranges[] = {r->words,    r->near,  r->unless,
						       r->statuses, r->codes, r->takes};
		const struct ruleset_text texts[] = {r->name, r->admin, r->article, r->source};

		put("\t{%u, %u, %u, %u, ", r->stages, r->class, r->provider, r->fields);
		for (size_t k = 0; k < sizeof(ranges) / sizeof(ranges[0]); k++) {
			print_range(ranges[k]);
			put(", ");
		}
		put("%u, %u, %u, %u, %u, %u, %u, %u, ", r->level, r->cause, r->confidence_percent,
		    r->actor, r->action, r->scope, r->file, r->line);
		for (size_t k = 0; k < sizeof(texts) / sizeof(texts[0]); k++) {
			print_text(texts[k]);
			put(", ");
		}
		put("},\n");
	}
	put("};\n");
}

static void
print_numbers(const char *name, const uint16_t *numbers, size_t count)
{
	put("static const uint16_t %s[] = {", name);
	for (size_t i = 0; i < count; i++)
		put("%s%u,", i % 16 ? " " : "\n\t", numbers[i]);
	put("\n\t0};\n");
}

static void
print_ranges(const char *name, const struct ruleset_range *ranges, size_t count)
{
	put("static const struct ruleset_range %s[] = {", name);
	for (size_t i = 0; i < count; i++) {
		put("%s", i % 8 ? " " : "\n\t");
		print_range(ranges[i]);
		put(",");
	}
	put("\n\t{0, 0}};\n");
}

static void
print_bytes(const char *name, const uint8_t *bytes, size_t count)
{
	put("static const uint8_t %s[] = {", name);
	for (size_t i = 0; i < count; i++)
		put("%s%u,", i % 20 ? "" : "\n\t", bytes[i]);
	put("\n\t0};\n");
}

static void
print_bits(const char *name, const uint64_t *words, size_t count)
{
	put("static const uint64_t %s[] = {", name);
	for (size_t i = 0; i < count; i++)
		put("%s0x%llx,", i % 4 ? " " : "\n\t", (unsigned long long)words[i]);
	put("\n\t0};\n");
}

static void
print_tree(const struct ruleset *set)
{
	put("static const struct ruleset_node nodes[] = {\n");
	for (size_t i = 0; i < set->nodes_count; i++) {
		const struct ruleset_node *n = &set->nodes[i];

		put("\t{{");
		for (unsigned k = 0; k < RULESET_LABEL_MAX; k++)
			put("%u, ", n->label[k]);
		put("}, %u, %u, %u, %u, %u},\n", n->edge, n->word, n->start, n->edge_count,
		    n->label_len);
	}
	put("};\n");
	print_bytes("edge_bytes", set->edge_bytes, set->nodes_count + RULESET_EDGES_PAD);
	print_numbers("pairs", set->pairs, (size_t)RULESET_PAIRS * RULESET_PAIRS);
}

static void
print_facts(const struct ruleset *set)
{
	put("static const struct ruleset_status statuses[] = {\n");
	for (size_t i = 0; i < set->statuses_count; i++)
		put("\t{%u, %u, %u},\n", set->statuses[i].class, set->statuses[i].subject,
		    set->statuses[i].detail);
	put("\t{0, 0, 0}};\nstatic const struct ruleset_take takes[] = {\n");
	for (size_t i = 0; i < set->takes_count; i++) {
		put("\t{");
		print_text(set->takes[i].name);
		put(", ");
		print_text(set->takes[i].value);
		put("},\n");
	}
	put("\t{{0, 0}, {0, 0}}};\n");
	print_bits("wordless", set->wordless, RULESET_SUBJECTS * RULESET_WORDS(set->rule_count));
}

static void
print_providers(const struct ruleset *set)
{
	put("static const struct ruleset_provider providers[] = {\n");
	for (size_t i = 0; i < set->provider_count; i++) {
		put("\t{");
		print_text(set->providers[i].name);
		put(", ");
		print_text(set->providers[i].title);
		put(", ");
		print_range(set->providers[i].rules);
		put(", %d},\n", set->providers[i].receiver);
	}
	put("\t{{0, 0}, {0, 0}, {0, 0}, 0}};\nstatic const struct ruleset_domain domains[] = "
	    "{\n");
	for (size_t i = 0; i < set->domain_count; i++) {
		put("\t{%uu, %u, %d, ", set->domains[i].hash, set->domains[i].provider,
		    set->domains[i].link);
		print_text(set->domains[i].name);
		put("},\n");
	}
	put("\t{0, 0, 0, {0, 0}}};\nstatic const struct ruleset_own_status own_statuses[] = {\n");
	for (size_t i = 0; i < set->own_status_count; i++) {
		const struct ruleset_own_status *own = &set->own_statuses[i];

		put("\t{%u, %u, %u, %u},\n", own->subject, own->first, own->last, own->provider);
	}
	put("\t{0, 0, 0, 0}};\n");
}

static void
print_set(const struct ruleset *set)
{
	put("/* Made by tools/make_rules.c from share/rules. */\n");
	print_rules(set);
	print_facts(set);
	print_numbers("codes", set->codes, set->codes_count);
	print_numbers("rule_groups", set->rule_groups, set->rule_groups_count);
	print_tree(set);
	print_ranges("phrase_groups", set->phrase_groups, set->phrase_count);
	print_numbers("groups", set->groups, set->groups_count);
	print_ranges("anchored", set->anchored, set->group_count);
	print_numbers("anchored_rules", set->anchored_rules, set->anchored_rules_count);
	print_bits("anchoring", set->anchoring, RULESET_WORDS(set->group_count));
	print_bits("telling", set->telling, RULESET_WORDS(set->group_count));
	print_providers(set);
	print_numbers("domain_slots", set->domain_slots, RULESET_DOMAIN_SLOTS);
	print_numbers("provider_groups", set->provider_groups, set->provider_count);
	print_numbers("provider_rules", set->provider_rules, set->provider_rules_count);
	print_bytes("pool", set->pool, set->pool_len);
	put("static const struct ruleset builtin = {\n"
	    "\t.rules = rules, .statuses = statuses, .codes = codes, .takes = takes,\n"
	    "\t.rule_groups = rule_groups, .nodes = nodes, .edge_bytes = edge_bytes,\n"
	    "\t.pairs = pairs, .anchoring = anchoring, .telling = telling,\n"
	    "\t.phrase_groups = phrase_groups, .groups = groups, .anchored = anchored,\n"
	    "\t.anchored_rules = anchored_rules, .wordless = wordless,\n"
	    "\t.providers = providers, .provider_rules = provider_rules,\n"
	    "\t.provider_groups = provider_groups, .own_statuses = own_statuses,\n"
	    "\t.domains = domains, "
	    ".domain_slots = domain_slots, .pool "
	    "= pool,\n");
	put("\t.level_first = {");
	for (size_t i = 0; i < RULESET_LEVEL_MAX; i++)
		put("%u, ", set->level_first[i]);
	put("},\n");
	put("\t.rule_count = %zu, .phrase_count = %zu, .group_count = %zu,\n", set->rule_count,
	    set->phrase_count, set->group_count);
	put("\t.provider_count = %zu, .domain_count = %zu, .own_status_count = %zu,\n",
	    set->provider_count, set->domain_count, set->own_status_count);
	put("\t.pool_len = %zu,\n};\n", set->pool_len);
}

static int
faults_print(struct ruleset_source *source)
{
	int faults = 0, err;

	while ((err = ruleset_check(source, &work)) == ERR_SYNTAX) {
		fault_print();
		faults++;
	}
	if (err)
		die("rules", err_str(err));
	return faults;
}

int
main(int argc, char **argv)
{
	bool build = argc == 4 && !strstr(argv[2], ".rules");
	struct ruleset_source *source;
	struct ruleset set;
	int err;

	for (int i = 1; i < (build ? 2 : argc); i++)
		folder_read(argv[i]);
	arena_init(&arena, &mem, RULESET_ARENA_MAX);
	err = ruleset_compile(&arena, (struct ruleset_files){files, file_count}, &set, &source,
			      &error);
	if (err == ERR_SYNTAX) {
		fault_print();
		return 1;
	}
	if (err)
		die("rules", err_str(err));
	if (faults_print(source))
		return 1;
	if (build) {
		depfile_print(argv[3], argv[2], argv[1]);
		out = fopen(argv[2], "w");
		if (!out)
			die(argv[2], "cannot be written");
		print_set(&set);
		if (fclose(out))
			die(argv[2], "cannot be written");
	}
	arena_finish(&arena);
	files_free();
	return 0;
}
