# SPDX-License-Identifier: BSD-3-Clause
"""CoRIMs: written and read, each expectation met and not met, and what no policy can express.

They are made here with cbor2, from the CDDL of the drafts.
"""

import base64
import hashlib
import json
import os
import time

import cbor2
from cbor2 import CBORTag

from harness import (BASE, expect, image, measure, pem_der, read, run, test, verify,
                     write)

PLATFORM = "tag:arm.com,2025:endorsements/cca_platform#1.0.0"
REALM = "tag:arm.com,2025:endorsements/cca_realm#1.0.0"
IMPL = bytes(range(0x50, 0x70))
INSTANCE = bytes(range(0x01, 0x22))
RIM = bytes(range(0x10, 0x30))
SIGNER = bytes((0xe0 + i) & 0xff for i in range(32))


def corim(triples, profile, **members):
    comid = cbor2.dumps({1: {0: b"0123456789abcdef"}, 4: triples})
    return cbor2.dumps(CBORTag(501, {0: "test", 1: [CBORTag(506, comid)],
                                     3: CBORTag(32, profile), **members.get("more", {})}))


def keep(data):
    """For the fuzzer to begin with."""
    folder = BASE + "-corims"
    os.makedirs(folder, exist_ok=True)
    if len(data) < 4096:
        write(os.path.join(folder, hashlib.sha256(data).hexdigest()[:16]), data)


def environment(class_id, instance=None):
    env = {0: {0: CBORTag(560, class_id)}}
    return {**env, 1: CBORTag(550, instance)} if instance is not None else env


def digest(key, value, alg="sha-256"):
    return {0: key, 1: {2: [[alg, value]]}}


def component(name, start, **values):
    value = {2: [["sha-256", bytes(range(start, start + 32))]], 11: name,
             13: [CBORTag(560, SIGNER)], 0: {0: "1.2.3"}}
    value.update(values.get("more", {}))
    return {0: "cca.software-component", 1: value}


def config(value, mask):
    return {0: "cca.platform-config", 1: {4: CBORTag(563, [value, mask])}}


def platform(*measurements, instance=None):
    return {0: [[environment(IMPL, instance), list(measurements)]]}


def realm(*measurements, rim=RIM):
    return {0: [[environment(rim), list(measurements)]]}


def key_triples(text, impl=IMPL, instance=INSTANCE):
    return {3: [[environment(impl, instance), [CBORTag(554, text)]]]}


def judge(name, data, *arguments, token="good.cbor"):
    write(name, data)
    keep(data)
    return verify("--corim", name, "-a", "platform.pem", *arguments, token)


@test
def corim_of_a_realm_identifies_it():
    code, out, err = judge("realm.corim", corim(realm(digest("cca.rim", RIM)), REALM))
    expect(code == 0 and "result: ok" in out, code, out, err)
    code, _, err = judge("realm.corim", corim(realm(digest("cca.rim", b"\0" * 32), rim=b"\0" * 32),
                                              REALM))
    expect(code == 1 and "realm.rim: expected" in err, code, err)
    old = corim(realm(digest("cca.rim", RIM)), "tag:arm.com,2025:cca_realm#1.0.0")
    expect(judge("realm.corim", old)[0] == 0, "profile of revision 03")
    rem = bytes(range(0x40, 0x60))
    rpv = CBORTag(560, bytes(range(0x80, 0xc0)))
    whole = realm(digest("cca.rim", RIM), digest("cca.rem2", rem), {0: "cca.rpv", 1: {4: rpv}})
    code, out, err = judge("realm.corim", corim(whole, REALM), "-j")
    left = json.loads(out)["not-compared"]
    expect(code == 0 and not {"realm.rim", "realm.rem2", "realm.rpv"} & set(left), left, err)
    wrong = realm(digest("cca.rim", RIM), digest("cca.rem1", rem))
    code, _, err = judge("realm.corim", corim(wrong, REALM))
    expect(code == 1 and "realm.rem1" in err, code, err)


