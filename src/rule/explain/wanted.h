/*
 * wanted: whether anybody may be told what became of a message. A report is never answered by a
 * report, nor is what a program sent as an answer of its own (RFC 3834 2, RFC 5321 4.5.5).
 */
#ifndef RULE_EXPLAIN_WANTED_H
#define RULE_EXPLAIN_WANTED_H

#include "base/slice.h"

enum report_wanted {
	REPORT_WANTED,
	REPORT_NO_SENDER, /* the null sender: itself a report, or wants none */
	REPORT_AUTOMATIC, /* Auto-Submitted with another value than no */
	REPORT_WANTED_MAX
};

/* sender: local@domain or empty; header: trace fields and header block as they travel. */
enum report_wanted report_wanted(struct slice sender, struct slice header);
/* "wanted", "null sender", "automatic message". */
const char *report_wanted_str(unsigned wanted);

#endif
