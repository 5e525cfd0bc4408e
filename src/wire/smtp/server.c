/*
 * server: the five verbs, the table of commands, and what follows from the owner's answers. The
 * commands are in cmd_*.c, input in server_input.c, output in server_reply.c.
 */
#include "wire/smtp/server.h"

#include <string.h>

#include "base/assert.h"
#include "wire/smtp/server_impl.h"

enum command_flag {
	ARG = 1,  /* needs an argument */
	BARE = 2, /* takes none */
};

enum { H = STATE_HELLO, R = STATE_READY, M = STATE_MAIL, V = STATE_RCPT, C = STATE_CHUNKS };

static const struct command_row {
	struct slice verb;
	enum smtp_server_step (*handler)(struct smtp_server *s, const struct smtp_command *command,
					 struct smtp_server_event *ret_event);
	unsigned states;
	enum smtp_refusal otherwise;
	unsigned flags;
	size_t line_max;
} commands[] = {
#define COMMAND(VERB, handler, states, otherwise, flags, line_max)                                 \
	{SLICE(#VERB), cmd_##handler, states, SMTP_REFUSED_##otherwise, flags, line_max},
#include "wire/smtp/commands.def"
#undef COMMAND
};

/* The longest line of the table, where AUTH is possible and where it is not. */
#define LINE_MAX_WITH_AUTH 12288u
#define LINE_MAX_WITHOUT_AUTH 1280u

void
smtp_server_init(struct smtp_server *s, struct mem *mem, const struct smtp_server_options *options,
		 uint64_t now_ms)
{
	ASSERT(mem && options);
	*s = (struct smtp_server){
		.mem = mem, .options = options, .now_ms = now_ms, .progress_ms = now_ms};
}

void
smtp_server_finish(struct smtp_server *s)
{
	server_auth_forget(s);
	server_input_discard(s);
	server_output_free(s);
}

bool
smtp_server_is_waiting(const struct smtp_server *s)
{
	return s->waiting != SMTP_SERVER_NONE;
}

static size_t
unsent(const struct smtp_server *s)
{
	return s->out_len - s->out_sent;
}

size_t
smtp_server_room(const struct smtp_server *s)
{
	if (s->closing || unsent(s) >= SMTP_SERVER_OUTPUT_HIGH)
		return 0;
	return s->view.len < SMTP_SERVER_INPUT_MAX ? SMTP_SERVER_INPUT_MAX - s->view.len : 0;
}

void
smtp_server_feed(struct smtp_server *s, struct slice input, uint64_t now_ms)
{
	ASSERT(input.len <= SMTP_SERVER_INPUT_MAX - s->view.len);
	s->now_ms = now_ms;
	if (s->closing || s->state == STATE_TLS || input.len == 0)
		return;
	if (s->data_told && unsent(s)) {
		/* No client can have seen our answer to DATA yet (RFC 2920 3.1). */
		(void)server_refuse(s, SMTP_REFUSED_BEFORE_354);
		server_close(s);
		return;
	}
	s->data_told = false;
	if (s->mode == MODE_DATA || s->mode == MODE_CHUNK)
		s->progress_ms = now_ms;
	server_input_feed(s, input);
}

enum smtp_server_step
server_ask(struct smtp_server *s, struct smtp_server_event *event, enum smtp_server_event_kind kind)
{
	ASSERT(!s->waiting);
	s->waiting = (uint8_t)kind;
	event->kind = kind;
	return STEP_EVENT;
}

void
server_reset(struct smtp_server *s)
{
	if (!server_in_transaction(s))
		return;
	s->state = STATE_READY;
	s->tell_reset = true;
}

void
server_close(struct smtp_server *s)
{
	s->closing = true;
	server_reset(s);
	if (s->mode == MODE_AUTH || s->waiting == SMTP_SERVER_AUTH)
		s->tell_auth_end = true;
	s->mode = MODE_COMMAND;
	s->waiting = SMTP_SERVER_NONE;
}

/* Events that stand to be told, in this order. */
static bool
tell(struct smtp_server *s, struct smtp_server_event *event)
{
	if (s->tell_refused) {
		s->tell_refused = false;
		event->kind = SMTP_SERVER_REFUSED;
		event->refused = (enum smtp_refusal)s->refused;
	} else if (s->tell_auth_end) {
		s->tell_auth_end = false;
		event->kind = SMTP_SERVER_AUTH_END;
	} else if (s->tell_reset) {
		s->tell_reset = false;
		event->kind = SMTP_SERVER_RESET;
	} else if (s->closing && !s->closed) {
		s->closed = true;
		event->kind = SMTP_SERVER_CLOSE;
	}
	return event->kind != SMTP_SERVER_NONE;
}

static const struct command_row *
find_command(struct slice verb)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (slice_eq_nocase(commands[i].verb, verb))
			return &commands[i];
	return NULL;
}

/* Why a command of this row cannot be taken now; SMTP_REFUSED_MAX when it can. */
static enum smtp_refusal
check_command(const struct smtp_server *s, const struct command_row *row,
	      const struct smtp_command *command, size_t line_len)
{
	if (line_len > row->line_max)
		return SMTP_REFUSED_LINE_LONG;
	if (!(row->states & s->state)) {
		if (row->states && s->state == STATE_HELLO)
			return SMTP_REFUSED_HELLO_FIRST;
		if (row->states && s->state == STATE_CHUNKS)
			return row->handler == cmd_data ? SMTP_REFUSED_DATA_AFTER_BDAT
							: SMTP_REFUSED_BAD_SEQUENCE;
		return row->otherwise;
	}
	if (row->flags & BARE && command->argument.len)
		return SMTP_REFUSED_NO_ARGUMENT;
	if (row->flags & ARG && !command->argument.len)
		return SMTP_REFUSED_ARGUMENT;
	return SMTP_REFUSED_MAX;
}

/*
 * Behind DATA nothing may come before its reply (RFC 2920 3.1); who sends more after a refusal
 * would have its message taken for commands. So would the octets of a chunk behind a BDAT that
 * cannot be read.
 */
static enum smtp_server_step
refuse_command(struct smtp_server *s, const struct command_row *row, enum smtp_refusal refusal)
{
	(void)server_refuse(s, refusal);
	if (row && row->handler == cmd_data)
		s->data_told = true;
	if (s->line_is_bdat || (s->data_told && s->view.len))
		server_close(s);
	return STEP_AGAIN;
}

static enum smtp_server_step
step_command(struct smtp_server *s, struct smtp_server_event *ret_event)
{
	bool auth = s->tls && s->options->auth_mechanisms.len;
	struct smtp_command command;
	const struct command_row *row;
	struct slice line = SLICE_EMPTY;
	enum smtp_refusal refused;

	if (s->shutting_down)
		return server_refuse(s, SMTP_REFUSED_SHUTDOWN);
	if (!server_input_line(s, auth ? LINE_MAX_WITH_AUTH : LINE_MAX_WITHOUT_AUTH, &line,
			       &refused))
		return STEP_MORE;
	s->progress_ms = s->now_ms;
	s->commands++;
	if (s->options->commands_max && s->commands > s->options->commands_max)
		return server_refuse(s, SMTP_REFUSED_COMMANDS_MAX);
	if (refused != SMTP_REFUSED_MAX)
		return refuse_command(s, NULL, refused);
	command.argument = line;
	command.verb = slice_cut(&command.argument, ' ');
	command.argument = slice_trim(command.argument);
	row = find_command(slice_trim(command.verb));
	if (!row)
		return refuse_command(s, NULL, SMTP_REFUSED_UNKNOWN);
	refused = check_command(s, row, &command, line.len + 2);
	if (refused != SMTP_REFUSED_MAX)
		return refuse_command(s, row, refused);
	return row->handler(s, &command, ret_event);
}

static enum smtp_server_step
step(struct smtp_server *s, struct smtp_server_event *ret_event)
{
	static enum smtp_server_step (*const steps[])(struct smtp_server *,
						      struct smtp_server_event *) = {
		[MODE_COMMAND] = step_command,
		[MODE_DATA] = server_step_data,
		[MODE_CHUNK] = server_step_chunk,
		[MODE_AUTH] = server_step_auth,
	};

	if (s->closing || s->waiting || s->state == STATE_TLS ||
	    unsent(s) >= SMTP_SERVER_OUTPUT_HIGH)
		return STEP_MORE;
	if (s->state == STATE_CONNECT)
		return server_ask(s, ret_event, SMTP_SERVER_CONNECT);
	return steps[s->mode](s, ret_event);
}

bool
smtp_server_next(struct smtp_server *s, struct smtp_server_event *ret_event)
{
	enum smtp_server_step done = STEP_AGAIN;

	*ret_event = (struct smtp_server_event){.kind = SMTP_SERVER_NONE};
	while (done == STEP_AGAIN) {
		if (tell(s, ret_event))
			return true;
		done = step(s, ret_event);
	}
	if (done == STEP_EVENT)
		return true;
	if (s->closing)
		server_input_discard(s);
	else
		server_input_park(s);
	return tell(s, ret_event); /* parking may have run out of memory */
}

static void
answer_connect(struct smtp_server *s, const struct smtp_answer *answer)
{
	struct smtp_answer reply = *answer;
	uint8_t text[SMTP_DOMAIN_MAX + sizeof(" ESMTP Frank")];
	struct builder b;

	if (answer->code != 220) {
		reply.close = true;
		server_reply(s, &reply);
		return;
	}
	builder_init_fixed(&b, text, sizeof(text));
	builder_add(&b, s->options->hostname);
	builder_str(&b, " ESMTP Frank");
	reply.text = builder_slice(&b);
	s->state = STATE_HELLO;
	server_reply(s, &reply);
}

static void
answer_hello(struct smtp_server *s, const struct smtp_answer *answer)
{
	if (answer->code != 250) {
		server_reply_answer(s, answer);
		return;
	}
	s->state = STATE_READY;
	server_reply_hello(s);
}

static void
answer_starttls(struct smtp_server *s, const struct smtp_answer *answer)
{
	if (answer->code == 220) {
		s->state = STATE_TLS;
		server_input_discard(s);
	}
	server_reply_answer(s, answer);
}

static void
answer_mail(struct smtp_server *s, const struct smtp_answer *answer)
{
	if (answer->code == 250) {
		s->chunks_failed = false;
		s->state = STATE_MAIL;
		s->recipients = 0;
		s->mails++;
	}
	server_reply_answer(s, answer);
}

static void
answer_rcpt(struct smtp_server *s, const struct smtp_answer *answer)
{
	if (answer->code == 250) {
		s->state = STATE_RCPT;
		s->recipients++;
	}
	server_reply_answer(s, answer);
}

static void
answer_message(struct smtp_server *s, const struct smtp_answer *answer)
{
	s->state = STATE_READY;
	if (answer->code == 250)
		s->errors = 0;
	server_reply_answer(s, answer);
}

void
smtp_server_answer(struct smtp_server *s, const struct smtp_answer *answer, uint64_t now_ms)
{
	static void (*const answers[])(struct smtp_server *, const struct smtp_answer *) = {
		[SMTP_SERVER_CONNECT] = answer_connect,
		[SMTP_SERVER_HELLO] = answer_hello,
		[SMTP_SERVER_STARTTLS] = answer_starttls,
		[SMTP_SERVER_AUTH] = server_answer_auth,
		[SMTP_SERVER_AUTH_RESPONSE] = server_answer_auth,
		[SMTP_SERVER_MAIL] = answer_mail,
		[SMTP_SERVER_RCPT] = answer_rcpt,
		[SMTP_SERVER_DATA] = server_answer_data,
		[SMTP_SERVER_MESSAGE] = answer_message,
	};
	unsigned kind = s->waiting;

	if (s->closing)
		return;
	ASSERT(kind > SMTP_SERVER_NONE && kind <= SMTP_SERVER_MESSAGE);
	s->now_ms = s->progress_ms = now_ms;
	s->waiting = SMTP_SERVER_NONE;
	answers[kind](s, answer);
}

struct slice
smtp_server_output(const struct smtp_server *s)
{
	return unsent(s) ? slice_of(s->out + s->out_sent, unsent(s)) : SLICE_EMPTY;
}

void
smtp_server_sent(struct smtp_server *s, size_t len, uint64_t now_ms)
{
	ASSERT(len <= unsent(s));
	s->now_ms = s->progress_ms = s->output_ms = now_ms;
	s->out_sent += (uint32_t)len;
	if (unsent(s) == 0)
		server_output_free(s);
}

static uint64_t
after(uint64_t start_ms, uint32_t wait_ms)
{
	return wait_ms ? start_ms + wait_ms : SMTP_SERVER_NEVER;
}

/* A message has begun; between two chunks, too. */
static bool
is_in_message(const struct smtp_server *s)
{
	return s->mode == MODE_DATA || s->mode == MODE_CHUNK || s->state == STATE_CHUNKS;
}

/* For what the client has to send next. */
static uint64_t
input_deadline(const struct smtp_server *s)
{
	uint32_t piece_ms = s->options->command_ms;
	uint64_t piece, whole = SMTP_SERVER_NEVER;

	if (s->closing || s->waiting || s->state == STATE_TLS || s->state == STATE_CONNECT)
		return SMTP_SERVER_NEVER;
	if (s->mode == MODE_AUTH)
		piece_ms = s->options->login_ms;
	else if (s->mode != MODE_COMMAND)
		piece_ms = s->options->data_ms;
	if (is_in_message(s))
		whole = after(s->message_start_ms, s->options->message_ms);
	piece = after(s->progress_ms, piece_ms);
	return piece < whole ? piece : whole;
}

/* Sending buys no time for output that is not read, and nothing buys a message more. */
uint64_t
smtp_server_deadline(const struct smtp_server *s)
{
	uint64_t input = input_deadline(s), output = SMTP_SERVER_NEVER;

	if (unsent(s))
		output = after(s->output_ms, s->options->command_ms);
	return input < output ? input : output;
}

void
smtp_server_tick(struct smtp_server *s, uint64_t now_ms)
{
	s->now_ms = now_ms;
	if (s->closing || now_ms < smtp_server_deadline(s))
		return;
	(void)server_refuse(s, SMTP_REFUSED_TIME_MAX);
}

void
smtp_server_tls_started(struct smtp_server *s, bool channel_binding)
{
	ASSERT(s->state == STATE_TLS || s->state == STATE_CONNECT);
	if (s->state == STATE_TLS)
		s->state = STATE_HELLO;
	s->tls = true;
	s->channel_binding = channel_binding;
	s->esmtp = s->utf8 = false;
	s->progress_ms = s->now_ms;
	server_input_discard(s);
}

void
smtp_server_abort(struct smtp_server *s)
{
	if (!s->closing)
		(void)server_refuse(s, SMTP_REFUSED_SHUTDOWN);
}

void
smtp_server_shutdown(struct smtp_server *s)
{
	s->shutting_down = true;
}
