/*
 * walk_amount: numbers and what they count. "5 minutes" behind "1 hour" joins it; a clock is a wait
 * where coming again is spoken of; a reply code inside the text stays in the shape.
 */
#include "rule/normal/walk.h"

#include "base/assert.h"

#define UNIT_LETTERS_MAX 12
#define YEAR_DIGITS 4
#define SPAN_GAP_MAX 5 /* " and " */

static uint64_t
amount_of(const struct walk *w, struct slice number, uint32_t unit)
{
	uint64_t whole, thousandths, value;

	if (w->out->field_count == NORMAL_FIELDS_MAX)
		return 0; /* nobody will see it */
	token_number(number, &whole, &thousandths);
	if (__builtin_mul_overflow(whole, unit, &value) ||
	    __builtin_add_overflow(value, thousandths * unit / 1000, &value) || value > INT64_MAX)
		return INT64_MAX;
	return value;
}

/* "5 minutes" behind "1 hour": one time. */
static bool
span_joins(struct walk *w, size_t end, uint32_t unit, uint64_t value)
{
	struct normal_field *last;
	struct slice gap;
	uint32_t last_unit = w->span_unit;

	if (!last_unit || unit >= last_unit)
		return false;
	last = &w->out->fields[w->out->field_count - 1];
	gap = slice_sub(w->text, last->index + last->len, w->at - last->index - last->len);
	if (gap.len > SPAN_GAP_MAX)
		return false;
	gap = slice_trim(gap);
	if (gap.len && !slice_eq_nocase(gap, SLICE("and")) && !slice_eq(gap, SLICE(",")))
		return false;
	last->len = (uint16_t)(end - last->index);
	last->value = value > INT64_MAX - last->value ? INT64_MAX : last->value + value;
	shape_field(&w->shape, NORMAL_SPAN);
	w->at = end;
	w->span_unit = unit;
	return true;
}

void
walk_amount(struct walk *w, struct slice number, size_t end, const struct vocabulary_word *unit)
{
	uint32_t factor = unit->value;
	uint64_t value;

	if (unit->roles & VOCABULARY_SIZE && end - w->at - number.len == 1 &&
	    w->text.data[end - 1] == 'm') {
		factor = 60; /* "5m" is a time, "5M" a size */
		unit = vocabulary_find(SLICE("minute"));
		ASSERT(unit);
	}
	value = amount_of(w, number, factor);
	if (!(unit->roles & VOCABULARY_SPAN)) {
		walk_field(w, NORMAL_SIZE, end, value);
		return;
	}
	if (span_joins(w, end, factor, value))
		return;
	walk_field(w, w->heard & VOCABULARY_AGAIN ? NORMAL_WAIT : NORMAL_SPAN, end, value);
	if (!w->out->fields_cut)
		w->span_unit = factor;
}

/* The unit behind a number that ends at from, and where it ends; NULL for none. */
static const struct vocabulary_word *
unit_behind(const struct walk *w, size_t from, size_t *ret_end)
{
	const struct vocabulary_word *word;
	size_t begin = from, end;

	while (begin < from + 2 && (walk_class(w, begin) & TOKEN_BLANK))
		begin++;
	end = begin;
	while (end - begin <= UNIT_LETTERS_MAX && (walk_class(w, end) & TOKEN_LETTER))
		end++;
	/* One letter alone is no unit: "5 m", "1 d". */
	if (begin == from || end - begin < 2)
		return NULL;
	if (walk_class(w, end) & (TOKEN_BYTE & ~TOKEN_DOT))
		return NULL;
	word = vocabulary_find(slice_sub(w->text, begin, end - begin));
	*ret_end = end;
	return word && (word->roles & (VOCABULARY_SPAN | VOCABULARY_SIZE)) ? word : NULL;
}

/* A reply code inside the text says what kind of answer it quotes, so it stays. */
static bool
is_inner_code(const struct walk *w, size_t end)
{
	if (end - w->at != WALK_CODE_DIGITS || !walk_looks_like(w, w->at, "ddd"))
		return false;
	if (w->at == w->code_end)
		return true;
	if (walk_byte(w, end) != ' ' && walk_byte(w, end) != '-')
		return false;
	return walk_has_status(w, end + 1);
}

