// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module's calls from the outside, on the RMM of rsi_fake.c. Prints TAP. "guesttest all", or
 * "guesttest keep": leaves a persistent region behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guesttest.h"

static int count;

static int open_files(void)
{
	int files = 0;

	for (int fd = 0; fd < 64; fd++) {
		files += fcntl(fd, F_GETFD) >= 0;
	}
	return files;
}

/* -------------------------------------------------------------------- tests */

static void test_info(void)
{
	struct csm_ioc_info i = info();

	CHECK(i.revision == CSM_GUEST_REVISION);
	CHECK(i.csm_revision == CSM_REVISION);
	CHECK(i.realm_id == 0x1111222233334444ULL);
	CHECK(i.flags == (CSM_IOC_INFO_WINDOW | CSM_IOC_INFO_MMAP | CSM_IOC_INFO_INTERRUPT));
	CHECK(i.window_size == 2048 * MB);
	CHECK(i.window_free == i.window_size);
	CHECK(i.memory_used == 0);
}

static void test_arguments(void)
{
	struct csm_ioc_create create_req = {.size = 4096};
	struct csm_ioc_attach attach_req = {.provider_id = PEER, .region_id = 1};
	struct csm_ioc_open open_req = {.region_id = 999};
	int before = open_files(), fd = create(4096, 0, NULL);
	struct csm_ioc_share share = {.consumer_id = PEER};

	CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
	FAILS(ioctl(dev, 0x1234, 0), ENOTTY);
	FAILS(ioctl(fd, CSM_IOC_GET_INFO, &create_req), ENOTTY);
	FAILS(ioctl(dev, CSM_IOC_CREATE, (void *)8), EFAULT);
	FAILS(ioctl(dev, CSM_IOC_CREATE, &(struct csm_ioc_create){.size = 0}), EINVAL);
	FAILS(ioctl(dev, CSM_IOC_CREATE, &(struct csm_ioc_create){.size = ~0ULL}), EDQUOT);
	FAILS(ioctl(dev, CSM_IOC_CREATE, &(struct csm_ioc_create){.size = 1UL << 40}), EDQUOT);
	create_req.reserved1[3] = 1;
	FAILS(ioctl(dev, CSM_IOC_CREATE, &create_req), EINVAL);
	attach_req.flags = 2;
	FAILS(ioctl(dev, CSM_IOC_ATTACH, &attach_req), EINVAL);
	attach_req = (struct csm_ioc_attach){.provider_id = PEER, .region_id = 19};
	FAILS(ioctl(dev, CSM_IOC_ATTACH, &attach_req), EACCES);
	attach_req = (struct csm_ioc_attach){.provider_id = 77, .region_id = 1};
	FAILS(ioctl(dev, CSM_IOC_ATTACH, &attach_req), EACCES);
	attach_req = (struct csm_ioc_attach){.provider_id = PEER, .region_id = 1, .size = 4096};
	FAILS(ioctl(dev, CSM_IOC_ATTACH, &attach_req), EMSGSIZE);
	attach_req = (struct csm_ioc_attach){.provider_id = PEER, .region_id = 1, .policy = 8};
	FAILS(ioctl(dev, CSM_IOC_ATTACH, &attach_req), EFAULT);
	FAILS(ioctl(dev, CSM_IOC_OPEN, &open_req), ENOENT);
	FAILS(ioctl(fd, CSM_IOC_SHARE, &share), EINVAL);
	FAILS(ioctl(fd, CSM_IOC_SET_PERSISTENT, 2), EINVAL);
	FAILS(ioctl(fd, CSM_IOC_SET_EVENTFD, &(struct csm_ioc_notify){.fd = 0}), EINVAL);
	close(fd);
	CHECK(open_files() == before);
	CHECK(info().regions == 0);
}

