/*
 * esmtp: esmtp-keyword is a letter or digit, then letters, digits and hyphens; esmtp-value is any
 * visible characters but "=" (RFC 5321 4.1.2), with RFC 6531 3.3 also non-ASCII ones.
 */
#include "wire/smtp/esmtp.h"

#include "wire/text/utf8.h"
#include "wire/text/xtext.h"

static size_t
keyword_len(struct slice s)
{
	size_t at = 0;

	while (at < s.len && (ascii_is_alpha(s.data[at]) || ascii_is_digit(s.data[at]) ||
			      (at > 0 && s.data[at] == '-')))
		at++;
	return at;
}

static size_t
value_len(struct slice s)
{
	size_t at = 0;

	while (at < s.len && s.data[at] > ' ' && s.data[at] != '=' && s.data[at] != 127)
		at++;
	return at;
}

static size_t
spaces_len(struct slice s)
{
	size_t at = 0;

	while (at < s.len && s.data[at] == ' ')
		at++;
	return at;
}

int
smtp_param_next(struct slice *rest, struct smtp_param *ret_param)
{
	struct smtp_param param = {.has_value = false};
	size_t spaces = spaces_len(*rest), len;
	struct slice at = slice_from(*rest, spaces);

	if (at.len == 0)
		return 0;
	len = keyword_len(at);
	if (spaces == 0 || len == 0)
		return ERR_SYNTAX;
	param.keyword = slice_sub(at, 0, len);
	at = slice_from(at, len);
	if (at.len && at.data[0] == '=') {
		at = slice_from(at, 1);
		len = value_len(at);
		param.value = slice_sub(at, 0, len);
		param.has_value = true;
		if (len == 0 || !utf8_is_valid(param.value))
			return ERR_SYNTAX;
		at = slice_from(at, len);
	}
	if (at.len && at.data[0] != ' ')
		return ERR_SYNTAX;
	*rest = at;
	*ret_param = param;
	return 1;
}

int
smtp_notify_parse(struct slice value, unsigned *ret_notify)
{
	static const struct {
		struct slice word;
		unsigned bit;
	} words[] = {
		{SLICE("NEVER"), SMTP_NOTIFY_NEVER},
		{SLICE("SUCCESS"), SMTP_NOTIFY_SUCCESS},
		{SLICE("FAILURE"), SMTP_NOTIFY_FAILURE},
		{SLICE("DELAY"), SMTP_NOTIFY_DELAY},
	};
	unsigned notify = 0;

	do {
		struct slice word = slice_cut(&value, ',');
		size_t i = 0;

		while (i < 4 && !slice_eq_nocase(word, words[i].word))
			i++;
		if (i == 4 || notify & words[i].bit)
			return ERR_SYNTAX;
		notify |= words[i].bit;
	} while (value.data);
	if (notify & SMTP_NOTIFY_NEVER && notify != SMTP_NOTIFY_NEVER)
		return ERR_SYNTAX;
	*ret_notify = notify;
	return 0;
}

static bool
is_printable_xtext(struct slice text)
{
	uint8_t buf[SMTP_ORCPT_MAX];
	struct builder b;
	struct slice plain;

	builder_init_fixed(&b, buf, sizeof(buf));
	if (xtext_decode(&b, text) || builder_take(&b, &plain))
		return false;
	for (size_t i = 0; i < plain.len; i++)
		if (plain.data[i] < ' ' || plain.data[i] > '~')
			return false;
	return plain.len > 0;
}

bool
smtp_orcpt_is_valid(struct slice value)
{
	size_t type = keyword_len(value);
	struct slice text = slice_from(value, type + 1);

	if (type == 0 || type == value.len || value.data[type] != ';' || value.len > SMTP_ORCPT_MAX)
		return false;
	if (slice_eq_nocase(slice_sub(value, 0, type), SLICE("utf-8")))
		return text.len > 0;
	return is_printable_xtext(text);
}

bool
smtp_envid_is_valid(struct slice value)
{
	return value.len <= SMTP_ENVID_MAX && is_printable_xtext(value);
}
