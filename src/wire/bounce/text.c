/*
 * text: the human part of a report, as blocks: an address that is shown as a recipient, and the
 * lines up to the next one. What shows a recipient, strongest first:
 *
 *   alone or first on its line ("<a@x>:", "a@x: 550 ...", "a@x (reason)", "* a@x"), or behind a
 * label in a sentence with words of failure ("error delivering your mail to <a@x>.") any other
 * address that is not the sender's or a postmaster's: only the first such one
 *
 * A weaker way counts only where the stronger ones found nothing. Further addresses of the first
 * way must look as the first did and not be indented more, for addresses in replies may begin a
 * line.
 */
#include "wire/bounce/reading.h"

#define WHEN_MAX 64 /* bytes of the time of an attempt */

enum shown { SHOWN_NOT, SHOWN_FIRST, SHOWN_LABEL, SHOWN_SENTENCE, SHOWN_ANYHOW };

struct line_shown {
	enum shown how;
	struct address_found found; /* offsets in body */
	struct slice body, rest;
	size_t indent;
	bool colon;
};

struct walk {
	struct reading *reading;
	struct slice text;
	enum shown weakest; /* that counts in this pass */
	struct line_shown first;
	struct block *open; /* whose lines are being read */
	bool no_sender;	    /* the sender's own address is no recipient */
};

/* --- the returned message --------------------------------------------------------------------- */

static bool
is_header_line(struct slice line)
{
	static const char *const names[] = {"received: from ", "received: by ",	  "return-path:",
					    "dkim-signature:", "x-received: by ", "received:from "};

	line = slice_trim(line);
	if (line.len < 12 || slice_index(SLICE("rRdDxX"), line.data[0]) == 6)
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (slice_starts_nocase(line, slice_str(names[i])))
			return true;
	return false;
}

/* Where a header begins: by a field that nobody writes in a letter. */
static size_t
header_begin(struct slice text)
{
	struct slice rest = text;

	while (rest.data) {
		struct slice line = slice_cut(&rest, '\n');

		if (is_header_line(line))
			return (size_t)(line.data - text.data);
	}
	return text.len;
}

static size_t
line_begin(struct slice text, size_t at)
{
	while (at && text.data[at - 1] != '\n')
		at--;
	return at;
}

/* So many bytes may stand before an announcement of the returned message on its line. */
#define ANNOUNCED_AT_MAX 32

bool
reading_near_line_begin(struct slice text, size_t at, size_t most)
{
	size_t least = at > most ? at - most : 0;
	struct slice before = slice_sub(text, least, at - least);

	return !least || slice_index(before, '\n') < before.len;
}

/* What a phrase tells about the text; false when the text for people ends before it. */
static bool
hit_read(struct reading *r, struct slice text, const struct phrase_hit *hit)
{
	if (hit->value || hit->kind == PHRASE_FORM) {
		r->by_words = true;
		r->form = r->form ? r->form : hit->value;
	}
	switch (hit->kind) {
	case PHRASE_RETURNED:
		if (!reading_near_line_begin(text, hit->at, ANNOUNCED_AT_MAX)) /* only spoken of */
			return true;
		r->human = slice_sub(text, 0, line_begin(text, hit->at));
		r->returned =
			slice_from(text, hit->end + slice_index(slice_from(text, hit->end), '\n'));
		return false;
	case PHRASE_FORM:
		return true;
	case PHRASE_LIST:
		if (!r->list_known)
			r->list_at = line_begin(text, hit->at);
		r->list_known = true;
		return true;
	case PHRASE_DIALOGUE:
		if (!r->dialogue.len) {
			r->dialogue = slice_from(text, hit->end);
			r->dialogue_at = line_begin(text, hit->at);
		}
		return true;
	case PHRASE_STATUS:
		r->by_fields = true;
		return true;
	case PHRASE_DONE:
		r->done = true;
		return true;
	default:
		r->waiting = true;
		return true;
	}
}

