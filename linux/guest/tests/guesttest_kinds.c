// SPDX-License-Identifier: GPL-2.0-only
/*
 * csmfs: every kind of access that the kernel offers to the content of a file and to a mapping of
 * it, on memory that is there and on memory that is gone: region 3, whose end does not exist. What
 * each answers is in one table; that the kernel lives is the test.
 */
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <linux/loop.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guesttest.h"

#define FILE_NAME "/csm/aaaabbbbccccdddd/three"
#define GONE      (900 * MB) /* where nothing is any more */
#define SIZE      65536UL

/* Where an access goes: a place in the file, and in a mapping of it that can be written. */
struct place {
	int fd;
	off_t offset;
	char *mapped;
};

static char buffer[SIZE];

/* What a call returned, as an errno, or 0. */
static int outcome(long result)
{
	return result < 0 ? errno : 0;
}

/* ------------------------------------------------------------------ the file */

static int by_read(const struct place *place)
{
	lseek(place->fd, place->offset, SEEK_SET);
	return outcome(read(place->fd, buffer, 100));
}

static int by_readv(const struct place *place)
{
	struct iovec parts[2] = {{buffer, 7}, {buffer + 100, 5000}};

	return outcome(preadv(place->fd, parts, 2, place->offset));
}

static int by_write(const struct place *place)
{
	return outcome(pwrite(place->fd, buffer, 100, place->offset));
}

static int by_direct(const struct place *place)
{
	(void)place;
	return outcome(open(FILE_NAME, O_RDONLY | O_DIRECT));
}

static int by_sendfile(const struct place *place)
{
	off_t at = place->offset;
	int ends[2];

	socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
	return outcome(sendfile(ends[0], place->fd, &at, 5000));
}

static int by_splice(const struct place *place)
{
	off_t at = place->offset;
	int ends[2];

	return pipe(ends) == 0 ? outcome(splice(place->fd, &at, ends[1], NULL, 5000, 0)) : -1;
}

static int by_copy_file_range(const struct place *place)
{
	int to = open("/tmp/copy", O_RDWR | O_CREAT, 0600);
	off_t at = place->offset;

	return outcome(copy_file_range(place->fd, &at, to, NULL, 5000, 0));
}

static int by_readahead(const struct place *place)
{
	return outcome(readahead(place->fd, place->offset, SIZE));
}

static int by_fadvise(const struct place *place)
{
	return posix_fadvise(place->fd, place->offset, SIZE, POSIX_FADV_WILLNEED);
}

/* One read by io_uring. ENOSYS, and so on: this kernel has none. */
static int by_io_uring(const struct place *place)
{
	struct io_uring_params params = {0};
	int ring = (int)syscall(__NR_io_uring_setup, 1, &params), ret;
	struct io_uring_sqe *entry;
	struct io_uring_cqe *done;
	unsigned int *array;
	char *queue;

	if (ring < 0) {
		return errno;
	}
	queue = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	entry = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
	if (queue == MAP_FAILED || entry == MAP_FAILED) {
		return -1;
	}
	*entry = (struct io_uring_sqe){
		.opcode = IORING_OP_READ,
		.fd = place->fd,
		.off = (abi_u64)place->offset,
		.addr = (unsigned long)buffer,
		.len = 5000,
	};
	array = (unsigned int *)(queue + params.sq_off.array);
	array[0] = 0;
	__atomic_store_n((unsigned int *)(queue + params.sq_off.tail), 1, __ATOMIC_RELEASE);
	ret = outcome(syscall(__NR_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0));
	done = (struct io_uring_cqe *)(queue + params.cq_off.cqes);
	return ret ? ret : done->res < 0 ? -done->res : 0;
}

/* The page cache of a block device on top of the file. */
static int by_loop(const struct place *place)
{
	struct loop_config config = {
		.fd = (unsigned int)place->fd,
		.info = {.lo_offset = (abi_u64)place->offset,
			 .lo_sizelimit = SIZE,
			 .lo_flags = LO_FLAGS_READ_ONLY},
	};
	int control = open("/dev/loop-control", O_RDWR), loop, ret;
	char name[40];

	snprintf(name, sizeof(name), "/dev/loop%d", ioctl(control, LOOP_CTL_GET_FREE));
	loop = open(name, O_RDONLY);
	if (loop < 0 || ioctl(loop, LOOP_CONFIGURE, &config) != 0) {
		return errno;
	}
	ret = outcome(pread(loop, buffer, 8192, 0));
	ioctl(loop, LOOP_CLR_FD, 0);
	return ret;
}

