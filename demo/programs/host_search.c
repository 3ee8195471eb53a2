// SPDX-License-Identifier: BSD-3-Clause
/*
 * host-search PID TEXT   on the host: looks for TEXT in all memory of the process PID, which is an
 * rvm: its own, and all that its realm shares with the host. Prints how many bytes it has read and
 * how often TEXT was there. Status 0, or 1 and a reason.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE    4096u
#define PRESENT (UINT64_C(1) << 63)
#define LONGEST 256u

struct search {
	int memory, pagemap;
	const char *text;
	size_t length;
	uint64_t bytes, found, refused;
	uint8_t window[LONGEST + PAGE]; /* the end of the page before, and a page */
	size_t kept;
};

/* Reading a page that is not there would make one. */
static bool is_present(struct search *s, uint64_t address)
{
	uint64_t entry = 0;

	return pread(s->pagemap, &entry, sizeof(entry), (off_t)(address / PAGE * sizeof(entry))) ==
		       (ssize_t)sizeof(entry) &&
	       entry & PRESENT;
}

/*
 * Counts the text in one page, and across the border from the page before. A page that cannot be
 * read is counted as refused; no lock.
 */
static void search_page(struct search *s, uint64_t address)
{
	const uint8_t *at = s->window, *found;
	size_t left;

	if (!is_present(s, address)) {
		s->kept = 0;
		return;
	}
	if (pread(s->memory, s->window + s->kept, PAGE, (off_t)address) != (ssize_t)PAGE) {
		s->refused++;
		s->kept = 0;
		return;
	}
	s->bytes += PAGE;
	left = s->kept + PAGE;
	while ((found = memmem(at, left, s->text, s->length))) {
		s->found++;
		left -= (size_t)(found - at) + 1;
		at = found + 1;
	}
	/* One byte less than the text: what was counted is not counted again. */
	memmove(s->window, s->window + s->kept + PAGE - (s->length - 1), s->length - 1);
	s->kept = s->length - 1;
}

static int open_of(const char *pid, const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/%s", pid, name);
	fd = open(path, O_RDONLY);
	if (fd < 0) {
		perror(path);
	}
	return fd;
}

/* All ranges of the process that can be read. */
static int search(struct search *s, const char *pid)
{
	int fd = open_of(pid, "maps");
	FILE *maps = fd < 0 ? NULL : fdopen(fd, "r");
	uint64_t start, end;
	char line[512], may;

	s->memory = open_of(pid, "mem");
	s->pagemap = open_of(pid, "pagemap");
	if (!maps || s->memory < 0 || s->pagemap < 0) {
		return 1;
	}
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %c", &start, &end, &may) != 3 ||
		    may != 'r' || strstr(line, "[v")) {
			continue;
		}
		s->kept = 0;
		for (; start < end; start += PAGE) {
			search_page(s, start);
		}
	}
	printf("bytes %" PRIu64 "\nrefused %" PRIu64 "\nfound %" PRIu64 "\n", s->bytes, s->refused,
	       s->found);
	return 0;
}

int main(int argc, char **argv)
{
	static struct search s;

	if (argc != 3 || strlen(argv[2]) < 8 || strlen(argv[2]) >= LONGEST) {
		fputs("usage: host-search PID TEXT   (8 to 255 characters)\n", stderr);
		return 1;
	}
	s.text = argv[2];
	s.length = strlen(s.text);
	return search(&s, argv[1]);
}
