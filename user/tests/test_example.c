// SPDX-License-Identifier: BSD-3-Clause
/* The example of the README, as it stands, against a consumer. */
#include "pair.h"

#include <pthread.h>
#include <time.h>

int hello_main(int argc, char **argv);
int __wrap_csm_open(struct csm **out);

static struct fake_world *world;

int __wrap_csm_open(struct csm **out)
{
	return csm_open_backend(&fake_backend, fake_realm(world, P), out);
}

static void *run(void *arg)
{
	char id[17];
	char *argv[] = {"hello", id, NULL};

	(void)arg;
	snprintf(id, sizeof(id), "%016llx", (unsigned long long)fake_id(C));
	return hello_main(2, argv) == 0 ? NULL : "failed";
}

static void test_hello(void **state)
{
	struct pair *p = *state;
	struct csm_region *region;
	char text[13] = "";
	pthread_t thread;
	void *result;
	int ret = -EACCES;

	world = p->world;
	pthread_create(&thread, NULL, run, NULL);
	for (unsigned int i = 0; i < 10000 && ret != 0; i++) {
		ret = csm_attach(p->csm[C], fake_id(P), 1, NULL, 0, &region);
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	}
	assert_int_equal(ret, 0);
	assert_int_equal(csm_read(region, 0, text, sizeof(text)), 0);
	assert_string_equal(text, "hello, realm");
	csm_release(region);
	pthread_join(thread, &result);
	assert_null(result);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		PAIR("example: a page and a greeting", test_hello),
	};

	return cmocka_run_group_tests_name("example", tests, NULL, NULL);
}
