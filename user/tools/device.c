// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>

#include "csmctl.h"

int tool_open(struct tool *tool)
{
	struct io *io = tool->io;
	int ret = csm_open_backend(tool->backend, tool->ctx, &tool->csm);

	if (ret == -ENOENT) {
		return out_error(io, CSMCTL_FAILED,
				 "there is no /dev/csm: load the module caec_guest");
	}
	if (ret == -EACCES) {
		return out_error(io, CSMCTL_FAILED, "/dev/csm: not allowed to this user");
	}
	return ret < 0 ? complain(io, "/dev/csm", ret) : 0;
}
