// SPDX-License-Identifier: BSD-3-Clause
/* What every test program of the VMM includes first. */
#ifndef VMM_TEST_H
#define VMM_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#endif
