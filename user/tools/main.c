// SPDX-License-Identifier: BSD-3-Clause
#include "csmctl.h"

int main(int argc, char **argv)
{
	struct io io = {.in = stdin, .out = stdout, .err = stderr};

	return csmctl_run(argc, argv, &csm_kernel_backend, NULL, &io);
}
