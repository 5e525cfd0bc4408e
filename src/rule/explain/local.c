#include "rule/explain/local.h"

#include "wire/text/clean.h"

#define NAME_SHOWN_MAX 255

int
explain_local_compile(struct arena *arena, struct slice name, struct slice text,
		      struct ruleset *ret_set, struct ruleset_error *ret_error)
{
	struct ruleset_file *file = ARENA_NEW(arena, struct ruleset_file);
	struct ruleset_check *work = ARENA_NEW(arena, struct ruleset_check);
	struct ruleset_source *source;
	int err;

	if (!file || !work)
		return ERR_NO_MEMORY;
	file->name = arena_keep(arena, name);
	file->text = arena_keep(arena, text);
	file->local = true;
	if (arena->failed)
		return ERR_NO_MEMORY;
	err = ruleset_compile(arena, (struct ruleset_files){file, 1}, ret_set, &source, ret_error);
	if (!err)
		err = ruleset_check(source, work);
	ret_set->next = explain_builtin();
	return err;
}

void
explain_local_error(struct builder *b, struct slice name, const struct ruleset_error *error)
{
	clean_line(b, name, NAME_SHOWN_MAX);
	builder_byte(b, ':');
	builder_dec(b, error->line);
	builder_byte(b, ':');
	builder_dec(b, error->column);
	builder_str(b, ": ");
	builder_add(b, slice_of(error->text, error->len));
}
