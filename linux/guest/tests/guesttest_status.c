// SPDX-License-Identifier: GPL-2.0-only
/* What programs are told for each status with which the RMM can answer a command. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guesttest.h"

/* Writes a parameter of the module, which is here the RMM's that plays for it. */
static void set(const char *name, const char *value)
{
	char path[100];
	int fd;

	snprintf(path, sizeof(path), "/sys/module/caec_guest/parameters/%s", name);
	fd = open(path, O_WRONLY);
	CHECK(write(fd, value, strlen(value)) == (ssize_t)strlen(value));
	close(fd);
}

void force(unsigned int command, unsigned int status)
{
	char text[40];

	snprintf(text, sizeof(text), "%u %u 1", command & 0xfff, status);
	set("forced_answer", text);
}

static struct csm_ioc_sharing sharing_of(int fd)
{
	struct csm_ioc_sharing sharing = {0};

	CHECK(ioctl(fd, CSM_IOC_GET_SHARING, &sharing) == 0);
	return sharing;
}

/* Refused for another reason than that it is sealed, a region is what it was: unsealed. */
void test_seal_fails(void)
{
	static const struct {
		unsigned int status;
		const char *flags; /* what RSI_CSM_QUERY says besides */
		int error;
	} cases[] = {
		{CSM_ERROR_PAGES, "0", EHWPOISON},   {RSI_ERROR_STATE, "0", EIO},
		{RSI_ERROR_STATE, "4", EINPROGRESS}, {RSI_ERROR_INPUT, "0", EIO},
		{CSM_ERROR_NO_APT, "0", ENXIO},      {0x777, "0", EIO},
	};
	struct csm_ioc_share share = {.consumer_id = PEER, .permissions = 3};
	struct csm_ioc_digest digest = {0};
	int fd = create(12288, 0, NULL);
	void *m;

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		set("query_flags", cases[i].flags);
		force(RSI_CSM_SEAL_FID, cases[i].status);
		FAILS(ioctl(fd, CSM_IOC_SEAL), cases[i].error);
		set("query_flags", "0");
		CHECK(sharing_of(fd).flags == CSM_IOC_SHARING_OWN &&
		      sharing_of(fd).permissions == 3);
	}
	m = map(fd, 12288, PROT_READ | PROT_WRITE);
	CHECK(m != MAP_FAILED && touch(m, true) == 0);
	munmap(m, 12288);
	CHECK(ioctl(fd, CSM_IOC_SHARE, &share) == 0);
	force(RSI_CSM_DIGEST_FID, CSM_ERROR_PAGES);
	FAILS(ioctl(fd, CSM_IOC_DIGEST, &digest), EHWPOISON);
	FAILS(ioctl(fd, CSM_IOC_DIGEST, &digest), ENODATA);

	/* Sealed by the RMM's word, although this call has not done it. */
	set("query_flags", "1");
	force(RSI_CSM_SEAL_FID, RSI_ERROR_STATE);
	FAILS(ioctl(fd, CSM_IOC_SEAL), EALREADY);
	CHECK(sharing_of(fd).flags == (CSM_IOC_SHARING_OWN | CSM_IOC_SHARING_SEALED));
	CHECK(sharing_of(fd).permissions == CSM_PERM_READ);
	force(RSI_CSM_DIGEST_FID, RSI_ERROR_STATE);
	FAILS(ioctl(fd, CSM_IOC_DIGEST, &digest), EIO);
	set("query_flags", "0");
	close(fd);
}

