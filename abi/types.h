// SPDX-License-Identifier: (GPL-2.0-only OR BSD-3-Clause)
/*
 * What the other headers of this folder need: integer types for C in the firmware, in user space
 * and in the Linux kernel, and literals that an assembler accepts too.
 *
 * Under an assembler (__ASSEMBLER__) every header of this folder leaves constants only.
 */
#ifndef ABI_TYPES_H
#define ABI_TYPES_H

#ifdef __ASSEMBLER__
#define ABI_U(x)  x
#define ABI_UL(x) x
#else
#define ABI_U(x)  x##U
#define ABI_UL(x) x##UL

#ifdef __KERNEL__
#include <linux/types.h>
/* Linux on arm64 has some of the RSI names, in a header that many pull in: let it come first. */
#if __has_include(<asm/rsi.h>)
#include <asm/rsi.h>
#endif
#else
#include <stdint.h>
#endif

typedef uint8_t abi_u8;
typedef uint16_t abi_u16;
typedef uint32_t abi_u32;
typedef uint64_t abi_u64;
typedef int32_t abi_s32;
typedef int64_t abi_s64;
#endif

/* A bit field called F is given by F_SHIFT and F_WIDTH; these work on its 64-bit register. */
#define ABI_FIELD_MAX(field)         ((ABI_UL(1) << field##_WIDTH) - 1)
#define ABI_FIELD_MASK(field)        (ABI_FIELD_MAX(field) << field##_SHIFT)
#define ABI_FIELD_GET(field, value)  (((value) >> field##_SHIFT) & ABI_FIELD_MAX(field))
#define ABI_FIELD_PREP(field, value) (((value) & ABI_FIELD_MAX(field)) << field##_SHIFT)

/*
 * Interface revision of RMI, RSI, PSCI, CSM and of the EL3 interface: minor [15:0], major [30:16].
 */
#define ABI_REVISION(major, minor) (((major) << 16) | (minor))
#define ABI_REVISION_MAJOR(value)  (((value) >> 16) & 0x7fff)
#define ABI_REVISION_MINOR(value)  ((value) & 0xffff)

/* Granule: the unit of delegation and of stage-2 pages, in bytes. */
#define ABI_GRANULE_SHIFT 12
#define ABI_GRANULE_SIZE  (ABI_UL(1) << ABI_GRANULE_SHIFT)

#endif
