/*
 * test_rig: see test_rig.h. Stands in for spool/reader.h and boot_stopped, so that nothing but the
 * process under test is real, and the channels that it uses.
 */
#include "proc/smtpout/test_rig.h"

#define SMUGGLED "RSET\r\nMAIL FROM:<ceo@me.test>\r\nRCPT TO:<y@far.test>\r\n"

static const struct rig_message rig_messages[] = {
	{"a@me.test", {"x@far.test", "y@far.test", "z@far.test"}, RIG_CONTENT, 0, 0, NULL, false},
	{"b@me.test", {"x@far.test"}, "Subject: y\r\n\r\nno end", 0, 0, NULL, false},
	{"c@me.test", {"x@far.test"}, "Subject: big\r\n\r\n", 640000, 0, NULL, false},
	{"d@me.test",
	 {"x@far.test"},
	 "Subject: \xc3\xa4\r\n\r\n",
	 0,
	 SPOOL_UTF8 | SPOOL_HEADER_EIGHT_BIT,
	 NULL,
	 false},
	/* what a smtpin that obeys somebody else could write */
	{"e@me.test", {"x@far.test"}, "Subject: x\r\n\r\na\nb\r\n", 0, 0, NULL, false},
	{"f@me.test", {"x@far.test"}, "Subject: x\r\n\r\n.\r\n" SMUGGLED, 0, 0, NULL, false},
	{"g@me.test", {"x@far.test"}, "Subject: x\r\n\r\n", 640000, 0, "a\nb", false},
	{"h@me.test", {"x@far.test"}, "Subject: x\r\n\r\n", 640000, 0, ".\r\n" SMUGGLED, false},
	{"i@me.test", {"x@far.test"}, "Subject: x\r\n\r\n.", 0, 0, NULL, false},
	{"j@n\xc3\xb6.test", {"x@far.test"}, RIG_CONTENT, 0, SPOOL_UTF8, NULL, false},
	{"k@me.test", {"x@far.test"}, "Subject: huge\r\n\r\n", (size_t)32 << 20, 0, NULL, false},
	{"l@me.test", {"x@far.test"}, "Subject: x\r\n\r\n", 640000, 0, NULL, true},
};
#define COUNT (sizeof(rig_messages) / sizeof(rig_messages[0]))

struct spool_reader {
	struct mem *mem;
};

static struct rig *rig_now; /* for boot_stopped, which knows no rig */

/* ---- in place of spool */

int
spool_reader_create(struct rt *rt, struct spool_reader **ret_reader)
{
	struct spool_reader *reader = MEM_NEW(rt_mem(rt), struct spool_reader);

	reader->mem = rt_mem(rt);
	*ret_reader = reader;
	return 0;
}

void
spool_reader_destroy(struct spool_reader **reader)
{
	if (*reader)
		mem_give((*reader)->mem, *reader, sizeof(**reader));
	*reader = NULL;
}

void
spool_reader_reset(struct spool_reader *reader)
{
	(void)reader;
}

bool
spool_reader_receive(struct spool_reader *reader, struct ipc_message *message)
{
	(void)reader;
	(void)message;
	return false;
}

static uint64_t
body_sum(struct spool_reader *reader, const struct spool_message *message)
{
	static struct spool_sum_state state;
	uint64_t at = message->content.len;
	uint8_t piece[4096];
	ssize_t got;

	spool_sum_begin(&state, 0);
	while ((got = spool_message_read(reader, message, at, piece, sizeof(piece))) > 0) {
		spool_sum_add(&state, slice_of(piece, (size_t)got));
		at += (uint64_t)got;
	}
	return spool_sum_end(&state);
}

int
spool_message_open(struct spool_reader *reader, uint32_t segment, uint64_t offset, uint32_t length,
		   struct spool_message *ret_message)
{
	const struct rig_message *from;
	struct spool_rcpt *rcpts;
	struct spool_accept *accept = &ret_message->accept;

