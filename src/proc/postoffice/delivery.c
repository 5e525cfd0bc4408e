/*
 * The steps of a delivery. Every piece is appended by rt's threads; the last piece is appended and
 * synced; then the file gets its final name, which holds its size, and the folder is synced. After
 * a fault the file is unlinked wherever it lies: mail that is to come again must not be there
 * already.
 */
#include "proc/postoffice/delivery.h"

#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "base/planted.h"

static int
header_read(struct delivery_source *source)
{
	size_t at = 0;

	while (at < source->header_bytes) {
		ssize_t got =
			spool_message_read(source->reader, &source->message, at,
					   source->travelling + at, source->header_bytes - at);

		if (got <= 0)
			return got < 0 ? (int)got : ERR_TRUNCATED;
		at += (size_t)got;
	}
	return 0;
}

/* One byte more: a message may begin with its body. */
#define HEADER_ROOM(source) ((source)->header_bytes + 1)

static void
header_give(struct delivery_source *source, struct rt *rt)
{
	mem_give(rt_mem(rt), source->travelling, HEADER_ROOM(source));
	mem_give(rt_mem(rt), source->lying, HEADER_ROOM(source));
}

static int
header_prepare(struct delivery_source *source, struct rt *rt)
{
	struct builder b;
	int err;

	source->travelling = mem_take(rt_mem(rt), HEADER_ROOM(source));
	source->lying = mem_take(rt_mem(rt), HEADER_ROOM(source));
	err = source->travelling && source->lying ? header_read(source) : ERR_NO_MEMORY;
	if (err) {
		header_give(source, rt);
		return err;
	}
	/* LF for CRLF, dots and fields taken out: never longer. */
	builder_init_fixed(&b, source->lying, HEADER_ROOM(source));
	maildir_header_build(&b, slice_of(source->travelling, source->header_bytes));
	ASSERT(!b.failed);
	source->lying_len = b.len;
	return 0;
}

int
delivery_source_open(struct delivery_source *source, struct rt *rt, const struct ipc_job *job)
{
	const struct spool_accept *accept = &source->message.accept;
	int err = spool_message_open(source->reader, job->segment, job->offset, job->length,
				     &source->message);

	if (err)
		return err;
	source->header_bytes = (size_t)accept->trace_len + accept->header_len;
	source->body_offset = source->header_bytes;
	source->content_bytes = accept->inline_len + accept->body.file_bytes;
	if (accept->flags & SPOOL_NO_FINAL_CRLF && source->content_bytes >= source->body_offset + 2)
		source->content_bytes -= 2;
	err = source->content_bytes < source->body_offset ? ERR_RANGE : header_prepare(source, rt);
	if (err)
		spool_message_close(source->reader, &source->message);
	return err;
}

void
delivery_source_close(struct delivery_source *source, struct rt *rt)
{
	header_give(source, rt);
	spool_message_close(source->reader, &source->message);
}

static void
memory_give(struct delivery *d)
{
	mem_give(rt_mem(d->rt), d->raw, d->piece_bytes);
	mem_give(rt_mem(d->rt), d->cooked, d->piece_bytes + 8);
	mem_give(rt_mem(d->rt), d->sum, sizeof(*d->sum));
}

/* Ends with this outcome; the caller touches the delivery no more. */
static void
delivery_end(struct delivery *d, int err)
{
	struct mailbox *mailbox = d->mailbox;

	if (d->fd >= 0)
		rt_close(d->rt, d->fd);
	d->fd = -1;
	/* Best effort: what stays in tmp is cleared away by the mail programs. */
	if (d->in_tmp)
		(void)(rt_unlink(d->rt, mailbox->tmp_fd, d->tmp_name) < 0);
	if (d->in_new && err)
		(void)(rt_unlink(d->rt, mailbox->new_fd, d->new_name) < 0);
	memory_give(d);
	mailbox_give(mailbox);
	d->done(d->ctx, err);
}

