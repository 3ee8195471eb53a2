// SPDX-License-Identifier: BSD-3-Clause
/*
 * Writes tokens and keys into a folder, for tests of the programs and as a fuzzing corpus:
 *	make-token DIR
 * or one token around a platform token and a realm key that come from elsewhere:
 *	make-token --around PLATFORM-TOKEN REALM-SECRET TOKEN
 * or the token of a realm with an id and a claim of its sharings, both in hexadecimal digits; on
 * another machine with "other", and without the claim with "-":
 *	make-token --sharings ID CLAIM|- TOKEN [other]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy.h"
#include "tests/maker.h"

static void must(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "make-token: %s\n", what);
		exit(1);
	}
}

static void write_file(const char *folder, const char *name, const void *data, size_t size)
{
	char path[4096];
	FILE *out;

	snprintf(path, sizeof(path), "%s%s%s", folder, folder[0] != '\0' ? "/" : "", name);
	out = fopen(path, "wb");
	must(out != NULL && fwrite(data, 1, size, out) == size && fclose(out) == 0, path);
}

static size_t read_file(const char *path, void *data, size_t max)
{
	FILE *in = fopen(path, "rb");
	size_t size;

	must(in != NULL, path);
	size = fread(data, 1, max, in);
	fclose(in);
	return size;
}

static void write_token(const struct maker *m, const char *folder, const char *name)
{
	static struct maker_token token;

	must(maker_build(m, &token), name);
	write_file(folder, name, token.data, token.size);
}

static void write_key(const struct maker *m, const char *folder, const char *name)
{
	struct cca_key key;
	char pem[1024];

	must(maker_key(m->platform_alg, m->platform_secret, &key) &&
		     maker_pem(&key, pem, sizeof(pem)),
	     name);
	write_file(folder, name, pem, strlen(pem));
}

/* Forms that later specifications and other tools have. */
static void make_unusual(const char *folder)
{
	static struct maker m;
	struct blob entry = {0};

	must(maker_init(&m, CCA_HASH_SHA256, CCA_SIGN_ES384), "init");
	m.cmw = true;
	write_token(&m, folder, "cmw.cbor");
	m.cmw = false;
	put_raw(&entry, "\x0b\x82\xf9\x3c\x00\xa1\x61x\xf5", 9);
	entry_add(&m.realm, &entry);
	entry.size = 0;
	put_raw(&entry, "\x68x-vendor\xd8\x20\x00", 12);
	entry_add(&m.realm, &entry);
	entry.size = 0;
	put_raw(&entry, "\x64\x1b[2J\x00", 6);
	entry_add(&m.realm, &entry);
	entry.size = 0;
	put_int(&entry, 44243);
	put_uint(&entry, 1);
	entry_add(&m.realm, &entry);
	entry.size = 0;
	put_int(&entry, -5);
	put_uint(&entry, 1);
	entry_add(&m.platform, &entry);
	write_token(&m, folder, "unknown.cbor");
	must(maker_init(&m, CCA_HASH_SHA256, CCA_SIGN_ES384), "init");
	entry.size = 0;
	put_int(&entry, 265);
	put_text(&entry, "tag:arm.com,2024:realm#2.0.0");
	entry_set(&m.realm, REALM_PROFILE, &entry);
	write_token(&m, folder, "profile.cbor");
}

/* One half alone, and whole tokens of the other profiles. */
static void make_profiles(const char *folder)
{
	static const char *const names[] = {[CCA_PROFILE_PRE_1_0] = "pre10.cbor",
					    [CCA_PROFILE_1_0] = "profile10.cbor",
					    [CCA_PROFILE_2024] = "profile2024.cbor",
					    [CCA_PROFILE_2026] = "profile2026.cbor"};
	static struct maker m;
	struct cca_key key;
	char pem[1024];

	for (int p = CCA_PROFILE_PRE_1_0; p <= CCA_PROFILE_2026; p++) {
		must(maker_init(&m, CCA_HASH_SHA256, CCA_SIGN_ES384) &&
			     maker_profile(&m, (enum cca_profile)p),
		     names[p]);
		write_token(&m, folder, names[p]);
	}
	must(maker_init(&m, CCA_HASH_SHA256, CCA_SIGN_ES384), "init");
	m.bare = true;
	m.half = MAKER_PLATFORM;
	write_token(&m, folder, "platform.cbor");
	m.half = MAKER_REALM;
	write_token(&m, folder, "realm.cbor");
	must(maker_key(m.realm_alg, m.realm_secret, &key) && maker_pem(&key, pem, sizeof(pem)),
	     "realm.pem");
	write_file(folder, "realm.pem", pem, strlen(pem));
}