	(void)offset;
	(void)length;
	if (segment >= COUNT)
		return ERR_NOT_FOUND;
	from = &rig_messages[segment];
	memset(ret_message, 0, sizeof(*ret_message));
	arena_init(&ret_message->arena, reader->mem, 4096);
	rcpts = arena_alloc(&ret_message->arena, 4 * sizeof(*rcpts));
	if (!rcpts) {
		arena_finish(&ret_message->arena);
		return ERR_NO_MEMORY;
	}
	accept->sender = slice_str(from->sender);
	for (; accept->rcpt_count < 4 && from->rcpts[accept->rcpt_count]; accept->rcpt_count++)
		rcpts[accept->rcpt_count].address = slice_str(from->rcpts[accept->rcpt_count]);
	accept->rcpts = rcpts;
	accept->flags = from->flags;
	ret_message->content = slice_str(from->content);
	accept->inline_len = (uint32_t)ret_message->content.len;
	accept->size_bytes = accept->inline_len + from->file_bytes;
	if (from->file_bytes)
		accept->body.sum = body_sum(reader, ret_message) + from->file_changed;
	return 0;
}

void
spool_message_close(struct spool_reader *reader, struct spool_message *message)
{
	(void)reader;
	arena_finish(&message->arena);
}

static void
bad_put(const struct spool_message *message, uint64_t offset, struct slice piece, uint8_t *to)
{
	const char *bad = NULL;
	uint64_t at = message->content.len + 64 * (message->accept.size_bytes / 128);

	for (size_t i = 0; i < COUNT; i++) {
		if (slice_eq(message->accept.sender, slice_str(rig_messages[i].sender)))
			bad = rig_messages[i].file_bad;
	}
	for (; bad && *bad; bad++, at++) {
		if (at >= offset && at < offset + piece.len)
			to[at - offset] = (uint8_t)*bad;
	}
}

/* The body file is lines of 63 letters. */
ssize_t
spool_message_read(struct spool_reader *reader, const struct spool_message *message,
		   uint64_t offset, void *buf, size_t len)
{
	uint64_t end = message->accept.size_bytes;
	uint8_t *to = buf;
	size_t i;

	(void)reader;
	for (i = 0; i < len && offset + i < end; i++) {
		uint64_t at = (offset + i - message->content.len) % 64;

		to[i] = at == 63 ? '\n' : at == 62 ? '\r' : (uint8_t)('a' + at % 26);
	}
	bad_put(message, offset, slice_of(to, i), to);
	return (ssize_t)i;
}

void
boot_stopped(struct boot *boot)
{
	(void)boot;
	rig_now->stopped = true;
	rt_stop(rig_now->t.rt);
}

/* ---- between smtpout and its sockets (the linker's --wrap) */

ssize_t __real_conn_send(struct conn *conn, const struct slice *slices, size_t count);
ssize_t __wrap_conn_send(struct conn *conn, const struct slice *slices, size_t count);

ssize_t
__wrap_conn_send(struct conn *conn, const struct slice *slices, size_t count)
{
	struct builder b;

	if (rig_now && rig_now->write_count < RIG_WRITES_MAX && count &&
	    slice_starts(slices[0], SLICE("Subject: x\r\n"))) {
		char *write = rig_now->writes[rig_now->write_count++];

		builder_init_fixed(&b, write, sizeof(rig_now->writes[0]) - 1);
		for (size_t i = 0; i < count; i++)
			builder_add(&b, slices[i]);
	}
	return __real_conn_send(conn, slices, count);
}

/* ---- in place of queue and dns */

static void
result_in(struct rig *rig, const struct ipc_job_result *from)
{
	struct rig_result *to = &rig->results[rig->result_count++];
	struct slice reply = slice_sub(from->verdict.reply, 0, sizeof(to->reply) - 1);
	struct slice host = slice_sub(from->verdict.host, 0, sizeof(to->host) - 1);
	struct slice evidence = slice_sub(from->verdict.evidence, 0, sizeof(to->evidence) - 1);

	ASSERT(rig->result_count <= RIG_RESULTS_MAX);
	to->job = from->job;
	for (; to->rcpt_count < from->rcpts.count && to->rcpt_count < 8; to->rcpt_count++)
		to->rcpts[to->rcpt_count] = ipc_u16s_at(from->rcpts, to->rcpt_count);
	to->class = from->verdict.class;
	to->stage = from->verdict.stage;
	to->code = from->verdict.code;
	to->status = from->verdict.status;
	to->address = from->verdict.address;
	if (reply.len)
		memcpy(to->reply, reply.data, reply.len);
	if (host.len)
		memcpy(to->host, host.data, host.len);
	if (evidence.len)
		memcpy(to->evidence, evidence.data, evidence.len);
}

