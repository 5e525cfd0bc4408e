/*
 * The report, part by part. Texts of others go through wire/text/clean (one line, no controls);
 * the original is copied as it lies in the spool, which is the form that it needs here too: a dot
 * that was doubled there has to be doubled here.
 *
 * The original goes back whole only where that is asked for and it can be carried as it is (RFC
 * 2046 5.2.1 allows no encoding for message/rfc822); its header alone may be encoded (RFC 6522 4).
 */
#include "wire/dsn/compose.h"

#include "base/assert.h"
#include "wire/message/date.h"
#include "wire/message/header.h"
#include "wire/message/received.h"
#include "wire/text/clean.h"
#include "wire/text/qp.h"
#include "wire/text/utf8.h"
#include "wire/text/xtext.h"

#define LINE_MAX_BYTES 998
/* Room for the field's name before it and the last character. */
#define XTEXT_BYTES_MAX ((size_t)900)

struct dsn_writer {
	struct builder *b;
	const struct dsn_report *report;
	bool global;
};

static const struct {
	const char *subject;
} dsn_kinds[DSN_KIND_MAX] = {
	[DSN_FAILURE] = {"Message Delivery Failure"},
	[DSN_DELAY] = {"Message Delivery Delayed"},
	[DSN_SUCCESS] = {"Message Delivery Report"},
};

static void
put_date(struct dsn_writer *w, const char *name, int64_t epoch_s)
{
	builder_str(w->b, name);
	builder_str(w->b, ": ");
	date_build(w->b, date_of(epoch_s, w->report->offset_minutes));
	builder_str(w->b, "\r\n");
}

/* A text of others on one line, UTF-8 only where the report may hold it. */
static void
put_text(struct dsn_writer *w, struct slice text, size_t max)
{
	if (w->global)
		clean_line(w->b, text, max);
	else
		clean_ascii(w->b, text, max);
}

static void
put_field(struct dsn_writer *w, const char *name, struct slice text)
{
	builder_str(w->b, name);
	builder_str(w->b, ": ");
	put_text(w, text, DSN_TEXT_MAX);
	builder_str(w->b, "\r\n");
}

static void
put_boundary(struct dsn_writer *w, bool last)
{
	builder_str(w->b, "\r\n--=_");
	builder_add(w->b, w->report->unique);
	builder_str(w->b, last ? "--\r\n" : "\r\n");
}

static void
put_part(struct dsn_writer *w, const char *type, const char *encoding)
{
	put_boundary(w, false);
	builder_str(w->b, "Content-Type: ");
	builder_str(w->b, type);
	builder_str(w->b, "\r\n");
	if (encoding) {
		builder_str(w->b, "Content-Transfer-Encoding: ");
		builder_str(w->b, encoding);
		builder_str(w->b, "\r\n");
	}
	builder_str(w->b, "\r\n");
}

/* An address of ours in a header: printable and without blanks, or it is not shown. */
static bool
is_printable(struct slice s, bool utf8)
{
	uint32_t code;

	if (!s.len || s.len > DSN_TEXT_MAX)
		return false;
	while (s.len) {
		if (!utf8_next(&s, &code) || code <= ' ' || !clean_code_is_plain(code) ||
		    (code > 126 && !utf8))
			return false;
	}
	return true;
}

