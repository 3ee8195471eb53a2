# SPDX-License-Identifier: BSD-3-Clause
"""Signed CoRIMs: made here with cbor2 and the openssl program, and by cca-measure; checked by both.
"""

import json
import time

import cbor2
from cbor2 import CBORTag

from corims import IMPL, INSTANCE, PLATFORM, REALM, RIM, corim, digest, keep, key_triples, realm
from harness import (expect, image, measure, openssl, pem_der, run, swept, test, verify,
                     write)

# COSE numbers, curve, bytes of half a signature, hash.
CURVES = {"p256": ((-7, -9), "P-256", 32, "-sha256"), "p384": ((-35, -51), "P-384", 48, "-sha384"),
          "p521": ((-36, -52), "P-521", 66, "-sha512")}
CONTENT = "application/rim+cbor"
META = cbor2.dumps({0: {0: "somebody"}})


def make_key(name):
    """A private key, and its public half."""
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{CURVES[name][1]}",
            "-out", f"{name}.key")
    write(f"{name}.pub", openssl("pkey", "-in", f"{name}.key", "-pubout"))


def to_flat(der, half):
    """r and s side by side, from a DER signature."""
    at = 2 + (der[1] == 0x81)
    parts = []
    for _ in range(2):
        size = der[at + 1]
        parts.append(int.from_bytes(der[at + 2:at + 2 + size], "big").to_bytes(half, "big"))
        at += 2 + size
    return b"".join(parts)


def to_der(flat):
    half = len(flat) // 2
    body = b""
    for part in (flat[:half], flat[half:]):
        part = part.lstrip(b"\0")
        part = (b"\0" if part[0] & 0x80 else b"") + part
        body += b"\x02" + bytes([len(part)]) + part
    return b"\x30" + (bytes([len(body)]) if len(body) < 128 else bytes([0x81, len(body)])) + body


def structure(protected, payload):
    return cbor2.dumps(["Signature1", protected, b"", payload])


def sign(name, signed, header=None, **change):
    """A COSE_Sign1 around a CoRIM; `change` replaces parts after the signature was made."""
    protected = cbor2.dumps(header if header is not None else
                            {1: CURVES[name][0][0], 3: CONTENT, 8: META})
    write("to-sign", structure(protected, signed))
    der = openssl("dgst", CURVES[name][3], "-sign", f"{name}.key", "to-sign")
    parts = [change.get("protected", protected), change.get("unprotected", {}),
             change.get("payload", signed),
             change.get("signature", to_flat(der, CURVES[name][2]))]
    return cbor2.dumps(CBORTag(change.get("tag", 18), parts))


def judge(data, *arguments):
    write("signed.corim", data)
    keep(data)
    return verify("--corim", "signed.corim", "-a", "platform.pem", *arguments, "good.cbor")


@test
def corim_signed_by_others_is_checked():
    good = corim(realm(digest("cca.rim", RIM)), REALM)
    for name, (numbers, *_) in CURVES.items():
        make_key(name)
        for number in numbers:
            data = sign(name, good, {1: number, 3: CONTENT, 8: META})
            code, out, err = judge(data, "--corim-key", f"{name}.pub")
            expect(code == 0 and f"signed.corim, signed with {name}.pub" in out, name, out, err)
    code, out, err = judge(sign("p384", good), "-j", "--corim-key", "p256.pub", "--corim-key",
                           "p384.pub")
    expect(code == 0 and json.loads(out)["reference-values"] ==
           [{"file": "signed.corim", "signed-with": "p384.pub"}], out, err)
    claims = {1: -7, 3: CONTENT, 4: b"kid", 15: {1: "somebody", 99: [1]}, 33: b"", "more": 1}
    code, out, err = judge(sign("p256", good, claims, unprotected={4: b"key"}), "--corim-key",
                           "p256.pub")
    expect(code == 0, "CWT claims, and parameters that are not known", err)
    wrong = sign("p256", corim(realm(digest("cca.rim", b"\0" * 32), rim=b"\0" * 32), REALM))
    code, _, err = judge(wrong, "--corim-key", "p256.pub")
    expect(code == 1 and "realm.rim: expected" in err, "signed, and not what the token says", err)


@test
def corim_is_signed_or_not_as_the_user_says():
    make_key("p256")
    make_key("p384")
    good = corim(realm(digest("cca.rim", RIM)), REALM)
    code, _, err = judge(good, "--corim-key", "p256.pub")
    expect(code == 3 and "signed.corim: CoRIM: not signed" in err, code, err)
    code, out, err = judge(good)
    expect(code == 0 and "signed.corim, not signed" in out, code, out, err)
    code, out, _ = judge(good, "-j")
    expect(json.loads(out)["reference-values"] == [{"file": "signed.corim", "signed-with": None}],
           out)
    code, _, err = judge(sign("p256", good))
    expect(code == 3 and "signed: give a key to check it with" in err, code, err)
    code, _, err = judge(sign("p256", good), "--corim-key", "p384.pub")
    expect(code == 3 and "not signed with a key that was given" in err, code, err)
    code, _, err = judge(sign("p256", good), "--corim-key", "p256.key")
    expect(code == 3 and "private key" in err, code, err)
    code, _, err = judge(sign("p256", good), *(["--corim-key", "p256.pub"] * 17))
    expect(code == 3 and "too many" in err, code, err)