static void make_folder(const char *folder)
{
	static struct maker m;

	must(maker_init(&m, CCA_HASH_SHA256, CCA_SIGN_ES384), "init");
	write_key(&m, folder, "platform.pem");
	write_token(&m, folder, "good.cbor");
	entry_drop(&m.realm, REALM_ID);
	write_token(&m, folder, "noid.cbor");
	m.wrong_platform_signature = true;
	write_token(&m, folder, "badplatform.cbor");
	m.wrong_realm_signature = true;
	write_token(&m, folder, "badrealm.cbor");
	must(maker_init(&m, CCA_HASH_SHA512, CCA_SIGN_ES384), "init");
	write_token(&m, folder, "sha512.cbor");
	must(maker_init(&m, CCA_HASH_SHA256, CCA_SIGN_ES256), "init");
	write_key(&m, folder, "es256.pem");
	write_token(&m, folder, "es256.cbor");
	must(maker_init(&m, CCA_HASH_SHA256, CCA_SIGN_ES384), "init");
	m.platform.entry[PLAT_LIFECYCLE].size = 0;
	put_int(&m.platform.entry[PLAT_LIFECYCLE], 2395);
	put_uint(&m.platform.entry[PLAT_LIFECYCLE], 0x4001);
	write_token(&m, folder, "debug.cbor");
	make_unusual(folder);
	make_profiles(folder);
}

static void make_around(const char *platform, const char *secret, const char *out)
{
	static struct maker m;
	static uint8_t token[MAKER_TOKEN_SIZE];

	must(maker_init(&m, CCA_HASH_SHA256, CCA_SIGN_ES384), "init");
	m.platform_token_size = read_file(platform, token, sizeof(token));
	m.platform_token = token;
	must(read_file(secret, m.realm_secret, 48) == 48, secret);
	must(maker_bind(&m, CCA_HASH_SHA256), "bind");
	write_token(&m, "", out);
}

/* The token of a realm that shares something. */
static void make_sharings(const char *id, const char *claim, const char *out, bool other)
{
	static struct maker m;
	uint8_t value[CCA_HASH_MAX];
	struct blob entry = {0};

	must(maker_init(&m, CCA_HASH_SHA256, CCA_SIGN_ES384), "init");
	if (other) {
		m.realm_secret[5] ^= 1;
		must(maker_bind(&m, CCA_HASH_SHA256), "bind");
	}
	must(cca_from_hex(id, value, 8) == 8, id);
	put_int(&entry, -70001);
	put_bytes(&entry, value, 8);
	entry_set(&m.realm, REALM_ID, &entry);
	if (strcmp(claim, "-") != 0) {
		entry.size = 0;
		put_int(&entry, -70002);
		put_bytes(&entry, value, cca_from_hex(claim, value, sizeof(value)));
		entry_add(&m.realm, &entry);
	}
	write_token(&m, "", out);
}

int main(int argc, char **argv)
{
	if (argc == 2) {
		make_folder(argv[1]);
	} else if (argc == 5 && strcmp(argv[1], "--around") == 0) {
		make_around(argv[2], argv[3], argv[4]);
	} else if ((argc == 5 || argc == 6) && strcmp(argv[1], "--sharings") == 0) {
		make_sharings(argv[2], argv[3], argv[4], argc == 6);
	} else {
		must(false, "usage: make-token DIR | --around PLATFORM-TOKEN REALM-SECRET TOKEN | "
			    "--sharings ID CLAIM TOKEN [other]");
	}
	return 0;
}
