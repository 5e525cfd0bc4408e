/*
 * The simulated backend by small processes of its own: what a power cut leaves, what a kill takes
 * back, that streams and channels keep their order, and that equal seeds give equal runs.
 */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/test.h"
#include "rt/channel.h"
#include "rt/file.h"
#include "rt/net.h"
#include "rt/process.h"
#include "rt/sim/disk.h"
#include "rt/sim/net.h"

#define SECOND ((uint64_t)1000000)

/* What the processes and the tests share: a process is one thread of the same program. */
struct shared {
	struct sim_world *world;
	int status;
	size_t ended, memory_left;
	bool kept;    /* a process holds memory, a file and a lock for ever */
	int lock_err; /* of the second holder */
	int sync_err; /* of the writer's sync */
	size_t got;   /* bytes at the reader */
	uint8_t last; /* of them */
	int read_err;
	size_t packets;
	bool closed;
	int spawn_status;
};

static struct shared *
shared_of(struct rt *rt)
{
	return sim_ctx(sim_world_of(rt));
}

static void
on_ended(void *ctx, const struct sim_ended *ended)
{
	struct shared *shared = ctx;

	shared->ended++;
	shared->status = ended->status;
	shared->memory_left = ended->memory_bytes;
}

static void
on_broken(void *ctx, const char *program, const char *what)
{
	(void)ctx;
	fail_msg("%s: %s", program, what);
}

static struct rt *
rt_of_process(void)
{
	struct rt_options options = {0};
	struct rt *rt;

	return rt_create(&options, &rt) ? NULL : rt;
}

/* --- programs -------------------------------------------------------------------------------- */

static void
stop_now(void *ctx)
{
	rt_stop(ctx);
}

/* Appends and syncs, and appends more without. */
static int
writer_main(int argc, char **argv)
{
	struct rt *rt = rt_of_process();
	struct slice first = SLICE("durable"), second = SLICE("perhaps");
	struct rt_io io = {.kind = RT_IO_APPEND_SYNC, .slices = &first, .slice_count = 1};
	int dir, fd;

	(void)argc;
	(void)argv;
	if (rt_open_dir(rt, RT_AT_PATH, "/d", false, &dir) ||
	    rt_open(rt, dir, "file", RT_OPEN_WRITE | RT_OPEN_APPEND | RT_OPEN_CREATE, &fd))
		return 1;
	io.fd = fd;
	io.done = stop_now;
	io.ctx = rt;
	rt_io_submit(rt, &io);
	rt_run(rt);
	shared_of(rt)->sync_err = io.err;
	io = (struct rt_io){.kind = RT_IO_SYNC, .fd = dir, .done = stop_now, .ctx = rt};
	rt_io_submit(rt, &io);
	rt_run(rt);
	if (rt_write(rt, fd, second) ||
	    rt_open(rt, dir, "unsynced", RT_OPEN_WRITE | RT_OPEN_CREATE, &fd))
		return 1;
	rt_close(rt, fd);
	rt_destroy(&rt);
	return 0;
}

/* Holds what it has until it is killed. */
static int
holder_main(int argc, char **argv)
{
	struct rt *rt = rt_of_process();
	int fd = -1;

	(void)argc;
	(void)argv;
	if (!mem_take(rt_mem(rt), 1000) ||
	    rt_open(rt, RT_AT_PATH, "/d/lock", RT_OPEN_WRITE | RT_OPEN_CREATE, &fd))
		return 1;
	shared_of(rt)->lock_err = rt_lock(rt, fd);
	shared_of(rt)->kept = true;
	rt_run(rt);
	return 0;
}

/* Reads all that a client sends. */
struct reader {
	struct rt *rt;
	struct rt_stream *stream;
	struct rt_listener *listener;
};

