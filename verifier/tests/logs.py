# SPDX-License-Identifier: BSD-3-Clause
"""Measurement logs: read, compared with an image, and refused."""

import hashlib
import json
import os

from harness import MIB, RAM, BASE, expect, image, measure, path, read, swept, test, write

KERNEL = image(1 << 16, 1 << 16)[:12 * 4096 + 77]
INITRD = b"initramfs" * 1000
OPTIONS = ["-k", "Image", "-i", "initrd", "-m", "1026M", "-n", "2"]


def data(ipa, content, algorithm):
    for at in range(0, len(content), 4096):
        page = content[at:at + 4096].ljust(4096, b"\0")
        yield {"op": "data", "ipa": hex(ipa + at), "flags": 1,
               "content": hashlib.new(algorithm, page).hexdigest()}


def entries(algorithm="sha256"):
    """The log of the realm of OPTIONS, as its layout has it."""
    dtb_ipa = RAM + 2 * MIB
    return [{"caec-measurement-log": 1, "op": "realm", "hash": algorithm.replace("sha", "sha-"),
             "s2sz": 33, "flags": 0, "sve_vl": 0, "num_bps": 1, "num_wps": 1, "pmu_num_ctrs": 0,
             "rtt_level_start": 1, "rpv": "00" * 64},
            {"op": "ripas", "base": hex(RAM), "size": hex(1026 * MIB)},
            *data(RAM, KERNEL, algorithm), *data(dtb_ipa, read("log.dtb"), algorithm),
            *data(dtb_ipa + 2 * MIB, INITRD, algorithm),
            {"op": "rec", "mpidr": "0x0", "flags": 1, "pc": hex(RAM),
             "gprs": [hex(dtb_ipa)] + ["0x0"] * 7},
            {"op": "rec", "mpidr": "0x1", "flags": 0, "pc": "0x0", "gprs": ["0"] * 8}]


def text(lines):
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def keep(log):
    """For the fuzzer to begin with."""
    folder = BASE + "-logs"
    os.makedirs(folder, exist_ok=True)
    if len(log) < 4096:
        write(os.path.join(folder, hashlib.sha256(log).hexdigest()[:16]), log)


def judge(log, *options):
    log = log if isinstance(log, bytes) else text(log)
    keep(log)
    return measure("--log", "-", *options, stdin=log)


def prepare(*options):
    """The images, and the RIM that their realm has."""
    write("Image", KERNEL)
    write("initrd", INITRD)
    code, out, err = measure(*OPTIONS, *options, "--dtb", "log.dtb")
    expect(code == 0, err)
    return out.strip()


@test
def log_leads_to_the_rim_of_its_realm():
    for algorithm in ("sha256", "sha512"):
        rim = prepare("-H", algorithm)
        log = entries(algorithm)
        keep(text(log[:2] + log[-2:]))
        for options in ([], ["--rim", rim], OPTIONS + ["-H", algorithm],
                        [*OPTIONS, "-H", algorithm, "--rim", rim]):
            expect(judge(log, *options) == (0, rim + "\n", ""), algorithm, options,
                   judge(log, *options))
        write("file.log", text(log))
        expect(measure("-l", "file.log", "-R", rim)[0] == 0, "from a file")
        code, _, err = judge(log, "--steps")
        expect(code == 0 and err.count("\n") == len(log) and f"line {len(log)}: rec" in err, err)
    write("short.log", text(log[:3] + log[-1:]))
    swept("cca-measure", "-l", path("short.log"), "-R", "00" * 64)


@test
def log_of_another_realm_is_told_from_the_rim():
    rim = prepare()
    other = "0" + rim[1:] if rim[0] != "0" else "1" + rim[1:]
    for wrong in (other, rim * 2):
        code, out, err = judge(entries(), "--rim", wrong)
        expect((code, out) == (1, rim + "\n") and "does not lead to the RIM" in err, code, out, err)
    log = entries()
    del log[4]
    code, out, err = judge(log, "--rim", rim)
    expect(code == 1 and out != rim + "\n" and "does not lead" in err, code, out, err)


