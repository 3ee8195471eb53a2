// SPDX-License-Identifier: BSD-3-Clause
#include "sign1.h"

#include <string.h>

bool expect_tag(struct reader *r, const char *what, uint64_t want)
{
	uint64_t tag;

	if (!read_tag(r, what, &tag)) {
		return false;
	}
	return tag == want || reader_fail(r, "%s: tag %llu, must be %llu", what,
					  (unsigned long long)tag, (unsigned long long)want);
}

bool read_crit(struct reader *r, const char *name, void *out)
{
	(void)out;
	return reader_fail(r, "%s: asks for the understanding of more than is known here", name);
}

static bool read_header_key_id(struct reader *r, const char *name, void *out)
{
	return read_bytes(r, name, out);
}

/* Not signed, so only what cannot matter is let through: a key id, which nothing here uses. */
static const struct claim unprotected_table[] = {
	{4, "key id", OPTIONAL, read_header_key_id, false},
};

bool read_sign1(struct cca_bytes view, struct parse *parse, const char *what,
		read_header_fn *read_header, void *ctx, struct cca_sign1 *out)
{
	struct reader r = reader_of(view, parse);
	struct reader header;
	size_t entries;

	if (!expect_tag(&r, what, TAG_COSE_SIGN1) || !read_array(&r, what, &entries)) {
		return false;
	}
	if (entries != 4) {
		return reader_fail(&r, "%s: %zu elements, must be 4", what, entries);
	}
	if (!read_bytes(&r, what, &out->protected_header)) {
		return false;
	}
	header = reader_of(out->protected_header, parse);
	if (!read_header(&header, out, ctx) || !read_end(&header, "protected header") ||
	    !read_closed_claims(&r, "unprotected header", unprotected_table, 1, &out->key_id) ||
	    !read_bytes(&r, what, &out->payload) ||
	    !read_bytes_sized(&r, "signature", 2 * coordinate_size(out->alg), &out->signature)) {
		return false;
	}
	return read_end(&r, what);
}

/* The head of a byte string. Returns its size. */
static size_t bytes_head(size_t size, uint8_t out[3])
{
	_Static_assert(CCA_TOKEN_MAX_SIZE <= UINT16_MAX, "sizes have two bytes");
	if (size < 24) {
		out[0] = (uint8_t)(0x40 | size);
		return 1;
	}
	if (size <= UINT8_MAX) {
		out[0] = 0x58;
		out[1] = (uint8_t)size;
		return 2;
	}
	out[0] = 0x59;
	out[1] = (uint8_t)(size >> 8);
	out[2] = (uint8_t)size;
	return 3;
}

/*
 * [ "Signature1", protected, external_aad (empty), payload ] in deterministic encoding, as pieces,
 * so that the payload is not copied.
 */
struct pieces signed_pieces(struct cca_bytes protected_header, struct cca_bytes payload,
			    struct signed_pieces *room)
{
	static const uint8_t intro[] = "\x84\x6aSignature1"; /* array(4), text(10) */
	static const uint8_t no_external[] = {0x40};
	size_t size[2] = {bytes_head(protected_header.size, room->head[0]),
			  bytes_head(payload.size, room->head[1])};
	const struct cca_bytes piece[] = {
		{intro, sizeof(intro) - 1},         {room->head[0], size[0]}, protected_header,
		{no_external, sizeof(no_external)}, {room->head[1], size[1]}, payload,
	};

	memcpy(room->piece, piece, sizeof(piece));
	return (struct pieces){room->piece, sizeof(piece) / sizeof(piece[0])};
}

enum verdict verify_sign1(const struct cca_sign1 *s, const struct cca_key *key)
{
	struct signed_pieces room;

	if (s->alg != key->alg || s->payload.size > UINT16_MAX ||
	    s->protected_header.size > UINT16_MAX) {
		return VERDICT_BAD;
	}
	return verify_ecdsa(key, signed_pieces(s->protected_header, s->payload, &room),
			    s->signature);
}
