/*
 * dns packet: RFC 1035 4.1 header, question, records; RFC 6891 for OPT; RFC 2308 for how long a
 * negative answer may be kept (the lesser of the SOA's TTL and its minimum).
 * Every record is read inside its own rdata; a name in rdata may point back into the packet.
 */
#include "wire/dns/packet.h"

#include <string.h>

#include "wire/dns/name.h"

#define HEADER_LEN 12
#define CLASS_IN 1
#define TYPE_OPT 41
#define TTL_MAX ((uint32_t)7 * 86400)
#define EDNS_SIZE 1232

struct reader {
	struct slice packet;
	struct arena *arena;
	size_t at;
	size_t end; /* of what may be read now: the packet, or one record's data */
	int err;
};

static void
reader_fail(struct reader *r, int err)
{
	if (!r->err)
		r->err = err;
}

static const uint8_t *
reader_take(struct reader *r, size_t len)
{
	const uint8_t *data = r->packet.data + r->at;

	if (r->err || len > r->end - r->at) {
		reader_fail(r, ERR_TRUNCATED);
		return NULL;
	}
	r->at += len;
	return data;
}

static unsigned
reader_u8(struct reader *r)
{
	const uint8_t *p = reader_take(r, 1);

	return p ? *p : 0;
}

static unsigned
reader_u16(struct reader *r)
{
	const uint8_t *p = reader_take(r, 2);

	return p ? (unsigned)p[0] << 8 | p[1] : 0;
}

static uint32_t
reader_u32(struct reader *r)
{
	uint32_t high = reader_u16(r);

	return high << 16 | reader_u16(r);
}

static struct slice
reader_keep(struct reader *r, struct slice s)
{
	struct slice kept = s.len ? arena_keep(r->arena, s) : SLICE_EMPTY;

	if (s.len && !kept.data)
		reader_fail(r, ERR_NO_MEMORY);
	return kept;
}

static struct slice
reader_name(struct reader *r)
{
	uint8_t text[DNS_NAME_TEXT_MAX];
	struct builder b;
	size_t at = r->at;
	int err;

	builder_init_fixed(&b, text, sizeof(text));
	if (r->err)
		return SLICE_EMPTY;
	err = dns_name_decode(r->packet, &at, &b);
	if (err == 0 && at > r->end)
		err = ERR_TRUNCATED;
	if (err < 0) {
		reader_fail(r, err);
		return SLICE_EMPTY;
	}
	r->at = at;
	return reader_keep(r, builder_slice(&b));
}

static struct slice
reader_rest(struct reader *r)
{
	size_t len = r->err ? 0 : r->end - r->at;
	const uint8_t *data = reader_take(r, len);

	return data ? reader_keep(r, slice_of(data, len)) : SLICE_EMPTY;
}

static void
read_address4(struct reader *r, struct dns_rr *rr)
{
	const uint8_t *p = reader_take(r, 4);

	if (p)
		rr->address = net_addr_of(slice_of(p, 4));
}

static void
read_address6(struct reader *r, struct dns_rr *rr)
{
	const uint8_t *p = reader_take(r, 16);

	if (p)
		rr->address = net_addr_of(slice_of(p, 16));
}

static void
read_target(struct reader *r, struct dns_rr *rr)
{
	rr->target = reader_name(r);
}

static void
read_mx(struct reader *r, struct dns_rr *rr)
{
	rr->preference = (uint16_t)reader_u16(r);
	rr->target = reader_name(r);
}

static void
read_soa(struct reader *r, struct dns_rr *rr)
{
	rr->target = reader_name(r);
	(void)reader_name(r);
	reader_take(r, 16);
	rr->minimum = reader_u32(r);
}

static void
read_txt(struct reader *r, struct dns_rr *rr)
{
	struct builder b;
	size_t max = r->err ? 0 : r->end - r->at;

	builder_init_arena(&b, r->arena, max);
	while (!r->err && r->at < r->end) {
		size_t len = reader_u8(r);
		const uint8_t *p = reader_take(r, len);

		if (p)
			builder_bytes(&b, p, len);
	}
	if (b.failed)
		reader_fail(r, ERR_NO_MEMORY);
	rr->data = builder_slice(&b);
}

static void
read_tlsa(struct reader *r, struct dns_rr *rr)
{
	rr->usage = (uint8_t)reader_u8(r);
	rr->selector = (uint8_t)reader_u8(r);
	rr->matching = (uint8_t)reader_u8(r);
	rr->data = reader_rest(r);
}

