#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Tests of cca-verify and cca-measure as programs, against independent readings in Python.

usage: programs.py BIN-DIR WORK-DIR

Tokens are decoded a second time with cbor2 and their signatures checked with plain integer
arithmetic; measurements are computed a second time with hashlib. Prints TAP. Tests run side by
side, each with a copy of the files that make-token writes.
"""

import hashlib
import importlib
import json
import multiprocessing
import os
import re
import subprocess
import sys
import traceback
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import cbor2

sys.dont_write_bytecode = True
from harness import (BASE, BIN, HERE, TESTS, Skip, expect, image, jwk, path,  # noqa: E402
                     pem_point, read, swept, test, verify, work_in, write)

# Their tests join TESTS.
for module in ("anchors", "corims", "library", "logs", "measuring", "pairs", "results",
               "signed"):
    importlib.import_module(module)

TF_A = "/usr/src/caec/arm-trusted-firmware/plat/qemu/common"
# Policies with the measurement of the maker's tokens, by token; main() writes them.
RIM = {name: "rim64.json" if name == "sha512.cbor" else "rim32.json"
       for name in ("good.cbor", "noid.cbor", "sha512.cbor")}


# --- ECDSA on P-384 with integers (FIPS 186-5, 6.4.2) ---

P = 2**384 - 2**128 - 2**96 + 2**32 - 1
N = int("ffffffffffffffffffffffffffffffffffffffffffffffff"
        "c7634d81f4372ddf581a0db248b0a77aecec196accc52973", 16)
B = int("b3312fa7e23ee7e4988e056be3f82d19181d9c6efe814112"
        "0314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aef", 16)
G = (int("aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b98"
         "59f741e082542a385502f25dbf55296c3a545e3872760ab7", 16),
     int("3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147c"
         "e9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f", 16))


def add(a, b):
    if a is None or b is None:
        return a or b
    if a[0] == b[0] and (a[1] + b[1]) % P == 0:
        return None
    if a == b:
        slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, P)
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def times(k, point):
    result = None
    while k:
        if k & 1:
            result = add(result, point)
        point, k = add(point, point), k >> 1
    return result


def ecdsa_good(point, message, signature):
    x, y = point
    if (y * y - x * x * x + 3 * x - B) % P:
        return False
    r, s = (int.from_bytes(part, "big") for part in (signature[:48], signature[48:]))
    if not (0 < r < N and 0 < s < N and len(signature) == 96):
        return False
    e = int.from_bytes(hashlib.sha384(message).digest(), "big")
    w = pow(s, -1, N)
    at = add(times(e * w % N, G), times(r * w % N, point))
    return at is not None and at[0] % N == r


def sign1_good(sign1, point):
    protected, _, payload, signature = sign1.value
    message = cbor2.dumps(["Signature1", protected, b"", payload])
    return ecdsa_good(point, message, signature)


def key_point(cose_key):
    return tuple(int.from_bytes(cose_key[label], "big") for label in (-2, -3))


# --- cca-verify ---

def independent_check(token_bytes, shown, anchor_point):
    """Everything --json says is what a second decoder finds, and both signatures are good."""
    outer = cbor2.loads(token_bytes)
    expect(outer.tag == 399 and list(outer.value) == [44234, 44241], outer)
    platform, realm = (cbor2.loads(outer.value[k]) for k in (44234, 44241))
    p, r = cbor2.loads(platform.value[2]), cbor2.loads(realm.value[2])
    expect(sign1_good(realm, key_point(cbor2.loads(r[44237]))), "realm signature")
    expect(sign1_good(platform, anchor_point), "platform signature")
    expect(hashlib.sha256(r[44237]).digest() == p[10], "binding")
    expect(shown["realm"] == {
        "id": r[-70001].hex() if -70001 in r else None, "hash": r[44236], "rim": r[44238].hex(),
        "rem": [m.hex() for m in r[44239]], "rpv": r[44235].hex(), "challenge": r[10].hex(),
        "signature": "ES384", "public-key-hash": r[44240], "public-key": r[44237].hex(),
        "profile": r[265], "mec-policy": r.get(44243), "lfa-policy": None,
        "instance-id": r[256].hex() if 256 in r else None,
        "devices-token-hash": None,
        "sharings": r[-70002].hex() if -70002 in r else None}, shown["realm"])
    components = [{"type": c[1], "measurement": c[2].hex(), "version": c.get(4),
                   "signer-id": c[5].hex(), "hash": c[6], "live-activation": None}
                  for c in p[2399]]
    expect(shown["platform"] == {
        "implementation-id": p[2396].hex(), "instance-id": p[256].hex(), "lifecycle": "secured",
        "lifecycle-value": p[2395], "hash": p[2402], "config": p[2401].hex(),
        "verification-service": p[2400], "signature": "ES384", "profile": p[265],
        "components": components, "client-id": None, "manufacturing-config": None},
        shown["platform"])


@test
def verify_agrees_with_an_independent_reading():
    for name in ("good.cbor", "sha512.cbor", "noid.cbor"):
        code, out, err = verify("--json", "--anchor", "platform.pem", "--policy", RIM[name], name)
        expect(code == 0 and err == "", name, code, err)
        shown = json.loads(out)
        expect(shown["result"] == "ok" and shown["anchor"] == "platform.pem", out)
        independent_check(read(name), shown, pem_point("platform.pem"))


@test
def verify_exit_codes():
    cases = [
        (0, ["-p", "rim32.json", "-a", "platform.pem", "good.cbor"], ""),
        (0, ["-p", "rim32.json", "-a", "es256.pem", "-a", "platform.pem", "good.cbor"], ""),
        (0, ["-p", "rim32.json", "-a", "es256.pem", "es256.cbor"], ""),
        (4, ["-a", "platform.pem", "good.cbor"], "nothing says which realm"),
        (4, ["-a", "platform.pem", "-c", bytes(range(0x40, 0x80)).hex(), "good.cbor"],
         "nothing says which realm"),
        (0, ["-p", "rim32.json", "-a", "platform.pem", "unknown.cbor"], ""),
        (0, ["-p", "rim32.json", "-a", "platform.pem", "cmw.cbor"], ""),
        (2, ["--strict", "-a", "platform.pem", "unknown.cbor"], "unknown key -5"),
        (2, ["--strict", "-a", "platform.pem", "cmw.cbor"], "tag 907, must be 399"),
        (5, ["-a", "platform.pem", "profile.cbor"],
         "profile tag:arm.com,2024:realm#2.0.0 is not supported"),
        (5, ["-j", "-a", "platform.pem", "profile.cbor"], "is not supported"),
        (1, ["--no-anchor", "good.cbor"], "was not checked"),
        (1, ["-a", "platform.pem", "-c", "00", "good.cbor"], "realm.challenge"),
        (1, ["-a", "platform.pem", "debug.cbor"], "platform.lifecycle"),
        (0, ["-p", "rim32.json", "-a", "platform.pem", "pre10.cbor"], ""),
        (0, ["-p", "rim32.json", "-a", "platform.pem", "profile2024.cbor"], ""),
        (0, ["-p", "rim32.json", "-a", "platform.pem", "profile2026.cbor"], ""),
        (5, ["--strict", "-a", "platform.pem", "profile2024.cbor"], "not that of RMM 1.0"),
        (0, ["--platform-only", "-a", "platform.pem", "platform.cbor"], ""),
        (0, ["--platform-only", "-a", "platform.pem", "good.cbor"], ""),
        (2, ["-a", "platform.pem", "platform.cbor"], "tag 18"),
        (1, ["--platform-only", "-p", "rim32.json", "-a", "platform.pem", "platform.cbor"],
         "realm: expected, but the token has no realm part"),
        (0, ["--realm-only", "-p", "rim32.json", "-a", "realm.pem", "realm.cbor"], ""),
        (4, ["--realm-only", "-a", "realm.pem", "realm.cbor"], "nothing says which realm"),
        (2, ["--realm-only", "-a", "platform.pem", "realm.cbor"], "none of the trust anchors"),
        (1, ["--realm-only", "--no-anchor", "realm.cbor"], "was not compared"),
        (3, ["--realm-only", "--platform-only", "-a", "platform.pem", "good.cbor"],
         "leaves nothing of the realm"),
        (3, ["-j", "-i", "-a", "platform.pem", "good.cbor"], "one of --json, --ear"),
        (3, ["--ear-profile", "x", "-a", "platform.pem", "good.cbor"], "ietf or veraison"),
        (2, ["-a", "platform.pem", "es256.cbor"], "not signed by any"),
        (2, ["-a", "platform.pem", "badplatform.cbor"], "not signed by any"),
        (2, ["-a", "platform.pem", "badrealm.cbor"], "realm token: not signed"),
        (2, ["--no-anchor", "badrealm.cbor"], "realm token: not signed"),
        (2, ["-a", "platform.pem", "platform.pem"], "malformed at byte"),
        (2, ["-a", "platform.pem", "/dev/null"], "the data ends here"),
        (2, ["-a", "platform.pem", "/dev/zero"], "longer than 16384"),
        (3, ["good.cbor"], "no trust anchor"),
        (3, ["--no-anchor", "-a", "platform.pem", "good.cbor"], "there are trust anchors"),
        (3, ["-a", "platform.pem", "missing.cbor"], "No such file"),
        (3, ["-a", "missing.pem", "good.cbor"], "No such file"),
        (3, ["-a", "good.cbor", "good.cbor"], "public key"),
        (3, ["-a", "platform.pem", "-c", "xyz", "good.cbor"], "hexadecimal"),
        (3, ["-a", "platform.pem", "-p", "missing.json", "good.cbor"], "missing.json"),
        (3, ["-a", "platform.pem", "good.cbor", "good.cbor"], "one token"),
        (3, ["--nonsense"], "usage"),
    ]
    for wanted, arguments, text in cases:
        code, _, err = verify(*arguments)
        expect(code == wanted and text in err, arguments, code, err)


@test
def realm_program_gives_the_same_answers():
    """The static AArch64 program, in an emulator."""
    program = os.path.join(os.environ["REALM_BIN"], "cca-verify")
    write("want.json", json.dumps({"caec-policy": 1, "anchors": ["platform.pem"],
                                   "realm": {"rim": bytes(range(0x10, 0x30)).hex()}}))
    write("jwk.json", json.dumps({"caec-policy": 1, "anchors": [jwk(pem_point("platform.pem"))],
                                  "realm": {"rim": bytes(range(0x10, 0x30)).hex()}}))
    for policy, name in (("want.json", "good.cbor"), ("jwk.json", "good.cbor"),
                         ("want.json", "badplatform.cbor"), ("want.json", "badrealm.cbor"),
                         ("want.json", "sha512.cbor"), ("want.json", "want.json")):
        theirs = subprocess.run(["qemu-aarch64", program, "-j", "-p", policy, name], cwd=path(""),
                                capture_output=True, timeout=300)
        code, out, err = verify("-j", "-p", policy, name)
        expect((theirs.returncode, theirs.stdout.decode(), theirs.stderr.decode())
               == (code, out, err), name, theirs, code, out, err)


@test
def verify_reads_standard_input_and_challenge_files():
    challenge = bytes(range(0x40, 0x80))
    write("challenge", challenge)
    for option in (challenge.hex(), "@challenge"):
        for arguments in ([], ["-"]):
            code, out, err = verify("-p", "rim32.json", "-a", "platform.pem", "-c", option,
                                    *arguments, stdin=read("good.cbor"))
            expect(code == 0 and "compared" in out, code, out, err)
    code, _, err = verify("-a", "platform.pem", "-c", "@good.cbor", "good.cbor")
    expect(code == 3 and "1 to 64" in err, code, err)


@test
def verify_prints_the_realm_id_only_of_a_good_token():
    code, out, _ = verify("-i", "-p", "rim32.json", "-a", "platform.pem", "good.cbor")
    expect(code == 0 and out == "1122334455667788\n", code, out)
    code, out, _ = verify("--identity", "-p", "rim32.json", "-a", "platform.pem", "good.cbor")
    expect(code == 0 and out == "1122334455667788 " + bytes(range(0x10, 0x30)).hex() + "\n", out)
    code, out, _ = verify("--identity", "-a", "platform.pem", "good.cbor")
    expect(code == 4 and out == "", code, out)
    code, out, err = verify("-i", "-a", "platform.pem", "good.cbor")
    expect(code == 4 and out == "" and "which realm" in err, code, out, err)
    code, out, err = verify("-i", "-p", "rim32.json", "-a", "platform.pem", "noid.cbor")
    expect(code == 1 and out == "" and "carries none" in err, code, out, err)
    for arguments in (["-a", "platform.pem", "badplatform.cbor"], ["--no-anchor", "good.cbor"],
                      ["-a", "platform.pem", "noid.cbor"],
                      ["-a", "platform.pem", "-c", "00", "good.cbor"]):
        code, out, err = verify("-i", *arguments)
        expect(code != 0 and out == "" and err != "", arguments, code, out)


@test
def verify_shows_nothing_of_a_token_that_is_not_genuine():
    for name in ("badrealm.cbor", "badplatform.cbor"):
        _, out, _ = verify("-a", "platform.pem", name)
        expect(out == "result: invalid\n", out)
        _, out, _ = verify("-j", "-a", "platform.pem", name)
        shown = json.loads(out)
        expect("realm" not in shown and "platform" not in shown, out)


@test
def verify_policy_tells_each_mismatch():
    policy = {"caec-policy": 1, "anchors": ["platform.pem"],
              "challenge": bytes(range(0x40, 0x80)).hex(),
              "realm": {"rim": bytes(range(0x10, 0x30)).hex(), "id": "1122334455667788"},
              "platform": {"lifecycle": ["secured"]}}
    write("good.json", json.dumps(policy))
    code, out, err = verify("-p", "good.json", "good.cbor")
    expect(code == 0, code, out, err)
    policy["realm"]["rim"] = "00" * 32
    policy["realm"]["id"] = "00000000000000ff"
    write("bad.json", json.dumps(policy))
    code, out, err = verify("-j", "-p", "bad.json", "good.cbor")
    told = [m["what"] for m in json.loads(out)["mismatches"]]
    expect(code == 1 and told == ["realm.rim", "realm.id"], code, told)
    expect("realm.rim: expected 0000" in err and "realm.id: expected 00000000000000ff" in err, err)


@test
def verify_compares_signers_and_versions_of_components():
    _, out, _ = verify("-j", "-a", "platform.pem", "good.cbor")
    shown = json.loads(out)["platform"]["components"]
    wanted = {c["type"]: {part: c[part] for part in ("measurement", "signer-id", "version")}
              for c in shown}
    policy = json.loads(read("rim32.json"))
    policy["platform"] = {"components": wanted}
    write("components.json", json.dumps(policy))
    code, _, err = verify("-p", "components.json", "-a", "platform.pem", "good.cbor")
    expect(code == 0 and len(shown) == 2, shown, code, err)
    for part, value, told in (("signer-id", "00" * 32, "expected " + "00" * 32),
                              ("version", "1.2.4", 'expected "1.2.4", token has "1.2.3"'),
                              ("version", ["2", "3"], "expected one of 2 versions")):
        policy["platform"] = {"components": {"BL31": wanted["BL31"],
                                             "RMM": {**wanted["RMM"], part: value}}}
        write("components.json", json.dumps(policy))
        code, _, err = verify("-p", "components.json", "-a", "platform.pem", "good.cbor")
        expect(code == 1 and err.count("\n") == 1
               and f"platform.components.RMM.{part}: {told}" in err, part, code, err)


@test
def verify_says_what_was_not_compared():
    code, out, _ = verify("-j", "-a", "platform.pem", "good.cbor")
    everything = ["challenge", "realm.rim", "realm.rem0", "realm.rem1", "realm.rem2", "realm.rem3",
                  "realm.rpv", "realm.id", "platform.implementation-id", "platform.instance-id",
                  "platform.config", "platform.components"]
    shown = json.loads(out)
    expect(code == 4 and shown["result"] == "unidentified" and shown["not-compared"] == everything,
           code, out)
    _, text, _ = verify("-a", "platform.pem", "good.cbor")
    told = re.findall(r"^  not compared +([a-z0-9.-]+): ", text, re.M)
    expect(told == everything and text.endswith("result: unidentified\n"), text)
    expected = {"caec-policy": 1, "challenge": bytes(range(0x40, 0x80)).hex(), "realm": {
        "rim": bytes(range(0x10, 0x30)).hex(), "rem2": bytes(range(0x40, 0x60)).hex(),
        "id": "1122334455667788"}, "platform": {"config": "c0c1c2c3"}}
    write("some.json", json.dumps(expected))
    code, out, err = verify("-j", "-p", "some.json", "-a", "platform.pem", "good.cbor")
    left = [part for part in everything if part not in (
        "challenge", "realm.rim", "realm.rem2", "realm.id", "platform.config")]
    expect(code == 0 and json.loads(out)["not-compared"] == left, code, out, err)


@test
def verify_lists_what_it_does_not_understand():
    code, out, err = verify("-j", "-p", "rim32.json", "-a", "platform.pem", "unknown.cbor")
    shown = json.loads(out)
    expect(code == 0 and shown["realm"]["mec-policy"] == 1 and shown["tag"] == 399, code, out, err)
    expect(shown["not-understood"] == [
        {"where": "platform claims", "key": "-5"}, {"where": "realm claims", "key": "11"},
        {"where": "realm claims", "key": '"x-vendor"'},
        {"where": "realm claims", "key": "1b5b324a"}],
        shown["not-understood"])
    code, out, _ = verify("-p", "rim32.json", "-a", "platform.pem", "unknown.cbor")
    expect("  not understood         realm claims: 11\n" in out and "\x1b" not in out
           and "mec policy             1\n" in out, out)
    code, out, _ = verify("-j", "-p", "rim32.json", "-a", "platform.pem", "cmw.cbor")
    expect(code == 0 and json.loads(out)["tag"] == 907, code, out)


@test
def verify_judges_the_same_when_memory_runs_out():
    for name, anchor in (("jwk.json", jwk(pem_point("platform.pem"))),
                         ("wrong.json", "platform.pem")):
        write(name, json.dumps({"caec-policy": 1, "anchors": [anchor],
                                "realm": {"rim": "00" * 32}}))
    swept("cca-verify", "-i", "-p", "jwk.json", "-c", "00", "good.cbor")
    swept("cca-verify", "-j", "-p", "wrong.json", "good.cbor")


@test
def output_that_is_not_taken_is_an_error():
    good = ["-p", "rim32.json", "-a", "platform.pem", "good.cbor"]
    write("Image", image(1 << 16, 1 << 16))
    realm = ["-k", "Image", "-m", "32M"]
    for program, arguments in (
            ("cca-verify", good), ("cca-verify", ["-j", *good]), ("cca-verify", ["-i", *good]),
            ("cca-verify", ["--help"]), ("cca-verify", ["-a", "platform.pem", "badrealm.cbor"]),
            ("cca-measure", realm), ("cca-measure", [*realm, "-p"]), ("cca-measure", ["--help"]),
            ("cca-measure", [*realm, "--dtb", "/dev/full"])):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([os.path.join(BIN, program), *arguments], cwd=path(""),
                                  stdout=full, stderr=subprocess.PIPE, timeout=300)
        expect(done.returncode == 3 and b"No space left" in done.stderr, program, arguments, done)
    with open("/dev/full", "wb") as full:
        done = subprocess.run([os.path.join(BIN, "cca-measure"), *realm, "--steps"], cwd=path(""),
                              stdout=subprocess.PIPE, stderr=full, timeout=300)
    expect(done.returncode == 3, done)


@test
def tf_a_sample_platform_token():
    """TF-A's sample platform token and realm key, taken from its source package."""
    if not os.path.isdir(TF_A):
        raise Skip("no TF-A sources in this environment")

    def array(name, variable):
        with open(os.path.join(TF_A, name), encoding="ascii") as file:
            body = re.search(variable + r"\[\]\s*=\s*\{([^}]*)\}", file.read()).group(1)
        return bytes(int(byte, 16) for byte in re.findall(r"0x([0-9A-Fa-f]{2})", body))

    write("tfa-platform", array("qemu_plat_attest_token.c", "sample_platform_token"))
    write("tfa-secret", array("qemu_realm_attest_key.c", "sample_delegated_key"))
    subprocess.run([os.path.join(BIN, "make-token"), "--around", "tfa-platform", "tfa-secret",
                    "tfa.cbor"], cwd=path(""), check=True, timeout=600)
    anchor = os.path.join(HERE, "..", "anchors", "tf-a-sample.pem")
    code, out, err = verify("-j", "-a", anchor, "-p", "rim32.json", "tfa.cbor")
    expect(code == 0, code, err)
    shown = json.loads(out)
    independent_check(read("tfa.cbor"), shown, pem_point(anchor))
    expect(len(shown["platform"]["components"]) == 13, "components")
    code, _, err = verify("-a", "platform.pem", "tfa.cbor")
    expect(code == 2 and "not signed by any" in err, code, err)


