// SPDX-License-Identifier: GPL-2.0-only
/* csmfs: regions as files. The peer's are filled by rsi_fake.c when they are attached. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/uapi/csmfs.h"

#include "guesttest.h"

#define CSM    "/csm"
#define THEIRS CSM "/aaaabbbbccccdddd/"
#define MODEL  THEIRS "model"
#define TABLE  THEIRS "table.db"
#define LENGTH 1000003
#define TABLED 6000000

static char *volatile nowhere = (char *)8; /* no address of a program */

static void mount_csm(const char *options)
{
	mkdir(CSM, 0755);
	CHECK(mount("none", CSM, "csmfs", 0, options) == 0);
}

static void umount_csm(void)
{
	CHECK(umount(CSM) == 0);
	CHECK(info().attachments == 0);
}

/* The byte of the content at that place. */
static unsigned char byte_at(size_t place)
{
	abi_u64 word = place / 8 * 0x9e3779b97f4a7c15ULL;

	return (unsigned char)(word >> (place % 8 * 8));
}

static bool is_content(const unsigned char *from, size_t place, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (from[i] != byte_at(place + i)) {
			printf("# byte %zu differs\n", place + i);
			return false;
		}
	}
	return true;
}

/* The names in a folder, each with a space before it. */
static const char *names_in(const char *path)
{
	static char names[1000];
	DIR *dir = opendir(path);
	struct dirent *entry;

	names[0] = '\0';
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] != '.') {
			strcat(strcat(names, " "), entry->d_name);
		}
	}
	if (dir) {
		closedir(dir);
	}
	return names;
}

void test_fs_names(void)
{
	static const char *const none[] = {"x",
					   "7",
					   "self2",
					   "1111222233334444",
					   "aaaabbbbccccddde",
					   "AAAABBBBCCCCDDDD",
					   "0000000000000000"};
	struct stat one, other;
	char path[400];

	mount_csm("");
	CHECK(strcmp(names_in(CSM), " self") == 0);
	CHECK(strcmp(names_in(THEIRS), " one two three model 5 6 wrong 8 table.db") == 0);
	CHECK(strcmp(names_in(CSM), " self aaaabbbbccccdddd") == 0);
	CHECK(strcmp(names_in(CSM "/self"), "") == 0);
	for (unsigned int i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		snprintf(path, sizeof(path), CSM "/%s", none[i]);
		FAILS(stat(path, &one), ENOENT);
	}
	FAILS(stat(THEIRS "10", &one), ENOENT);
	FAILS(stat(THEIRS "04", &one), ENOENT);
	FAILS(stat(THEIRS "mode", &one), ENOENT);
	memset(path, 'x', sizeof(path));
	memcpy(path, THEIRS, strlen(THEIRS));
	path[strlen(THEIRS) + 30] = '\0';
	FAILS(stat(path, &one), ENAMETOOLONG);
	CHECK(stat(MODEL, &one) == 0 && stat(THEIRS "4", &other) == 0);
	CHECK(one.st_ino == other.st_ino && one.st_size == LENGTH && S_ISREG(one.st_mode));
	CHECK(one.st_blocks == (LENGTH + 511) / 512 && (one.st_mode & 0777) == 0400);
	CHECK(stat(THEIRS "5", &other) == 0 && one.st_ino != other.st_ino && other.st_size == 0);
	CHECK(stat(TABLE, &other) == 0 && (other.st_mode & 0777) == 0600);
	FAILS(mkdir(THEIRS "new", 0700), EPERM);
	FAILS(open(THEIRS "new", O_RDWR | O_CREAT, 0600), EACCES);
	FAILS(unlink(MODEL), EPERM);
	FAILS(rename(MODEL, THEIRS "new"), EPERM);
	umount_csm();
}

