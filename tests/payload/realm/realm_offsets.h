/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef REALM_OFFSETS_H
#define REALM_OFFSETS_H

#define STACK_SIZE           8192
#define START_REGISTERS_SIZE 256

#endif
