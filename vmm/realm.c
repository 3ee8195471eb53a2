// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "abi/rmi.h"
#include "abi/status.h"
#include "realm.h"

#define DEVICE        "/dev/caec"
#define KVM           "/dev/kvm"
#define KVM_CREATE_VM _IO(0xAE, 0x01)

static bool complain(const char *what, const char *advice)
{
	int error = errno;

	fprintf(stderr, "rvm: %s: %s%s%s\n", what, strerror(error), *advice ? "; " : "", advice);
	return false;
}

/* What the specification of the RMM calls a status, for people. */
static const char *status_name(uint64_t status)
{
	switch (rmi_status_code(status)) {
	case RMI_SUCCESS:
		return "success, with values that it cannot answer";
	case RMI_ERROR_INPUT:
		return "RMI_ERROR_INPUT";
	case RMI_ERROR_REALM:
		return "RMI_ERROR_REALM";
	case RMI_ERROR_REC:
		return "RMI_ERROR_REC";
	case RMI_ERROR_RTT:
		return "RMI_ERROR_RTT";
	default:
		return "unknown to its specification";
	}
}

/* What the user can do about an error of the host module; empty if nothing is known. */
static const char *advice(int error)
{
	switch (error) {
	case ENOMEM:
		return "the host's memory or its memory cgroup is exhausted: give the realm less "
		       "--mem, or raise the cgroup's memory.max";
	case EDQUOT:
		return "the limit of locked memory is reached: raise it (ulimit -l), or give the "
		       "realm less --mem";
	case ESHUTDOWN:
		return "the host is going down, which ends its realms";
	case EREMOTEIO:
		return "the RMM does not take memory of this host: see dmesg, and which memory the "
		       "firmware gives to realms";
	case EADDRINUSE:
	case EBADR:
	case EPROTO:
		return "the host module and the RMM disagree: see dmesg; are they of one release?";
	default:
		return "";
	}
}

bool realm_explain(const struct realm *r, int error, char *text, size_t size)
{
	struct caec_stats stats = {0};
	bool by_rmm = error == EPERM || error == EEXIST || error == EREMOTEIO ||
		      error == EADDRINUSE || error == EBADR || error == EPROTO;
	const char *what = advice(error);

	text[0] = '\0';
	if (by_rmm && r->fd >= 0 && ioctl(r->fd, CAEC_GET_STATS, &stats) == 0 &&
	    stats.refused > 0) {
		snprintf(text, size,
			 "%s%sthe RMM answered command %#" PRIx64 " with status %#" PRIx64 " (%s)",
			 what, *what ? "; " : "", (uint64_t)stats.refused_command,
			 (uint64_t)stats.refused_status, status_name(stats.refused_status));
	} else {
		snprintf(text, size, "%s", what);
	}
	return text[0] != '\0';
}

/* A call on the realm's file has failed. */
static bool refused(const struct realm *r, const char *what)
{
	char text[REALM_EXPLANATION];
	int error = errno;

	realm_explain(r, error, text, sizeof(text));
	errno = error;
	return complain(what, text);
}

void realm_init(struct realm *r)
{
	memset(r, 0, sizeof(*r));
	r->device = -1;
	r->kvm = -1;
	r->fd = -1;
	r->shared = MAP_FAILED;
}

bool realm_open(struct realm *r)
{
	int kvm;

	r->device = open(DEVICE, O_RDWR | O_CLOEXEC);
	if (r->device < 0) {
		return complain(DEVICE, errno == ENOENT ? "load the module caec_host (see dmesg if "
							  "that fails)"
							: "run as root");
	}
	if (ioctl(r->device, CAEC_GET_INFO, &r->info) < 0) {
		return complain(DEVICE, "is the module of another revision?");
	}
	if (r->info.revision >> 16 != CAEC_HOST_REVISION_MAJOR) {
		fprintf(stderr, "rvm: the host module has revision %u.%u, this rvm needs %u\n",
			r->info.revision >> 16, r->info.revision & 0xffff,
			CAEC_HOST_REVISION_MAJOR);
		return false;
	}
	/*
	 * Timer interrupts of realms arrive through lines that KVM owns and may switch off while it
	 * has no machine. Without KVM there is nothing to hold.
	 */
	kvm = open(KVM, O_RDWR | O_CLOEXEC);
	if (kvm >= 0) {
		r->kvm = ioctl(kvm, KVM_CREATE_VM, 0);
		close(kvm);
	}
	return true;
}

