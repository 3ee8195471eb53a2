// SPDX-License-Identifier: BSD-3-Clause
/*
 * filetest FILE: reads a file of csmfs until it is taken away: by read(2), through a mapping, and
 * with the mapping as the source of a system call. Says "using" when the first round has succeeded,
 * then what each way ends with. Status 0 if it ends as csmfs(5) says.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SECONDS 900 /* after that it hangs */

static sigjmp_buf back;

static void on_fault(int number)
{
	(void)number;
	siglongjmp(back, 1);
}

/* True: the byte is there. */
static int is_there(const volatile char *at)
{
	if (sigsetjmp(back, 1) == 0) {
		(void)*at;
		return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	int fd = argc == 2 ? open(argv[1], O_RDONLY) : -1;
	int to = open("/tmp", O_TMPFILE | O_RDWR, 0600), error = 0;
	char buffer[4096];
	struct stat is;
	char *memory;

	alarm(SECONDS);
	signal(SIGBUS, on_fault);
	if (fd < 0 || fstat(fd, &is) != 0) {
		printf("open: %s\n", strerror(errno));
		return 1;
	}
	memory = mmap(NULL, (size_t)is.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED || !is_there(memory) || pwrite(to, memory, 4096, 0) != 4096) {
		printf("mmap: %s\n", strerror(errno));
		return 1;
	}
	printf("using\n");
	fflush(stdout);
	while (pread(fd, buffer, sizeof(buffer), 0) == (ssize_t)sizeof(buffer) &&
	       is_there(memory)) {
	}
	while (is_there(memory)) {
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	error = pread(fd, buffer, sizeof(buffer), 0) < 0 ? errno : 0;
	printf("read: %s\n", strerror(error));
	if (error != EIO) {
		return 1;
	}
	error = pwrite(to, memory, 4096, 0) < 0 ? errno : 0;
	printf("a load: SIGBUS; write from the mapping: %s\n", strerror(error));
	return error != EFAULT;
}
