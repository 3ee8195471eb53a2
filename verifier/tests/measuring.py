# SPDX-License-Identifier: BSD-3-Clause
"""cca-measure: measurements computed a second time with hashlib, options, scripts, files."""

import hashlib
import json
import os
import struct

from harness import MIB, RAM, expect, image, measure, path, read, swept, test, verify, write


class Rim:
    """The rules of the specification, with hashlib."""

    def __init__(self, algorithm, s2sz, flags=0, bps=1, wps=1, sve_vl=0, pmu=0):
        self.name = algorithm
        params = bytearray(4096)
        struct.pack_into("<Q", params, 0, flags)
        params[8], params[0x10], params[0x18], params[0x20] = s2sz, sve_vl, bps, wps
        params[0x28], params[0x30] = pmu, {"sha256": 0, "sha512": 1}[algorithm]
        self.value = self.hash(bytes(params))

    def hash(self, data):
        return hashlib.new(self.name, data).digest()

    def extend(self, kind, rest):
        head = struct.pack("<B7xQ", kind, 0x100) + self.value.ljust(64, b"\0")
        self.value = self.hash((head + rest).ljust(0x100, b"\0"))

    def data(self, ipa, content, flags=1):
        for at in range(0, len(content), 4096):
            page = content[at:at + 4096].ljust(4096, b"\0")
            digest = self.hash(page) if flags & 1 else b""
            self.extend(0, struct.pack("<QQ", ipa + at, flags) + digest)

    def ripas(self, base, top, size):
        for at in range(base, top, size):
            self.extend(2, struct.pack("<QQ", at, at + size))

    def rec(self, pc, gprs):
        params = bytearray(4096)
        struct.pack_into("<Q", params, 0, 1)
        struct.pack_into("<Q", params, 0x200, pc)
        struct.pack_into("<8Q", params, 0x300, *gprs)
        self.extend(1, self.hash(bytes(params)))

    def hex(self):
        return self.value.hex()


