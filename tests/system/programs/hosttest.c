// SPDX-License-Identifier: BSD-3-Clause
/*
 * hosttest api IMAGE     checks of the host module's calls; prints TAP
 * hosttest fuzz SECONDS SEED    random calls with random arguments from several threads
 * hosttest hold          a realm with memory, held until it is killed
 * hosttest refusals      what the module answers for each status of the RMM; prints TAP. Needs the
 *                        module of linux/host/tests, whose RMM can be made to refuse.
 *
 * Runs on the host, as root. IMAGE is a realm kernel that spins.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "abi/csm.h"
#include "abi/rmi.h"
#include "abi/status.h"
#include "abi/uapi/caec_host.h"

#define RAM_BASE  UINT64_C(0x80000000)
#define RAM_SIZE  UINT64_C(0x2000000)
#define IPA_WIDTH 33

static int device;
static unsigned int number;
static bool all_good = true;

static void check(bool good, const char *name)
{
	printf("%sok %u - %s\n", good ? "" : "not ", ++number, name);
	fflush(stdout);
	all_good &= good;
}

static bool fails(int result, int error)
{
	if (result >= 0) {
		printf("# succeeded\n");
	} else if (errno != error) {
		printf("# errno %d instead of %d\n", errno, error);
	}
	return result < 0 && errno == error;
}

static struct caec_realm_params good_params(void)
{
	struct caec_realm_params p = {.ipa_width = IPA_WIDTH, .num_bps = 1, .num_wps = 1};

	memcpy(p.name, "test", 4);
	return p;
}

static int new_realm(void)
{
	struct caec_realm_params p = good_params();

	return ioctl(device, CAEC_CREATE_REALM, &p);
}

static int init_ripas(int realm, uint64_t base, uint64_t size)
{
	struct caec_range range = {.base = base, .size = size};

	return ioctl(realm, CAEC_INIT_RIPAS, &range);
}

static int populate(int realm, uint64_t ipa, const void *data, uint64_t size)
{
	struct caec_populate p = {.ipa = ipa, .user_addr = (uintptr_t)data, .size = size};

	return ioctl(realm, CAEC_POPULATE, &p);
}

static int new_vcpu(int realm, uint64_t mpidr, uint64_t pc)
{
	struct caec_vcpu_params p = {.mpidr = mpidr, .flags = CAEC_VCPU_RUNNABLE, .pc = pc};

	return ioctl(realm, CAEC_CREATE_VCPU, &p);
}

static uint64_t granules(void)
{
	struct caec_info info = {0};

	ioctl(device, CAEC_GET_INFO, &info);
	return info.granules;
}

/* ---------------------------------------------------------------------- api */

static void bad_params(void)
{
	struct caec_realm_params p = good_params();

	check(fails(ioctl(device, CAEC_CREATE_REALM, NULL), EFAULT), "create: no parameters");
	p.reserved1[2] = 1;
	check(fails(ioctl(device, CAEC_CREATE_REALM, &p), EINVAL), "create: reserved field");
	p = good_params();
	p.flags = 1;
	check(fails(ioctl(device, CAEC_CREATE_REALM, &p), EINVAL), "create: LPA2 is not offered");
	p = good_params();
	p.ipa_width = 40;
	check(fails(ioctl(device, CAEC_CREATE_REALM, &p), EINVAL), "create: address width 40");
	p = good_params();
	p.hash_algo = 2;
	check(fails(ioctl(device, CAEC_CREATE_REALM, &p), EINVAL), "create: unknown hash");
	p = good_params();
	memset(p.name, 'a', sizeof(p.name));
	check(fails(ioctl(device, CAEC_CREATE_REALM, &p), EINVAL), "create: name without an end");
	p = good_params();
	memcpy(p.name, "a/b", 3);
	check(fails(ioctl(device, CAEC_CREATE_REALM, &p), EINVAL), "create: name with a slash");
	p = good_params();
	p.num_bps = 0;
	check(fails(ioctl(device, CAEC_CREATE_REALM, &p), EOPNOTSUPP), "create: the RMM's refusal");
	check(fails(ioctl(device, CAEC_VCPU_RUN, 0), ENOTTY), "device: a call of another file");
	check(fails(ioctl(device, 1, 0), ENOTTY) || errno == EPERM, "device: call number 1");
}

