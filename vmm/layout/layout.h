// SPDX-License-Identifier: BSD-3-Clause
/*
 * What a CAEC realm that boots Linux looks like: its address map, its device tree, and the ordered
 * list of measured operations that build it. A virtual machine monitor carries the list out,
 * an owner computes the RIM from it without running anything; both link this library, so both get
 * the same RIM. Everything that enters the RIM is decided here and depends on struct layout_config
 * alone: no machine property, no time, no randomness.
 *
 * Portable C; needs libfdt. Nothing here allocates. Addresses are IPAs, sizes are bytes.
 */
#ifndef VMM_LAYOUT_H
#define VMM_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LAYOUT_BLOCK UINT64_C(0x200000)

/* The protected half: devices below, RAM from 2 GiB, then the window for shared regions. */
#define LAYOUT_GICD_BASE   UINT64_C(0x08000000)
#define LAYOUT_GICD_SIZE   UINT64_C(0x00010000)
#define LAYOUT_GICR_BASE   UINT64_C(0x080a0000)
#define LAYOUT_GICR_SIZE   UINT64_C(0x00020000) /* for each vCPU */
#define LAYOUT_UART_BASE   UINT64_C(0x09000000)
#define LAYOUT_UART_SIZE   UINT64_C(0x00001000)
#define LAYOUT_VIRTIO_BASE UINT64_C(0x0a000000)
#define LAYOUT_VIRTIO_SIZE UINT64_C(0x00001000) /* for each slot */
#define LAYOUT_VIRTIO_SLOTS \
	8u /* always in the tree, filled or not: disks do not change the RIM \
	    */
#define LAYOUT_RAM_BASE  UINT64_C(0x80000000)
#define LAYOUT_CSM_ALIGN UINT64_C(0x40000000) /* of the window, so that 1 GiB blocks can fit */

/* Interrupts, as INTIDs: shared peripheral interrupts start at 32. */
#define LAYOUT_UART_INTID   33u /* level */
#define LAYOUT_CSM_INTID    34u /* edge */
#define LAYOUT_VIRTIO_INTID 48u /* edge; slot n has 48 + n */

#define LAYOUT_MAX_CPUS      64u
#define LAYOUT_START_LEVEL   1u  /* of the tables, which the host module makes so for any width */
#define LAYOUT_MIN_IPA_WIDTH 33u /* one start table at level 1 serves 33 to 39 bits */
#define LAYOUT_MAX_IPA_WIDTH 39u
#define LAYOUT_MAX_CMDLINE   2047u /* what arm64 Linux keeps, without the final zero */
#define LAYOUT_DTB_MAX       ((size_t)0x10000)

/* A file in memory, owned by the caller. */
struct layout_file {
	const void *data;
	size_t size;
};

/* What the user of a realm decides. */
struct layout_config {
	struct layout_file kernel; /* uncompressed arm64 Image */
	struct layout_file initrd; /* size 0: none */
	const char *cmdline;       /* NULL: empty */
	uint64_t ram_size;         /* multiple of 2 MiB */
	uint64_t csm_size;         /* multiple of 2 MiB, 0: no window and no node */
	unsigned int cpus;         /* 1 to LAYOUT_MAX_CPUS */
	uint8_t hash_algo;         /* RMI_HASH_* */
	uint64_t realm_flags;      /* RMI_REALM_FLAG_SVE, RMI_REALM_FLAG_PMU */
	uint8_t sve_vl;            /* with the SVE flag, vector length / 128 - 1 */
	uint8_t pmu_num_ctrs;      /* with the PMU flag */
	bool skip_content;         /* measure addresses but not contents: quicker, proves nothing */
};

/* What follows from it. */
struct layout {
	/* Parameters of RMI_REALM_CREATE, in the encoding of struct rmi_realm_params. */
	uint64_t realm_flags;
	uint8_t s2sz;
	uint8_t sve_vl;
	uint8_t num_bps;
	uint8_t num_wps;
	uint8_t pmu_num_ctrs;
	uint8_t hash_algo;

	uint64_t ram_base;
	uint64_t ram_size;
	uint64_t kernel_ipa; /* also the pc of the boot vCPU */
	uint64_t dtb_ipa;    /* also its x0 */
	uint64_t initrd_ipa; /* 0: none */
	uint64_t csm_base;   /* 0: none */
	uint64_t csm_size;
	unsigned int cpus;
};

/* Why a call failed, in words for the user. */
struct layout_error {
	char text[160];
};

/*
 * Decides where everything goes. False, with the reason, if a size or number is out of range or
 * not aligned, the kernel is not an arm64 Image that can be booted, the command line is too long,
 * or the files do not fit into the RAM.
 */
bool layout_plan(const struct layout_config *config, struct layout *layout,
		 struct layout_error *err);

/*
 * Writes the device tree into buf[0 .. size-1]; LAYOUT_DTB_MAX is enough. Returns its size, or 0
 * if libfdt fails or buf is too small.
 */
size_t layout_make_dtb(const struct layout_config *config, const struct layout *layout, void *buf,
		       size_t size);

/* The vCPU with this index: RmiRecMpidr layout, sixteen to a cluster as the RMM requires. */
uint64_t layout_mpidr(unsigned int index);

/*
 * The measured operations that follow RMI_REALM_CREATE, in order. A callback that returns false
 * ends the list.
 *
 * init_ripas: [base, base + size) becomes RAM. The host asks for the whole range and makes a table
 *	only where the RMM asks for one, before any page is populated: so every entry is as large as
 *	alignment allows.
 * data_create: `size` bytes from `data` go to `ipa`, which is page-aligned, page by page in
 *	ascending order. The rest of the last page is zero. `flags` are those of RMI_DATA_CREATE.
 * rec_create: vCPU `mpidr` with RmiRecCreateFlags `flags`, and initial state.
 */
struct layout_ops {
	bool (*init_ripas)(void *ctx, uint64_t base, uint64_t size);
	bool (*data_create)(void *ctx, uint64_t ipa, struct layout_file data, uint64_t flags);
	bool (*rec_create)(void *ctx, uint64_t mpidr, uint64_t flags, uint64_t pc,
			   const uint64_t gprs[8]);
};

/* Runs through the list. `dtb` is what layout_make_dtb() wrote. False if a callback said so. */
bool layout_build(const struct layout_config *config, const struct layout *layout,
		  struct layout_file dtb, const struct layout_ops *ops, void *ctx);

#endif
