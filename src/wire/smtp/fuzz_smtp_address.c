/*
 * Fuzz target for address: any bytes as a path; what parses builds, and parses again to the same.
 */
#include "base/fuzz.h"
#include "wire/smtp/address.h"

FUZZ(input)
{
	uint8_t scratch[SMTP_LOCAL_MAX], again[SMTP_LOCAL_MAX], buf[SMTP_PATH_MAX];
	struct smtp_address a, b;
	struct slice rest = input, text = SLICE_EMPTY;
	struct builder out;

	if (smtp_path_parse(&rest, scratch, &a)) {
		ASSERT(rest.len == input.len);
		return;
	}
	builder_init_fixed(&out, buf, sizeof(buf));
	smtp_address_build(&out, &a);
	ASSERT(builder_take(&out, &text) == 0);
	if (a.flags & (SMTP_ADDRESS_NULL | SMTP_ADDRESS_POSTMASTER))
		return;
	ASSERT(smtp_address_parse(text, again, &b) == 0);
	ASSERT(slice_eq(a.local, b.local) && slice_eq_nocase(a.domain, b.domain));
}
