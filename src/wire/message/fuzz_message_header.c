/*
 * Fuzz target for header: fields and broken lines together are the whole block up to its empty
 * line, in order and without gap; a name holds no control character; unfolding only shortens.
 */
#include "base/fuzz.h"
#include "wire/message/header.h"

FUZZ(input)
{
	struct header_scan scan;
	struct header_field field;
	size_t at = 0, len;
	int more;

	header_scan_init(&scan, input);
	while ((more = header_scan_next(&scan, &field)) != 0) {
		uint8_t text[1024];
		struct builder b;

		ASSERT(field.offset == at && field.raw.len > 0);
		ASSERT(field.raw.data == input.data + at);
		at += field.raw.len;
		if (more < 0)
			continue;
		ASSERT(field.name.len > 0 && field.name.len <= HEADER_NAME_MAX);
		ASSERT(field.name.len + 1 + field.value.len <= field.raw.len);
		for (size_t i = 0; i < field.name.len; i++)
			ASSERT(field.name.data[i] > 32 && field.name.data[i] < 127);
		builder_init_fixed(&b, text, sizeof(text));
		header_unfold(&b, field.value);
		ASSERT(b.failed || b.len <= field.value.len);
		ASSERT(header_count(input, field.name) > 0);
	}
	ASSERT(at == input.len || slice_starts(slice_from(input, at), SLICE("\r\n")));
	if (header_block_len(input, &len) == 0)
		ASSERT(len <= input.len);
}
