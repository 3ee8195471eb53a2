// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <linux/virtio_9p.h>
#include <linux/virtio_ids.h>

#include "p9.h"
#include "p9_wire.h"

#define TAG     "share"
#define VERSION "9P2000.L"

#define HEADER   7u /* size, type, tag */
#define MIN_SIZE 4096u
#define MAX_NAME 256u
#define MAX_WALK 16u

enum message {
	RLERROR = 7,
	TSTATFS = 8,
	TLOPEN = 12,
	TLCREATE = 14,
	TREADLINK = 22,
	TGETATTR = 24,
	TSETATTR = 26,
	TXATTRWALK = 30,
	TREADDIR = 40,
	TFSYNC = 50,
	TMKDIR = 72,
	TRENAMEAT = 74,
	TUNLINKAT = 76,
	TVERSION = 100,
	TATTACH = 104,
	TFLUSH = 108,
	TWALK = 110,
	TREAD = 116,
	TWRITE = 118,
	TCLUNK = 120,
	TREMOVE = 122,
};

#define QT_DIR     0x80u
#define QT_SYMLINK 0x02u

#define GETATTR_BASIC UINT64_C(0x7ff)

enum {
	SETATTR_MODE = 1,
	SETATTR_SIZE = 8,
	SETATTR_ATIME = 0x10,
	SETATTR_MTIME = 0x20,
	SETATTR_ATIME_SET = 0x80,
	SETATTR_MTIME_SET = 0x100,
};

/* The protocol's open flags are those of most Linux architectures, in octal as there. */
#define P9_ACCMODE   03u
#define P9_TRUNC     01000u
#define P9_APPEND    02000u
#define P9_DIRECTORY 0200000u

/* -------------------------------------------------------------------- files */

/* Opens for real what an O_PATH descriptor names: no link, so nothing is followed. */
static int reopen(int path, int flags)
{
	char name[40];
	struct stat st;

	if (fstat(path, &st) < 0) {
		return -1;
	}
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
		errno = EPERM;
		return -1;
	}
	snprintf(name, sizeof(name), "/proc/self/fd/%d", path);
	return open(name, flags | O_CLOEXEC | O_NONBLOCK);
}

static bool name_ok(const char *name)
{
	return name[0] && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* ------------------------------------------------------------------- answers */

struct call {
	struct p9 *p9;
	struct p9_reader in;
	struct p9_writer out;
};

/* Mixes all bits into all bits; different values stay different. */
static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/*
 * The realm takes files for the same when their qid paths are the same: device and inode decide.
 * On the root's device the path is the inode. On another it is mixed with the device: within one
 * device never the same for two inodes, and between devices as likely as for 64 random bits.
 */
static uint64_t qid_path(const struct p9 *p9, const struct stat *st)
{
	return st->st_dev == p9->device ? st->st_ino : mix(st->st_ino ^ mix(st->st_dev));
}

static void put_qid(const struct p9 *p9, struct p9_writer *w, const struct stat *st)
{
	uint8_t type = S_ISDIR(st->st_mode) ? QT_DIR : S_ISLNK(st->st_mode) ? QT_SYMLINK : 0;

	p9_put(w, type, 1);
	p9_put(w, (uint64_t)st->st_mtime ^ (uint64_t)st->st_size, 4);
	p9_put(w, qid_path(p9, st), 8);
}

static int put_qid_of(struct call *c, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0) {
		return errno;
	}
	put_qid(c->p9, &c->out, &st);
	return 0;
}

static struct p9_fid *get_fid(struct call *c)
{
	return p9_fid_find(&c->p9->fids, p9_get32(&c->in));
}

