// SPDX-License-Identifier: BSD-3-Clause
/* Errors of the module come through as they are, and each has words of its own. */
#include "pair.h"

#include "abi/uapi/csm_guest.h"
#include <sys/ioctl.h>

/* What abi/uapi/csm_guest.h lists, and what the library adds. */
static const int errors[] = {
	EACCES,       EADDRINUSE, EADDRNOTAVAIL, EAGAIN,     EALREADY,    EBUSY,  ECONNRESET,
	EDESTADDRREQ, EDQUOT,     EEXIST,        EHWPOISON,  EINPROGRESS, EINTR,  EINVAL,
	EIO,          EMSGSIZE,   ENODATA,       ENODEV,     ENOENT,      ENOMEM, ENOSPC,
	ENOTCONN,     ENOTTY,     ENXIO,         EOPNOTSUPP, EPERM,       EPIPE,  EPROTO,
	ESHUTDOWN,    ESTALE,     ETIMEDOUT,     EUSERS,
};

static void test_words(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < COUNT(errors); i++) {
		const char *text = csm_strerror(-errors[i]);

		assert_string_not_equal(text, strerror(errors[i]));
		for (unsigned int j = 0; j < i; j++) {
			assert_string_not_equal(text, csm_strerror(-errors[j]));
		}
	}
}

static int do_share(struct csm_region *r)
{
	return csm_share(r, fake_id(X), CSM_READ, NULL);
}

static int do_revoke(struct csm_region *r)
{
	return csm_revoke(r, fake_id(C));
}

static int do_digest(struct csm_region *r)
{
	uint8_t value[64];

	return csm_digest(r, value);
}

static int do_notify(struct csm_region *r)
{
	return csm_signal(r, fake_id(C), 1);
}

static int do_keep(struct csm_region *r)
{
	return csm_set_persistent(r, true);
}

static void test_region_calls(void **state)
{
	static const struct {
		unsigned long call;
		int (*run)(struct csm_region *region);
		int errors[9];
	} cases[] = {
		{CSM_IOC_SHARE,
		 do_share,
		 {EINVAL, EEXIST, EPERM, EINPROGRESS, ENOSPC, ENXIO, ENOTCONN, EIO}},
		{CSM_IOC_REVOKE, do_revoke, {ENOENT, EINTR, EINPROGRESS, ENXIO, ENOTCONN, EIO}},
		{CSM_IOC_SEAL,
		 csm_seal,
		 {EALREADY, EHWPOISON, EINTR, EINPROGRESS, ENXIO, ENOTCONN, EIO}},
		{CSM_IOC_DIGEST,
		 do_digest,
		 {ENODATA, EHWPOISON, EACCES, EINTR, EINPROGRESS, ENXIO, ENOTCONN, EIO}},
		{CSM_IOC_SIGNAL, do_notify, {EACCES, EINVAL, ENXIO, ENOTCONN, EIO}},
		{CSM_IOC_SET_PERSISTENT, do_keep, {ENOTCONN}},
		{CSM_IOC_END, csm_end, {EINTR}},
	};
	struct pair *p = *state;
	struct csm_region *r[2];
	char byte = 1;

	pair_share(p, CSM_READ, r);
	for (unsigned int i = 0; i < COUNT(cases); i++) {
		for (unsigned int j = 0; cases[i].errors[j]; j++) {
			fake_fail_call(p->world, cases[i].call, cases[i].errors[j]);
			assert_int_equal(cases[i].run(r[0]), -cases[i].errors[j]);
		}
	}
	fake_fail(p->world, 0);
	/* A seal that failed takes nothing away. */
	assert_int_equal(csm_permissions(r[0]), CSM_READ | CSM_WRITE);
	assert_int_equal(csm_write(r[0], 0, &byte, 1), 0);
	assert_int_equal(csm_read(r[1], 0, &byte, 1), 0);
	csm_release(r[1]);
	csm_release(r[0]);
}

static void test_device_calls(void **state)
{
	static const int create[] = {EINVAL, EDQUOT, ENOMEM, ENOSPC, ENXIO, ESHUTDOWN, EMFILE, EIO};
	static const int attach[] = {EACCES, EMSGSIZE,   ENODEV,    EADDRNOTAVAIL, ENOMEM, EINVAL,
				     EUSERS, EADDRINUSE, ETIMEDOUT, ENOTCONN,      EBUSY,  ENOSPC,
				     ENXIO,  EINTR,      ESHUTDOWN, EMFILE,        EIO};
	struct pair *p = *state;
	struct csm_region *region;

	for (unsigned int i = 0; i < COUNT(create); i++) {
		fake_fail_call(p->world, CSM_IOC_CREATE, create[i]);
		assert_int_equal(csm_create(p->csm[P], 4096, 0, 0, &region), -create[i]);
	}
	for (unsigned int i = 0; i < COUNT(attach); i++) {
		fake_fail_call(p->world, CSM_IOC_ATTACH, attach[i]);
		assert_int_equal(csm_attach(p->csm[C], fake_id(P), 1, NULL, 0, &region),
				 -attach[i]);
	}
	fake_fail(p->world, 0);
}

/* To any realm, what is granted must say which software: nothing else does. */
static void test_any(void **state)
{
	struct csm_policy policy = {.check_rpv = true, .hash_bits = 256};
	struct pair *p = *state;
	struct csm_region *region = pair_create(p, 4096);

	assert_int_equal(csm_share(region, CSM_ANY, CSM_READ, NULL), -EDESTADDRREQ);
	assert_int_equal(csm_share(region, CSM_ANY, CSM_READ, &policy), -EDESTADDRREQ);
	policy.check_rem = 1;
	assert_int_equal(csm_share(region, CSM_ANY, CSM_READ, &policy), -EDESTADDRREQ);
	policy.check_rim = true;
	assert_int_equal(csm_share(region, CSM_ANY, CSM_READ, &policy), 0);
	csm_release(region);
}

/* Attached by somebody else already, it stays for who asks for that. */
static void test_keep_attached(void **state)
{
	struct pair *p = *state;
	struct csm_region *r[2], *second;

	pair_share(p, CSM_READ, r);
	assert_int_equal(csm_attach(p->csm[C], fake_id(P), 1, NULL, CSM_PERSISTENT, &second), 0);
	csm_release(second);
	csm_release(r[1]);
	assert_int_equal(csm_find(p->csm[C], fake_id(P), 1, &second), 0);
	assert_int_equal(csm_end(second), 0);
	assert_int_equal(csm_set_persistent(second, true), -ENOTCONN);
	csm_release(second);
	csm_release(r[0]);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("errors: each has words of its own", test_words),
		PAIR("errors: of calls on a region", test_region_calls),
		PAIR("errors: of making and attaching", test_device_calls),
		PAIR("share: to any realm only with its initial measurement", test_any),
		PAIR("attach: kept although it was attached already", test_keep_attached),
	};

	return cmocka_run_group_tests_name("errors", tests, NULL, NULL);
}
