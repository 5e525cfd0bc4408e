/*
 * article: finds articles by what leads to them. articles.inc has two tables: articles (name,
 * title, text) and keys, each of which leads to an article; a key with a sentence is a code.
 * Statuses stand there with x for their class, and for the detail where the row is about the
 * subject as a whole (RFC 3463 2: class, subject, detail; the last two have up to three digits).
 */
#include <string.h>

#include "base/assert.h"
#include "rule/explain/article.h"
#include "wire/text/wrap.h"

struct key {
	const char *key, *sentence, *source;
	uint16_t article;
};

#include "articles.inc"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define STATUS_DIGITS_MAX 3
#define STATUS_LEN_MAX sizeof("x.123.123")
#define SENTENCE_MAX 512
#define COLUMNS_MAX 76

static const struct key *
key_find(struct slice asked)
{
	for (size_t i = 0; i < COUNT(keys); i++)
		if (slice_eq_nocase(slice_str(keys[i].key), asked))
			return &keys[i];
	return NULL;
}

static bool
part_ok(struct slice part)
{
	if (part.len == 1 && ascii_lower(part.data[0]) == 'x')
		return true;
	for (size_t i = 0; i < part.len; i++)
		if (!ascii_is_digit(part.data[i]))
			return false;
	return part.len > 0 && part.len <= STATUS_DIGITS_MAX;
}

/* A status: its own row, or else its subject's; and that of its class. */
static const struct key *
status_find(struct slice asked, const struct key **ret_class)
{
	uint8_t room[STATUS_LEN_MAX];
	struct slice rest = asked, class = slice_cut(&rest, '.'), subject = slice_cut(&rest, '.');
	const struct key *key;
	struct builder b;

	if (class.len != 1 || !part_ok(class) || !part_ok(subject) || !part_ok(rest))
		return NULL;
	builder_init_fixed(&b, room, sizeof(room));
	builder_add(&b, class);
	builder_str(&b, ".x.x");
	*ret_class = key_find(builder_slice(&b));
	if (!*ret_class && ascii_lower(class.data[0]) != 'x')
		return NULL; /* 3.7.25 */
	if (ascii_lower(subject.data[0]) == 'x')
		return *ret_class;
	builder_clear(&b);
	builder_str(&b, "x.");
	builder_add(&b, subject);
	builder_byte(&b, '.');
	builder_add(&b, rest);
	key = key_find(builder_slice(&b));
	if (key)
		return key;
	builder_clear(&b);
	builder_str(&b, "x.");
	builder_add(&b, subject);
	builder_str(&b, ".x");
	return key_find(builder_slice(&b));
}

static struct slice
text_or_empty(const char *text)
{
	return text ? slice_str(text) : SLICE_EMPTY;
}

bool
article_find(struct slice asked, struct article_found *ret_found)
{
	const struct key *class = NULL, *key = key_find(asked);

	if (!key)
		key = status_find(asked, &class);
	if (!key)
		return false;
	article_at(key->article, ret_found);
	if (key->sentence) {
		ret_found->code = slice_str(key->key);
		ret_found->sentence = slice_str(key->sentence);
		ret_found->source = text_or_empty(key->source);
	}
	if (class && class != key) {
		ret_found->class_code = slice_str(class->key);
		ret_found->class_sentence = slice_str(class->sentence);
	}
	return true;
}

size_t
article_count(void)
{
	return COUNT(articles);
}

void
article_at(size_t index, struct article_found *ret_found)
{
	ASSERT(index < COUNT(articles));
	*ret_found = (struct article_found){
		.name = slice_str(articles[index].name),
		.title = slice_str(articles[index].title),
		.text = slice_str(articles[index].text),
	};
}

static void
sentence_show(struct builder *b, struct slice code, struct slice sentence, struct slice source)
{
	uint8_t room[SENTENCE_MAX];
	struct builder line;

	builder_init_fixed(&line, room, sizeof(room));
	builder_add(&line, code);
	builder_str(&line, ": ");
	builder_add(&line, sentence);
	if (source.len) {
		builder_str(&line, " (");
		builder_add(&line, source);
		builder_str(&line, ")");
	}
	ASSERT(!line.failed); /* the table is ours */
	wrap_text(b, builder_slice(&line), COLUMNS_MAX, "\n");
}

void
article_show_text(struct builder *b, const struct article_found *found)
{
	if (found->code.len)
		sentence_show(b, found->code, found->sentence, found->source);
	if (found->class_code.len)
		sentence_show(b, found->class_code, found->class_sentence, SLICE_EMPTY);
	if (found->code.len)
		builder_str(b, "\n");
	builder_add(b, found->title);
	builder_str(b, "\n\n");
	builder_add(b, found->text);
}

static void
text_or_null(struct json_writer *w, const char *key, struct slice text)
{
	if (text.len)
		json_text(w, key, text);
	else
		json_null(w, key);
}

void
article_show_json(struct json_writer *w, const struct article_found *found)
{
	json_object_begin(w, NULL);
	text_or_null(w, "code", found->code);
	text_or_null(w, "sentence", found->sentence);
	text_or_null(w, "class", found->class_sentence);
	text_or_null(w, "source", found->source);
	json_text(w, "article", found->name);
	json_text(w, "title", found->title);
	json_text(w, "text", found->text);
	json_object_end(w);
}