/* An answer that cannot be written leaves neither a file nor a region, persistent or not. */
static void test_unwritable_answer(void)
{
	struct csm_ioc_create *req =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int before = open_files();

	*req = (struct csm_ioc_create){.size = 4096, .flags = CSM_IOC_PERSISTENT};
	mprotect(req, 4096, PROT_READ);
	FAILS(ioctl(dev, CSM_IOC_CREATE, req), EFAULT);
	CHECK(open_files() == before);
	CHECK(info().regions == 0);
	munmap(req, 4096);
}

static void test_region(void)
{
	static char zeros[65536];
	abi_u64 id;
	int fd = create(65536, 0, &id);
	char *m = map(fd, 65536, PROT_READ | PROT_WRITE);
	struct csm_ioc_query query = {0};

	CHECK(m != MAP_FAILED);
	CHECK(memcmp(m, zeros, 65536) == 0);
	memset(m, 7, 65536);
	CHECK(m[65535] == 7);
	CHECK(ioctl(dev, CSM_IOC_QUERY, &query) == 0);
	CHECK(query.region_id == id && query.label == 42 && query.size == 65536);
	CHECK(info().regions == 1 && info().memory_used == 65536);
	munmap(m, 65536);
	close(fd);
	CHECK(info().regions == 0 && info().memory_used == 0);
}

/* 8 MiB and a page are four blocks and a page: five faults, not two thousand. */
static void test_blocks(void)
{
	int fd = create(8 * MB + 4096, 0, NULL);
	char *m = map(fd, 8 * MB + 4096, PROT_READ | PROT_WRITE);
	long before = faults();

	CHECK(m != MAP_FAILED);
	CHECK((unsigned long)m % (2 * MB) == 0);
	for (size_t i = 0; i < 8 * MB + 4096; i += 4096) {
		m[i] = 1;
	}
	CHECK(faults() - before < 20);
	close(fd);
	m[8 * MB] = 2; /* the mapping keeps the region */
	CHECK(info().regions == 1);
	munmap(m, 8 * MB + 4096);
	CHECK(info().regions == 0);
}

static void test_mappings(void)
{
	int fd = create(16384, 0, NULL), status;
	char *m = map(fd, 16384, PROT_READ | PROT_WRITE);
	pid_t child;

	CHECK(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED && errno == EINVAL);
	CHECK(mmap(NULL, 20480, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EINVAL);
	CHECK(mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 12288) == MAP_FAILED);
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 1L << 50) == MAP_FAILED);
	CHECK(mmap(NULL, 4096, PROT_EXEC, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EPERM);
	FAILS(munmap(m, 4096), EINVAL);
	FAILS(mprotect(m, 4096, PROT_READ), EINVAL);
	CHECK(mremap(m, 16384, 32768, MREMAP_MAYMOVE) == MAP_FAILED);
	CHECK(mremap(m, 16384, 16384, MREMAP_MAYMOVE | MREMAP_FIXED, m + 64 * MB) == MAP_FAILED);
	child = fork();
	if (child == 0) {
		signal(SIGSEGV, SIG_DFL);
		(void)*(volatile char *)m;
		_exit(0);
	}
	waitpid(child, &status, 0);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	CHECK(touch(m, true) == 0);
	munmap(m, 16384);
	close(fd);
}

/* System calls may read and write the memory, but not hold on to its pages. */
static void test_system_calls(void)
{
	int fd = create(16384, 0, NULL), pipes[2];
	char *m = map(fd, 16384, PROT_READ | PROT_WRITE);
	struct iovec iov = {.iov_base = m, .iov_len = 4096};

	CHECK(pipe(pipes) == 0);
	strcpy(m, "through a pipe");
	CHECK(write(pipes[1], m, 100) == 100);
	CHECK(read(pipes[0], m + 8192, 100) == 100);
	CHECK(strcmp(m + 8192, "through a pipe") == 0);
	CHECK(vmsplice(pipes[1], &iov, 1, SPLICE_F_GIFT) == -1 && errno == EFAULT);
	FAILS(madvise(m, 16384, MADV_DOFORK), EINVAL);
	close(pipes[0]);
	close(pipes[1]);
	munmap(m, 16384);
	close(fd);
}