@test
def corim_with_a_bad_signature_is_refused():
    make_key("p256")
    make_key("p384")
    good = corim(realm(digest("cca.rim", RIM)), REALM)
    other = corim(realm(digest("cca.rim", b"\0" * 32), rim=b"\0" * 32), REALM)
    now = int(time.time())

    def meta(validity):
        return {1: -7, 3: CONTENT, 8: cbor2.dumps({0: {0: "somebody"}, 1: validity})}

    def cwt(**claims):
        return {1: -7, 3: CONTENT, 15: {1: "somebody", **{int(k[1:]): v
                                                          for k, v in claims.items()}}}

    later = {0: CBORTag(1, now - 100), 1: CBORTag(1, now + 1000)}
    expect(judge(sign("p256", good, meta(later)), "--corim-key", "p256.pub")[0] == 0, "valid")
    expect(judge(sign("p256", good, cwt(c4=now + 1000, c5=now - 100)), "--corim-key",
                 "p256.pub")[0] == 0, "valid")
    old = "the signature is not valid at this time"
    cases = [
        (sign("p256", good, payload=other), "not signed with a key"),
        (sign("p256", good, signature=b"\1" * 64), "not signed with a key"),
        (sign("p256", good, signature=b"\0" * 64), "not signed with a key"),
        (sign("p256", good, signature=b"\1" * 63), "64"),
        (sign("p256", good, protected=cbor2.dumps({1: -7, 3: CONTENT, 8: META, 9: 1})),
         "not signed with a key"),
        (sign("p384", good, {1: -7, 3: CONTENT, 8: META}), "96 bytes, must be 64"),
        (sign("p256", good, {1: -8, 3: CONTENT, 8: META}), "must be ECDSA"),
        (sign("p256", good, {1: -7, 8: META}), "content type"),
        (sign("p256", good, {1: -7, 3: "application/json", 8: META}), "must be " + CONTENT),
        (sign("p256", good, {1: -7, 258: -16, 259: CONTENT, 8: META}), "content type"),
        (sign("p256", good, {1: -7, 3: CONTENT}), "names no signer"),
        (sign("p256", good, {1: -7, 2: [8], 3: CONTENT, 8: META}), "critical parameters"),
        (sign("p256", good, {1: -7, 3: CONTENT, 8: b"\xff"}), "corim-meta"),
        (sign("p256", good, {1: -7, 3: CONTENT, 8: {}}), "corim-meta"),
        (sign("p256", good, {1: -7, 3: CONTENT, 8: META + b"\0"}), "corim-meta"),
        (sign("p256", good, {1: -7, 3: CONTENT, 15: {}}), "issuer"),
        (sign("p256", good, meta({1: CBORTag(1, now - 10)})), old),
        (sign("p256", good, meta({0: CBORTag(1, now + 500), 1: CBORTag(1, now + 900)})), old),
        (sign("p256", good, cwt(c4=now - 10)), old),
        (sign("p256", good, cwt(c5=now + 500)), old),
        (sign("p256", good, {**cwt(c4=now + 500), **meta({1: CBORTag(1, now - 10)})}), old),
        (sign("p256", good, unprotected={1: -7}), "unprotected header"),
        (sign("p256", good, payload=None), "signed CoRIM"),
        (sign("p256", sign("p256", good)), "signed: give a key"),
        (sign("p256", b""), "the data ends here"),
        (sign("p256", good, tag=98), "not signed"),
        (cbor2.dumps(CBORTag(18, [b"", {}, b""])), "3 elements, must be 4"),
        (cbor2.dumps(CBORTag(18, 5)), "signed CoRIM"),
        (sign("p256", good) + b"\0", "1 bytes too many"),
        (b"", "not signed"),
        (b"\xd2" + b"\0" * (64 * 1024), "longer than"),
    ]
    for data, text in cases:
        code, out, err = judge(data, "--corim-key", "p256.pub", "-p", "rim32.json")
        expect(code == 3 and out == "" and text in err, text, code, err)
    data = sign("p256", good)
    for size in range(0, len(data), 7):
        code, out, _ = judge(data[:size], "--corim-key", "p256.pub")
        expect(code == 3 and out == "", size)
    for at in range(0, len(data), 5):
        changed = data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1:]
        code, out, _ = judge(changed, "--corim-key", "p256.pub")
        expect(code == 3 and out == "", at)


def take_apart(data, name, signer):
    """The CoRIM in what cca-measure has signed, after a look at the signature by openssl."""
    outer = cbor2.loads(data)
    protected, unprotected, payload, signature = outer.value
    numbers, _, half, algorithm = CURVES[name]
    header = cbor2.loads(protected)
    expect(outer.tag == 18 and unprotected == {} and len(signature) == 2 * half, outer)
    expect(cbor2.loads(header.pop(8)) == {0: {0: signer}} and
           header == {1: numbers[0], 3: CONTENT, 15: {1: signer}}, header)
    write("to-check", structure(protected, payload))
    write("to-check.sig", to_der(signature))
    told = openssl("dgst", algorithm, "-verify", f"{name}.pub", "-signature", "to-check.sig",
                   "to-check")
    expect(b"Verified OK" in told, told)
    return payload