/* The realm's descriptor, without memory. False, with a message. */
static bool create(struct realm *r, const struct options *o, const struct layout *l)
{
	struct caec_realm_params p = {
		.flags = l->realm_flags,
		.ipa_width = l->s2sz,
		.hash_algo = l->hash_algo,
		.sve_vl = l->sve_vl,
		.num_bps = l->num_bps,
		.num_wps = l->num_wps,
		.pmu_num_ctrs = l->pmu_num_ctrs,
	};

	memcpy(p.rpv, o->rpv, sizeof(p.rpv));
	snprintf((char *)p.name, sizeof(p.name), "%s", o->name);
	r->fd = ioctl(r->device, CAEC_CREATE_REALM, &p);
	if (r->fd < 0) {
		switch (errno) {
		case EOPNOTSUPP:
			return complain(
				"cannot create the realm",
				"this RMM or machine lacks what was asked for (--sve, --pmu, "
				"--hash, --mem)");
		case ENOSPC:
			return complain("cannot create the realm",
					"no VMID is free: stop another realm");
		default:
			return refused(r, "cannot create the realm");
		}
	}
	return true;
}

static bool add_apt(struct realm *r, const struct options *o)
{
	struct caec_apt apt = {.count = o->apt};

	if (o->apt > 0 && ioctl(r->fd, CAEC_ADD_APT, &apt) < 0) {
		return errno == EOPNOTSUPP ? complain("cannot set up confidential shared memory",
						      "this RMM does not have it; leave out --csm")
					   : refused(r, "cannot set up confidential shared memory");
	}
	return true;
}

/* ----------------------------------------------------- measured operations */

static bool init_ripas(void *ctx, uint64_t base, uint64_t size)
{
	struct realm *r = ctx;
	struct caec_range range = {.base = base, .size = size};

	if (ioctl(r->fd, CAEC_INIT_RIPAS, &range) < 0) {
		return refused(r, "cannot make the realm's RAM");
	}
	mlog_ripas(&r->log, base, size);
	return true;
}

static void progress(struct realm *r)
{
	unsigned int percent = (unsigned int)(100 * r->populate_done / r->populate_total);

	if (!r->quiet && percent >= r->percent + 10) {
		r->percent = percent - percent % 10;
		fprintf(stderr, "rvm: %s: memory filled: %u %%\n", r->name, r->percent);
	}
}

/* Fills whole pages, size bytes. False, with a message, or without one when the machine ends. */
static bool populate(struct realm *r, uint64_t ipa, const void *data, uint64_t size, uint64_t flags)
{
	while (size > 0) {
		/* In pieces, so that there is progress to show. */
		struct caec_populate p = {
			.ipa = ipa,
			.user_addr = (uintptr_t)data,
			.size = size < UINT64_C(0x200000) ? size : UINT64_C(0x200000),
			.flags = flags,
		};

		if (ioctl(r->fd, CAEC_POPULATE, &p) < 0 && errno != EINTR) {
			return refused(r, "cannot fill the realm's memory");
		}
		if (atomic_load(r->end) != 0) {
			return false;
		}
		ipa += p.done;
		data = (const uint8_t *)data + p.done;
		size -= p.done;
		r->populate_done += p.done;
		progress(r);
	}
	return true;
}

/* The pages of a file, the last one padded with zeros. False as populate() has it. */
static bool populate_file(struct realm *r, uint64_t ipa, struct layout_file file, uint64_t flags)
{
	uint8_t tail[ABI_GRANULE_SIZE] = {0};
	uint64_t whole = file.size & ~(ABI_GRANULE_SIZE - 1);
	uint64_t how = flags & RMI_DATA_FLAG_MEASURE ? CAEC_POPULATE_MEASURE : 0;

	if (!populate(r, ipa, file.data, whole, how)) {
		return false;
	}
	if (whole == file.size) {
		return true;
	}
	memcpy(tail, (const uint8_t *)file.data + whole, file.size - whole);
	return populate(r, ipa + whole, tail, sizeof(tail), how);
}