static void test_consent(void)
{
	struct rsi_csm_policy policy = {.version = CSM_POLICY_VERSION, .flags = CSM_POLICY_RIM};
	struct csm_ioc_share share = {.consumer_id = PEER, .permissions = CSM_PERM_READ};
	struct csm_ioc_revoke revoke = {.consumer_id = PEER};
	int fd = create(4096, 0, NULL);

	CHECK(ioctl(fd, CSM_IOC_SHARE, &share) == 0);
	FAILS(ioctl(fd, CSM_IOC_SHARE, &share), EEXIST);
	CHECK(ioctl(fd, CSM_IOC_REVOKE, &revoke) == 0);
	FAILS(ioctl(fd, CSM_IOC_REVOKE, &revoke), ENOENT);
	share.consumer_id = CSM_REALM_ANY;
	FAILS(ioctl(fd, CSM_IOC_SHARE, &share), EINVAL);
	share.policy = (unsigned long)&policy;
	CHECK(ioctl(fd, CSM_IOC_SHARE, &share) == 0);
	policy.version = 9;
	FAILS(ioctl(fd, CSM_IOC_SHARE, &share), EINVAL);
	policy = (struct rsi_csm_policy){.version = CSM_POLICY_VERSION, .flags = CSM_POLICY_RPV};
	FAILS(ioctl(fd, CSM_IOC_SHARE, &share), EINVAL);
	close(fd);
}

static void test_seal(void)
{
	struct csm_ioc_share share = {.consumer_id = PEER, .permissions = 3};
	struct csm_ioc_digest digest = {0};
	int fd = create(4096, 0, NULL);
	void *m;

	FAILS(ioctl(fd, CSM_IOC_DIGEST, &digest), ENODATA);
	CHECK(ioctl(fd, CSM_IOC_SEAL) == 0);
	FAILS(ioctl(fd, CSM_IOC_SEAL), EALREADY);
	FAILS(ioctl(fd, CSM_IOC_SHARE, &share), EPERM);
	CHECK(ioctl(fd, CSM_IOC_DIGEST, &digest) == 0 && digest.value[63] == 0x5a);
	CHECK(map(fd, 4096, PROT_WRITE) == MAP_FAILED && errno == EACCES);
	m = map(fd, 4096, PROT_READ);
	FAILS(mprotect(m, 4096, PROT_READ | PROT_WRITE), EACCES);
	munmap(m, 4096);
	close(fd);
}

static void test_attach(void)
{
	struct csm_ioc_open open_req = {.provider_id = PEER, .region_id = 1};
	struct csm_ioc_sharing sharing = {0};
	int fd = attach(1), second;
	char *m = map(fd, 4 * MB, PROT_READ | PROT_WRITE);
	long before = faults();

	CHECK(fd >= 0 && m != MAP_FAILED);
	for (size_t i = 0; i < 4 * MB; i += 4096) {
		m[i] = (char)(i >> 12);
	}
	CHECK(faults() - before < 20);
	CHECK(m[4096 * 77] == 77);
	CHECK(attach(1) == -1 && errno == EEXIST);
	second = ioctl(dev, CSM_IOC_OPEN, &open_req);
	CHECK(second >= 0);
	CHECK(ioctl(second, CSM_IOC_GET_SHARING, &sharing) == 0);
	CHECK(sharing.size == 4 * MB && sharing.permissions == 3 && sharing.flags == 0);
	FAILS(ioctl(fd, CSM_IOC_SEAL), ENOTTY);
	CHECK(info().window_free == 2044 * MB && info().attachments == 1);
	close(fd);
	munmap(m, 4 * MB);
	CHECK(info().attachments == 1);
	close(second);
	CHECK(info().attachments == 0 && info().window_free == 2048 * MB);
}

