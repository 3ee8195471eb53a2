// SPDX-License-Identifier: BSD-3-Clause
/*
 * How the values of options that describe a realm are written. The VMM that builds the realm and
 * the tool that predicts its measurement both read them with these functions, so that the same
 * words mean the same realm to both.
 *
 * Each returns false, with the result untouched, for anything else than what it describes.
 */
#ifndef VMM_LAYOUT_VALUES_H
#define VMM_LAYOUT_VALUES_H

#include <stdbool.h>
#include <stdint.h>

#define LAYOUT_RPV_SIZE     64u   /* bytes of a realm personalization value */
#define LAYOUT_MAX_SVE      2048u /* bits */
#define LAYOUT_MAX_COUNTERS 31u

/* A size in bytes: decimal digits and, at the end, one of K, M or G in either case. */
bool layout_parse_size(const char *text, uint64_t *size);

/* A number from 1 to max: decimal digits alone. */
bool layout_parse_number(const char *text, unsigned int max, unsigned int *value);

/* "sha256" or "sha512", to RMI_HASH_SHA_256 or RMI_HASH_SHA_512. */
bool layout_parse_hash(const char *text, uint8_t *hash);

/*
 * A personalization value. After "0x": pairs of hexadecimal digits, one for each byte, the first
 * byte first. Anything else: the bytes of the text. At most LAYOUT_RPV_SIZE bytes; the rest of rpv
 * becomes zero.
 */
bool layout_parse_rpv(const char *text, uint8_t rpv[LAYOUT_RPV_SIZE]);

#endif
