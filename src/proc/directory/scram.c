/*
 * directory/scram: RFC 5802 7 for the grammar. Unknown extensions are ignored where the grammar
 * allows them (at the end), "m=" is refused as it demands. The proof is checked in constant time.
 */
#include "proc/directory/scram.h"

#include <string.h>

#include "base/assert.h"
#include "tls/crypto.h"
#include "wire/text/base64.h"
#include "wire/text/utf8.h"

/* "x=" at the front of the next part; false when it is another one. */
static bool
part_take(struct slice *rest, char letter, struct slice *ret_value)
{
	struct slice copy = *rest, part;

	if (!copy.data)
		return false;
	part = slice_cut(&copy, ',');
	if (part.len < 2 || part.data[0] != (uint8_t)letter || part.data[1] != '=')
		return false;
	*rest = copy;
	*ret_value = slice_from(part, 2);
	return true;
}

/* RFC 5802 5.1: "=2C" is a comma, "=3D" an equals sign, any other equals sign is an error. */
static int
name_decode(struct slice text, uint8_t *buf, struct slice *ret_name)
{
	struct builder b;

	builder_init_fixed(&b, buf, SCRAM_NAME_MAX);
	for (size_t i = 0; i < text.len; i++) {
		struct slice three = slice_sub(text, i, 3);

		if (text.data[i] < 0x20 || text.data[i] == 0x7f)
			return ERR_SYNTAX;
		if (text.data[i] != '=') {
			builder_byte(&b, text.data[i]);
			continue;
		}
		if (slice_eq_nocase(three, SLICE("=2C")))
			builder_byte(&b, ',');
		else if (slice_eq_nocase(three, SLICE("=3D")))
			builder_byte(&b, '=');
		else
			return ERR_SYNTAX;
		i += 2;
	}
	if (b.failed)
		return ERR_LIMIT;
	*ret_name = builder_slice(&b);
	return utf8_is_valid(*ret_name) ? 0 : ERR_SYNTAX;
}

static bool
is_nonce(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] < 0x21 || text.data[i] > 0x7e || text.data[i] == ',')
			return false;
	return text.len > 0;
}

/* RFC 5802 6 and 7: n, y or p=type, against what was offered. */
static int
flag_check(struct slice flag, const struct scram_offer *offer)
{
	bool offered = offer->binding_type.len > 0;

	if (slice_starts(flag, SLICE("p="))) {
		if (!offer->plus || !offered)
			return ERR_DENIED;
		return slice_eq(slice_from(flag, 2), offer->binding_type) ? 0 : ERR_DENIED;
	}
	if (offer->plus)
		return ERR_SYNTAX;
	if (slice_eq(flag, SLICE("n")))
		return 0;
	if (!slice_eq(flag, SLICE("y")))
		return ERR_SYNTAX;
	/* It could bind and believes that we cannot: somebody took -PLUS out of our list. */
	return offered ? ERR_DENIED : 0;
}

/* Moves behind the header; *ret_header is all of it with both commas. */
static int
header_take(struct scram *scram, struct slice *rest, const struct scram_offer *offer,
	    struct slice *ret_header)
{
	struct slice whole = *rest, flag = slice_cut(rest, ','), authzid;
	int err = rest->data ? flag_check(flag, offer) : ERR_SYNTAX;

	if (err < 0)
		return err;
	if (part_take(rest, 'a', &authzid)) {
		err = authzid.len ? name_decode(authzid, scram->authzid_buf, &scram->authzid)
				  : ERR_SYNTAX;
	} else if (slice_cut(rest, ',').len) {
		err = ERR_SYNTAX;
	}
	if (err == 0 && !rest->data)
		err = ERR_SYNTAX;
	if (err == 0)
		*ret_header = slice_sub(whole, 0, (size_t)(rest->data - whole.data));
	return err;
}

static void
auth_add(struct scram *scram, struct slice text)
{
	ASSERT(text.len <= sizeof(scram->auth_buf) - scram->auth_len);
	if (text.len)
		memcpy(scram->auth_buf + scram->auth_len, text.data, text.len);
	scram->auth_len += text.len;
}

static int
bare_take(struct scram *scram, struct slice bare)
{
	struct slice rest = bare, name, nonce;
	int err;

	if (!part_take(&rest, 'n', &name) || !part_take(&rest, 'r', &nonce) || !is_nonce(nonce))
		return ERR_SYNTAX;
	if (nonce.len > SCRAM_NONCE_MAX)
		return ERR_LIMIT;
	err = name_decode(name, scram->name_buf, &scram->name);
	if (err == 0 && scram->name.len == 0)
		err = ERR_SYNTAX;
	if (err < 0)
		return err;
	memcpy(scram->nonce_buf, nonce.data, nonce.len);
	scram->nonce_len = nonce.len;
	auth_add(scram, bare);
	return 0;
}

int
scram_client_first(struct scram *scram, struct slice message, const struct scram_offer *offer)
{
	struct slice rest = message, header = SLICE_EMPTY;
	struct builder bind;
	int err;

	*scram = (struct scram){0};
	if (message.len > SCRAM_MESSAGE_MAX)
		return ERR_LIMIT;
	err = header_take(scram, &rest, offer, &header);
	if (err == 0)
		err = bare_take(scram, rest);
	if (err < 0)
		return err;
	builder_init_fixed(&bind, scram->bind_buf, sizeof(scram->bind_buf));
	builder_add(&bind, header);
	if (offer->plus)
		builder_add(&bind, offer->binding);
	scram->bind_len = bind.len;
	return bind.failed ? ERR_LIMIT : 0;
}

