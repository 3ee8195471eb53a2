# SPDX-License-Identifier: BSD-3-Clause
"""Profiles that a policy accepts, halves of tokens, and results as EAR, read a second time here."""

import base64
import hashlib
import json
import time

from harness import expect, openssl, read, swept, test, verify, write

CHALLENGE = bytes(range(0x40, 0x80))
CURVES = {"ES256": ("prime256v1", "P-256", 32, "-sha256"),
          "ES384": ("secp384r1", "P-384", 48, "-sha384"),
          "ES512": ("secp521r1", "P-521", 66, "-sha512")}


def unbase64(text):
    expect("=" not in text, text)
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def make_key(alg):
    name = f"ear-{alg}.pem"
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{CURVES[alg][0]}",
            "-out", name)
    return name


def der_integer(data):
    data = data.lstrip(b"\0")
    data = (b"\0" if data[0] & 0x80 else b"") + data
    return b"\x02" + bytes([len(data)]) + data


def claims_of(jwt, alg, key):
    """Checks form, header and signature with the openssl program; returns the claims."""
    header, payload, signature = (unbase64(part) for part in jwt.strip().split("."))
    half = CURVES[alg][2]
    expect(jwt.endswith("\n") and len(signature) == 2 * half, jwt)
    body = der_integer(signature[:half]) + der_integer(signature[half:])
    size = bytes([len(body)]) if len(body) < 128 else bytes([0x81, len(body)])
    write("ear.sig", b"\x30" + size + body)
    write("ear.pub", openssl("pkey", "-in", key, "-pubout"))
    write("ear.text", ".".join(jwt.split(".")[:2]))
    told = openssl("dgst", CURVES[alg][3], "-verify", "ear.pub", "-signature", "ear.sig",
                   "ear.text")
    expect(b"Verified OK" in told, told)
    point = openssl("pkey", "-pubin", "-in", "ear.pub", "-outform", "DER")[-2 * half:]
    x, y = (base64.urlsafe_b64encode(c).decode().rstrip("=") for c in (point[:half], point[half:]))
    thumb = hashlib.sha256(
        f'{{"crv":"{CURVES[alg][1]}","kty":"EC","x":"{x}","y":"{y}"}}'.encode()).digest()
    header = json.loads(header)
    expect({**header, "kid": unbase64(header["kid"])} ==
           {"alg": alg, "typ": "JWT", "kid": thumb}, header)
    return json.loads(payload)


@test
def ear_is_signed_with_every_kind_of_key():
    for alg in CURVES:
        key = make_key(alg)
        before = int(time.time())
        code, out, err = verify("--ear", key, "-p", "rim32.json", "-a", "platform.pem",
                                "good.cbor")
        claims = claims_of(out, alg, key)
        expect(code == 0 and err == "", code, err)
        expect(before <= claims["iat"] <= time.time() and claims["ear_status"] == "affirming",
               claims)


@test
def ear_says_what_was_found_by_the_draft():
    key = make_key("ES384")
    code, out, _ = verify("--ear", key, "-p", "rim32.json", "-c", CHALLENGE.hex(),
                          "-a", "platform.pem", "good.cbor")
    claims = claims_of(out, "ES384", key)
    realm, platform = claims["submods"]["CCA Realm"], claims["submods"]["CCA Platform"]
    expect(code == 0 and claims["eat_profile"] == "tag:ietf.org,2026:rats/ear#04"
           and set(claims["ear_verifier_id"]) == {"developer", "build"}, claims)
    expect(realm["ear_trustworthiness_vector"] == {"executables": 3}
           and platform["ear_trustworthiness_vector"] == {"instance-identity": 2, "hardware": 2},
           claims)
    expect(unbase64(realm["eat_nonce"]) == CHALLENGE, realm)
    shown = json.loads(verify("-j", "-a", "platform.pem", "good.cbor")[1])
    expect(realm["ear_attester_claims"] == shown["realm"]
           and platform["ear_attester_claims"] == shown["platform"], claims)
    code, out, _ = verify("--ear", key, "--ear-profile", "veraison", "-p", "rim32.json",
                          "-a", "platform.pem", "good.cbor")
    claims = claims_of(out, "ES384", key)
    expect(code == 0 and claims["eat_profile"] == "tag:github.com,2023:veraison/ear"
           and claims["submods"]["CCA Realm"]["ear.trustworthiness-vector"] == {"executables": 3}
           and claims["submods"]["CCA Realm"]["ear.status"] == "affirming"
           and "developer" in claims["ear.verifier-id"], claims)


