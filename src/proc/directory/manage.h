/*
 * directory/manage: the administrator's commands on postoffices, domains, mailboxes and addresses.
 * Passwords are hashed in a work thread, and of a long list a part is sent in each turn, so a
 * command may be answered later.
 */
#ifndef PROC_DIRECTORY_MANAGE_H
#define PROC_DIRECTORY_MANAGE_H

#include "log/log.h"
#include "proc/directory/names.h"
#include "rt/rt.h"

#define MANAGE_JOBS_MAX 16    /* passwords being hashed; more are answered "later" */
#define MANAGE_LISTINGS_MAX 8 /* likewise, lists whose rows are being sent */
#define MANAGE_LISTING_MS 5   /* until the channel of a list has room again */

struct manage;

int manage_create(struct rt *rt, struct log *log, const struct names *names,
		  struct manage **ret_manage) MUST_USE;
/* No job may be at work: see manage_busy. */
void manage_destroy(struct manage **manage);
/* Answers with CTL_DIRECTORY_ROWs and one CTL_DONE, now or later. */
void manage_command(struct manage *manage, struct ipc_channel *from,
		    const struct ipc_ctl_directory *command);
/* The channel is gone: nothing is sent to it any more. What was begun is done. */
void manage_channel_closed(struct manage *manage, const struct ipc_channel *channel);
size_t manage_busy(const struct manage *manage);

#endif