int
scram_server_first(struct scram *scram, const struct scram_keys *keys, struct slice server_nonce,
		   struct builder *challenge)
{
	size_t begin = challenge->len;

	ASSERT(is_nonce(server_nonce) && server_nonce.len <= SCRAM_SERVER_NONCE_MAX);
	ASSERT(keys->salt.len <= SCRAM_SALT_MAX);
	memcpy(scram->nonce_buf + scram->nonce_len, server_nonce.data, server_nonce.len);
	scram->nonce_len += server_nonce.len;
	builder_str(challenge, "r=");
	builder_add(challenge, slice_of(scram->nonce_buf, scram->nonce_len));
	builder_str(challenge, ",s=");
	base64_encode(challenge, keys->salt);
	builder_str(challenge, ",i=");
	builder_dec(challenge, keys->iterations);
	if (challenge->failed)
		return ERR_LIMIT;
	auth_add(scram, SLICE(","));
	auth_add(scram, slice_from(builder_slice(challenge), begin));
	return 0;
}

/* The parts of client-final; *ret_without_proof is what the proof covers. */
static int
final_take(struct scram *scram, struct slice message, struct slice *ret_without_proof,
	   uint8_t ret_proof[SCRAM_KEY_LEN])
{
	uint8_t bind[BASE64_DECODED_MAX(SCRAM_MESSAGE_MAX)], proof_buf[SCRAM_KEY_LEN + 3];
	struct slice rest = message, bound, nonce, proof;
	size_t at = slice_rindex(message, ',');
	struct builder b;

	if (message.len > SCRAM_MESSAGE_MAX || at == message.len)
		return ERR_SYNTAX;
	if (!part_take(&rest, 'c', &bound) || !part_take(&rest, 'r', &nonce))
		return ERR_SYNTAX;
	/* Extensions may stand between; the proof is the last part. */
	proof = slice_from(message, at + 1);
	if (!slice_starts(proof, SLICE("p=")) || !rest.data)
		return ERR_SYNTAX;
	builder_init_fixed(&b, proof_buf, sizeof(proof_buf));
	if (base64_decode(&b, slice_from(proof, 2)) < 0 || b.len != SCRAM_KEY_LEN)
		return ERR_SYNTAX;
	memcpy(ret_proof, proof_buf, SCRAM_KEY_LEN);
	builder_init_fixed(&b, bind, sizeof(bind));
	if (base64_decode(&b, bound) < 0)
		return ERR_SYNTAX;
	if (!slice_eq(builder_slice(&b), slice_of(scram->bind_buf, scram->bind_len)) ||
	    !slice_eq(nonce, slice_of(scram->nonce_buf, scram->nonce_len)))
		return ERR_DENIED;
	*ret_without_proof = slice_sub(message, 0, at);
	return 0;
}

int
scram_client_final(struct scram *scram, struct slice message, const struct scram_keys *keys,
		   struct builder *server_final)
{
	uint8_t proof[SCRAM_KEY_LEN], mac[SCRAM_KEY_LEN], hash[SCRAM_KEY_LEN];
	struct slice stored = {keys->stored_key, SCRAM_KEY_LEN}, covered, auth;
	int err = final_take(scram, message, &covered, proof);

	if (err < 0)
		return err;
	auth_add(scram, SLICE(","));
	auth_add(scram, covered);
	auth = slice_of(scram->auth_buf, scram->auth_len);
	err = crypto_hmac_sha256(stored, auth, mac);
	if (err < 0)
		return err;
	for (size_t i = 0; i < SCRAM_KEY_LEN; i++)
		proof[i] ^= mac[i];
	err = crypto_sha256(slice_of(proof, SCRAM_KEY_LEN), hash);
	crypto_wipe(proof, sizeof(proof));
	if (err == 0 && !crypto_equal(slice_of(hash, SCRAM_KEY_LEN), stored))
		err = ERR_DENIED;
	if (err == 0)
		err = crypto_hmac_sha256(slice_of(keys->server_key, SCRAM_KEY_LEN), auth, mac);
	if (err < 0)
		return err;
	builder_str(server_final, "v=");
	base64_encode(server_final, slice_of(mac, SCRAM_KEY_LEN));
	return server_final->failed ? ERR_LIMIT : 0;
}

int
scram_keys_make(struct slice password, struct slice salt, uint32_t iterations,
		uint8_t ret_stored_key[SCRAM_KEY_LEN], uint8_t ret_server_key[SCRAM_KEY_LEN])
{
	uint8_t salted[SCRAM_KEY_LEN], client[SCRAM_KEY_LEN];
	struct slice key = {salted, SCRAM_KEY_LEN};
	int err = crypto_pbkdf2_sha256(password, salt, iterations, salted);

	if (err == 0)
		err = crypto_hmac_sha256(key, SLICE("Client Key"), client);
	if (err == 0)
		err = crypto_sha256(slice_of(client, SCRAM_KEY_LEN), ret_stored_key);
	if (err == 0)
		err = crypto_hmac_sha256(key, SLICE("Server Key"), ret_server_key);
	crypto_wipe(salted, sizeof(salted));
	crypto_wipe(client, sizeof(client));
	return err;
}
