/*
 * Fuzz target for msg_id: what parses prints as the same text in lower case, and nothing else
 * parses. Crockford's alphabet has no aliases here: one id has one text but for its case.
 */
#include "base/fuzz.h"
#include "base/msg_id.h"

FUZZ(input)
{
	uint8_t buf[MSG_ID_TEXT_LEN];
	struct builder b;
	msg_id id = 0, again = 0;

	if (msg_id_parse(input, &id) < 0) {
		ASSERT(id == 0);
		return;
	}
	builder_init_fixed(&b, buf, sizeof(buf));
	msg_id_format(&b, id);
	ASSERT(!b.failed && slice_eq_nocase(builder_slice(&b), input));
	ASSERT(msg_id_parse(builder_slice(&b), &again) == 0 && again == id);
}
