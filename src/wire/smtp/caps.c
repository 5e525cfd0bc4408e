/*
 * smtp caps: the first line of the reply is the greeting (domain and words) and names nothing; each
 * line after it is a keyword with parameters. One row of a table for each keyword.
 */
#include "wire/smtp/caps.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
/* RFC 9422 3: a limit's value is one to six digits and not zero. */
#define LIMIT_VALUE_MAX 999999u

/* A size too large to count is no limit at all. */
static void
read_size(struct smtp_caps *caps, struct slice params)
{
	if (!slice_to_u64(slice_trim(params), UINT64_MAX, &caps->size_max))
		caps->size_max = 0;
}

static void
read_auth(struct smtp_caps *caps, struct slice params)
{
	while (params.data) {
		struct slice name = slice_cut(&params, ' ');

		if (slice_eq_nocase(name, SLICE("PLAIN")))
			caps->auth |= SMTP_AUTH_PLAIN;
		else if (slice_eq_nocase(name, SLICE("LOGIN")))
			caps->auth |= SMTP_AUTH_LOGIN;
	}
}

static void
read_limits(struct smtp_caps *caps, struct slice params)
{
	while (params.data) {
		struct slice value = slice_cut(&params, ' ');
		struct slice name = slice_cut(&value, '=');
		uint64_t number;

		if (!slice_to_u64(value, LIMIT_VALUE_MAX, &number) || number == 0)
			continue;
		if (slice_eq_nocase(name, SLICE("MAILMAX")))
			caps->mail_max = (uint32_t)number;
		else if (slice_eq_nocase(name, SLICE("RCPTMAX")))
			caps->rcpt_max = (uint32_t)number;
		else if (slice_eq_nocase(name, SLICE("RCPTDOMAINMAX")))
			caps->rcpt_domain_max = (uint32_t)number;
	}
}

#define FLAG(member) offsetof(struct smtp_caps, member)
#define NO_FLAG sizeof(struct smtp_caps)

static const struct caps_row {
	const char *keyword;
	size_t flag; /* the bool that its presence sets */
	void (*read)(struct smtp_caps *caps, struct slice params);
} caps_rows[] = {
	{"PIPELINING", FLAG(pipelining), NULL},
	{"8BITMIME", FLAG(eight_bit), NULL},
	{"SMTPUTF8", FLAG(utf8), NULL},
	{"DSN", FLAG(dsn), NULL},
	{"STARTTLS", FLAG(starttls), NULL},
	{"CHUNKING", FLAG(chunking), NULL},
	{"ENHANCEDSTATUSCODES", FLAG(status), NULL},
	{"SIZE", FLAG(size), read_size},
	{"AUTH", NO_FLAG, read_auth},
	{"LIMITS", NO_FLAG, read_limits},
};

static void
row_apply(const struct caps_row *row, struct smtp_caps *caps, struct slice params)
{
	if (row->flag != NO_FLAG)
		*(bool *)((char *)caps + row->flag) = true;
	if (row->read)
		row->read(caps, params);
}

void
smtp_caps_read(struct smtp_caps *caps, struct slice line)
{
	struct slice keyword = slice_cut(&line, ' ');
	struct slice first = keyword;

	/* "AUTH=PLAIN LOGIN" was an early form that some still send beside the right one */
	if (slice_eq_nocase(slice_cut(&first, '='), SLICE("AUTH")) && first.data) {
		read_auth(caps, first);
		keyword = SLICE("AUTH");
	}
	for (size_t i = 0; i < COUNT(caps_rows); i++) {
		if (slice_eq_nocase(keyword, slice_str(caps_rows[i].keyword)))
			row_apply(&caps_rows[i], caps, line);
	}
}