void
walk_number(struct walk *w, size_t end)
{
	struct slice number = slice_sub(w->text, w->at, end - w->at);
	const struct vocabulary_word *unit;
	size_t unit_end;

	if (is_inner_code(w, end)) {
		shape_text(&w->shape, number.data, number.len);
		w->at = end;
		return;
	}
	unit = unit_behind(w, end, &unit_end);
	if (unit)
		walk_amount(w, number, unit_end, unit);
	else
		walk_field(w, w->heard & VOCABULARY_LIMIT ? NORMAL_LIMIT : NORMAL_NUMBER, end,
			   amount_of(w, number, 1));
}

/* "2024-06-11T09:04:02.679Z" */
bool
walk_day(struct walk *w, size_t until)
{
	const struct slice signs = SLICE("TZ:.+-");
	size_t end = w->at + 10;

	if (end > until || !walk_looks_like(w, w->at, "dddd-dd-dd"))
		return false;
	while (walk_byte(w, w->at + 10) == 'T' && end < until &&
	       (walk_class(w, end) == TOKEN_DIGIT ||
		slice_index(signs, walk_byte(w, end)) < signs.len))
		end++;
	if (walk_class(w, end) & (TOKEN_BYTE & ~TOKEN_DOT))
		return false;
	while (walk_class(w, end - 1) != TOKEN_DIGIT && walk_byte(w, end - 1) != 'Z')
		end--;
	walk_field(w, NORMAL_TIME, end, 0);
	return true;
}

/* "00:04:57": how long, where coming again is spoken of; else a time of day. */
bool
walk_clock(struct walk *w, size_t until)
{
	const uint8_t *c = w->text.data + w->at;
	uint16_t behind = walk_class(w, w->at + 8);
	uint64_t seconds;

	if (w->at + 8 > until || c[2] != ':' || !walk_looks_like(w, w->at, "dd:dd:dd") ||
	    (behind & ((TOKEN_BYTE & ~TOKEN_DOT) | TOKEN_COLON)))
		return false;
	if (w->at && w->text.data[w->at - 1] == ':')
		return false;
	seconds = (uint64_t)((c[0] - '0') * 10 + c[1] - '0') * 3600 +
		  (uint64_t)((c[3] - '0') * 10 + c[4] - '0') * 60 +
		  (uint64_t)((c[6] - '0') * 10 + c[7] - '0');
	if (w->heard & VOCABULARY_AGAIN)
		walk_field(w, NORMAL_WAIT, w->at + 8, seconds);
	else
		walk_field(w, NORMAL_TIME, w->at + 8, 0);
	return true;
}

/* Beside a number, or another part of a date, "may" is a month. */
bool
walk_is_in_date(const struct walk *w, size_t end, bool behind_number)
{
	const struct vocabulary_word *word;
	size_t begin = end, stop;

	if (behind_number)
		return true;
	while (begin < end + 2 &&
	       ((walk_class(w, begin) & TOKEN_BLANK) || walk_byte(w, begin) == ','))
		begin++;
	if (begin == end)
		return false;
	for (stop = begin; stop < begin + YEAR_DIGITS && walk_class(w, stop) == TOKEN_DIGIT;)
		stop++;
	if (stop > begin)
		return (walk_class(w, stop) & (TOKEN_BLANK | TOKEN_BRACKET)) &&
		       !walk_is_inner_comma(w, stop);
	while (stop < begin + UNIT_LETTERS_MAX && (walk_class(w, stop) & TOKEN_LETTER))
		stop++;
	word = vocabulary_find(slice_sub(w->text, begin, stop - begin));
	/* and nothing more behind it, as in an address */
	return word && (word->roles & VOCABULARY_CALENDAR) &&
	       (walk_class(w, stop) & (TOKEN_BLANK | TOKEN_BRACKET));
}