void test_fs_read(void)
{
	static unsigned char buffer[LENGTH + 100];
	int fd, pipes[2], null = open("/dev/null", O_WRONLY);
	off_t at = 10;

	mount_csm("");
	fd = open(MODEL, O_RDONLY);
	CHECK(fd >= 0 && info().attachments == 1);
	CHECK(read(fd, buffer, sizeof(buffer)) == LENGTH && is_content(buffer, 0, LENGTH));
	CHECK(read(fd, buffer, 1) == 0);
	CHECK(pread(fd, buffer, 5000, 4093) == 5000 && is_content(buffer, 4093, 5000));
	CHECK(pread(fd, buffer, 5000, LENGTH - 3) == 3 && is_content(buffer, LENGTH - 3, 3));
	CHECK(lseek(fd, 0, SEEK_END) == LENGTH);
	CHECK(lseek(fd, 0, SEEK_SET) == 0);
	FAILS(read(fd, nowhere, 10), EFAULT);
	FAILS(pwrite(fd, buffer, 10, 0), EBADF);
	CHECK(pipe(pipes) == 0);
	CHECK(sendfile(pipes[1], fd, &at, 3000) == 3000 && read(pipes[0], buffer, 5000) == 3000);
	CHECK(is_content(buffer, 10, 3000));
	at = 77;
	CHECK(splice(fd, &at, pipes[1], NULL, 3000, 0) == 3000);
	CHECK(read(pipes[0], buffer, 5000) == 3000 && is_content(buffer, 77, 3000));
	at = 0;
	CHECK(sendfile(null, fd, &at, LENGTH) > 0);
	CHECK(fsync(fd) == 0 && posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED) == 0);
	FAILS(open(MODEL, O_RDWR), EACCES);
	FAILS(open(MODEL, O_WRONLY | O_TRUNC), EACCES);
	FAILS(truncate(MODEL, 5), EPERM);
	FAILS(chmod(MODEL, 0777), EPERM);
	FAILS(umount(CSM), EBUSY);
	close(fd);
	CHECK(info().attachments == 0 && info().window_free == 2048 * MB);
	umount_csm();
	close(null);
	close(pipes[0]);
	close(pipes[1]);
}

void test_fs_no_file(void)
{
	static const char *const names[] = {"wrong", "8"};
	char path[100];
	struct stat is;

	mount_csm("");
	for (unsigned int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), THEIRS "%s", names[i]);
		FAILS(open(path, O_RDONLY), EUCLEAN);
		CHECK(stat(path, &is) == 0 && is.st_size == 0);
	}
	CHECK(open(THEIRS "three", O_RDONLY) == -1 && errno == EIO);
	FAILS(stat(THEIRS "three", &is), EIO);
	umount_csm();
	mount_csm("raw");
	CHECK(stat(THEIRS "wrong", &is) == 0 && is.st_size == 65536);
	close(open(THEIRS "8", O_RDONLY));
	umount_csm();
}

static unsigned char *map_file(int fd, size_t size, int flags)
{
	unsigned char *m = mmap(NULL, size, PROT_READ, flags, fd, 0);

	CHECK(m != MAP_FAILED);
	return m;
}

