# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of the programs share: running them, files in the work folder, keys, images."""

import base64
import json
import os
import shutil
import struct
import subprocess
import sys

import cbor2

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tests/alloc"))
from sweep import sweep  # noqa: E402

BIN, BASE = (os.path.abspath(p) for p in sys.argv[1:3])
WORK = BASE
HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = []
MIB = 1 << 20
RAM = 0x80000000


def work_in(folder):
    """Files of this process are in that folder from now on; it begins with those of WORK."""
    global WORK
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    for entry in os.scandir(BASE):
        if entry.is_file():
            shutil.copy(entry.path, folder)
    WORK = folder


class Skip(Exception):
    pass


def test(function):
    TESTS.append(function)
    return function


def run(program, *arguments, stdin=b"", binary=False):
    result = subprocess.run([os.path.join(BIN, program), *arguments], cwd=WORK, input=stdin,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)
    return (result.returncode, result.stdout if binary else result.stdout.decode(),
            result.stderr.decode())


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


def swept(*command, seen=bytes):
    """No allocation that fails changes the verdict, or passes without a word."""
    faults, runs = sweep(os.path.join(os.environ["PLAIN_BIN"], "failalloc.so"),
                         [os.path.join(os.environ["PLAIN_BIN"], command[0]), *command[1:]],
                         {3}, cwd=WORK, seen=seen, **json.loads(os.environ.get("SWEEP") or
                                                     '{"dense": 300, "step": 32}'))
    expect(not faults and runs > 300, runs, len(faults), faults[:3])


# --- keys ---

def pem_der(name):
    lines = read(name).decode().split("\n")
    return base64.b64decode("".join(line for line in lines if not line.startswith("-")))


def pem_point(name):
    """The point of a P-384 key: the last 96 bytes of its DER form."""
    der = pem_der(name)
    return tuple(int.from_bytes(part, "big") for part in (der[-96:-48], der[-48:]))


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


# --- images ---

def image(size, in_memory, text_offset=0):
    header = struct.pack("<IIQQQQQQII", 0, 0, text_offset, in_memory, 0xa, 0, 0, 0, 0x644d5241, 0)
    return (header + bytes((7 * i + 3) & 0xff for i in range(1 << 16)) * (size >> 16))[:size]
