/*
 * directory/names: address -> mailbox: the literal row first, then the part before the separator,
 * then the two role names that RFC 2142 and RFC 5321 4.5.1 want everywhere.
 */
#include "proc/directory/names.h"

#include <string.h>

#include "resolver/idna.h"
#include "wire/dns/name.h"

struct slice
name_slice(const struct name_text *text)
{
	return slice_of(text->buf, text->len);
}

static int
lower_keep(struct slice name, size_t max, struct name_text *ret_text)
{
	struct builder b;

	if (name.len > max)
		return ERR_LIMIT;
	builder_init_fixed(&b, ret_text->buf, sizeof(ret_text->buf));
	builder_lower(&b, name);
	ret_text->len = b.len;
	return 0;
}

int
name_plain(struct slice name, struct name_text *ret_text)
{
	if (name.len == 0 || !(ascii_is_alpha(name.data[0]) || ascii_is_digit(name.data[0])) ||
	    name.data[name.len - 1] == '.')
		return ERR_SYNTAX;
	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.data[i];

		if (!ascii_is_alpha(c) && !ascii_is_digit(c) && c != '.' && c != '_' && c != '-')
			return ERR_SYNTAX;
	}
	return lower_keep(name, DB_NAME_MAX, ret_text);
}

int
name_domain(struct slice name, struct name_text *ret_text)
{
	struct builder b;
	int err;

	builder_init_fixed(&b, ret_text->buf, sizeof(ret_text->buf));
	err = idna_to_ascii(dns_name_bare(name), &b);
	if (err < 0)
		return err;
	if (!dns_name_is_host(builder_slice(&b)))
		return ERR_SYNTAX;
	/* Some characters become a dot only in their A-form. */
	ret_text->len = dns_name_bare(builder_slice(&b)).len;
	return 0;
}

int
name_split(struct slice name, struct slice *ret_left, struct slice *ret_right)
{
	size_t at = slice_rindex(name, '@');

	if (at == 0 || at + 1 >= name.len)
		return ERR_SYNTAX;
	*ret_left = slice_sub(name, 0, at);
	*ret_right = slice_from(name, at + 1);
	return 0;
}

static bool
is_role(struct slice local)
{
	return slice_eq(local, SLICE("postmaster")) || slice_eq(local, SLICE("abuse"));
}

/* The address in a domain that is ours. */
static int
local_find(const struct names *names, struct slice local, struct slice domain,
	   struct db_mailbox *ret_mailbox)
{
	size_t tag =
		names->separator.len ? slice_index(local, names->separator.data[0]) : local.len;
	int err = db_address_find(names->db, local, domain, ret_mailbox);

	if (err == ERR_NOT_FOUND && tag > 0 && tag < local.len) {
		local = slice_sub(local, 0, tag);
		err = db_address_find(names->db, local, domain, ret_mailbox);
	}
	if (err == ERR_NOT_FOUND && is_role(local))
		err = db_domain_mailbox(names->db, domain, ret_mailbox);
	return err;
}

enum dir_rcpt_kind
names_resolve(const struct names *names, struct slice local, struct slice domain,
	      struct db_mailbox *ret_mailbox)
{
	struct name_text low_local, low_domain;
	char first[256];
	int err = 0;

	if (domain.len == 0) {
		err = db_domain_first(names->db, first);
		domain = slice_str(err == 0 ? first : "");
	}
	if (err == 0) {
		err = name_domain(domain, &low_domain);
		if (err < 0)
			return err == ERR_NO_MEMORY ? DIR_RCPT_LATER : DIR_RCPT_NOT_LOCAL;
	}
	if (err == 0)
		err = db_domain_find(names->db, name_slice(&low_domain));
	if (err < 0)
		return err == ERR_NOT_FOUND ? DIR_RCPT_NOT_LOCAL : DIR_RCPT_LATER;
	if (lower_keep(local, NAMES_LOCAL_MAX, &low_local) < 0)
		return DIR_RCPT_UNKNOWN;
	err = local_find(names, name_slice(&low_local), name_slice(&low_domain), ret_mailbox);
	if (err < 0)
		return err == ERR_NOT_FOUND ? DIR_RCPT_UNKNOWN : DIR_RCPT_LATER;
	return DIR_RCPT_LOCAL;
}

int
names_login_split(struct slice login, struct name_text *ret_left, struct name_text *ret_right)
{
	struct slice left, right;
	int err = name_split(login, &left, &right);

	if (!err)
		err = lower_keep(left, NAMES_LOCAL_MAX, ret_left);
	if (err)
		return err;
	err = name_domain(right, ret_right);
	/* What can be no domain may still be a postoffice. */
	if (err && err != ERR_NO_MEMORY)
		err = lower_keep(right, NAMES_DOMAIN_MAX, ret_right);
	return err;
}

int
names_login(const struct names *names, struct slice login, struct db_mailbox *ret_mailbox,
	    struct db_password *ret_password)
{
	struct name_text left, right;
	struct db_mailbox found;
	int err;

	err = names_login_split(login, &left, &right);
	if (err < 0)
		return err == ERR_NO_MEMORY ? err : ERR_NOT_FOUND;
	err = db_mailbox_find(names->db, name_slice(&left), name_slice(&right), ret_mailbox,
			      ret_password);
	if (err != ERR_NOT_FOUND)
		return err;
	err = db_address_find(names->db, name_slice(&left), name_slice(&right), &found);
	if (err < 0)
		return err;
	return db_mailbox_find(names->db, slice_str(found.mailbox), slice_str(found.postoffice),
			       ret_mailbox, ret_password);
}
