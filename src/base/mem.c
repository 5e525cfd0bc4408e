/*
 * mem: array requests with the overflow check in one place.
 */
#include "base/mem.h"

void *
mem_take_array(struct mem *mem, size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total) || total == 0)
		return NULL;
	return mem->take(mem, total);
}