@test
def corim_that_measure_signs():
    write("Image", image(1 << 16, 1 << 16))
    options = ["-k", "Image", "-m", "32M", "--corim"]
    plain = run("cca-measure", *options, binary=True)[1]
    for name in CURVES:
        make_key(name)
        code, data, err = run("cca-measure", *options, "--sign", f"{name}.key", binary=True)
        expect(code == 0 and take_apart(data, name, "cca-measure") == plain, name, code, err)
        keep(data)
        code, data, _ = run("cca-measure", *options, "--sign", f"{name}.key", "--signer",
                            "Me & Co", binary=True)
        expect(code == 0 and take_apart(data, name, "Me & Co") == plain, name)
        code, _, err = judge(data, "--corim-key", f"{name}.pub")
        expect(code == 1 and "realm.rim: expected" in err, name, code, err)
    write("long.key", b"x" * 20000)
    for more, text in ((["--sign", "missing.key"], "No such file"),
                       (["--sign", "p256.pub"], "no private key"),
                       (["--sign", "long.key"], "too long"),
                       (["--sign", "p256.key", "--signer", ""], "1 to 128 bytes"),
                       (["--sign", "p256.key", "--signer", "x" * 129], "1 to 128 bytes"),
                       (["--signer", "x"], "with --sign only")):
        code, out, err = measure(*options, *more)
        expect(code == 3 and out == "" and text in err, more, code, err)
    code, _, err = measure(*options[:-1], "--sign", "p256.key")
    expect(code == 3 and "with --corim only" in err, code, err)
    swept("cca-measure", *options, "--sign", "p256.key", seen=len)
    swept("cca-verify", "--corim", "signed.corim", "--corim-key", "p521.pub", "-a", "platform.pem",
          "good.cbor")


@test
def corim_of_keys_that_measure_writes():
    make_key("p256")
    ids = ["--implementation-id", IMPL.hex(), "--instance-id", INSTANCE.hex()]
    code, data, err = run("cca-measure", "--corim", "--endorse", "platform.pem", "--endorse",
                          "es256.pem", *ids, binary=True)
    expect(code == 0 and err == "", code, err)
    keep(data)
    outer = cbor2.loads(data)
    triples = cbor2.loads(outer.value[1][0].value)[4]
    expect(outer.value[3].value == PLATFORM and set(triples) == {3} and len(triples[3]) == 2,
           outer)
    for triple, name in zip(triples[3], ("platform.pem", "es256.pem")):
        wanted = key_triples(triple[1][0].value)[3][0]
        expect(triple == wanted and triple[1][0].tag == 554, triple)
        write("endorsed.pem", triple[1][0].value)
        expect(pem_der("endorsed.pem") == pem_der(name), name)
    write("keys.corim", data)
    code, out, err = verify("-j", "--corim", "keys.corim", "-p", "rim32.json", "good.cbor")
    expect(code == 0 and json.loads(out)["anchor"] == "keys.corim", code, out, err)
    signed = run("cca-measure", "--corim", "--endorse", "platform.pem", *ids, "--sign", "p256.key",
                 binary=True)[1]
    write("keys.corim", signed)
    code, out, err = verify("-j", "--corim", "keys.corim", "--corim-key", "p256.pub", "-p",
                            "rim32.json", "good.cbor")
    expect(code == 0 and json.loads(out)["anchor"] == "keys.corim", code, out, err)
    other = [*ids[:3], "01" + "77" * 32]
    write("keys.corim", run("cca-measure", "--corim", "--endorse", "platform.pem", *other,
                            binary=True)[1])
    code, _, err = verify("--corim", "keys.corim", "-p", "rim32.json", "good.cbor")
    expect(code == 1 and "anchors: the key is endorsed for another" in err, code, err)
    for arguments, text in (
            (["--corim", "--endorse", "platform.pem"], "go together"),
            (["--corim", *ids, "-k", "Image", "-m", "32M"], "go together"),
            (["--endorse", "platform.pem", *ids], "with --corim only"),
            (["--corim", "--endorse", "platform.pem", *ids, "-m", "32M"], "place of a realm"),
            (["--corim", "--endorse", "platform.pem", *ids, "--rpv", "x"], "place of a realm"),
            (["--corim", "--endorse", "p256.key", *ids], "private key"),
            (["--corim", "--endorse", "missing", *ids], "No such file"),
            (["--corim", *(["--endorse", "platform.pem"] * 17), *ids], "too many"),
            (["--corim", "--implementation-id", "00"], "64 hexadecimal digits"),
            (["--corim", "--instance-id", "x" * 66], "66 hexadecimal digits")):
        code, out, err = measure(*arguments)
        expect(code == 3 and out == "" and text in err, arguments, code, err)
