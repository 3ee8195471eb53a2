// SPDX-License-Identifier: BSD-3-Clause
/* Places of QEMU's virt machine under TF-A that are not the normal world's memory. */
#ifndef HOST_MEMMAP_H
#define HOST_MEMMAP_H

#define MAP_UART          0x09000000UL
#define MAP_GICD          0x08000000UL
#define MAP_ROOT_SRAM     0x0e001000UL
#define MAP_SECURE_RAM    0x0e100000UL
#define MAP_RMM_IMAGE     0x40100000UL
#define MAP_RMM_LAST_PAGE 0x418fe000UL
#define MAP_RMM_SHARED    0x418ff000UL /* the page that EL3 and the RMM share */
#define MAP_BANK_BASE     0x40000000UL
#define MAP_BANK_END      0x100000000UL

#endif
