// SPDX-License-Identifier: BSD-3-Clause
/*
 * The profiles of CCA tokens by the names that the tokens give themselves. Which claims a profile
 * demands is in the tables of claims; docs/attestation.md says where each name comes from.
 */
#include <string.h>

#include "claims.h"

#define KEY_PROFILE 265

/* Names that belong together. Without a realm name, the platform's profile describes both. */
struct names {
	enum cca_profile profile;
	const char *platform;
	const char *realm;
};

static const struct names known[] = {
	{CCA_PROFILE_PRE_1_0, "http://arm.com/CCA-SSD/1.0.0", NULL},
	{CCA_PROFILE_1_0, "tag:arm.com,2023:cca_platform#1.0.0", "tag:arm.com,2023:realm#1.0.0"},
	{CCA_PROFILE_2024, "tag:arm.com,2024:cca_platform#2.0.0", "tag:arm.com,2024:realm#2.0.0"},
	{CCA_PROFILE_2026, "tag:arm.com,2026:cca_platform#2.0.0", "tag:arm.com,2026:realm#2.0.0"},
	{CCA_PROFILE_2026, "tag:arm.com,2026:cca_platform#2.0.0;delegated", NULL},
	{CCA_PROFILE_2026, "tag:arm.com,2026:cca_platform#2.0.0#delegated", NULL},
};

static const char *const profile_names[] = {
	[CCA_PROFILE_NONE] = "none", [CCA_PROFILE_PRE_1_0] = "pre-1.0", [CCA_PROFILE_1_0] = "1.0",
	[CCA_PROFILE_2024] = "2024", [CCA_PROFILE_2026] = "2026",
};

const char *cca_profile_name(enum cca_profile profile)
{
	return profile_names[profile];
}

enum cca_profile cca_profile_from_name(const char *name)
{
	for (int p = CCA_PROFILE_PRE_1_0; p <= CCA_PROFILE_2026; p++) {
		if (strcmp(name, profile_names[p]) == 0) {
			return (enum cca_profile)p;
		}
	}
	return CCA_PROFILE_NONE;
}

/* The key of the entry at r, 0 if it is no number (0 is the key of no claim that is looked for). */
static bool peek_key(struct reader *r, const char *what, int64_t *key)
{
	*key = 0;
	return at_text(r) ? skip_item(r, what) : read_int(r, what, key);
}

/* The text of the profile claim in the map at r; empty if there is none. */
static bool find_text(struct reader *r, const char *what, struct cca_bytes *found)
{
	size_t entries;
	int64_t key;

	if (!read_map(r, what, &entries)) {
		return false;
	}
	for (size_t i = 0; i < entries; i++) {
		if (!peek_key(r, what, &key)) {
			return false;
		}
		if (key == KEY_PROFILE && at_text(r)) {
			return read_text(r, what, found);
		}
		if (!skip_item(r, what)) {
			return false;
		}
	}
	return true;
}

static bool is(const char *name, struct cca_bytes text)
{
	return name != NULL && strlen(name) == text.size && memcmp(name, text.data, text.size) == 0;
}

static enum cca_profile profile_of(struct cca_bytes text, bool is_platform)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (is(is_platform ? known[i].platform : known[i].realm, text)) {
			return known[i].profile;
		}
	}
	return CCA_PROFILE_NONE;
}

/* What is wrong with the map besides is found, and told better, by those who read it. */
bool find_profile(struct reader *r, const char *what, bool is_platform)
{
	struct cca_error ignored = {0};
	struct parse scan = {.whole = r->parse->whole, .err = &ignored};
	struct reader ahead = *r;
	struct cca_bytes text = {0};
	enum cca_profile profile;

	ahead.parse = &scan;
	if (!find_text(&ahead, what, &text) || text.size == 0) {
		return true;
	}
	profile = profile_of(text, is_platform);
	if (profile != CCA_PROFILE_NONE && profile != CCA_PROFILE_1_0 && r->parse->strict) {
		return reader_unsupported(r,
					  "%s: profile %s is not that of RMM 1.0, which --strict "
					  "asks for",
					  what, profile_names[profile]);
	}
	if (profile != CCA_PROFILE_NONE &&
	    (r->parse->profile == CCA_PROFILE_NONE || r->parse->profile == profile)) {
		r->parse->profile = profile;
		return true;
	}
	return reader_unsupported(
		r, "%s: profile %.*s is not supported%s%s", what,
		(int)(text.size < 96 ? text.size : 96), (const char *)text.data,
		profile != CCA_PROFILE_NONE ? " behind a platform token of profile " : "",
		profile != CCA_PROFILE_NONE ? profile_names[r->parse->profile] : "");
}
