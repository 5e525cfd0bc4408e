/*
 * Heads, sums and scanning: a file of records is read back whole, at every torn tail, with every
 * byte damaged, through windows of any size, and with a body that looks like a record.
 */
#include "base/prng.h"
#include "base/test.h"
#include "wire/spool/frame.h"

#define SECRET 0x1122334455667788u
#define FILE_MAX 8192

struct file {
	uint8_t bytes[FILE_MAX];
	struct builder b;
	size_t ends[16];
	size_t count;
};

static void
file_init(struct file *f)
{
	*f = (struct file){0};
	builder_init_fixed(&f->b, f->bytes, sizeof(f->bytes));
}

static void
file_add(struct file *f, struct slice meta, uint64_t secret)
{
	struct spool_head head = {
		.kind = SPOOL_RECORD_ACCEPT, .sequence = f->count + 1, .id = 1000 + f->count};

	spool_record_encode(&f->b, head, secret, meta);
	assert_false(f->b.failed);
	f->ends[f->count++] = f->b.len;
}

static void
file_three(struct file *f)
{
	file_init(f);
	file_add(f, SLICE("one"), SECRET);
	file_add(f, SLICE("two is longer than eight bytes"), SECRET);
	file_add(f, SLICE("three!!!"), SECRET);
}

/* Ids found, as the last digits, and the bytes skipped on the way. */
static size_t
scan_all(struct slice bytes, char *ret_ids, size_t *ret_skipped)
{
	struct spool_found found;
	size_t count = 0;

	*ret_skipped = 0;
	while (spool_scan(bytes, SECRET, true, &found) > 0) {
		ret_ids[count++] = (char)('0' + found.head.id - 1000);
		*ret_skipped += found.skipped;
		bytes = slice_from(bytes, found.skipped + found.record.len);
	}
	assert_int_equal(found.skipped, bytes.len);
	ret_ids[count] = 0;
	return count;
}

TEST(file_head_round_trip)
{
	struct spool_file_head head = {.kind = SPOOL_FILE_JOURNAL,
				       .node = 4095,
				       .number = 0xdeadbeef,
				       .secret = SECRET,
				       .created_wall_ms = -5,
				       .writer_role = 3,
				       .writer_instance = 7};
	struct spool_file_head got;
	uint8_t bytes[SPOOL_FILE_HEAD_BYTES];
	struct builder b;

	builder_init_fixed(&b, bytes, sizeof(bytes));
	spool_file_head_encode(&b, &head);
	assert_int_equal(b.len, SPOOL_FILE_HEAD_BYTES);
	assert_int_equal(spool_file_head_decode(builder_slice(&b), &got), 0);
	assert_int_equal(got.kind, head.kind);
	assert_int_equal(got.number, head.number);
	assert_true(got.secret == SECRET && got.created_wall_ms == -5);
	assert_int_equal(got.writer_role, 3);
	assert_int_equal(got.writer_instance, 7);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] ^= 0x40;
		assert_true(spool_file_head_decode(builder_slice(&b), &got) < 0);
		assert_true(spool_file_head_decode(slice_of(bytes, i), &got) < 0);
		assert_true(spool_file_head_unborn(slice_of(bytes, i), SPOOL_FILE_JOURNAL));
		assert_int_equal(spool_file_head_unborn(slice_of(bytes, i), SPOOL_FILE_SEGMENT),
				 i <= 5); /* FRANK */
		bytes[i] ^= 0x40;
	}
}

TEST(reads_back)
{
	struct spool_found found;
	struct file f;
	char ids[16];
	size_t skipped;

	file_three(&f);
	assert_int_equal(scan_all(builder_slice(&f.b), ids, &skipped), 3);
	assert_string_equal(ids, "012");
	assert_int_equal(skipped, 0);
	assert_true(spool_scan(builder_slice(&f.b), SECRET, true, &found) > 0);
	assert_slice_str(spool_record_meta(&found), "one");
	assert_int_equal(spool_scan(builder_slice(&f.b), SECRET + 1, true, &found), 0);
}

TEST(torn_at_every_byte)
{
	struct file f;
	char ids[16];
	size_t skipped;

	file_three(&f);
	for (size_t len = 0; len < f.b.len; len++) {
		size_t whole = (len >= f.ends[0]) + (len >= f.ends[1]) + (len >= f.ends[2]);

		assert_int_equal(scan_all(slice_of(f.bytes, len), ids, &skipped), whole);
		assert_int_equal(skipped, 0);
	}
}

TEST(damaged_at_every_byte)
{
	struct file f;
	char ids[16];
	size_t skipped;

	file_three(&f);
	for (size_t i = 0; i < f.b.len; i++) {
		f.bytes[i] ^= 0x81;
		assert_int_equal(scan_all(builder_slice(&f.b), ids, &skipped), 2);
		assert_string_equal(ids, i < f.ends[0] ? "12" : i < f.ends[1] ? "02" : "01");
		f.bytes[i] ^= 0x81;
	}
}

