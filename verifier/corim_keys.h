// SPDX-License-Identifier: BSD-3-Clause
/* Tags and keys of CoRIM (draft-ietf-rats-corim-11) as far as the profiles for CCA use them. */
#ifndef CCA_CORIM_KEYS_H
#define CCA_CORIM_KEYS_H

#define TAG_URI          32
#define TAG_TIME         1
#define TAG_CORIM        501 /* unsigned */
#define TAG_COMID        506
#define TAG_UEID         550
#define TAG_PKIX_KEY     554 /* text: PEM, or the base64 in it */
#define TAG_BYTES        560
#define TAG_MASKED_BYTES 563

/* Content type of what a signed CoRIM has in it. */
#define CORIM_CONTENT "application/rim+cbor"

/* Its protected header; CWT claims by RFC 9597. */
enum { HEADER_ALG = 1, HEADER_CRIT = 2, HEADER_CONTENT = 3, HEADER_META = 8, HEADER_CWT = 15 };
enum { META_SIGNER, META_VALIDITY };
enum { CWT_ISSUER = 1, CWT_EXPIRES = 4, CWT_NOT_BEFORE = 5 };

/* draft-ydb-rats-cca-endorsements-04, and as its revision 03 and tools of that time have them */
#define PROFILE_PLATFORM     "tag:arm.com,2025:endorsements/cca_platform#1.0.0"
#define PROFILE_PLATFORM_OLD "tag:arm.com,2025:cca_platform#1.0.0"
#define PROFILE_REALM        "tag:arm.com,2025:endorsements/cca_realm#1.0.0"
#define PROFILE_REALM_OLD    "tag:arm.com,2025:cca_realm#1.0.0"

enum { CORIM_ID, CORIM_TAGS, CORIM_DEPENDENT, CORIM_PROFILE, CORIM_VALIDITY, CORIM_ENTITIES };
enum { COMID_LANGUAGE, COMID_IDENTITY, COMID_ENTITIES, COMID_LINKED, COMID_TRIPLES };
enum { TRIPLES_REFERENCE = 0, TRIPLES_ATTEST_KEY = 3 };
enum { ENVIRONMENT_CLASS, ENVIRONMENT_INSTANCE };
enum { CLASS_ID, CLASS_VENDOR, CLASS_MODEL };
enum { MEASUREMENT_KEY, MEASUREMENT_VALUE };
enum {
	VALUE_VERSION = 0,
	VALUE_DIGESTS = 2,
	VALUE_RAW = 4,
	VALUE_NAME = 11,
	VALUE_CRYPTOKEYS = 13,
};

#endif
