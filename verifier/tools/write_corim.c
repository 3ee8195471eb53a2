// SPDX-License-Identifier: BSD-3-Clause
#include "tools/write_corim.h"

#include <errno.h>
#include <string.h>

#define DEFAULT_SIGNER "cca-measure"

bool corim_is_of_keys(const struct corim_options *o)
{
	return o->endorse_count != 0;
}

/* An id of exactly this size in hexadecimal digits. */
static bool take_id(struct measuring *m, const char *option, const char *text, uint8_t *out,
		    size_t size)
{
	return cca_from_hex(text, out, size) == size ||
	       measure_fail(m, "%s: must be %zu hexadecimal digits", option, 2 * size);
}

bool corim_take(struct measuring *m, struct corim_options *o, int c, const char *value)
{
	switch (c) {
	case 'G':
		o->key = value;
		return true;
	case 'N':
		o->signer = value;
		return true;
	case 'E':
		if (o->endorse_count == CCA_POLICY_ANCHORS) {
			return measure_fail(m, "--endorse: too many");
		}
		o->endorse[o->endorse_count++] = value;
		return true;
	case 'M':
		o->has_implementation = true;
		return take_id(m, "--implementation-id", value, o->owner.implementation_id,
			       CCA_IMPL_ID_SIZE);
	default:
		o->has_instance = true;
		return take_id(m, "--instance-id", value, o->owner.instance_id, CCA_INSTANCE_SIZE);
	}
}

bool corim_check(struct measuring *m, const struct corim_options *o, bool has_corim)
{
	bool keys = corim_is_of_keys(o);

	if (!has_corim && (o->key != NULL || o->signer != NULL || keys)) {
		return measure_fail(m, "--sign, --signer, --endorse: have a meaning with --corim "
				       "only");
	}
	if (o->signer != NULL && o->key == NULL) {
		return measure_fail(m, "--signer: has a meaning with --sign only");
	}
	if (keys != o->has_implementation || keys != o->has_instance) {
		return measure_fail(m, "--endorse, --implementation-id, --instance-id: go "
				       "together");
	}
	return true;
}

/* Less than `max` bytes of a file; false with m->error, also if there are more. */
static bool read_file(struct measuring *m, const char *path, uint8_t *data, size_t max,
		      size_t *size)
{
	FILE *file = fopen(path, "rb");
	bool ok;

	if (file == NULL) {
		return measure_fail(m, "%s: %s", path, strerror(errno));
	}
	errno = 0;
	*size = fread(data, 1, max, file);
	ok = ferror(file) == 0 ||
	     measure_fail(m, "%s: %s", path, errno != 0 ? strerror(errno) : "cannot be read");
	fclose(file);
	return ok && (*size < max || measure_fail(m, "%s: too long", path));
}

/* The CoRIM of endorsed keys. Its size, 0 with m->error. */
static size_t write_keys(struct measuring *m, const struct corim_options *o, uint8_t *out)
{
	static struct cca_policy read;
	struct cca_error err;
	size_t size;

	cca_policy_init(&read);
	for (size_t i = 0; i < o->endorse_count; i++) {
		if (!cca_policy_add_anchor_file(&read, o->endorse[i], &err)) {
			measure_fail(m, "--endorse: %s", err.text);
			return 0;
		}
	}
	size = cca_corim_write_keys(&o->owner, read.anchor, read.anchor_count, out);
	if (size == 0) {
		measure_fail(m, "--endorse: a key that is no point of its curve, or out of memory");
	}
	return size;
}

/* The same CoRIM, signed. Its size, 0 with m->error. The private key does not stay in memory. */
static size_t sign(struct measuring *m, const struct corim_options *o, const uint8_t *corim,
		   size_t corim_size, uint8_t *out, size_t max)
{
	uint8_t key[CCA_KEY_FILE_MAX + 1];
	struct cca_error err;
	size_t key_size = 0;
	size_t size = 0;

	if (read_file(m, o->key, key, sizeof(key), &key_size)) {
		size = cca_corim_sign((struct cca_bytes){key, key_size},
				      o->signer != NULL ? o->signer : DEFAULT_SIGNER,
				      (struct cca_bytes){corim, corim_size}, out, max, &err);
		if (size == 0) {
			measure_fail(m, "--sign: %s", err.text);
		}
	}
	explicit_bzero(key, sizeof(key));
	return size;
}

bool corim_print(struct measuring *m, const struct corim_options *o, const uint8_t *rpv)
{
	uint8_t corim[CCA_CORIM_KEYS_WRITTEN];
	uint8_t out[CCA_CORIM_KEYS_WRITTEN + CCA_CORIM_SIGNED_MORE];
	const uint8_t *data = corim;
	size_t size = corim_is_of_keys(o) ? write_keys(m, o, corim)
					  : cca_corim_write(&m->rim, rpv, corim);

	if (size == 0) {
		return m->error[0] == '\0' ? measure_fail(m, "cannot write the CoRIM") : false;
	}
	if (o->key != NULL) {
		size = sign(m, o, corim, size, out, sizeof(out));
		data = out;
	}
	return size != 0 &&
	       (fwrite(data, 1, size, stdout) == size || measure_fail(m, "cannot write the CoRIM"));
}
