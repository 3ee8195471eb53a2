// SPDX-License-Identifier: BSD-3-Clause
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "link.h"

#define PATH_ROOM 512
#define TEXT_ROOM 256

const char *link_folder = "/run/csm";

bool link_is_name(const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < length; i++) {
		if (!isalnum((unsigned char)name[i]) && !strchr("-_.", name[i])) {
			return false;
		}
	}
	return length > 0 && length < IFNAMSIZ && isalnum((unsigned char)name[0]);
}

static void path_of(const char *name, char path[PATH_ROOM])
{
	snprintf(path, PATH_ROOM, "%s/%s", link_folder, name);
}

/* The same file that the name has now: a file that was removed meanwhile locks nothing. */
static bool is_current(int fd, const char *path)
{
	struct stat here, there;

	return fstat(fd, &here) == 0 && stat(path, &there) == 0 && here.st_ino == there.st_ino &&
	       here.st_dev == there.st_dev;
}

/* Locks the file of a name. Returns its descriptor, or a negative errno. */
static int lock(const char *name)
{
	char path[PATH_ROOM];
	int fd;

	path_of(name, path);
	for (;;) {
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
		if (fd < 0) {
			return -errno;
		}
		if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
			int error = errno == EWOULDBLOCK ? EEXIST : errno;

			close(fd);
			return -error;
		}
		if (is_current(fd, path)) {
			return fd;
		}
		close(fd);
	}
}

int link_record_write(int fd, const struct link_record *record)
{
	char text[TEXT_ROOM];
	int size = snprintf(text, sizeof(text), "%016" PRIx64 " %d %s %s %s\n", record->peer,
			    (int)record->pid, record->is_up ? "up" : "waiting", record->address,
			    record->peer_address);
	ssize_t done = pwrite(fd, text, (size_t)size, 0);

	if (done < 0 || ftruncate(fd, size) != 0) {
		return -errno;
	}
	return done == size ? 0 : -ENOSPC;
}

/* A file that a process has locked; one without a process is left over from one that was killed. */
static int read_record(const char *name, struct link_record *out)
{
	char path[PATH_ROOM], text[TEXT_ROOM] = "", state[16] = "";
	int fd, pid = 0, fields;
	ssize_t size;

	path_of(name, path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) {
		return -errno;
	}
	if (flock(fd, LOCK_SH | LOCK_NB) == 0) {
		close(fd);
		return -ENOENT;
	}
	size = pread(fd, text, sizeof(text) - 1, 0);
	close(fd);
	*out = (struct link_record){0};
	fields = size < 0 ? 0
			  : sscanf(text, "%" SCNx64 " %d %15s %45s %45s", &out->peer, &pid, state,
				   out->address, out->peer_address);
	if (fields != 5 || pid <= 0) {
		return -EAGAIN; /* being written */
	}
	out->pid = pid;
	out->is_up = strcmp(state, "up") == 0;
	snprintf(out->name, sizeof(out->name), "%s", name);
	return 0;
}

int link_record_find(const char *name, struct link_record *out)
{
	int ret = read_record(name, out);

	for (int i = 0; i < 100 && ret == -EAGAIN; i++) {
		usleep(10000);
		ret = read_record(name, out);
	}
	return ret;
}

static int is_record(const struct dirent *entry)
{
	return link_is_name(entry->d_name);
}

int link_record_each(int (*each)(void *arg, const struct link_record *record), void *arg)
{
	struct dirent **names = NULL;
	int count = scandir(link_folder, &names, is_record, alphasort);
	int ret = count < 0 && errno != ENOENT ? -errno : 0;

	for (int i = 0; i < count; i++) {
		struct link_record record;

		if (ret == 0 && link_record_find(names[i]->d_name, &record) == 0) {
			ret = each(arg, &record);
		}
		free(names[i]);
	}
	free(names);
	return ret;
}

static bool is_vsock(const struct link_record *record)
{
	return strncmp(record->address, LINK_VSOCK_ADDRESS, strlen(LINK_VSOCK_ADDRESS)) == 0;
}

/* A link of the same kind to the peer of *arg: its name goes there. */
static int has_peer(void *arg, const struct link_record *record)
{
	struct link_record *mine = arg;

	if (record->peer != mine->peer || strcmp(record->name, mine->name) == 0 ||
	    is_vsock(record) != is_vsock(mine)) {
		return 0;
	}
	memcpy(mine->name, record->name, sizeof(mine->name));
	return -EADDRINUSE;
}

int link_record_new(struct link_record *record)
{
	int fd, ret;

	if (mkdir(link_folder, 0755) != 0 && errno != EEXIST) {
		return -errno;
	}
	fd = lock(record->name);
	if (fd < 0) {
		return fd;
	}
	ret = link_record_write(fd, record);
	if (ret == 0) {
		struct link_record other = *record;

		ret = link_record_each(has_peer, &other);
		if (ret < 0) {
			link_record_end(fd, record);
			*record = other;
			return ret;
		}
		return fd;
	}
	link_record_end(fd, record);
	return ret;
}

void link_record_end(int fd, const struct link_record *record)
{
	char path[PATH_ROOM];

	path_of(record->name, path);
	unlink(path);
	close(fd);
}