static void bad_memory(int realm)
{
	static uint8_t page[4096];
	struct caec_populate p = {.ipa = RAM_BASE, .user_addr = 8, .size = 4096};

	check(fails(init_ripas(realm, RAM_BASE + 1, 4096), EINVAL), "ripas: base not aligned");
	check(fails(init_ripas(realm, RAM_BASE, 0), EINVAL), "ripas: nothing");
	check(fails(init_ripas(realm, UINT64_C(1) << 32, 4096), EINVAL), "ripas: unprotected half");
	check(fails(init_ripas(realm, 0, UINT64_C(1) << 33), EINVAL), "ripas: across the halves");
	check(fails(init_ripas(realm, UINT64_MAX - 4095, 8192), EINVAL), "ripas: wraps");
	check(init_ripas(realm, RAM_BASE, RAM_SIZE) == 0, "ripas: RAM");
	check(fails(init_ripas(realm, RAM_BASE + 4096, 4096), EEXIST), "ripas: the same again");
	check(fails(populate(realm, RAM_BASE + 1, page, 4096), EINVAL), "populate: not aligned");
	check(fails(populate(realm, RAM_BASE, page, 100), EINVAL), "populate: odd size");
	check(fails(populate(realm, UINT64_C(1) << 32, page, 4096), EINVAL),
	      "populate: other half");
	check(fails(populate(realm, UINT64_MAX - 4095, page, 8192), EINVAL), "populate: wraps");
	check(fails(ioctl(realm, CAEC_POPULATE, &p), EFAULT), "populate: no such source");
	p.user_addr = UINT64_MAX - 100;
	check(fails(ioctl(realm, CAEC_POPULATE, &p), EFAULT), "populate: kernel address as source");
	p.flags = 2;
	check(fails(ioctl(realm, CAEC_POPULATE, &p), EINVAL), "populate: unknown flag");
	check(populate(realm, RAM_BASE, page, 4096) == 0, "populate: one page");
	check(fails(populate(realm, RAM_BASE, page, 4096), EEXIST),
	      "populate: the same page again");
}

static void bad_vcpus(int realm, int *vcpu)
{
	check(fails(new_vcpu(realm, 1, RAM_BASE), EINVAL), "vcpu: not the next index");
	check(fails(new_vcpu(realm, 0xf0, RAM_BASE), EINVAL), "vcpu: reserved bits in its number");
	*vcpu = new_vcpu(realm, 0, RAM_BASE);
	check(*vcpu >= 0, "vcpu: the first");
	check(fails(new_vcpu(realm, 0, RAM_BASE), EINVAL), "vcpu: the same again");
	check(fails(ioctl(*vcpu, CAEC_VCPU_RUN, 0), EPERM), "vcpu: not before the realm is active");
	check(fails(ioctl(*vcpu, CAEC_VCPU_RUN, 1), EINVAL), "vcpu: run with an argument");
	check(ioctl(realm, CAEC_ACTIVATE) == 0, "realm: active");
	check(fails(ioctl(realm, CAEC_ACTIVATE), EPERM), "realm: active again");
	check(fails(new_vcpu(realm, 1, RAM_BASE), EPERM), "vcpu: not in an active realm");
	check(fails(init_ripas(realm, 0, 4096), EPERM), "ripas: not in an active realm");
}

static void mappings(int realm, int vcpu)
{
	uint8_t *shared = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, realm,
			       (off_t)(RAM_BASE + 0x10000));
	void *outside = mmap(NULL, 4096, PROT_READ, MAP_SHARED, realm, 0);
	int pipes[2];

	check(shared != MAP_FAILED, "mmap: shared memory");
	memset(shared, 0x5a, 8192);
	check(shared[8191] == 0x5a, "mmap: can be written and read");
	check(pipe(pipes) == 0 && write(pipes[1], shared, 100) == 100,
	      "mmap: can be handed to a system call");
	check(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, realm, (off_t)RAM_BASE) == MAP_FAILED,
	      "mmap: not privately");
	check(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, realm, (off_t)RAM_BASE) ==
		      MAP_FAILED,
	      "mmap: not for execution");
	check(mmap(NULL, 8192, PROT_READ, MAP_SHARED, vcpu, 0) == MAP_FAILED,
	      "mmap: one page of a vCPU, no more");
	check(mmap(NULL, 4096, PROT_READ, MAP_SHARED, vcpu, 4096) == MAP_FAILED,
	      "mmap: a vCPU's page is at 0");
	if (fork() == 0) {
		signal(SIGBUS, SIG_DFL);
		*(volatile uint8_t *)outside;
		_exit(0);
	}
	int status;

	wait(&status);
	check(WIFSIGNALED(status), "mmap: nothing outside RAM, and not in a child");
	munmap(shared, 8192);
	munmap(outside, 4096);
}

/* Another process, even a child with the same files, gets nothing. */
static void strangers(int realm, int vcpu)
{
	int status;

	if (fork() == 0) {
		struct caec_stats stats;
		bool good = ioctl(realm, CAEC_GET_STATS, &stats) < 0 && errno == EIO &&
			    ioctl(vcpu, CAEC_VCPU_RUN, 0) < 0 && errno == EIO &&
			    ioctl(vcpu, CAEC_VCPU_KICK, 0) < 0 && errno == EIO &&
			    mmap(NULL, 4096, PROT_READ, MAP_SHARED, realm, (off_t)RAM_BASE) ==
				    MAP_FAILED;

		_exit(good ? 0 : 1);
	}
	wait(&status);
	check(WIFEXITED(status) && WEXITSTATUS(status) == 0, "another process gets EIO");
}