static void
queue_receive(void *ctx, struct ipc_channel *from, struct ipc_message *message)
{
	struct rig *rig = ctx;

	(void)from;
	if (message->type == IPC_JOB_RESULT)
		result_in(rig, &message->u.job_result);
	else if (message->type == IPC_JOB_DONE && ++rig->done_count == rig->done_wanted)
		rt_stop(rig->t.rt);
}

static void
target_send(struct rig *rig, uint32_t request, unsigned preference, const struct net_addr *address)
{
	static const char *const hosts[] = {"mx0.far.test", "mx1.far.test", "mx2.far.test",
					    "mx3.far.test", "mx4.far.test", "mx5.far.test"};

	assert_int_equal(IPC_SEND(rig->dns_far, DNS_TARGET, dns_target, .request = request,
				  .host = slice_str(hosts[preference]),
				  .preference = (uint16_t)preference, .address = *address),
			 0);
}

static void
dns_receive(void *ctx, struct ipc_channel *from, struct ipc_message *message)
{
	struct rig *rig = ctx;
	uint32_t request = message->u.dns_ask.request;
	unsigned preference = 0;

	(void)from;
	if (request == RIG_REQUEST_NONE)
		return;
	rig->asked++;
	if (rig->dns_mute)
		return;
	for (unsigned i = 0; i < rig->dead_count; i++)
		target_send(rig, request, preference++, &rig->dead[i]);
	for (unsigned i = 0; i < rig->peer_count; i++)
		target_send(rig, request, preference++, &rig->peers[i].address);
	assert_int_equal(IPC_SEND(rig->dns_far, DNS_DONE, dns_done, .request = request, .ttl_s = 60,
				  .verdict = rig->dns_verdict),
			 0);
}

static void
smtpout_in(void *ctx, struct ipc_channel *from, struct ipc_message *message)
{
	smtpout_process.receive(((struct rig *)ctx)->out, from, message);
}

static void
smtpout_drained(void *ctx, struct ipc_channel *channel)
{
	smtpout_process.drained(((struct rig *)ctx)->out, channel);
}

static void
smtpout_closed(void *ctx, struct ipc_channel *channel, int err)
{
	struct rig *rig = ctx;

	(void)err;
	smtpout_process.channel_closed(rig->out, channel);
	if (channel == rig->queue_near)
		ipc_channel_destroy(&rig->queue_near);
	else
		ipc_channel_destroy(&rig->dns_near);
}

static void
far_closed(void *ctx, struct ipc_channel *channel, int err)
{
	(void)ctx;
	(void)channel;
	(void)err;
	ASSERT_UNREACHABLE();
}

static void
pair(struct rig *rig, enum ipc_role role, struct ipc_channel **ret_far,
     struct ipc_channel **ret_near)
{
	struct ipc_ends far = {role, IPC_ROLE_SMTPOUT, 0, 0}, near = {IPC_ROLE_SMTPOUT, role, 0, 0};
	struct ipc_events far_events = {rig, role == IPC_ROLE_QUEUE ? queue_receive : dns_receive,
					NULL, far_closed};
	struct ipc_events near_events = {rig, smtpout_in, smtpout_drained, smtpout_closed};
	int fds[2];

	assert_int_equal(rt_channel_pair(rig->t.rt, fds), 0);
	assert_int_equal(ipc_channel_create(rig->t.rt, fds[0], &far, &far_events, ret_far), 0);
	assert_int_equal(ipc_channel_create(rig->t.rt, fds[1], &near, &near_events, ret_near), 0);
	smtpout_process.channel(rig->out, *ret_near);
}

/* ---- the rig */