static void test_read_only(void)
{
	int fd = attach(2);
	void *m = map(fd, 65536, PROT_READ);

	CHECK(map(fd, 65536, PROT_READ | PROT_WRITE) == MAP_FAILED && errno == EACCES);
	CHECK(m != MAP_FAILED);
	FAILS(mprotect(m, 65536, PROT_READ | PROT_WRITE), EACCES);
	munmap(m, 65536);
	close(fd);
}

/* The end of region 3 is not there: what reaches for it takes an external abort. */
static void test_aborts(void)
{
	int fd = attach(3), pipes[2], null = open("/dev/null", O_RDWR);
	char *m = map(fd, 1000 * MB, PROT_READ | PROT_WRITE), *gone = m + 900 * MB;
	struct timespec *when = (struct timespec *)gone;
	char buffer[64] = "";

	CHECK(m != MAP_FAILED);
	CHECK(pipe(pipes) == 0);
	CHECK(touch(gone, false) == SIGBUS);
	CHECK(touch(gone, true) == SIGBUS);
	for (int i = 0; i < 100; i++) {
		FAILS(write(pipes[1], gone, 64), EFAULT);
	}
	CHECK(write(pipes[1], buffer, 64) == 64);
	FAILS(read(pipes[0], gone + 4096, 64), EFAULT);
	FAILS(open(gone, O_RDONLY), EFAULT);
	FAILS(nanosleep(when, NULL), EFAULT);
	FAILS(ioctl(dev, CSM_IOC_CREATE, gone), EFAULT);
	CHECK(syscall(SYS_futex, gone, 0, 1, NULL, NULL, 0) == -1);
	CHECK(write(null, m, 64) == 64);
	CHECK(touch(m, true) == 0);
	munmap(m, 1000 * MB);
	close(fd);
	close(null);
	close(pipes[0]);
	close(pipes[1]);
}

static int pending(int fd, int timeout)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	poll(&p, 1, timeout);
	return p.revents;
}

static void test_signals(void)
{
	struct csm_ioc_signal signal = {.peer_id = 0, .bits = 5};
	int fd = attach(1), event = eventfd(0, EFD_NONBLOCK);
	abi_u64 number = 0;

	CHECK(pending(fd, 0) == 0);
	FAILS(ioctl(fd, CSM_IOC_TAKE, &signal), EAGAIN);
	CHECK(ioctl(fd, CSM_IOC_SET_EVENTFD, &(struct csm_ioc_notify){.fd = event}) == 0);
	signal = (struct csm_ioc_signal){.bits = 5};
	CHECK(ioctl(fd, CSM_IOC_SIGNAL, &signal) == 0);
	CHECK(pending(fd, LONG) == POLLIN);
	CHECK(pending(event, LONG) == POLLIN && read(event, &number, 8) == 8 && number > 0);
	CHECK(ioctl(fd, CSM_IOC_TAKE, &signal) == 0);
	CHECK(signal.peer_id == PEER && signal.bits == 5);
	FAILS(ioctl(fd, CSM_IOC_TAKE, &signal), EAGAIN);
	signal = (struct csm_ioc_signal){.bits = 1ULL << 63};
	FAILS(ioctl(fd, CSM_IOC_SIGNAL, &signal), EINVAL);
	signal = (struct csm_ioc_signal){.peer_id = 5, .bits = 1};
	FAILS(ioctl(fd, CSM_IOC_SIGNAL, &signal), EACCES);
	CHECK(ioctl(fd, CSM_IOC_SET_EVENTFD, &(struct csm_ioc_notify){.fd = -1}) == 0);
	close(event);
	close(fd);
}

