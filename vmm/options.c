// SPDX-License-Identifier: BSD-3-Clause
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "layout/layout.h"
#include "layout/values.h"
#include "options.h"

#define MIB      UINT64_C(0x100000)
#define MAX_NAME 31u
#define MAX_APT  64u

const char options_help[] =
	"rvm run --name NAME --kernel FILE [options]   build a realm and run it until it powers "
	"off\n"
	"  --kernel FILE         uncompressed arm64 Image\n"
	"  --initrd FILE         initramfs\n"
	"  --cmdline STRING      kernel command line\n"
	"  --mem SIZE            RAM: digits, then K, M or G in either case (256M)\n"
	"  --cpus N              vCPUs, 1 to 64 (1)\n"
	"  --csm SIZE            window for memory shared with other realms (none)\n"
	"  --apt N               4 KiB granules for the records of such memory (4 with --csm)\n"
	"  --disk FILE[,ro]      file or block device as a disk; ,ro: the realm only reads it;\n"
	"                        up to four times\n"
	"  --share DIR           directory that the realm can mount: 9p, tag \"share\"\n"
	"  --console WHERE       stdio, none, attach (for rvm console), file:PATH or unix:PATH\n"
	"                        (stdio: Ctrl-] x ends rvm; with --detach attach)\n"
	"  --rpv STRING          personalization value: up to 64 bytes of text, or 0x and\n"
	"                        two hex digits for each byte\n"
	"  --hash sha256|sha512  measurement algorithm (sha256)\n"
	"  --sve BITS            vector extension with vectors of that length (none)\n"
	"  --pmu N               performance monitor with N counters (none)\n"
	"  --no-measure          leave contents out of the measurement: quicker, proves nothing\n"
	"  --measurement-log FILE  write the measured operations, as cca-measure --log takes them\n"
	"  --measure-only        print the measured operations, run nothing\n"
	"  --quiet               no progress messages\n"
	"  --detach              return when the realm has been built; it runs on in the "
	"background\n"
	"  -f FILE               options from a JSON file, such as {\"kernel\": \"Image\"}; paths "
	"in\n"
	"                        it are relative to its folder\n"
	"rvm up DIR              run --detach for each NAME.json in DIR, with NAME as name\n"
	"rvm list                list the realms of this machine\n"
	"rvm console NAME        a terminal at a detached realm's console; Ctrl-] q leaves it\n"
	"rvm logs NAME           what a detached realm's console and its rvm have said\n"
	"rvm stop NAME           end a realm\n"
	"rvm kill NAME           end it by force, also when its rvm does not answer\n"
	"rvm wait NAME [SECONDS] wait until a realm has ended; status 124 when it takes longer\n"
	"rvm control NAME        pass bytes to and from the realm's port caec.control\n"
	"rvm exec NAME [--timeout SECONDS] COMMAND [WORD...]\n"
	"                        run a command in the realm, which has started caec-agent;\n"
	"                        ends with its status, with 124 when it took too long, or\n"
	"                        with 125 when rvm failed\n"
	"rvm --version\n"
	"up, list, logs, stop, kill and wait take --json: results and errors as JSON\n";

static bool __attribute__((format(printf, 2, 3))) fail(struct options_error *err,
						       const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(err->text, sizeof(err->text), format, ap);
	va_end(ap);
	return false;
}

bool options_name_ok(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > MAX_NAME || name[0] == '.') {
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)name[i]) && !strchr("._-", name[i])) {
			return false;
		}
	}
	return true;
}

static bool parse_console(const char *text)
{
	return strcmp(text, "stdio") == 0 || strcmp(text, "none") == 0 ||
	       strcmp(text, "attach") == 0 || (strncmp(text, "file:", 5) == 0 && text[5]) ||
	       (strncmp(text, "unix:", 5) == 0 && text[5]);
}

/* False, with the reason in err, for one disk too many or a path that none can have. */
static bool add_disk(struct options *o, const char *text, struct options_error *err)
{
	size_t len = strlen(text);
	struct options_disk *disk = &o->disks[o->num_disks];

	if (o->num_disks == OPTIONS_MAX_DISKS) {
		return fail(err, "--disk: at most %u", OPTIONS_MAX_DISKS);
	}
	if (len >= 3 && strcmp(text + len - 3, ",ro") == 0) {
		len -= 3;
		disk->read_only = true;
	}
	if (len == 0 || len >= sizeof(disk->path)) {
		return fail(err, "--disk: a path of 1 to %u characters", OPTIONS_MAX_PATH - 1);
	}
	memcpy(disk->path, text, len);
	o->num_disks++;
	return true;
}

