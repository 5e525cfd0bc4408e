/*
 * resolver/idna: U-labels to A-labels (IDNA2008, as RFC 6531 3.6 wants for DNS), by libidn2. The
 * only place that includes its header.
 */
#ifndef RESOLVER_IDNA_H
#define RESOLVER_IDNA_H

#include "base/builder.h"

/* ASCII names are only made lower case, whatever they are. UTF-8 names become their A-labels.
 * ERR_SYNTAX: no valid name; ERR_LIMIT: too long; ERR_NO_MEMORY. */
int idna_to_ascii(struct slice name, struct builder *b) MUST_USE;
/* An address in the form that needs SMTPUTF8 least (RFC 6531 3.2): a domain in its own script
 * behind a local part in ASCII becomes A-labels; all else stays as it is. ERR_LIMIT when b is full;
 * ERR_NO_MEMORY: not known now. */
int idna_address(struct slice address, struct builder *b) MUST_USE;
/* A-labels to U-labels, for people to read; a name that cannot be decoded stays as it is. */
int idna_to_unicode(struct slice name, struct builder *b) MUST_USE;

#endif
