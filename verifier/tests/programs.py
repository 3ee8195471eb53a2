#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Tests of cca-verify and cca-measure as programs, against independent readings in Python.

usage: programs.py BIN-DIR WORK-DIR

Tokens are decoded a second time with cbor2 and their signatures checked with plain integer
arithmetic; measurements are computed a second time with hashlib. Prints TAP.
"""

import base64
import hashlib
import json
import os
import re
import struct
import subprocess
import sys
import traceback

import cbor2

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tests/alloc"))
from sweep import sweep  # noqa: E402

BIN, WORK = (os.path.abspath(p) for p in sys.argv[1:3])
HERE = os.path.dirname(os.path.abspath(__file__))
TF_A = "/usr/src/caec/arm-trusted-firmware/plat/qemu/common"
TESTS = []
# Policies with the measurement of the maker's tokens, by token; main() writes them.
RIM = {name: "rim64.json" if name == "sha512.cbor" else "rim32.json"
       for name in ("good.cbor", "noid.cbor", "sha512.cbor")}


class Skip(Exception):
    pass


def test(function):
    TESTS.append(function)
    return function


def run(program, *arguments, stdin=b""):
    result = subprocess.run([os.path.join(BIN, program), *arguments], cwd=WORK, input=stdin,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)
    return result.returncode, result.stdout.decode(), result.stderr.decode()


def verify(*arguments, stdin=b""):
    return run("cca-verify", *arguments, stdin=stdin)


def measure(*arguments, stdin=b""):
    return run("cca-measure", *arguments, stdin=stdin)


def expect(condition, *shown):
    if not condition:
        raise AssertionError(" ".join(str(s) for s in shown))


def path(name):
    return os.path.join(WORK, name)


def read(name):
    with open(path(name), "rb") as file:
        return file.read()


def write(name, data):
    with open(path(name), "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())
    return name


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
        "profile": r[265], "mec-policy": r.get(44243)}, shown["realm"])
    components = [{"type": c[1], "measurement": c[2].hex(), "version": c.get(4),
                   "signer-id": c[5].hex(), "hash": c[6]} for c in p[2399]]
    expect(shown["platform"] == {
        "implementation-id": p[2396].hex(), "instance-id": p[256].hex(), "lifecycle": "secured",
        "lifecycle-value": p[2395], "hash": p[2402], "config": p[2401].hex(),
        "verification-service": p[2400], "signature": "ES384", "profile": p[265],
        "components": components}, shown["platform"])


def pem_der(name):
    lines = read(name).decode().split("\n")
    return base64.b64decode("".join(line for line in lines if not line.startswith("-")))


def pem_point(name):
    """The point of a P-384 key: the last 96 bytes of its DER form."""
    der = pem_der(name)
    return tuple(int.from_bytes(part, "big") for part in (der[-96:-48], der[-48:]))


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
        theirs = subprocess.run(["qemu-aarch64", program, "-j", "-p", policy, name], cwd=WORK,
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


def swept(*command):
    """No allocation that fails changes the verdict, or passes without a word."""
    faults, runs = sweep(os.path.join(os.environ["PLAIN_BIN"], "failalloc.so"),
                         [os.path.join(os.environ["PLAIN_BIN"], command[0]), *command[1:]],
                         {3}, cwd=WORK, **json.loads(os.environ.get("SWEEP") or
                                                     '{"dense": 300, "step": 32}'))
    expect(not faults and runs > 300, runs, len(faults), faults[:3])


@test
def verify_judges_the_same_when_memory_runs_out():
    for name, anchor in (("jwk.json", jwk(pem_point("platform.pem"))),
                         ("wrong.json", "platform.pem")):
        write(name, json.dumps({"caec-policy": 1, "anchors": [anchor],
                                "realm": {"rim": "00" * 32}}))
    swept("cca-verify", "-i", "-p", "jwk.json", "-c", "00", "good.cbor")
    swept("cca-verify", "-j", "-p", "wrong.json", "good.cbor")


@test
def measure_says_so_when_memory_runs_out():
    write("Image", image(1 << 16, 1 << 16))
    swept("cca-measure", "-k", "Image", "-m", "32M", "-p", "-a", "platform.pem", "-r", "owner")


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
            done = subprocess.run([os.path.join(BIN, program), *arguments], cwd=WORK, stdout=full,
                                  stderr=subprocess.PIPE, timeout=300)
        expect(done.returncode == 3 and b"No space left" in done.stderr, program, arguments, done)
    with open("/dev/full", "wb") as full:
        done = subprocess.run([os.path.join(BIN, "cca-measure"), *realm, "--steps"], cwd=WORK,
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
                    "tfa.cbor"], cwd=WORK, check=True, timeout=600)
    anchor = os.path.join(HERE, "..", "anchors", "tf-a-sample.pem")
    code, out, err = verify("-j", "-a", anchor, "-p", "rim32.json", "tfa.cbor")
    expect(code == 0, code, err)
    shown = json.loads(out)
    independent_check(read("tfa.cbor"), shown, pem_point(anchor))
    expect(len(shown["platform"]["components"]) == 13, "components")
    code, _, err = verify("-a", "platform.pem", "tfa.cbor")
    expect(code == 2 and "not signed by any" in err, code, err)


# --- trust anchors ---

def base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def jwk(point, **members):
    return {"kty": "EC", "crv": "P-384", "x": base64url(point[0].to_bytes(48, "big")),
            "y": base64url(point[1].to_bytes(48, "big")), **members}


def cose_key(point, extra=None):
    return cbor2.dumps({1: 2, -1: 2, -2: point[0].to_bytes(48, "big"),
                        -3: point[1].to_bytes(48, "big"), **(extra or {})})


def openssl(*arguments, stdin=b""):
    return subprocess.run(["openssl", *arguments], cwd=WORK, input=stdin, check=True, timeout=300,
                          capture_output=True).stdout


def anchor_files():
    """The platform's key in every form, and in files with something beside it."""
    point, der = pem_point("platform.pem"), pem_der("platform.pem")
    rsa = {"kty": "RSA", "n": "AQAB", "e": "AQAB"}
    write("ca.key", openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout"))
    certificate = openssl("x509", "-new", "-subj", "/CN=platform", "-key", "ca.key", "-days", "1",
                          "-force_pubkey", "platform.pem")
    files = {
        "key.der": der, "cert.pem": certificate,
        "cert.der": openssl("x509", "-outform", "DER", stdin=certificate),
        "told.pem": b"CPAK {of} some platform\n" + read("platform.pem"),
        "key.jwk": json.dumps(jwk(point)), "spaced.jwk": "\n " + json.dumps(jwk(point), indent=4),
        "full.jwk": json.dumps(jwk(point, alg="ES384", use="sig", key_ops=["verify"], kid="cpak")),
        "set.jwks": json.dumps({"keys": [rsa, jwk(pem_point("other.pem")), jwk(point)]}),
        "key.cose": cose_key(point), "full.cose": cose_key(point, {3: -35, 2: b"cpak", 4: [2]})}
    return [write(name, content) for name, content in files.items()]


@test
def anchors_may_have_any_form_of_a_public_key():
    write("other.key", openssl("ecparam", "-name", "secp384r1", "-genkey", "-noout"))
    write("other.pem", openssl("pkey", "-in", "other.key", "-pubout"))
    write("Image", image(1 << 16, 1 << 16))
    for name in ["platform.pem", *anchor_files()]:
        code, out, err = verify("-p", "rim32.json", "-a", name, "-j", "good.cbor")
        expect(code == 0 and json.loads(out)["anchor"] == name, name, code, err)
        code, out, err = measure("-k", "Image", "-m", "32M", "-p", "-a", name)
        made = json.loads(out)["anchors"] if code == 0 else []
        expect(made[-1:] == [read("platform.pem").decode()], name, code, err, made)
        expect(len(made) == (2 if name == "set.jwks" else 1), name, made)
    for inline in (jwk(pem_point("platform.pem")), json.loads(read("set.jwks"))):
        write("inline.json", json.dumps({"caec-policy": 1, "anchors": [inline], "realm": {
            "rim": bytes(range(0x10, 0x30)).hex()}}))
        code, _, err = verify("-p", "inline.json", "good.cbor")
        expect(code == 0, inline, code, err)
    code, _, err = verify("-p", "rim32.json", "-a", "other.pem", "good.cbor")
    expect(code == 2 and "not signed by any" in err, code, err)


def private_keys():
    sec1 = openssl("ecparam", "-name", "secp384r1", "-genkey")
    pkcs8 = openssl("pkcs8", "-topk8", "-nocrypt", stdin=sec1)
    rsa = openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024")
    give = "give the public key alone: openssl pkey -in KEY -pubout"
    point = pem_point("platform.pem")
    return [
        ("ec.key", sec1, 'private key ("EC PRIVATE KEY"): ' + give),
        ("pkcs8.key", pkcs8, 'private key ("PRIVATE KEY"): ' + give),
        ("both.key", read("platform.pem") + pkcs8, 'private key ("PRIVATE KEY"): ' + give),
        ("locked.key", openssl("pkcs8", "-topk8", "-passout", "pass:x", stdin=sec1),
         'private key ("ENCRYPTED PRIVATE KEY"): ' + give),
        ("rsa.key", openssl("rsa", "-traditional", stdin=rsa),
         'private key ("RSA PRIVATE KEY"): ' + give),
        ("ec.der", openssl("ec", "-outform", "DER", stdin=sec1), "private key: " + give),
        ("pkcs8.der", openssl("pkcs8", "-topk8", "-nocrypt", "-outform", "DER", stdin=sec1),
         "private key: " + give),
        ("d.jwk", json.dumps(jwk(point, d="AAAA")), 'private key: give a copy without "d"'),
        ("d.jwks", json.dumps({"keys": [jwk(point), jwk(point, d="AAAA")]}),
         'private key: give a copy without "d"'),
        ("oct.jwk", json.dumps({"kty": "oct", "k": "AAAA"}), "private key"),
        ("rsa.jwks", json.dumps({"keys": [{"kty": "RSA", "d": "AQAB"}, jwk(point)]}),
         "private key"),
        ("d.cose", cose_key(point, {-4: b"x" * 48}), "private key: give a copy without parameter")]


def public_keys_of_no_use():
    def public(*arguments):
        return openssl("pkey", "-pubout", stdin=openssl("genpkey", *arguments))

    point, der = pem_point("platform.pem"), pem_der("platform.pem")
    away = (point[0], point[1] ^ 1)
    good = jwk(point)
    off_pem = base64.encodebytes(der[:-1] + bytes([der[-1] ^ 1])).decode()
    return [
        ("rsa.pem", public("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"), "P-384"),
        ("k1.pem", public("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"), "P-384"),
        ("ed.pem", public("-algorithm", "ED25519"), "P-384"),
        ("two.pem", read("platform.pem") * 2, 'more than one "PUBLIC KEY"'),
        ("cut.pem", read("platform.pem")[:120], "no public key or certificate in PEM form"),
        ("off.pem", f"-----BEGIN PUBLIC KEY-----\n{off_pem}-----END PUBLIC KEY-----\n",
         "not on its curve"),
        ("off.der", der[:-1] + bytes([der[-1] ^ 1]), "not on its curve"),
        ("long.der", der + b"\0", "no public key or certificate in DER form"),
        ("cut.der", der[:-1], "no public key or certificate in DER form"),
        ("off.cose", cose_key(away), "not on its curve"),
        ("curve.cose", cose_key(point, {-1: 8}), "P-256, P-384, P-521"),
        ("off.jwk", json.dumps(jwk(away)), "not on its curve"),
        ("curve.jwk", json.dumps(jwk(point, crv="secp256k1")), '"crv" must be "P-256"'),
        ("size.jwk", json.dumps(jwk(point, crv="P-256")), '"x" must be base64url'),
        ("short.jwk", json.dumps({**good, "y": base64url(b"y" * 47)}), '"y" must be base64url'),
        ("equal.jwk", json.dumps({**good, "x": good["x"] + "="}), '"x" must be base64url'),
        ("plain.jwk", json.dumps({**good, "x": "+" + good["x"][1:]}), '"x" must be base64url'),
        ("none.jwk", json.dumps({"kty": "EC", "crv": "P-384"}), '"x" must be base64url'),
        ("alg.jwk", json.dumps(jwk(point, alg="ES256")), '"alg" must be "ES384"'),
        ("use.jwk", json.dumps(jwk(point, use="enc")), '"use" or "key_ops"'),
        ("ops.jwk", json.dumps(jwk(point, key_ops=["deriveKey"])), '"use" or "key_ops"'),
        ("kty.jwk", json.dumps({"kty": "RSA", "n": "AQAB", "e": "AQAB"}), '"kty" must be "EC"'),
        ("twice.jwk", json.dumps(good)[:-1] + ', "x": "AAAA"}', "duplicate"),
        ("cut.jwk", json.dumps(good)[:-1], "JWK: line 1"),
        ("empty.jwks", '{"keys": []}', 'no public key of type "EC"'),
        ("other.jwks", '{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}]}',
         'no public key of type "EC"'),
        ("wrong.jwks", '{"keys": 5}', 'no public key of type "EC"'),
        ("bad.jwks", json.dumps({"keys": [good, {**good, "crv": "P-999"}]}), '"crv" must be'),
        ("many.jwks", json.dumps({"keys": [good] * 17}), "more than 16 keys"),
        ("long.jwk", " " * 16384 + json.dumps(good), "longer than 16384 bytes"),
        ("empty.pem", b"", "empty: no public key"), ("text.pem", "hello\n", "no public key in PEM"),
        ("good.cbor", None, "no public key in PEM, DER, JWK or COSE_Key form"),
        ("/dev/zero", None, "longer than 16384 bytes"), (".", None, "Is a directory")]


@test
def anchors_that_are_refused_say_why():
    write("Image", image(1 << 16, 1 << 16))
    for name, content, text in private_keys() + public_keys_of_no_use():
        if content is not None:
            write(name, content)
        for code, out, err in (verify("-p", "rim32.json", "-a", name, "good.cbor"),
                               measure("-k", "Image", "-m", "32M", "-p", "-a", name)):
            expect(code == 3 and out == "" and text in err and f"{name}: " in err, name, code, out,
                   err)


# --- measurements, a second time ---

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


MIB = 1 << 20
RAM = 0x80000000


def image(size, in_memory, text_offset=0):
    header = struct.pack("<IIQQQQQQII", 0, 0, text_offset, in_memory, 0xa, 0, 0, 0, 0x644d5241, 0)
    return (header + bytes((7 * i + 3) & 0xff for i in range(1 << 16)) * (size >> 16))[:size]


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


def main():
    os.makedirs(WORK, exist_ok=True)
    subprocess.run([os.path.join(BIN, "make-token"), WORK], check=True, timeout=600)
    for size in (32, 64):
        write(f"rim{size}.json", json.dumps(
            {"caec-policy": 1, "realm": {"rim": bytes(range(0x10, 0x10 + size)).hex()}}))
    failed = 0
    tests = [t for t in TESTS if os.environ.get("ONLY", "") in t.__name__]
    print(f"1..{len(tests)}", flush=True)
    for number, function in enumerate(tests, 1):
        try:
            function()
            print(f"ok {number} - {function.__name__}", flush=True)
        except Skip as reason:
            print(f"ok {number} - {function.__name__} # SKIP {reason}", flush=True)
        except Exception as error:  # a test that breaks has failed, whatever broke it
            failed += 1
            why = " ".join(repr(error).replace("#", "").split())[:300]
            print(f"not ok {number} - {function.__name__}: {why}")
            print("".join("# " + line + "\n" for line in traceback.format_exc().split("\n")),
                  flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
