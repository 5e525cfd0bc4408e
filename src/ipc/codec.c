/*
 * Encoder and decoder of every message, made from def/messages.def: one small function per type of
 * field, a pair of functions per message, a switch. What arrives is bounded by the table's maxima;
 * numbers with a maximum lie below it, flags are 0 or 1, and leftovers are an error. A descriptor
 * field is one byte on the wire (present or not); the descriptors travel beside the packet in the
 * order of the fields.
 */
#include "ipc/codec.h"

#include "base/assert.h"

_Static_assert(IPC_TYPE_MAX < 256, "types are few, and u16 on the wire");

struct putter {
	struct builder *b;
	struct ipc_fds *fds; /* NULL: descriptors are not collected */
	int err;
};

struct getter {
	struct cursor c;
	struct ipc_fds *fds; /* NULL: they come as -1 */
};

static void
put_failed(struct putter *p, int err)
{
	if (!p->err)
		p->err = err;
}

static void
get_failed(struct getter *g, int err)
{
	cursor_fail(&g->c, err);
}

/* Numbers: a maximum of 0 is none. */
#define NUMBER(type, c_type, width)                                                                \
	static void put_##type(struct putter *p, c_type value, uint64_t max)                       \
	{                                                                                          \
		if (max && (uint64_t)value >= max)                                                 \
			put_failed(p, ERR_RANGE);                                                  \
		builder_##width(p->b, (uint##width##_c)value);                                     \
	}                                                                                          \
	static void get_##type(struct getter *g, c_type *ret_value, uint64_t max)                  \
	{                                                                                          \
		*ret_value = (c_type)cursor_##width(&g->c);                                        \
		if (max && (uint64_t)*ret_value >= max)                                            \
			get_failed(g, ERR_RANGE);                                                  \
	}
#define uintu8_c uint8_t
#define uintu16_c uint16_t
#define uintu32_c uint32_t
#define uintu64_c uint64_t
NUMBER(u8, uint8_t, u8)
NUMBER(u16, uint16_t, u16)
NUMBER(u32, uint32_t, u32)
NUMBER(u64, uint64_t, u64)
NUMBER(i64, int64_t, u64)
NUMBER(id, msg_id, u64)
#undef NUMBER

static void
put_flag(struct putter *p, bool value, uint64_t max)
{
	(void)max;
	builder_u8(p->b, value);
}

static void
get_flag(struct getter *g, bool *ret_value, uint64_t max)
{
	uint8_t byte = cursor_u8(&g->c);

	(void)max;
	if (byte > 1)
		get_failed(g, ERR_RANGE);
	*ret_value = byte == 1;
}

static void
put_bytes(struct putter *p, struct slice value, uint64_t max)
{
	if (value.len > max)
		put_failed(p, ERR_RANGE);
	else
		builder_blob(p->b, value);
}

static void
get_bytes(struct getter *g, struct slice *ret_value, uint64_t max)
{
	*ret_value = cursor_blob(&g->c, max);
}

static void
put_u16s(struct putter *p, struct ipc_u16s value, uint64_t max)
{
	if (value.count > max) {
		put_failed(p, ERR_RANGE);
		return;
	}
	builder_u16(p->b, (uint16_t)value.count);
	builder_bytes(p->b, value.data, value.count * 2);
}

static void
get_u16s(struct getter *g, struct ipc_u16s *ret_value, uint64_t max)
{
	size_t count = cursor_u16(&g->c);
	struct slice bytes = {0};

	if (count > max)
		get_failed(g, ERR_LIMIT);
	else
		bytes = cursor_bytes(&g->c, count * 2);
	*ret_value = (struct ipc_u16s){bytes.data, bytes.len / 2};
}

static void
put_addr(struct putter *p, struct net_addr value, uint64_t max)
{
	(void)max;
	builder_u8(p->b, value.family);
	builder_u16(p->b, value.port);
	builder_bytes(p->b, value.bytes, sizeof(value.bytes));
}

static void
get_addr(struct getter *g, struct net_addr *ret_value, uint64_t max)
{
	struct slice bytes;

	(void)max;
	*ret_value = (struct net_addr){.family = cursor_u8(&g->c), .port = cursor_u16(&g->c)};
	bytes = cursor_bytes(&g->c, sizeof(ret_value->bytes));
	for (size_t i = 0; i < bytes.len; i++)
		ret_value->bytes[i] = bytes.data[i];
	if (ret_value->family != NET_FAMILY_NONE && ret_value->family != NET_FAMILY_4 &&
	    ret_value->family != NET_FAMILY_6)
		get_failed(g, ERR_RANGE);
}

