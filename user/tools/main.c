// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <unistd.h>

#include "csmctl.h"
#include "verifier/ccatoken.h"

/* No buffered output and no clean-up: both may need memory. */
static void out_of_memory(void)
{
	static const char text[] = "csmctl: out of memory\n";

	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0) {
		/* There is nowhere to say it. */
	}
	_exit(CSMCTL_FAILED);
}

int main(int argc, char **argv)
{
	struct io io = {.in = stdin, .out = stdout, .err = stderr};
	int ret = CSMCTL_FAILED;

	if (!cca_exit_without_memory(out_of_memory)) {
		return out_error(&io, ret, "the crypto library was in use before the program");
	}
	ret = csmctl_run(argc, argv, &csm_kernel_backend, NULL, &io);

	/* Some file systems report only now that the data has not arrived. */
	if (fclose(stdout) != 0 && ret == CSMCTL_OK) {
		ret = complain_file(&io, "standard output", errno);
	}
	return ret;
}
