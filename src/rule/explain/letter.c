/*
 * The letter. Whatever others wrote is cleaned line by line and indented by four blanks, so that it
 * can be told from our words and no line of it can look like one of ours.
 */
#include "rule/explain/letter.h"

#include "base/assert.h"
#include "rule/explain/explain.h"
#include "wire/message/date.h"
#include "wire/text/clean.h"
#include "wire/text/wrap.h"

#define COLUMNS_MAX 76
#define INDENT "    "
#define PARAGRAPH_MAX 2048
#define CODE_NEVER_MIN 500

static void
put_paragraph(struct builder *b, struct slice text)
{
	wrap_text(b, text, COLUMNS_MAX, "\r\n");
}

static void
put_value(struct builder *b, const char *name, struct slice value)
{
	builder_str(b, name);
	clean_line(b, value, DSN_TEXT_MAX);
	builder_str(b, "\r\n");
}

static void
put_date(struct builder *b, const struct dsn_report *r, int64_t epoch_s)
{
	date_build(b, date_of(epoch_s, r->offset_minutes));
}

/* What the report says, by kind; by recipient where the lifetime ended. */
static const char *
headline(const struct dsn_report *r)
{
	static const char *const lines[DSN_KIND_MAX] = {
		[DSN_FAILURE] = "Message Delivery Failure.",
		[DSN_DELAY] = "Message Delivery Delayed.",
		[DSN_SUCCESS] = "Message Delivered.",
	};

	ASSERT(r->kind < DSN_KIND_MAX);
	return lines[r->kind];
}

/* Also where the mail was kept for a while after it, or still is. */
static bool
is_door_refusal(const struct dsn_rcpt *rcpt)
{
	const struct verdict *v = &rcpt->verdict;

	return (rcpt->action == DSN_FAILED || rcpt->action == DSN_DELAYED) &&
	       (v->class == VERDICT_NEVER || v->code >= CODE_NEVER_MIN) &&
	       v->stage == VERDICT_STAGE_GREETING;
}

/* The mail waits because they want nothing from our address. */
static bool
is_suspended(const struct dsn_rcpt *rcpt)
{
	const struct verdict *v = &rcpt->verdict;

	return rcpt->action == DSN_DELAYED && v->code &&
	       (v->stage == VERDICT_STAGE_CONNECT || v->stage == VERDICT_STAGE_GREETING) &&
	       (v->class == VERDICT_NEVER || v->action == VERDICT_ACTION_SUSPEND);
}

void
letter_code_build(struct builder *b, const struct dsn_rcpt *rcpt)
{
	const struct cause_row *row =
		cause_row(rcpt->expired ? VERDICT_CAUSE_EXPIRED : rcpt->verdict.cause);

	if (is_door_refusal(rcpt)) {
		builder_str(b, "ME-E0193");
		return;
	}
	builder_str(b, "FR-E");
	builder_dec(b, row ? row->number : cause_row(VERDICT_CAUSE_UNKNOWN)->number);
}

/* Where DNS was clear, what it said; else that nobody was found. */
static const char *
dns_reason(const struct verdict *v)
{
	static const struct {
		uint16_t subject, detail;
		const char *text;
	} rows[] = {
		{1, 10, "because this domain takes no mail."},
		{4, 6, "because mail for this domain would come back to our own server."},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (v->status.subject == rows[i].subject && v->status.detail == rows[i].detail)
			return rows[i].text;
	}
	return "because no mail server of this domain could be found.";
}

/* Why the mail did not get there, after "could not be delivered ". */
static const char *
failure_reason(const struct dsn_rcpt *rcpt)
{
	const struct verdict *v = &rcpt->verdict;

	if (rcpt->expired)
		return "in the time that we may try.";
	if (v->stage == VERDICT_STAGE_LOCAL)
		return "because our own server could not put it into the mailbox.";
	if (v->stage == VERDICT_STAGE_DNS)
		return dns_reason(v);
	if (v->code >= 500)
		return "because the mail server responsible for this domain returned a permanent "
		       "error.";
	return "because no mail server of this domain took it.";
}

/* That it waits, why if it is about us, and for how long; after "target domain (...) ". */
static void
put_delay(struct builder *text, const struct dsn_report *r, const struct dsn_rcpt *rcpt)
{
	builder_str(text, "has not been delivered yet");
	builder_str(text, is_suspended(rcpt)
				  ? ": the mail server responsible for this domain does not let "
				    "our server in. We keep the message and go on trying by "
				    "ourselves"
				  : ". We go on trying by ourselves");
	if (r->retry_until_s) {
		builder_str(text, " until ");
		put_date(text, r, r->retry_until_s);
	}
	builder_str(text, "; you need not send it again. If it cannot be delivered, you get "
			  "another report.");
}

