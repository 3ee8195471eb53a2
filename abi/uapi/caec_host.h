/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-3-Clause) */
/*
 * Interface between the host module and a virtual machine monitor, in the manner of KVM:
 *
 *   /dev/caec                    -> CAEC_GET_INFO, CAEC_CREATE_REALM (gives a realm file)
 *   realm file                   -> memory, CAEC_CREATE_VCPU (gives a vCPU file), activation;
 *                                   mmap at offset = IPA (top bit clear): memory that is shared
 *                                   with the realm
 *   vCPU file                    -> CAEC_VCPU_RUN, CAEC_VCPU_KICK;
 *                                   mmap at offset 0: struct caec_run
 *
 * Files are close-on-exec and answer only to the process (memory map) that opened the realm:
 * everybody else gets EIO. A realm ends when its last file and mapping is gone; its memory is given
 * back in the background.
 *
 * Every structure is appended to and never reordered; every gap is a named reserved field that must
 * be zero on input (EINVAL otherwise) and is zero on output. A caller asks for CAEC_HOST_REVISION
 * with CAEC_GET_INFO and uses nothing newer than the answer.
 *
 * Callers include <sys/ioctl.h> (in the kernel <linux/ioctl.h>) for the call numbers.
 *
 * Errors, each with one meaning in all calls:
 *
 *   ENOTTY      unknown call, or a call that this kind of file does not have
 *   EFAULT      bad user address
 *   EINVAL      reserved field not zero; an argument out of its range
 *   EIO         the calling process is not the one that opened the realm
 *   ESHUTDOWN   the host is going down, which ends every realm
 *   EPERM       the realm is active and must be new, or the other way round
 *   EEXIST      something of this realm is at this address already
 *   ENOSPC      the number of things of this kind is limited, and reached
 *   ENOMEM      the host's memory, or the caller's memory cgroup, is exhausted
 *   EDQUOT      RLIMIT_MEMLOCK of the process is reached, and it has no CAP_IPC_LOCK
 *   EOPNOTSUPP  this RMM or this machine does not have what is asked for
 *   EBUSY       another thread is in CAEC_VCPU_RUN of this vCPU
 *   EINTR       a signal came
 *   EMFILE, ENFILE  no file descriptor is free
 *   EREMOTEIO   the RMM does not take memory that this host owns: firmware and host disagree about
 *               which memory can be used for realms
 *   EADDRINUSE  the RMM has something at this address of the realm that the module did not put
 *               there
 *   EBADR       the RMM does not enter the vCPU: a list register that this machine cannot have
 *   EPROTO      any other refusal by the RMM, of a command for which the module had made sure of
 *               all that it could: module and RMM disagree
 *
 * What the RMM answered last, when it refused a command, is in CAEC_GET_STATS (refused_*). Where
 * there is no realm yet (CAEC_CREATE_REALM) it is in the kernel's log.
 *
 * Revision 1.1 added caec_stats.refused*, and took EDQUOT, ESHUTDOWN, EREMOTEIO, EADDRINUSE, EBADR
 * and EPROTO out of ENOMEM, EIO and EINVAL.
 */
#ifndef CAEC_UAPI_CAEC_HOST_H
#define CAEC_UAPI_CAEC_HOST_H

#include "abi/types.h"

#define CAEC_HOST_REVISION_MAJOR 1
#define CAEC_HOST_REVISION_MINOR 1
#define CAEC_HOST_REVISION       ((CAEC_HOST_REVISION_MAJOR << 16) | CAEC_HOST_REVISION_MINOR)

/* Call numbers start above the generic file-system ioctls (1 and 2 are FIBMAP and FIGETBSZ). */
#define CAEC_IOC 0xCA

#define CAEC_MAX_VCPUS     64
#define CAEC_MAX_RAM       8
#define CAEC_MAX_APT       64
#define CAEC_NUM_LRS       16
#define CAEC_NAME_SIZE     32
#define CAEC_RUN_PAGE_SIZE 4096

/* ---------------------------------------------------------------- /dev/caec */

/**
 * struct caec_info - what the module and the RMM below it offer
 * @revision: CAEC_HOST_REVISION of the module
 * @rmi_lower, @rmi_higher: outputs of RMI_VERSION
 * @features0: RMI feature register 0
 * @csm_revision: (major << 16) | minor, 0 if the RMM has no CSM
 * @num_realms: realms alive now, including those being taken down
 * @granules: granules that are delegated now, machine-wide
 */