/* The parts that are left are there, and the parts that are not are not. */
static void check_parts(unsigned char *m)
{
	unsigned char *to = mmap(NULL, 65536, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(munmap(m + 8192, 4096) == 0);
	CHECK(is_content(m, 0, 8192) && is_content(m + 12288, 12288, 4096));
	CHECK(touch((char *)m + 8192, false) == SIGSEGV);
	CHECK(mprotect(m + 16384, 4096, PROT_NONE) == 0);
	CHECK(touch((char *)m + 16384, false) == SIGSEGV && is_content(m + 20480, 20480, 100));
	CHECK(mremap(m + 65536, 65536, 65536, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	CHECK(is_content(to, 65536, 65536));
	CHECK(touch((char *)m + 65536, false) == SIGSEGV);
	FAILS((long)mremap(to, 65536, 131072, MREMAP_MAYMOVE), EFAULT);
	CHECK(munmap(to, 65536) == 0);
}

void test_fs_map(void)
{
	int fd, status;
	unsigned char *m;
	pid_t child;
	long before;

	mount_csm("");
	fd = open(MODEL, O_RDONLY);
	for (int private = 0; private < 2; private ++) {
		m = map_file(fd, MB, private ? MAP_PRIVATE : MAP_SHARED);
		CHECK(is_content(m, 0, LENGTH));
		FAILS(mprotect(m, 4096, PROT_READ | PROT_WRITE), EACCES);
		child = fork();
		if (child == 0) {
			_exit(!is_content(m, 0, LENGTH));
		}
		CHECK(waitpid(child, &status, 0) == child && status == 0);
		check_parts(m);
		CHECK(munmap(m, MB) == 0);
	}
	m = map_file(fd, 4 * MB, MAP_SHARED);
	CHECK(touch((char *)m + LENGTH, false) == 0);
	CHECK(touch((char *)m + MB, false) == SIGBUS);
	munmap(m, 4 * MB);
	m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(m == MAP_FAILED && errno == EOPNOTSUPP);
	m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(m == MAP_FAILED && errno == EACCES);
	m = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	CHECK(m == MAP_FAILED && errno == EPERM);
	close(fd);

	/* Two blocks are two faults, pages are one each; the mapping keeps the attachment. */
	fd = open(TABLE, O_RDONLY);
	m = map_file(fd, TABLED, MAP_SHARED);
	close(fd);
	before = faults();
	CHECK(is_content(m, 0, 4 * MB));
	CHECK(faults() - before < 20);
	CHECK(is_content(m + 4 * MB, 4 * MB, TABLED - 4 * MB));
	CHECK(info().attachments == 1);
	munmap(m, TABLED);
	umount_csm();
}

void test_fs_write(void)
{
	unsigned char *m, buffer[200];
	int fd;

	mount_csm("");
	fd = open(TABLE, O_RDWR);
	m = mmap(NULL, TABLED, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(m != MAP_FAILED);
	CHECK(pwrite(fd, "written", 7, 4093) == 7 && memcmp(m + 4093, "written", 7) == 0);
	memcpy(m + TABLED - 6, "mapped", 6);
	CHECK(pread(fd, buffer, 100, TABLED - 6) == 6 && memcmp(buffer, "mapped", 6) == 0);
	CHECK(pwrite(fd, "beyond", 6, TABLED - 3) == 3);
	FAILS(pwrite(fd, "beyond", 6, TABLED), ENOSPC);
	FAILS(ftruncate(fd, TABLED + 1), EPERM);
	CHECK(pwrite(fd, m, 200, 100) == 200); /* from the region to itself */
	CHECK(is_content(m + 100, 0, 200) && is_content(m + 300, 300, 3700));
	FAILS(write(fd, nowhere, 10), EFAULT);
	CHECK(is_content(m, 0, 100));
	munmap(m, TABLED);
	close(fd);
	umount_csm();
}

/* A region of this realm, with the record of a file of 5000 bytes. */
static int create_file(abi_u64 *id)
{
	struct csmfs_tail tail = {.magic = CSMFS_TAIL_MAGIC, .length = 5000};
	struct csm_ioc_create req = {.size = 8192, .label = 0x6e6d6c6b6a696867};
	int fd = ioctl(dev, CSM_IOC_CREATE, &req);
	char *m = map(fd, 8192, PROT_READ | PROT_WRITE);

	memset(m, 'c', 5000);
	memcpy(m + 8192 - sizeof(tail), &tail, sizeof(tail));
	munmap(m, 8192);
	*id = req.region_id;
	return fd;
}

void test_fs_own(void)
{
	char buffer[6000], path[100];
	abi_u64 id;
	int fd, own = create_file(&id);
	struct stat is;

	mount_csm("");
	CHECK(strcmp(names_in(CSM "/self"), " ghijklmn") == 0);
	snprintf(path, sizeof(path), CSM "/self/%llu", (unsigned long long)id);
	CHECK(stat(path, &is) == 0 && is.st_size == 5000);
	fd = open(CSM "/self/ghijklmn", O_RDWR);
	CHECK(read(fd, buffer, 6000) == 5000 && buffer[4999] == 'c');
	CHECK(pwrite(fd, "d", 1, 4999) == 1);
	CHECK(ioctl(own, CSM_IOC_SEAL) == 0);
	FAILS(open(path, O_RDWR), EACCES);
	close(own);
	CHECK(info().regions == 1 && pread(fd, buffer, 1, 4999) == 1 && buffer[0] == 'd');
	close(fd);
	CHECK(info().regions == 0);
	FAILS(stat(path, &is), ENOENT);
	FAILS(open(CSM "/self/ghijklmn", O_RDONLY), ENOENT);
	umount_csm();
}

void test_fs_mount(void)
{
	static const char *const wrong[] = {"mode=777", "mode=9",      "uid=x",      "nonsense",
					    "keep=1",   "provider=xy", "provider=0", "provider"};
	struct stat is;

	mkdir(CSM, 0755);
	for (unsigned int i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		FAILS(mount("none", CSM, "csmfs", 0, wrong[i]), EINVAL);
	}
	mount_csm("uid=33,gid=44,mode=664,provider=aaaabbbbccccdddd,provider=5");
	CHECK(strcmp(names_in(CSM), " self aaaabbbbccccdddd") == 0);
	CHECK(stat(CSM, &is) == 0 && is.st_uid == 33 && is.st_gid == 44);
	CHECK((is.st_mode & 07777) == 0555 && stat(MODEL, &is) == 0);
	CHECK((is.st_mode & 07777) == 0444 && is.st_uid == 33);
	CHECK(stat(TABLE, &is) == 0 && (is.st_mode & 07777) == 0664);
	CHECK(syscall(SYS_delete_module, "caec_guest", O_NONBLOCK) == -1);
	umount_csm();
}

void test_fs_keep(void)
{
	struct stat is;
	int fd;

	mount_csm("keep");
	CHECK(stat(MODEL, &is) == 0 && info().attachments == 1);
	fd = open(MODEL, O_RDONLY);
	close(fd);
	close(open(TABLE, O_RDONLY));
	CHECK(info().attachments == 2);
	umount_csm();
}

/* What the reader of a file meets when its region ends. */
void test_fs_ended(void)
{
	struct csm_ioc_open open_req = {.provider_id = PEER, .region_id = 4};
	struct csm_ioc_signal signal = {.bits = 1ULL << 40};
	int fd, sharing, pipes[2];
	char buffer[100];
	struct stat is;
	off_t at = 0;
	char *m;

	mount_csm("");
	fd = open(MODEL, O_RDONLY);
	m = (char *)map_file(fd, MB, MAP_SHARED);
	sharing = ioctl(dev, CSM_IOC_OPEN, &open_req);
	CHECK(pipe(pipes) == 0 && read(fd, buffer, 100) == 100 && touch(m, false) == 0);
	CHECK(ioctl(sharing, CSM_IOC_SIGNAL, &signal) == 0);
	CHECK(COMES_TRUE(touch(m, false) == SIGBUS));
	FAILS(read(fd, buffer, 100), EIO);
	FAILS(sendfile(pipes[1], fd, &at, 100), EIO);
	FAILS(write(pipes[1], m, 100), EFAULT);
	FAILS(open(THEIRS "4", O_RDONLY), ENOENT);
	/* The name goes to the next region that has it, which is an empty file, and back again. */
	CHECK(strcmp(names_in(THEIRS), " one two three model 6 wrong 8 table.db") == 0);
	CHECK(stat(MODEL, &is) == 0 && is.st_size == 0);
	close(sharing);
	close(fd);
	munmap(m, MB);
	CHECK(info().attachments == 0);
	fd = open(MODEL, O_RDONLY);
	CHECK(read(fd, buffer, 100) == 100 && is_content((unsigned char *)buffer, 0, 100));
	close(fd);
	umount_csm();
	close(pipes[0]);
	close(pipes[1]);
}

static unsigned long meminfo(const char *name)
{
	FILE *f = fopen("/proc/meminfo", "r");
	unsigned long kib = 0;
	char line[128];

	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, name, strlen(name)) == 0) {
			kib = strtoul(line + strlen(name) + 1, NULL, 10);
		}
	}
	fclose(f);
	return kib;
}

/* 96 MB that are mapped, touched and read once cost less than 3 MB, tables included. */
void test_fs_memory(void)
{
	size_t size = 96 * MB, step = MB;
	char *buffer = malloc(step);
	unsigned long free_before, cached_before, free_after;
	unsigned char *m;
	int fd;

	mount_csm("raw");
	fd = open(THEIRS "three", O_RDONLY);
	memset(buffer, 1, step);
	CHECK(pread(fd, buffer, 4096, 0) == 4096); /* the kernel's view is made */
	free_before = free_kib();
	cached_before = meminfo("Cached");
	m = map_file(fd, size, MAP_SHARED);
	for (size_t i = 0; i < size; i += 4096) {
		CHECK(touch((char *)m + i, false) == 0);
	}
	for (size_t i = 0; i < size; i += step) {
		CHECK(pread(fd, buffer, step, (off_t)i) == (ssize_t)step);
	}
	free_after = free_kib();
	printf("# free %lu kB before, %lu kB after; page cache %lu kB, %lu kB\n", free_before,
	       free_after, cached_before, meminfo("Cached"));
	CHECK(free_before < free_after + 3000);
	CHECK(meminfo("Cached") < cached_before + 3000);
	munmap(m, size);
	close(fd);
	free(buffer);
	umount_csm();
}