def outcome(index):
    """What a test comes to, in a folder and a process of its own: None, or why it failed."""
    function = TESTS[index]
    work_in(os.path.join(f"{BASE}-tests", function.__name__))
    try:
        function()
        return "", None
    except Skip as reason:
        return f" # SKIP {reason}", None
    except Exception as error:  # a test that breaks has failed, whatever broke it
        why = " ".join(repr(error).replace("#", "").split())[:300]
        return f": {why}", traceback.format_exc()


def report(number, function, future):
    """A line of TAP, once the test has ended. Whether it was good."""
    try:
        words, trace = future.result()
    except BrokenProcessPool:  # that test, or one beside it
        words, trace = ": a process of these tests has crashed", ""
    print(f"{'ok' if trace is None else 'not ok'} {number} - {function.__name__}{words}")
    for line in (trace or "").split("\n") if trace is not None else []:
        print("# " + line)
    sys.stdout.flush()
    return trace is None


def main():
    os.makedirs(BASE, exist_ok=True)
    subprocess.run([os.path.join(BIN, "make-token"), BASE], check=True, timeout=600)
    for size in (32, 64):
        write(f"rim{size}.json", json.dumps(
            {"caec-policy": 1, "realm": {"rim": bytes(range(0x10, 0x10 + size)).hex()}}))
    tests = [i for i, t in enumerate(TESTS) if os.environ.get("ONLY", "") in t.__name__]
    print(f"1..{len(tests)}", flush=True)
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("fork")) as pool:
        futures = [pool.submit(outcome, index) for index in tests]
        good = [report(number, TESTS[index], future)
                for number, (index, future) in enumerate(zip(tests, futures), 1)]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
