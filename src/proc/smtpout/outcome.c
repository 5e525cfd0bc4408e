/*
 * smtpout outcome: two tables. A reply decides by its class, except at login and TLS, where a
 * refusal is about our own settings and mail must not bounce for it. Status codes are those of RFC
 * 3463 and its registry; where the peer gave one, it is kept.
 */
#include "proc/smtpout/outcome.h"

#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "base/planted.h"

static const uint8_t stages[SMTP_CLIENT_STAGE_MAX] = {
	[SMTP_CLIENT_STAGE_GREETING] = VERDICT_STAGE_GREETING,
	[SMTP_CLIENT_STAGE_HELLO] = VERDICT_STAGE_HELLO,
	[SMTP_CLIENT_STAGE_TLS] = VERDICT_STAGE_TLS,
	[SMTP_CLIENT_STAGE_LOGIN] = VERDICT_STAGE_LOGIN,
	[SMTP_CLIENT_STAGE_SENDER] = VERDICT_STAGE_SENDER,
	[SMTP_CLIENT_STAGE_RECIPIENT] = VERDICT_STAGE_RECIPIENT,
	[SMTP_CLIENT_STAGE_DATA] = VERDICT_STAGE_DATA,
	[SMTP_CLIENT_STAGE_FINAL] = VERDICT_STAGE_FINAL,
	[SMTP_CLIENT_STAGE_QUIT] = VERDICT_STAGE_FINAL,
};

static const struct outcome_row {
	uint8_t class;
	struct verdict_status status;
	uint16_t cause;
	const char *text;
} rows[SMTP_CLIENT_HOW_MAX] = {
	[SMTP_CLIENT_HOW_LOST] = {VERDICT_LATER,
				  {4, 4, 2},
				  VERDICT_CAUSE_NET_OR_ROUTE,
				  "The connection to the server was lost."},
	[SMTP_CLIENT_HOW_TIMEOUT] = {VERDICT_LATER,
				     {4, 4, 2},
				     VERDICT_CAUSE_NET_OR_ROUTE,
				     "The server did not answer in time."},
	[SMTP_CLIENT_HOW_PROTOCOL] = {VERDICT_LATER,
				      {4, 5, 0},
				      VERDICT_CAUSE_PROTOCOL,
				      "The server's answer is not one that SMTP allows here."},
	[SMTP_CLIENT_HOW_HANDSHAKE] = {VERDICT_LATER,
				       {4, 7, 5},
				       VERDICT_CAUSE_TLS,
				       "Encryption (TLS) with the server failed."},
	[SMTP_CLIENT_HOW_NO_TLS] =
		{VERDICT_LATER,
		 {4, 7, 4},
		 VERDICT_CAUSE_TLS,
		 "The server does not offer encryption (TLS), which is demanded."},
	[SMTP_CLIENT_HOW_NO_LOGIN] = {VERDICT_LATER,
				      {4, 7, 0},
				      VERDICT_CAUSE_TLS,
				      "The server offers no way to log in that we may use."},
	[SMTP_CLIENT_HOW_SIZE] = {VERDICT_NEVER,
				  {5, 3, 4},
				  VERDICT_CAUSE_SIZE,
				  "The message is larger than the server takes."},
	[SMTP_CLIENT_HOW_EIGHT_BIT] =
		{VERDICT_NEVER,
		 {5, 6, 3},
		 VERDICT_CAUSE_CONTENT,
		 "The message holds 8-bit text, which the server does not take."},
	[SMTP_CLIENT_HOW_UTF8] =
		{VERDICT_NEVER,
		 {5, 6, 7},
		 VERDICT_CAUSE_CONTENT,
		 "The message or its addresses need SMTPUTF8, which the server does "
		 "not offer."},
	[SMTP_CLIENT_HOW_ADDRESS] = {VERDICT_NEVER,
				     {5, 1, 3},
				     VERDICT_CAUSE_CONTENT,
				     "The address cannot be written in SMTP."},
	[SMTP_CLIENT_HOW_DONE] = {VERDICT_LATER,
				  {4, 4, 2},
				  VERDICT_CAUSE_NET_OR_ROUTE,
				  "The connection ended before the message went out."},
};