@test
def corim_of_a_platform_is_compared():
    good = platform(component("BL31", 0x31), component("RMM", 0x32),
                    config(bytes.fromhex("c0c1c2c3"), b"\xff" * 4), instance=INSTANCE)
    code, out, err = judge("platform.corim", corim(good, PLATFORM), "-j", "-p", "rim32.json")
    left = json.loads(out)["not-compared"]
    expect(code == 0 and not [part for part in left if part.startswith("platform")], left, err)
    cases = [
        (platform(component("BL31", 0x30)), "platform.components.BL31: expected"),
        (platform(component("BL32", 0x31)), "no such software component"),
        (platform(component("RMM", 0x32, more={0: {0: "1.2.4"}})), "components.RMM.version"),
        (platform(component("RMM", 0x32, more={13: [CBORTag(560, b"\0" * 32)]})),
         "components.RMM.signer-id"),
        (platform(config(b"\0" * 4, b"\xff" * 4)), "platform.config: differs"),
        (platform(config(b"\0" * 3, b"\xff" * 3)), "platform.config"),
        ({0: [[environment(b"\0" * 32), []]]}, "platform.implementation-id"),
        (platform(instance=b"\x01" + b"\0" * 32), "platform.instance-id"),
    ]
    for triples, text in cases:
        code, _, err = judge("platform.corim", corim(triples, PLATFORM), "-p", "rim32.json")
        expect(code == 1 and text in err, text, code, err)
    masked = platform(config(bytes.fromhex("00c10003"), bytes.fromhex("00ff000f")))
    expect(judge("platform.corim", corim(masked, PLATFORM), "-p", "rim32.json")[0] == 0, "mask")
    two = platform(component("RMM", 0x99 - 0x40), component("RMM", 0x32), component("BL31", 0x31))
    expect(judge("platform.corim", corim(two, PLATFORM), "-p", "rim32.json")[0] == 0, "either")


@test
def corim_keys_are_good_for_their_instance():
    for text in (read("platform.pem").decode(),
                 base64.b64encode(pem_der("platform.pem")).decode()):
        write("key.corim", corim(key_triples(text), PLATFORM))
        code, out, err = verify("-j", "--corim", "key.corim", "-p", "rim32.json", "good.cbor")
        expect(code == 0 and json.loads(out)["anchor"] == "key.corim", code, out, err)
        for triples in (key_triples(text, impl=b"\0" * 32),
                        key_triples(text, instance=b"\x01" * 33)):
            write("key.corim", corim(triples, PLATFORM))
            code, _, err = verify("--corim", "key.corim", "-p", "rim32.json", "good.cbor")
            expect(code == 1 and "anchors: the key is endorsed for another" in err, code, err)
    write("key.corim", corim(key_triples(read("es256.pem").decode()), PLATFORM))
    code, _, err = verify("--corim", "key.corim", "-p", "rim32.json", "good.cbor")
    expect(code == 2 and "not signed by any" in err, code, err)