struct caec_info {
	abi_u32 revision;
	abi_u32 num_realms;
	abi_u64 rmi_lower;
	abi_u64 rmi_higher;
	abi_u64 features0;
	abi_u64 csm_revision;
	abi_u64 granules;
	abi_u64 reserved[4];
};

#define CAEC_REALM_SVE (1ULL << 1) /* as RmiRealmFlags; LPA2 (bit 0) is not offered */
#define CAEC_REALM_PMU (1ULL << 2)

/**
 * struct caec_realm_params - input of CAEC_CREATE_REALM
 * @flags: CAEC_REALM_*, as measured
 * @ipa_width: 32..39, one start table at level 1
 * @hash_algo: 0 SHA-256, 1 SHA-512
 * @sve_vl: vector length / 128 - 1, with CAEC_REALM_SVE
 * @num_bps, @num_wps: number minus one, at least 1
 * @pmu_num_ctrs: with CAEC_REALM_PMU
 * @rpv: realm personalization value
 * @name: for debugfs; printable ASCII, ends with a zero byte
 *
 * The result is a realm file. Fails: EFAULT, EINVAL parameter out of the ranges above, EOPNOTSUPP
 * the RMM refuses the parameters, ENOMEM, EDQUOT, ENOSPC no VMID is free (there are 255),
 * ESHUTDOWN, EREMOTEIO, EPROTO, EMFILE, ENFILE.
 */
struct caec_realm_params {
	abi_u64 flags;
	abi_u8 ipa_width;
	abi_u8 hash_algo;
	abi_u8 sve_vl;
	abi_u8 num_bps;
	abi_u8 num_wps;
	abi_u8 pmu_num_ctrs;
	abi_u8 reserved0[2];
	abi_u8 rpv[64];
	abi_u8 name[CAEC_NAME_SIZE];
	abi_u64 reserved1[4];
};

/* --------------------------------------------------------------- realm file */

/**
 * struct caec_range - [base, base + size) in the protected half, both multiples of 4 KiB
 *
 * CAEC_INIT_RIPAS makes the range RAM of a realm that is not yet active, and registers it: inside
 * it protected memory is supplied on demand and shared memory can be mapped.
 *
 * Fails: EFAULT, EINVAL not whole pages or not in the protected half, EPERM the realm is active,
 * EEXIST the range overlaps one before or a page of it is populated, ENOSPC there are CAEC_MAX_RAM
 * ranges, ENOMEM, EDQUOT, EINTR fatal signal, ESHUTDOWN, EREMOTEIO, EPROTO. After a failure nothing
 * is registered, and the call can be made again.
 */
struct caec_range {
	abi_u64 base;
	abi_u64 size;
	abi_u64 reserved[2];
};

#define CAEC_POPULATE_MEASURE (1ULL << 0)

/**
 * struct caec_populate - copy user memory into the protected half of a realm that is not yet active
 * @ipa, @size: multiples of 4 KiB, within the protected half; no page may be populated twice
 * (EEXIST)
 * @user_addr: source; any alignment
 * @flags: CAEC_POPULATE_*
 * @done: output, bytes populated, also after a failure (EINTR: call again with the rest)
 *
 * Fails: EFAULT, EINVAL, EPERM the realm is active, EEXIST, ENOMEM, EDQUOT, EINTR, ESHUTDOWN,
 * EREMOTEIO, EADDRINUSE, EPROTO.
 */
struct caec_populate {
	abi_u64 ipa;
	abi_u64 user_addr;
	abi_u64 size;
	abi_u64 flags;
	abi_u64 done;
	abi_u64 reserved[3];
};

#define CAEC_VCPU_RUNNABLE (1ULL << 0)

