// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>

#include "csmctl.h"

int main(int argc, char **argv)
{
	struct io io = {.in = stdin, .out = stdout, .err = stderr};

	int ret = csmctl_run(argc, argv, &csm_kernel_backend, NULL, &io);

	/* Some file systems report only now that the data has not arrived. */
	if (fclose(stdout) != 0 && ret == CSMCTL_OK) {
		ret = complain_file(&io, "standard output", errno);
	}
	return ret;
}