/* After the dot nobody knows: what the sender reads must not say that nothing has arrived. */
static const char *const final_texts[SMTP_CLIENT_HOW_MAX] = {
	[SMTP_CLIENT_HOW_LOST] = "The connection to the server was lost after the whole message "
				 "had been sent: it may have arrived.",
	[SMTP_CLIENT_HOW_TIMEOUT] = "The server did not answer in time after the whole message had "
				    "been sent: it may have arrived.",
};

static void
words_of_reply(struct verdict *verdict, const struct smtp_reply *reply)
{
	struct smtp_status status = smtp_reply_status(reply);

	verdict->code = reply->code;
	verdict->status.class = (uint8_t)status.klass;
	verdict->status.subject = status.subject;
	verdict->status.detail = status.detail;
	verdict->class = status.klass == 2   ? VERDICT_OK
			 : status.klass == 5 ? VERDICT_NEVER
					     : VERDICT_LATER;
	if (verdict->class == VERDICT_NEVER &&
	    (verdict->stage == VERDICT_STAGE_LOGIN || verdict->stage == VERDICT_STAGE_TLS)) {
		verdict->class = VERDICT_LATER;
		verdict->status.class = 4;
	}
}

struct verdict
outcome_of_client(enum smtp_client_stage stage, enum smtp_client_how how,
		  const struct smtp_reply *reply)
{
	struct verdict verdict = {.stage = stages[stage]};

	ASSERT(how < SMTP_CLIENT_HOW_MAX && (how != SMTP_CLIENT_HOW_REPLY || reply));
	if (reply)
		verdict.reply = smtp_reply_text(reply);
	if (how == SMTP_CLIENT_HOW_REPLY) {
		words_of_reply(&verdict, reply);
		if (PLANTED(LATER_IS_DONE) && stage == SMTP_CLIENT_STAGE_FINAL &&
		    verdict.class == VERDICT_LATER)
			verdict.class = VERDICT_OK;
		return verdict;
	}
	verdict.class = rows[how].class;
	if (PLANTED(DONE_BEFORE_REPLY) && stage == SMTP_CLIENT_STAGE_FINAL)
		verdict.class = VERDICT_OK;
	verdict.status = rows[how].status;
	verdict.cause = rows[how].cause;
	verdict.confidence_percent = 100;
	verdict.public_text = slice_str(rows[how].text);
	if (stage == SMTP_CLIENT_STAGE_FINAL && final_texts[how])
		verdict.public_text = slice_str(final_texts[how]);
	return verdict;
}

/* Our system has no way to such addresses at all, as where there is no IPv6. */
static bool
is_no_way(int error)
{
	return error == ENETUNREACH || error == EADDRNOTAVAIL || error == EAFNOSUPPORT;
}

struct verdict
outcome_of_connect(int err)
{
	struct verdict verdict = {.class = VERDICT_LATER,
				  .stage = VERDICT_STAGE_CONNECT,
				  .status = {4, 4, 1},
				  .cause = VERDICT_CAUSE_NET_OR_ROUTE,
				  .confidence_percent = 100};

	if (is_no_way(err_errno(err)))
		verdict.scope = VERDICT_SCOPE_OUR_ADDRESS;
	verdict.public_text = SLICE("No connection to the server.");
	verdict.evidence =
		slice_str(err_errno(err) ? strerrordesc_np(err_errno(err)) : err_str(err));
	return verdict;
}

struct verdict
outcome_of_trouble(const char *what)
{
	return (struct verdict){.class = VERDICT_LATER,
				.stage = VERDICT_STAGE_LOCAL,
				.status = {4, 3, 0},
				.public_text = slice_str(what)};
}

/* That we have no way to one family says nothing about a server that has answered by the other. */
static bool
is_beside(const struct verdict *verdict, const struct verdict *answer)
{
	return verdict->stage == VERDICT_STAGE_CONNECT &&
	       verdict->scope == VERDICT_SCOPE_OUR_ADDRESS && answer->reply.len > 0 &&
	       verdict->address.family != answer->address.family;
}

bool
outcome_is_better(const struct verdict *verdict, const struct verdict *than)
{
	if (is_beside(verdict, than) || is_beside(than, verdict))
		return is_beside(than, verdict);
	if (verdict->class != than->class)
		return verdict->class == VERDICT_LATER;
	return verdict->reply.len > 0 && than->reply.len == 0;
}