static bool data_create(void *ctx, uint64_t ipa, struct layout_file file, uint64_t flags)
{
	struct realm *r = ctx;

	if (!populate_file(r, ipa, file, flags)) {
		return false;
	}
	mlog_data(&r->log, ipa, file, flags);
	return true;
}

/* A vCPU and its run page. False, with a message; what there is of it goes with realm_close. */
static bool rec_create(void *ctx, uint64_t mpidr, uint64_t flags, uint64_t pc,
		       const uint64_t gprs[8])
{
	struct realm *r = ctx;
	struct caec_vcpu_params p = {
		.mpidr = mpidr,
		.flags = flags & RMI_REC_FLAG_RUNNABLE ? CAEC_VCPU_RUNNABLE : 0,
		.pc = pc,
	};
	int fd;

	memcpy(p.gprs, gprs, sizeof(p.gprs));
	fd = ioctl(r->fd, CAEC_CREATE_VCPU, &p);
	if (fd < 0) {
		return refused(r, "cannot create a vCPU");
	}
	mlog_rec(&r->log, mpidr, flags, pc, gprs);
	r->vcpu_fd[r->num_vcpus] = fd;
	r->run[r->num_vcpus] =
		mmap(NULL, CAEC_RUN_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	r->num_vcpus++;
	return r->run[r->num_vcpus - 1] != MAP_FAILED || complain("cannot map a vCPU", "");
}

static const struct layout_ops ops = {
	.init_ripas = init_ripas,
	.data_create = data_create,
	.rec_create = rec_create,
};

static uint64_t whole_pages(uint64_t size)
{
	return (size + ABI_GRANULE_SIZE - 1) & ~(ABI_GRANULE_SIZE - 1);
}

bool realm_build(struct realm *r, const struct options *o, const struct layout_config *config,
		 const struct layout *layout, struct layout_file dtb)
{
	r->quiet = o->quiet;
	r->name = o->name;
	r->populate_total = whole_pages(config->kernel.size) + whole_pages(config->initrd.size) +
			    whole_pages(dtb.size);
	if (!mlog_open(&r->log, o->measurement_log) || !create(r, o, layout) || !add_apt(r, o)) {
		return false;
	}
	mlog_realm(&r->log, layout, o->rpv);
	/* A realm whose log is not whole does not start. */
	if (!layout_build(config, layout, dtb, &ops, r) || !mlog_close(&r->log)) {
		return false;
	}
	if (ioctl(r->fd, CAEC_ACTIVATE) < 0) {
		return refused(r, "cannot activate the realm");
	}
	r->shared = mmap(NULL, layout->ram_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
			 r->fd, (off_t)layout->ram_base);
	r->shared_size = layout->ram_size;
	return r->shared != MAP_FAILED || complain("cannot map the realm's shared memory", "");
}

static void close_fd(int *fd)
{
	if (*fd >= 0) {
		close(*fd);
		*fd = -1;
	}
}

void realm_close(struct realm *r)
{
	for (unsigned int i = 0; i < r->num_vcpus; i++) {
		if (r->run[i] != MAP_FAILED) {
			munmap(r->run[i], CAEC_RUN_PAGE_SIZE);
		}
		close_fd(&r->vcpu_fd[i]);
	}
	r->num_vcpus = 0;
	if (r->shared != MAP_FAILED) {
		munmap(r->shared, r->shared_size);
		r->shared = MAP_FAILED;
	}
	if (r->log.file) {
		fclose(r->log.file); /* of a realm that was not built: what there is of it */
		r->log.file = NULL;
	}
	close_fd(&r->fd);
	close_fd(&r->kvm);
	close_fd(&r->device);
}

int realm_run(struct realm *r, unsigned int cpu)
{
	return ioctl(r->vcpu_fd[cpu], CAEC_VCPU_RUN, 0) < 0 ? errno : 0;
}

void realm_kick(struct realm *r, unsigned int cpu)
{
	ioctl(r->vcpu_fd[cpu], CAEC_VCPU_KICK, 0);
}