static void
on_readable(void *ctx, unsigned events)
{
	struct reader *reader = ctx;
	struct shared *shared = shared_of(reader->rt);
	uint8_t buf[100];
	ssize_t got;

	(void)events;
	while ((got = rt_stream_recv(reader->stream, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < got; i++)
			if (buf[i] != (uint8_t)(shared->got + (size_t)i))
				shared->read_err = -EBADMSG;
		shared->got += (size_t)got;
	}
	if (got == ERR_AGAIN)
		return;
	if (got != ERR_EOF)
		shared->read_err = (int)got;
	rt_stream_destroy(&reader->stream);
	rt_listener_destroy(&reader->listener);
	rt_stop(reader->rt);
}

static void
on_accept(void *ctx, struct rt_stream *stream, int err)
{
	struct reader *reader = ctx;

	if (err)
		return;
	reader->stream = stream;
	rt_stream_on_ready(stream, on_readable, reader);
	rt_stream_want(stream, RT_READABLE);
}

static struct net_addr
test_addr(void)
{
	struct net_addr addr = net_addr_of(slice_of("\x0a\0\0\1", 4));

	addr.port = 25;
	return addr;
}

static int
reader_main(int argc, char **argv)
{
	struct reader reader = {.rt = rt_of_process()};
	struct net_addr addr = test_addr();
	int fd;

	(void)argc;
	(void)argv;
	if (rt_listen(reader.rt, &addr, &fd) ||
	    rt_listener_create(reader.rt, fd, on_accept, &reader, &reader.listener))
		return 1;
	rt_run(reader.rt);
	rt_destroy(&reader.rt);
	return 0;
}

/* A parent with a channel to its child, which sends numbers and ends. */
static void
on_packet(void *ctx, struct slice packet, const int *fds, size_t fd_count)
{
	struct shared *shared = shared_of(ctx);

	(void)fds;
	if (packet.len == 1 && packet.data[0] == (uint8_t)shared->packets && fd_count == 0)
		shared->packets++;
}

static void
on_closed(void *ctx, int err)
{
	shared_of(ctx)->closed = err == ERR_CLOSED;
}

static void
on_child(void *ctx, int pid, int status)
{
	(void)pid;
	shared_of(ctx)->spawn_status = status;
	rt_stop(ctx);
}

static const struct rt_channel_events channel_events = {on_packet, NULL, on_closed};

static int
parent_main(int argc, char **argv)
{
	static const char *const child_argv[] = {"child", NULL};
	struct rt *rt = rt_of_process();
	struct rt_channel *channel;
	struct rt_spawn spawn = {.argv = child_argv, .fd_count = 1, .log_fd = 2};
	int fds[2], pid, err;

	(void)argc;
	(void)argv;
	rt_on_child(rt, on_child, rt);
	err = rt_channel_pair(rt, fds);
	if (!err)
		err = rt_channel_create(rt, fds[0], &channel_events, rt, &channel);
	spawn.fds = &fds[1];
	if (!err)
		err = rt_open_program(rt, RT_AT_PATH, "child", &spawn.program_fd);
	if (!err)
		err = rt_spawn(rt, &spawn, &pid);
	if (err)
		return 1;
	rt_close(rt, fds[1]);
	rt_run(rt);
	rt_channel_destroy(&channel);
	rt_destroy(&rt);
	return 0;
}

static int
child_main(int argc, char **argv)
{
	struct rt *rt = rt_of_process();
	struct rt_channel *channel;

	(void)argc;
	(void)argv;
	if (rt_channel_create(rt, 3, &channel_events, rt, &channel))
		return 1;
	for (uint8_t i = 0; i < 5; i++)
		if (rt_channel_send(channel, slice_of(&i, 1), NULL, 0))
			return 1;
	return 7;
}

static const struct sim_program programs[] = {
	{"writer", writer_main}, {"holder", holder_main}, {"reader", reader_main},
	{"parent", parent_main}, {"child", child_main},
};

static void
world_begin(struct shared *shared, uint64_t seed)
{
	struct sim_options options = {.seed = seed,
				      .wall_ms = 1000000,
				      .programs = programs,
				      .program_count = 5,
				      .events = {NULL, on_ended, on_broken},
				      .ctx = shared};

	*shared = (struct shared){.sync_err = -1, .lock_err = -1, .spawn_status = -1};
	assert_int_equal(sim_create(&options, &shared->world), 0);
	sim_disk_mkdir(shared->world, "/d");
}

static int
start(struct shared *shared, const char *name)
{
	const char *const argv[] = {name, NULL};

	return sim_start(shared->world, name, argv);
}

static void
run_for(struct shared *shared, uint64_t us)
{
	(void)sim_run(shared->world, sim_now_us(shared->world) + us);
}

/* --- tests ----------------------------------------------------------------------------------- */

TEST(power_cut_keeps_what_was_synced)
{
	struct shared shared;
	struct slice bytes;
	size_t more = 0, names = 0;

	for (uint64_t seed = 1; seed <= 200; seed++) {
		world_begin(&shared, seed);
		(void)start(&shared, "writer");
		run_for(&shared, SECOND);
		assert_int_equal(shared.sync_err, 0);
		assert_int_equal(shared.status, 0);
		sim_power_cut(shared.world);
		assert_int_equal(sim_disk_get(shared.world, "/d/file", &bytes), 0);
		assert_true(bytes.len >= 7);
		assert_slice(slice_sub(bytes, 0, 7), SLICE("durable"));
		more += bytes.len > 7;
		names += sim_disk_get(shared.world, "/d/unsynced", &bytes) == 0;
		sim_destroy(&shared.world);
	}
	/* What was not synced is there sometimes. */
	assert_in_range(more, 20, 180);
	assert_in_range(names, 20, 180);
}

TEST(failed_sync_loses_for_good)
{
	struct shared shared;
	struct slice bytes;

	world_begin(&shared, 3);
	sim_fault_set(shared.world, SIM_FAULT_SYNC, 1000000);
	(void)start(&shared, "writer");
	run_for(&shared, SECOND);
	assert_int_equal(shared.sync_err, -EIO);
	assert_false(sim_disk_durable(shared.world, "/d/file"));
	sim_power_cut(shared.world);
	if (sim_disk_get(shared.world, "/d/file", &bytes) == 0)
		assert_false(slice_starts(bytes, SLICE("durable")));
	sim_destroy(&shared.world);
}

TEST(kill_takes_everything_back)
{
	struct shared shared;
	int first, second;

	world_begin(&shared, 4);
	first = start(&shared, "holder");
	run_for(&shared, SECOND);
	assert_true(shared.kept);
	assert_int_equal(shared.lock_err, 0);
	assert_int_equal(sim_memory(shared.world, first), 1000);
	second = start(&shared, "holder");
	run_for(&shared, SECOND);
	assert_int_equal(shared.lock_err, ERR_EXISTS);
	sim_signal(shared.world, first, SIGKILL);
	sim_signal(shared.world, second, SIGKILL);
	assert_int_equal(shared.ended, 2);
	assert_int_equal(shared.status, SIGKILL);
	(void)start(&shared, "holder");
	run_for(&shared, SECOND);
	assert_int_equal(shared.lock_err, 0);
	sim_destroy(&shared.world);
}

/* Every operation of the writer is one at which it can die, and then no later one happens. */
TEST(kill_at_each_operation)
{
	struct shared shared;
	uint64_t op = 1;

	for (;; op++) {
		world_begin(&shared, 5);
		sim_kill_at(shared.world, "writer", op);
		(void)start(&shared, "writer");
		run_for(&shared, SECOND);
		assert_int_equal(shared.ended, 1);
		sim_destroy(&shared.world);
		if (shared.status == 0)
			break;
		assert_int_equal(shared.status, SIGKILL);
	}
	assert_in_range(op, 8, 40);
}

TEST(torture_fails_each_call)
{
	struct shared shared;
	uint64_t n = 1;
	bool came = true;

	for (; came; n++) {
		world_begin(&shared, 6);
		sim_torture(shared.world, n);
		(void)start(&shared, "writer");
		run_for(&shared, SECOND);
		came = sim_tortured(shared.world);
		assert_true(came == (shared.status != 0 || shared.sync_err != 0) ||
			    shared.sync_err == 0);
		sim_destroy(&shared.world);
	}
	assert_in_range(n, 5, 40);
}

static void
send_on(void *ctx)
{
	(void)ctx;
}

TEST(streams_keep_order)
{
	struct net_addr to = test_addr(), from = test_addr();
	uint8_t bytes[3000];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	for (uint64_t seed = 1; seed <= 50; seed++) {
		struct shared shared;
		struct sim_sock *sock;
		size_t sent = 0;

		world_begin(&shared, seed);
		sim_fault_set(shared.world, SIM_FAULT_SHORT, 300000);
		(void)start(&shared, "reader");
		run_for(&shared, SECOND);
		sock = sim_connect(shared.world, &to, &from, send_on, NULL);
		for (int i = 0; i < 1000 && sent < sizeof(bytes); i++) {
			ssize_t put =
				sim_sock_send(sock, slice_of(bytes + sent, sizeof(bytes) - sent));

			run_for(&shared, 5000);
			sent += put > 0 ? (size_t)put : 0;
		}
		assert_int_equal(sent, sizeof(bytes));
		sim_sock_close(&sock, false);
		run_for(&shared, SECOND);
		assert_int_equal(shared.got, sizeof(bytes));
		assert_int_equal(shared.read_err, 0);
		assert_int_equal(shared.status, 0);
		assert_int_equal(shared.memory_left, 0);
		sim_destroy(&shared.world);
	}
}

TEST(connecting_to_nobody)
{
	struct net_addr to = test_addr(), from = test_addr();
	struct shared shared;
	struct sim_sock *sock;

	world_begin(&shared, 8);
	sock = sim_connect(shared.world, &to, &from, send_on, NULL);
	assert_int_equal(sim_sock_state(sock), ERR_AGAIN);
	run_for(&shared, SECOND);
	assert_int_equal(sim_sock_state(sock), -ECONNREFUSED);
	sim_sock_close(&sock, false);
	sim_destroy(&shared.world);
}

TEST(channel_and_child)
{
	struct shared shared;

	for (uint64_t seed = 1; seed <= 50; seed++) {
		world_begin(&shared, seed);
		(void)start(&shared, "parent");
		run_for(&shared, SECOND);
		assert_int_equal(shared.spawn_status, 7 << 8);
		assert_true(shared.packets <= 5);
		sim_destroy(&shared.world);
	}
}

TEST(equal_seeds_equal_runs)
{
	struct shared shared;
	uint64_t first, second, other;

	world_begin(&shared, 9);
	(void)start(&shared, "writer");
	run_for(&shared, SECOND);
	first = sim_hash(shared.world);
	sim_destroy(&shared.world);
	world_begin(&shared, 9);
	(void)start(&shared, "writer");
	run_for(&shared, SECOND);
	second = sim_hash(shared.world);
	sim_destroy(&shared.world);
	world_begin(&shared, 10);
	(void)start(&shared, "writer");
	run_for(&shared, SECOND);
	other = sim_hash(shared.world);
	sim_destroy(&shared.world);
	assert_true(first == second);
	assert_true(first != other);
}

TESTS(TEST_ROW(power_cut_keeps_what_was_synced), TEST_ROW(failed_sync_loses_for_good),
      TEST_ROW(kill_takes_everything_back), TEST_ROW(kill_at_each_operation),
      TEST_ROW(torture_fails_each_call), TEST_ROW(streams_keep_order),
      TEST_ROW(connecting_to_nobody), TEST_ROW(channel_and_child), TEST_ROW(equal_seeds_equal_runs))