/**
 * struct caec_vcpu_params - input of CAEC_CREATE_VCPU, in the order of MPIDR indices 0, 1, 2 ...
 * @mpidr: RmiRecMpidr layout, must be that of the next index (EINVAL)
 * @flags: CAEC_VCPU_RUNNABLE for the boot vCPU; the others start by PSCI CPU_ON
 * @pc, @gprs: initial state
 *
 * The result is a vCPU file. Fails: EFAULT, EINVAL, EPERM the realm is active, ENOSPC there are
 * CAEC_MAX_VCPUS, ENOMEM, EDQUOT, ESHUTDOWN, EREMOTEIO, EPROTO, EMFILE, ENFILE. After EMFILE or
 * ENFILE the realm can have no further vCPU: the RMM has counted this one.
 */
struct caec_vcpu_params {
	abi_u64 mpidr;
	abi_u64 flags;
	abi_u64 pc;
	abi_u64 gprs[8];
	abi_u64 reserved[4];
};

/**
 * struct caec_apt - CAEC_ADD_APT: gives the realm @count more access policy table granules
 *
 * @count: how many more
 * @total: output, granules now, also after a failure
 *
 * Fails: EFAULT, EINVAL, EOPNOTSUPP the RMM has no CSM, ENOSPC more than CAEC_MAX_APT in all, EPERM
 * the RMM holds the realm as ended, ENOMEM, EDQUOT, ESHUTDOWN, EREMOTEIO, EPROTO.
 */
struct caec_apt {
	abi_u32 count;
	abi_u32 total;
	abi_u64 reserved[3];
};

/**
 * struct caec_stats - CAEC_GET_STATS
 * Counts of granules now (@data .. @apt), of events since the start (@blocks .. @refused), and the
 * last command that the RMM refused: its function identifier and x0 as the RMM specification
 * defines them. A command that the RMM carried out and answered with what it cannot answer has
 * status 0. All three are zero while there was none.
 */
struct caec_stats {
	abi_u64 data;
	abi_u64 tables;
	abi_u64 recs;   /* REC and auxiliary granules */
	abi_u64 shared; /* shared pages; these are not delegated */
	abi_u64 apt;
	abi_u64 blocks;       /* 2 MiB ranges folded to a block, ever */
	abi_u64 faults;       /* protected faults served */
	abi_u64 share_faults; /* unprotected pages mapped */
	abi_u64 entries;      /* REC_ENTER calls */
	abi_u64 ripas;        /* RIPAS change requests */
	abi_u64 psci;
	abi_u64 timer_irqs; /* timer interrupts placed in a list register */
	abi_u64 timer_full; /* no list register was free for one */
	abi_u64 refused;    /* commands that the RMM refused */
	abi_u64 refused_command;
	abi_u64 refused_status;
};

/* ---------------------------------------------------------------- vCPU file */

/* Why CAEC_VCPU_RUN came back (caec_run.exit_reason). */
enum caec_exit {
	CAEC_EXIT_NONE = 0,       /* the call failed; see errno */
	CAEC_EXIT_KICK = 1,       /* CAEC_VCPU_KICK, or immediate_exit */
	CAEC_EXIT_MMIO = 2,       /* u.mmio; answer a read in u.mmio.data before the next run */
	CAEC_EXIT_SYSREG = 3,     /* u.sysreg; answer a read in u.sysreg.value */
	CAEC_EXIT_GIC = 4,        /* maintenance: a list register became free or was EOIed */
	CAEC_EXIT_HOST_CALL = 5,  /* u.host_call; gprs are both directions */
	CAEC_EXIT_SYSTEM_OFF = 6, /* the realm asked for it; no vCPU runs again */
	CAEC_EXIT_SYSTEM_RESET = 7,
	CAEC_EXIT_ENDED = 8,   /* another vCPU asked for off or reset */
	CAEC_EXIT_FAULT = 9,   /* u.fault: protected access outside RAM; running again repeats it */
	CAEC_EXIT_SERROR = 10, /* u.fault.esr */
	CAEC_EXIT_CSM_SIGNAL = 11, /* raise the realm's CSM interrupt */
	CAEC_EXIT_UNKNOWN = 12,    /* u.fault: an exit this module does not know */
};

#define CAEC_MMIO_WRITE (1U << 0)
#define CAEC_MMIO_ABORT \
	(1U << 1) /* answer: nothing is there, the access takes an external abort \
		   */
#define CAEC_SYSREG_READ (1U << 0)

