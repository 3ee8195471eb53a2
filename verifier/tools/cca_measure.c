// SPDX-License-Identifier: BSD-3-Clause
/* cca-measure: the RIM of a realm, before the realm ever runs. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "policy.h"
#include "tools/log.h"
#include "tools/measure.h"
#include "tools/write_corim.h"
#include "vmm/layout/values.h"

_Static_assert(LAYOUT_RPV_SIZE == CCA_RPV_SIZE, "one personalization value");

enum exit_code { EXIT_GOOD = 0, EXIT_DEPARTS = 1, EXIT_USAGE = 3 };

struct options {
	struct layout_config config;
	const char *kernel;
	const char *initrd;
	const char *script;
	const char *log;
	bool has_rim;
	uint8_t rim[CCA_HASH_MAX];
	size_t rim_size;
	const char *dtb;
	bool has_rpv;
	uint8_t rpv[LAYOUT_RPV_SIZE];
	const char *anchors[CCA_POLICY_ANCHORS];
	size_t anchor_count;
	bool policy;
	bool corim;
	struct corim_options corim_is;
	bool steps;
	bool image; /* an option of the image mode was given */
};

static const char usage[] =
	"usage: cca-measure --kernel F --mem SIZE [OPTION...]\n"
	"       cca-measure --script F|- [OPTION...]\n"
	"       cca-measure --log F|- [--rim HEX] [--kernel F --mem SIZE [OPTION...]]\n"
	"Prints the initial measurement (RIM) that a realm will have.\n"
	"The realm as rvm run makes it:\n"
	"  -k, --kernel F      arm64 Image           -i, --initrd F      initramfs\n"
	"  -c, --cmdline S     kernel command line   -m, --mem SIZE      RAM, with K, M or G\n"
	"  -n, --cpus N        vCPUs (1)             -s, --csm SIZE      window for shared "
	"regions\n"
	"  -H, --hash H        sha256 or sha512      -V, --sve VL        SVE, vector length in "
	"bits\n"
	"      --pmu N         PMU with N counters   -u, --unmeasured    do not measure contents\n"
	"      --dtb F         also write the device tree to F\n"
	"Any realm:\n"
	"  -f, --script F|-    measured operations, one to a line; see cca-measure(1)\n"
	"A realm that was started:\n"
	"  -l, --log F|-       its measurement log; with --kernel, compared with that realm\n"
	"  -R, --rim HEX       with --log: the RIM of its token, which the log must lead to\n"
	"Output:\n"
	"  -p, --policy        print a policy for cca-verify instead\n"
	"  -C, --corim         print a CoRIM instead, which is no text\n"
	"      --sign F        with --corim: sign it with this private key\n"
	"      --signer S      with --sign: name of the signer\n"
	"      --endorse F     with --corim, in place of a realm: keys of a platform; repeatable\n"
	"      --implementation-id HEX, --instance-id HEX    with --endorse: of that platform\n"
	"  -r, --rpv S         with --policy, --corim: personalization value, as text or 0x and\n"
	"                      digits\n"
	"  -a, --anchor F      with --policy: public key of the platform: PEM, DER, JWK, JWK set\n"
	"                      or COSE_Key; repeatable\n"
	"  -S, --steps         also print the RIM after each operation\n"
	"  -h, --help          this text\n";