static void
put_verdict(struct putter *p, struct verdict value, uint64_t max)
{
	(void)max;
	verdict_encode(p->b, &value);
}

static void
get_verdict(struct getter *g, struct verdict *ret_value, uint64_t max)
{
	(void)max;
	verdict_decode(&g->c, ret_value);
}

static void
put_fd(struct putter *p, int value, uint64_t max)
{
	(void)max;
	builder_u8(p->b, value >= 0);
	if (value < 0 || !p->fds)
		return;
	if (p->fds->count == RT_PACKET_FDS_MAX)
		put_failed(p, ERR_LIMIT);
	else
		p->fds->fds[p->fds->count++] = value;
}

static void
get_fd(struct getter *g, int *ret_value, uint64_t max)
{
	uint8_t present = cursor_u8(&g->c);

	(void)max;
	*ret_value = -1;
	if (present > 1)
		get_failed(g, ERR_RANGE);
	if (present != 1 || !g->fds || g->c.err)
		return;
	if (g->fds->taken == g->fds->count)
		get_failed(g, ERR_PROTOCOL);
	else
		*ret_value = g->fds->fds[g->fds->taken++];
}

#define MAXIMUM(...) (__VA_ARGS__ + 0)

#define FIELD(type, field, ...) put_##type(p, m->field, MAXIMUM(__VA_ARGS__));
#define MESSAGE(NAME, name, fields)                                                                \
	static void encode_##name(struct putter *p, const struct ipc_##name *m)                    \
	{                                                                                          \
		fields                                                                             \
	}
#include "def/messages.def"
#undef MESSAGE
#undef FIELD

#define FIELD(type, field, ...) get_##type(g, &m->field, MAXIMUM(__VA_ARGS__));
#define MESSAGE(NAME, name, fields)                                                                \
	static void decode_##name(struct getter *g, struct ipc_##name *m)                          \
	{                                                                                          \
		fields                                                                             \
	}
#include "def/messages.def"
#undef MESSAGE
#undef FIELD

/* Descriptors only: all other types of field have nothing to visit. */
#define VISIT_u8(field)
#define VISIT_u16(field)
#define VISIT_u32(field)
#define VISIT_u64(field)
#define VISIT_i64(field)
#define VISIT_flag(field)
#define VISIT_id(field)
#define VISIT_bytes(field)
#define VISIT_u16s(field)
#define VISIT_addr(field)
#define VISIT_verdict(field)
#define VISIT_fd(field)                                                                            \
	if (m->field >= 0)                                                                         \
		fn(ctx, &m->field);
#define FIELD(type, field, ...) VISIT_##type(field)
#define MESSAGE(NAME, name, fields)                                                                \
	static void visit_##name(struct ipc_##name *m, ipc_fd_fn *fn, void *ctx)                   \
	{                                                                                          \
		(void)m, (void)fn, (void)ctx;                                                      \
		fields                                                                             \
	}
#include "def/messages.def"
#undef MESSAGE
#undef FIELD

static void
body_encode(struct putter *p, const struct ipc_message *message)
{
	switch (message->type) {
#define MESSAGE(NAME, name, fields)                                                                \
	case IPC_##NAME:                                                                           \
		encode_##name(p, &message->u.name);                                                \
		return;
#include "def/messages.def"
#undef MESSAGE
	case IPC_TYPE_MAX:
		break;
	}
	ASSERT_UNREACHABLE();
}

static void
body_decode(struct getter *g, struct ipc_message *message)
{
	switch (message->type) {
#define MESSAGE(NAME, name, fields)                                                                \
	case IPC_##NAME:                                                                           \
		decode_##name(g, &message->u.name);                                                \
		return;
#include "def/messages.def"
#undef MESSAGE
	case IPC_TYPE_MAX:
		break;
	}
	ASSERT_UNREACHABLE();
}