static void
put_header(struct dsn_writer *w)
{
	const struct dsn_report *r = w->report;

	put_date(w, "Date", r->now_s);
	builder_str(w->b, "From: Mail Delivery System <mailer-daemon@");
	put_text(w, r->host, DSN_TEXT_MAX);
	builder_str(w->b, ">\r\n");
	if (is_printable(r->sender, w->global)) {
		builder_str(w->b, "To: <");
		builder_add(w->b, r->sender);
		builder_str(w->b, ">\r\n");
	} else {
		builder_str(w->b, "To: undisclosed-recipients:;\r\n");
	}
	builder_str(w->b, "Subject: ");
	builder_str(w->b, dsn_kinds[r->kind].subject);
	builder_str(w->b, "\r\nMessage-ID: ");
	message_id_build(w->b, r->report_id, r->host);
	builder_str(w->b, "\r\nAuto-Submitted: auto-replied\r\n"
			  "MIME-Version: 1.0\r\n"
			  "Content-Type: multipart/report; report-type=");
	builder_str(w->b, w->global ? "global-delivery-status" : "delivery-status");
	builder_str(w->b, ";\r\n\tboundary=\"=_");
	builder_add(w->b, r->unique);
	builder_str(w->b, "\"\r\n");
	if (w->global)
		builder_str(w->b, "Content-Transfer-Encoding: 8bit\r\n");
	builder_str(w->b, "\r\n");
}

/* Every line ends in CRLF and has at most 998 bytes; no NUL. Other control characters are the
 * sender's own and go back to them as they came. */
static bool
is_carried(struct slice s, bool eight_bit)
{
	size_t column = 0;

	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.data[i];

		if (c == '\r' && i + 1 < s.len && s.data[i + 1] == '\n') {
			column = 0;
			i++;
			continue;
		}
		if (++column > LINE_MAX_BYTES || c == 0 || c == '\r' || c == '\n' ||
		    (c > 127 && !eight_bit))
			return false;
	}
	return column == 0;
}

/* Lines with a dot before those that begin with one. */
static void
put_stuffed(struct builder *b, struct slice text)
{
	struct slice line;

	while (clean_line_next(&text, &line) && !b->failed) {
		if (line.len && line.data[0] == '.')
			builder_byte(b, '.');
		builder_add(b, line);
		builder_str(b, "\r\n");
	}
}

static void
put_letter(struct dsn_writer *w, struct slice letter)
{
	if (is_carried(letter, false)) {
		put_part(w, "text/plain; charset=us-ascii", "7bit");
		put_stuffed(w->b, letter);
		return;
	}
	put_part(w, "text/plain; charset=utf-8", "quoted-printable");
	qp_encode(w->b, letter);
}

/* utf-8-addr-xtext (RFC 6533 3): UTF-8 in ASCII, cut where the line would be too long. */
static void
put_utf8_xtext(struct builder *b, struct slice s)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t begin = b->len;
	uint32_t code;

	while (s.len && !b->failed && b->len - begin < XTEXT_BYTES_MAX) {
		bool good = utf8_next(&s, &code);
		unsigned width = 2;

		if (good && code > 32 && code < 127 && code != '\\' && code != '+' && code != '=') {
			builder_byte(b, (uint8_t)code);
			continue;
		}
		while (width < 6 && code >> (4 * width))
			width++;
		builder_str(b, "\\x{");
		while (width-- > 0)
			builder_byte(b, (uint8_t)digits[code >> (4 * width) & 15]);
		builder_byte(b, '}');
	}
}

static void
put_address(struct dsn_writer *w, struct slice address)
{
	if (slice_is_ascii(address)) {
		builder_str(w->b, "rfc822; ");
		clean_ascii(w->b, address, DSN_TEXT_MAX);
		return;
	}
	builder_str(w->b, "utf-8; ");
	if (w->global)
		clean_line(w->b, address, DSN_TEXT_MAX);
	else
		put_utf8_xtext(w->b, address);
}

/* ORCPT as it was given, decoded (RFC 3461 5.2.6, 6.3); nothing when it is no ORCPT. */
static void
put_original(struct dsn_writer *w, struct slice orcpt)
{
	uint8_t room[DSN_TEXT_MAX];
	struct builder decoded;
	struct slice type, text = orcpt;

	type = slice_cut(&text, ';');
	if (!type.len || !text.len)
		return;
	for (size_t i = 0; i < type.len; i++) {
		if (!ascii_is_alpha(type.data[i]) && !ascii_is_digit(type.data[i]) &&
		    type.data[i] != '-')
			return;
	}
	builder_init_fixed(&decoded, room, sizeof(room));
	if (xtext_decode(&decoded, text) == 0)
		text = builder_slice(&decoded);
	builder_str(w->b, "Original-Recipient: ");
	clean_ascii(w->b, type, 40);
	builder_str(w->b, "; ");
	if (!w->global && !slice_is_ascii(text) && slice_eq_nocase(type, SLICE("utf-8")))
		put_utf8_xtext(w->b, text);
	else
		put_text(w, text, DSN_TEXT_MAX);
	builder_str(w->b, "\r\n");
}

