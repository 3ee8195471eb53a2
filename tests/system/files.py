# SPDX-License-Identifier: BSD-3-Clause
"""csmfs between two stock Linux realms: regions as files, for programs that know none.

sharing.py runs these rows in its boot; a row is a name and a function of its pair of realms. Each
leaves what the next needs, the last one nothing.
"""

import re

from tap import expect

SIZE = 5_000_123
PAGE = "user/man/csmfs.5"
HEALTHY = "! dmesg | grep -E 'Internal error|Call trace|WARNING:|BUG:'"


def number_of(realm, label):
    """The number of the first region of that realm with that label."""
    found = [entry["region"] for entry in realm.csmctl("list")["regions"]
             if entry["label"] == label]
    expect(found, f"{realm.name} has no region {label}")
    return found[0]


def model(pair):
    """The file of the example, as the consumer sees it."""
    return f"/csm/{pair.one.id}/model"


def as_printed(pair, lines):
    """The example of the manual page, but for the ids; the consumer has what the provider put."""
    realms = {"provider": (pair.one, pair.two), "consumer": (pair.two, pair.one)}
    digest = pair.one.sh(f"head -c {SIZE} /dev/urandom >/tmp/model.bin && sha256sum /tmp/model.bin")
    for line in lines:
        who, command = line.split("$ ", 1)
        realm, other = realms[who]
        realm.sh("cd /tmp && " + re.sub(r"\b[0-9a-f]{16}\b", other.id, command))
    expect(pair.two.sh("sha256sum /tmp/model.bin") == digest, "the consumer has another file")
    expect(pair.two.csmctl("id")["attachments"] == 0, "the region is still attached")


def in_place(pair):
    """Plain programs read the file where it is: the page cache does not grow by it."""
    there = model(pair)
    cached, _, length, listed, later = pair.two.do(
        "sync; grep ^Cached /proc/meminfo", f"cmp {there} /tmp/model.bin", f"stat -c %s {there}",
        f"ls /csm /csm/{pair.one.id}", f"cat {there} | wc -c; grep ^Cached /proc/meminfo")
    before, after = (next(int(line.split()[1]) for line in lines if line.startswith("Cached"))
                     for lines in (cached, later))
    grown = after - before
    expect(length[0] == str(SIZE) and later[0].strip() == str(SIZE), f"{length}, {later}")
    expect("self" in listed and pair.one.id in listed and "model" in listed, listed)
    expect(grown < SIZE // 1024 // 4, f"the page cache has grown by {grown} kB")


def revoked(pair):
    """The end of the grant under a program that reads and maps the file; the kernel lives."""
    pair.two.start("files", f"filetest {model(pair)}", "using")
    number = number_of(pair.one, "model")
    pair.one.sh(f"csmctl revoke {number} {pair.two.id}")
    said = [line for line in pair.two.ended("files") if line]
    expect(said[-2:] == ["read: Input/output error",
                         "a load: SIGBUS; write from the mapping: Bad address"], said)
    pair.two.do(f"! cat {model(pair)} 2>/tmp/why && grep -q 'No such file' /tmp/why", HEALTHY)
    pair.one.sh(f"csmctl destroy {number}")


def published(pair):
    """A provider that has cp alone; the grant is csmctl's. Nothing is left."""
    one, two = pair.one, pair.two
    one.sh("mkdir -p /csm && mount -t csmfs none /csm && cp /tmp/model.bin /csm/self/copied")
    number = number_of(one, "copied")
    one.do(f"csmctl share {number} {two.id}", "cmp /tmp/model.bin /csm/self/copied",
           "! cp /tmp/model.bin /csm/self/copied 2>/tmp/why && grep -q 'File exists' /tmp/why",
           "! cp /tmp/model.bin /csm/self/model.bin 2>/tmp/why && grep -q 'too long' /tmp/why")
    two.do(f"cmp /csm/{one.id}/copied /tmp/model.bin", "umount /csm && rm /tmp/model.bin")
    one.do("rm /csm/self/copied", "umount /csm && rm /tmp/model.bin", HEALTHY)
    pair.empty()


def rows(example):
    """Names and functions; example gives the lines of a manual page's first example."""
    yield "files: the example of csmfs(5), as it is printed", \
        lambda pair: as_printed(pair, example(PAGE))
    yield "files: cmp, cat, stat and ls on csmfs, without a copy of the content", in_place
    yield "files: a revocation under read(2), a mapping and a system call", revoked
    yield "files: a region made by cp", published