/* An answer that cannot be written takes nothing away, and adds up with what comes later. */
static void test_take_nowhere(void)
{
	struct csm_ioc_signal signal = {.bits = 5};
	int fd = attach(1);

	CHECK(ioctl(fd, CSM_IOC_SIGNAL, &signal) == 0);
	CHECK(pending(fd, LONG) == POLLIN);
	FAILS(ioctl(fd, CSM_IOC_TAKE, (void *)8), EFAULT);
	CHECK(pending(fd, 0) == POLLIN);
	signal.bits = 8;
	CHECK(ioctl(fd, CSM_IOC_SIGNAL, &signal) == 0);
	CHECK(COMES_TRUE(ioctl(fd, CSM_IOC_TAKE, &signal) == 0));
	if (signal.bits == 5) {
		CHECK(pending(fd, LONG) == POLLIN);
		CHECK(ioctl(fd, CSM_IOC_TAKE, &signal) == 0 && signal.bits == 8);
	} else {
		CHECK(signal.bits == 13);
	}
	FAILS(ioctl(fd, CSM_IOC_TAKE, &signal), EAGAIN);
	close(fd);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Seconds from one signal to the next, the median of 21, each sent when the one before is taken. */
static double one_of_many(int fd, abi_u64 bits)
{
	struct csm_ioc_signal signal;
	double took[21], last = seconds();

	for (int i = 0; i < 21; i++) {
		signal = (struct csm_ioc_signal){.bits = bits};
		CHECK(ioctl(fd, CSM_IOC_SIGNAL, &signal) == 0);
		CHECK(pending(fd, LONG) == POLLIN);
		CHECK(ioctl(fd, CSM_IOC_TAKE, &signal) == 0 && signal.bits == bits);
		took[i] = seconds() - last;
		last += took[i];
	}
	qsort(took, 21, sizeof(took[0]), by_size);
	return took[10];
}

/*
 * Every 250 ms the module looks by itself: a signal that waits for that takes as long, one that
 * interrupts a fraction of it. Both are medians, so a machine that stands still at times is fine.
 */
static void test_interrupt(void)
{
	int fd = attach(1);
	double raised = one_of_many(fd, 1), dropped = one_of_many(fd, 1ULL << 39);

	printf("# interrupt %.3f s, none %.3f s\n", raised, dropped);
	CHECK(raised < 0.2);
	CHECK(dropped > 0.2);
	close(fd);
}

/* More at once than one go fetches, from as many peers. */
static void test_many_signals(void)
{
	struct csm_ioc_signal signal = {.bits = 1ULL << 42};
	int fd = attach(1);
	abi_u64 sum = 0;

	CHECK(ioctl(fd, CSM_IOC_SIGNAL, &signal) == 0);
	for (int i = 0; i < 300; i++) {
		CHECK(pending(fd, LONG) & POLLIN);
		CHECK(ioctl(fd, CSM_IOC_TAKE, &signal) == 0);
		sum += signal.bits;
	}
	CHECK(sum == 300 * 301 / 2);
	close(fd);
}

static void ended(abi_u64 bit)
{
	struct csm_ioc_signal signal = {.bits = bit};
	int fd = attach(1);
	char *m = map(fd, 4 * MB, PROT_READ | PROT_WRITE);

	CHECK(touch(m, true) == 0);
	CHECK(ioctl(fd, CSM_IOC_SIGNAL, &signal) == 0);
	while (pending(fd, LONG) == POLLIN) {
	}
	CHECK(pending(fd, LONG) & POLLHUP);
	CHECK(COMES_TRUE(touch(m, false) == SIGBUS));
	FAILS(ioctl(fd, CSM_IOC_SIGNAL, &signal), ENOTCONN);
	CHECK(ioctl(fd, CSM_IOC_TAKE, &signal) == 0 && signal.bits >> 62 != 0);
	CHECK(ioctl(fd, CSM_IOC_END) == 0);
	CHECK(info().attachments == 0);
	CHECK(attach(1) >= 0);
	munmap(m, 4 * MB);
	close(fd);
	close(fd + 1);
}

static void test_ended(void)
{
	ended(1ULL << 40);
	ended(1ULL << 41);
}

static void test_end(void)
{
	int fd = create(4 * MB, 0, NULL);
	char *m = map(fd, 4 * MB, PROT_READ | PROT_WRITE);
	struct csm_ioc_sharing sharing = {0};

	CHECK(touch(m, true) == 0);
	CHECK(ioctl(fd, CSM_IOC_END) == 0);
	CHECK(ioctl(fd, CSM_IOC_END) == 0);
	CHECK(touch(m, false) == SIGBUS);
	CHECK(pending(fd, 0) == POLLHUP);
	FAILS(ioctl(fd, CSM_IOC_SEAL), ENOTCONN);
	CHECK(ioctl(fd, CSM_IOC_GET_SHARING, &sharing) == 0);
	CHECK(sharing.flags == (CSM_IOC_SHARING_OWN | CSM_IOC_SHARING_ENDED));
	CHECK(info().regions == 0 && info().memory_used == 0);
	munmap(m, 4 * MB);
	close(fd);
}

static void test_persistence(void)
{
	struct csm_ioc_open req = {0};
	int fd = create(4096, CSM_IOC_PERSISTENT, &req.region_id);
	char *m = map(fd, 4096, PROT_READ | PROT_WRITE);

	strcpy(m, "still there");
	munmap(m, 4096);
	close(fd);
	CHECK(info().regions == 1);
	CHECK(syscall(SYS_delete_module, "caec_guest", O_NONBLOCK) == -1);
	fd = ioctl(dev, CSM_IOC_OPEN, &req);
	m = map(fd, 4096, PROT_READ);
	CHECK(strcmp(m, "still there") == 0);
	munmap(m, 4096);
	CHECK(ioctl(fd, CSM_IOC_SET_PERSISTENT, 0) == 0);
	CHECK(ioctl(fd, CSM_IOC_SET_PERSISTENT, 1) == 0);
	CHECK(ioctl(fd, CSM_IOC_END) == 0);
	FAILS(ioctl(fd, CSM_IOC_SET_PERSISTENT, 1), ENOTCONN);
	CHECK(ioctl(fd, CSM_IOC_SET_PERSISTENT, 0) == 0);
	close(fd);
	CHECK(info().regions == 0);
}

static void test_killed(void)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		char *m = map(attach(1), 4 * MB, PROT_READ | PROT_WRITE);

		create(2 * MB, 0, NULL);
		while (1) {
			m[0]++;
		}
	}
	CHECK(COMES_TRUE(info().attachments == 1 && info().regions == 1));
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	CHECK(COMES_TRUE(info().attachments == 0 && info().regions == 0));
}