static void
on_folder_synced(void *ctx, int err)
{
	delivery_end(ctx, err);
}

/* The file is durable: give it its final name. */
static void
delivery_publish(struct delivery *d)
{
	struct builder b;
	int err;

	rt_close(d->rt, d->fd);
	d->fd = -1;
	builder_init_fixed(&b, d->new_name, sizeof(d->new_name) - 1);
	maildir_file_build_final(&b, slice_str(d->tmp_name), d->written);
	ASSERT(!b.failed);
	d->new_name[b.len] = 0;
	err = rt_rename(d->rt, d->mailbox->tmp_fd, d->tmp_name, d->mailbox->new_fd, d->new_name);
	if (err) {
		mailbox_mark_stale(d->mailbox);
		delivery_end(d, err);
		return;
	}
	d->in_tmp = false;
	d->in_new = true;
	if (PLANTED(MAILBOX_NOT_SYNCED)) {
		delivery_end(d, 0);
		return;
	}
	d->waiter = (struct mailbox_waiter){.fn = on_folder_synced, .ctx = d};
	mailbox_sync(d->mailbox, &d->waiter);
}

/* What of the piece at offset comes from the body file. */
static void
sum_add(struct delivery *d, uint64_t offset, struct slice piece)
{
	uint64_t inline_len = d->source->message.accept.inline_len;

	if (!d->sum)
		return;
	if (offset < inline_len)
		piece = slice_from(piece, (size_t)(inline_len - offset));
	spool_sum_add(d->sum, piece);
}

/* A line end that is left out belongs to the file all the same. */
static int
sum_add_rest(struct delivery *d)
{
	const struct spool_accept *accept = &d->source->message.accept;
	uint64_t end = accept->inline_len + accept->body.file_bytes, offset = d->offset;
	uint8_t rest[2];

	while (offset < end) {
		ssize_t got = spool_message_read(d->source->reader, &d->source->message, offset,
						 rest, sizeof(rest));

		if (got <= 0)
			return got < 0 ? (int)got : ERR_TRUNCATED;
		sum_add(d, offset, slice_of(rest, (size_t)got));
		offset += (uint64_t)got;
	}
	return 0;
}

/* The body file holds what was accepted; the record itself was checked when it was opened. */
static int
sum_check(struct delivery *d)
{
	int err;

	if (!d->sum)
		return 0;
	err = sum_add_rest(d);
	if (!err && spool_sum_end(d->sum) != d->source->message.accept.body.sum)
		err = ERR_CHECKSUM;
	return err;
}

/* Reads and turns the next piece; true in *ret_last when it is the last one. */
static int
piece_make(struct delivery *d, struct builder *b, bool *ret_last)
{
	struct delivery_source *source = d->source;
	uint64_t left = source->content_bytes - d->offset;
	size_t want = left < d->piece_bytes ? (size_t)left : d->piece_bytes;
	ssize_t got = 0;

	if (source->cancelled)
		return -ECANCELED;
	if (want) {
		got = spool_message_read(source->reader, &source->message, d->offset, d->raw, want);
		if (got <= 0)
			return got < 0 ? (int)got : ERR_TRUNCATED;
	}
	sum_add(d, d->offset, slice_of(d->raw, (size_t)got));
	d->offset += (uint64_t)got;
	maildir_lines_add(&d->lines, slice_of(d->raw, (size_t)got), b);
	*ret_last = d->offset == source->content_bytes;
	if (*ret_last)
		maildir_lines_finish(&d->lines, b);
	ASSERT(!b->failed);
	return *ret_last ? sum_check(d) : 0;
}

static void on_piece_written(void *ctx);