static void limits(void)
{
	int status;

	if (fork() == 0) {
		struct rlimit few = {.rlim_cur = 64 * 4096, .rlim_max = 64 * 4096};
		static uint8_t data[256 * 4096];
		int realm, result;

		device = open("/dev/caec", O_RDWR);
		if (setrlimit(RLIMIT_MEMLOCK, &few) < 0 || setuid(65534) < 0) {
			_exit(2);
		}
		realm = new_realm();
		if (realm < 0 || init_ripas(realm, RAM_BASE, RAM_SIZE) < 0) {
			_exit(3);
		}
		result = populate(realm, RAM_BASE, data, sizeof(data));
		_exit(result < 0 && errno == EDQUOT ? 0 : 4);
	}
	wait(&status);
	check(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	      "RLIMIT_MEMLOCK limits a user without privileges");
}

static void *run_thread(void *arg)
{
	int vcpu = *(int *)arg;

	return (void *)(intptr_t)(ioctl(vcpu, CAEC_VCPU_RUN, 0) < 0 ? errno : 0);
}

static uint64_t entries(int realm)
{
	struct caec_stats stats = {0};

	ioctl(realm, CAEC_GET_STATS, &stats);
	return stats.entries;
}

/* While one thread runs the vCPU, another cannot. */
static bool second_is_refused(int realm, int vcpu)
{
	uint64_t before = entries(realm);
	pthread_t thread;
	bool refused;

	pthread_create(&thread, NULL, run_thread, &vcpu);
	for (unsigned int i = 0; i < 6000 && entries(realm) == before; i++) {
		usleep(10000);
	}
	refused = entries(realm) != before && fails(ioctl(vcpu, CAEC_VCPU_RUN, 0), EBUSY);
	ioctl(vcpu, CAEC_VCPU_KICK, 0);
	pthread_join(thread, NULL);
	return refused;
}

static void running(const char *image)
{
	static uint8_t data[4096];
	int realm = new_realm(), vcpu;
	FILE *file = fopen(image, "rb");
	struct caec_run *run;
	pthread_t thread;
	void *result;
	unsigned int kicks = 0;

	if (!file || fread(data, 1, sizeof(data), file) < 64) {
		check(false, "the realm kernel can be read");
		return;
	}
	fclose(file);
	init_ripas(realm, RAM_BASE, RAM_SIZE);
	populate(realm, RAM_BASE, data, sizeof(data));
	vcpu = new_vcpu(realm, 0, RAM_BASE);
	run = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	ioctl(realm, CAEC_ACTIVATE);
	run->immediate_exit = 1;
	check(ioctl(vcpu, CAEC_VCPU_RUN, 0) == 0 && run->exit_reason == CAEC_EXIT_KICK,
	      "run: immediate exit");
	run->immediate_exit = 0;
	ioctl(vcpu, CAEC_VCPU_KICK, 0);
	check(ioctl(vcpu, CAEC_VCPU_RUN, 0) == 0 && run->exit_reason == CAEC_EXIT_KICK,
	      "run: a kick before the run is not lost");
	for (unsigned int i = 0; i < 20; i++) {
		pthread_create(&thread, NULL, run_thread, &vcpu);
		usleep(i * 7000);
		ioctl(vcpu, CAEC_VCPU_KICK, 0);
		pthread_join(thread, &result);
		kicks += !result && run->exit_reason == CAEC_EXIT_KICK;
	}
	check(kicks == 20, "run: twenty kicks end twenty runs");
	check(second_is_refused(realm, vcpu), "run: by one thread at a time");
	run->gic_lr[0] = UINT64_C(1) << 62 | UINT64_C(1) << 61 | 40;
	check(fails(ioctl(vcpu, CAEC_VCPU_RUN, 0), EINVAL), "run: a list register that is refused");
	run->gic_lr[0] = UINT64_C(1) << 62 | 1021;
	check(fails(ioctl(vcpu, CAEC_VCPU_RUN, 0), EINVAL), "run: an interrupt that none is");
	run->gic_lr[0] = UINT64_C(1) << 62 | 40;
	run->gic_lr[1] = UINT64_C(1) << 62 | 40;
	check(fails(ioctl(vcpu, CAEC_VCPU_RUN, 0), EINVAL), "run: one interrupt twice");
	run->gic_lr[1] = 0;
	run->gic_lr[0] = UINT64_C(1) << 62 | UINT64_C(1) << 48 | 40;
	check(fails(ioctl(vcpu, CAEC_VCPU_RUN, 0), EBADR), "run: a priority that the RMM refuses");
	run->gic_lr[0] = 0;
	run->gic_hcr = 1;
	check(fails(ioctl(vcpu, CAEC_VCPU_RUN, 0), EINVAL), "run: gic_hcr that is refused");
	run->gic_hcr = 0;
	/* Files closed while their mapping stays: the realm lives until that goes too. */
	close(realm);
	close(vcpu);
	munmap(run, 4096);
}

