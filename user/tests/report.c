// SPDX-License-Identifier: BSD-3-Clause
#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake.h"
#include "unit.h"
#include "verifier/tests/maker.h"

#define TOKEN_MOST 16385 /* one byte more than a token has at most */

struct report_kernel report_kernel;
uint8_t report_challenge[65];
size_t report_challenge_size;
unsigned int report_removed;
char report_folder[] = "/tmp/csmattestXXXXXX";

_Thread_local long report_mallocs = -1;

static const char *const names[] = {"p", "c", "x"};

void put(const char *path, const char *name, const void *data, size_t size)
{
	char full[600];
	FILE *file;

	snprintf(full, sizeof(full), "%s/%s", path, name);
	file = fopen(full, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

size_t get(const char *path, const char *name, void *data, size_t max)
{
	char full[600];
	FILE *file;
	size_t size;

	snprintf(full, sizeof(full), "%s/%s", path, name);
	file = fopen(full, "rb");
	assert_non_null(file);
	size = fread(data, 1, max, file);
	fclose(file);
	return size;
}

/* ------------------------------------------------------------------ tokens */

static struct blob entry(int64_t key, const void *data, size_t size)
{
	struct blob b = {0};

	put_int(&b, key);
	put_bytes(&b, data, size);
	return b;
}

/* Claims of the realm, but for what the fault changes. */
static void set_claims(struct maker *m, unsigned int realm, enum report_fault fault,
		       const uint8_t challenge[64])
{
	uint64_t id = fake_id(fault == REPORT_ID_P ? 0 : fault == REPORT_ID_X ? 2 : realm);
	uint8_t rim[32], bytes[8], answered[64];
	struct blob b;

	memset(rim, 0x10 + (int)realm + (fault == REPORT_IMAGE ? 0x40 : 0), sizeof(rim));
	b = entry(44238, rim, sizeof(rim));
	entry_set(&m->realm, REALM_RIM, &b);
	memcpy(answered, challenge, sizeof(answered));
	answered[5] ^= fault == REPORT_CHALLENGE;
	b = entry(10, answered, sizeof(answered));
	entry_set(&m->realm, REALM_CHALLENGE, &b);
	for (unsigned int i = 0; i < 8; i++) {
		bytes[i] = (uint8_t)(id >> 8 * (7 - i));
	}
	b = entry(-70001, bytes, sizeof(bytes));
	entry_set(&m->realm, REALM_ID, &b);
	if (fault == REPORT_NO_ID) {
		entry_drop(&m->realm, REALM_ID);
	}
}

size_t report_token(unsigned int realm, enum report_fault fault, const uint8_t challenge[64],
		    uint8_t *out, size_t max)
{
	static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;
	static struct maker maker;
	static struct maker_token token;
	size_t size;

	if (fault == REPORT_BYTES) {
		assert_true(report_kernel.size <= max);
		memset(out, 0xa5, report_kernel.size);
		return report_kernel.size;
	}
	pthread_mutex_lock(&making);
	assert_true(maker_init(&maker, CCA_HASH_SHA256, CCA_SIGN_ES384));
	set_claims(&maker, realm, fault, challenge);
	maker.wrong_platform_signature = fault == REPORT_SIGNATURE;
	assert_true(maker_build(&maker, &token));
	size = token.size - (fault == REPORT_CUT);
	assert_true(size <= max);
	memcpy(out, token.data, size);
	pthread_mutex_unlock(&making);
	return size;
}

/* ----------------------------------------------------------------- reports */

/* One report: its folder, its realm, and who serves its pipes: a generation and a token. */
struct served {
	char path[512];
	unsigned int realm;
	pthread_t thread;
};

/* One command at a time in each of two realms. */
static struct served served[2];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void offer(const char *path, const char *name, const void *data, size_t size)
{
	char full[600];
	int fd;

	snprintf(full, sizeof(full), "%s/%s", path, name);
	fd = open(full, O_WRONLY);
	if (fd >= 0) {
		(void)!write(fd, data, size);
		close(fd);
	}
}

/* The generation before; the token after the challenge has been written; the generation after. */
static void *serve(void *arg)
{
	const struct served *s = arg;
	uint8_t *token = malloc(TOKEN_MOST);
	uint8_t challenge[64] = {0};
	struct stat st = {0};
	char full[600];
	size_t size;

	pthread_cleanup_push(free, token);
	snprintf(full, sizeof(full), "%s/inblob", s->path);
	offer(s->path, "generation", report_kernel.before, strlen(report_kernel.before));
	while (stat(full, &st) == 0 && st.st_size == 0) {
		usleep(1000);
	}
	if (st.st_size != 0) {
		get(s->path, "inblob", challenge, sizeof(challenge));
		size = report_token(s->realm, report_kernel.fault[s->realm], challenge, token,
				    TOKEN_MOST);
		offer(s->path, "outblob", token, size);
		offer(s->path, "generation", report_kernel.after, strlen(report_kernel.after));
	}
	pthread_cleanup_pop(1);
	return NULL;
}

static void make_pipe(const char *path, const char *name)
{
	char full[600];

	snprintf(full, sizeof(full), "%s/%s", path, name);
	assert_int_equal(mkfifo(full, 0600), 0);
}

int __wrap_mkdir(const char *path, mode_t mode)
{
	struct served *s;
	int ret;

	if (report_kernel.error != 0 || report_kernel.taken > 0) {
		errno = report_kernel.error != 0 ? report_kernel.error : EEXIST;
		report_kernel.taken--;
		return -1;
	}
	ret = __real_mkdir(path, mode);
	if (ret != 0) {
		return ret;
	}
	pthread_mutex_lock(&lock);
	s = &served[served[0].path[0] != '\0'];
	assert_true(s->path[0] == '\0');
	snprintf(s->path, sizeof(s->path), "%s", path);
	for (s->realm = 0; strncmp(path, report_of(s->realm), strlen(report_of(s->realm))) != 0;) {
		s->realm++;
	}
	put(path, "provider", report_kernel.provider, strlen(report_kernel.provider));
	put(path, "inblob", "", 0);
	make_pipe(path, "outblob");
	make_pipe(path, "generation");
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
	pthread_mutex_unlock(&lock);
	return ret;
}

/* A test may look at what was written before the folder goes. */
int __wrap_rmdir(const char *path)
{
	static const char *const files[] = {"provider", "generation", "inblob", "outblob"};
	char full[600];

	pthread_mutex_lock(&lock);
	for (int i = 0; i < 2; i++) {
		if (strcmp(served[i].path, path) == 0) {
			pthread_cancel(served[i].thread);
			pthread_join(served[i].thread, NULL);
			served[i].path[0] = '\0';
		}
	}
	report_challenge_size = get(path, "inblob", report_challenge, sizeof(report_challenge));
	report_removed++;
	pthread_mutex_unlock(&lock);
	for (int i = 0; i < 4; i++) {
		snprintf(full, sizeof(full), "%s/%s", path, files[i]);
		unlink(full);
	}
	return __real_rmdir(path);
}

/* ------------------------------------------------------------------ memory */

void *__wrap_malloc(size_t size)
{
	if (report_mallocs == 0) {
		errno = ENOMEM;
		return NULL;
	}
	report_mallocs -= report_mallocs > 0;
	return __real_malloc(size);
}

/* ------------------------------------------------------------------- tests */

const char *report_of(unsigned int realm)
{
	static char paths[COUNT(names)][64];

	assert_true(realm < COUNT(names));
	snprintf(paths[realm], sizeof(paths[realm]), "%s/%s", report_folder, names[realm]);
	return paths[realm];
}

void report_reset(void)
{
	report_kernel = (struct report_kernel){
		.provider = "arm_cca_guest\n", .before = "7\n", .after = "8\n", .size = 1000};
	report_removed = 0;
}

/* The policy for the realm: its RIM, and the key of the platform. */
static void put_policy(unsigned int realm)
{
	char text[256], rim[65], name[16];

	for (unsigned int i = 0; i < 32; i++) {
		sprintf(rim + 2 * i, "%02x", 0x10 + realm);
	}
	snprintf(text, sizeof(text),
		 "{\"caec-policy\": 1, \"anchors\": [\"platform.pem\"], \"realm\": {\"rim\": "
		 "\"%s\"}}",
		 rim);
	snprintf(name, sizeof(name), "%s.json", names[realm]);
	put(report_folder, name, text, strlen(text));
}

int report_prepare(void **state)
{
	static struct maker maker;
	struct cca_key key;
	char pem[1024];

	(void)state;
	assert_non_null(mkdtemp(report_folder));
	assert_true(maker_init(&maker, CCA_HASH_SHA256, CCA_SIGN_ES384));
	assert_true(maker_key(maker.platform_alg, maker.platform_secret, &key));
	assert_true(maker_pem(&key, pem, sizeof(pem)));
	put(report_folder, "platform.pem", pem, strlen(pem));
	for (unsigned int i = 0; i < COUNT(names); i++) {
		assert_int_equal(__real_mkdir(report_of(i), 0700), 0);
		put_policy(i);
	}
	return 0;
}