static int
piece_write(struct delivery *d)
{
	struct builder b;
	size_t count = 0;
	bool last = false;
	int err;

	builder_init_fixed(&b, d->cooked, d->piece_bytes + 8);
	err = piece_make(d, &b, &last);
	if (err)
		return err;
	if (d->written == 0) {
		d->slices[count++] = slice_of(d->top, d->top_len);
		d->slices[count++] = slice_of(d->source->lying, d->source->lying_len);
	}
	d->slices[count++] = builder_slice(&b);
	for (size_t i = 0; i < count; i++)
		d->written += d->slices[i].len;
	d->io = (struct rt_io){
		.kind = last && !PLANTED(DELIVERY_NOT_SYNCED) ? RT_IO_APPEND_SYNC : RT_IO_APPEND,
		.fd = d->fd,
		.slices = d->slices,
		.slice_count = count,
		.done = on_piece_written,
		.ctx = d,
	};
	rt_io_submit(d->rt, &d->io);
	return 0;
}

static void
on_piece_written(void *ctx)
{
	struct delivery *d = ctx;
	int err = d->io.err;

	if (!err && (d->io.kind == RT_IO_APPEND_SYNC ||
		     (PLANTED(DELIVERY_NOT_SYNCED) && d->offset == d->source->content_bytes))) {
		delivery_publish(d);
		return;
	}
	if (!err)
		err = piece_write(d);
	if (err)
		delivery_end(d, err);
}

static int
file_create(struct delivery *d, const struct maildir_file *file)
{
	struct builder b;
	int err;

	builder_init_fixed(&b, d->tmp_name, sizeof(d->tmp_name) - 1);
	maildir_file_build(&b, file);
	ASSERT(!b.failed);
	d->tmp_name[b.len] = 0;
	err = rt_open(d->rt, d->mailbox->tmp_fd, d->tmp_name,
		      RT_OPEN_WRITE | RT_OPEN_APPEND | RT_OPEN_CREATE | RT_OPEN_EXCLUSIVE, &d->fd);
	d->in_tmp = err == 0;
	if (err)
		mailbox_mark_stale(d->mailbox);
	return err;
}

static int
memory_take(struct delivery *d)
{
	const struct delivery_source *source = d->source;
	uint64_t body = source->content_bytes - source->body_offset;

	d->piece_bytes = body < DELIVERY_PIECE_BYTES ? (size_t)body + 1 : DELIVERY_PIECE_BYTES;
	d->raw = mem_take(rt_mem(d->rt), d->piece_bytes);
	d->cooked = mem_take(rt_mem(d->rt), d->piece_bytes + 8);
	if (source->message.accept.body.file) {
		d->sum = MEM_NEW(rt_mem(d->rt), struct spool_sum_state);
		if (!d->sum)
			return ERR_NO_MEMORY;
		spool_sum_begin(d->sum, 0);
		/* A header that goes into the file has been read already. */
		if (source->body_offset > source->message.accept.inline_len)
			sum_add(d, 0, slice_of(source->travelling, source->header_bytes));
	}
	return d->raw && d->cooked ? 0 : ERR_NO_MEMORY;
}

int
delivery_begin(struct delivery *d, struct rt *rt, const struct delivery_options *options)
{
	struct builder b;
	int err;

	*d = (struct delivery){.rt = rt,
			       .source = options->source,
			       .fd = -1,
			       .offset = options->source->body_offset,
			       .done = options->done,
			       .ctx = options->ctx};
	if (maildir_is_loop(slice_of(d->source->travelling, d->source->header_bytes),
			    options->target))
		return ERR_EXISTS;
	err = mailbox_open(options->store, options->target, &d->mailbox);
	if (err)
		return err;
	builder_init_fixed(&b, d->top, sizeof(d->top));
	maildir_top_build(&b, options->source->message.accept.sender, options->target);
	ASSERT(!b.failed);
	d->top_len = b.len;
	err = memory_take(d);
	if (!err)
		err = file_create(d, &options->file);
	if (!err)
		err = piece_write(d);
	if (!err)
		return 0;
	if (d->fd >= 0)
		rt_close(rt, d->fd);
	if (d->in_tmp)
		(void)(rt_unlink(rt, d->mailbox->tmp_fd, d->tmp_name) < 0);
	memory_give(d);
	mailbox_give(d->mailbox);
	return err;
}
