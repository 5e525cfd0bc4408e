/*
 * postoffice/mailbox: the folders of mailboxes, made on demand below the mail root and kept open
 * for a while (tmp and new of the last MAILBOXES_OPEN_MAX used). What was renamed or removed below
 * the mail root meanwhile is noticed, and made anew. A folder is synced once for all the deliveries
 * that came into it meanwhile.
 */
#ifndef PROC_POSTOFFICE_MAILBOX_H
#define PROC_POSTOFFICE_MAILBOX_H

#include "base/map.h"
#include "rt/file.h"
#include "wire/maildir/name.h"

#define MAILBOXES_OPEN_MAX 256

struct mailbox_store {
	struct rt *rt;
	int root_fd; /* the mail root; owned */
	struct map map;
	struct list idle; /* mailboxes that nobody uses, longest idle first */
	size_t count;
	/* Folders made, and how many of these are durable with all their parents. One more than
	 * were made here: a predecessor that was killed may have left some. */
	uint64_t made, made_synced;
};

struct mailbox {
	struct map_node node;
	struct list_node idle_node;
	struct mailbox_store *store;
	uint8_t target[MAILDIR_TARGET_MAX];
	size_t target_len;
	int tmp_fd, new_fd;
	uint64_t device, inode; /* of new */
	bool stale; /* its folders are not those at their place: only its users have it */
	unsigned users;
	struct rt_io sync;
	uint64_t sync_covers; /* of store->made */
	struct list waiting;  /* for the next sync */
	struct list synced;   /* for the one that runs; empty when none does */
};

/* Who waits until new is durable; lives in its owner's struct. */
struct mailbox_waiter {
	struct list_node node;
	void (*fn)(void *ctx, int err);
	void *ctx;
};

void mailbox_store_init(struct mailbox_store *store, struct rt *rt, int root_fd);
/* No mailbox may be in use. */
void mailbox_store_finish(struct mailbox_store *store);

/* The mailbox with its folders, to be given back. ERR_SYNTAX: no name for a folder; else what the
 * system said. */
int mailbox_open(struct mailbox_store *store, struct slice target,
		 struct mailbox **ret_mailbox) MUST_USE;
void mailbox_give(struct mailbox *mailbox);
/* A folder of it does not do what it should: the next mailbox_open looks for them anew. */
void mailbox_mark_stale(struct mailbox *mailbox);

/* Calls the waiter when all that is in new now is durable. */
void mailbox_sync(struct mailbox *mailbox, struct mailbox_waiter *waiter);

#endif