static void *toucher(void *arg)
{
	for (int i = 0; i < 200; i++) {
		if (sigsetjmp(back, 1) == 0) {
			while (1) {
				((volatile char *)arg)[(i * 4096) % (2 * MB)]++;
			}
		}
		break;
	}
	return NULL;
}

/* The end comes while another thread is writing: it stops with SIGBUS, each time. */
static void test_race(void)
{
	for (int i = 0; i < 50; i++) {
		int fd = create(2 * MB, 0, NULL);
		char *m = map(fd, 2 * MB, PROT_READ | PROT_WRITE);
		pthread_t thread;

		pthread_create(&thread, NULL, toucher, m);
		usleep(2000);
		CHECK(ioctl(fd, CSM_IOC_END) == 0);
		pthread_join(thread, NULL);
		munmap(m, 2 * MB);
		close(fd);
	}
}

static void test_memory(void)
{
	unsigned long before;

	for (int round = 0; round < 2; round++) {
		before = free_kib();
		for (int i = 0; i < 30; i++) {
			int fd = create(i % 2 ? 5 * MB + 8192 : 300 * 1024, 0, NULL);

			CHECK(fd >= 0);
			close(fd);
		}
	}
	CHECK(COMES_TRUE(free_kib() + 4096 > before));
}

static void test_limit(void)
{
	unsigned long limit = info().memory_limit;
	int fds[32], n = 0;

	FAILS(create(limit + 4096, 0, NULL), EDQUOT);
	while (n < 32 && (fds[n] = create(20 * MB, 0, NULL)) >= 0) {
		n++;
	}
	CHECK(n < 32 && errno == EDQUOT);
	CHECK(info().memory_used == n * 20 * MB && info().memory_used <= limit);
	while (n > 0) {
		close(fds[--n]);
	}
	CHECK(info().memory_used == 0);
}

