#include "base/histogram.h"
#include "base/test.h"

TEST(buckets)
{
	static const struct {
		uint64_t value;
		unsigned bucket;
	} rows[] = {
		{0, 0},
		{1, 1},
		{2, 2},
		{3, 2},
		{4, 3},
		{1023, 10},
		{1024, 11},
		{UINT32_MAX, 32},
		{(uint64_t)1 << 34, 35},
		{UINT64_MAX, HISTOGRAM_BUCKETS - 1},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct histogram histogram = {0};

		histogram_add(&histogram, rows[i].value, 7);
		for (unsigned n = 0; n < HISTOGRAM_BUCKETS; n++)
			assert_int_equal(histogram.counts[n], n == rows[i].bucket ? 7 : 0);
	}
}

TESTS(TEST_ROW(buckets))
