/*
 * Fields and parameters in place. A field is "name:" of printable ASCII, blanks before the colon
 * forgiven. A parameter is name=value; the value ends at a semicolon or blank, or at its closing
 * quote; a missing semicolon or quote ends nothing but the parameter. Of RFC 2231 the "*" forms are
 * known: name*=charset'language'text, name*0=, name*1*= in their order.
 */
#include "wire/message/mime_field.h"

#include "wire/message/mime.h"
#include "wire/text/qp.h"

static bool
field_is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

bool
mime_line_next(struct slice *rest, struct slice *ret_line)
{
	if (rest->len == 0)
		return false;
	*ret_line = slice_cut(rest, '\n');
	return true;
}

bool
mime_field_split(struct slice line, struct slice *ret_name, struct slice *ret_value)
{
	size_t end = 0, colon;

	while (end < line.len && line.data[end] > 32 && line.data[end] < 127 &&
	       line.data[end] != ':')
		end++;
	colon = end;
	while (colon < line.len && (line.data[colon] == ' ' || line.data[colon] == '\t'))
		colon++;
	if (end == 0 || end > MIME_FIELD_NAME_MAX || colon == line.len || line.data[colon] != ':')
		return false;
	*ret_name = slice_sub(line, 0, end);
	/* In place even when empty: a continuation may follow. */
	*ret_value = slice_of(line.data + colon + 1, line.len - colon - 1);
	return true;
}

/* Takes continuation lines off *rest; answers value lengthened over them. */
static struct slice
field_unfold(struct slice *rest, struct slice value)
{
	while (rest->len && (rest->data[0] == ' ' || rest->data[0] == '\t')) {
		struct slice line = slice_cut(rest, '\n');

		value.len = (size_t)(line.data + line.len - value.data);
	}
	return value;
}

bool
mime_field_next(struct slice *header, struct slice *ret_name, struct slice *ret_value)
{
	struct slice line, name, value;

	while (mime_line_next(header, &line)) {
		if (!mime_field_split(line, &name, &value))
			continue;
		*ret_name = name;
		*ret_value = field_unfold(header, value);
		return true;
	}
	return false;
}

bool
mime_header_find(struct slice header, struct slice name, struct slice *ret_value)
{
	struct slice found, value;

	header = slice_sub(header, 0, MIME_HEADER_MAX);
	while (mime_field_next(&header, &found, &value)) {
		if (slice_eq_nocase(found, name)) {
			*ret_value = value;
			return true;
		}
	}
	return false;
}

/* Takes bytes off *rest up to one of the ends (";" always is), which stays. */
static struct slice
param_word(struct slice *rest, uint8_t end)
{
	struct slice word;
	size_t len = 0;

	while (len < rest->len && rest->data[len] != ';' && rest->data[len] != end &&
	       !field_is_blank(rest->data[len]))
		len++;
	word = slice_sub(*rest, 0, len);
	*rest = slice_from(*rest, len);
	return word;
}

static void
param_skip_blanks(struct slice *rest)
{
	while (rest->len && field_is_blank(rest->data[0]))
		*rest = slice_from(*rest, 1);
}

/* Behind the opening quote; a missing closing one ends with the value. */
static struct slice
param_quoted(struct slice *rest)
{
	struct slice word;
	size_t len = 0;

	while (len < rest->len && rest->data[len] != '"')
		len += rest->data[len] == '\\' ? 2 : 1;
	if (len > rest->len)
		len = rest->len;
	word = slice_sub(*rest, 0, len);
	*rest = slice_from(*rest, len + 1);
	return word;
}

struct slice
mime_param_subject(struct slice *rest)
{
	param_skip_blanks(rest);
	return param_word(rest, ';');
}

/* name*, name*0, name*0*: what is said behind the name. */
static void
param_extend(struct mime_param *param)
{
	struct slice mark = slice_from(param->name, slice_index(param->name, '*') + 1);
	bool numbered = mark.len && ascii_is_digit(mark.data[0]);

	if (slice_index(param->name, '*') == param->name.len)
		return;
	param->name = slice_sub(param->name, 0, slice_index(param->name, '*'));
	param->first = !numbered || mark.data[0] == '0';
	param->extended = !numbered || mark.data[mark.len - 1] == '*';
	if (param->extended && param->first) {
		struct slice value = param->value;

		slice_cut(&value, '\'');
		slice_cut(&value, '\'');
		if (value.data)
			param->value = value;
	}
}

bool
mime_param_next(struct slice *rest, struct mime_param *ret_param)
{
	struct mime_param param = {.first = true};

	for (;;) {
		while (rest->len && (field_is_blank(rest->data[0]) || rest->data[0] == ';'))
			*rest = slice_from(*rest, 1);
		if (rest->len == 0)
			return false;
		param.name = param_word(rest, '=');
		param_skip_blanks(rest);
		if (rest->len && rest->data[0] == '=')
			break;
	}
	*rest = slice_from(*rest, 1);
	param_skip_blanks(rest);
	param.quoted = rest->len && rest->data[0] == '"';
	if (param.quoted) {
		*rest = slice_from(*rest, 1);
		param.value = param_quoted(rest);
	} else {
		param.value = param_word(rest, ';');
	}
	param_extend(&param);
	*ret_param = param;
	return true;
}

void
mime_param_value(struct builder *b, const struct mime_param *param)
{
	struct slice s = param->value;

	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.data[i];

		if (c == '\n')
			continue;
		if (param->quoted && c == '\\' && i + 1 < s.len) {
			c = s.data[++i];
		} else if (param->extended && c == '%') {
			int byte = qp_hex_pair(s, i + 1);

			c = byte < 0 ? c : (uint8_t)byte;
			i += byte < 0 ? 0 : 2;
		}
		builder_byte(b, c);
	}
}
