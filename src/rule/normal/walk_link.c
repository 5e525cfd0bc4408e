/*
 * walk_link: links end where blanks, quotes or closing brackets are, without the punctuation before
 * that. Their host and the addresses in them are fields of their own, since that is often where the
 * listed address stands.
 */
#include "rule/normal/walk.h"

#define SCHEME_LETTERS_MAX 5

/* IPv4 addresses in a link are often the listed one. */
static void
take_link_parts(struct walk *w, size_t from, size_t end)
{
	bool host = true; /* the first token is the host */

	while (from < end) {
		size_t stop = from;
		enum normal_kind kind;
		struct slice token;

		while (stop < end && (walk_class(w, stop) & TOKEN_BYTE))
			stop++;
		token = slice_sub(w->text, from, stop - from);
		if (token.len && token_form(token, &kind) == TOKEN_FORM_FIELD &&
		    (kind == NORMAL_IP || (host && (kind == NORMAL_HOST || kind == NORMAL_LIST))))
			walk_inside(w, kind, from, token.len);
		host = false;
		from = stop + 1;
	}
}

static size_t
link_end(const struct walk *w, size_t from)
{
	const struct slice ends = SLICE(".,;:!?'");
	size_t end = from;

	while (!(walk_class(w, end) & TOKEN_LINK_END))
		end++;
	while (end > from && slice_index(ends, w->text.data[end - 1]) < ends.len)
		end--;
	return end;
}

/* host: where its name begins. False when nothing is there. */
bool
walk_link(struct walk *w, size_t host)
{
	size_t end = link_end(w, host);

	if (end <= host)
		return false;
	walk_field(w, NORMAL_URL, end, 0);
	take_link_parts(w, host, end);
	return true;
}

static bool
is_scheme(struct slice s)
{
	return slice_eq_nocase(s, SLICE("http")) || slice_eq_nocase(s, SLICE("https")) ||
	       slice_eq_nocase(s, SLICE("ftp"));
}

size_t
walk_link_find(const struct walk *w, size_t end, uint16_t seen, size_t *ret_host)
{
	size_t at = w->at;

	if (walk_byte(w, at + 3) == '.' &&
	    slice_starts_nocase(slice_sub(w->text, at, 4), SLICE("www.")) &&
	    (walk_class(w, at + 4) & (TOKEN_LETTER | TOKEN_DIGIT))) {
		*ret_host = at;
		return at;
	}
	if (!(seen & TOKEN_COLON))
		return end;
	for (; at + 3 < end; at++) {
		size_t letters = 0;

		if (walk_byte(w, at) != ':' || walk_byte(w, at + 1) != '/' ||
		    walk_byte(w, at + 2) != '/')
			continue;
		while (at - letters > w->at && letters <= SCHEME_LETTERS_MAX &&
		       (walk_class(w, at - letters - 1) & TOKEN_LETTER))
			letters++;
		*ret_host = at + 3;
		if (!is_scheme(slice_sub(w->text, at - letters, letters)))
			continue;
		if (at - letters == w->at || walk_class(w, at - letters - 1) != TOKEN_DIGIT)
			return at - letters;
	}
	return end;
}