static const struct {
	unsigned type;
	void (*read)(struct reader *r, struct dns_rr *rr);
} rdata_readers[] = {
#define DNS_TYPE(name, number, rdata) {number, read_##rdata},
#include "wire/dns/types.def"
#undef DNS_TYPE
};

static void
rdata_read(struct reader *r, struct dns_rr *rr)
{
	for (size_t i = 0; i < sizeof(rdata_readers) / sizeof(rdata_readers[0]); i++) {
		if (rdata_readers[i].type != rr->type)
			continue;
		rdata_readers[i].read(r, rr);
		if (!r->err && r->at != r->end)
			reader_fail(r, ERR_LEFTOVER);
		return;
	}
	rr->data = reader_rest(r);
}

/* One record; false when it is not of class IN (then *rr holds only type and ttl: OPT's flags). */
static bool
record_read(struct reader *r, struct dns_rr *rr)
{
	unsigned class;
	size_t len, end = r->end;

	*rr = (struct dns_rr){.name = reader_name(r)};
	rr->type = (uint16_t)reader_u16(r);
	class = reader_u16(r);
	rr->ttl = reader_u32(r);
	len = reader_u16(r);
	if (r->err || len > r->end - r->at) {
		reader_fail(r, ERR_TRUNCATED);
		return false;
	}
	r->end = r->at + len;
	if (class == CLASS_IN && rr->type != TYPE_OPT) {
		rdata_read(r, rr);
		/* RFC 2181 8: a TTL with the highest bit set is zero. */
		rr->ttl = rr->ttl >> 31 ? 0 : rr->ttl > TTL_MAX ? TTL_MAX : rr->ttl;
	}
	r->at = r->end;
	r->end = end;
	return class == CLASS_IN && rr->type != TYPE_OPT;
}

static void
section_read(struct reader *r, size_t count, struct dns_section *section)
{
	if (count > DNS_SECTION_RR_MAX)
		reader_fail(r, ERR_LIMIT);
	if (r->err || count == 0)
		return;
	section->rr = arena_alloc(r->arena, count * sizeof(section->rr[0]));
	if (!section->rr) {
		reader_fail(r, ERR_NO_MEMORY);
		return;
	}
	for (size_t i = 0; i < count && !r->err; i++)
		if (record_read(r, &section->rr[section->count]))
			section->count++;
}

static void
question_read(struct reader *r, size_t count, struct dns_packet *packet)
{
	if (count > 1)
		reader_fail(r, ERR_SYNTAX);
	if (r->err || count == 0)
		return;
	packet->qname = reader_name(r);
	packet->qtype = reader_u16(r);
	if (reader_u16(r) != CLASS_IN)
		reader_fail(r, ERR_SYNTAX);
}

static void
additional_read(struct reader *r, size_t count, struct dns_packet *packet)
{
	struct dns_rr rr;

	if (count > DNS_SECTION_RR_MAX)
		reader_fail(r, ERR_LIMIT);
	for (size_t i = 0; i < count && !r->err; i++)
		if (!record_read(r, &rr) && rr.type == TYPE_OPT && !r->err)
			packet->rcode |= rr.ttl >> 24 << 4;
}

int
dns_packet_parse(struct slice bytes, struct arena *arena, struct dns_packet *ret_packet)
{
	struct reader r = {.packet = bytes, .arena = arena, .end = bytes.len};
	struct dns_packet packet = {0};
	unsigned flags, counts[4];

	if (bytes.len > DNS_PACKET_MAX)
		return ERR_LIMIT;
	packet.id = (uint16_t)reader_u16(&r);
	flags = reader_u16(&r);
	packet.response = flags & 0x8000;
	packet.authoritative = flags & 0x0400;
	packet.truncated = flags & 0x0200;
	packet.validated = flags & 0x0020;
	packet.rcode = flags & 15;
	for (unsigned i = 0; i < 4; i++)
		counts[i] = reader_u16(&r);
	question_read(&r, counts[0], &packet);
	section_read(&r, counts[1], &packet.answer);
	section_read(&r, counts[2], &packet.authority);
	additional_read(&r, counts[3], &packet);
	if (!r.err && r.at != r.end)
		r.err = ERR_LEFTOVER;
	if (r.err)
		return r.err;
	*ret_packet = packet;
	return 0;
}

