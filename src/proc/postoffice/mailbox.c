/*
 * Folders: root / postoffice / mailbox / Maildir / tmp, new, cur. As long as folders were made that
 * may not be durable, a sync is one of the whole file system, which covers every parent; otherwise
 * new alone is synced.
 */
#include "proc/postoffice/mailbox.h"

#include <errno.h>
#include <string.h>

#include "base/assert.h"

static struct mailbox *
mailbox_of(struct map_node *node)
{
	return CONTAINER_OF(node, struct mailbox, node);
}

static bool
mailbox_match(const struct map_node *node, struct slice key)
{
	const struct mailbox *mailbox = mailbox_of((struct map_node *)(uintptr_t)node);

	return slice_eq(slice_of(mailbox->target, mailbox->target_len), key);
}

void
mailbox_store_init(struct mailbox_store *store, struct rt *rt, int root_fd)
{
	uint64_t key[2];

	*store = (struct mailbox_store){.rt = rt, .root_fd = root_fd, .made = 1};
	rt_random(rt, key, sizeof(key));
	map_init(&store->map, rt_mem(rt), key);
	list_init(&store->idle);
}

static void
mailbox_destroy(struct mailbox *mailbox)
{
	struct mailbox_store *store = mailbox->store;

	ASSERT(mailbox->users == 0 && list_empty(&mailbox->synced));
	list_remove(&mailbox->idle_node);
	map_remove(&store->map, &mailbox->node);
	rt_close(store->rt, mailbox->tmp_fd);
	rt_close(store->rt, mailbox->new_fd);
	store->count--;
	mem_give(rt_mem(store->rt), mailbox, sizeof(*mailbox));
}

void
mailbox_store_finish(struct mailbox_store *store)
{
	struct map_node *node;

	while ((node = map_any(&store->map)))
		mailbox_destroy(mailbox_of(node));
	map_finish(&store->map);
	if (store->root_fd >= 0)
		rt_close(store->rt, store->root_fd);
	store->root_fd = -1;
}

/* Opens the folder, or makes it and remembers that. Closes parent unless it is the root. */
static int
folder_open(struct mailbox *mailbox, int parent, struct slice name, int *ret_fd)
{
	struct mailbox_store *store = mailbox->store;
	char text[MAILDIR_FOLDER_MAX + 1];
	int err;

	ASSERT(name.len && name.len <= MAILDIR_FOLDER_MAX);
	memcpy(text, name.data, name.len);
	text[name.len] = 0;
	err = rt_open_dir(store->rt, parent, text, false, ret_fd);
	if (err == -ENOENT) {
		store->made++;
		err = rt_open_dir(store->rt, parent, text, true, ret_fd);
	}
	return err;
}

/* The folders inside Maildir; cur is for the mail programs. */
static int
folders_open_inner(struct mailbox *mailbox, int maildir_fd)
{
	struct rt *rt = mailbox->store->rt;
	int cur_fd, err;

	err = folder_open(mailbox, maildir_fd, SLICE("cur"), &cur_fd);
	if (err)
		return err;
	rt_close(rt, cur_fd);
	err = folder_open(mailbox, maildir_fd, SLICE("tmp"), &mailbox->tmp_fd);
	if (err)
		return err;
	err = folder_open(mailbox, maildir_fd, SLICE("new"), &mailbox->new_fd);
	if (err)
		rt_close(rt, mailbox->tmp_fd);
	return err;
}

static int
folders_open(struct mailbox *mailbox, struct slice box, struct slice postoffice)
{
	struct rt *rt = mailbox->store->rt;
	struct slice names[] = {postoffice, box, SLICE("Maildir")};
	int fd = mailbox->store->root_fd, err = 0;

	for (size_t i = 0; i < 3 && !err; i++) {
		int next = -1;

		err = folder_open(mailbox, fd, names[i], &next);
		if (fd != mailbox->store->root_fd)
			rt_close(rt, fd);
		fd = next;
	}
	if (err)
		return err;
	err = folders_open_inner(mailbox, fd);
	rt_close(rt, fd);
	return err;
}

