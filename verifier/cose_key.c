// SPDX-License-Identifier: BSD-3-Clause
/* COSE_Key with an elliptic-curve point (RFC 9052, 7; RFC 9053, 7.1.1). */
#include <string.h>

#include "claims.h"
#include "crypto.h"

#define KTY_EC2 2

struct key_claims {
	int64_t type;
	int64_t curve;
	int64_t alg;
	struct cca_bytes x;
	struct cca_bytes y;
	struct cca_bytes id;
};

static bool read_type(struct reader *r, const char *name, void *out)
{
	struct key_claims *k = out;

	if (!read_int(r, name, &k->type)) {
		return false;
	}
	return k->type == KTY_EC2 || reader_fail(r, "%s: must be 2 (EC2)", name);
}

static bool read_curve(struct reader *r, const char *name, void *out)
{
	struct key_claims *k = out;

	if (!read_int(r, name, &k->curve)) {
		return false;
	}
	return sign_alg_of_curve(k->curve) != CCA_SIGN_NONE ||
	       reader_fail(r, "%s: must be 1, 2 or 3 (P-256, P-384, P-521)", name);
}

static bool read_alg(struct reader *r, const char *name, void *out)
{
	return read_int(r, name, &((struct key_claims *)out)->alg);
}

static bool read_x(struct reader *r, const char *name, void *out)
{
	return read_bytes(r, name, &((struct key_claims *)out)->x);
}

static bool read_y(struct reader *r, const char *name, void *out)
{
	return read_bytes(r, name, &((struct key_claims *)out)->y);
}

static bool read_id(struct reader *r, const char *name, void *out)
{
	return read_bytes(r, name, &((struct key_claims *)out)->id);
}

/* The operations that the key's owner allows; to verify is what a public key is for. */
static bool read_operations(struct reader *r, const char *name, void *out)
{
	(void)out;
	return at_array(r) ? skip_item(r, name) : reader_fail(r, "%s: must be an array", name);
}

static const struct claim key_table[] = {
	{1, "key type", ALWAYS, read_type, false},
	{2, "key id", OPTIONAL, read_id, false},
	{3, "key algorithm", OPTIONAL, read_alg, false},
	{4, "key operations", OPTIONAL, read_operations, true},
	{-1, "key curve", ALWAYS, read_curve, false},
	{-2, "key x", ALWAYS, read_x, false},
	{-3, "key y", ALWAYS, read_y, false},
};

bool read_cose_key(struct cca_bytes view, struct parse *parse, struct cca_key *out)
{
	struct reader r = reader_of(view, parse);
	struct key_claims k = {0};
	size_t size;

	if (!read_claims(&r, "COSE key", key_table, sizeof(key_table) / sizeof(key_table[0]), &k) ||
	    !read_end(&r, "COSE key")) {
		return false;
	}
	out->alg = sign_alg_of_curve(k.curve);
	size = coordinate_size(out->alg);
	if (k.x.size != size || k.y.size != size) {
		return reader_fail(&r, "COSE key: coordinates of %zu and %zu bytes, must be %zu",
				   k.x.size, k.y.size, size);
	}
	if (k.alg != 0 && k.alg != (int64_t)out->alg) {
		return reader_fail(&r, "COSE key: algorithm and curve do not agree");
	}
	memcpy(out->x, k.x.data, size);
	memcpy(out->y, k.y.data, size);
	return true;
}
