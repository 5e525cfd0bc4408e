/*
 * session, its writing half: commands from the machine, content from the spool, in the order in
 * which the machine asks for them.
 */
#ifndef PROC_SMTPOUT_SESSION_IO_H
#define PROC_SMTPOUT_SESSION_IO_H

#include "proc/smtpout/session.h"

/* The machine wants the content of this job next; commands behind it follow it. */
void session_content_begin(struct session *session, struct job *job);
/* Sends what there is. True: something went out, so the machine may have more. */
bool session_send(struct session *session);
/* Tries to send what the machine still has to say before the connection is closed. */
void session_say_last(struct session *session);

#endif
