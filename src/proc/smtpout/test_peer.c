/* test_peer: see test_peer.h. Replies to commands that came in one piece go out in one piece. */
#include "proc/smtpout/test_peer.h"

#include "base/test.h"

static void
link_close(struct peer_link *link)
{
	conn_destroy(&link->conn);
	link->peer->open--;
	builder_str(&link->peer->log, ">\n");
}

static const char *
usual_reply(struct slice command)
{
	static const struct {
		const char *command, *reply;
	} usual[] = {
		{"@greeting", "220 peer.test\r\n"},
		{"EHLO", "250-peer.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 900000\r\n"},
		{"DATA", "354 go\r\n"},
		{".", "250 2.0.0 queued\r\n"},
		{"QUIT", "221 bye\r\n"},
		{"", "250 ok\r\n"},
	};
	size_t i = 0;

	while (!slice_starts(command, slice_str(usual[i].command)))
		i++;
	return usual[i].reply;
}

static const char *
reply_to(struct peer *peer, struct slice command)
{
	for (size_t i = 0; i < peer->rule_count; i++) {
		struct peer_rule *rule = &peer->rules[i];

		if (!slice_starts(command, slice_str(rule->command)))
			continue;
		if (rule->count == 1)
			rule->command = "\xff"; /* used up */
		else if (rule->count)
			rule->count--;
		return rule->reply;
	}
	return usual_reply(command);
}

/* False: the link is closed. */
static bool
answer(struct peer_link *link, struct slice command)
{
	struct slice reply = slice_str(reply_to(link->peer, command));

	if (slice_eq(reply, SLICE("@close"))) {
		link_close(link);
		return false;
	}
	if (slice_eq(reply, SLICE("@silent")))
		return true;
	if (slice_starts(reply, SLICE("@tls"))) {
		link->shaking = true;
		link->closes = slice_eq(reply, SLICE("@tls-close"));
		reply = SLICE("220 go\r\n");
	}
	if (slice_eq(reply, SLICE("@stall"))) {
		link->stalled = true;
		reply = SLICE("220 go\r\n");
	}
	if (slice_eq(reply, SLICE("@deaf"))) {
		link->deaf = true;
		reply = SLICE("354 go\r\n");
	}
	link->in_data = slice_starts(command, SLICE("DATA")) && reply.data[0] == '3';
	if (link->in_data)
		link->peer->content_len = 0;
	ASSERT(link->out_len + reply.len <= sizeof(link->out));
	memcpy(link->out + link->out_len, reply.data, reply.len);
	link->out_len += reply.len;
	return true;
}

static void
content_log(struct peer *peer)
{
	builder_byte(&peer->log, '=');
	builder_dec(&peer->log, peer->content_len);
	builder_str(&peer->log, "=\n");
}

static bool
line_take(struct peer_link *link, struct slice line)
{
	struct peer *peer = link->peer;

	if (link->stalled)
		return true;
	if (!link->in_data) {
		struct slice command = slice_sub(line, 0, line.len - 2);

		/* a TLS handshake, which is none of our arts */
		if (line.len < 2 || line.data[line.len - 2] != '\r') {
			link_close(link);
			return false;
		}
		builder_add(&peer->log, command);
		builder_byte(&peer->log, '\n');
		return answer(link, command);
	}
	ASSERT(peer->content_len + line.len <= PEER_CONTENT_MAX);
	memcpy(peer->content + peer->content_len, line.data, line.len);
	peer->content_len += line.len;
	if (!slice_eq(line, SLICE(".\r\n")))
		return true;
	link->in_data = false;
	content_log(peer);
	return answer(link, SLICE("."));
}

static void
tls_begin(struct peer_link *link)
{
	struct peer *peer = link->peer;
	struct conn_tls_options options = {.deadline_ms = rt_now_ms(peer->rt) + 5000};

	if (!peer->tls) {
		struct test_pem pem;
		struct tls_why why;

		test_pem_make(&pem);
		assert_int_equal(
			tls_context_server_create(rt_mem(peer->rt), test_pem_slice(pem.certificate),
						  test_pem_slice(pem.key), &why, &peer->tls),
			0);
		test_pem_free(&pem);
	}
	options.context = peer->tls;
	assert_int_equal(conn_tls_start(link->conn, &options), 0);
}

static void
flush(struct peer_link *link)
{
	struct slice out = slice_of(link->out, link->out_len);

	link->out_len = 0;
	if (out.len && conn_send(link->conn, &out, 1) < 0)
		link_close(link);
	else if (link->deaf)
		conn_want(link->conn, 0);
	else if (link->shaking && conn_tls_result(link->conn) == ERR_STATE)
		tls_begin(link);
}

static void
on_ready(void *ctx, unsigned events)
{
	struct peer_link *link = ctx;
	uint8_t buf[32768];
	ssize_t got;

	(void)events;
	if (link->shaking) {
		int err = conn_tls_result(link->conn);

		if (err == ERR_AGAIN)
			return;
		link->shaking = false;
		link->peer->shaken += err == 0;
		if (link->closes) {
			link_close(link);
			return;
		}
		conn_want(link->conn, RT_READABLE);
	}
	got = conn_recv(link->conn, buf, sizeof(buf));
	if (got == ERR_AGAIN)
		return;
	if (got < 0) {
		link_close(link);
		return;
	}
	for (ssize_t i = 0; i < got; i++) {
		ASSERT(link->line_len < sizeof(link->line));
		link->line[link->line_len++] = buf[i];
		if (buf[i] != '\n')
			continue;
		if (!line_take(link, slice_of(link->line, link->line_len)))
			return;
		link->line_len = 0;
	}
	flush(link);
}

static void
on_accept(void *ctx, struct rt_stream *stream, int err)
{
	struct peer *peer = ctx;
	struct peer_link *link = &peer->links[peer->connects];

	ASSERT(!err && peer->connects < PEER_LINKS_MAX);
	builder_str(&peer->log, "<\n");
	peer->connects++;
	if (++peer->open > peer->open_most)
		peer->open_most = peer->open;
	*link = (struct peer_link){.peer = peer};
	assert_int_equal(conn_create(stream, on_ready, link, &link->conn), 0);
	conn_want(link->conn, RT_READABLE);
	if (answer(link, SLICE("@greeting")))
		flush(link);
}

void
peer_init(struct peer *peer, struct rt *rt, struct peer_rule *rules, size_t rule_count)
{
	struct net_addr any = {NET_FAMILY_4, 0, {127, 0, 0, 1}};
	int fd;

	memset(peer, 0, sizeof(*peer));
	peer->rt = rt;
	peer->rules = rules;
	peer->rule_count = rule_count;
	builder_init_fixed(&peer->log, peer->log_room, sizeof(peer->log_room));
	assert_int_equal(rt_listen(rt, &any, &fd), 0);
	assert_int_equal(rt_listener_create(rt, fd, on_accept, peer, &peer->listener), 0);
	assert_int_equal(rt_listener_addr(peer->listener, &peer->address), 0);
}

void
peer_finish(struct peer *peer)
{
	for (unsigned i = 0; i < peer->connects; i++)
		conn_destroy(&peer->links[i].conn);
	tls_context_unref(&peer->tls);
	rt_listener_destroy(&peer->listener);
}
