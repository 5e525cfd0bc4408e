/*
 * Fuzz target for address_list: what was read is written as local@domain and read again as the
 * same single address; nothing that was read holds a control character.
 */
#include "base/fuzz.h"
#include "wire/message/address_list.h"

#define INPUT_MAX ((size_t)8192)

static void
check_text(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		ASSERT((s.data[i] >= 32 || s.data[i] == '\t') && s.data[i] != 127);
}

static void
check_again(const struct message_address *address, struct arena *arena)
{
	static uint8_t text[2 * INPUT_MAX + 16];
	struct address_list again;
	struct builder b;

	check_text(address->local);
	check_text(address->domain);
	builder_init_fixed(&b, text, sizeof(text));
	message_address_build(&b, address);
	ASSERT(!b.failed);
	if (address->domain.data[0] == '[')
		return; /* a literal may have held escapes */
	ASSERT(address_list_parse(builder_slice(&b), arena, &again) == 0);
	ASSERT(again.count == 1 && again.groups == 0);
	ASSERT(slice_eq(again.items[0].local, address->local));
	ASSERT(slice_eq(again.items[0].domain, address->domain));
}

FUZZ(input)
{
	struct test_mem mem = TEST_MEM_INIT;
	struct arena arena, second;
	struct address_list list;

	input = slice_sub(input, 0, INPUT_MAX);
	arena_init(&arena, &mem.mem, 1 << 20);
	arena_init(&second, &mem.mem, 1 << 20);
	if (address_list_parse(input, &arena, &list) == 0) {
		ASSERT(list.count + list.groups > 0 && list.count <= ADDRESS_LIST_MAX);
		for (size_t i = 0; i < list.count && i < 8; i++) {
			check_again(&list.items[i], &second);
			arena_reset(&second);
		}
	}
	arena_finish(&arena);
	arena_finish(&second);
	ASSERT(mem.taken == mem.given);
}
