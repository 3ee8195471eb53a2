// SPDX-License-Identifier: BSD-3-Clause
/* What csmctl says: errors as JSON, lists, numbers of registers. */
#include "command.h"

#include <errno.h>
#include <sys/ioctl.h>

#include "abi/csm.h"
#include "abi/uapi/csm_guest.h"

/* Errors of every kind as JSON, on standard error, with the same status; options in any order. */
static void test_json_errors(void **state)
{
	struct pair *p = *state;

	refuse(p, P, "--json frobnicate", CSMCTL_USAGE,
	       "{\"error\": \"no command frobnicate; see csmctl --help\", \"status\": 2}\n");
	refuse(p, P, "--json", CSMCTL_USAGE,
	       "{\"error\": \"no command; see csmctl --help\", \"status\": 2}\n");
	refuse(p, P, "--bogus\"x\\ id --json", CSMCTL_USAGE,
	       "{\"error\": \"--bogus\\\"x\\\\: no such option, or a value too many or too few\", "
	       "\"status\": 2}\n");
	refuse(p, P, "destroy 7 --json", CSMCTL_FAILED,
	       "{\"error\": \"7: no such region or attachment in this realm\", \"status\": 1}\n");
	refuse(p, P, "put /nowhere/file --json", CSMCTL_FAILED,
	       "{\"error\": \"/nowhere/file: No such file or directory\", \"status\": 1}\n");
	fake_fail(p->world, ENOENT);
	refuse(p, P, "--json id", CSMCTL_FAILED,
	       "{\"error\": \"there is no /dev/csm: load the module caec_guest\", \"status\": "
	       "1}\n");
	fake_fail(p->world, 0);
}

/* Own regions first, then attachments by provider and number, whatever was attached first. */
static void test_list_attached(void **state)
{
	struct pair *p = *state;

	expect(p, P, "create 4K --label one", NULL);
	expect(p, P, "create 8K", NULL);
	expect(p, X, "create 4K", NULL);
	expect(p, P, "share 1 " ID_C " --write", "");
	expect(p, P, "share 2 " ID_C, "");
	expect(p, X, "share 1 " ID_C, "");
	expect(p, C, "attach " ID_X ":1", NULL);
	expect(p, C, "attach " ID_P ":2", NULL);
	expect(p, C, "attach " ID_P ":1", NULL);
	expect(p, C, "create 4K", NULL);
	expect(p, C, "list",
	       "provider " ID_C "  region 1  label   size 4096  permissions rw  state own  "
	       "sealed no  any no\n"
	       "provider " ID_P "  region 1  label one  size 4096  permissions rw  state attached  "
	       "sealed no  any no\n"
	       "provider " ID_P "  region 2  label   size 8192  permissions r  state attached  "
	       "sealed no  any no\n"
	       "provider " ID_X "  region 1  label   size 4096  permissions r  state attached  "
	       "sealed no  any no\n");
	expect(p, P, "revoke 1 " ID_C, "");
	expect(p, C, "detach " ID_P ":2", "");
	expect(p, C, "detach " ID_X ":1", "");
	expect(p, C, "destroy 1", "");
	expect(p, C, "--json list",
	       "{\"regions\": [], \"attachments\": [{\"provider\": \"" ID_P "\", "
	       "\"region\": 1, \"label\": \"one\", \"size\": 4096, \"permissions\": \"rw\", "
	       "\"state\": \"ended\", \"sealed\": false, \"any\": false}]}\n");
	fake_fail_call(p->world, CSM_IOC_NEXT_ATTACHMENT, ENOTTY);
	refuse(p, P, "list " ID_P ":1", CSMCTL_USAGE,
	       "csmctl: " ID_P ":1: not a realm id (list takes REALM alone)\n");
	struct result old = run(p, C, "", "list");

	assert_int_equal(old.status, CSMCTL_FAILED);
	assert_string_equal(old.err,
			    "csmctl: list: the module caec_guest is older than this program: "
			    "load that of the same release\n");
	forget(&old);
	fake_fail(p->world, 0);
	expect(p, P, "destroy 1", "");
	expect(p, P, "destroy 2", "");
	expect(p, X, "destroy 1", "");
}

/* REM 0 to 3, as the specification and tokens count them. */
static void test_rem_numbers(void **state)
{
	struct pair *p = *state;
	struct result result;

	expect(p, P, "create 4K", NULL);
	refuse(p, P, "share 1 " ID_C " --rem 4:" RIM_C, CSMCTL_USAGE,
	       "csmctl: 4:" RIM_C ": not understood\n");
	expect(p, P, "share 1 " ID_C " --rem 0:" RIM_C, "");
	assert_int_equal(fake_policy_flags(p->world), CSM_POLICY_REM(0));
	expect(p, P, "share 1 any --rim " RIM_C " --rem 3:" RIM_C, "");
	assert_int_equal(fake_policy_flags(p->world), CSM_POLICY_RIM | CSM_POLICY_REM(3));
	expect(p, C, "attach " ID_P ":1", NULL);
	result = run(p, P, "", "peer " ID_C);
	assert_non_null(strstr(result.out, "\nrem0: "));
	assert_non_null(strstr(result.out, "\nrem3: "));
	assert_null(strstr(result.out, "\nrem4: "));
	forget(&result);
	expect(p, P, "destroy 1", "");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		PAIR("csmctl: errors as JSON", test_json_errors),
		PAIR("csmctl: list shows attachments", test_list_attached),
		PAIR("csmctl: REMs are 0 to 3", test_rem_numbers),
	};

	return cmocka_run_group_tests_name("csmctl_output", tests, NULL, NULL);
}
