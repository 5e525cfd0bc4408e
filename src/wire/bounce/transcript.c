/*
 * transcript: a dialogue shown in a report, as Sendmail, Postfix, MDaemon and others do it:
 *
 *   ... while talking to HOST:
 *   >>> COMMAND             also "In:  ", "--> "
 *   <<< REPLY               also "Out: ", "<-- "; several lines of one reply follow each other
 *   550 5.1.1 <a@x>... TEXT what the mailer made of it: the reply before belongs to this recipient
 *   <a@x>... Deferred: TEXT the same, of one that may still work
 */
#include "wire/bounce/reading.h"

#define STAMP_MAX 48 /* bytes of a line's time, at most */

enum side { SIDE_NONE, SIDE_OURS, SIDE_THEIRS };

struct dialogue {
	struct reading *reading;
	struct slice command, host;
	struct slice address; /* of the RCPT at work */
	struct slice named;   /* of the last RCPT */
	struct slice reply;   /* that nobody has taken yet */
	size_t named_count;
	bool bad; /* it is a failure */
};

static enum side
side_of_line(struct slice line, struct slice *ret_words)
{
	static const struct {
		const char *sign;
		enum side side;
	} signs[] = {
		{">>> ", SIDE_OURS},   {"In:  ", SIDE_OURS},   {"--> ", SIDE_OURS},
		{"<<< ", SIDE_THEIRS}, {"Out: ", SIDE_THEIRS}, {"<-- ", SIDE_THEIRS},
	};
	size_t arrow;

	line = slice_trim(line);
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (slice_starts(line, slice_str(signs[i].sign))) {
			*ret_words = slice_trim(slice_from(line, 4));
			return signs[i].side;
		}
	/* "Thu 2009-04-02 12:00:00: <-- 550 ..." */
	arrow = slice_find(slice_sub(line, 0, STAMP_MAX), SLICE(": <-- "));
	if (arrow < slice_sub(line, 0, STAMP_MAX).len) {
		*ret_words = slice_trim(slice_from(line, arrow + 6));
		return SIDE_THEIRS;
	}
	arrow = slice_find(slice_sub(line, 0, STAMP_MAX), SLICE(": --> "));
	if (arrow < slice_sub(line, 0, STAMP_MAX).len) {
		*ret_words = slice_trim(slice_from(line, arrow + 6));
		return SIDE_OURS;
	}
	return SIDE_NONE;
}

static void
answer_add(struct dialogue *d, struct slice address, struct slice words, bool failed)
{
	struct reading *r = d->reading;
	struct answer *answer;

	if (r->answer_count >= BOUNCE_RCPTS_MAX)
		return;
	answer = &r->answers[r->answer_count++];
	answer->address = address;
	answer->hash = address_hash(address);
	answer->words = words;
	answer->command = d->command;
	answer->host = d->host;
	answer->failed = failed;
}

/* A reply that no line of the mailer took belongs to the last RCPT's recipient, or to all. */
static void
reply_end(struct dialogue *d)
{
	if (d->reply.len && d->bad)
		answer_add(d, d->address, d->reply, false);
	d->reply = SLICE_EMPTY;
	d->bad = false;
}

static void
command_read(struct dialogue *d, struct slice words)
{
	struct address_found found;
	size_t at = 0;

	reply_end(d);
	d->command = words;
	d->address = SLICE_EMPTY;
	if (slice_starts_nocase(words, SLICE("rcpt")) && address_next(words, &at, &found))
		d->address = found.address;
	if (d->address.len) {
		d->named = d->address;
		d->named_count++;
	}
}

static bool
is_bad(struct slice words)
{
	return words.len >= 3 && (words.data[0] == '4' || words.data[0] == '5') &&
	       ascii_is_digit(words.data[1]) && ascii_is_digit(words.data[2]);
}

static void
reply_read(struct dialogue *d, struct slice words)
{
	/* Further lines of the same reply. */
	if (d->reply.len && words.len > 3 && slice_starts(words, slice_sub(d->reply, 0, 3))) {
		d->reply.len = (size_t)(words.data + words.len - d->reply.data);
		return;
	}
	reply_end(d);
	d->reply = words;
	d->bad = is_bad(words);
}