static void
build_u16(struct builder *b, unsigned value)
{
	builder_byte(b, (uint8_t)(value >> 8));
	builder_byte(b, (uint8_t)value);
}

int
dns_query_build(struct builder *b, uint16_t id, struct slice name, unsigned type)
{
	/* RD, one question, one additional record. */
	static const uint8_t header[] = {0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 1};
	/* Root, OPT, our buffer, no extended rcode, version 0, DO, no options. */
	static const uint8_t opt[] = {0, 0, TYPE_OPT, EDNS_SIZE >> 8, EDNS_SIZE & 255, 0, 0, 0x80,
				      0, 0, 0};
	int err;

	build_u16(b, id);
	builder_bytes(b, header, sizeof(header));
	err = dns_name_encode(name, b);
	if (err < 0)
		return err;
	build_u16(b, type);
	build_u16(b, CLASS_IN);
	builder_bytes(b, opt, sizeof(opt));
	return b->failed ? ERR_LIMIT : 0;
}

static const struct dns_rr *
section_find(const struct dns_section *section, struct slice name, unsigned type)
{
	for (size_t i = 0; i < section->count; i++)
		if (section->rr[i].type == type && slice_eq(section->rr[i].name, name))
			return &section->rr[i];
	return NULL;
}

/* Follows CNAMEs from the question's name; false for a chain that is too long or loops. */
static bool
chain_follow(const struct dns_packet *packet, struct dns_answer *answer)
{
	const struct dns_rr *cname;

	answer->canonical = packet->qname;
	for (unsigned i = 0; i < DNS_CNAME_MAX; i++) {
		cname = section_find(&packet->answer, answer->canonical, DNS_TYPE_CNAME);
		if (!cname || packet->qtype == DNS_TYPE_CNAME)
			return true;
		answer->canonical = cname->target;
		if (cname->ttl < answer->ttl)
			answer->ttl = cname->ttl;
	}
	return false;
}

/* RFC 2308 5. Without an SOA a negative answer is not kept. */
static void
negative_ttl(const struct dns_packet *packet, struct dns_answer *answer)
{
	uint32_t ttl = 0;

	for (size_t i = 0; i < packet->authority.count; i++) {
		const struct dns_rr *rr = &packet->authority.rr[i];

		if (rr->type == DNS_TYPE_SOA)
			ttl = rr->ttl < rr->minimum ? rr->ttl : rr->minimum;
	}
	if (ttl < answer->ttl)
		answer->ttl = ttl;
}

static int
records_gather(const struct dns_packet *packet, struct arena *arena, struct dns_answer *answer)
{
	struct dns_rr *records = NULL;
	size_t room = packet->answer.count;

	if (room) {
		records = arena_alloc(arena, room * sizeof(records[0]));
		if (!records)
			return ERR_NO_MEMORY;
	}
	for (size_t i = 0; i < packet->answer.count; i++) {
		const struct dns_rr *rr = &packet->answer.rr[i];

		if (rr->type != packet->qtype || !slice_eq(rr->name, answer->canonical))
			continue;
		records[answer->count++] = *rr;
		if (rr->ttl < answer->ttl)
			answer->ttl = rr->ttl;
	}
	answer->records = records;
	return 0;
}

int
dns_packet_answer(const struct dns_packet *packet, struct arena *arena,
		  struct dns_answer *ret_answer)
{
	struct dns_answer answer = {.ttl = TTL_MAX, .secure = packet->validated};
	int err;

	if (packet->rcode != DNS_RCODE_NOERROR && packet->rcode != DNS_RCODE_NXDOMAIN) {
		*ret_answer = (struct dns_answer){
			.outcome = DNS_SERVFAIL, .why = SLICE("the servers answer with a failure")};
		return 0;
	}
	if (!chain_follow(packet, &answer)) {
		*ret_answer = (struct dns_answer){.outcome = DNS_SERVFAIL,
						  .why = SLICE("CNAME chain loops or is too long")};
		return 0;
	}
	err = records_gather(packet, arena, &answer);
	if (err < 0)
		return err;
	if (answer.count == 0) {
		answer.outcome = packet->rcode == DNS_RCODE_NXDOMAIN ? DNS_NXDOMAIN : DNS_NODATA;
		negative_ttl(packet, &answer);
	}
	*ret_answer = answer;
	return 0;
}