/* One pass: who wrote it, where the recipients are, where the returned message begins. */
static void
text_split(struct reading *r, struct slice text)
{
	const unsigned kinds = PHRASE_RETURNED | PHRASE_FORM | PHRASE_LIST | PHRASE_DIALOGUE |
			       PHRASE_STATUS | PHRASE_WAITING | PHRASE_DONE;
	size_t header = header_begin(text), at = 0;
	struct phrase_hit hit;

	r->human = slice_sub(text, 0, header);
	r->returned = slice_from(text, header);
	r->dialogue = SLICE_EMPTY;
	r->list_at = 0;
	r->list_known = r->by_fields = false;
	while (phrase_next(r->index, slice_sub(text, 0, header), kinds, &at, &hit))
		if (!hit_read(r, text, &hit))
			break;
	if (r->dialogue.len)
		r->dialogue.len = (size_t)(r->human.data + r->human.len - r->dialogue.data);
}

/* --- lines ------------------------------------------------------------------------------------ */

static size_t
bullet_len(struct slice line)
{
	size_t len = 0;

	while (len < line.len) {
		if (slice_index(SLICE(" \t*>-|'"), line.data[len]) < 7)
			len++;
		else if (slice_starts(slice_from(line, len), SLICE("\xe2\x80\xa2")))
			len += 3;
		else
			break;
	}
	return len;
}

static size_t
indent_of(struct slice line)
{
	size_t indent = 0;

	for (size_t i = 0; i < line.len && (line.data[i] == ' ' || line.data[i] == '\t'); i++)
		indent += line.data[i] == '\t' ? 8 : 1;
	return indent;
}

/* Behind "a@x": its link, and what follows. */
static struct slice
rest_behind(struct slice body, size_t end)
{
	struct slice rest = slice_trim(slice_from(body, end));

	/* "[SMTP:a@x]", "'a@x'" */
	if (rest.len && slice_index(SLICE("]'\""), rest.data[0]) < 3)
		rest = slice_trim(slice_from(rest, 1));
	if (slice_starts_nocase(rest, SLICE("<mailto:")) ||
	    slice_starts_nocase(rest, SLICE("(mailto:")))
		rest = slice_trim(
			slice_from(rest, slice_index(rest, rest.data[0] == '<' ? '>' : ')') + 1));
	return rest;
}

/* "on Mon, 2 Feb 2015 10:00:01 +0100", "am 02.02.2009 10:00": when it was tried, and no more. */
static bool
is_when(struct slice rest)
{
	size_t colon = slice_index(rest, ':');

	return rest.len <= WHEN_MAX && colon && colon + 2 < rest.len &&
	       ascii_is_digit(rest.data[colon - 1]) && ascii_is_digit(rest.data[colon + 1]) &&
	       ascii_is_digit(rest.data[colon + 2]);
}

/* An address at the beginning of a line: a recipient, unless a sentence begins with it. */
static enum shown
shown_first(const struct reading *r, struct line_shown *shown)
{
	struct slice rest = rest_behind(shown->body, shown->found.end);
	struct bounce_reply reply;

	shown->rest = rest;
	if (slice_starts_nocase(rest, SLICE("(expanded from"))) {
		size_t end = slice_find(rest, SLICE("):"));

		rest = slice_from(rest, end < rest.len ? end + 1 : 0);
	}
	if (rest.len && rest.data[0] == ':') {
		shown->colon = true;
		shown->rest = slice_trim(slice_from(rest, 1));
		return SHOWN_FIRST;
	}
	/* The same address again, as a name. */
	if (rest.len && slice_index(SLICE("(,;<]"), rest.data[0]) < 5)
		return SHOWN_FIRST;
	if (!rest.len || slice_starts(rest, SLICE("...")) ||
	    reading_has(r, rest, PHRASE_FAILED | PHRASE_CAUSE | PHRASE_FORM) ||
	    bounce_reply_find(r->index, rest, &reply))
		return SHOWN_FIRST;
	if (!slice_starts(rest, SLICE("on ")) && !is_when(rest))
		return SHOWN_ANYHOW;
	shown->rest = SLICE_EMPTY;
	return SHOWN_FIRST;
}

static size_t
word_count(struct slice s)
{
	size_t count = 0;

	for (size_t i = 0; i < s.len; i++)
		count += s.data[i] != ' ' && (!i || s.data[i - 1] == ' ');
	return count;
}