/* "<a@x>... Deferred: why", "local... Deferred: why" */
static void
deferred_read(struct dialogue *d, struct slice line)
{
	size_t at = 0, dots = slice_find(line, SLICE("... Deferred"));
	struct address_found found = {.address = SLICE_EMPTY};

	if (dots == line.len)
		return;
	if (!d->reply.len || !d->bad)
		d->reply = slice_from(line, dots + 4);
	if (!address_next(slice_sub(line, 0, dots), &at, &found))
		found.address = SLICE_EMPTY;
	answer_add(d, found.address, d->reply, false);
	d->reply = SLICE_EMPTY;
	d->bad = false;
}

/* The mailer's own line: "550 5.1.1 <a@x>... User unknown", "421 x (smtp)... Deferred: why". */
static void
summary_read(struct dialogue *d, struct slice line)
{
	struct address_found found;
	size_t at = 0, dots;
	struct slice words = line;

	if (!is_bad(line)) {
		deferred_read(d, line);
		return;
	}
	if (!address_next(line, &at, &found)) {
		if (!d->reply.len)
			answer_add(d, SLICE_EMPTY, line, false);
		return;
	}
	/* "554 <a@x>... 550 Host unknown": the inner code is the real one. */
	dots = slice_find(slice_from(line, found.end), SLICE("... "));
	if (dots == 0 && is_bad(slice_from(line, found.end + 4)))
		words = slice_from(line, found.end + 4);
	if (d->reply.len && d->bad) {
		words = d->reply;
	} else { /* the mailer's own finding: it asked nobody */
		d->command = SLICE_EMPTY;
		d->host = SLICE_EMPTY;
	}
	answer_add(d, found.address, words, true);
	d->reply = SLICE_EMPTY;
	d->bad = false;
}

static void
line_read(struct dialogue *d, struct slice line)
{
	struct slice words, trimmed = slice_trim(line);
	size_t talking;

	switch (side_of_line(line, &words)) {
	case SIDE_OURS:
		command_read(d, words);
		return;
	case SIDE_THEIRS:
		reply_read(d, words);
		return;
	default:
		break;
	}
	talking = slice_find_nocase(slice_sub(trimmed, 0, 32), SLICE("while talking to "));
	if (talking < slice_sub(trimmed, 0, 32).len) {
		reply_end(d);
		d->host = slice_from(trimmed, talking + 17);
		d->host = slice_sub(d->host, 0, slice_index(d->host, ' '));
		while (d->host.len && (d->host.data[d->host.len - 1] == ':' ||
				       d->host.data[d->host.len - 1] == '.'))
			d->host.len--;
		d->command = SLICE("connect");
		d->address = SLICE_EMPTY;
		return;
	}
	summary_read(d, trimmed);
}

/* A session with one recipient is about this one, whatever was answered to. */
static void
one_named(struct dialogue *d)
{
	struct reading *r = d->reading;

	for (size_t i = 0; i < r->answer_count; i++)
		if (r->answers[i].failed || d->named_count != 1)
			return;
	for (size_t i = 0; i < r->answer_count; i++) {
		r->answers[i].address = d->named;
		r->answers[i].hash = address_hash(d->named);
		r->answers[i].failed = true;
	}
}

/* "Mon 2015-02-02 10:00:21: *  Winsock Error 10060 The connection timed out." */
static struct slice
own_words(struct slice line)
{
	size_t end = slice_find(slice_sub(line, 0, STAMP_MAX), SLICE(": "));

	line = slice_trim(end < slice_sub(line, 0, STAMP_MAX).len ? slice_from(line, end + 1)
								  : line);
	while (line.len && (line.data[0] == '*' || line.data[0] == ' '))
		line = slice_from(line, 1);
	return line;
}

/* Nobody answered: what the mailer itself says last about why. */
static void
own_finding(struct dialogue *d)
{
	struct reading *r = d->reading;
	struct slice rest = r->dialogue, found = SLICE_EMPTY;

	while (!r->answer_count && rest.data) {
		struct slice words = own_words(slice_cut(&rest, '\n'));

		if (phrase_find(r->index, words, PHRASE_CAUSE, NULL))
			found = words;
	}
	if (!found.len)
		return;
	d->command = d->host = SLICE_EMPTY;
	answer_add(d, SLICE_EMPTY, found, false);
}

bool
reading_transcript(struct reading *r)
{
	struct dialogue d = {.reading = r};
	struct slice rest = r->dialogue;

	if (!rest.len)
		return true;
	r->answers = arena_alloc(r->arena, BOUNCE_RCPTS_MAX * sizeof(*r->answers));
	if (!r->answers)
		return false;
	while (rest.data)
		line_read(&d, slice_cut(&rest, '\n'));
	reply_end(&d);
	one_named(&d);
	own_finding(&d);
	return true;
}
