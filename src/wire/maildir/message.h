/*
 * maildir/message: a message from the form in which it travels to the form in which it lies in a
 * mailbox: line ends LF, stuffed dots taken out, Return-Path and Delivered-To on top (RFC 5321 4.4,
 * RFC 9228), and no Return-Path but ours.
 */
#ifndef WIRE_MAILDIR_MESSAGE_H
#define WIRE_MAILDIR_MESSAGE_H

#include "base/builder.h"
#include "wire/smtp/data.h"

/* Of the two fields on top, whatever the addresses are. */
#define MAILDIR_TOP_BYTES_MAX 1024

/* Return-Path: <sender> (empty for the null sender) and Delivered-To: target. */
void maildir_top_build(struct builder *b, struct slice sender, struct slice target);

/* A header block (or trace fields) as it travels, without Return-Path fields. */
void maildir_header_build(struct builder *b, struct slice header);

/* A field Delivered-To with exactly this target is in the header block: a loop. */
bool maildir_is_loop(struct slice header, struct slice target);

/* A body in pieces of any size. Zeroed is ready. */
struct maildir_lines {
	struct smtp_unstuff unstuff;
	bool cr; /* held back */
};
/* Appends what piece becomes. At the end maildir_lines_finish gives what is held back. */
void maildir_lines_add(struct maildir_lines *lines, struct slice piece, struct builder *b);
void maildir_lines_finish(struct maildir_lines *lines, struct builder *b);

#endif
