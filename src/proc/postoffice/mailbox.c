/*
 * Folders: root / postoffice / mailbox / Maildir / tmp, new, cur. As long as folders were made that
 * may not be durable, a sync is one of the whole file system, which covers every parent; otherwise
 * new alone is synced.
 *
 * An administrator may remove or rename a mailbox while its folders are open here, and open folders
 * go with it: so each time that one is wanted again, its new is looked up by its names, too.
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
	mailbox_mark_stale(mailbox);
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

/* Opens the folder; where it is missing and may be made, makes it and remembers that. */
static int
folder_open(struct mailbox *mailbox, int parent, struct slice name, bool make, int *ret_fd)
{
	struct mailbox_store *store = mailbox->store;
	char text[MAILDIR_FOLDER_MAX + 1];
	int err;

	ASSERT(name.len && name.len <= MAILDIR_FOLDER_MAX);
	memcpy(text, name.data, name.len);
	text[name.len] = 0;
	err = rt_open_dir(store->rt, parent, text, false, ret_fd);
	if (err == -ENOENT && make) {
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
	struct rt_stat stat = {0};
	int cur_fd, err;

	err = folder_open(mailbox, maildir_fd, SLICE("cur"), true, &cur_fd);
	if (err)
		return err;
	rt_close(rt, cur_fd);
	err = folder_open(mailbox, maildir_fd, SLICE("tmp"), true, &mailbox->tmp_fd);
	if (err)
		return err;
	err = folder_open(mailbox, maildir_fd, SLICE("new"), true, &mailbox->new_fd);
	if (!err) {
		err = rt_stat_fd(rt, mailbox->new_fd, &stat);
		mailbox->device = stat.device;
		mailbox->inode = stat.inode;
		if (err)
			rt_close(rt, mailbox->new_fd);
	}
	if (err)
		rt_close(rt, mailbox->tmp_fd);
	return err;
}

/* From the root through these folders to the last one. */
static int
folders_walk(struct mailbox *mailbox, const struct slice *names, bool make, int *ret_fd)
{
	int root_fd = mailbox->store->root_fd, fd = root_fd, err = 0;

	for (; names->data && !err; names++) {
		int next = -1;

		err = folder_open(mailbox, fd, *names, make, &next);
		if (fd != root_fd)
			rt_close(mailbox->store->rt, fd);
		fd = next;
	}
	if (!err)
		*ret_fd = fd;
	return err;
}

static int
folders_open(struct mailbox *mailbox, struct slice box, struct slice postoffice)
{
	const struct slice names[] = {postoffice, box, SLICE("Maildir"), {0}};
	int fd, err = folders_walk(mailbox, names, true, &fd);

	if (err)
		return err;
	err = folders_open_inner(mailbox, fd);
	rt_close(mailbox->store->rt, fd);
	return err;
}

/* The new that is open is the one that its names lead to. */
static bool
mailbox_is_in_place(struct mailbox *mailbox)
{
	struct slice names[] = {{0}, {0}, SLICE("Maildir"), SLICE("new"), {0}};
	struct rt *rt = mailbox->store->rt;
	struct rt_stat stat;
	int fd = -1, err;

	err = maildir_target_parse(slice_of(mailbox->target, mailbox->target_len), &names[1],
				   &names[0]);
	if (!err)
		err = folders_walk(mailbox, names, false, &fd);
	if (err)
		return false;
	err = rt_stat_fd(rt, fd, &stat);
	rt_close(rt, fd);
	return !err && stat.device == mailbox->device && stat.inode == mailbox->inode;
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
	struct mailbox *mailbox = node ? mailbox_of(node) : NULL;
	struct list_node *oldest;
	int err;

	if (mailbox && !mailbox_is_in_place(mailbox)) {
		mailbox_mark_stale(mailbox);
		if (!mailbox->users)
			mailbox_destroy(mailbox);
		mailbox = NULL;
	}
	if (!mailbox) {
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
	if (mailbox->stale || mailbox->store->count > MAILBOXES_OPEN_MAX)
		mailbox_destroy(mailbox);
	else
		list_push_back(&mailbox->store->idle, &mailbox->idle_node);
}

void
mailbox_mark_stale(struct mailbox *mailbox)
{
	if (!mailbox->stale)
		map_remove(&mailbox->store->map, &mailbox->node);
	mailbox->stale = true;
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