void
ipc_message_each_fd(struct ipc_message *message, ipc_fd_fn *fn, void *ctx)
{
	switch (message->type) {
#define MESSAGE(NAME, name, fields)                                                                \
	case IPC_##NAME:                                                                           \
		visit_##name(&message->u.name, fn, ctx);                                           \
		return;
#include "def/messages.def"
#undef MESSAGE
	case IPC_TYPE_MAX:
		break;
	}
	ASSERT_UNREACHABLE();
}

int
ipc_decode_with_fds(enum ipc_type type, struct slice body, struct ipc_fds *fds,
		    struct ipc_message *ret_message)
{
	struct ipc_message message = {.type = type};
	struct getter g = {.fds = fds};
	int err;

	ASSERT(type < IPC_TYPE_MAX);
	cursor_init(&g.c, body);
	body_decode(&g, &message);
	err = cursor_end(&g.c);
	if (err)
		return err;
	*ret_message = message;
	return 0;
}

int
ipc_decode(enum ipc_type type, struct slice body, struct ipc_message *ret_message)
{
	return ipc_decode_with_fds(type, body, NULL, ret_message);
}

#ifdef FRANK_SANITIZED
/* Pair assertion: what we send is what the other side will read. */
static void
pair_check(const struct ipc_message *message, struct slice body)
{
	uint8_t buf[RT_PACKET_MAX];
	struct builder again;
	struct putter p = {.b = &again};
	struct ipc_message got;
	struct ipc_fds fds = {.count = RT_PACKET_FDS_MAX};
	int err;

	err = ipc_decode_with_fds(message->type, body, &fds, &got);
	ASSERT(!err);
	builder_init_fixed(&again, buf, sizeof(buf));
	body_encode(&p, &got);
	ASSERT(!p.err && slice_eq(builder_slice(&again), body));
}
#endif

/* Fills in the length of a body that begins at start and now reaches to the end. */
static void
length_patch(struct builder *b, size_t start)
{
	size_t len = b->len - start;

	for (unsigned i = 0; i < 4; i++)
		b->data[start - 4 + i] = (uint8_t)(len >> (8 * i));
}

int
ipc_encode_with_fds(struct builder *b, const struct ipc_message *message, struct ipc_fds *fds)
{
	struct putter p = {.b = b, .fds = fds};
	size_t start;

	builder_u16(b, (uint16_t)message->type);
	builder_u16(b, 0);
	builder_u32(b, 0);
	start = b->len;
	body_encode(&p, message);
	if (p.err)
		return p.err;
	if (b->failed)
		return ERR_LIMIT;
	length_patch(b, start);
#ifdef FRANK_SANITIZED
	pair_check(message, slice_from(builder_slice(b), start));
#endif
	return 0;
}

int
ipc_encode(struct builder *b, const struct ipc_message *message)
{
	struct putter p = {.b = b};

	body_encode(&p, message);
	if (p.err)
		return p.err;
	return b->failed ? ERR_LIMIT : 0;
}

int
ipc_packet_next(struct slice *rest, enum ipc_type *ret_type, struct slice *ret_body)
{
	struct cursor c;
	uint16_t type, zero;
	uint32_t len;

	cursor_init(&c, *rest);
	type = cursor_u16(&c);
	zero = cursor_u16(&c);
	len = cursor_u32(&c);
	if (c.err || type >= IPC_TYPE_MAX || zero || len > c.rest.len)
		return ERR_PROTOCOL;
	*ret_type = (enum ipc_type)type;
	*ret_body = slice_sub(c.rest, 0, len);
	*rest = slice_from(c.rest, len);
	return 0;
}

const char *
ipc_type_str(unsigned type)
{
	static const char *const names[] = {
#define MESSAGE(NAME, name, fields) #name,
#include "def/messages.def"
#undef MESSAGE
	};

	return type < IPC_TYPE_MAX ? names[type] : "unknown";
}

uint16_t
ipc_u16s_at(struct ipc_u16s list, size_t index)
{
	ASSERT(index < list.count);
	return (uint16_t)(list.data[index * 2] | list.data[index * 2 + 1] << 8);
}

struct ipc_u16s
ipc_u16s_make(uint16_t *numbers, size_t count)
{
	uint8_t *bytes = (uint8_t *)numbers;

	for (size_t i = 0; i < count; i++) {
		uint16_t number = numbers[i];

		bytes[i * 2] = (uint8_t)number;
		bytes[i * 2 + 1] = (uint8_t)(number >> 8);
	}
	return (struct ipc_u16s){bytes, count};
}