/* The same records come out whatever the windows are. */
TEST(windows_of_any_size)
{
	struct prng prng;
	struct file f;

	file_three(&f);
	f.bytes[f.ends[0] + 60] ^= 1; /* the second one is damaged */
	prng_init(&prng, 7);
	for (int round = 0; round < 200; round++) {
		size_t at = 0, len = 0, count = 0;

		for (;;) {
			struct spool_found found;
			bool last = at + len == f.b.len;
			int got = spool_scan(slice_of(f.bytes + at, len), SECRET, last, &found);

			assert_true(got >= 0);
			at += found.skipped + (got ? found.record.len : 0);
			len -= found.skipped + (got ? found.record.len : 0);
			count += got > 0;
			if (got == 0 && last)
				break;
			if (got == 0) {
				assert_true(found.need > len);
				len += 1 + prng_below(&prng, found.need - len + 40);
			}
			len = at + len > f.b.len ? f.b.len - at : len;
		}
		assert_int_equal(at, f.b.len);
		assert_int_equal(count, 2);
	}
}

/* Whatever stands in a body, even a record of another file, is not a record here. */
TEST(forged_record_in_a_body)
{
	struct file inner, outer;
	char ids[16];
	size_t skipped;

	file_init(&inner);
	file_add(&inner, SLICE("evil"), SECRET ^ 1);
	file_init(&outer);
	file_add(&outer, builder_slice(&inner.b), SECRET);
	file_add(&outer, SLICE("good"), SECRET);
	assert_int_equal(scan_all(builder_slice(&outer.b), ids, &skipped), 2);
	outer.bytes[SPOOL_HEAD_BYTES + 1] ^= 1; /* the outer one is damaged: search inside */
	assert_int_equal(scan_all(builder_slice(&outer.b), ids, &skipped), 1);
	assert_string_equal(ids, "1");
	assert_int_equal(skipped, outer.ends[0]);
}

TEST(sums_in_pieces)
{
	uint8_t bytes[1000];
	struct prng prng;

	prng_init(&prng, 1);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)prng_next(&prng);
	for (size_t len = 0; len <= sizeof(bytes); len += 37) {
		struct spool_sum_state sum;
		size_t at = 0;

		spool_sum_begin(&sum, SECRET);
		while (at < len) {
			size_t piece = 1 + prng_below(&prng, len - at);

			spool_sum_add(&sum, slice_of(bytes + at, piece));
			at += piece;
		}
		assert_true(spool_sum_end(&sum) == spool_sum(SECRET, slice_of(bytes, len)));
	}
}

/* Memory that was taken is aligned to 16 bytes; the state needs more, and finds its own place. */
TEST(sum_at_any_place)
{
	static uint8_t room[sizeof(struct spool_sum_state) + 64], bytes[2000];

	for (size_t at = 0; at < 64; at += 16) {
		struct spool_sum_state *sum = (struct spool_sum_state *)(void *)(room + at);

		spool_sum_begin(sum, SECRET);
		spool_sum_add(sum, slice_of(bytes, 700));
		spool_sum_add(sum, slice_of(bytes + 700, sizeof(bytes) - 700));
		assert_true(spool_sum_end(sum) ==
			    spool_sum(SECRET, slice_of(bytes, sizeof(bytes))));
	}
}

TEST(seal_round_trip)
{
	uint8_t entry_bytes[SPOOL_SEAL_ENTRY_BYTES * 3], bytes[1024];
	struct spool_found found;
	struct builder entries, b;
	uint64_t offset;
	size_t count;

	builder_init_fixed(&entries, entry_bytes, sizeof(entry_bytes));
	for (unsigned i = 0; i < 3; i++)
		spool_seal_entry_encode(&entries,
					&(struct spool_seal_entry){100 + i, 64 * i, i, 2 * i});
	builder_init_fixed(&b, bytes, sizeof(bytes));
	spool_seal_encode(&b, SECRET, builder_slice(&entries), 4096, 3);
	assert_int_equal(b.len, spool_seal_bytes(3));
	assert_int_equal(b.len % SPOOL_ALIGN, 0);
	assert_int_equal(spool_trailer_decode(builder_slice(&b), &offset), 0);
	assert_int_equal(offset, 4096);
	assert_true(spool_scan(builder_slice(&b), SECRET, true, &found) > 0);
	assert_int_equal(spool_seal_decode(&found, &count), 0);
	assert_int_equal(count, 3);
	assert_true(spool_seal_entry_at(&found, 2).id == 102);
	assert_int_equal(spool_seal_entry_at(&found, 2).meta_length, 4);
	assert_int_equal(spool_trailer_decode(slice_of(bytes, b.len - 1), &offset), ERR_NOT_FOUND);
}

TESTS(TEST_ROW(file_head_round_trip), TEST_ROW(reads_back), TEST_ROW(torn_at_every_byte),
      TEST_ROW(damaged_at_every_byte), TEST_ROW(windows_of_any_size),
      TEST_ROW(forged_record_in_a_body), TEST_ROW(sums_in_pieces), TEST_ROW(sum_at_any_place),
      TEST_ROW(seal_round_trip))
