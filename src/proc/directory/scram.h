/*
 * directory/scram: the server's side of SCRAM-SHA-256 and -PLUS (RFC 5802, 7677, 9266) as a machine
 * of three steps over plain bytes. Who the user is and where keys come from is the owner's matter.
 *
 * SASLprep is minimal: names and passwords must be UTF-8 without control characters and are taken
 * as they are, without normalisation.
 */
#ifndef PROC_DIRECTORY_SCRAM_H
#define PROC_DIRECTORY_SCRAM_H

#include "base/builder.h"

#define SCRAM_KEY_LEN 32
#define SCRAM_MESSAGE_MAX 1024 /* each of the client's two */
#define SCRAM_NAME_MAX 320
#define SCRAM_NONCE_MAX 256 /* the client's */
#define SCRAM_SERVER_NONCE_MAX 64
#define SCRAM_BINDING_MAX 64
#define SCRAM_SALT_MAX 32

struct scram_keys {
	struct slice salt;
	uint32_t iterations;
	const uint8_t *stored_key; /* SCRAM_KEY_LEN */
	const uint8_t *server_key;
};

/* What was offered to the client and chosen by it. */
struct scram_offer {
	bool plus;		   /* the mechanism chosen is the -PLUS one */
	struct slice binding_type; /* "tls-exporter"; empty: no -PLUS was offered */
	struct slice binding;
};

struct scram {
	uint8_t name_buf[SCRAM_NAME_MAX], authzid_buf[SCRAM_NAME_MAX];
	struct slice name, authzid; /* after client-first; authzid empty when there is none */
	uint8_t bind_buf[SCRAM_MESSAGE_MAX + SCRAM_BINDING_MAX]; /* gs2 header and binding */
	size_t bind_len;
	uint8_t auth_buf[3 * SCRAM_MESSAGE_MAX]; /* AuthMessage of RFC 5802 3, so far */
	size_t auth_len;
	uint8_t nonce_buf[SCRAM_NONCE_MAX + SCRAM_SERVER_NONCE_MAX];
	size_t nonce_len;
};

/* ERR_SYNTAX; ERR_LIMIT; ERR_DENIED: the client was made to believe that there is no binding, or
 * wants one that was not offered. */
int scram_client_first(struct scram *scram, struct slice message,
		       const struct scram_offer *offer) MUST_USE;
/* server_nonce: printable ASCII without comma. Builds the challenge. */
int scram_server_first(struct scram *scram, const struct scram_keys *keys,
		       struct slice server_nonce, struct builder *challenge) MUST_USE;
/* 0: the client knows the password, and server_final proves that we have its keys. ERR_DENIED: it
 * does not, or the channel is not the one that it sees. ERR_SYNTAX. */
int scram_client_final(struct scram *scram, struct slice message, const struct scram_keys *keys,
		       struct builder *server_final) MUST_USE;

/* Stored and server key of a password (RFC 5802 3). Slow by design. */
int scram_keys_make(struct slice password, struct slice salt, uint32_t iterations,
		    uint8_t ret_stored_key[SCRAM_KEY_LEN],
		    uint8_t ret_server_key[SCRAM_KEY_LEN]) MUST_USE;

#endif