static int do_version(struct call *c)
{
	uint32_t msize = p9_get32(&c->in);
	char version[32];

	p9_get_string(&c->in, version, sizeof(version));
	if (c->in.bad || msize < MIN_SIZE) {
		return EINVAL;
	}
	p9_fids_drop_all(&c->p9->fids);
	c->p9->msize = msize < P9_MSIZE ? msize : P9_MSIZE;
	p9_put(&c->out, c->p9->msize, 4);
	p9_put_string(&c->out, strcmp(version, VERSION) == 0 ? VERSION : "unknown");
	return 0;
}

static int do_attach(struct call *c)
{
	uint32_t number = p9_get32(&c->in);
	int path = fcntl(c->p9->root, F_DUPFD_CLOEXEC, 0);
	int error;

	path = p9_fid_descriptor(&c->p9->fids, path);
	if (path < 0) {
		return errno;
	}
	error = p9_fid_new(&c->p9->fids, number, path);
	return error ? error : put_qid_of(c, path);
}

/* Walks from path, which is taken over, and writes the qids; *count says how many steps it got. */
static int walk_names(struct call *c, int path, unsigned int names, unsigned int *count)
{
	char name[MAX_NAME];

	for (*count = 0; *count < names; (*count)++) {
		int next = -1;

		p9_get_string(&c->in, name, sizeof(name));
		if (!c->in.bad && name_ok(name)) {
			next = openat(path, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		} else {
			errno = EPERM;
		}
		close(path);
		if (next < 0) {
			return -1;
		}
		path = next;
		put_qid_of(c, path);
	}
	return path;
}

/*
 * Makes a new fid of an old one and names. With a name that is not there it makes none, and
 * answers how many there were.
 */
static int do_walk(struct call *c)
{
	struct p9_fid *from = get_fid(c);
	uint32_t number = p9_get32(&c->in);
	unsigned int names = (unsigned int)p9_get(&c->in, 2);
	unsigned int count;
	uint8_t *counter = p9_room(&c->out, 2);
	int path;

	if (!from || c->in.bad || names > MAX_WALK || !counter) {
		return EINVAL;
	}
	path = fcntl(from->path, F_DUPFD_CLOEXEC, 0);
	if (path < 0) {
		return errno;
	}
	path = walk_names(c, path, names, &count);
	counter[0] = (uint8_t)count;
	counter[1] = 0;
	if (path < 0) {
		return count == 0 ? errno : 0; /* as far as it went is an answer too */
	}
	path = p9_fid_descriptor(&c->p9->fids, path);
	if (path < 0) {
		return errno;
	}
	if (number == from->number) {
		p9_fid_drop(&c->p9->fids, from);
	}
	return p9_fid_new(&c->p9->fids, number, path);
}

/* Opens the file of a fid for input and output. Truncates it if asked to. */
static int do_open(struct call *c)
{
	struct p9_fid *fid = get_fid(c);
	uint32_t flags = p9_get32(&c->in);
	int fd, mode = (int)(flags & P9_ACCMODE);

	if (!fid || c->in.bad || mode == 3) {
		return EINVAL;
	}
	mode |= flags & P9_TRUNC ? O_TRUNC : 0;
	mode |= flags & P9_APPEND ? O_APPEND : 0;
	mode |= flags & P9_DIRECTORY ? O_DIRECTORY : 0;
	fd = p9_fid_descriptor(&c->p9->fids, reopen(fid->path, mode));
	if (fd < 0) {
		return errno;
	}
	p9_fid_close_io(fid);
	fid->file = fd;
	int error = put_qid_of(c, fd);

	p9_put(&c->out, 0, 4); /* no opinion on the unit of transfer */
	return error;
}

/*
 * Makes a regular file and opens it; the fid then is that file. Without a descriptor for it the
 * file goes again.
 */
static int do_create(struct call *c)
{
	struct p9_fid *fid = get_fid(c);
	char name[MAX_NAME];
	int path, fd;

	p9_get_string(&c->in, name, sizeof(name));
	uint32_t flags = p9_get32(&c->in);
	uint32_t mode = p9_get32(&c->in);

	if (!fid || c->in.bad || !name_ok(name)) {
		return EINVAL;
	}
	fd = openat(fid->path, name,
		    (int)(flags & P9_ACCMODE) | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    mode & 0777);
	if (fd < 0) {
		return errno;
	}
	path = openat(fid->path, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	path = p9_fid_descriptor(&c->p9->fids, path);
	if (path < 0) {
		int error = errno;

		close(fd);
		unlinkat(fid->path, name, 0);
		return error;
	}
	p9_fid_close_io(fid);
	close(fid->path);
	fid->path = path;
	fid->file = fd;
	int error = put_qid_of(c, fd);

	p9_put(&c->out, 0, 4);
	return error;
}

/* At most what msize leaves room for; fewer bytes at the end of the file. */
static int do_read(struct call *c)
{
	struct p9_fid *fid = get_fid(c);
	uint64_t offset = p9_get(&c->in, 8);
	uint32_t count = p9_get32(&c->in);
	uint8_t *counter = p9_room(&c->out, 4);
	uint32_t most = c->p9->msize - HEADER - 4;
	ssize_t got;

	if (!fid || fid->file < 0 || c->in.bad || !counter || offset > INT64_MAX) {
		return EINVAL;
	}
	count = count < most ? count : most;
	got = pread(fid->file, counter + 4, count, (off_t)offset);
	if (got < 0) {
		return errno;
	}
	p9_room(&c->out, (size_t)got);
	for (unsigned int i = 0; i < 4; i++) {
		counter[i] = (uint8_t)(got >> (8 * i));
	}
	return 0;
}

/* Answers how much was written, which may be less than the realm has sent. */
static int do_write(struct call *c)
{
	struct p9_fid *fid = get_fid(c);
	uint64_t offset = p9_get(&c->in, 8);
	uint32_t count = p9_get32(&c->in);
	const uint8_t *data = p9_take(&c->in, count);
	ssize_t done;

	if (!fid || fid->file < 0 || !data || offset > INT64_MAX) {
		return EINVAL;
	}
	done = pwrite(fid->file, data, count, (off_t)offset);
	if (done < 0) {
		return errno;
	}
	p9_put(&c->out, (uint64_t)done, 4);
	return 0;
}

/* ------------------------------------------------------------ names and attributes */

static void put_entry(struct call *c, struct p9_writer *w, dev_t device, const struct dirent *entry,
		      long next)
{
	struct stat st = {.st_dev = device, .st_ino = entry->d_ino};

	st.st_mode = entry->d_type == DT_DIR   ? S_IFDIR
		     : entry->d_type == DT_LNK ? S_IFLNK
					       : S_IFREG;
	put_qid(c->p9, w, &st);
	p9_put(w, (uint64_t)next, 8);
	p9_put(w, entry->d_type, 1);
	p9_put_string(w, entry->d_name);
}

/* The stream of a directory's entries, which the fid keeps. 0 or an errno value. */
static int open_dir(const struct p9_fids *fids, struct p9_fid *fid)
{
	int fd, error;

	if (fid->dir) {
		return 0;
	}
	fd = p9_fid_descriptor(fids, reopen(fid->path, O_RDONLY | O_DIRECTORY));
	if (fd < 0) {
		return errno;
	}
	fid->dir = fdopendir(fd);
	error = fid->dir ? 0 : errno;
	if (error) {
		close(fd);
	}
	return error;
}

/* As many whole entries as fit, from a place that an earlier answer has named. */
static int do_readdir(struct call *c)
{
	struct p9_fid *fid = get_fid(c);
	uint64_t offset = p9_get(&c->in, 8);
	uint32_t count = p9_get32(&c->in);
	uint8_t *counter = p9_room(&c->out, 4);
	struct p9_writer body;
	struct dirent *entry;
	struct stat st;
	int error;

	if (!fid || c->in.bad || !counter) {
		return EINVAL;
	}
	error = open_dir(&c->p9->fids, fid);
	if (error) {
		return error;
	}
	if (fstat(fid->path, &st) < 0) {
		return errno;
	}
	count = count < c->p9->msize - HEADER - 4 ? count : c->p9->msize - HEADER - 4;
	body = (struct p9_writer){.start = counter + 4, .size = count};
	seekdir(fid->dir, (long)offset);
	while ((entry = readdir(fid->dir))) {
		size_t before = body.used;

		put_entry(c, &body, st.st_dev, entry, telldir(fid->dir));
		if (body.bad) {
			body.used = before;
			break;
		}
	}
	p9_room(&c->out, body.used);
	for (unsigned int i = 0; i < 4; i++) {
		counter[i] = (uint8_t)(body.used >> (8 * i));
	}
	return 0;
}

/* The basic attributes, whatever was asked for. */
static int do_getattr(struct call *c)
{
	struct p9_fid *fid = get_fid(c);
	struct p9_writer *w = &c->out;
	struct stat st;

	if (!fid) {
		return EBADF;
	}
	if (fstat(fid->path, &st) < 0) {
		return errno;
	}
	p9_put(w, GETATTR_BASIC, 8);
	put_qid(c->p9, w, &st);
	p9_put(w, st.st_mode, 4);
	p9_put(w, st.st_uid, 4);
	p9_put(w, st.st_gid, 4);
	p9_put(w, st.st_nlink, 8);
	p9_put(w, st.st_rdev, 8);
	p9_put(w, (uint64_t)st.st_size, 8);
	p9_put(w, (uint64_t)st.st_blksize, 8);
	p9_put(w, (uint64_t)st.st_blocks, 8);
	const struct timespec times[] = {st.st_atim, st.st_mtim, st.st_ctim, {0, 0}};

	for (unsigned int i = 0; i < 4; i++) {
		p9_put(w, (uint64_t)times[i].tv_sec, 8);
		p9_put(w, (uint64_t)times[i].tv_nsec, 8);
	}
	p9_put(w, 0, 8); /* generation */
	p9_put(w, 0, 8); /* data version */
	return 0;
}

static struct timespec new_time(struct call *c, uint32_t valid, uint32_t change, uint32_t set)
{
	struct timespec t = {.tv_sec = (time_t)p9_get(&c->in, 8),
			     .tv_nsec = (long)p9_get(&c->in, 8)};

	if (!(valid & change)) {
		t.tv_nsec = UTIME_OMIT;
	} else if (!(valid & set)) {
		t.tv_nsec = UTIME_NOW;
	}
	return t;
}

/* Mode, size and times; owner and group stay. Changes that came before an error are not undone. */
static int do_setattr(struct call *c)
{
	struct p9_fid *fid = get_fid(c);
	uint32_t valid = p9_get32(&c->in);
	uint32_t mode = p9_get32(&c->in);
	struct timespec times[2];
	int fd, error = 0;

	p9_get(&c->in, 8); /* owner and group stay what they are */
	uint64_t size = p9_get(&c->in, 8);

	times[0] = new_time(c, valid, SETATTR_ATIME, SETATTR_ATIME_SET);
	times[1] = new_time(c, valid, SETATTR_MTIME, SETATTR_MTIME_SET);
	if (!fid || c->in.bad || size > INT64_MAX) {
		return EINVAL;
	}
	fd = reopen(fid->path, valid & SETATTR_SIZE ? O_WRONLY : O_RDONLY);
	if (fd < 0) {
		return errno;
	}
	if (((valid & SETATTR_MODE) && fchmod(fd, mode & 0777) < 0) ||
	    ((valid & SETATTR_SIZE) && ftruncate(fd, (off_t)size) < 0) || futimens(fd, times) < 0) {
		error = errno;
	}
	close(fd);
	return error;
}

/* The text of a symbolic link; nothing follows it here. */
static int do_readlink(struct call *c)
{
	struct p9_fid *fid = get_fid(c);
	char target[4096];
	ssize_t len;

	if (!fid) {
		return EBADF;
	}
	len = readlinkat(fid->path, "", target, sizeof(target) - 1);
	if (len < 0) {
		return errno;
	}
	target[len] = '\0';
	p9_put_string(&c->out, target);
	return 0;
}

/* A directory, by name, in that of the fid. */
static int do_mkdir(struct call *c)
{
	struct p9_fid *fid = get_fid(c);
	char name[MAX_NAME];
	int fd, error;

	p9_get_string(&c->in, name, sizeof(name));
	uint32_t mode = p9_get32(&c->in);

	if (!fid || c->in.bad || !name_ok(name)) {
		return EINVAL;
	}
	if (mkdirat(fid->path, name, mode & 0777) < 0) {
		return errno;
	}
	fd = openat(fid->path, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	error = fd >= 0 ? put_qid_of(c, fd) : errno;
	if (fd >= 0) {
		close(fd);
	}
	return error;
}

static int do_unlink(struct call *c)
{
	struct p9_fid *fid = get_fid(c);
	char name[MAX_NAME];

	p9_get_string(&c->in, name, sizeof(name));
	uint32_t flags = p9_get32(&c->in);

	if (!fid || c->in.bad || !name_ok(name)) {
		return EINVAL;
	}
	return unlinkat(fid->path, name, flags ? AT_REMOVEDIR : 0) < 0 ? errno : 0;
}

static int do_rename(struct call *c)
{
	struct p9_fid *from = get_fid(c);
	char old[MAX_NAME], new[MAX_NAME];

	p9_get_string(&c->in, old, sizeof(old));
	struct p9_fid *to = get_fid(c);

	p9_get_string(&c->in, new, sizeof(new));
	if (!from || !to || c->in.bad || !name_ok(old) || !name_ok(new)) {
		return EINVAL;
	}
	return renameat(from->path, old, to->path, new) < 0 ? errno : 0;
}

/* The numbers of the file system that the root of the share is on. */
static int do_statfs(struct call *c)
{
	struct p9_fid *fid = get_fid(c);
	struct p9_writer *w = &c->out;
	struct statfs st;

	if (!fid || fstatfs(c->p9->root, &st) < 0) {
		return EBADF;
	}
	p9_put(w, 0x01021997, 4); /* the file system type of 9P */
	p9_put(w, (uint64_t)st.f_bsize, 4);
	p9_put(w, st.f_blocks, 8);
	p9_put(w, st.f_bfree, 8);
	p9_put(w, st.f_bavail, 8);
	p9_put(w, st.f_files, 8);
	p9_put(w, st.f_ffree, 8);
	p9_put(w, 0, 8);
	p9_put(w, MAX_NAME - 1, 4);
	return 0;
}

static int do_fsync(struct call *c)
{
	struct p9_fid *fid = get_fid(c);

	if (!fid || fid->file < 0) {
		return EBADF;
	}
	return fsync(fid->file) < 0 ? errno : 0;
}

static int do_clunk(struct call *c)
{
	struct p9_fid *fid = get_fid(c);

	if (!fid) {
		return EBADF;
	}
	p9_fid_drop(&c->p9->fids, fid);
	return 0;
}

static int do_remove(struct call *c)
{
	int error = do_clunk(c);

	/* A descriptor knows no name to remove; kernels use unlinkat. */
	return error ? error : EOPNOTSUPP;
}

static int do_flush(struct call *c)
{
	(void)c; /* every request is answered before the next is looked at */
	return 0;
}

/* ------------------------------------------------------------------ dispatch */

/* Carries out a request of that type. 0, or an errno value for the realm. */
static int dispatch(struct call *c, uint8_t type)
{
	static const struct {
		uint8_t type;
		int (*handler)(struct call *c);
	} handlers[] = {
		{TVERSION, do_version}, {TATTACH, do_attach},     {TWALK, do_walk},
		{TLOPEN, do_open},      {TLCREATE, do_create},    {TREAD, do_read},
		{TWRITE, do_write},     {TREADDIR, do_readdir},   {TGETATTR, do_getattr},
		{TSETATTR, do_setattr}, {TREADLINK, do_readlink}, {TMKDIR, do_mkdir},
		{TUNLINKAT, do_unlink}, {TRENAMEAT, do_rename},   {TSTATFS, do_statfs},
		{TFSYNC, do_fsync},     {TCLUNK, do_clunk},       {TREMOVE, do_remove},
		{TFLUSH, do_flush},
	};

	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
		if (handlers[i].type == type) {
			return handlers[i].handler(c);
		}
	}
	return EOPNOTSUPP;
}

size_t p9_answer(struct p9 *p9, size_t size)
{
	struct call c = {.p9 = p9,
			 .in = {.at = p9->request, .left = size},
			 .out = {.start = p9->reply, .size = p9->msize, .used = HEADER}};
	uint32_t claimed = p9_get32(&c.in);
	uint8_t type = (uint8_t)p9_get(&c.in, 1);
	uint16_t tag = (uint16_t)p9_get(&c.in, 2);
	int error = c.in.bad || claimed > size ? EINVAL : dispatch(&c, type);
	size_t used;

	if (!error && c.out.bad) {
		error = EIO;
	}
	if (error) {
		c.out.used = HEADER;
		c.out.bad = false;
		p9_put(&c.out, (uint64_t)error, 4);
	}
	used = c.out.used;
	c.out.used = 0;
	p9_put(&c.out, used, 4);
	p9_put(&c.out, error ? RLERROR : type + 1u, 1);
	p9_put(&c.out, tag, 2);
	return used;
}

/* Answers requests until the queue is empty or the burst is over. Needs the machine's lock. */
static void notify(void *device, unsigned int queue)
{
	struct p9 *p9 = device;
	struct virtio_request req;
	bool pushed = false;

	while (virtio_pop(&p9->virtio, queue, &req)) {
		size_t size = virtio_copy_from(&req, 0, p9->request, sizeof(p9->request));

		size = p9_answer(p9, size);
		virtio_push(&p9->virtio, queue, &req, virtio_copy_to(&req, 0, p9->reply, size));
		pushed = true;
	}
	if (pushed) {
		virtio_signal(&p9->virtio);
	}
}

static void reset(void *device)
{
	struct p9 *p9 = device;

	p9_fids_drop_all(&p9->fids);
	p9->msize = MIN_SIZE;
}

static const struct virtio_ops ops = {
	.id = VIRTIO_ID_9P,
	.num_queues = 1,
	.features = VIRTIO_FEATURE(VIRTIO_9P_MOUNT_TAG),
	.notify = notify,
	.reset = reset,
};

/* Each file that the realm has in use takes a descriptor or two: what the user may have, it may. */
static void raise_limit(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

bool p9_init(struct p9 *p9, const char *dir)
{
	struct stat st;

	p9->root = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (p9->root < 0) {
		return false;
	}
	if (fstat(p9->root, &st) < 0) {
		close(p9->root);
		return false;
	}
	p9->device = st.st_dev;
	raise_limit();
	p9_fids_init(&p9->fids, P9_FIDS);
	p9->msize = MIN_SIZE;
	p9->config.tag_len = sizeof(TAG) - 1;
	memcpy(p9->config.tag, TAG, sizeof(TAG) - 1);
	p9->virtio.ops = &ops;
	p9->virtio.device = p9;
	p9->virtio.config = &p9->config;
	p9->virtio.config_size = 2 + sizeof(TAG) - 1;
	return true;
}

void p9_close(struct p9 *p9)
{
	if (p9->virtio.ops) {
		p9_fids_drop_all(&p9->fids);
		close(p9->root);
	}
}
