# SPDX-License-Identifier: BSD-3-Clause
"""Pairs: evidence of two realms, read, compared and refused. Lists and hashes are made here."""

import hashlib
import json
import os
import struct

import cbor2

from harness import BASE, expect, path, read, run, swept, test, verify, write

A, B, C = 0xa1a2a3a4a5a6a7a8, 0xb1b2b3b4b5b6b7b8, 0xc1c2c3c4c5c6c7c8
CHALLENGE = bytes(range(0x40, 0x80)).hex()
DIGEST = bytes(range(64))
REGION, GRANT, ATTACHMENT = 1, 2, 3
GRANTED, RESERVED, ATTACHED, ENDED = 1, 2, 3, 4
SEALED, ANY, ENDING, HAS_DIGEST = 1, 2, 4, 8


def record(kind, peer, region, perm=0, state=0, flags=0, size=8192, digest=b""):
    return (struct.pack("<BBBBIQQQ", kind, perm, state, flags, 0, peer, region, size)
            + bytes(32) + digest.ljust(64, b"\0"))


def region(number, flags=SEALED | HAS_DIGEST, **more):
    digest = DIGEST if flags & HAS_DIGEST else b""
    return record(REGION, 0, number, 5, 0, flags, digest=digest, **more)


def grant(peer, number, perm=1, state=ATTACHED, flags=0):
    return record(GRANT, peer, number, perm, state, flags)


def attachment(peer, number, state=ATTACHED, **more):
    return record(ATTACHMENT, peer, number, 0, state, **more)


PROVIDER = [region(1), grant(B, 1)]
CONSUMER = [attachment(A, 1)]


def evidence(name, realm, records, claim=None, *more):
    """The file of a realm; `claim` takes the place of the hash of its records."""
    listed = b"".join(records)
    claim = hashlib.sha512(listed).hexdigest() if claim is None else claim
    code, _, err = run("make-token", "--sharings", f"{realm:016x}", claim, path(name + ".cbor"),
                       *more)
    expect(code == 0, err)
    data = cbor2.dumps(["caec-evidence-1", read(name + ".cbor"), listed])
    keep(data)
    return write(name, data)


def keep(data):
    """For the fuzzer to begin with."""
    folder = BASE + "-pairs"
    os.makedirs(folder, exist_ok=True)
    write(os.path.join(folder, hashlib.sha256(data).hexdigest()[:16]), data)


def pair(first, second, *options):
    return verify("--pair", "--anchor", "platform.pem", "--policy", "rim32.json", "--challenge",
                  CHALLENGE, *options, first, second)


def judge(mine, theirs, *options):
    return pair(evidence("a.ev", A, mine), evidence("b.ev", B, theirs), *options)


@test
def pair_that_shares_a_region_with_nobody_else():
    code, out, err = judge(PROVIDER, CONSUMER)
    expect(code == 0 and err == "" and out.endswith("result: ok\n"), code, out, err)
    expect(f"{A:016x} provides region 1, 8192 bytes, sealed, read-only to {B:016x}\n"
           f"    sha-512 {DIGEST.hex()}\n" in out, out)
    code, out, err = judge(PROVIDER, CONSUMER, "--json", "--peer-policy", "rim32.json")
    shown = json.loads(out)
    expect(code == 0 and shown["result"] == "ok" and shown["mismatches"] == [], code, err, out)
    expect(shown["sharings"] == [{"provider": f"{A:016x}", "consumer": f"{B:016x}", "region": 1,
                                  "size": 8192, "sealed": True, "digest": DIGEST.hex(),
                                  "permissions": 1}], out)
    for side, name in (("first", "a.ev"), ("second", "b.ev")):
        token = cbor2.loads(cbor2.loads(read(name))[1])
        claims = cbor2.loads(cbor2.loads(token.value[44241]).value[2])
        expect(shown[side]["sharings"] == claims[-70002].hex()
               and shown[side]["id"] == claims[-70001].hex(), shown[side])
    write("a.ev", read("a.ev"))
    swept("cca-verify", "--pair", "-a", "platform.pem", "-p", "rim32.json", "-c", CHALLENGE, "-j",
          "a.ev", "b.ev")