def expected_rim(algorithm, kernel, in_memory, initrd, dtb, ram, s2sz, flags=1):
    rim = Rim(algorithm, s2sz)
    gib_top = RAM + ram // (1 << 30) * (1 << 30)
    rim.ripas(RAM, gib_top, 1 << 30)
    rim.ripas(gib_top, RAM + ram, 2 * MIB)
    rim.data(RAM, kernel, flags)
    dtb_ipa = RAM + -(-in_memory // (2 * MIB)) * 2 * MIB
    rim.data(dtb_ipa, dtb, flags)
    if initrd:
        rim.data(dtb_ipa + 2 * MIB, initrd, flags)
    rim.rec(RAM, [dtb_ipa] + [0] * 7)
    return rim.hex()


@test
def measure_image_agrees_with_hashlib():
    kernel, initrd = image(300 * 1024 + 77, 5 * MIB), b"initramfs" * 5000
    write("Image", kernel)
    write("initrd", initrd)
    for algorithm in ("sha256", "sha512"):
        code, out, err = measure("--kernel", "Image", "--initrd", "initrd", "--mem", "64M",
                                 "--cmdline", "console=ttyAMA0", "--cpus", "2", "--hash", algorithm,
                                 "--dtb", "out.dtb")
        wanted = expected_rim(algorithm, kernel, 5 * MIB, initrd, read("out.dtb"), 64 * MIB, 33)
        expect(code == 0 and out.strip() == wanted, code, out, err, wanted)


@test
def measure_image_unmeasured_without_initrd_and_over_2_gib():
    kernel = image(1 << 16, 1 << 16)
    write("Image", kernel)
    code, out, err = measure("-k", "Image", "-m", "3074M", "-u", "--dtb", "out.dtb")
    wanted = expected_rim("sha256", kernel, 1 << 16, b"", read("out.dtb"), 3074 * MIB, 34, flags=0)
    expect(code == 0 and out.strip() == wanted, code, out, err, wanted)


@test
def measure_depends_on_each_input():
    write("Image", image(1 << 16, 1 << 16))
    write("Image2", image(1 << 16, 1 << 16)[:-1] + b"!")
    write("initrd", b"a")
    write("initrd2", b"b")
    base = {"--kernel": "Image", "--initrd": "initrd", "--mem": "32M", "--cmdline": "x",
            "--cpus": "1", "--csm": "2M", "--hash": "sha256"}
    changes = [{}, {"--kernel": "Image2"}, {"--initrd": "initrd2"}, {"--mem": "34M"},
               {"--cmdline": "y"}, {"--cpus": "2"}, {"--csm": "4M"}, {"--hash": "sha512"},
               {"--sve": "256"}, {"--sve": "512"}, {"--pmu": "4"}, {"--pmu": "1"}]
    seen = set()
    for change in changes:
        arguments = [word for pair in {**base, **change}.items() for word in pair]
        code, out, err = measure(*arguments)
        again = measure(*arguments)[1]
        expect(code == 0 and out == again and out not in seen, change, code, err, out)
        seen.add(out)


@test
def measure_script_vectors():
    write("a5", b"\xa5" * 4096)
    script = """# the vector of the specification notes
realm s2sz=40 num_bps=1 num_wps=1 hash=%s
data 0x0 %s
data 0x1000 fill:0 flags=0   # not measured
ripas 0x200000 0x200000 level=2
rec pc=0x1000 x1=1 x2=2 x3=3 x4=4 x5=5 x6=6 x7=7
rec flags=0 pc=77
rem 0 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
rem 1 -
"""
    wanted = {
        "sha-256": ["6d89f0deb00f6315f8afd1ea1570a6cc7b2c9abb8df0d39076d5b0da7538c247",
                    "bb2275c49f28ad52cae6d55e34a974a58c7a3ba26f976e8ecbbe7a536918dc73",
                    "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925"],
        "sha-512": ["3ce4d5d09237034869a3e140c47ac85c9715c7d998e07df4653ea9c1d8f66c8e"
                    "5473bf67621ec496559e0d38ca6f994aa698e15e9021a2491eb77202bdddad01"]}
    for algorithm, lines in wanted.items():
        for source in ("fill:0xa5", "a5", path("a5")):
            code, out, err = measure("--script", "-", stdin=(script % (algorithm, source)).encode())
            got = [line.split(" ")[-1] for line in out.split("\n")]
            expect(code == 0 and got[:len(lines)] == lines, algorithm, source, out, err)
    write("vector.script", script % ("sha-256", "a5"))
    code, out, err = measure("--script", "vector.script", "--steps")
    expect(code == 0 and err.startswith("045cb360") and len(err.split("\n")) == 7, out, err)


def script_rim(text):
    code, out, err = measure("-f", "-", stdin=text.encode())
    expect(code == 0, repr(text), err)
    return out.strip()


@test
def measure_script_takes_fields_in_the_encoding_of_the_parameters():
    line = "realm s2sz=40 num_bps=1 num_wps=1 hash="
    for number, *names in (("0", "sha-256", "sha256", "0x0"), ("1", "sha-512", "sha512", "0x1")):
        for name in names:
            expect(script_rim(line + number) == script_rim(line + name), number, name)


@test
def measure_script_ripas_without_level_is_as_a_host_does_it():
    realm, ripas = "realm s2sz=%d num_bps=5 num_wps=5 hash=sha-256%s\n", "ripas 0x80000000 %#x%s\n"
    gib = 1 << 30
    known = {2: "28a1fe9e6020173e5215022175f48bffbe4f1d94eebb9554ba340725d56852dd",
             1: "ea7a236a9ee0f4dcea3b586c8febbdf94742c7603867833b4d357abda2a85d2b"}
    for start, level, wanted in (("", "", 2), ("", " level=2", 2), ("", " level=1", 1),
                                 (" rtt_level_start=1", "", 1), (" rtt_level_start=2", "", 2)):
        got = script_rim(realm % (33, start) + ripas % (gib, level))
        expect(got == known[wanted], start, level, got)
    for s2sz, base, size, entry in ((34, 2 * gib, gib, 2 * MIB), (35, 2 * gib, gib, gib),
                                    (43, 0, 512 * gib, gib), (44, 0, 512 * gib, 512 * gib),
                                    (48, 512 * gib, gib, gib), (48, 4096, 4096, 4096)):
        rim = Rim("sha256", s2sz, bps=5, wps=5)
        rim.ripas(base, base + size, entry)
        got = script_rim(realm % (s2sz, "") + f"ripas {base} {size}\n")
        expect(got == rim.hex(), s2sz, base, size, got)


@test
def measure_image_is_the_script_of_a_realm_that_starts_at_level_1():
    """The host module starts every realm's tables at level 1, also where 2 would do."""
    write("Image", image(1 << 16, 1 << 16))
    _, rim, steps = measure("-k", "Image", "-m", "1G", "--dtb", "out.dtb", "--steps")
    dtb_ipa = RAM + 2 * MIB
    text = (f"realm s2sz=33 num_bps=1 num_wps=1 hash=0 rtt_level_start=1\nripas {RAM} {1 << 30}\n"
            f"data {RAM} Image\ndata {dtb_ipa} out.dtb\nrec pc={RAM} x0={dtb_ipa}\n")
    write("image.script", text)
    code, out, err = measure("-f", "image.script")
    expect(code == 0 and out == rim and "s2sz=33" in steps, code, out, rim, err)


@test
def measure_script_refuses():
    realm = "realm s2sz=40 num_bps=1 num_wps=1 hash=sha256\n"
    for script, text in (
            ("", "no realm"), ("rec pc=0\n", "must come first"), (realm + realm, "created once"),
            (realm + "data 0x10 fill:0\n", "page-aligned"), (realm + "data 0\n", "source"),
            (realm + "data 0 fill:256\n", "byte"), (realm + "data 0 missing\n", "No such file"),
            (realm + "ripas 0 0x1000 level=2\n", "aligned"), (realm + "ripas 0 0\n", "empty"),
            (realm + "ripas 0 0x1000 level=4\n", "level: not a number in range"),
            (realm + "ripas 0 0x1000 level=0\n", "not aligned to its entries"),
            ("realm hash=2\n", "neither 0 (SHA-256) nor 1 (SHA-512)"),
            ("realm hash=256\n", "neither 0"), ("realm hash=md5\n", "hash: must be"),
            ("realm hash=0 rtt_level_start=4\n", "rtt_level_start: not a number in range"),
            (realm + "ripas 0x1000 0xfffffffffffff000\n", "wraps"),
            (realm + "rec pc=1 pq=2\n", "means nothing"),
            (realm + "rec pc=1x\n", "pc: not a number"),
            (realm + "jump 5\n", "line 2: unknown operation"), ("realm s2sz=40\n", "needs hash"),
            ("realm s2sz=256 hash=sha256\n", "s2sz"), (realm + "rem 4 00\n", "index"),
            (realm + "rem 0 0\n", "hexadecimal"), (realm + "#" + "x" * 5000 + "\n", "too long")):
        code, out, err = measure("-f", "-", stdin=script.encode())
        expect(code == 3 and out == "" and text in err, repr(script[-60:]), code, out, err)


@test
def measure_takes_the_values_that_rvm_takes():
    write("Image", image(1 << 16, 1 << 16))
    realm = ["-k", "Image", "-m", "32M"]
    for good, same in ((["-k", "Image", "-m", "32m"], realm),
                       (["-k", "Image", "-m", "33554432"], realm),
                       ([*realm, "-s", "2m"], [*realm, "-s", "2048K"])):
        expect(measure(*good)[:2] == measure(*same)[:2] and measure(*good)[0] == 0, good)
    for text, value in (("0xDEADbeef", b"\xde\xad\xbe\xef"), ("deadbeef", b"deadbeef"),
                        ("0x", b""), ("", b""), ("0x" + "5a" * 64, b"\x5a" * 64),
                        ("x" * 64, b"x" * 64)):
        code, out, err = measure(*realm, "-p", "-r", text)
        expect(code == 0 and json.loads(out)["realm"]["rpv"] == value.ljust(64, b"\0").hex(), text,
               err)
    for option, values in (("--mem", ("0x2000000", "32MB", "-1", "", "32 M", "99999999999G")),
                           ("--csm", ("0x200000", "2T")), ("--cpus", ("0", "65", "0x1", "+1")),
                           ("--sve", ("0", "100", "2176", "0x100")), ("--pmu", ("0", "32", "0x4")),
                           ("--hash", ("sha-256", "SHA256", "0"))):
        for value in values:
            code, out, err = measure(*realm, option, value)
            expect(code == 3 and out == "" and f"{option}: {value}: must be" in err, option, value,
                   code, err)
    for value in ("x" * 65, "0x" + "00" * 65, "0x0", "0xzz"):
        code, out, err = measure(*realm, "-p", "-r", value)
        expect(code == 3 and out == "" and "--rpv: must be text" in err, value, code, err)


@test
def files_that_never_end_are_refused():
    """Nor is a FIFO waited for as an image, as rvm does not."""
    write("Image", image(1 << 16, 1 << 16))
    write("empty", "")
    if not os.path.exists(path("fifo")):
        os.mkfifo(path("fifo"))
    for name, text in (("/dev/zero", "is not a regular file"), ("fifo", "is not a regular file"),
                       (".", "is a directory"), ("empty", "is empty")):
        for arguments in (["-k", name, "-m", "64M"], ["-k", "Image", "-m", "64M", "-i", name]):
            code, out, err = measure(*arguments)
            expect(code == 3 and out == "" and f"{name}: {text}" in err, arguments, code, out, err)
        code, out, err = measure("-f", "-", stdin=f"realm hash=0 s2sz=33\ndata 0 {name}\n".encode())
        expect(code == 3 and out == "" and f"{name}: {text}" in err, name, code, out, err)
    code, out, err = measure("-f", "/dev/zero")
    expect(code == 3 and "line too long" in err, code, err)
    for name, text in (("/dev/zero", "longer than 262144 bytes, which no policy is"),
                       (".", "Is a directory"), ("missing.json", "No such file or directory"),
                       ("empty", "line 1: ")):
        code, out, err = verify("-a", "platform.pem", "-p", name, "good.cbor")
        expect((code, out, err.count("\n")) == (3, "", 1)
               and err.startswith(f"cca-verify: {name}: {text}"), name, code, out, err)


@test
def measure_image_refuses():
    write("Image", image(1 << 16, 8 * MIB))
    write("small", b"MZ")
    write("gz", b"\x1f\x8b\x08" + bytes(100))
    for arguments, text in (
            (["-k", "small", "-m", "64M"], "not an uncompressed arm64 Image"),
            (["-k", "gz", "-m", "64M"], "gzip"),
            (["-k", "missing", "-m", "64M"], "No such file"),
            (["-k", "Image", "-m", "8M"], "too little"),
            (["-k", "Image", "-m", "65M"], "multiple of 2 MiB"),
            (["-k", "Image", "-m", "64Q"], "--mem"),
            (["-k", "Image", "-m", "255G", "--csm", "200G"], "do not fit"),
            (["-k", "Image", "-m", "64M", "-n", "65"], "cpus: 65"),
            (["-k", "Image", "-m", "64M", "-n", "0"], "cpus: 0"),
            (["-k", "Image", "-m", "64M", "-c", "x" * 2048], "command line"),
            (["-k", "Image", "-m", "64M", "-H", "md5"], "--hash"),
            (["-k", "Image", "-m", "64M", "--sve", "100"], "--sve"),
            (["-k", "Image", "-m", "64M", "-f", "-"], "--script"),
            (["-k", "Image", "-m", "64M", "-r", "x"], "--policy"),
            (["-m", "64M"], "--kernel"), (["-k", "Image", "-m", "64M", "x"], "unexpected")):
        code, out, err = measure(*arguments)
        expect(code == 3 and out == "" and text in err, arguments, code, out, err)


@test
def measure_policy_is_understood_by_verify():
    write("Image", image(1 << 16, 1 << 16))
    code, rim, _ = measure("-k", "Image", "-m", "32M")
    code, out, err = measure("-k", "Image", "-m", "32M", "--policy", "--rpv", "owner", "--anchor",
                             "platform.pem")
    expect(code == 0, err)
    write("made.json", out)
    policy = json.loads(out)
    expect(policy["realm"]["rim"] == rim.strip(), policy)
    expect(policy["realm"]["rpv"] == b"owner".ljust(64, b"\0").hex(), policy)
    code, out, err = verify("-p", "made.json", "-j", "good.cbor")
    told = [m["what"] for m in json.loads(out)["mismatches"]]
    expect(code == 1 and told == ["realm.rim", "realm.rpv"], code, told, err)
    policy["realm"] = {"rim": bytes(range(0x10, 0x30)).hex(), "hash": "sha-256",
                       "rpv": bytes(range(0x80, 0xc0)).hex()}
    write("made.json", json.dumps(policy))
    code, _, err = verify("-p", "made.json", "good.cbor")
    expect(code == 0, code, err)


@test
def measure_says_so_when_memory_runs_out():
    write("Image", image(1 << 16, 1 << 16))
    swept("cca-measure", "-k", "Image", "-m", "32M", "-p", "-a", "platform.pem", "-r", "owner")