static void
put_target(struct builder *b, const struct dsn_report *r, const struct dsn_rcpt *rcpt)
{
	uint8_t room[PARAGRAPH_MAX];
	struct builder text;

	builder_init_fixed(&text, room, sizeof(room));
	builder_str(&text, "Your message addressed to the target domain (");
	clean_line(&text, dsn_domain(rcpt->address), DSN_TEXT_MAX);
	builder_str(&text, ") ");
	if (r->kind == DSN_DELAY)
		put_delay(&text, r, rcpt);
	else if (rcpt->action == DSN_DELIVERED)
		builder_str(&text, "has been delivered.");
	else if (rcpt->action == DSN_RELAYED)
		builder_str(&text,
			    "has been handed to the mail server responsible for this domain, "
			    "which gives no reports of delivery.");
	else
		builder_str(&text, "could not be delivered ");
	if (rcpt->action == DSN_FAILED)
		builder_str(&text, failure_reason(rcpt));
	if (rcpt->verdict.reply.len && rcpt->action != DSN_DELIVERED)
		builder_str(&text,
			    rcpt->verdict.code ? " The server returned:" : " What we found:");
	put_paragraph(b, builder_slice(&text));
}

static void
put_reply(struct builder *b, struct slice reply)
{
	struct slice line;
	size_t count = 0;

	builder_str(b, "\r\n");
	while (clean_line_next(&reply, &line)) {
		if (count++ == DSN_REPLY_LINES_MAX) {
			builder_str(b, INDENT CLEAN_CUT "\r\n");
			break;
		}
		builder_str(b, INDENT);
		clean_line(b, line, DSN_REPLY_LINE_MAX);
		builder_str(b, "\r\n");
	}
	builder_str(b, "\r\n");
}

static const char *
stage_text(unsigned stage)
{
	static const char *const texts[VERDICT_STAGE_MAX] = {
		[VERDICT_STAGE_DNS] = "while looking up the domain's mail servers (DNS)",
		[VERDICT_STAGE_CONNECT] = "while connecting",
		[VERDICT_STAGE_GREETING] =
			"at the greeting, before anything about the message was said",
		[VERDICT_STAGE_HELLO] = "after our introduction (EHLO)",
		[VERDICT_STAGE_TLS] = "while starting encryption (STARTTLS)",
		[VERDICT_STAGE_LOGIN] = "while logging in (AUTH)",
		[VERDICT_STAGE_SENDER] = "when the sender was named (MAIL FROM)",
		[VERDICT_STAGE_RECIPIENT] = "when the recipient was named (RCPT TO)",
		[VERDICT_STAGE_DATA] = "when the message was about to be sent (DATA)",
		[VERDICT_STAGE_FINAL] = "after the whole message had been sent",
		[VERDICT_STAGE_LOCAL] = "while putting it into the mailbox on our own server",
	};

	return stage < VERDICT_STAGE_MAX ? texts[stage] : "unknown";
}

static void
put_facts(struct builder *b, const struct dsn_report *r, const struct dsn_rcpt *rcpt)
{
	const struct verdict *v = &rcpt->verdict;

	if (v->host.len || v->address.family) {
		builder_str(b, "Server:      ");
		clean_line(b, v->host, DSN_TEXT_MAX);
		if (v->address.family) {
			builder_str(b, v->host.len ? " [" : "[");
			net_addr_format(b, &v->address);
			builder_byte(b, ']');
		}
		builder_str(b, "\r\n");
	}
	if (v->source.family || v->helo.len) {
		builder_str(b, "Our server:  ");
		clean_line(b, v->helo.len ? v->helo : r->host, DSN_TEXT_MAX);
		if (v->source.family) {
			builder_str(b, " [");
			net_addr_format(b, &v->source);
			builder_byte(b, ']');
		}
		builder_str(b, "\r\n");
	}
	builder_str(b, "Stage:       ");
	builder_str(b, stage_text(v->stage));
	builder_str(b, "\r\n");
	if (v->wall_ms) {
		builder_str(b, rcpt->expired || r->kind == DSN_DELAY ? "Last try:    "
								     : "When:        ");
		put_date(b, r, v->wall_ms / 1000);
		builder_str(b, "\r\n");
	}
	if (rcpt->attempts > 1) {
		builder_str(b, "Attempts:    ");
		builder_dec(b, rcpt->attempts);
		builder_str(b, "\r\n");
	}
	if (r->kind == DSN_DELAY && r->retry_until_s) {
		builder_str(b, "Until:       ");
		put_date(b, r, r->retry_until_s);
		builder_str(b, "\r\n");
	}
}

static void
put_sentences(struct builder *b, const char *who, struct slice text, const char *more,
	      const char *line_end)
{
	uint8_t room[PARAGRAPH_MAX];
	struct builder p;

	builder_init_fixed(&p, room, sizeof(room));
	builder_str(&p, who);
	builder_add(&p, text);
	builder_str(&p, more);
	builder_str(b, line_end);
	wrap_text(b, builder_slice(&p), COLUMNS_MAX, line_end);
}

/* How sure we are, in words: a number would promise more than a rule of thumb can hold. */
static const char *
sureness(const struct verdict *v)
{
	if (v->cause == VERDICT_CAUSE_UNKNOWN || v->confidence_percent >= 90)
		return "";
	return v->confidence_percent >= 70 ? ", likely" : ", perhaps";
}

