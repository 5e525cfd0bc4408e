/*
 * memory: what transactions hold. The first TRANSACTION_OWN_BYTES of each are its session's own;
 * all that goes beyond comes out of one total of the process. So long lists of recipients end at a
 * limit that has a name, and small transactions go on, however many large ones strangers hold.
 */
#include "base/assert.h"
#include "proc/smtpin/session.h"

#define TRANSACTION_OWN_BYTES ((size_t)16 << 10)

static size_t
beyond_own(size_t bytes)
{
	return bytes > TRANSACTION_OWN_BYTES ? bytes - TRANSACTION_OWN_BYTES : 0;
}

static void *
transaction_take(struct mem *mem, size_t size)
{
	struct transaction_memory *memory = CONTAINER_OF(mem, struct transaction_memory, mem);
	struct smtpin *in = memory->in;
	uint64_t max = in->boot->config->transaction_memory_total_max;
	size_t more = beyond_own(memory->used_bytes + size) - beyond_own(memory->used_bytes);
	void *block;

	/* After a reload more may be in use than the maximum. */
	if (more && (in->transaction_bytes > max || more > max - in->transaction_bytes))
		return NULL;
	block = mem_take(rt_mem(in->boot->rt), size);
	if (block) {
		memory->used_bytes += size;
		in->transaction_bytes += more;
	}
	return block;
}

static void
transaction_give(struct mem *mem, void *block, size_t size)
{
	struct transaction_memory *memory = CONTAINER_OF(mem, struct transaction_memory, mem);
	struct smtpin *in = memory->in;

	ASSERT(memory->used_bytes >= size);
	in->transaction_bytes -=
		beyond_own(memory->used_bytes) - beyond_own(memory->used_bytes - size);
	memory->used_bytes -= size;
	mem_give(rt_mem(in->boot->rt), block, size);
}

void
transaction_memory_init(struct transaction_memory *memory, struct smtpin *in)
{
	*memory =
		(struct transaction_memory){.mem = {transaction_take, transaction_give}, .in = in};
}