static bool wait_for_none(void)
{
	for (unsigned int i = 0; i < 3000 && granules() > 0; i++) {
		usleep(100000);
	}
	return granules() == 0;
}

static int api(const char *image)
{
	int realm, vcpu = -1;

	bad_params();
	realm = new_realm();
	check(realm >= 0, "create: a realm");
	check(fcntl(realm, F_GETFD) & FD_CLOEXEC, "create: its file is closed on exec");
	check(fails(ioctl(realm, 0xdead, 0), ENOTTY), "realm: unknown call");
	bad_memory(realm);
	bad_vcpus(realm, &vcpu);
	mappings(realm, vcpu);
	strangers(realm, vcpu);
	close(realm);
	close(vcpu);
	limits();
	running(image);
	check(wait_for_none(), "no granule is left");
	printf("1..%u\n", number);
	return all_good ? 0 : 1;
}

/* ----------------------------------------------------------------- refusals */

#define RTT_STATUS(level) ((uint64_t)(level) << RMI_STATUS_INDEX_SHIFT | RMI_ERROR_RTT)
#define CONTRADICTION     UINT64_C(0x777) /* a status that no specification has */

/* The next call of the command answers that status instead of reaching the RMM. */
static void force(uint32_t command, uint64_t status)
{
	int fd = open("/sys/module/caec_host/parameters/forced_answer", O_WRONLY);

	if (fd < 0 || dprintf(fd, "%u %llu 1", command, (unsigned long long)status) < 0) {
		printf("# the module has no forced_answer\n");
	}
	close(fd);
}

static struct caec_stats stats_of(int realm)
{
	struct caec_stats stats = {0};

	ioctl(realm, CAEC_GET_STATS, &stats);
	return stats;
}

static int call_ripas(int realm)
{
	return init_ripas(realm, RAM_BASE, RAM_SIZE);
}

static int call_populate(int realm)
{
	static uint8_t page[4096];

	return populate(realm, RAM_BASE, page, sizeof(page));
}

static int call_vcpu(int realm)
{
	return new_vcpu(realm, 0, RAM_BASE);
}

static int call_apt(int realm)
{
	struct caec_apt apt = {.count = 1};

	return ioctl(realm, CAEC_ADD_APT, &apt);
}

static int call_activate(int realm)
{
	return ioctl(realm, CAEC_ACTIVATE);
}

static int call_run(int vcpu)
{
	return ioctl(vcpu, CAEC_VCPU_RUN, 0);
}

/* What the RMM answers to a command, and the errno with which the call then fails. */
struct refusal {
	const char *name;
	int (*call)(int);
	uint32_t command;
	uint64_t status;
	int error; /* 0: the call succeeds, without a refusal */
};

/* The call on fd fails as it should, and the status can be read from the realm afterwards. */
static void refused(int realm, int fd, const struct refusal *r)
{
	struct caec_stats before = stats_of(realm), after;
	char title[100];
	bool good;

	force(r->command, r->status);
	good = fails(r->call(fd), r->error);
	after = stats_of(realm);
	if (after.refused != before.refused + 1 || after.refused_command != r->command ||
	    after.refused_status != r->status) {
		printf("# the module notes command %#llx, status %#llx\n",
		       (unsigned long long)after.refused_command,
		       (unsigned long long)after.refused_status);
		good = false;
	}
	snprintf(title, sizeof(title), "refusal: %s: %#llx: %s", r->name,
		 (unsigned long long)r->status, strerror(r->error));
	check(good, title);
}

