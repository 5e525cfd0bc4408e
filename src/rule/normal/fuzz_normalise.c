/*
 * Fuzz target for normalise: fields lie in the text and in their order, the shape is in lower case
 * and has no double blank, and the same text with other numbers, addresses and names in the places
 * of the fields has the same shape.
 */
#include "base/fuzz.h"
#include "rule/normal/normalise.h"

#define TEXT_MAX 1024

static void
check_field(const struct normal *n, const struct normal_field *f)
{
	ASSERT(f->kind < NORMAL_KIND_MAX && f->len > 0);
	ASSERT((size_t)f->index + f->len <= n->text.len);
	ASSERT(f->value <= INT64_MAX);
	ASSERT(normal_find(n, f->kind));
}

static void
check_shape(struct slice shape)
{
	for (size_t i = 0; i < shape.len; i++) {
		ASSERT(shape.data[i] >= ' ' && shape.data[i] != 0x7f);
		ASSERT(shape.data[i] < 'A' || shape.data[i] > 'Z');
		if (shape.data[i] == ' ')
			ASSERT(i > 0 && i + 1 < shape.len && shape.data[i + 1] != ' ');
	}
}

/* Its ends stay digits or colons: "1,2001" and "7,5" would be one number. */
static void
put_other_ip(struct builder *b, struct slice text)
{
	if (slice_index(text, ':') == text.len) {
		builder_str(b, "198.51.100.7");
		return;
	}
	builder_str(b, ascii_is_digit(text.data[0]) ? "2001:db8::" : "fd00::");
	if (text.data[text.len - 1] != ':')
		builder_byte(b, ascii_is_digit(text.data[text.len - 1]) ? '7' : 'b');
}

/* One that begins or ends as a number does keeps its form: "454 5.7.5@a", "a@b1,2". */
static void
put_other_mail(struct builder *b, struct slice text)
{
	if (ascii_is_alpha(text.data[0]) && ascii_is_alpha(text.data[text.len - 1])) {
		builder_str(b, "x@y.test");
		return;
	}
	for (size_t i = 0; i < text.len; i++)
		builder_byte(b, ascii_is_alpha(text.data[i]) ? 'x' : text.data[i]);
}

/* What is beyond ASCII in an address or beside it belongs to it or to the words around, by what
 * stands further away: then another address is another case. */
static bool
is_beside_high(const struct normal *n, const struct normal_field *f)
{
	size_t begin = f->index ? f->index - 1u : 0, end = (size_t)f->index + f->len + 1;
	struct slice around = slice_sub(n->text, begin, end - begin);

	return f->kind == NORMAL_MAIL && !slice_is_ascii(around);
}

/* What stands for the field in another mail. */
static void
put_other(struct builder *b, const struct normal *n, const struct normal_field *f)
{
	struct slice text = normal_field_text(n, f);

	switch (f->kind) {
	case NORMAL_IP:
		put_other_ip(b, text);
		return;
	case NORMAL_HOST:
		if (text.data[0] >= 0x80) /* which keeps it apart from an address before it */
			builder_byte(b, text.data[0]);
		builder_str(b, "h.test");
		return;
	case NORMAL_MAIL:
		put_other_mail(b, text);
		return;
	case NORMAL_URL:
		/* An at sign keeps its chunk one where names are looked for. */
		builder_str(b, slice_index(text, '@') < text.len ? "http://u.test/@x"
								 : "http://u.test/x");
		return;
	case NORMAL_LIST:
	case NORMAL_LIST_CODE:
		builder_add(b, text);
		return;
	default:
		for (size_t i = 0; i < text.len; i++)
			builder_byte(b, ascii_is_digit(text.data[i])
						? (uint8_t)('0' + (text.data[i] - '0' + 1) % 10)
						: text.data[i]);
	}
}

FUZZ(input)
{
	static struct normal normal, again;
	static uint8_t other[64 * TEXT_MAX];
	const struct verdict_status status = {5, 1, 1};
	struct builder b;
	bool another = false;
	size_t at = 0;

	normalise(input, 0, (struct verdict_status){0}, &normal);
	check_shape(normal_shape(&normal));
	normalise(slice_sub(input, 0, TEXT_MAX), 550, status, &normal);
	check_shape(normal_shape(&normal));
	builder_init_fixed(&b, other, sizeof(other));
	for (size_t i = 0; i < normal.field_count; i++) {
		const struct normal_field *f = &normal.fields[i];

		check_field(&normal, f);
		if (f->inside)
			continue;
		ASSERT(f->index >= at);
		another = another || is_beside_high(&normal, f);
		builder_add(&b, slice_sub(normal.text, at, f->index - at));
		put_other(&b, &normal, f);
		at = (size_t)f->index + f->len;
	}
	builder_add(&b, slice_from(normal.text, at));
	if (b.failed || b.len > NORMAL_TEXT_MAX || normal.fields_cut || another)
		return;
	normalise(builder_slice(&b), 550, status, &again);
	ASSERT(slice_eq(normal_shape(&normal), normal_shape(&again)));
	ASSERT(normal.hash == again.hash);
}
