/* article: whatever is asked, what is found is whole, and its name and code lead to it again. */
#include "base/fuzz.h"

#include "rule/explain/article.h"

FUZZ(input)
{
	static uint8_t room[ARTICLE_SHOWN_MAX];
	struct article_found found = {0}, again = {0};
	struct builder b;

	if (!article_find(input, &found)) {
		ASSERT(!found.name.data && !found.code.data);
		return;
	}
	ASSERT(found.title.len && found.text.len);
	ASSERT(!found.code.len == !found.sentence.len);
	ASSERT(article_find(found.name, &again) && slice_eq(again.text, found.text));
	if (found.code.len)
		ASSERT(article_find(found.code, &again) &&
		       slice_eq(again.sentence, found.sentence));
	builder_init_fixed(&b, room, sizeof(room));
	article_show_text(&b, &found);
	ASSERT(!b.failed);
}
