// SPDX-License-Identifier: BSD-3-Clause
/* QEMU's fw_cfg: how the runner hands over words, and what the machine has. */
#ifndef HOST_FWCFG_H
#define HOST_FWCFG_H

#include "payload/common/arch.h"

/*
 * The item's contents as a string in to[size]; an absent item gives an empty string. Numbers are
 * decimal.
 */
void fwcfg_string(const char *name, char *to, size_t size);
uint64_t fwcfg_number(const char *name, uint64_t otherwise);
unsigned fwcfg_cpus(void);

#endif
