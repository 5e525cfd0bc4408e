/*
 * logline: one line of another mail server's log as facts: who, to whom, where it went, what came
 * back. For people who paste a line and ask what it means, and for reading whole logs. Nothing is
 * judged here: reply, code, status and stage are what rule/explain asks for.
 *
 * Read: our own (outcomes of attempts), Postfix (smtp, lmtp, local, virtual, pipe, error, qmgr,
 * smtpd, cleanup, postscreen), Exim (main and reject log), Sendmail, MailEnable (activity and debug
 * log), Exchange (message tracking and protocol logs), with or without the prefix of syslog (RFC
 * 3164, RFC 5424, ISO dates) or of journalctl. A line of none of these is LOGLINE_UNKNOWN; what a
 * line does not say is not made up.
 *
 * Sources: postlog and the manual pages of Postfix (smtp(8), smtpd(8), bounce(8)) and its
 * DEBUG_README; the Exim specification, chapter "Log files"; MailEnable's articles ME020170,
 * ME020280, ME020517; Microsoft's descriptions of message tracking and protocol logging.
 *
 * Pure, in time linear to the line. All slices borrow from it.
 */
#ifndef WIRE_LOGLINE_LOGLINE_H
#define WIRE_LOGLINE_LOGLINE_H

#include "wire/verdict/verdict.h"

#define LOGLINE_MAX 16384 /* bytes of a line that are read */
#define LOGLINE_REPLY_MAX VERDICT_REPLY_MAX

enum logline_program {
	LOGLINE_UNKNOWN,
	LOGLINE_FRANK,
	LOGLINE_POSTFIX,
	LOGLINE_EXIM,
	LOGLINE_MAILENABLE,
	LOGLINE_EXCHANGE,
	LOGLINE_SENDMAIL,
	LOGLINE_PROGRAM_MAX
};

enum logline_action {
	LOGLINE_NONE,	  /* the line tells no fate: an attempt, a connection, an arrival */
	LOGLINE_SENT,	  /* handed over or delivered */
	LOGLINE_DEFERRED, /* to be tried again */
	LOGLINE_BOUNCED,  /* failed for good */
	LOGLINE_EXPIRED,  /* given up after many attempts */
	LOGLINE_REJECTED, /* refused by the server that wrote the log, to a client of its own */
	LOGLINE_ACTION_MAX
};

struct logline {
	uint8_t program; /* enum logline_program */
	uint8_t action;	 /* enum logline_action */
	uint8_t stage;	 /* enum verdict_stage; VERDICT_STAGE_MAX: not said */
	bool inbound;	 /* about a client that came; remote_host and remote_ip are the client's */
	bool header;	 /* the line names the columns of those that follow ("#Fields:") */
	uint16_t code;	 /* of the reply; 0: none */
	struct verdict_status status; /* as the log or the reply says; class 0: none */
	struct slice queue_id;
	struct slice recipient, sender; /* without <>; of several the first */
	struct slice remote_host;	/* a name; empty where it is not known */
	struct slice remote_ip;		/* of IPv4 or IPv6 form */
	struct slice stage_words;	/* as the line has them: "RCPT TO command" */
	struct slice tag; /* Postfix: the daemon; Exim: the flag; ME-E0193; an event of Exchange */
	size_t reply_len;
	uint8_t reply[LOGLINE_REPLY_MAX]; /* logline_reply */
};

/*
 * Reads a line, with its line end or without. fields: the last line before it that was a header, or
 * empty: then Exchange's usual order of columns is taken.
 */
void logline_read(struct slice line, struct slice fields, struct logline *ret_logline);

/*
 * What the other side said, or the writer's own words about the failure. Lines are separated by LF,
 * also where the log joined them ("550-a 550 b"). Borrowed from the logline.
 */
struct slice logline_reply(const struct logline *l);

const char *logline_program_str(unsigned program);
const char *logline_action_str(unsigned action);

#endif