void test_provider_statuses(void)
{
	struct csm_ioc_share share = {.consumer_id = PEER, .permissions = 3};
	struct csm_ioc_revoke revoke = {.consumer_id = PEER};
	struct csm_ioc_digest digest = {0};
	const struct {
		unsigned int command;
		unsigned long call;
		void *arg;
		unsigned int status;
		const char *flags, *hides;
		int error;
	} cases[] = {
		{RSI_CSM_SHARE_FID, CSM_IOC_SHARE, &share, RSI_ERROR_INPUT, "0", "0", EINVAL},
		{RSI_CSM_SHARE_FID, CSM_IOC_SHARE, &share, RSI_ERROR_INPUT, "0", "1", ENOTCONN},
		{RSI_CSM_SHARE_FID, CSM_IOC_SHARE, &share, RSI_ERROR_STATE, "0", "0", EEXIST},
		{RSI_CSM_SHARE_FID, CSM_IOC_SHARE, &share, RSI_ERROR_STATE, "4", "0", EINPROGRESS},
		{RSI_CSM_SHARE_FID, CSM_IOC_SHARE, &share, RSI_ERROR_STATE, "0", "1", ENOTCONN},
		{RSI_CSM_SHARE_FID, CSM_IOC_SHARE, &share, CSM_ERROR_NO_SPACE, "0", "0", ENOSPC},
		{RSI_CSM_SHARE_FID, CSM_IOC_SHARE, &share, CSM_ERROR_NO_APT, "0", "0", ENXIO},
		{RSI_CSM_SHARE_FID, CSM_IOC_SHARE, &share, 0x777, "0", "0", EIO},
		{RSI_CSM_REVOKE_FID, CSM_IOC_REVOKE, &revoke, RSI_ERROR_INPUT, "0", "0", ENOENT},
		{RSI_CSM_REVOKE_FID, CSM_IOC_REVOKE, &revoke, RSI_ERROR_INPUT, "0", "1", ENOTCONN},
		{RSI_CSM_REVOKE_FID, CSM_IOC_REVOKE, &revoke, RSI_ERROR_STATE, "4", "0",
		 EINPROGRESS},
		{RSI_CSM_REVOKE_FID, CSM_IOC_REVOKE, &revoke, RSI_ERROR_STATE, "0", "0", EIO},
		{RSI_CSM_REVOKE_FID, CSM_IOC_REVOKE, &revoke, CSM_ERROR_NO_APT, "0", "0", ENXIO},
		{RSI_CSM_SEAL_FID, CSM_IOC_SEAL, NULL, RSI_ERROR_INPUT, "0", "1", ENOTCONN},
		{RSI_CSM_DIGEST_FID, CSM_IOC_DIGEST, &digest, RSI_ERROR_STATE, "4", "0",
		 EINPROGRESS},
		{RSI_CSM_DIGEST_FID, CSM_IOC_DIGEST, &digest, CSM_ERROR_ACCESS, "0", "0", EACCES},
		{RSI_CSM_DIGEST_FID, CSM_IOC_DIGEST, &digest, CSM_ERROR_NO_APT, "0", "0", ENXIO},
	};
	int fd = create(4096, 0, NULL);

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		set("query_flags", cases[i].flags);
		set("query_hides", cases[i].hides);
		force(cases[i].command, cases[i].status);
		CHECK(ioctl(fd, cases[i].call, cases[i].arg) == -1);
		if (errno != cases[i].error) {
			printf("# case %u: errno %d\n", i, errno);
			CHECK(!"the errno of this case");
		}
	}
	set("query_flags", "0");
	set("query_hides", "0");
	CHECK(sharing_of(fd).flags == CSM_IOC_SHARING_OWN);
	CHECK(ioctl(fd, CSM_IOC_SHARE, &share) == 0 && ioctl(fd, CSM_IOC_REVOKE, &revoke) == 0);
	close(fd);
	CHECK(info().regions == 0);
}