@test
def ear_is_never_better_than_the_verdict():
    key = make_key("ES256")
    write("rimbad.json", json.dumps({"caec-policy": 1, "realm": {"rim": "00" * 32}}))
    write("idbad.json", json.dumps({"caec-policy": 1, "realm": {"id": "00" * 7 + "01"}}))
    bad = "contraindicated"
    cases = [
        (1, ["-p", "rimbad.json", "good.cbor"], "CCA Realm", "executables", 96, bad),
        (1, ["-p", "idbad.json", "good.cbor"], "CCA Realm", "instance-identity", 97, bad),
        (1, ["-p", "rim32.json", "-c", "00", "good.cbor"], "CCA Realm", "instance-identity", 96,
         bad),
        (1, ["-p", "rim32.json", "debug.cbor"], "CCA Platform", "configuration", 96, bad),
        (2, ["badplatform.cbor"], "CCA", "instance-identity", 99, bad),
        (2, ["badrealm.cbor"], "CCA", "instance-identity", 99, bad),
        (2, ["platform.pem"], "CCA", "instance-identity", 1, bad),
        (5, ["profile.cbor"], "CCA", "instance-identity", 1, bad),
        (4, ["good.cbor"], "CCA Realm", "executables", None, "none"),
    ]
    for wanted, arguments, submod, claim, value, status in cases:
        code, out, _ = verify("--ear", key, "-a", "platform.pem", *arguments)
        claims = claims_of(out, "ES256", key)
        found = claims["submods"][submod]
        expect(code == wanted and found["ear_trustworthiness_vector"].get(claim) == value
               and found["ear_status"] == status and claims["ear_status"] == status,
               arguments, code, claims)
        expect(wanted != 2 or "ear_attester_claims" not in found, claims)


@test
def ear_without_an_anchor_affirms_nothing():
    key = make_key("ES256")
    code, out, _ = verify("--ear", key, "--no-anchor", "-p", "rim32.json", "good.cbor")
    claims = claims_of(out, "ES256", key)
    expect(code == 1 and claims["ear_status"] == "contraindicated" and all(
        s["ear_trustworthiness_vector"]["instance-identity"] == 99
        for s in claims["submods"].values()), code, claims)


@test
def ear_needs_a_private_key():
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-aes256",
            "-pass", "pass:secret", "-out", "locked.pem")
    openssl("genpkey", "-algorithm", "ED25519", "-out", "edwards.pem")
    write("long.pem", "x" * 16385)
    for key, text in (("missing.pem", "No such file"), ("platform.pem", "no private key"),
                      ("locked.pem", "passphrase"), ("edwards.pem", "not for P-256"),
                      ("long.pem", "too long"), ("good.cbor", "no private key")):
        code, out, err = verify("--ear", key, "-p", "rim32.json", "-a", "platform.pem",
                                "good.cbor")
        expect(code == 3 and out == "" and text in err, key, code, out, err)


@test
def ear_is_whole_or_not_printed_when_memory_runs_out():
    write("ear.json", json.dumps({"caec-policy": 1, "anchors": ["platform.pem"],
                                  "realm": {"rim": "00" * 32}}))
    make_key("ES256")
    # Time and signature differ; a text that is cut off has fewer parts.
    swept("cca-verify", "--ear", "ear-ES256.pem", "-p", "ear.json", "badplatform.cbor",
          seen=lambda jwt: [len(part) for part in jwt.split(b".")])


@test
def policy_says_which_profiles_it_accepts():
    names = {"pre-1.0": "pre10.cbor", "1.0": "good.cbor", "2024": "profile2024.cbor",
             "2026": "profile2026.cbor"}
    for accepted in names:
        write("profiles.json", json.dumps({
            "caec-policy": 1, "profiles": [accepted],
            "realm": {"rim": bytes(range(0x10, 0x30)).hex()}}))
        for profile, token in names.items():
            code, out, err = verify("-j", "-p", "profiles.json", "-a", "platform.pem", token)
            expect(json.loads(out)["profile"] == profile, out)
            expect(code == (0 if profile == accepted else 1)
                   and (code == 0 or f"profile {profile} is not accepted" in err), token, code, err)
    for wrong in ([], ["1.1"], "1.0", [1]):
        write("profiles.json", json.dumps({"caec-policy": 1, "profiles": wrong}))
        code, _, err = verify("-p", "profiles.json", "-a", "platform.pem", "good.cbor")
        expect(code == 3 and "profiles: must be" in err, wrong, code, err)


@test
def policy_names_a_realm_by_its_instance_id():
    instance = json.loads(verify("-j", "-a", "platform.pem", "profile2024.cbor")[1])["realm"][
        "instance-id"]
    expect(instance.startswith("011122334455667788") and len(instance) == 66, instance)
    for value, wanted in ((instance, 0), (instance[:-2] + "00", 1)):
        write("instance.json", json.dumps({"caec-policy": 1, "realm": {"instance-id": value}}))
        code, _, err = verify("-p", "instance.json", "-a", "platform.pem", "profile2024.cbor")
        expect(code == wanted and (code == 0) == (err == ""), value, code, err)


@test
def halves_tell_what_is_missing():
    code, out, _ = verify("-j", "--platform-only", "-a", "platform.pem", "platform.cbor")
    shown = json.loads(out)
    expect(code == 0 and shown["realm"] is None and shown["tag"] == 18
           and "realm" in shown["not-compared"] and "realm.rim" not in shown["not-compared"], out)
    code, out, _ = verify("-j", "--realm-only", "-p", "rim32.json", "-a", "realm.pem",
                          "realm.cbor")
    shown = json.loads(out)
    expect(code == 0 and shown["platform"] is None and "platform" in shown["not-compared"], out)
    code, out, _ = verify("--realm-only", "-p", "rim32.json", "-a", "realm.pem", "realm.cbor")
    expect("realm signature        good" in out and "platform signature" not in out, out)
    code, out, _ = verify("-i", "--realm-only", "-p", "rim32.json", "-a", "realm.pem",
                          "realm.cbor")
    expect(code == 0 and out == "1122334455667788\n", code, out)
    expect(read("platform.cbor") in read("good.cbor"), "the half of the token")
