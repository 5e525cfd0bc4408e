/*
 * verdict: its words from verdict_words.def, its binary form for ipc and journal. The form starts
 * with a version so that an old journal can be read.
 */
#include "wire/verdict/verdict.h"

#define VERDICT_FORM 1

static const char *const stage_words[] = {
#define STAGE(NAME, text) text,
#include "def/verdict_words.def"
#undef STAGE
};
static const char *const actor_words[] = {
#define ACTOR(NAME, text) text,
#include "def/verdict_words.def"
#undef ACTOR
};
static const char *const action_words[] = {
#define ACTION(NAME, text) text,
#include "def/verdict_words.def"
#undef ACTION
};
static const char *const scope_words[] = {
#define SCOPE(NAME, text) text,
#include "def/verdict_words.def"
#undef SCOPE
};

static const char *const cause_words[] = {
	"none",
#define CAUSE(NAME, name, ...) name,
#include "def/causes.def"
#undef CAUSE
};
static const char *const class_words[VERDICT_CLASS_MAX] = {"ok", "later", "never"};

const char *
verdict_class_str(unsigned class)
{
	return class < VERDICT_CLASS_MAX ? class_words[class] : "?";
}

const char *
verdict_stage_str(unsigned stage)
{
	return stage < VERDICT_STAGE_MAX ? stage_words[stage] : "?";
}

const char *
verdict_actor_str(unsigned actor)
{
	return actor < VERDICT_ACTOR_MAX ? actor_words[actor] : "?";
}

const char *
verdict_action_str(unsigned action)
{
	return action < VERDICT_ACTION_MAX ? action_words[action] : "?";
}

const char *
verdict_scope_str(unsigned scope)
{
	return scope < VERDICT_SCOPE_MAX ? scope_words[scope] : "?";
}

const char *
verdict_cause_str(unsigned cause)
{
	return cause < VERDICT_CAUSE_MAX ? cause_words[cause] : "?";
}

struct slice
verdict_facts(const struct verdict *v)
{
	if (!v->evidence.len || slice_find(v->reply, v->evidence) < v->reply.len)
		return SLICE_EMPTY;
	return v->evidence;
}

void
verdict_status_format(struct builder *b, struct verdict_status status)
{
	if (!status.class)
		return;
	builder_dec(b, status.class);
	builder_byte(b, '.');
	builder_dec(b, status.subject);
	builder_byte(b, '.');
	builder_dec(b, status.detail);
}

static void
addr_encode(struct builder *b, const struct net_addr *addr)
{
	builder_u8(b, addr->family);
	builder_u16(b, addr->port);
	builder_bytes(b, addr->bytes, sizeof(addr->bytes));
}

static void
addr_decode(struct cursor *c, struct net_addr *ret_addr)
{
	struct slice bytes;

	ret_addr->family = cursor_u8(c);
	ret_addr->port = cursor_u16(c);
	bytes = cursor_bytes(c, sizeof(ret_addr->bytes));
	for (size_t i = 0; i < bytes.len; i++)
		ret_addr->bytes[i] = bytes.data[i];
	if (ret_addr->family != NET_FAMILY_NONE && ret_addr->family != NET_FAMILY_4 &&
	    ret_addr->family != NET_FAMILY_6)
		cursor_fail(c, ERR_RANGE);
}

void
verdict_encode(struct builder *b, const struct verdict *v)
{
	builder_u8(b, VERDICT_FORM);
	builder_u8(b, v->class);
	builder_u8(b, v->stage);
	builder_u16(b, v->code);
	builder_u8(b, v->status.class);
	builder_u16(b, v->status.subject);
	builder_u16(b, v->status.detail);
	builder_u16(b, v->cause);
	builder_u8(b, v->confidence_percent);
	builder_u8(b, v->actor);
	builder_u8(b, v->action);
	builder_u8(b, v->scope);
	builder_u64(b, (uint64_t)v->wall_ms);
	builder_u32(b, v->retry_after_s);
	builder_u32(b, v->took_ms);
	addr_encode(b, &v->address);
	addr_encode(b, &v->source);
	builder_blob(b, slice_sub(v->reply, 0, VERDICT_REPLY_MAX));
	builder_blob(b, slice_sub(v->public_text, 0, VERDICT_PUBLIC_MAX));
	builder_blob(b, slice_sub(v->evidence, 0, VERDICT_EVIDENCE_MAX));
	builder_blob(b, slice_sub(v->host, 0, VERDICT_HOST_MAX));
	builder_blob(b, slice_sub(v->helo, 0, VERDICT_HOST_MAX));
}

static uint8_t
word_decode(struct cursor *c, unsigned max)
{
	uint8_t word = cursor_u8(c);

	if (word >= max) {
		cursor_fail(c, ERR_RANGE);
		return 0;
	}
	return word;
}

void
verdict_decode(struct cursor *c, struct verdict *ret)
{
	struct verdict v = {0};

	if (cursor_u8(c) != VERDICT_FORM)
		cursor_fail(c, ERR_VERSION);
	v.class = word_decode(c, VERDICT_CLASS_MAX);
	v.stage = word_decode(c, VERDICT_STAGE_MAX);
	v.code = cursor_u16(c);
	v.status.class = cursor_u8(c);
	v.status.subject = cursor_u16(c);
	v.status.detail = cursor_u16(c);
	v.cause = cursor_u16(c);
	if (v.cause >= VERDICT_CAUSE_MAX)
		v.cause = VERDICT_CAUSE_UNKNOWN; /* of a newer catalogue */
	v.confidence_percent = word_decode(c, 101);
	v.actor = word_decode(c, VERDICT_ACTOR_MAX);
	v.action = word_decode(c, VERDICT_ACTION_MAX);
	v.scope = word_decode(c, VERDICT_SCOPE_MAX);
	v.wall_ms = (int64_t)cursor_u64(c);
	v.retry_after_s = cursor_u32(c);
	v.took_ms = cursor_u32(c);
	addr_decode(c, &v.address);
	addr_decode(c, &v.source);
	v.reply = cursor_blob(c, VERDICT_REPLY_MAX);
	v.public_text = cursor_blob(c, VERDICT_PUBLIC_MAX);
	v.evidence = cursor_blob(c, VERDICT_EVIDENCE_MAX);
	v.host = cursor_blob(c, VERDICT_HOST_MAX);
	v.helo = cursor_blob(c, VERDICT_HOST_MAX);
	*ret = v;
}