static const struct option long_options[] = {
	{"kernel", required_argument, NULL, 'k'},
	{"initrd", required_argument, NULL, 'i'},
	{"cmdline", required_argument, NULL, 'c'},
	{"mem", required_argument, NULL, 'm'},
	{"cpus", required_argument, NULL, 'n'},
	{"csm", required_argument, NULL, 's'},
	{"hash", required_argument, NULL, 'H'},
	{"sve", required_argument, NULL, 'V'},
	{"pmu", required_argument, NULL, 'P'},
	{"unmeasured", no_argument, NULL, 'u'},
	{"dtb", required_argument, NULL, 'D'},
	{"script", required_argument, NULL, 'f'},
	{"log", required_argument, NULL, 'l'},
	{"rim", required_argument, NULL, 'R'},
	{"corim", no_argument, NULL, 'C'},
	{"sign", required_argument, NULL, 'G'},
	{"signer", required_argument, NULL, 'N'},
	{"endorse", required_argument, NULL, 'E'},
	{"implementation-id", required_argument, NULL, 'M'},
	{"instance-id", required_argument, NULL, 'I'},
	{"policy", no_argument, NULL, 'p'},
	{"rpv", required_argument, NULL, 'r'},
	{"anchor", required_argument, NULL, 'a'},
	{"steps", no_argument, NULL, 'S'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static bool complain(const char *subject, const char *text)
{
	fprintf(stderr, "cca-measure: %s%s%s\n", subject, subject[0] != '\0' ? ": " : "", text);
	return false;
}

static bool complain_of(const char *option, const char *value, const char *text)
{
	fprintf(stderr, "cca-measure: %s: %s: %s\n", option, value, text);
	return false;
}

/* Whether all that was printed has been taken; errno says why not. Nothing is printed afterwards.
 */
static bool output_is_safe(void)
{
	bool ok = ferror(stdout) == 0;

	return fclose(stdout) == 0 && ok;
}

static bool take_size(const char *name, const char *text, uint64_t *size)
{
	return layout_parse_size(text, size) ||
	       complain_of(name, text, "must be a size such as 256M or 1G");
}

static bool take_sve(struct layout_config *c, const char *text)
{
	unsigned int bits;

	if (!layout_parse_number(text, LAYOUT_MAX_SVE, &bits) || bits % 128 != 0) {
		return complain_of("--sve", text, "must be a multiple of 128 up to 2048");
	}
	c->realm_flags |= RMI_REALM_FLAG_SVE;
	c->sve_vl = (uint8_t)(bits / 128 - 1);
	return true;
}

static bool take_pmu(struct layout_config *c, const char *text)
{
	unsigned int counters;

	if (!layout_parse_number(text, LAYOUT_MAX_COUNTERS, &counters)) {
		return complain_of("--pmu", text, "must be a number of counters, 1 to 31");
	}
	c->realm_flags |= RMI_REALM_FLAG_PMU;
	c->pmu_num_ctrs = (uint8_t)counters;
	return true;
}

/* Options that describe the realm of the image mode. */
static bool take_image_option(struct options *o, int c)
{
	o->image = true;
	switch (c) {
	case 'k':
		o->kernel = optarg;
		return true;
	case 'i':
		o->initrd = optarg;
		return true;
	case 'c':
		o->config.cmdline = optarg;
		return true;
	case 'm':
		return take_size("--mem", optarg, &o->config.ram_size);
	case 'n':
		return layout_parse_number(optarg, LAYOUT_MAX_CPUS, &o->config.cpus) ||
		       complain_of("--cpus", optarg, "must be a number of vCPUs, 1 to 64");
	case 's':
		return take_size("--csm", optarg, &o->config.csm_size);
	case 'H':
		return layout_parse_hash(optarg, &o->config.hash_algo) ||
		       complain_of("--hash", optarg, "must be sha256 or sha512");
	case 'V':
		return take_sve(&o->config, optarg);
	case 'P':
		return take_pmu(&o->config, optarg);
	case 'u':
		o->config.skip_content = true;
		return true;
	case 'D':
		o->dtb = optarg;
		return true;
	default:
		return false;
	}
}

static bool add_anchor_option(struct options *o, const char *path)
{
	if (o->anchor_count == CCA_POLICY_ANCHORS) {
		return complain("--anchor", "too many");
	}
	o->anchors[o->anchor_count++] = path;
	return true;
}

/* A RIM as cca-verify and this program print it. */
static bool take_rim(struct options *o, const char *text)
{
	o->has_rim = true;
	o->rim_size = cca_from_hex(text, o->rim, sizeof(o->rim));
	return o->rim_size == cca_hash_size(CCA_HASH_SHA256) ||
	       o->rim_size == cca_hash_size(CCA_HASH_SHA512) ||
	       complain_of("--rim", text, "must be 64 or 128 hexadecimal digits");
}

/* Options of --corim alone. */
static bool take_corim_option(struct options *o, int c)
{
	struct measuring m = {0};

	return corim_take(&m, &o->corim_is, c, optarg) || complain("", m.error);
}

/* One option. False, with a message, if its value is not accepted. --help ends the program. */
static bool take_option(struct options *o, int c)
{
	if (strchr(CORIM_OPTIONS, c) != NULL) {
		return take_corim_option(o, c);
	}
	switch (c) {
	case 'f':
		o->script = optarg;
		return true;
	case 'l':
		o->log = optarg;
		return true;
	case 'R':
		return take_rim(o, optarg);
	case 'p':
		o->policy = true;
		return true;
	case 'C':
		o->corim = true;
		return true;
	case 'r':
		o->has_rpv = true;
		return layout_parse_rpv(optarg, o->rpv) ||
		       complain("--rpv",
				"must be text, or pairs of hexadecimal digits after 0x, of "
				"at most 64 bytes");
	case 'a':
		return add_anchor_option(o, optarg);
	case 'S':
		o->steps = true;
		return true;
	case 'h':
		fputs(usage, stdout);
		exit(output_is_safe() || complain("standard output", strerror(errno)) ? EXIT_GOOD
										      : EXIT_USAGE);
	default:
		return take_image_option(o, c);
	}
}

/* What goes with --log. */
static bool check_log_options(const struct options *o)
{
	if (o->log != NULL && (o->script != NULL || o->policy || o->corim || o->dtb != NULL)) {
		return complain("--log", "goes with --rim, --steps and what describes a realm for "
					 "rvm, and with nothing else");
	}
	if (o->log == NULL && o->has_rim) {
		return complain("--rim", "has a meaning with --log only");
	}
	return true;
}

/* There is a realm to measure. */
static bool check_source(const struct options *o)
{
	if (corim_is_of_keys(&o->corim_is)) {
		return (o->script == NULL && o->log == NULL && !o->image && !o->has_rpv) ||
		       complain("--endorse", "takes the place of a realm; leave out what "
					     "describes one");
	}
	if (o->script == NULL && (o->log == NULL || o->image) &&
	    (o->kernel == NULL || o->config.ram_size == 0)) {
		return complain("", "give --kernel and --mem, or --script, or --log");
	}
	return true;
}

/* Options that go together. */
static bool check_options(const struct options *o)
{
	struct measuring m = {0};

	if (!corim_check(&m, &o->corim_is, o->corim)) {
		return complain("", m.error);
	}
	if (o->script != NULL && o->image) {
		return complain("--script",
				"describes the whole realm; leave out the other options");
	}
	if (!check_log_options(o) || !check_source(o)) {
		return false;
	}
	if (o->policy && o->corim) {
		return complain("--policy, --corim", "one of them");
	}
	if (!o->policy && o->anchor_count != 0) {
		return complain("--anchor", "has a meaning with --policy only");
	}
	if (!o->policy && !o->corim && o->has_rpv) {
		return complain("--rpv", "has a meaning with --policy and --corim only");
	}
	return true;
}

static bool parse_options(int argc, char **argv, struct options *o)
{
	int c;

	while ((c = getopt_long(argc, argv, "k:i:c:m:n:s:H:V:uf:l:R:pCr:a:Sh", long_options,
				NULL)) != -1) {
		if (!take_option(o, c)) {
			return false;
		}
	}
	if (optind != argc) {
		return complain(argv[optind], "unexpected argument");
	}
	return check_options(o);
}

/* Measures what a script says; its file names are relative to its folder. False, with a message. */
static bool run_script(struct measuring *m, const char *path)
{
	const char *slash = strrchr(path, '/');
	bool is_stdin = strcmp(path, "-") == 0;
	FILE *file = is_stdin ? stdin : fopen(path, "r");
	char folder[4096];
	bool ok;

	if (file == NULL) {
		return measure_fail(m, "%s: %s", path, strerror(errno));
	}
	snprintf(folder, sizeof(folder), "%.*s",
		 slash != NULL && !is_stdin ? (int)(slash - path) + 1 : 0, path);
	m->folder = folder;
	ok = measure_script(m, file);
	if (!is_stdin) {
		fclose(file);
	}
	return ok;
}

static bool run_image(struct measuring *m, struct options *o)
{
	struct layout_config *c = &o->config;
	bool ok = load_file(m, o->kernel, &c->kernel) &&
		  (o->initrd == NULL || load_file(m, o->initrd, &c->initrd)) &&
		  measure_image(m, c, o->dtb);

	unload_file(&c->kernel);
	unload_file(&c->initrd);
	return ok;
}

static void print_values(const struct measuring *m)
{
	const struct cca_measurement zero = cca_rem_initial(m->rim.hash);
	size_t size = cca_hash_size(m->rim.hash);
	char hex[2 * CCA_HASH_MAX + 1];

	cca_to_hex((struct cca_bytes){m->rim.value, size}, hex, sizeof(hex));
	printf("%s\n", hex);
	for (size_t i = 0; i < CCA_REM_COUNT; i++) {
		if (m->created && memcmp(m->rem[i].value, zero.value, sizeof(zero.value)) != 0) {
			cca_to_hex((struct cca_bytes){m->rem[i].value, size}, hex, sizeof(hex));
			printf("rem%zu %s\n", i, hex);
		}
	}
}

/*
 * Whether the log leads to the RIM that its realm's token has. A hash algorithm of another length
 * is a difference too.
 */
static bool log_is_of(const struct measuring *m, const struct options *o)
{
	size_t size = cca_hash_size(m->rim.hash);

	if (!o->has_rim || (o->rim_size == size && memcmp(o->rim, m->rim.value, size) == 0)) {
		return true;
	}
	return complain("log", "does not lead to the RIM of --rim: it is of another realm, or its "
			       "host has not told all that it did");
}

/* --log: measures, compares, prints the RIM. The exit status is in *code. */
static bool run_log(struct measuring *m, struct options *o, enum exit_code *code)
{
	struct layout_config *c = &o->config;
	bool is_stdin = strcmp(o->log, "-") == 0;
	FILE *file = is_stdin ? stdin : fopen(o->log, "r");
	uint64_t departures;
	bool ok;

	if (file == NULL) {
		return measure_fail(m, "%s: %s", o->log, strerror(errno));
	}
	ok = (o->kernel == NULL || load_file(m, o->kernel, &c->kernel)) &&
	     (o->initrd == NULL || load_file(m, o->initrd, &c->initrd)) &&
	     measure_log(m, file, o->image ? c : NULL, &departures);
	unload_file(&c->kernel);
	unload_file(&c->initrd);
	if (!is_stdin) {
		fclose(file);
	}
	if (ok) {
		print_values(m);
		*code = log_is_of(m, o) && departures == 0 ? EXIT_GOOD : EXIT_DEPARTS;
	}
	return ok;
}

static json_t *hex_json(const void *data, size_t size)
{
	char hex[2 * CCA_HASH_MAX + 1];

	cca_to_hex((struct cca_bytes){data, size}, hex, sizeof(hex));
	return json_string(hex);
}

static bool add_pem(struct measuring *m, const struct cca_key *key, json_t *anchors)
{
	char pem[CCA_PEM_SIZE];

	return (cca_key_to_pem(key, pem) &&
		json_array_append_new(anchors, json_string(pem)) == 0) ||
	       measure_fail(m, "out of memory");
}

/* Anchors go into the policy as PEM text, whatever their files hold, so that it is one file. */
static bool add_anchors(struct measuring *m, const struct options *o, json_t *anchors)
{
	static struct cca_policy read;
	struct cca_error err;

	cca_policy_init(&read);
	for (size_t i = 0; i < o->anchor_count; i++) {
		if (!cca_policy_add_anchor_file(&read, o->anchors[i], &err)) {
			return measure_fail(m, "--anchor: %s", err.text);
		}
	}
	for (size_t i = 0; i < read.anchor_count; i++) {
		if (!add_pem(m, &read.anchor[i], anchors)) {
			return false;
		}
	}
	return true;
}

/* Prints a policy that expects this realm: its RIM, RPV and the anchors. False, with a message. */
static bool print_policy(struct measuring *m, const struct options *o)
{
	json_t *anchors = json_array();
	json_t *realm = json_pack("{s:s, s:o}", "hash", cca_hash_name(m->rim.hash), "rim",
				  hex_json(m->rim.value, cca_hash_size(m->rim.hash)));
	json_t *root =
		json_pack("{s:i, s:o, s:o}", "caec-policy", 1, "anchors", anchors, "realm", realm);
	bool complete = true;
	bool ok;

	if (o->has_rpv && root != NULL) {
		complete = json_object_set_new(realm, "rpv", hex_json(o->rpv, sizeof(o->rpv))) == 0;
	}
	ok = root != NULL && complete ? add_anchors(m, o, anchors)
				      : measure_fail(m, "out of memory");
	if (ok && (json_dumpf(root, stdout, JSON_INDENT(2)) != 0 || putchar('\n') == EOF)) {
		ok = measure_fail(m, "cannot write the policy");
	}
	json_decref(root);
	return ok;
}

static bool print_result(struct measuring *m, const struct options *o)
{
	if (o->policy) {
		return print_policy(m, o);
	}
	if (o->corim) {
		return corim_print(m, &o->corim_is, o->has_rpv ? o->rpv : NULL);
	}
	print_values(m);
	return true;
}

/* Measures the realm that the options describe, if they describe one. False, with a message. */
static bool run_realm(struct measuring *m, struct options *o)
{
	if (corim_is_of_keys(&o->corim_is)) {
		return true;
	}
	return o->script != NULL ? run_script(m, o->script) : run_image(m, o);
}

/* No buffered output and no clean-up: both may need memory. */
static void out_of_memory(void)
{
	static const char text[] = "cca-measure: out of memory\n";

	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0) {
		/* There is nowhere to say it. */
	}
	_exit(EXIT_USAGE);
}

int main(int argc, char **argv)
{
	struct options o = {.config = {.cpus = 1}};
	enum exit_code code = EXIT_GOOD;
	struct measuring m = {0};
	bool ok;

	if (!cca_exit_without_memory(out_of_memory)) {
		fputs("cca-measure: the crypto library was in use before the program\n", stderr);
		return EXIT_USAGE;
	}
	if (!parse_options(argc, argv, &o)) {
		fputs("Try cca-measure --help.\n", stderr);
		return EXIT_USAGE;
	}
	m.steps = o.steps ? stderr : NULL;
	ok = o.log != NULL ? run_log(&m, &o, &code) : run_realm(&m, &o) && print_result(&m, &o);
	if (!output_is_safe() && ok) {
		ok = measure_fail(&m, "standard output: %s", strerror(errno));
	}
	if (ok && m.steps != NULL && ferror(m.steps)) {
		ok = measure_fail(&m, "--steps: standard error was not written");
	}
	if (!ok) {
		complain("", m.error);
	}
	return ok ? (int)code : EXIT_USAGE;
}
