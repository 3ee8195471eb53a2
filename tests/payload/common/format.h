// SPDX-License-Identifier: BSD-3-Clause
#ifndef PAYLOAD_FORMAT_H
#define PAYLOAD_FORMAT_H

#include "arch.h"
#include <stdarg.h>

/*
 * Format into to[size], without a NUL; what does not fit is cut. Returns the length.
 * Knows %c %s %d %u %x with 0, width, l, and %%.
 */
size_t format_text(char *to, size_t size, const char *format, va_list args);

#endif