static void test_record(void)
{
	struct csm_ioc_share share = {.consumer_id = PEER, .permissions = CSM_PERM_READ};
	struct csm_ioc_record record = {0};
	int fd = create(4096, 0, NULL);

	CHECK(ioctl(fd, CSM_IOC_SHARE, &share) == 0);
	CHECK(ioctl(dev, CSM_IOC_RECORD, &record) == 0);
	CHECK(record.kind == CSM_RECORD_REGION && record.peer_id == 0 && record.size == 4096);
	CHECK(record.permissions == 1 && record.state == CSM_STATE_OWN);
	record = (struct csm_ioc_record){.kind = record.kind, .region_id = record.region_id};
	CHECK(ioctl(dev, CSM_IOC_RECORD, &record) == 0);
	CHECK(record.kind == CSM_RECORD_GRANT && record.peer_id == PEER);
	record.size = 0;
	record.permissions = record.state = 0;
	CHECK(ioctl(dev, CSM_IOC_RECORD, &record) == 0);
	CHECK(record.kind == 0 && record.peer_id == 0 && record.region_id == 0);
	record = (struct csm_ioc_record){.size = 1};
	FAILS(ioctl(dev, CSM_IOC_RECORD, &record), EINVAL);
	record = (struct csm_ioc_record){.reserved1 = {0, 1}};
	FAILS(ioctl(dev, CSM_IOC_RECORD, &record), EINVAL);
	FAILS(ioctl(dev, CSM_IOC_RECORD, NULL), EFAULT);
	close(fd);
}

static void test_peer(void)
{
	struct csm_ioc_peer peer = {.peer_id = PEER, .index = 2};

	CHECK(ioctl(dev, CSM_IOC_PEER, &peer) == 0);
	CHECK(peer.value[0] == 3 && peer.value[63] == 3 && peer.hash_algo == 1);
	peer = (struct csm_ioc_peer){.peer_id = 5};
	FAILS(ioctl(dev, CSM_IOC_PEER, &peer), EACCES);
	peer = (struct csm_ioc_peer){.peer_id = PEER, .index = 6};
	FAILS(ioctl(dev, CSM_IOC_PEER, &peer), EINVAL);
}

/* Attachments alone, by number, with what GET_SHARING says of them; no input that means nothing. */
static void test_next_attachment(void)
{
	struct csm_ioc_sharing next = {.provider_id = PEER, .region_id = ~0ULL}, other;
	int own = create(4096, 0, NULL), fd;

	CHECK(own >= 0);
	CHECK(ioctl(dev, CSM_IOC_NEXT_ATTACHMENT, &next) == 0 && next.provider_id == 0);
	fd = attach(2);
	CHECK(fd >= 0);
	next = (struct csm_ioc_sharing){0};
	CHECK(ioctl(dev, CSM_IOC_NEXT_ATTACHMENT, &next) == 0);
	CHECK(next.provider_id == PEER && next.region_id == 2);
	CHECK(ioctl(fd, CSM_IOC_GET_SHARING, &other) == 0 && !memcmp(&other, &next, sizeof(next)));
	FAILS(ioctl(dev, CSM_IOC_NEXT_ATTACHMENT, &next), EINVAL);
	next = (struct csm_ioc_sharing){.provider_id = PEER, .region_id = 2};
	CHECK(ioctl(dev, CSM_IOC_NEXT_ATTACHMENT, &next) == 0 && next.region_id == 0);
	next = (struct csm_ioc_sharing){.reserved = {0, 0, 0, 1}};
	FAILS(ioctl(dev, CSM_IOC_NEXT_ATTACHMENT, &next), EINVAL);
	FAILS(ioctl(dev, CSM_IOC_NEXT_ATTACHMENT, NULL), EFAULT);
	close(fd);
	next = (struct csm_ioc_sharing){0};
	CHECK(ioctl(dev, CSM_IOC_NEXT_ATTACHMENT, &next) == 0 && next.region_id == 0);
	close(own);
}

