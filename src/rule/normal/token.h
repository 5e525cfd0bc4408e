/*
 * token: what one token of a reply is, by its form alone. A token is a run of letters, digits,
 * dots, hyphens, underscores and bytes beyond ASCII, trimmed of signs at both ends.
 */
#ifndef RULE_NORMAL_TOKEN_H
#define RULE_NORMAL_TOKEN_H

#include "rule/normal/normalise.h"

#define TOKEN_IPV6_MAX 45

/* What a byte is; one table, since every byte of a reply is looked at several times. */
enum token_class {
	TOKEN_LOWER = 1,
	TOKEN_UPPER = 2,
	TOKEN_DIGIT = 4,
	TOKEN_DOT = 8,
	TOKEN_DASH = 16, /* - and _ */
	TOKEN_HIGH = 32, /* beyond ASCII */
	TOKEN_BLANK = 64,
	TOKEN_BRACKET = 128, /* brackets, quotes, comma, semicolon: part chunks */
	TOKEN_COLON = 256,
	TOKEN_AT = 512,
	TOKEN_EQUALS = 1024,
	TOKEN_HEX = 2048, /* a to f, of either case */
	TOKEN_LINK_END = 4096,
	TOKEN_SIGN = 8192, /* what is left of ASCII */
};
#define TOKEN_LETTER (TOKEN_LOWER | TOKEN_UPPER)
#define TOKEN_EDGE (TOKEN_DOT | TOKEN_DASH) /* trimmed off */
#define TOKEN_BYTE (TOKEN_LETTER | TOKEN_DIGIT | TOKEN_EDGE | TOKEN_HIGH)

extern const uint16_t token_classes[256];

enum token_form {
	TOKEN_FORM_WORD,   /* stays as it is */
	TOKEN_FORM_FIELD,  /* of the kind in *ret_kind */
	TOKEN_FORM_NUMBER, /* digits, with commas or one point */
	TOKEN_FORM_AMOUNT, /* digits, then a unit at once: 300s, 25MB */
	TOKEN_FORM_MIXED,  /* a word with a few digits in it, which do not count */
};

enum token_form token_form(struct slice token, enum normal_kind *ret_kind);
/* "5.7.26": class 2, 4 or 5, two numbers of at most three digits. */
bool token_is_status(struct slice token);
/* The same, of any class. */
bool token_has_status_form(struct slice token);
/* Length of an IPv6 address at the start of text, or 0. Looks at TOKEN_IPV6_MAX bytes and some. */
size_t token_ipv6(struct slice text);
/* A run of at least 20 letters, digits and signs of base64 that no word looks like. */
bool token_is_base64(struct slice run);
/* The number, its fraction in thousandths; digits beyond 15 are not counted. */
void token_number(struct slice number, uint64_t *ret_whole, uint64_t *ret_thousandths);
/* Digits at the start. */
size_t token_digits(struct slice text);

#endif
