/*
 * session_auth: AUTH. Mechanisms live in the directory; here client messages, challenges and the
 * channel binding (RFC 9266) pass by and are never looked at or logged.
 */
#include "base/assert.h"
#include "proc/smtpin/session.h"

void
session_on_auth(struct session *session, const struct smtp_server_event *event)
{
	struct ipc_auth_begin begin = {
		.mechanism = event->name,
		.has_initial = event->has_bytes,
		.initial = event->bytes,
		.client = session->client,
	};
	uint8_t binding[CONN_BINDING_LEN], name[SESSION_NAME_MAX];

	begin.session = session_name(session, name);
	if (conn_tls_binding(session->conn, binding) == 0) {
		begin.binding_type = SLICE("tls-exporter");
		begin.binding = slice_of(binding, sizeof(binding));
	}
	begin.request = session_ask_begin(session, QUESTION_AUTH);
	if (!begin.request) {
		session_auth_result(session, AUTH_OUTCOME_LATER, SLICE_EMPTY);
		return;
	}
	if (ipc_send(session->in->directory,
		     &(struct ipc_message){.type = IPC_AUTH_BEGIN, .u.auth_begin = begin}))
		session_auth_result(session, AUTH_OUTCOME_LATER, SLICE_EMPTY);
}

void
session_on_auth_response(struct session *session, const struct smtp_server_event *event)
{
	struct smtpin *in = session->in;

	if (session->question == QUESTION_AUTH && in->directory &&
	    IPC_SEND(in->directory, AUTH_STEP, auth_step, .request = session->request,
		     .response = event->bytes) == 0) {
		session->due_ms = rt_now_ms(in->boot->rt) + SMTPIN_REQUEST_MS;
		return;
	}
	session_auth_result(session, AUTH_OUTCOME_LATER, SLICE_EMPTY);
}

/* The client gave up or is gone; the directory forgets the exchange. */
void
session_on_auth_end(struct session *session)
{
	if (session->question != QUESTION_AUTH)
		return;
	if (session->in->directory &&
	    IPC_SEND(session->in->directory, AUTH_ABORT, auth_abort, .request = session->request)) {
		/* It forgets by itself, by time. */
	}
	session_ask_end(session);
}

void
session_auth_challenge(struct session *session, struct slice challenge)
{
	struct smtp_answer answer = {.code = 334, .text = challenge};

	session->due_ms = UINT64_MAX; /* the machine's own limit holds while the client thinks */
	smtp_server_answer(&session->smtp, &answer, rt_now_ms(session->in->boot->rt));
}

void
session_auth_result(struct session *session, enum auth_outcome outcome, struct slice login)
{
	static const struct {
		uint16_t code;
		const char *status, *text;
	} answers[] = {
		[AUTH_OUTCOME_OK] = {235, "2.7.0", "Welcome"},
		[AUTH_OUTCOME_BAD] = {535, "5.7.8", "Wrong login or password"},
		[AUTH_OUTCOME_SYNTAX] = {501, "5.5.2", "The mechanism's message cannot be read"},
		[AUTH_OUTCOME_UNSUPPORTED] = {504, "5.5.4", "Unknown mechanism"},
		[AUTH_OUTCOME_LATER] = {454, "4.7.0", "Cannot check logins now, try again"},
	};
	struct log_line line;

	ASSERT(outcome < AUTH_OUTCOME_MAX);
	session_ask_end(session);
	if (outcome == AUTH_OUTCOME_OK && session_text_set(session, &session->login, login))
		outcome = AUTH_OUTCOME_LATER;
	if (outcome == AUTH_OUTCOME_OK)
		session->in->counters.logins++;
	else
		session->in->counters.failed_logins++;
	session_log(session, &line,
		    outcome == AUTH_OUTCOME_OK ? EVENT_smtpin_login : EVENT_smtpin_login_failed);
	log_addr(&line, "client", &session->client);
	log_text(&line, "login", login);
	log_number(&line, "code", answers[outcome].code);
	log_end(&line);
	session_answer(session, answers[outcome].code, answers[outcome].status,
		       answers[outcome].text);
}
