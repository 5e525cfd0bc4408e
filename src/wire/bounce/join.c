/*
 * join: what fields, text and dialogue say about one recipient, made one result. The remote's own
 * words count most: first those with a code in the status block, then in the text beside the
 * address, then in the dialogue, then before the list; then words without a code in that order.
 */
#include "wire/bounce/reading.h"

#include "wire/text/utf8.h"

struct join {
	struct reading *reading;
	const struct draft *draft;
	struct slice own;    /* the text beside the recipient */
	struct slice beside; /* that, with the line before: who said it */
	struct slice about; /* where the command may stand; the whole text for a single recipient */
	bool named;	    /* the text names this recipient */
	const struct answer *answer;
};

static bool
is_blank(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (slice_index(SLICE(" \t\n:.>-=_*"), text.data[i]) == 10)
			return false;
	return true;
}

static size_t
line_len(struct slice s)
{
	size_t len = slice_index(s, '\n');

	return len < s.len ? len + 1 : len;
}

/* --- where the text speaks of a recipient ----------------------------------------------------- */

static size_t
block_index(const struct reading *r, const struct draft *draft)
{
	for (size_t i = 0; i < r->block_count; i++)
		if (r->blocks[i].hash == draft->hash &&
		    slice_eq_nocase(r->blocks[i].address, draft->recipient))
			return i;
	/* A single one may stand there by another name; but not the first address at random. */
	return r->draft_count == 1 && r->block_count && !r->blocks[0].sentence ? 0 : r->block_count;
}

static struct slice
block_text(const struct block *block)
{
	const uint8_t *end = block->after.data + block->after.len;

	const uint8_t *begin = block->sentence ? block->line.data : block->rest.data;

	if (!begin)
		return block->after;
	return slice_of(begin, (size_t)(end - begin));
}

/* So much of a text as is looked at for one of the recipients. */
static struct slice
region_head(const struct reading *r, struct slice text)
{
	size_t share = BOUNCE_REGIONS_MAX / (r->draft_count + 1);

	return utf8_head(text, share < BOUNCE_REGION_MAX ? share : BOUNCE_REGION_MAX);
}

/* Recipients that stand one below the other share what stands below the last of them. */
static void
own_find(struct join *j)
{
	const struct reading *r = j->reading;
	size_t at = block_index(r, j->draft);

	if (at == r->block_count) {
		size_t line = r->list_known ? line_len(slice_from(r->human, r->list_at)) : 0;

		if (r->draft_count == 1)
			j->own = region_head(r, slice_from(r->human, r->list_at + line));
		j->beside = j->own;
		j->about = r->draft_count == 1 ? region_head(r, r->human) : j->own;
		return;
	}
	while (at + 1 < r->block_count && is_blank(block_text(&r->blocks[at])))
		at++;
	j->named = true;
	j->own = region_head(r, block_text(&r->blocks[at]));
	j->beside = r->blocks[at].line;
	if (j->own.len)
		j->beside.len = (size_t)(j->own.data + j->own.len - j->beside.data);
	j->about = r->draft_count == 1 ? region_head(r, r->human) : j->beside;
}

static const struct answer *
answer_find(const struct reading *r, const struct draft *draft)
{
	const struct answer *general = NULL;

	for (size_t i = 0; i < r->answer_count; i++) {
		const struct answer *answer = &r->answers[i];

		if (!answer->address.len)
			general = answer;
		else if (answer->hash == draft->hash &&
			 slice_eq_nocase(answer->address, draft->recipient))
			return answer;
	}
	return !general && r->answer_count && r->draft_count == 1 ? &r->answers[0] : general;
}

/* --- the reply -------------------------------------------------------------------------------- */

static bool
reply_of_answer(const struct join *j, struct bounce_reply *ret)
{
	return j->answer && bounce_reply_diagnostic(j->reading->index, j->answer->words, ret) &&
	       ret->code;
}

/* The same answer, more of it. */
static bool
is_longer(const struct bounce_reply *longer, const struct bounce_reply *reply)
{
	struct slice sample = slice_sub(slice_trim(slice_from(reply->words, 4)), 0, 16);

	return longer->code == reply->code && longer->words.len > reply->words.len &&
	       (!reply->status.class || longer->status.class) &&
	       slice_find(longer->words, sample) < longer->words.len;
}

/* A reply with a code in the text. */
static bool
reply_of_text(const struct join *j, struct bounce_reply *ret)
{
	const struct reading *r = j->reading;
	struct bounce_reply answer;

	if (!bounce_reply_find(r->index, j->own, ret))
		return reply_of_answer(j, ret) ||
		       bounce_reply_find(r->index, region_head(r, r->lead), ret);
	if (reply_of_answer(j, &answer) && is_longer(&answer, ret))
		*ret = answer;
	return true;
}