@test
def pair_in_either_order_and_both_directions():
    mine = [region(1), region(2, 0), grant(B, 1), grant(B, 2, perm=3)]
    theirs = [region(7, SEALED), grant(A, 7), attachment(A, 1), attachment(A, 2)]
    mine.append(attachment(B, 7))
    for arguments in ((mine, theirs), ):
        code, out, err = judge(*arguments)
        expect(code == 0 and err == "", code, out, err)
        expect("region 2, 8192 bytes, not sealed, read and write" in out and
               f"{B:016x} provides region 7, 8192 bytes, sealed, read-only to {A:016x}\n"
               "    sha-512 not computed" in out, out)
    code, out, err = pair(evidence("b.ev", B, CONSUMER), evidence("a.ev", A, PROVIDER))
    expect(code == 0 and f"{A:016x} provides region 1" in out, code, out, err)


@test
def pair_does_not_mind_what_others_have_of_other_regions():
    mine = [region(1), region(2, 0), grant(0, 2, state=GRANTED, flags=ANY), grant(B, 1),
            grant(C, 2)]
    code, out, err = judge(mine, sorted([*CONSUMER, attachment(C, 5)]))
    expect(code == 0 and "region 2" not in out, code, out, err)


@test
def pair_with_another_consumer_is_a_mismatch():
    cases = [
        ([region(1), grant(B, 1), grant(C, 1)], f"is granted to {C:016x} too"),
        ([region(1), grant(B, 1), grant(C, 1, state=GRANTED)], f"is granted to {C:016x} too"),
        ([region(1), grant(0, 1, state=GRANTED, flags=ANY), grant(B, 1, flags=ANY)],
         "is granted to every realm that meets a policy"),
    ]
    for mine, said in cases:
        code, out, err = judge(mine, CONSUMER)
        expect(code == 1 and f"pair.exclusive: region 1 of {A:016x}: {said}" in err
               and "result: mismatch" in out, code, out, err)


@test
def pair_that_does_not_share_is_a_mismatch():
    none = "pair.sharing: neither realm has attached a region of the other"
    cases = [
        ([], [], none),
        (PROVIDER, [], "is granted but not attached, by one list or both"),
        (PROVIDER, [attachment(A, 2)], none),
        (PROVIDER, [attachment(C, 1)], none),
        ([region(1), grant(C, 1)], CONSUMER, "and not granted by this one's"),
        ([region(1)], CONSUMER, "is attached by the other realm's list, and not granted"),
        ([region(1), grant(B, 1, flags=ENDING)], CONSUMER, none),
        ([region(1, ENDING), grant(B, 1)], CONSUMER, none),
        ([region(1), grant(B, 1, state=RESERVED)], [attachment(A, 1, RESERVED)], none),
        (PROVIDER, [attachment(A, 1, ENDED)], none),
        (PROVIDER, [attachment(A, 1, size=4096)], none),
        ([grant(B, 1)], CONSUMER, none),
    ]
    for mine, theirs, said in cases:
        code, out, err = judge(mine, theirs)
        expect(code == 1 and said in err and "provides" not in out, said, code, out, err)


@test
def pair_of_other_realms_machines_or_times_is_a_mismatch():
    a, b = evidence("a.ev", A, PROVIDER), evidence("b.ev", B, CONSUMER)
    code, _, err = pair(a, evidence("c.ev", C, CONSUMER))
    expect(code == 1 and "pair.sharing" in err, code, err)
    code, _, err = pair(a, a)
    expect(code == 1 and "pair.realms: the tokens are not of two realms" in err, code, err)
    code, _, err = pair(a, evidence("b2.ev", B, CONSUMER, None, "other"))
    expect(code == 1 and "pair.platform: the tokens are of two machines" in err, code, err)
    replayed = "11" * 64
    code, out, err = verify("--pair", "-a", "platform.pem", "-p", "rim32.json", "-c", replayed, a,
                            b)
    expect(code == 1 and err.count("realm.challenge") == 2, code, err)
    write("other.json", json.dumps({"caec-policy": 1, "realm": {"rim": "00" * 32}}))
    for options, realms in (([], 0), (["--peer-policy", "other.json"], 1)):
        code, out, err = pair(a, b, *options)
        expect(code == realms and err.count("realm.rim") == realms, options, code, err)
    code, _, err = verify("--pair", "-a", "platform.pem", "-c", CHALLENGE, a, b)
    expect(code == 4 and "nothing says which realm" in err, code, err)
    code, out, err = verify("--pair", "-a", "es256.pem", "-p", "rim32.json", "-c", CHALLENGE, a, b)
    expect(code == 2 and "not genuine" in err and "provides" not in out, code, out, err)


