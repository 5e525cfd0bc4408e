/*
 * Auto-Submitted = "no" / "auto-generated" / "auto-replied" / extension, with parameters and
 * comments (RFC 3834 5). What cannot be read counts as another value than no.
 */
#include "rule/explain/wanted.h"

#include "wire/message/header.h"

/* The first word of the value, before parameters and comments. */
static struct slice
keyword(struct slice value)
{
	struct slice word = slice_trim(value);
	size_t end = 0;

	while (end < word.len && (ascii_is_alpha(word.data[end]) || word.data[end] == '-'))
		end++;
	return slice_sub(word, 0, end);
}

enum report_wanted
report_wanted(struct slice sender, struct slice header)
{
	struct header_scan scan;
	struct header_field field;
	int more;

	if (!sender.len)
		return REPORT_NO_SENDER;
	header_scan_init(&scan, header);
	while ((more = header_scan_next(&scan, &field)) != 0) {
		if (more > 0 && slice_eq_nocase(field.name, SLICE("Auto-Submitted")) &&
		    !slice_eq_nocase(keyword(field.value), SLICE("no")))
			return REPORT_AUTOMATIC;
	}
	return REPORT_WANTED;
}

const char *
report_wanted_str(unsigned wanted)
{
	static const char *const words[REPORT_WANTED_MAX] = {
		[REPORT_WANTED] = "wanted",
		[REPORT_NO_SENDER] = "null sender",
		[REPORT_AUTOMATIC] = "automatic message",
	};

	return wanted < REPORT_WANTED_MAX ? words[wanted] : "?";
}