void test_consumer_statuses(void)
{
	static const struct {
		unsigned int command, status;
		const char *state; /* CSM_STATE_* that RSI_CSM_QUERY says then */
		bool policy;
		int error;
	} cases[] = {
		{RSI_CSM_RESERVE_FID, RSI_ERROR_INPUT, "2", false, EIO},
		{RSI_CSM_RESERVE_FID, RSI_ERROR_INPUT, "2", true, EINVAL},
		{RSI_CSM_RESERVE_FID, RSI_ERROR_STATE, "2", false, EADDRINUSE},
		{RSI_CSM_RESERVE_FID, CSM_ERROR_ACCESS, "2", false, EACCES},
		{RSI_CSM_RESERVE_FID, CSM_ERROR_NO_SPACE, "2", false, ENOSPC},
		{RSI_CSM_RESERVE_FID, CSM_ERROR_NO_APT, "2", false, ENXIO},
		{RSI_CSM_RESERVE_FID, 0x777, "2", false, EIO},
		{RSI_CSM_ATTACH_FID, RSI_ERROR_INPUT, "2", false, ENOTCONN},
		{RSI_CSM_ATTACH_FID, RSI_ERROR_STATE, "3", false, EADDRINUSE},
		{RSI_CSM_ATTACH_FID, RSI_ERROR_STATE, "4", false, ENOTCONN},
		{RSI_CSM_ATTACH_FID, CSM_ERROR_ACCESS, "2", false, EACCES},
		{RSI_CSM_ATTACH_FID, CSM_ERROR_NO_SPACE, "2", false, EUSERS},
		{RSI_CSM_ATTACH_FID, CSM_ERROR_NO_APT, "2", false, ENXIO},
		{RSI_CSM_ATTACH_FID, 0x777, "2", false, EIO},
	};
	struct rsi_csm_policy policy = {.version = CSM_POLICY_VERSION};

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct csm_ioc_attach req = {.provider_id = PEER, .region_id = 1};

		req.policy = cases[i].policy ? (unsigned long)&policy : 0;
		set("query_state", cases[i].state);
		force(cases[i].command, cases[i].status);
		CHECK(ioctl(dev, CSM_IOC_ATTACH, &req) == -1);
		if (errno != cases[i].error) {
			printf("# case %u: errno %d\n", i, errno);
			CHECK(!"the errno of this case");
		}
		CHECK(info().attachments == 0 && info().window_free == 2048 * MB);
	}
	set("query_state", "2");
	close(attach(1));
}

void test_other_statuses(void)
{
	struct csm_ioc_query query = {.realm_id = PEER};
	struct csm_ioc_peer peer = {.peer_id = PEER};
	struct csm_ioc_record record = {0};
	struct csm_ioc_signal signal = {.bits = 1};
	int fd;

	force(RSI_CSM_CREATE_FID, RSI_ERROR_INPUT);
	FAILS(create(4096, 0, NULL), EIO);
	force(RSI_CSM_CREATE_FID, CSM_ERROR_NO_SPACE);
	FAILS(create(4096, 0, NULL), ENOSPC);
	force(RSI_CSM_CREATE_FID, CSM_ERROR_NO_APT);
	FAILS(create(4096, 0, NULL), ENXIO);
	CHECK(info().regions == 0 && info().memory_used == 0);
	force(RSI_CSM_QUERY_FID, CSM_ERROR_NO_APT);
	FAILS(ioctl(dev, CSM_IOC_QUERY, &query), ENXIO);
	force(RSI_CSM_QUERY_FID, CSM_ERROR_ACCESS);
	FAILS(ioctl(dev, CSM_IOC_QUERY, &query), EACCES);
	force(RSI_CSM_PEER_FID, CSM_ERROR_NO_APT);
	FAILS(ioctl(dev, CSM_IOC_PEER, &peer), ENXIO);
	force(RSI_CSM_RECORD_FID, CSM_ERROR_NO_APT);
	FAILS(ioctl(dev, CSM_IOC_RECORD, &record), ENXIO);
	fd = attach(1);
	force(RSI_CSM_SIGNAL_FID, CSM_ERROR_ACCESS);
	FAILS(ioctl(fd, CSM_IOC_SIGNAL, &signal), EACCES);
	force(RSI_CSM_SIGNAL_FID, CSM_ERROR_NO_APT);
	FAILS(ioctl(fd, CSM_IOC_SIGNAL, &signal), ENXIO);
	close(fd);
}