/* ----------------------------------------------------------------------- all */

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{"what there is", test_info},
	{"attachments are listed", test_next_attachment},
	{"arguments are checked", test_arguments},
	{"an answer that cannot be written leaves nothing", test_unwritable_answer},
	{"a region: zeros, memory, query", test_region},
	{"blocks of 2 MiB; a mapping keeps its region", test_blocks},
	{"mappings: what is refused", test_mappings},
	{"system calls on shared memory", test_system_calls},
	{"share and revoke, with and without policy", test_consent},
	{"seal and digest", test_seal},
	{"seal and digest: only the RMM's word makes a region sealed", test_seal_fails},
	{"statuses of the provider's commands", test_provider_statuses},
	{"statuses of RESERVE and ATTACH", test_consumer_statuses},
	{"statuses of the other commands", test_other_statuses},
	{"attach: memory, twice, detach", test_attach},
	{"attach: read-only", test_read_only},
	{"external aborts: SIGBUS in the program, EFAULT in system calls", test_aborts},
	{"signals: poll, eventfd, take", test_signals},
	{"signals: one that cannot be handed out stays", test_take_nowhere},
	{"signals: by interrupt, and also where the host drops it", test_interrupt},
	{"signals: 300 at once", test_many_signals},
	{"the region or the peer ends", test_ended},
	{"this side ends", test_end},
	{"persistence; the module stays", test_persistence},
	{"a killed process leaves nothing", test_killed},
	{"the end in the middle of an access", test_race},
	{"memory comes back", test_memory},
	{"the limit holds", test_limit},
	{"measurements of a peer", test_peer},
	{"records of this realm", test_record},
	{"csmfs: names, and what is refused", test_fs_names},
	{"csmfs: read, seek, sendfile, splice; attached while it is open", test_fs_read},
	{"csmfs: a region without a file, a length beyond its size", test_fs_no_file},
	{"csmfs: mappings: shared, private, fork, parts, moved", test_fs_map},
	{"csmfs: written through a grant that says so", test_fs_write},
	{"csmfs: own regions", test_fs_own},
	{"csmfs: options of mount", test_fs_mount},
	{"csmfs: keep", test_fs_keep},
	{"csmfs: the region ends under its readers", test_fs_ended},
	{"csmfs: no copy of the content", test_fs_memory},
	{"csmfs: a new file becomes a region", test_pub_file},
	{"csmfs: new files in every way of writing", test_pub_writing},
	{"csmfs: new files of several descriptors and processes", test_pub_last_close},
	{"csmfs: names of new files", test_pub_names},
	{"csmfs: new files that cannot be published leave nothing", test_pub_fails},
	{"csmfs: each kind of access, to memory that is there and that is gone", test_fs_kinds},
};

int main(int argc, char **argv)
{
	dev = open("/dev/csm", O_RDWR | O_CLOEXEC);
	if (argc > 1 && strcmp(argv[1], "keep") == 0) {
		return create(2 * MB, CSM_IOC_PERSISTENT, NULL) < 0;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGBUS, on_fault);
	for (unsigned int i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		why[0] = '\0';
		tests[i].run();
		printf("%s %d - guest module: %s%s\n", why[0] ? "not ok" : "ok", ++count,
		       tests[i].name, why);
	}
	return 0;
}