/* Options without a value. False: not one of them. */
static bool take_flag(struct options *o, const char *word)
{
	const struct {
		const char *name;
		bool *flag;
	} flags[] = {
		{"--no-measure", &o->no_measure},
		{"--measure-only", &o->measure_only},
		{"--quiet", &o->quiet},
		{"--detach", &o->detach},
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (strcmp(word, flags[i].name) == 0) {
			*flags[i].flag = true;
			return true;
		}
	}
	return false;
}

/* Options whose value is kept as it is, a pointer into argv. False: not one of them. */
static bool take_string(struct options *o, const char *word, const char *value)
{
	const struct {
		const char *name;
		const char **string;
	} strings[] = {
		{"--name", &o->name},
		{"--kernel", &o->kernel},
		{"--initrd", &o->initrd},
		{"--cmdline", &o->cmdline},
		{"--console", &o->console},
		{"--share", &o->share},
		{"--measurement-log", &o->measurement_log},
	};

	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
		if (strcmp(word, strings[i].name) == 0) {
			*strings[i].string = value;
			return true;
		}
	}
	return false;
}

/* An option whose value has a form of its own. */
static bool take_value(struct options *o, const char *word, const char *value,
		       struct options_error *err)
{
	bool good;

	if (strcmp(word, "--disk") == 0) {
		return add_disk(o, value, err);
	} else if (strcmp(word, "--mem") == 0) {
		good = layout_parse_size(value, &o->mem);
	} else if (strcmp(word, "--csm") == 0) {
		good = layout_parse_size(value, &o->csm);
	} else if (strcmp(word, "--cpus") == 0) {
		good = layout_parse_number(value, LAYOUT_MAX_CPUS, &o->cpus);
	} else if (strcmp(word, "--apt") == 0) {
		good = layout_parse_number(value, MAX_APT, &o->apt);
	} else if (strcmp(word, "--sve") == 0) {
		good = layout_parse_number(value, LAYOUT_MAX_SVE, &o->sve) && o->sve % 128 == 0;
	} else if (strcmp(word, "--pmu") == 0) {
		good = layout_parse_number(value, LAYOUT_MAX_COUNTERS, &o->pmu);
	} else if (strcmp(word, "--hash") == 0) {
		good = layout_parse_hash(value, &o->hash);
	} else if (strcmp(word, "--rpv") == 0) {
		good = layout_parse_rpv(value, o->rpv);
	} else {
		return fail(err, "unknown option %s (rvm --help lists them)", word);
	}
	return good || fail(err, "%s: %s is not a valid value (see rvm --help)", word, value);
}

/* What must be there, and what does not fit together. False, with the reason in err. */
static bool check(const struct options *o, struct options_error *err)
{
	if (!o->name || !options_name_ok(o->name)) {
		return fail(err, "--name is needed: letters, digits, '.', '_', '-', at most %u",
			    MAX_NAME);
	}
	if (!o->kernel) {
		return fail(err, "--kernel FILE is needed");
	}
	if (!parse_console(o->console)) {
		return fail(err, "--console: stdio, none, attach, file:PATH or unix:PATH");
	}
	if (o->detach && strcmp(o->console, "stdio") == 0) {
		return fail(err, "--console stdio: a detached realm has no terminal (use attach)");
	}
	return true;
}

bool options_parse(int argc, char **argv, struct options *o, struct options_error *err)
{
	*o = (struct options){.mem = 256 * MIB, .cpus = 1};
	for (int i = 0; i < argc; i++) {
		const char *word = argv[i];

		if (take_flag(o, word)) {
			continue;
		}
		if (strncmp(word, "--", 2) != 0) {
			return fail(err, "%s: not an option (rvm --help lists them)", word);
		}
		if (i + 1 == argc) {
			return fail(err, "%s: unknown, or its value is missing", word);
		}
		if (!take_string(o, word, argv[i + 1]) && !take_value(o, word, argv[i + 1], err)) {
			return false;
		}
		i++;
	}
	if (!o->console) {
		o->console = o->detach ? "attach" : "stdio";
	}
	if (o->apt == 0 && o->csm != 0) {
		o->apt = 4;
	}
	return check(o, err);
}