/* An address behind other words. */
static enum shown
shown_behind(const struct reading *r, struct line_shown *shown)
{
	struct slice before = slice_trim(slice_sub(shown->body, 0, shown->found.at));
	bool whom = reading_has(r, before, PHRASE_WHOM), label;
	struct bounce_reply reply;

	if (slice_starts_nocase(slice_from(before, before.len < 5 ? before.len : before.len - 5),
				SLICE("smtp:")))
		before = slice_trim(slice_sub(before, 0, before.len - 6));
	label = before.len && before.data[before.len - 1] == ':' && word_count(before) <= 8;
	shown->rest = rest_behind(shown->body, shown->found.end);
	if (whom && label)
		return SHOWN_LABEL;
	/* An address within a reply is anybody's. */
	if (bounce_reply_find(r->index, before, &reply))
		return SHOWN_ANYHOW;
	if (whom || reading_has(r, shown->body, PHRASE_FAILED | PHRASE_CAUSE | PHRASE_FORM))
		return SHOWN_SENTENCE;
	return SHOWN_ANYHOW;
}

static bool
is_servant(struct slice address)
{
	static const char *const names[] = {"postmaster@", "mailer-daemon@", "abuse@",	 "support@",
					    "helpdesk@",   "noreply@",	     "no-reply@"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (slice_starts_nocase(address, slice_str(names[i])))
			return true;
	return false;
}

/* A field names it as a recipient. */
static bool
is_expected(const struct reading *r, struct slice address)
{
	for (size_t i = 0; i < r->draft_count; i++)
		if (slice_eq_nocase(r->drafts[i].recipient, address))
			return true;
	return slice_find_nocase(r->failed, address) < r->failed.len;
}

/* Words before an address say that it is not the recipient's; ours: those before the last one did.
 * "from a@x to b@x" names both. */
static bool
is_ours(const struct reading *r, struct slice between, bool ours)
{
	size_t from = slice_find_nocase(between, SLICE(" from "));

	while (between.len && slice_index(SLICE(" <'\""), between.data[between.len - 1]) < 4)
		between.len--;
	if ((ours || from < between.len) && between.len > 2 &&
	    slice_eq_nocase(slice_from(between, between.len - 3), SLICE(" to")))
		return false;
	return ours || reading_has(r, between, PHRASE_OURS);
}

static void
line_read(const struct reading *r, struct slice line, struct line_shown *ret)
{
	struct line_shown shown = {.how = SHOWN_NOT, .indent = indent_of(line)};
	bool ours = false;
	size_t at = 0, last = 0;

	if (slice_index(line, '@') < line.len) {
		shown.body = slice_from(line, bullet_len(line));
		while (shown.how == SHOWN_NOT && address_next(shown.body, &at, &shown.found)) {
			struct slice before = slice_sub(shown.body, 0, shown.found.at);
			bool first = !before.len || slice_eq(before, SLICE("\""));

			ours = is_ours(r, slice_from(before, last), ours);
			last = shown.found.end;
			if (ours)
				continue;
			shown.how = first ? shown_first(r, &shown) : shown_behind(r, &shown);
			if (shown.how == SHOWN_SENTENCE &&
			    slice_starts(slice_trim(line), SLICE(">")))
				shown.how = SHOWN_ANYHOW; /* of a letter that is quoted */
			if (!(shown.how == SHOWN_FIRST && shown.rest.len) &&
			    shown.how != SHOWN_LABEL && is_servant(shown.found.address) &&
			    !is_expected(r, shown.found.address))
				shown.how = SHOWN_ANYHOW;
		}
	}
	*ret = shown;
}

/* --- blocks ----------------------------------------------------------------------------------- */

static bool
is_known(const struct reading *r, struct slice address, uint32_t hash)
{
	for (size_t i = 0; i < r->block_count; i++)
		if (r->blocks[i].hash == hash && slice_eq_nocase(r->blocks[i].address, address))
			return true;
	return false;
}

/* Counts as a recipient in this pass. */
static bool
counts(const struct walk *w, const struct line_shown *shown)
{
	const struct reading *r = w->reading;
	const struct line_shown *first = &w->first;

	if (shown->how == SHOWN_NOT || shown->how > w->weakest)
		return false;
	if (w->no_sender && r->to.len && slice_eq_nocase(r->to, shown->found.address))
		return false;
	if (shown->how == SHOWN_ANYHOW)
		return !is_servant(shown->found.address) && !r->block_count;
	if (first->how == SHOWN_NOT || shown->how != SHOWN_FIRST || first->how != SHOWN_FIRST)
		return true;
	return shown->indent <= first->indent && shown->colon == first->colon &&
	       (shown->found.bracketed == first->found.bracketed || !shown->rest.len);
}

static void
block_close(struct walk *w, const uint8_t *end)
{
	/* One of several on the same line has nothing behind it. */
	if (w->open && end > w->open->after.data)
		w->open->after.len = (size_t)(end - w->open->after.data);
	w->open = NULL;
}

static void
block_open(struct walk *w, struct slice line, const struct line_shown *shown)
{
	struct reading *r = w->reading;
	uint32_t hash = address_hash(shown->found.address);
	struct block *block;

	if (w->open && w->open->hash == hash &&
	    slice_eq_nocase(w->open->address, shown->found.address))
		return;
	block_close(w, line.data);
	if (r->block_count >= BOUNCE_RCPTS_MAX || is_known(r, shown->found.address, hash))
		return;
	if (!r->block_count)
		w->first = *shown;
	block = &r->blocks[r->block_count++];
	block->address = shown->found.address;
	block->hash = hash;
	block->line = line;
	block->rest = shown->rest;
	block->after = slice_of(line.data + line.len, 0);
	block->sentence = shown->how > SHOWN_LABEL;
	w->open = block;
}

static bool
is_signs(struct slice s)
{
	const struct slice signs = SLICE(" \t,;<>'\"");

	for (size_t i = 0; i < s.len; i++)
		if (slice_index(signs, s.data[i]) == signs.len)
			return false;
	return true;
}

/* "a@x, b@x", "a@x; b@x": the others on the same line; what stands behind the last is for all. */
static void
others_open(struct walk *w, struct slice line, struct line_shown *shown)
{
	size_t at = shown->found.end;

	while (shown->how <= SHOWN_LABEL && shown->rest.len &&
	       slice_index(SLICE(",;"), shown->rest.data[0]) < 2) {
		size_t end = at;

		if (!address_next(shown->body, &at, &shown->found))
			break;
		if (w->open && w->open->line.data == line.data &&
		    is_signs(slice_sub(shown->body, end, shown->found.at - end)))
			w->open->rest = SLICE_EMPTY;
		shown->rest = rest_behind(shown->body, shown->found.end);
		block_open(w, line, shown);
	}
}

static void
walk(struct walk *w)
{
	struct slice rest = w->text;

	while (rest.data) {
		struct slice line = slice_cut(&rest, '\n');
		struct line_shown shown;

		line_read(w->reading, line, &shown);
		if (!counts(w, &shown))
			continue;
		block_open(w, line, &shown);
		others_open(w, line, &shown);
	}
	block_close(w, w->text.data + w->text.len);
}

/* The blocks of the strongest kind that there are. */
static void
blocks_read(struct reading *r, struct slice text)
{
	static const enum shown kinds[] = {SHOWN_LABEL, SHOWN_SENTENCE, SHOWN_ANYHOW};

	if (slice_index(text, '@') == text.len)
		return;
	for (size_t i = 0; i < 2 * sizeof(kinds) / sizeof(kinds[0]) && !r->block_count; i++) {
		struct walk w = {
			.reading = r, .text = text, .weakest = kinds[i % 3], .no_sender = i < 3};

		walk(&w);
	}
}

void
reading_text(struct reading *r, struct slice text)
{
	struct slice whole;

	text_split(r, text);
	r->block_count = 0;
	whole = r->human;
	if (r->dialogue.len)
		r->human.len = r->dialogue_at;
	blocks_read(r, slice_from(r->human, r->list_at));
	if (!r->block_count && r->list_at)
		blocks_read(r, r->human);
	r->lead = r->human;
	if (r->block_count)
		r->lead.len = (size_t)(r->blocks[0].line.data - r->human.data);
	r->human = whole;
}