@test
def corim_that_is_not_understood_is_refused():
    rim = digest("cca.rim", RIM)
    triple = realm(rim)
    now = int(time.time())
    cases = [
        (corim(triple, "tag:example.org,2025:x"), "profile tag:example.org,2025:x is not"),
        (cbor2.dumps(CBORTag(18, [b"", {}, b"", b""])), "signed: give a key"),
        (cbor2.dumps(CBORTag(500, {})), "tag 500, must be 501"),
        (corim(realm(), REALM), 'no "cca.rim"'),
        (corim(realm(digest("cca.rim", b"\1" * 32)), REALM), "is not the class id"),
        (corim(realm(digest("cca.rim", RIM, "sha-512")), REALM), "must be 64"),
        (corim(realm(digest("cca.rim", RIM, "md5")), REALM), "is not a hash"),
        (corim(realm(rim, digest("cca.rem4", RIM)), REALM), '"cca.rem4" is not supported'),
        (corim(realm(rim, {0: "cca.rpv", 1: {4: CBORTag(560, b"\0" * 63)}}), REALM),
         "must have 64 bytes"),
        (corim(realm({**rim, 2: []}), REALM), "unknown key 2"),
        (corim(realm({0: "cca.rim", 1: {1: 5}}), REALM), "unknown key 1"),
        (corim({**triple, 1: []}, REALM), "unknown key 1"),
        (corim({**triple, 3: []}, REALM), "not in the realm profile"),
        (corim(triple, REALM, more={4: {1: CBORTag(1, now - 10)}}), "not valid at this time"),
        (corim(triple, REALM, more={4: {0: CBORTag(1, now + 1000), 1: CBORTag(1, now + 2000)}}),
         "not valid at this time"),
        (corim({0: triple[0] + realm(digest("cca.rim", b"\2" * 32), digest("cca.rem0", RIM),
                                     rim=b"\2" * 32)[0]}, REALM), "one realm among several"),
        (corim(platform({0: "cca.rotpk.CM.0.0", 1: {13: [CBORTag(560, RIM)]}}), PLATFORM),
         "cca.rotpk.CM.0.0"),
        (corim(platform(component("", 1)), PLATFORM), "without a name"),
        (corim(platform(component("A", 1, more={13: []})), PLATFORM), "must be one"),
        (corim(platform(config(b"\0", b"")), PLATFORM), "mask of the same size"),
        (corim(platform({0: "cca.platform-config", 1: {4: CBORTag(560, b"\0")}}), PLATFORM),
         "must have a value and a mask"),
        (corim(platform(component("A" * 64, 1)), PLATFORM), "longer one"),
        (corim(platform(*(component(f"C{i}", 1) for i in range(33))), PLATFORM), "more than 32"),
        (corim(platform(*(component("C", i) for i in range(17))), PLATFORM), "more than 16"),
        (corim({0: [[environment(b"\0" * 31), []]]}, PLATFORM), "31 bytes, must be 32"),
        (corim(key_triples("no key"), PLATFORM), "key:"),
        (corim(key_triples("-----BEGIN PRIVATE KEY-----\n"), PLATFORM), "private key"),
        (corim(key_triples("x" * 2000), PLATFORM), "too long"),
        (corim({3: [[environment(IMPL), [CBORTag(554, "x")]]]}, PLATFORM), "instance id"),
        (corim(triple, REALM) + b"\0", "1 bytes too many"),
        (b"", "the data ends here"),
        (b"\0" * (64 * 1024 + 1), "longer than"),
    ]
    for data, text in cases:
        code, out, err = judge("bad.corim", data, "-p", "rim32.json")
        expect(code == 3 and out == "" and text in err, text, code, err)
    good = corim(triple, REALM)
    for size in range(0, len(good), 7):
        expect(judge("cut.corim", good[:size], "-p", "rim32.json")[0] == 3, size)
    code, _, err = verify("--corim", "missing.corim", "-a", "platform.pem", "good.cbor")
    expect(code == 3 and "No such file" in err, code, err)


@test
def corim_that_measure_writes():
    write("Image", image(1 << 16, 1 << 16))
    realm_options = ["-k", "Image", "-m", "32M"]
    for more, size in (([], 32), (["-H", "sha512"], 64)):
        rim = bytes.fromhex(measure(*realm_options, *more)[1].strip())
        code, out, err = run("cca-measure", *realm_options, *more, "--corim", "--rpv", "hi",
                             binary=True)
        expect(code == 0 and err == "" and len(rim) == size, code, err)
        outer = cbor2.loads(out)
        expect(outer.tag == 501 and outer.value[3].tag == 32 and outer.value[3].value == REALM,
               outer)
        expect(len(outer.value[1]) == 1 and outer.value[1][0].tag == 506, outer)
        comid = cbor2.loads(outer.value[1][0].value)
        [[env, values]] = comid[4][0]
        expect(env[0][0].tag == 560 and env[0][0].value == rim, env)
        expect(values[0] == digest("cca.rim", rim, "sha-256" if size == 32 else "sha-512"), values)
        expect(values[1][0] == "cca.rpv" and values[1][1][4].tag == 560
               and values[1][1][4].value == b"hi".ljust(64, b"\0"), values)
        write("made.corim", out)
        code, _, err = verify("--corim", "made.corim", "-a", "platform.pem", "good.cbor")
        expect(code == 1 and "realm.rim: expected " + rim.hex() in err and "realm.rpv" in err, err)
        plain = run("cca-measure", *realm_options, *more, "--corim", binary=True)[1]
        expect(len(cbor2.loads(cbor2.loads(plain).value[1][0].value)[4][0][0][1]) == 1, plain)
    code, _, err = measure(*realm_options, "--corim", "--policy")
    expect(code == 3 and "one of them" in err, code, err)
    code, _, err = measure(*realm_options, "--corim", "--anchor", "platform.pem")
    expect(code == 3 and "--policy only" in err, code, err)