/* Calls that build a realm. Each is made once more without a refusal: nothing was left behind. */
static void refused_building(int realm)
{
	static const struct refusal steps[] = {
		{"INIT_RIPAS", call_ripas, RMI_RTT_INIT_RIPAS_FID, RMI_ERROR_INPUT, EPROTO},
		{"INIT_RIPAS", call_ripas, RMI_RTT_INIT_RIPAS_FID, RMI_ERROR_REALM, EPERM},
		{"INIT_RIPAS", call_ripas, RMI_RTT_INIT_RIPAS_FID, RTT_STATUS(3), EEXIST},
		{"INIT_RIPAS", call_ripas, RMI_RTT_INIT_RIPAS_FID, RMI_SUCCESS, EPROTO},
		{"INIT_RIPAS", call_ripas, RMI_RTT_CREATE_FID, RMI_ERROR_INPUT, EPROTO},
		{"INIT_RIPAS", call_ripas, RMI_GRANULE_DELEGATE_FID, RMI_ERROR_INPUT, EREMOTEIO},
		{"INIT_RIPAS", call_ripas, 0, 0, 0},
		{"DATA_CREATE", call_populate, RMI_DATA_CREATE_FID, RMI_ERROR_INPUT, EPROTO},
		{"DATA_CREATE", call_populate, RMI_DATA_CREATE_FID, RMI_ERROR_REALM, EPERM},
		{"DATA_CREATE", call_populate, RMI_DATA_CREATE_FID, RTT_STATUS(3), EADDRINUSE},
		{"DATA_CREATE", call_populate, RMI_DATA_CREATE_FID, RTT_STATUS(2), EPROTO},
		{"DATA_CREATE", call_populate, RMI_DATA_CREATE_FID, CONTRADICTION, EPROTO},
		{"DATA_CREATE", call_populate, 0, 0, 0},
		{"APT_CREATE", call_apt, RMI_APT_CREATE_FID, RMI_ERROR_INPUT, EPROTO},
		{"APT_CREATE", call_apt, RMI_APT_CREATE_FID, RMI_ERROR_REALM, EPERM},
		{"APT_CREATE", call_apt, RMI_GRANULE_DELEGATE_FID, RMI_ERROR_INPUT, EREMOTEIO},
		{"APT_CREATE", call_apt, 0, 0, 0},
		{"REC_AUX_COUNT", call_vcpu, RMI_REC_AUX_COUNT_FID, RMI_ERROR_INPUT, EPROTO},
		{"REC_CREATE", call_vcpu, RMI_REC_CREATE_FID, RMI_ERROR_INPUT, EPROTO},
		{"REC_CREATE", call_vcpu, RMI_REC_CREATE_FID, RMI_ERROR_REALM, EPERM},
		{"ACTIVATE", call_activate, RMI_REALM_ACTIVATE_FID, RMI_ERROR_INPUT, EPROTO},
		{"ACTIVATE", call_activate, RMI_REALM_ACTIVATE_FID, RMI_ERROR_REALM, EPERM},
		{"ACTIVATE", call_activate, 0, 0, 0},
	};
	char title[100];

	for (unsigned int i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (steps[i].error) {
			refused(realm, realm, &steps[i]);
		} else {
			snprintf(title, sizeof(title), "refusal: %s: succeeds afterwards",
				 steps[i].name);
			check(steps[i].call(realm) == 0, title);
		}
	}
}

/* What vCPUs execute. */
#define LDR_X1_X0 0xf9400001
#define SMC_0     0xd4000003
#define NOP       0xd503201f
#define LOOP      0x14000000 /* b . */

/*
 * An active realm with two vCPUs. The first one, in *vcpu, can run: it executes that instruction
 * with these registers, then loops. The second one is off, and its file is closed.
 */
static int running_realm(uint32_t instruction, const uint64_t gprs[4], int *vcpu)
{
	static uint32_t code[1024];
	struct caec_vcpu_params v = {.flags = CAEC_VCPU_RUNNABLE, .pc = RAM_BASE};
	int realm = new_realm();

	code[0] = instruction;
	code[1] = LOOP;
	memcpy(v.gprs, gprs, 4 * sizeof(gprs[0]));
	if (realm < 0 || init_ripas(realm, RAM_BASE, RAM_SIZE) < 0 ||
	    populate(realm, RAM_BASE, code, sizeof(code)) < 0) {
		printf("# no realm: %s\n", strerror(errno));
	}
	*vcpu = ioctl(realm, CAEC_CREATE_VCPU, &v);
	v = (struct caec_vcpu_params){.mpidr = 1};
	close(ioctl(realm, CAEC_CREATE_VCPU, &v));
	ioctl(realm, CAEC_ACTIVATE);
	return realm;
}

