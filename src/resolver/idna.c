/*
 * resolver/idna: libidn2 with the non-transitional mapping (UTS 46), so that upper case and
 * full-width forms that people type are accepted; what comes out is strict IDNA2008.
 */
#include "resolver/idna.h"

#include <string.h>

#include <idn2.h>

#include "wire/dns/name.h"

/* A name of 253 bytes has at most so many bytes as UTF-8. */
#define IDNA_INPUT_MAX 1020

static int
error_of(int rc)
{
	static const struct {
		int rc, err;
	} rows[] = {
		{IDN2_MALLOC, ERR_NO_MEMORY},
		{IDN2_TOO_BIG_DOMAIN, ERR_LIMIT},
		{IDN2_TOO_BIG_LABEL, ERR_LIMIT},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].rc == rc)
			return rows[i].err;
	return ERR_SYNTAX;
}

static int
text_of(struct slice name, char text[IDNA_INPUT_MAX + 1])
{
	if (name.len == 0 || memchr(name.data, 0, name.len))
		return ERR_SYNTAX;
	if (name.len > IDNA_INPUT_MAX)
		return ERR_LIMIT;
	memcpy(text, name.data, name.len);
	text[name.len] = 0;
	return 0;
}

int
idna_to_ascii(struct slice name, struct builder *b)
{
	char text[IDNA_INPUT_MAX + 1], *out = NULL;
	int rc, err = text_of(name, text);

	if (err < 0)
		return err;
	if (slice_is_ascii(name)) {
		if (name.len > DNS_HOST_MAX + 1)
			return ERR_LIMIT;
		builder_lower(b, name);
		return b->failed ? ERR_LIMIT : 0;
	}
	rc = idn2_to_ascii_8z(text, &out, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (rc != IDN2_OK)
		return error_of(rc);
	err = dns_name_is_host(slice_str(out)) ? 0 : ERR_SYNTAX;
	if (err == 0)
		builder_str(b, out);
	idn2_free(out);
	return b->failed ? ERR_LIMIT : err;
}

int
idna_address(struct slice address, struct builder *b)
{
	size_t at = slice_rindex(address, '@');
	uint8_t room[DNS_HOST_MAX];
	struct builder domain;
	int err = ERR_SYNTAX;

	builder_init_fixed(&domain, room, sizeof(room));
	if (!slice_is_ascii(address) && slice_is_ascii(slice_sub(address, 0, at)))
		err = idna_to_ascii(slice_from(address, at + 1), &domain);
	if (err == ERR_NO_MEMORY)
		return err;
	if (err) {
		builder_add(b, address);
	} else {
		builder_add(b, slice_sub(address, 0, at + 1));
		builder_add(b, builder_slice(&domain));
	}
	return b->failed ? ERR_LIMIT : 0;
}

int
idna_to_unicode(struct slice name, struct builder *b)
{
	char text[IDNA_INPUT_MAX + 1], *out = NULL;
	int rc, err = text_of(name, text);

	if (err < 0)
		return err;
	rc = idn2_to_unicode_8z8z(text, &out, 0);
	if (rc == IDN2_OK)
		builder_str(b, out);
	else
		builder_add(b, name);
	if (rc == IDN2_OK)
		idn2_free(out);
	return b->failed ? ERR_LIMIT : 0;
}
