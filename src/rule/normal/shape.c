/*
 * shape: no placeholder is more than three times as long as the shortest field of its kind, so the
 * room is bounded by the text. The hash is FNV-1a over words of eight bytes, with a last stir.
 */
#include "rule/normal/shape.h"

#include <string.h>

#include "base/assert.h"

#define FNV_OFFSET UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

/* Kinds that share a mark are not told apart: a number is a limit only by the words beside it. */
enum shape_mark {
	MARK_NONE,
	MARK_IP,
	MARK_HOST,
	MARK_MAIL,
	MARK_URL,
	MARK_LIST,
	MARK_CODE,
	MARK_ID,
	MARK_SPAN,
	MARK_SIZE,
	MARK_NUMBER,
	MARK_MAX
};

/* Copied whole, which is quicker than a loop. */
static const struct {
	char text[8];
	uint8_t len;
} mark_texts[MARK_MAX] = {
#define TEXT(string)                                                                               \
	{                                                                                          \
		string, sizeof(string) - 1                                                         \
	}
	[MARK_IP] = TEXT("<ip>"),    [MARK_HOST] = TEXT("<host>"), [MARK_MAIL] = TEXT("<mail>"),
	[MARK_URL] = TEXT("<url>"),  [MARK_LIST] = TEXT("<list>"), [MARK_CODE] = TEXT("<code>"),
	[MARK_ID] = TEXT("<id>"),    [MARK_SPAN] = TEXT("<span>"), [MARK_SIZE] = TEXT("<size>"),
	[MARK_NUMBER] = TEXT("<n>"),
#undef TEXT
};

static const uint8_t marks[NORMAL_KIND_MAX] = {
	[NORMAL_IP] = MARK_IP,	       [NORMAL_HOST] = MARK_HOST,   [NORMAL_MAIL] = MARK_MAIL,
	[NORMAL_URL] = MARK_URL,       [NORMAL_LIST] = MARK_LIST,   [NORMAL_LIST_CODE] = MARK_CODE,
	[NORMAL_TAG] = MARK_NONE,      [NORMAL_ID] = MARK_ID,	    [NORMAL_WAIT] = MARK_SPAN,
	[NORMAL_SPAN] = MARK_SPAN,     [NORMAL_SIZE] = MARK_SIZE,   [NORMAL_LIMIT] = MARK_NUMBER,
	[NORMAL_NUMBER] = MARK_NUMBER, [NORMAL_TIME] = MARK_NUMBER,
};

/* Between two placeholders these say nothing. */
static bool
is_joint(uint8_t c)
{
	switch (c) {
	case ',':
	case ';':
	case ':':
	case '.':
	case '-':
	case '_':
	case '+':
	case '/':
	case '=':
	case '(':
	case ')':
	case '[':
	case ']':
	case '#':
	case '&':
		return true;
	default:
		return false;
	}
}

void
shape_sign(struct shape *s, uint8_t byte)
{
	shape_begin(s);
	s->apart = s->apart || !is_joint(byte);
	s->bytes[s->len++] = byte;
}

void
shape_field(struct shape *s, enum normal_kind kind)
{
	uint8_t mark = marks[kind];

	ASSERT(mark != MARK_NONE);
	if (mark == s->mark && !s->apart) {
		s->len = s->mark_len;
		s->blank = false;
		return;
	}
	shape_begin(s);
	memcpy(s->bytes + s->len, mark_texts[mark].text, sizeof(mark_texts[mark].text));
	s->len += mark_texts[mark].len;
	s->mark = mark;
	s->apart = false;
	s->mark_len = s->len;
}

void
shape_replace(struct shape *s, size_t len, bool joint, enum normal_kind kind)
{
	ASSERT(len && len <= s->len);
	s->len -= len;
	s->apart = !joint;
	shape_field(s, kind);
}

bool
shape_is_behind_number(const struct shape *s)
{
	return s->mark == MARK_NUMBER && !s->apart;
}

/* Of up to eight bytes, the first one the lowest. */
static uint64_t
word_of(const uint8_t *bytes, size_t len)
{
	uint64_t word = 0;

	memcpy(&word, bytes, len);
	return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? __builtin_bswap64(word) : word;
}

static uint64_t
hash_step(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * FNV_PRIME;
	return hash ^ hash >> 32;
}

uint64_t
shape_hash(const struct shape *s)
{
	uint64_t hash = FNV_OFFSET ^ s->len;
	size_t i = 0;

	for (; i + 8 <= s->len; i += 8)
		hash = hash_step(hash, word_of(s->bytes + i, 8));
	hash = hash_step(hash, word_of(s->bytes + i, s->len - i)) * FNV_PRIME;
	return hash ^ hash >> 29;
}