@test
def pair_with_a_list_that_is_not_the_tokens():
    good, b = evidence("a.ev", A, PROVIDER), evidence("b.ev", B, CONSUMER)
    token, listed = cbor2.loads(read(good))[1:]
    for changed in (listed[:128], listed + grant(C, 1), listed[128:] + listed[:128], b"",
                    listed[:200] + b"\x01" + listed[201:]):
        write("liar.ev", cbor2.dumps(["caec-evidence-1", token, changed]))
        code, out, err = pair("liar.ev", b)
        expect(code == 1 and "realm.sharings: the records are not those of the token" in err
               and "provides" not in out, code, out, err)
    for claim, said in (("", "too many regions"), ("-", "says nothing about sharings")):
        code, out, err = pair(evidence("none.ev", A, PROVIDER, claim), b)
        expect(code == 1 and said in err, claim, code, err)
    for records in ([region(1), region(1)], [grant(B, 1), region(1)], [record(4, 0, 1)],
                    [record(0, 0, 1)], [record(1, 0, 1, 8)], [record(1, 0, 1, state=1)],
                    [record(2, B, 1, state=4)], [record(3, A, 1, state=1)],
                    [record(1, 0, 1, flags=16)], [record(1, 0, 1, digest=b"1")],
                    [region(1)[:40] + b"1" + region(1)[41:]]):
        code, out, err = pair(evidence("odd.ev", A, records), b)
        expect(code == 2 and "not as CSM 1.2 has it" in err, code, out, err)


@test
def pair_of_files_that_are_no_evidence():
    b = evidence("b.ev", B, CONSUMER)
    token = read("b.ev.cbor")
    cases = [b"", b"\x83", token, cbor2.dumps([]), cbor2.dumps(["caec-evidence-2", token, b""]),
             cbor2.dumps(["caec-evidence-1", token]), cbor2.dumps(["caec-evidence-1", token, "x"]),
             cbor2.dumps(["caec-evidence-1", token, bytes(127)]),
             cbor2.dumps(["caec-evidence-1", token, bytes(65 * 128)]),
             cbor2.dumps(["caec-evidence-1", b"", b""]), cbor2.dumps({"token": token}),
             cbor2.dumps(["caec-evidence-1", token, b""]) + b"\0", bytes(100000)]
    good = read(b)
    cases += [good[:size] for size in range(1, len(good), 97)]
    for data in cases:
        write("bad.ev", data)
        code, out, err = pair("bad.ev", b)
        expect(code == 2 and "malformed" in err and "provides" not in out, data[:40], code, err)


@test
def pair_options():
    b = evidence("b.ev", B, CONSUMER)
    common = ["-a", "platform.pem", "-p", "rim32.json"]
    for arguments, said in (
            (["--pair", *common, b, b], "needs a challenge"),
            (["--pair", *common, "-c", "00", b], "takes two files"),
            (["--pair", *common, "-c", "00", b, b, b], "takes two files"),
            (["--pair", *common, "-c", "00", "-i", b, b], "goes with"),
            (["--pair", *common, "-c", "00", "--strict", b, b], "goes with"),
            (["--pair", *common, "-c", "00", "--realm-only", b, b], "goes with"),
            (["--pair", "-c", "00", b, b], "no trust anchor"),
            (["--pair", *common, "-c", "00", b, "missing.ev"], "No such file"),
            (["--pair", *common, "-c", "00", "--peer-policy", "missing.json", b, b], "No such"),
            ([*common, "--peer-policy", "rim32.json", b], "--pair only")):
        code, out, err = verify(*arguments)
        expect(code == 3 and out == "" and said in err, arguments, code, out, err)