static int by_execve(const struct place *place)
{
	char *const words[] = {"three", NULL};

	(void)place;
	return outcome(execve(FILE_NAME, words, words + 1));
}

/* --------------------------------------------------------------- the mapping */

static int by_load(const struct place *place)
{
	return *(volatile char *)place->mapped * 0;
}

static int by_store(const struct place *place)
{
	*(volatile char *)place->mapped = 1;
	return 0;
}

static int by_atomic(const struct place *place)
{
	__atomic_fetch_add((int *)place->mapped, 1, __ATOMIC_SEQ_CST);
	return 0;
}

static int by_populate(const struct place *place)
{
	char *m = mmap(NULL, SIZE, PROT_READ, MAP_SHARED | MAP_POPULATE, place->fd, place->offset);

	return m == MAP_FAILED ? errno : *(volatile char *)m * 0;
}

static int by_madvise(const struct place *place)
{
	return outcome(madvise(place->mapped, SIZE, MADV_WILLNEED));
}

static int by_dontneed(const struct place *place)
{
	return outcome(madvise(place->mapped, SIZE, MADV_DONTNEED));
}

static int by_populate_read(const struct place *place)
{
	return outcome(madvise(place->mapped, SIZE, MADV_POPULATE_READ));
}

static int by_mlock(const struct place *place)
{
	return outcome(mlock(place->mapped, SIZE));
}

static int by_msync(const struct place *place)
{
	return outcome(msync(place->mapped, SIZE, MS_SYNC));
}

static int by_mincore(const struct place *place)
{
	unsigned char pages[SIZE / 4096];

	return outcome(mincore(place->mapped, SIZE, pages));
}

static int by_pipe_write(const struct place *place)
{
	int ends[2];

	return pipe(ends) == 0 ? outcome(write(ends[1], place->mapped, 5000)) : -1;
}

static int by_pipe_read(const struct place *place)
{
	int ends[2];

	return pipe(ends) == 0 && write(ends[1], buffer, 100) == 100
		       ? outcome(read(ends[0], place->mapped, 100))
		       : -1;
}

static int by_vmsplice(const struct place *place)
{
	struct iovec part = {place->mapped, 4096};
	int ends[2];

	return pipe(ends) == 0 ? outcome(vmsplice(ends[1], &part, 1, 0)) : -1;
}

static int by_process_vm_readv(const struct place *place)
{
	struct iovec here = {buffer, 100}, there = {place->mapped, 100};

	return outcome(process_vm_readv(getpid(), &here, 1, &there, 1, 0));
}

static int by_proc_mem(const struct place *place)
{
	int mem = open("/proc/self/mem", O_RDONLY);

	return outcome(pread(mem, buffer, 100, (off_t)place->mapped));
}

static int by_path(const struct place *place)
{
	return open(place->mapped, O_RDONLY) < 0 && errno == EFAULT ? EFAULT : 0;
}

/* EAGAIN: the word was read, and is not what was expected. */
static int futex(const struct place *place, int operation)
{
	return outcome(syscall(SYS_futex, place->mapped, operation, 0x55aa55aa, NULL, NULL, 0));
}

static int by_futex(const struct place *place)
{
	return futex(place, FUTEX_WAIT | FUTEX_PRIVATE_FLAG);
}

static int by_shared_futex(const struct place *place)
{
	return futex(place, FUTEX_WAIT);
}

static int by_ptrace(const struct place *place)
{
	pid_t child = fork();
	int ret;

	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	errno = 0;
	ptrace(PTRACE_PEEKDATA, child, place->mapped, NULL);
	ret = errno;
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return ret;
}

/* A process with the mapping dumps core; the dump is complete, and without the mapping. */
static int by_core_dump(const struct place *place)
{
	struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
	pid_t child = fork();
	struct stat is;
	int status;

	(void)place;
	if (child == 0) {
		setrlimit(RLIMIT_CORE, &all);
		prctl(PR_SET_DUMPABLE, 1);
		signal(SIGABRT, SIG_DFL);
		abort();
	}
	waitpid(child, &status, 0);
	return WCOREDUMP(status) && stat("/tmp/core", &is) == 0 && is.st_size < (off_t)(64 * MB)
		       ? 0
		       : -1;
}