def without(index):
    log = entries()
    del log[index]
    return log


def changed(index, **members):
    log = entries()
    log[index] = {**log[index], **members}
    return log


@test
def log_departs_from_the_image_and_the_line_is_told():
    rim = prepare()
    count = len(entries())
    extra = {"op": "data", "ipa": "0x80100000", "flags": 1, "content": "ab" * 32}
    dtb = 2 + -(-len(KERNEL) // 4096)
    first_initrd = count - 2 - -(-len(INITRD) // 4096)
    cases = [
        (changed(0, s2sz=34), "line 1: s2sz is 0x22; the reference has 0x21"),
        (changed(0, num_bps=2), "line 1: num_bps is 0x2"),
        (changed(0, num_wps=2), "line 1: num_wps is 0x2"),
        (changed(0, flags=2), "line 1: flags is 0x2"),
        (changed(0, sve_vl=1), "line 1: sve_vl"), (changed(0, pmu_num_ctrs=1), "line 1: pmu_num"),
        (changed(1, size=hex(1028 * MIB)), "line 2: size of the RAM is 0x40400000"),
        (changed(1, base=hex(RAM + MIB * 2)), "line 2: base of the RAM"),
        (changed(3, content="cd" * 32),
         "line 4: the page at 0x80001000 is not the kernel's from byte 4096 on"),
        (changed(dtb, content="cd" * 32),
         f"line {dtb + 1}: the page at 0x80200000 is not the device tree's"),
        (changed(first_initrd, content="cd" * 32), "is not the initramfs's from byte 0 on"),
        (entries()[:3] + [{"op": "data", "ipa": hex(RAM + 4096), "flags": 0}] + entries()[4:],
         "line 4: flags is 0; the reference has 0x1"),
        (without(3), "line 4: a page at 0x80002000; the reference has byte 4096 of the kernel"),
        (entries()[:5] + [extra] + entries()[5:], "line 6: a page at 0x80100000"),
        (without(1), 'line 2: "data"; the reference has "ripas" here'),
        (entries()[:-1], 'the log ends here; the reference has a further "rec"'),
        (entries() + [extra], f'line {count + 1}: "data" beyond the end of the reference'),
        (changed(count - 2, pc=hex(RAM + 4096)), f"line {count - 1}: pc is 0x80001000"),
        (changed(count - 2, flags=0), f"line {count - 1}: flags is 0"),
        (changed(count - 2, gprs=["7"] * 8), f"line {count - 1}: a register is 0x7"),
        (changed(count - 1, mpidr="0x2"), f"line {count}: mpidr is 0x2"),
    ]
    for log, said in cases:
        code, out, err = judge(log, *OPTIONS)
        expect(code == 1 and said in err and len(out) == 65, said, code, out, err)
        same = "mpidr" in said or "further" in said  # of a REC that is not measured
        expect((out == rim + "\n") == same, said, out)
    log = [{**line, "content": "ef" * 32} if "content" in line else line for line in entries()]
    code, _, err = judge(log, *OPTIONS)
    pages = sum("content" in line for line in log)
    expect(code == 1 and err.count("\n") == 11 and f"{pages - 10} departures more" in err, err)
    code, _, err = judge(entries("sha512"), *OPTIONS)
    expect(code == 1 and "line 1: hash is 0x1" in err, code, err)


@test
def log_that_is_none_is_refused():
    prepare()
    realm, ripas = entries()[:2]
    page, rec = entries()[2], entries()[-1]
    many = [realm, {**ripas, "size": hex(1 << 38)}, {**ripas, "size": "4096"}]
    cases = [
        (b"", "no realm in it"), (b"\n", "line 1: no JSON"), (b"[1]\n", "known \"op\""),
        (b"{}\n", "known \"op\""), (b"{\"op\": 1}\n", "known \"op\""), (b"\xff\xfe\n", "no JSON"),
        ([{"op": "jump"}], "known \"op\""), (b"{\"op\"" + b" " * 5000 + b"\n", "too long"),
        (b"[" * 4000 + b"\n", "no JSON"), (text([realm])[:-1], "line 1: cut off"),
        (text([realm])[:40], "cut off"), (text([realm]) + b"{\0}\n", "line 2: "),
        (b'{"op": "realm", "op": "realm"}\n', "duplicate"),
        ([ripas], "must come first"), ([realm, realm], "line 2: \"realm\" must come first"),
        ([{**realm, "caec-measurement-log": 2}], "not a measurement log"),
        ([{**realm, "caec-measurement-log": 0}], "not a measurement log of version 1"),
        ([{**realm, "hash": "md5"}], "neither"), ([{**realm, "hash": 0}], "neither"),
        ([{**realm, "s2sz": 256}], "\"s2sz\""), ([{**realm, "flags": -1}], "\"flags\""),
        ([{**realm, "flags": 1.5}], "\"flags\""), ([{**realm, "rtt_level_start": 3}], "level"),
        ([{**realm, "rpv": "00"}], "\"rpv\""), ([{**realm, "more": 1}], "means nothing"),
        ([{k: v for k, v in realm.items() if k != "sve_vl"}], "\"sve_vl\" is missing"),
        ([realm, {**ripas, "base": "80000000x"}], "\"base\""),
        ([realm, {**ripas, "base": "-1"}], "\"base\""), ([realm, {**ripas, "base": ""}], "base"),
        ([realm, {**ripas, "base": "1" * 30}], "\"base\""),
        ([realm, {**ripas, "base": "0xfffffffffffff000"}], "\"size\""),
        ([realm, {**ripas, "size": "0"}], "empty, not page-aligned or too long"),
        ([realm, {**ripas, "size": "0x10001"}], "empty, not page-aligned or too long"),
        ([realm, {**ripas, "base": "0", "size": "0x7ffffffffffff000"}], "too long"),
        (many, "line 3: range is empty, not page-aligned or too long"),
        ([realm, {**page, "ipa": "0x80000001"}], "page-aligned"),
        ([realm, {**page, "content": "00"}], "not 32 bytes"),
        ([realm, {**page, "content": "zz" * 32}], "not 32 bytes"),
        ([realm, {**page, "flags": 0, "content": "00" * 32}], "means nothing"),
        ([realm, {k: v for k, v in page.items() if k != "content"}], "\"content\" is missing"),
        ([realm, {**rec, "gprs": [0] * 7}], "8 numbers"), ([realm, {**rec, "gprs": 3}], "8 num"),
        ([realm, {**rec, "gprs": [0] * 9}], "8 numbers"),
        ([realm, {**rec, "gprs": [0] * 7 + ["x"]}], "8 numbers"),
    ]
    for log, said in cases:
        for options in ([], OPTIONS):
            code, out, err = judge(log, *options)
            if options and b"\n" in (log if isinstance(log, bytes) else text(log)) or not options:
                expect(code == 3 and out == "" and said in err, said, options, code, out, err)
    for log in (b"", text([realm])[:40]):
        expect(judge(log, *OPTIONS)[0] in (1, 3), log)


@test
def log_options():
    prepare()
    write("ok.log", text(entries()))
    for arguments, said in (
            (["-l", "missing.log"], "No such file"), (["-l", "."], "log: "),
            (["-l", "ok.log", "-p"], "--log: goes with"), (["-l", "ok.log", "-f", "-"], "--log"),
            (["-l", "ok.log", "-C"], "--log"), (["-l", "ok.log", "-k", "Image"], "--mem"),
            (["-l", "ok.log", "-i", "initrd"], "--kernel"),
            (["-l", "ok.log", "--rim", "12"], "--rim: 12: must be"),
            (["-l", "ok.log", "--rim", "zz"], "--rim: zz: must be"),
            (["-l", "ok.log", *OPTIONS, "--dtb", "x"], "--log"),
            ([*OPTIONS, "--rim", "00" * 32], "--log only")):
        code, out, err = measure(*arguments)
        expect(code == 3 and out == "" and said in err, arguments, code, out, err)