/**
 * struct caec_run - the page shared between a vCPU file and its user
 *
 * Read by the module once at the start of CAEC_VCPU_RUN: immediate_exit, gic_lr, gic_hcr, timer_*,
 * and in u the answer to the previous exit. Written by it at the end: everything else, and gic_lr.
 * immediate_exit alone is also looked at last thing before the vCPU is entered.
 *
 * List registers (ICH_LR<n>_EL2 layout, hardware bit clear) belong to the user between runs. The
 * module adds interrupts 27 and 30 of the EL1 timers by itself, when their bit in timer_enabled is
 * set, as soon as a register is free. Registers beyond caec_vcpu_params' realm's number are
 * ignored.
 */
struct caec_run {
	/* 0x000: input */
	abi_u32 immediate_exit;
	abi_u32 timer_enabled;    /* GICR_ISENABLER0, bits 27 and 30 */
	abi_u8 timer_priority[2]; /* of 27 and of 30 */
	abi_u8 reserved0[6];
	abi_u64 gic_hcr; /* ICH_HCR_EL2: UIE, LRENPIE, NPIE, VGrp*IE */

	/* 0x018: input and output */
	abi_u64 gic_lr[CAEC_NUM_LRS];

	/* 0x098: output */
	abi_u32 exit_reason; /* enum caec_exit */
	abi_u32 num_lrs;
	abi_u64 gic_misr;
	abi_u64 gic_vmcr;
	abi_u64 cntv_ctl;
	abi_u64 cntv_cval;
	abi_u64 cntp_ctl;
	abi_u64 cntp_cval;
	abi_u64 reserved1[9];

	/* 0x118 */
	union {
		struct {
			abi_u64 ipa; /* top bit of the IPA space clear */
			abi_u64 data;
			abi_u32 len;   /* 1, 2, 4, 8 */
			abi_u32 flags; /* CAEC_MMIO_* */
		} mmio;
		struct {
			abi_u64 esr; /* ISS names the system register; Rt is 0 */
			abi_u64 value;
			abi_u32 flags; /* CAEC_SYSREG_* */
			abi_u32 reserved;
		} sysreg;
		struct {
			abi_u64 imm;
			abi_u64 gprs[31];
		} host_call;
		struct {
			abi_u64 esr;
			abi_u64 ipa;
			abi_u64 reason; /* RmiRecExitReason */
		} fault;
		abi_u64 pad[64];
	} u;
	abi_u64 reserved2[413];
};

/* -------------------------------------------------------------------- calls */

#define CAEC_GET_INFO     _IOR(CAEC_IOC, 0x10, struct caec_info)
#define CAEC_CREATE_REALM _IOW(CAEC_IOC, 0x11, struct caec_realm_params)

#define CAEC_INIT_RIPAS  _IOW(CAEC_IOC, 0x20, struct caec_range)
#define CAEC_POPULATE    _IOWR(CAEC_IOC, 0x21, struct caec_populate)
#define CAEC_CREATE_VCPU _IOW(CAEC_IOC, 0x22, struct caec_vcpu_params)
#define CAEC_ADD_APT     _IOWR(CAEC_IOC, 0x23, struct caec_apt)
#define CAEC_ACTIVATE    _IO(CAEC_IOC, 0x24)
#define CAEC_GET_STATS   _IOR(CAEC_IOC, 0x25, struct caec_stats)

/*
 * CAEC_ACTIVATE: the realm becomes active; its content is final. Fails: EPERM it is active, EPROTO,
 * ESHUTDOWN.
 *
 * CAEC_VCPU_RUN: runs the vCPU until something needs the user. 0 with exit_reason set. Fails: EINTR
 * for a signal, EBUSY, EPERM the realm is not active, EINVAL the argument is not 0, gic_hcr has
 * bits that a host may not set, or a list register is for a hardware interrupt, for a number that
 * no interrupt has, or for one that another list register has; EBADR, ENOMEM, EDQUOT, ESHUTDOWN,
 * EREMOTEIO, EADDRINUSE, EPROTO. The vCPU can be run again after each of them.
 *
 * CAEC_VCPU_KICK: makes a run that is under way, or else the next one, return CAEC_EXIT_KICK. From
 * any thread. Never fails on a live realm.
 */
#define CAEC_VCPU_RUN  _IO(CAEC_IOC, 0x30)
#define CAEC_VCPU_KICK _IO(CAEC_IOC, 0x31)

#endif
