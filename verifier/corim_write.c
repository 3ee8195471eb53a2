// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include <string.h>

#include "corim.h"
#include "corim_keys.h"
#include "rim.h"

/* Lengths and numbers below 65536, in shortest form. What does not fit is not written. */
struct writer {
	uint8_t *data;
	size_t max;
	size_t size;
};

static void put(struct writer *w, const void *data, size_t size)
{
	if (w->size <= w->max && size <= w->max - w->size) {
		memcpy(w->data + w->size, data, size);
	}
	w->size += size;
}

static void put_head(struct writer *w, unsigned int kind, size_t value)
{
	uint8_t head[3] = {(uint8_t)(kind << 5 | (value < 24 ? value : value <= 0xff ? 24 : 25))};

	if (value < 24) {
		put(w, head, 1);
	} else if (value <= 0xff) {
		head[1] = (uint8_t)value;
		put(w, head, 2);
	} else {
		head[1] = (uint8_t)(value >> 8);
		head[2] = (uint8_t)value;
		put(w, head, 3);
	}
}

#define UINT  0
#define BYTES 2
#define TEXT  3
#define ARRAY 4
#define MAP   5
#define TAG   6

static void put_uint(struct writer *w, size_t value)
{
	put_head(w, UINT, value);
}

static void put_bytes(struct writer *w, const void *data, size_t size)
{
	put_head(w, BYTES, size);
	put(w, data, size);
}

static void put_text(struct writer *w, const char *text)
{
	put_head(w, TEXT, strlen(text));
	put(w, text, strlen(text));
}

/* The start of a map entry whose value is an array of one, or a map of one. */
static void put_key(struct writer *w, size_t key, unsigned int kind, size_t entries)
{
	put_uint(w, key);
	put_head(w, kind, entries);
}

/* A measurement-map with one value, whose key is written; the value comes next. */
static void put_measurement(struct writer *w, const char *mkey, size_t value_key)
{
	put_head(w, MAP, 2);
	put_uint(w, MEASUREMENT_KEY);
	put_text(w, mkey);
	put_key(w, MEASUREMENT_VALUE, MAP, 1);
	put_uint(w, value_key);
}

static void put_values(struct writer *w, const struct cca_measurement *rim, const uint8_t *rpv)
{
	put_head(w, ARRAY, rpv != NULL ? 2 : 1);
	put_measurement(w, "cca.rim", VALUE_DIGESTS);
	put_head(w, ARRAY, 1);
	put_head(w, ARRAY, 2);
	put_text(w, cca_hash_name(rim->hash));
	put_bytes(w, rim->value, cca_hash_size(rim->hash));
	if (rpv != NULL) {
		put_measurement(w, "cca.rpv", VALUE_RAW);
		put_head(w, TAG, TAG_BYTES);
		put_bytes(w, rpv, CCA_RPV_SIZE);
	}
}

/* The RIM names the realm as the class of its environment. */
static void put_comid(struct writer *w, const struct cca_measurement *rim, const uint8_t *rpv,
		      const char *name)
{
	put_head(w, MAP, 2);
	put_key(w, COMID_IDENTITY, MAP, 1);
	put_uint(w, 0);
	put_text(w, name);
	put_key(w, COMID_TRIPLES, MAP, 1);
	put_key(w, TRIPLES_REFERENCE, ARRAY, 1);
	put_head(w, ARRAY, 2);
	put_head(w, MAP, 1);
	put_key(w, ENVIRONMENT_CLASS, MAP, 1);
	put_uint(w, CLASS_ID);
	put_head(w, TAG, TAG_BYTES);
	put_bytes(w, rim->value, cca_hash_size(rim->hash));
	put_values(w, rim, rpv);
}

size_t cca_corim_write(const struct cca_measurement *rim, const uint8_t *rpv,
		       uint8_t out[CCA_CORIM_WRITTEN])
{
	uint8_t comid[CCA_CORIM_WRITTEN];
	struct writer inner = {.data = comid, .max = sizeof(comid)};
	struct writer w = {.data = out, .max = CCA_CORIM_WRITTEN};
	char name[32] = "realm ";

	if (rim->hash == CCA_HASH_NONE) {
		return 0;
	}
	cca_to_hex((struct cca_bytes){rim->value, 8}, name + 6, sizeof(name) - 6);
	put_comid(&inner, rim, rpv, name);
	put_head(&w, TAG, TAG_CORIM);
	put_head(&w, MAP, 3);
	put_uint(&w, CORIM_ID);
	put_text(&w, name);
	put_key(&w, CORIM_TAGS, ARRAY, 1);
	put_head(&w, TAG, TAG_COMID);
	put_bytes(&w, comid, inner.size);
	put_uint(&w, CORIM_PROFILE);
	put_head(&w, TAG, TAG_URI);
	put_text(&w, PROFILE_REALM);
	return inner.size <= sizeof(comid) && w.size <= w.max ? w.size : 0;
}