/* What a realm does, and the command that the module makes of it, which is refused. */
static void refused_exits(void)
{
	static const struct {
		struct refusal refusal;
		uint32_t instruction;
		uint64_t gprs[4];
	} exits[] = {
		{{"protected fault", call_run, RMI_DATA_CREATE_UNKNOWN_FID, RTT_STATUS(3),
		  EADDRINUSE},
		 LDR_X1_X0,
		 {RAM_BASE + 0x10000}},
		{{"protected fault", call_run, RMI_DATA_CREATE_UNKNOWN_FID, RMI_ERROR_INPUT,
		  EPROTO},
		 LDR_X1_X0,
		 {RAM_BASE + 0x10000}},
		{{"protected fault", call_run, RMI_GRANULE_DELEGATE_FID, RMI_ERROR_INPUT,
		  EREMOTEIO},
		 LDR_X1_X0,
		 {RAM_BASE + 0x10000}},
		{{"shared fault", call_run, RMI_RTT_MAP_UNPROTECTED_FID, RTT_STATUS(3), EPROTO},
		 LDR_X1_X0,
		 {(UINT64_C(1) << (IPA_WIDTH - 1)) + RAM_BASE}},
		{{"RIPAS change", call_run, RMI_RTT_SET_RIPAS_FID, RMI_ERROR_INPUT, EPROTO},
		 SMC_0,
		 {0xc4000197, RAM_BASE, RAM_BASE + RAM_SIZE, 0}},
		{{"CPU_ON", call_run, RMI_PSCI_COMPLETE_FID, RMI_ERROR_INPUT, EPROTO},
		 SMC_0,
		 {0xc4000003, 1, RAM_BASE, 0}},
	};

	for (unsigned int i = 0; i < sizeof(exits) / sizeof(exits[0]); i++) {
		int vcpu, realm = running_realm(exits[i].instruction, exits[i].gprs, &vcpu);

		refused(realm, vcpu, &exits[i].refusal);
		close(vcpu);
		close(realm);
	}
}

static void refused_entries(void)
{
	static const struct refusal entries[] = {
		{"REC_ENTER", call_run, RMI_REC_ENTER_FID, RMI_ERROR_REALM, EPERM},
		{"REC_ENTER", call_run, RMI_REC_ENTER_FID, RMI_ERROR_REC, EBADR},
		{"REC_ENTER", call_run, RMI_REC_ENTER_FID, RMI_ERROR_INPUT, EPROTO},
		{"REC_ENTER", call_run, RMI_REC_ENTER_FID, CONTRADICTION, EPROTO},
	};
	static const uint64_t gprs[4];
	int vcpu, realm = running_realm(NOP, gprs, &vcpu);
	struct caec_run *run = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);

	for (unsigned int i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		refused(realm, vcpu, &entries[i]);
	}
	force(RMI_REC_ENTER_FID,
	      RMI_REALM_INDEX_SYSTEM_OFF << RMI_STATUS_INDEX_SHIFT | RMI_ERROR_REALM);
	check(call_run(vcpu) == 0 && run->exit_reason == CAEC_EXIT_ENDED,
	      "refusal: REC_ENTER: a realm that is off has ended");
	ioctl(vcpu, CAEC_VCPU_KICK, 0);
	check(call_run(vcpu) == 0 && run->exit_reason == CAEC_EXIT_KICK,
	      "refusal: REC_ENTER: succeeds afterwards");
	munmap(run, 4096);
	close(vcpu);
	close(realm);
}

static int refusals(void)
{
	int realm;

	force(RMI_REALM_CREATE_FID, RMI_ERROR_INPUT);
	check(fails(new_realm(), EOPNOTSUPP), "refusal: REALM_CREATE: 0x1: not supported");
	force(RMI_REALM_CREATE_FID, CONTRADICTION);
	check(fails(new_realm(), EPROTO), "refusal: REALM_CREATE: 0x777: a contradiction");
	force(RMI_GRANULE_DELEGATE_FID, RMI_ERROR_INPUT);
	check(fails(new_realm(), EREMOTEIO), "refusal: REALM_CREATE: the host's memory is refused");
	realm = new_realm();
	refused_building(realm);
	close(realm);
	refused_exits();
	refused_entries();
	check(wait_for_none(), "refusal: no granule is left");
	printf("1..%u\n", number);
	return all_good ? 0 : 1;
}

/* --------------------------------------------------------------------- fuzz */

#define FUZZ_FILES 8

struct fuzz {
	uint64_t seed;
	time_t end;
	unsigned long calls;
	unsigned long refused;
	unsigned long runs;
};

static int files[FUZZ_FILES]; /* shared by the threads on purpose */

static uint64_t dice(struct fuzz *f)
{
	f->seed ^= f->seed << 13;
	f->seed ^= f->seed >> 7;
	f->seed ^= f->seed << 17;
	return f->seed * UINT64_C(0x2545f4914f6cdd1d);
}

/* Numbers that are often on an edge of something. */
static uint64_t odd_number(struct fuzz *f)
{
	uint64_t x = dice(f);

	switch (x & 7) {
	case 0:
		return x >> 3 & 0xf;
	case 1:
		return RAM_BASE + (x >> 3 & 0xfff) * 4096;
	case 2:
		return (x >> 3 & 0x3f) * 4096;
	case 3:
		return UINT64_C(1) << (x >> 3 & 63);
	case 4:
		return (UINT64_C(1) << (x >> 3 & 63)) - 1 - (x >> 9 & 1) * 4095;
	case 5:
		return 0;
	default:
		return x;
	}
}

static void remember(struct fuzz *f, int fd)
{
	if (fd >= 0) {
		int *slot = &files[dice(f) % FUZZ_FILES];
		int old = __atomic_exchange_n(slot, fd, __ATOMIC_RELAXED);

		if (old >= 0) {
			close(old);
		}
	}
}

