/*
 * redact: a bounce mail made fit to be shown to others. What tells who wrote to whom is replaced,
 * the same by the same: an address by address-1@domain-1.invalid (domains are numbered by
 * themselves, so that ours and theirs stay apart), ids of messages, queues and sessions by id-1,
 * local parts and the words of display names wherever they stand alone. Left out, and said to be:
 * the body of the returned message, quoted lines, attachments, subjects but for the usual words of
 * a bounce, queries of links, fields that are not known to be harmless. Encoded parts come out as
 * plain text. The result is a mail that can be read as the bounce that it was.
 *
 * What stays: names and addresses of mail servers, since the refusal is about them; the words of
 * the report; dates; links without their query. So a domain of an address shows where a server has
 * its name. Names, numbers and streets in running text are not known as such: who shows the result
 * should read it first.
 *
 * Pure, bounded, in time linear to the mail.
 */
#ifndef RULE_REDACT_REDACT_H
#define RULE_REDACT_REDACT_H

#include "base/arena.h"
#include "base/err.h"
#include "wire/message/charset.h"

/* Bytes of a mail that are read; a report stands in front of what it returns. */
#define REDACT_MAIL_MAX ((size_t)256 << 10)
/* Bytes that come out at most; more are cut, and it is said. */
#define REDACT_TEXT_MAX ((size_t)1 << 20)
/* What the arena must be able to give. */
#define REDACT_ARENA_BYTES ((size_t)4 << 20)

/* mail: any bytes, any line ends. hook: for charsets that are not built in (charset.h), or NULL.
 * *ret_text has LF and lives in the arena. ERR_NO_MEMORY. */
int redact_mail(struct slice mail, const struct charset_hook *hook, struct arena *arena,
		struct slice *ret_text) MUST_USE;

#endif