/* The type, and before our own words those that programs know. */
static const char *
diagnostic_begin(const struct dsn_rcpt *rcpt)
{
	const struct verdict *v = &rcpt->verdict;

	if (v->code)
		return "smtp; ";
	if (rcpt->expired)
		return "X-Frank; delivery time expired: ";
	if (v->status.subject == 4 && v->status.detail == 6)
		return "X-Frank; message looping: ";
	return "X-Frank; ";
}

/* The remote's reply, a line of it on each line (RFC 3464 2.3.6); our own words where it said
 * nothing. */
static void
put_diagnostic(struct dsn_writer *w, const struct dsn_rcpt *rcpt)
{
	bool brief = w->report->rcpt_count > DSN_RCPTS_BRIEF;
	size_t lines_max = brief ? DSN_REPLY_LINES_BRIEF : DSN_REPLY_LINES_MAX;
	size_t line_max = brief ? DSN_REPLY_LINE_BRIEF : DSN_REPLY_LINE_MAX;
	struct slice rest = rcpt->verdict.reply, line;
	size_t count = 0;

	if (!rest.len)
		return;
	builder_str(w->b, "Diagnostic-Code: ");
	builder_str(w->b, diagnostic_begin(rcpt));
	while (count <= lines_max && clean_line_next(&rest, &line)) {
		if (!slice_trim(line).len)
			continue;
		if (count++)
			builder_str(w->b, "\r\n    ");
		if (count > lines_max)
			builder_str(w->b, CLEAN_CUT);
		else
			put_text(w, slice_trim(line), line_max);
	}
	builder_str(w->b, "\r\n");
}

/* RFC 3464 2.1.2, 2.3.5: a name of DNS, or an address in brackets. */
static void
put_remote(struct dsn_writer *w, const struct verdict *v)
{
	if (!v->host.len && !v->address.family)
		return;
	builder_str(w->b, "Remote-MTA: dns; ");
	if (v->host.len) {
		put_text(w, v->host, DSN_TEXT_MAX);
	} else {
		builder_byte(w->b, '[');
		net_addr_format(w->b, &v->address);
		builder_byte(w->b, ']');
	}
	builder_str(w->b, "\r\n");
}

static void
put_rcpt(struct dsn_writer *w, const struct dsn_rcpt *rcpt)
{
	const struct verdict *v = &rcpt->verdict;

	builder_str(w->b, "\r\n");
	put_original(w, rcpt->orcpt);
	builder_str(w->b, "Final-Recipient: ");
	put_address(w, rcpt->address);
	builder_str(w->b, "\r\nAction: ");
	builder_str(w->b, dsn_action_str(rcpt->action));
	builder_str(w->b, "\r\nStatus: ");
	verdict_status_format(w->b, dsn_status(rcpt));
	builder_str(w->b, "\r\n");
	put_remote(w, v);
	put_diagnostic(w, rcpt);
	if (v->wall_ms)
		put_date(w, "Last-Attempt-Date", v->wall_ms / 1000);
	if (rcpt->action == DSN_DELAYED && w->report->retry_until_s)
		put_date(w, "Will-Retry-Until", w->report->retry_until_s);
}