#define COLON_WIDE SLICE("\xef\xbc\x9a") /* U+FF1A */

/* "details:" */
static bool
announces(struct slice text)
{
	while (text.len && (text.data[text.len - 1] == '\n' || text.data[text.len - 1] == ' '))
		text.len--;
	return (text.len && text.data[text.len - 1] == ':') ||
	       (text.len > 3 && slice_eq(slice_from(text, text.len - 3), COLON_WIDE));
}

/* One word says nothing: an address, however it is masked. */
static bool
is_one_word(struct slice text)
{
	text = slice_trim(text);
	while (text.len && text.data[text.len - 1] == '\n')
		text.len--;
	return slice_index(text, ' ') == text.len && slice_index(text, '\n') == text.len;
}

/* The first paragraph; with the next one where it only announces that ("details:"). */
static struct slice
paragraph(struct slice text)
{
	size_t at = 0, begin, end = 0;

	while (at < text.len && is_blank(slice_sub(text, at, line_len(slice_from(text, at)))))
		at += line_len(slice_from(text, at));
	begin = at;
	while (at < text.len) {
		struct slice line = slice_sub(text, at, line_len(slice_from(text, at)));

		at += line.len;
		if (!is_blank(line))
			end = at;
		else if (!announces(slice_sub(text, begin, end - begin)))
			break;
	}
	return slice_sub(text, begin, end > begin ? end - begin : 0);
}

/* The paragraph that tells most: by the first of the kinds that is in any, the first or last one.
 */
static struct slice
best_paragraph(const struct reading *r, struct slice text, bool last, size_t *ret_rank)
{
	static const unsigned kinds[] = {PHRASE_CAUSE | PHRASE_GAVE_UP, PHRASE_FAILED,
					 PHRASE_WAITING, PHRASE_FORM};
	const size_t kind_count = sizeof(kinds) / sizeof(kinds[0]);
	size_t best = kind_count;
	struct slice words = SLICE_EMPTY;

	while (text.len && (best || last)) {
		struct slice one = paragraph(text);

		if (!one.len)
			break;
		for (size_t i = 0; i < best + last && i < kind_count; i++)
			if (reading_has(r, one, kinds[i]) ||
			    (!i && bounce_status_is_precise(bounce_status_find(one)))) {
				best = i;
				words = one;
				break;
			}
		text = slice_from(text, (size_t)(one.data + one.len - text.data));
	}
	*ret_rank = best;
	return words;
}

static struct slice
cut_tail(const struct reading *r, struct slice words)
{
	struct phrase_hit hit;

	if (phrase_find(r->index, words, PHRASE_TAIL, &hit) && hit.at > 0)
		words = slice_sub(words, 0, hit.at);
	return words;
}

/* The last line before the list, when the list's heading is about reasons. */
static struct slice
line_before(const struct reading *r)
{
	struct slice lead = r->lead;
	size_t begin;

	while (lead.len && is_blank(slice_from(lead, lead.len - 1)))
		lead.len--;
	begin = slice_rindex(lead, '\n');
	return begin < lead.len ? slice_from(lead, begin + 1) : lead;
}

/* Where nothing stands beside the recipient. */
static struct slice
words_elsewhere(const struct join *j, struct slice lead)
{
	const struct reading *r = j->reading;

	if (j->answer)
		return j->answer->words;
	if (!is_blank(lead))
		return lead;
	if (reading_has(r, r->subject, PHRASE_CAUSE | PHRASE_GAVE_UP))
		return r->subject;
	return utf8_head(r->human, BOUNCE_REPLY_MAX / 4);
}

#define CODE_REFUSED_MIN 400
#define REASON_LABELS_MAX 8    /* that are looked at */
#define REASON_LABEL_AT_MAX 24 /* bytes of its line that may stand before the label */

/* Behind the signs that follow the label. */
static size_t
label_end(struct slice text, size_t end)
{
	const struct slice signs = SLICE(" \t:/");

	while (end < text.len) {
		if (slice_starts(slice_from(text, end), COLON_WIDE))
			end += COLON_WIDE.len;
		else if (slice_index(signs, text.data[end]) < signs.len)
			end++;
		else
			break;
	}
	return end;
}