static void fuzz_realm(struct fuzz *f, int fd)
{
	static uint8_t source[64 * 4096];
	struct caec_populate p = {.ipa = odd_number(f),
				  .size = odd_number(f) & 0x3ffff,
				  .user_addr = (uintptr_t)source};
	struct caec_vcpu_params v = {
		.mpidr = dice(f) & 3, .flags = dice(f) & 1, .pc = odd_number(f)};
	struct caec_range r = {.base = odd_number(f), .size = odd_number(f)};
	struct caec_apt apt = {.count = (uint32_t)odd_number(f)};
	struct caec_stats stats;

	if ((dice(f) & 7) == 0) {
		p.user_addr = odd_number(f);
	}
	switch (dice(f) & 7) {
	case 0:
		r = (struct caec_range){.base = RAM_BASE, .size = RAM_SIZE};
		ioctl(fd, CAEC_INIT_RIPAS, &r);
		break;
	case 1:
		ioctl(fd, CAEC_INIT_RIPAS, &r);
		break;
	case 2:
		ioctl(fd, CAEC_POPULATE, &p);
		break;
	case 3:
		remember(f, ioctl(fd, CAEC_CREATE_VCPU, &v));
		break;
	case 4:
		ioctl(fd, CAEC_ADD_APT, &apt);
		break;
	case 5:
		if ((dice(f) & 3) == 0) {
			ioctl(fd, CAEC_ACTIVATE, odd_number(f));
		}
		break;
	case 6:
		ioctl(fd, CAEC_GET_STATS, &stats);
		break;
	default:
		ioctl(fd,
		      (unsigned int)(dice(f) & 7) ? _IOWR(CAEC_IOC, dice(f) & 0x3f, p)
						  : (unsigned int)dice(f),
		      odd_number(f));
		break;
	}
}

/*
 * Mappings are written through system calls: where nothing is behind an address, that is an error
 * and not the end of the program.
 */
static void scribble(struct fuzz *f, uint8_t *at, size_t size)
{
	uint64_t data[8];
	int pipes[2];

	for (unsigned int i = 0; i < 8; i++) {
		data[i] = odd_number(f);
	}
	size = size < sizeof(data) ? size : sizeof(data);
	if (pipe(pipes) == 0) {
		if (write(pipes[1], data, size) < 0 || read(pipes[0], at, size) < 0 ||
		    write(pipes[1], at, size) < 0) {
			f->refused++;
		}
		close(pipes[0]);
		close(pipes[1]);
	}
}

/* A realm that can run: its memory is full of calls of the RMM and of the host. */
static int build_realm(struct fuzz *f)
{
	static uint32_t code[1024];
	struct caec_vcpu_params v = {.flags = CAEC_VCPU_RUNNABLE, .pc = RAM_BASE};
	static const uint64_t functions[] = {0x84000001, 0xc4000003, 0x84000002, 0x84000008,
					     0xc4000004, 0xc4000197, 0xc4000199, 0xc6000101};
	int realm = new_realm(), vcpu;

	for (unsigned int i = 0; i < 1024; i++) {
		code[i] = i % 4 ? SMC_0 : 0x91400421; /* smc #0; add x1, x1, #0x1000 */
	}
	v.gprs[0] = functions[dice(f) % 8];
	v.gprs[1] = RAM_BASE;
	v.gprs[2] = RAM_BASE + RAM_SIZE;
	v.gprs[3] = dice(f) & 1;
	if (realm < 0 || init_ripas(realm, RAM_BASE, RAM_SIZE) < 0 ||
	    populate(realm, RAM_BASE, code, sizeof(code)) < 0) {
		f->refused++;
	}
	vcpu = ioctl(realm, CAEC_CREATE_VCPU, &v);
	v = (struct caec_vcpu_params){.mpidr = 1};
	remember(f, vcpu);
	remember(f, ioctl(realm, CAEC_CREATE_VCPU, &v));
	ioctl(realm, CAEC_ACTIVATE);
	return realm;
}

static void fuzz_map(struct fuzz *f, int fd)
{
	size_t size = ((dice(f) & 15) + 1) * 4096;
	uint64_t offset = dice(f) & 3 ? RAM_BASE + (dice(f) & 0xfff) * 4096 : odd_number(f);
	uint8_t *map =
		mmap(NULL, size, PROT_READ | PROT_WRITE, dice(f) & 7 ? MAP_SHARED : MAP_PRIVATE, fd,
		     (off_t)(offset & ~UINT64_C(4095)));

	if (map == MAP_FAILED) {
		f->refused++;
		return;
	}
	for (unsigned int i = 0; i < 8; i++) {
		scribble(f, map + dice(f) % (size - 64), 64);
	}
	munmap(map, size);
}

