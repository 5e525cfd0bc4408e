/*
 * session_ask: questions to the directory. A session has one at a time; the map of the process
 * finds it by the question's number. What comes too late finds nobody and is dropped.
 */
#include "base/assert.h"
#include "proc/smtpin/session.h"
#include "resolver/idna.h"

static bool
request_matches(const struct map_node *node, struct slice key)
{
	const struct session *session = CONTAINER_OF(node, struct session, request_node);

	return slice_eq(MAP_KEY(session->request), key);
}

struct session *
session_by_request(struct smtpin *in, uint32_t request)
{
	struct map_node *node = map_find(&in->requests, MAP_KEY(request), request_matches);

	return node ? CONTAINER_OF(node, struct session, request_node) : NULL;
}

uint32_t
session_ask_begin(struct session *session, enum session_question question)
{
	struct smtpin *in = session->in;

	ASSERT(session->question == QUESTION_NONE);
	if (!in->directory || ipc_full(in->directory))
		return 0;
	do {
		in->request_last++;
	} while (in->request_last == 0 || session_by_request(in, in->request_last));
	session->request = in->request_last;
	if (map_insert(&in->requests, &session->request_node, MAP_KEY(session->request)))
		return 0;
	session->question = (uint8_t)question;
	session->due_ms = rt_now_ms(in->boot->rt) + SMTPIN_REQUEST_MS;
	return session->request;
}

void
session_ask_end(struct session *session)
{
	if (session->question == QUESTION_NONE)
		return;
	map_remove(&session->in->requests, &session->request_node);
	session->question = QUESTION_NONE;
	session->due_ms = UINT64_MAX;
}

bool
session_ask_bound(struct session *session, enum session_question question,
		  const struct smtp_address *address)
{
	uint8_t name[SMTP_DOMAIN_MAX];
	struct slice domain = address->domain;
	struct builder b;
	uint32_t request;
	int err;

	builder_init_fixed(&b, name, sizeof(name));
	err = idna_to_ascii(address->domain, &b);
	if (err == ERR_NO_MEMORY)
		return false;
	if (err == 0 && !b.failed)
		domain = builder_slice(&b); /* else no domain of ours anyway */
	request = session_ask_begin(session, question);
	if (!request)
		return false;
	if (IPC_SEND(session->in->directory, DIR_SENDER_ASK, dir_sender_ask, .request = request,
		     .login = session->login, .local = address->local, .domain = domain)) {
		session_ask_end(session);
		return false;
	}
	return true;
}

void
session_ask_failed(struct session *session)
{
	static const struct ipc_dir_rcpt later = {.kind = DIR_RCPT_LATER};
	unsigned question = session->question;

	if (question == QUESTION_AUTH) {
		session_auth_result(session, AUTH_OUTCOME_LATER, SLICE_EMPTY);
	} else {
		session_ask_end(session);
		if (question == QUESTION_RCPT)
			session_rcpt_answer(session, &later);
		else if (question == QUESTION_SENDER)
			session_sender_answer(session, ADMIT_BOUND_LATER);
		else if (question == QUESTION_AUTHOR)
			session_author_answer(session, ADMIT_BOUND_LATER);
	}
	session_pump(session);
}

static void
receive_rcpt(struct smtpin *in, const struct ipc_dir_rcpt *answer)
{
	struct session *session = session_by_request(in, answer->request);

	if (!session || session->question != QUESTION_RCPT)
		return;
	session_ask_end(session);
	session_rcpt_answer(session, answer);
	session_pump(session);
}

static void
receive_sender(struct smtpin *in, const struct ipc_dir_sender *answer)
{
	static const enum admit_bound bounds[] = {ADMIT_BOUND_NO, ADMIT_BOUND_YES,
						  ADMIT_BOUND_LATER};
	struct session *session = session_by_request(in, answer->request);
	unsigned question;

	if (!session)
		return;
	question = session->question;
	if (question != QUESTION_SENDER && question != QUESTION_AUTHOR)
		return;
	session_ask_end(session);
	if (question == QUESTION_SENDER)
		session_sender_answer(session, bounds[answer->answer]);
	else
		session_author_answer(session, bounds[answer->answer]);
	session_pump(session);
}

static void
receive_auth(struct smtpin *in, uint32_t request, const struct ipc_message *message)
{
	struct session *session = session_by_request(in, request);

	if (!session || session->question != QUESTION_AUTH)
		return;
	/* The exchange ended while the client thinks: its next message finds no question. */
	if (!smtp_server_is_waiting(&session->smtp))
		session_ask_end(session);
	else if (message->type == IPC_AUTH_CHALLENGE)
		session_auth_challenge(session, message->u.auth_challenge.challenge);
	else
		session_auth_result(session, (enum auth_outcome)message->u.auth_result.outcome,
				    message->u.auth_result.login);
	session_pump(session);
}

bool
session_receive(struct smtpin *in, const struct ipc_message *message)
{
	switch (message->type) {
	case IPC_DIR_RCPT:
		receive_rcpt(in, &message->u.dir_rcpt);
		return true;
	case IPC_DIR_SENDER:
		receive_sender(in, &message->u.dir_sender);
		return true;
	case IPC_AUTH_CHALLENGE:
		receive_auth(in, message->u.auth_challenge.request, message);
		return true;
	case IPC_AUTH_RESULT:
		receive_auth(in, message->u.auth_result.request, message);
		return true;
	default:
		return false;
	}
}