/* What a line labelled so gives as the reason, up to the end of its paragraph; or empty. */
static struct slice
labelled_reason(const struct reading *r, struct slice text)
{
	struct phrase_hit hit, second;
	size_t at = 0;

	for (int i = 0; i < REASON_LABELS_MAX; i++) {
		struct slice words;

		if (!phrase_next(r->index, text, PHRASE_REASON, &at, &hit))
			break;
		if (!reading_near_line_begin(text, hit.at, REASON_LABEL_AT_MAX)) /* a sentence */
			continue;
		words = slice_from(text, label_end(text, hit.end));
		words = cut_tail(r, paragraph(utf8_head(words, BOUNCE_REPLY_MAX)));
		/* "原因/Reason:" */
		if (phrase_find(r->index, words, PHRASE_REASON, &second) &&
		    second.at <= REASON_LABEL_AT_MAX)
			continue;
		if (!is_blank(words) && !is_one_word(words))
			return words;
	}
	return SLICE_EMPTY;
}

/* Words of the text without a label before them. */
static struct slice
words_by_rank(const struct join *j)
{
	const struct reading *r = j->reading;
	struct slice words, lead;
	size_t rank, lead_rank;

	words = best_paragraph(r, j->own, false, &rank);
	lead = best_paragraph(r, region_head(r, r->lead), true, &lead_rank);
	if (r->form && slice_eq(slice_str(r->form), SLICE("notes")))
		lead = line_before(r);
	if (rank > 0 && lead_rank == 0) /* only the lead says why */
		return lead;
	if (rank > 1 && (j->named || r->list_known)) { /* no strong words: the next ones */
		struct slice next = paragraph(j->own);

		words = is_one_word(next) && words.len ? words : next;
	}
	words = cut_tail(r, words);
	return is_blank(words) ? words_elsewhere(j, lead) : words;
}

/* Words without a code, as good as there are. */
static struct slice
words_of_text(const struct join *j)
{
	const struct reading *r = j->reading;
	struct slice words;

	if (!j->named && j->answer)
		return j->answer->words;
	words = labelled_reason(r, j->own);
	if (!words.len && r->draft_count == 1)
		words = labelled_reason(r, region_head(r, r->human));
	return words.len ? words : words_by_rank(j);
}

/* The field tells only the lifetime's end, the text also what was before it. */
static bool
is_later(const struct bounce_reply *text, const struct bounce_reply *field)
{
	return field->gave_up && field->status.detail == 7 && text->gave_up &&
	       text->status.detail != 7;
}

static size_t
letter_count(struct slice text)
{
	size_t letters = 0;

	for (size_t i = 0; i < text.len; i++)
		letters += ascii_is_alpha(text.data[i]) || text.data[i] >= 0x80;
	return letters;
}

static bool
has_words(struct slice text)
{
	return letter_count(text) > 3;
}

/* The reply has no words: those before it, unless only what stands behind has a status of its own.
 */
static struct slice
words_around(const struct join *j, struct slice reply)
{
	struct join before = *j;
	struct slice words, after;
	size_t rank, rank_after;

	if (reply.data < j->own.data || reply.data >= j->own.data + j->own.len)
		return reply;
	before.own.len = (size_t)(reply.data - j->own.data);
	after = slice_from(j->own, before.own.len + reply.len);
	best_paragraph(j->reading, before.own, false, &rank);
	after = best_paragraph(j->reading, after, false, &rank_after);
	if (rank > rank_after && bounce_status_is_precise(bounce_status_find(after)))
		return after;
	words = words_of_text(&before);
	return has_words(words) ? words : reply;
}

/* The text's words, unless only the fields' comments say why. */
static struct slice
words_without_code(const struct join *j)
{
	const unsigned kinds = PHRASE_CAUSE | PHRASE_GAVE_UP;
	struct slice words = words_of_text(j);

	if (!reading_has(j->reading, words, kinds) &&
	    reading_has(j->reading, j->draft->comment, kinds))
		return j->draft->comment;
	return words;
}

static void
reply_choose(const struct join *j, struct bounce_reply *ret)
{
	const struct reading *r = j->reading;
	struct bounce_reply field = {0}, text = {0};
	bool has_text = reply_of_text(j, &text);

	if (!bounce_reply_diagnostic(r->index, j->draft->diagnostic, &field) ||
	    (!field.code && !has_words(field.words)))
		field = (struct bounce_reply){0};
	if (has_text && (!field.code || is_longer(&text, &field) || is_later(&text, &field))) {
		text.gave_up = text.gave_up || field.gave_up;
		*ret = text;
	} else {
		if (!field.words.len) {
			field.words = words_without_code(j);
			field.status = bounce_status_find(field.words);
		}
		*ret = field;
	}
	/* "Status code: 550 5.7.133", and what it means elsewhere. */
	if (ret->code >= CODE_REFUSED_MIN && j->named && !letter_count(ret->words)) {
		ret->words = words_around(j, ret->words);
		if (!ret->status.class)
			ret->status = bounce_status_find(ret->words);
	}
}

