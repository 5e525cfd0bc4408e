/*
 * walk: fields and sentences. A number's kind may depend on a word behind it, so a sentence knows
 * where its fields begin; each of the two kinds of words looks back once, which keeps it linear.
 */
#include "rule/normal/walk.h"

#include "base/assert.h"

static void
field_add(struct walk *w, struct normal_field field)
{
	w->span_unit = 0;
	if (w->out->field_count == NORMAL_FIELDS_MAX) {
		w->out->fields_cut = true;
		return;
	}
	w->out->fields[w->out->field_count++] = field;
}

void
walk_field(struct walk *w, enum normal_kind kind, size_t end, uint64_t value)
{
	ASSERT(end > w->at && end <= w->text.len);
	field_add(w, (struct normal_field){.kind = (uint8_t)kind,
					   .index = (uint16_t)w->at,
					   .len = (uint16_t)(end - w->at),
					   .value = value});
	shape_field(&w->shape, kind);
	w->at = end;
}

void
walk_inside(struct walk *w, enum normal_kind kind, size_t index, size_t len)
{
	field_add(w, (struct normal_field){.kind = (uint8_t)kind,
					   .inside = true,
					   .index = (uint16_t)index,
					   .len = (uint16_t)len});
}

static void
sentence_end(struct walk *w)
{
	w->heard = 0;
	w->sentence_fields = w->out->field_count;
}

void
walk_sign(struct walk *w)
{
	uint8_t c = w->text.data[w->at];

	shape_sign(&w->shape, c);
	w->at++;
	if (c == ';' ||
	    ((c == '.' || c == '!' || c == '?') && (walk_class(w, w->at) & TOKEN_BLANK)))
		sentence_end(w);
}

void
walk_hear(struct walk *w, uint8_t roles)
{
	uint8_t fresh = roles & (VOCABULARY_AGAIN | VOCABULARY_LIMIT) & (uint8_t)~w->heard;

	if (roles & VOCABULARY_AGAIN)
		w->out->again = true;
	w->heard |= roles & (VOCABULARY_AGAIN | VOCABULARY_LIMIT);
	if (!fresh)
		return;
	for (size_t i = w->sentence_fields; i < w->out->field_count; i++) {
		struct normal_field *f = &w->out->fields[i];

		if ((fresh & VOCABULARY_AGAIN) && f->kind == NORMAL_SPAN)
			f->kind = NORMAL_WAIT;
		if ((fresh & VOCABULARY_LIMIT) && f->kind == NORMAL_NUMBER)
			f->kind = NORMAL_LIMIT;
	}
}