static void
put_status(struct dsn_writer *w)
{
	const struct dsn_report *r = w->report;
	uint8_t room[DSN_TEXT_MAX];
	struct builder envid;

	if (w->global)
		put_part(w, "message/global-delivery-status", "8bit");
	else
		put_part(w, "message/delivery-status", NULL);
	builder_str(w->b, "Reporting-MTA: dns; ");
	put_text(w, r->host, DSN_TEXT_MAX);
	builder_str(w->b, "\r\n");
	builder_init_fixed(&envid, room, sizeof(room));
	if (r->envid.len)
		put_field(w, "Original-Envelope-Id",
			  xtext_decode(&envid, r->envid) == 0 ? builder_slice(&envid) : r->envid);
	put_date(w, "Arrival-Date", r->arrival_s);
	put_field(w, "X-Frank-Message", r->id);
	for (size_t i = 0; i < r->rcpt_count && !w->b->failed; i++)
		put_rcpt(w, &r->rcpts[i]);
}

/* The fields of the header block that fit, without its empty line. */
static struct slice
header_head(struct slice header)
{
	struct header_scan scan;
	struct header_field field;
	size_t end = 0;

	header_scan_init(&scan, header);
	while (header_scan_next(&scan, &field) != 0 && scan.at <= DSN_HEADER_BYTES_MAX)
		end = scan.at;
	return slice_sub(header, 0, end);
}

/* Un-stuffs while it encodes: the header lies in the spool as it travels. */
static void
put_header_encoded(struct dsn_writer *w, struct slice header)
{
	struct slice line;

	while (clean_line_next(&header, &line) && !w->b->failed) {
		if (line.len && line.data[0] == '.')
			line = slice_from(line, 1);
		if (line.len)
			qp_encode(w->b, line);
	}
}

static void
put_original_message(struct dsn_writer *w)
{
	const struct dsn_report *r = w->report;
	struct slice head = header_head(r->header);

	if (r->full && is_carried(r->header, w->global) && is_carried(r->body, w->global)) {
		put_part(w, w->global ? "message/global" : "message/rfc822",
			 w->global ? "8bit" : "7bit");
		builder_add(w->b, r->header);
		builder_add(w->b, r->body);
	} else if (is_carried(head, w->global)) {
		put_part(w, w->global ? "message/global-headers" : "text/rfc822-headers",
			 w->global ? "8bit" : "7bit");
		builder_add(w->b, head);
	} else {
		put_part(w, "text/rfc822-headers; charset=utf-8", "quoted-printable");
		put_header_encoded(w, head);
	}
}

/* The boundary that the caller gave cannot stand in what is copied, or it is no boundary. */
static bool
unique_is_good(const struct dsn_report *r, struct slice letter)
{
	if (r->unique.len < 8 || r->unique.len > 60)
		return false;
	for (size_t i = 0; i < r->unique.len; i++) {
		if (!ascii_is_alpha(r->unique.data[i]) && !ascii_is_digit(r->unique.data[i]))
			return false;
	}
	return slice_find(r->header, r->unique) == r->header.len &&
	       slice_find(r->body, r->unique) == r->body.len &&
	       slice_find(letter, r->unique) == letter.len;
}

int
dsn_compose(struct builder *out, const struct dsn_report *report, struct slice letter,
	    size_t *ret_header_len)
{
	struct dsn_writer w = {.b = out, .report = report, .global = report->global};
	size_t begin = out->len, header_len;

	ASSERT(report->kind < DSN_KIND_MAX && report->host.len && report->report_id.len);
	if (!report->sender.len || !report->rcpt_count || report->rcpt_count > DSN_RCPTS_MAX ||
	    !unique_is_good(report, letter))
		return ERR_STATE;
	put_header(&w);
	header_len = out->len - begin;
	builder_str(out, "This is a report about mail delivery in the form of RFC 3464.\r\n");
	put_letter(&w, letter);
	put_status(&w);
	put_original_message(&w);
	put_boundary(&w, true);
	if (out->failed)
		return ERR_LIMIT;
	*ret_header_len = header_len;
	return 0;
}