/* --- the rest --------------------------------------------------------------------------------- */

static const struct {
	const char *begin, *name;
	enum verdict_stage stage;
} commands[] = {
	{"connect", "connect", VERDICT_STAGE_GREETING},
	{"ehlo", "EHLO", VERDICT_STAGE_HELLO},
	{"helo", "EHLO", VERDICT_STAGE_HELLO},
	{"starttls", "STARTTLS", VERDICT_STAGE_TLS},
	{"auth", "AUTH", VERDICT_STAGE_LOGIN},
	{"mail", "MAIL FROM", VERDICT_STAGE_SENDER},
	{"rcpt", "RCPT TO", VERDICT_STAGE_RECIPIENT},
	{"data", "DATA", VERDICT_STAGE_DATA},
	{"end of data", "end of data", VERDICT_STAGE_FINAL},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

enum verdict_stage
bounce_command_stage(struct slice command)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (slice_eq(command, slice_str(commands[i].name)))
			return commands[i].stage;
	return VERDICT_STAGE_MAX;
}

static struct slice
command_name(struct slice words)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (slice_starts_nocase(words, slice_str(commands[i].begin)))
			return slice_str(commands[i].name);
	return SLICE_EMPTY;
}

static struct slice
command_find(const struct join *j)
{
	struct slice named = j->answer ? command_name(j->answer->command) : SLICE_EMPTY;
	struct phrase_hit hit;

	if (named.len && j->answer->address.len)
		return named;
	if (phrase_find(j->reading->index, j->about, PHRASE_COMMAND, &hit))
		return slice_str(hit.value);
	if (phrase_find(j->reading->index, j->draft->diagnostic, PHRASE_COMMAND, &hit))
		return slice_str(hit.value);
	return named;
}

static struct slice
host_find(const struct join *j, struct slice words)
{
	struct slice before = j->beside;

	if (j->draft->remote.len)
		return j->draft->remote;
	if (j->answer && j->answer->host.len)
		return j->answer->host;
	if (words.len && before.len && words.data >= before.data &&
	    words.data < before.data + before.len)
		before.len = (size_t)(words.data - before.data);
	return bounce_host_find(j->reading->index, before);
}

static bool
is_expiry(struct verdict_status status)
{
	return status.class && status.subject == 4 && status.detail == 7;
}

/* A permanent reply is why a mail came back, however long it had waited. */
static bool
gave_up(const struct join *j, const struct bounce_reply *reply)
{
	const struct reading *r = j->reading;

	if (reply->gave_up || j->draft->expired || is_expiry(reply->status) ||
	    is_expiry(j->draft->status))
		return true;
	if (reply->code >= 500 || j->draft->action != BOUNCE_FAILED)
		return false;
	return reading_has(r, reply->words, PHRASE_GAVE_UP) ||
	       reading_has(r, j->own, PHRASE_GAVE_UP) ||
	       reading_has(r, j->draft->diagnostic, PHRASE_GAVE_UP) || r->gave_up;
}

static void
rcpt_join(struct reading *r, const struct draft *draft, struct bounce_rcpt *ret)
{
	struct join j = {.reading = r, .draft = draft};
	struct bounce_reply reply;

	*ret = (struct bounce_rcpt){.recipient = draft->recipient, .action = draft->action};
	if (draft->action == BOUNCE_ANSWERED) {
		ret->remote_host = utf8_head(draft->remote, VERDICT_HOST_MAX);
		return;
	}
	own_find(&j);
	j.answer = answer_find(r, draft);
	reply_choose(&j, &reply);
	ret->reply = bounce_reply_clean(r->arena, reply.words);
	ret->code = reply.code;
	ret->status = draft->status;
	if (bounce_status_is_precise(reply.status) ||
	    (reply.status.class && !bounce_status_is_precise(draft->status)))
		ret->status = reply.status;
	ret->command = command_find(&j);
	ret->remote_host = utf8_head(host_find(&j, reply.words), VERDICT_HOST_MAX);
	ret->gave_up = gave_up(&j, &reply);
}

void
reading_join(struct reading *r)
{
	r->gave_up = reading_has(r, r->subject, PHRASE_GAVE_UP) ||
		     reading_has(r, region_head(r, r->lead), PHRASE_GAVE_UP) ||
		     reading_has(r, region_head(r, r->dialogue), PHRASE_GAVE_UP);
	for (size_t i = 0; i < r->draft_count; i++)
		rcpt_join(r, &r->drafts[i], &r->bounce->rcpts[i]);
	r->bounce->rcpt_count = r->draft_count;
}
