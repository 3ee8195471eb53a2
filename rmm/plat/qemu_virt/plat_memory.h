// SPDX-License-Identifier: BSD-3-Clause
/*
 * Memory that TF-A's QEMU port gives to the RMM: 24 MiB at a fixed address, of which the last page
 * is shared with EL3. Also read by the linker script.
 */
#ifndef PLAT_MEMORY_H
#define PLAT_MEMORY_H

#define PLAT_RMM_BASE  0x40100000
#define PLAT_RMM_SIZE  0x01800000
#define PLAT_IMAGE_MAX (PLAT_RMM_SIZE - 0x1000)

#endif