static int
mailbox_create(struct mailbox_store *store, struct slice target, struct mailbox **ret_mailbox)
{
	struct mailbox *mailbox;
	struct slice box, postoffice;
	int err = maildir_target_parse(target, &box, &postoffice);

	if (err)
		return err;
	mailbox = MEM_NEW(rt_mem(store->rt), struct mailbox);
	if (!mailbox)
		return ERR_NO_MEMORY;
	mailbox->store = store;
	memcpy(mailbox->target, target.data, target.len);
	mailbox->target_len = target.len;
	list_init(&mailbox->waiting);
	list_init(&mailbox->synced);
	err = folders_open(mailbox, box, postoffice);
	if (err)
		goto out;
	err = map_insert(&store->map, &mailbox->node, target);
	if (err) {
		rt_close(store->rt, mailbox->tmp_fd);
		rt_close(store->rt, mailbox->new_fd);
		goto out;
	}
	store->count++;
	*ret_mailbox = mailbox;
	return 0;
out:
	mem_give(rt_mem(store->rt), mailbox, sizeof(*mailbox));
	return err;
}

int
mailbox_open(struct mailbox_store *store, struct slice target, struct mailbox **ret_mailbox)
{
	struct map_node *node = map_find(&store->map, target, mailbox_match);
	struct list_node *oldest;
	struct mailbox *mailbox = NULL;
	int err;

	if (node) {
		mailbox = mailbox_of(node);
	} else {
		oldest = list_first(&store->idle);
		if (store->count >= MAILBOXES_OPEN_MAX && oldest)
			mailbox_destroy(CONTAINER_OF(oldest, struct mailbox, idle_node));
		err = mailbox_create(store, target, &mailbox);
		if (err)
			return err;
	}
	list_remove(&mailbox->idle_node);
	mailbox->users++;
	*ret_mailbox = mailbox;
	return 0;
}

void
mailbox_give(struct mailbox *mailbox)
{
	ASSERT(mailbox->users > 0);
	if (--mailbox->users > 0)
		return;
	if (mailbox->store->count > MAILBOXES_OPEN_MAX)
		mailbox_destroy(mailbox);
	else
		list_push_back(&mailbox->store->idle, &mailbox->idle_node);
}

static void sync_begin(struct mailbox *mailbox);

static void
sync_done(void *ctx)
{
	struct mailbox *mailbox = ctx;
	struct list_node *node;
	struct list synced;

	list_init(&synced);
	while ((node = list_pop_front(&mailbox->synced)))
		list_push_back(&synced, node);
	if (!mailbox->sync.err && mailbox->sync.kind == RT_IO_SYNC_FS &&
	    mailbox->store->made_synced < mailbox->sync_covers)
		mailbox->store->made_synced = mailbox->sync_covers;
	mailbox->users++; /* the waiters may give it back */
	while ((node = list_pop_front(&synced))) {
		struct mailbox_waiter *waiter = CONTAINER_OF(node, struct mailbox_waiter, node);

		waiter->fn(waiter->ctx, mailbox->sync.err);
	}
	if (!list_empty(&mailbox->waiting))
		sync_begin(mailbox);
	mailbox_give(mailbox);
}

static void
sync_begin(struct mailbox *mailbox)
{
	struct mailbox_store *store = mailbox->store;
	bool all = store->made_synced < store->made;
	struct list_node *node;

	while ((node = list_pop_front(&mailbox->waiting)))
		list_push_back(&mailbox->synced, node);
	mailbox->sync_covers = store->made;
	mailbox->sync = (struct rt_io){
		.kind = all ? RT_IO_SYNC_FS : RT_IO_SYNC,
		.fd = mailbox->new_fd,
		.done = sync_done,
		.ctx = mailbox,
	};
	rt_io_submit(store->rt, &mailbox->sync);
}

void
mailbox_sync(struct mailbox *mailbox, struct mailbox_waiter *waiter)
{
	ASSERT(mailbox->users > 0);
	list_push_back(&mailbox->waiting, &waiter->node);
	if (list_empty(&mailbox->synced))
		sync_begin(mailbox);
}
