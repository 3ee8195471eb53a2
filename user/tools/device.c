// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>

#include "csmctl.h"

int tool_open(struct tool *tool)
{
	struct io *io = tool->io;
	int ret = csm_open_backend(tool->backend, tool->ctx, &tool->csm);

	if (ret == -ENOENT) {
		fprintf(io->err, "csmctl: there is no /dev/csm: load the module caec_guest\n");
		return CSMCTL_FAILED;
	}
	if (ret == -EACCES) {
		fprintf(io->err, "csmctl: /dev/csm: not allowed to this user\n");
		return CSMCTL_FAILED;
	}
	return ret < 0 ? complain(io, "/dev/csm", ret) : 0;
}