void
rig_begin(struct rig *rig)
{
	void *state;

	memset(rig, 0, sizeof(*rig));
	rig_now = rig;
	test_rt_begin(&rig->t);
	rig->boot = (struct boot){.rt = rig->t.rt, .role = IPC_ROLE_SMTPOUT};
	assert_int_equal(log_create(rig->t.rt, "smtpout", 2, &rig->boot.log), 0);
	log_set_level(rig->boot.log, LOG_WARN);
	arena_init(&rig->arena, rt_mem(rig->t.rt), CONFIG_ARENA_BYTES);
	assert_int_equal(config_defaults(&rig->arena, &rig->config), 0);
	rig->config.hostname = SLICE("me.test");
	rig->config.out_idle = 5000;
	rig->boot.config = &rig->config;
	rig->dns_verdict = (struct verdict){.class = VERDICT_OK};
	assert_int_equal(smtpout_process.create(&rig->boot, &state), 0);
	rig->out = state;
	pair(rig, IPC_ROLE_QUEUE, &rig->queue_far, &rig->queue_near);
	pair(rig, IPC_ROLE_DNS, &rig->dns_far, &rig->dns_near);
}

struct peer *
rig_peer(struct rig *rig, struct peer_rule *rules, size_t rule_count)
{
	struct peer *peer = &rig->peers[rig->peer_count++];

	peer_init(peer, rig->t.rt, rules, rule_count);
	return peer;
}

static void
job_send(struct rig *rig, struct ipc_job *job, unsigned rcpt_count)
{
	uint16_t rcpts[4] = {0, 1, 2, 3};

	job->rcpts = ipc_u16s_make(rcpts, rcpt_count);
	job->attempt = 1;
	assert_int_equal(
		ipc_send(rig->queue_far, &(struct ipc_message){.type = IPC_JOB, .u.job = *job}), 0);
}

void
rig_job(struct rig *rig, uint64_t number, uint32_t segment, unsigned rcpt_count, unsigned slots)
{
	struct ipc_job job = {.job = number,
			      .message = 1 + segment,
			      .segment = segment,
			      .slots = (uint16_t)slots,
			      .destination = SLICE("far.test")};

	job_send(rig, &job, rcpt_count);
}

void
rig_job_to(struct rig *rig, uint64_t number, const char *destination)
{
	struct ipc_job job = {.job = number, .message = 1, .slots = 1};

	job.destination = slice_str(destination);
	job_send(rig, &job, 1);
}

void
rig_run(struct rig *rig, unsigned done)
{
	rig->done_wanted = done;
	if (rig->done_count < done)
		test_rt_run(&rig->t);
}

static void
on_pause(void *ctx)
{
	rt_stop(ctx);
}

void
rig_run_ms(struct rig *rig, uint64_t ms)
{
	struct rt_timer pause;

	rt_timer_init(&pause, rig->t.rt, on_pause, rig->t.rt);
	rt_timer_arm(&pause, ms);
	test_rt_run(&rig->t);
	rt_timer_finish(&pause);
}

void
rig_dns_restart(struct rig *rig)
{
	ipc_channel_destroy(&rig->dns_far);
	rig_run_ms(rig, 20);
	pair(rig, IPC_ROLE_DNS, &rig->dns_far, &rig->dns_near);
}

void
rig_end(struct rig *rig)
{
	void *state = rig->out;

	smtpout_process.destroy(&state);
	ipc_channel_destroy(&rig->queue_near);
	ipc_channel_destroy(&rig->queue_far);
	ipc_channel_destroy(&rig->dns_near);
	ipc_channel_destroy(&rig->dns_far);
	for (unsigned i = 0; i < rig->peer_count; i++)
		peer_finish(&rig->peers[i]);
	arena_finish(&rig->arena);
	log_destroy(&rig->boot.log);
	test_rt_end(&rig->t);
}

/* ---- what came of it */

void
rig_result_is(const struct rig *rig, size_t index, unsigned class, unsigned stage, unsigned code)
{
	const struct rig_result *got = &rig->results[index];

	assert_true(index < rig->result_count);
	assert_int_equal(got->class, class);
	assert_string_equal(verdict_stage_str(got->stage), verdict_stage_str(stage));
	assert_int_equal(got->code, code);
}

void
rig_status_is(const struct rig *rig, size_t index, unsigned class, unsigned subject,
	      unsigned detail)
{
	assert_int_equal(rig->results[index].status.class, class);
	assert_int_equal(rig->results[index].status.subject, subject);
	assert_int_equal(rig->results[index].status.detail, detail);
}

void
rig_evidence_is(const struct rig *rig, size_t index, const char *want)
{
	if (!strstr(rig->results[index].evidence, want))
		fail_msg("%s: without %s", rig->results[index].evidence, want);
}