static int by_fork(const struct place *place)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		signal(SIGBUS, SIG_DFL);
		_exit(by_load(place));
	}
	waitpid(child, &status, 0);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : status;
}

/* ----------------------------------------------------------------- the table */

/* An errno, or 0, or the signal of the program with a minus. */
static const struct {
	const char *name;
	int (*run)(const struct place *place);
	int there, gone;
} kinds[] = {
	{"read", by_read, 0, EIO},
	{"readv", by_readv, 0, EIO},
	{"write", by_write, 0, EIO},
	{"O_DIRECT", by_direct, EINVAL, EINVAL},
	{"sendfile", by_sendfile, 0, EIO},
	{"splice", by_splice, 0, EIO},
	{"copy_file_range to another file system", by_copy_file_range, EXDEV, EXDEV},
	{"readahead", by_readahead, 0, 0},
	{"posix_fadvise", by_fadvise, 0, 0},
	{"io_uring read", by_io_uring, 0, EIO},
	{"loop device", by_loop, 0, EIO},
	{"execve", by_execve, EACCES, EACCES},
	{"load", by_load, 0, -SIGBUS},
	{"store", by_store, 0, -SIGBUS},
	{"atomic add", by_atomic, 0, -SIGBUS},
	{"MAP_POPULATE", by_populate, 0, -SIGBUS},
	{"MADV_WILLNEED", by_madvise, 0, 0},
	{"MADV_DONTNEED", by_dontneed, EINVAL, EINVAL},
	{"MADV_POPULATE_READ", by_populate_read, EINVAL, EINVAL},
	{"mlock", by_mlock, 0, 0},
	{"msync", by_msync, 0, 0},
	{"mincore", by_mincore, 0, 0},
	{"write from the mapping", by_pipe_write, 0, EFAULT},
	{"read into the mapping", by_pipe_read, 0, EFAULT},
	{"vmsplice", by_vmsplice, EFAULT, EFAULT},
	{"process_vm_readv", by_process_vm_readv, EFAULT, EFAULT},
	{"/proc/self/mem", by_proc_mem, EIO, EIO},
	{"a path in the mapping", by_path, 0, EFAULT},
	{"futex", by_futex, EAGAIN, EFAULT},
	{"futex, shared", by_shared_futex, EFAULT, EFAULT},
	{"ptrace", by_ptrace, EIO, EIO},
	{"core dump", by_core_dump, 0, 0},
	{"a child's load", by_fork, 0, -SIGBUS},
};

/* In a process of its own, which may die of it. */
static int run_kind(unsigned int i, off_t offset)
{
	struct place place = {.fd = open(FILE_NAME, O_RDWR), .offset = offset};
	int status, ends[2], result = -100;
	pid_t child;

	place.mapped = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, place.fd, offset);
	CHECK(place.mapped != MAP_FAILED && pipe(ends) == 0);
	child = fork();
	if (child == 0) {
		signal(SIGBUS, SIG_DFL);
		result = kinds[i].run(&place);
		_exit(write(ends[1], &result, sizeof(result)) != sizeof(result));
	}
	CHECK(waitpid(child, &status, 0) == child);
	if (WIFSIGNALED(status)) {
		result = -WTERMSIG(status);
	} else {
		CHECK(read(ends[0], &result, sizeof(result)) == sizeof(result));
	}
	munmap(place.mapped, SIZE);
	close(place.fd);
	close(ends[0]);
	close(ends[1]);
	return result;
}

static void check_kind(unsigned int i, const char *where, off_t offset, int expected)
{
	int result = run_kind(i, offset);

	if (result != expected) {
		printf("# %s, %s: %d, not %d\n", kinds[i].name, where, result, expected);
		CHECK(!"the outcome of this kind");
	}
}

void test_fs_kinds(void)
{
	CHECK(chdir("/tmp") == 0);
	mkdir("/csm", 0755);
	CHECK(mount("none", "/csm", "csmfs", 0, "raw,keep") == 0);
	for (unsigned int i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		check_kind(i, "there", MB, kinds[i].there);
		check_kind(i, "gone", GONE, kinds[i].gone);
	}
	CHECK(umount("/csm") == 0 && info().attachments == 0);
}