static void fuzz_vcpu(struct fuzz *f, int fd)
{
	uint8_t *run = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (run == MAP_FAILED) {
		f->refused++;
		return;
	}
	/* immediate_exit is the first word: left at zero the vCPU really runs, until it is kicked.
	 */
	for (unsigned int i = dice(f) & 3; i > 0; i--) {
		scribble(f, run + 8 + dice(f) % 800, 64);
	}
	if ((dice(f) & 3) == 0) {
		ioctl(fd, CAEC_VCPU_KICK, 0);
	}
	f->runs += ioctl(fd, CAEC_VCPU_RUN, 0) == 0;
	munmap(run, 4096);
}

static void *fuzz_thread(void *arg)
{
	struct fuzz *f = arg;

	while (time(NULL) < f->end) {
		int fd = __atomic_load_n(&files[dice(f) % FUZZ_FILES], __ATOMIC_RELAXED);
		struct caec_realm_params p = good_params();

		f->calls++;
		switch (dice(f) % 12) {
		case 0:
			if (dice(f) & 1) {
				p.ipa_width = (uint8_t)odd_number(f);
				p.flags = odd_number(f) & 7;
				p.num_bps = (uint8_t)odd_number(f);
			}
			remember(f, ioctl(device, CAEC_CREATE_REALM, &p));
			break;
		case 1:
			fuzz_map(f, fd);
			break;
		case 2:
		case 3:
			fuzz_vcpu(f, fd);
			break;
		case 5:
			ioctl(fd, CAEC_VCPU_KICK, 0);
			break;
		case 6:
			remember(f, build_realm(f));
			break;
		case 4:
			ioctl(device, (unsigned int)(dice(f) & 1 ? CAEC_GET_INFO : dice(f)),
			      odd_number(f));
			break;
		default:
			fuzz_realm(f, fd);
			break;
		}
	}
	return NULL;
}

/* The threads may sit in a run: the end of the process is what ends them. */
static void fuzz_round(uint64_t seed, time_t end)
{
	struct fuzz f[4];
	pthread_t thread;
	unsigned long calls = 0, refused = 0, runs = 0;

	for (unsigned int i = 0; i < FUZZ_FILES; i++) {
		files[i] = -1;
	}
	for (unsigned int i = 0; i < 4; i++) {
		f[i] = (struct fuzz){.seed = (seed + i + 1) * UINT64_C(0x9e3779b97f4a7c15),
				     .end = end};
		pthread_create(&thread, NULL, fuzz_thread, &f[i]);
	}
	while (time(NULL) < end) {
		usleep(20000);
		ioctl(files[(seed += 0x9e37) >> 8 & (FUZZ_FILES - 1)], CAEC_VCPU_KICK, 0);
	}
	for (unsigned int i = 0; i < 4; i++) {
		calls += f[i].calls;
		refused += f[i].refused;
		runs += f[i].runs;
	}
	printf("fuzz: %lu calls, %lu refused, %lu runs\n", calls, refused, runs);
	fflush(stdout);
	_exit(0);
}

static int fuzz(unsigned int seconds, uint64_t seed)
{
	time_t end = time(NULL) + (time_t)seconds;

	while (time(NULL) < end) {
		time_t part = time(NULL) + 5;
		pid_t pid = fork();

		if (pid == 0) {
			fuzz_round(seed, part < end ? part : end);
		}
		waitpid(pid, NULL, 0);
		seed += 4;
	}
	return wait_for_none() ? 0 : 1;
}

/* --------------------------------------------------------------------- main */

static int hold(void)
{
	static uint8_t data[1024 * 4096];
	int realm = new_realm();

	if (realm < 0 || init_ripas(realm, RAM_BASE, RAM_SIZE) < 0 ||
	    populate(realm, RAM_BASE, data, sizeof(data)) < 0) {
		return 1;
	}
	printf("holding %llu granules\n", (unsigned long long)granules());
	fflush(stdout);
	for (;;) {
		pause();
	}
}

int main(int argc, char **argv)
{
	device = open("/dev/caec", O_RDWR);
	if (device < 0) {
		perror("/dev/caec");
		return 2;
	}
	if (argc == 3 && strcmp(argv[1], "api") == 0) {
		return api(argv[2]);
	}
	if (argc == 4 && strcmp(argv[1], "fuzz") == 0) {
		return fuzz((unsigned int)atoi(argv[2]), strtoull(argv[3], NULL, 0));
	}
	if (argc == 2 && strcmp(argv[1], "hold") == 0) {
		return hold();
	}
	if (argc == 2 && strcmp(argv[1], "refusals") == 0) {
		return refusals();
	}
	fprintf(stderr, "usage: hosttest api IMAGE | fuzz SECONDS SEED | hold | refusals\n");
	return 2;
}
