# SPDX-License-Identifier: BSD-3-Clause
"""Trust anchors: every form of a public key, and what is refused."""

import base64
import json

from harness import (base64url, cose_key, expect, image, jwk, measure, openssl, pem_der, pem_point,
                     read, test, verify, write)


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
    private = private_keys()
    for name, content, text in private + public_keys_of_no_use():
        if content is not None:
            write(name, content)
        answers = [verify("-p", "rim32.json", "-a", name, "good.cbor")]
        if (name, content, text) in private:
            answers.append(measure("-k", "Image", "-m", "32M", "-p", "-a", name))
        for code, out, err in answers:
            expect(code == 3 and out == "" and text in err and f"{name}: " in err, name, code, out,
                   err)