void
letter_advice_build(struct builder *b, const struct dsn_rcpt *rcpt, const char *line_end)
{
	const struct verdict *v = &rcpt->verdict;
	unsigned cause = cause_row(v->cause) ? v->cause : VERDICT_CAUSE_UNKNOWN;
	const struct cause_row *row = cause_row(cause);
	bool failed = rcpt->action == DSN_FAILED;
	struct slice here;

	builder_str(b, "Why, and what to do (cause: ");
	builder_str(b, row->name);
	builder_str(b, sureness(v));
	builder_byte(b, ')');
	builder_str(b, line_end);
	if (rcpt->expired)
		put_sentences(b, "", slice_str(cause_row(VERDICT_CAUSE_EXPIRED)->sender_text), "",
			      line_end);
	put_sentences(b, "For you: ", slice_str(cause_sender_text(cause, failed)),
		      failed && !rcpt->expired ? " Our server does not try this message again."
					       : "",
		      line_end);
	put_sentences(b, "For the administrator: ", slice_str(row->admin_text), "", line_end);
	here = explain_admin_text(v);
	if (here.len)
		put_sentences(b, "In this case: ", here, "", line_end);
}

/* The same outcome for both, so that one section can tell of them. */
static bool
is_same(const struct dsn_rcpt *a, const struct dsn_rcpt *b)
{
	const struct verdict *v = &a->verdict, *w = &b->verdict;

	return a->action == b->action && a->expired == b->expired && v->cause == w->cause &&
	       v->stage == w->stage && v->code == w->code && slice_eq(v->reply, w->reply) &&
	       slice_eq(v->evidence, w->evidence) && slice_eq(v->host, w->host) &&
	       net_addr_eq(&v->address, &w->address) &&
	       slice_eq_nocase(dsn_domain(a->address), dsn_domain(b->address));
}

static bool
is_told(const struct dsn_report *r, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (is_same(&r->rcpts[i], &r->rcpts[index]))
			return true;
	}
	return false;
}

static void
put_section(struct builder *b, const struct dsn_report *r, size_t index)
{
	const struct dsn_rcpt *rcpt = &r->rcpts[index];
	bool asked = rcpt->action == DSN_DELIVERED || rcpt->action == DSN_RELAYED;

	builder_str(b, "Reason: ");
	if (!asked) {
		letter_code_build(b, rcpt);
		builder_str(b, ": ");
	}
	builder_byte(b, '[');
	clean_line(b, r->id, DSN_TEXT_MAX);
	builder_str(b, "] ");
	builder_str(b, asked ? "You asked for a report of delivery." : headline(r));
	builder_str(b, "\r\n\r\n");
	put_target(b, r, rcpt);
	if (rcpt->verdict.reply.len && rcpt->action != DSN_DELIVERED)
		put_reply(b, rcpt->verdict.reply);
	else
		builder_str(b, "\r\n");
	if (verdict_facts(&rcpt->verdict).len && !asked) {
		builder_str(b, "Before that:\r\n");
		put_reply(b, rcpt->verdict.evidence);
	}
	for (size_t i = index; i < r->rcpt_count && !b->failed; i++) {
		if (i == index || is_same(rcpt, &r->rcpts[i]))
			put_value(b, "Recipient:   ", r->rcpts[i].address);
	}
	if (rcpt->action == DSN_DELIVERED)
		return;
	put_facts(b, r, rcpt);
	if (rcpt->action == DSN_RELAYED)
		return;
	builder_str(b, "\r\n");
	letter_advice_build(b, rcpt, "\r\n");
}

static void
put_footer(struct builder *b, const struct dsn_report *r)
{
	uint8_t room[PARAGRAPH_MAX];
	struct builder text;

	builder_init_fixed(&text, room, sizeof(room));
	builder_str(&text, "This report was made by ");
	clean_line(&text, r->host, DSN_TEXT_MAX);
	builder_str(&text, "; its third part shows your message or the head of it. What a server "
			   "said is shown as it came: do not trust links in it.");
	builder_str(b, "\r\n");
	put_paragraph(b, builder_slice(&text));
	if (r->kind == DSN_SUCCESS)
		return;
	builder_str(b, "\r\nFor the administrator, on our server: frank why ");
	clean_line(b, r->id, DSN_TEXT_MAX);
	builder_str(b, "\r\n");
}

void
letter_build(struct builder *b, const struct dsn_report *r)
{
	size_t sections = 0;

	ASSERT(r->rcpt_count > 0);
	builder_str(b, "Frank: ");
	builder_str(b, headline(r));
	builder_str(b, "\r\n\r\n");
	for (size_t i = 0; i < r->rcpt_count && !b->failed; i++) {
		if (is_told(r, i))
			continue;
		if (i)
			builder_str(b, "\r\n");
		if (sections++ == DSN_LETTER_SECTIONS_MAX) {
			builder_str(b, "More recipients are listed in the second part.\r\n");
			break;
		}
		put_section(b, r, i);
	}
	put_footer(b, r);
}
