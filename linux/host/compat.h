/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Everything that differs between kernel versions, and nothing else. Oldest kernel: 6.12.
 */
#ifndef CAEC_COMPAT_H
#define CAEC_COMPAT_H

#include <linux/kvm_host.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
#error "the CAEC host module needs Linux 6.12 or later"
#endif

/* Work to do before a guest runs moved from entry-kvm to entry-virt in 6.18. */
#if __has_include(<linux/entry-virt.h>)
#include <linux/entry-virt.h>
static inline int caec_handle_work(void)
{
	return xfer_to_guest_mode_handle_work();
}
#else
#include <linux/entry-kvm.h>
static inline int caec_handle_work(void)
{
	/* The argument is only there for an architecture hook that arm64 does not have. */
	return xfer_to_guest_mode_handle_work(NULL);
}
#endif

#endif
