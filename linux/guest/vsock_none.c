// SPDX-License-Identifier: GPL-2.0-only
/* caec_vsock.ko for a kernel whose transports of AF_VSOCK are older: it loads nowhere. */
#include <linux/errno.h>
#include <linux/module.h>

static int __init vsock_none_init(void)
{
	pr_err("caec_vsock: built for a kernel older than Linux 7.3, which has no transports for "
	       "it\n");
	return -EOPNOTSUPP;
}

module_init(vsock_none_init);
MODULE_DESCRIPTION("AF_VSOCK sockets between realms that share memory: not for this kernel");
MODULE_LICENSE("GPL");
MODULE_VERSION("1.0");
