# SPDX-License-Identifier: BSD-3-Clause
"""Confidential shared memory between two stock Linux realms: every command, feature and end of it.

The realms are those of run.py: "one" and "two", with different windows and access policy tables.
What a realm can be asked to do is in guest-csm and programs/sharetest.c.
"""

import base64
import functools
import hashlib
import itertools
import json
import os
import re
import struct
import subprocess

import files
import paths
import verifier
from paths import BUILD, TOP
from stack import WORK_SECONDS
from tap import Failure, expect

MIB = 1 << 20
# Sizes of regions. The first three are no whole number of blocks of 2 MiB.
SIZES = {"1 page": 4096, "4100 KiB": 4100 << 10, "4 MiB + 4 KiB": 4 * MIB + 4096,
         "20 MiB": 20 * MIB}
ODD = SIZES["4100 KiB"]
# What the realms get from rvm; two has less of everything.
OPTIONS = {"one": "--csm 64M", "two": "--csm 32M --apt 1"}
WINDOW = {"one": "64M", "two": "32M"}
PATIENT = "--timeout 600"
SHARES_SECONDS = WORK_SECONDS  # until a program of one shares a region
RECORDS = 25  # in an access policy table of one granule
MARK = "@status"
ENDED = "the sharing has ended"
GONE = "no such region or attachment"
NOT_PERMITTED = "no such realm, region or grant, or not permitted"
HEALTHY = "! dmesg | grep -E 'Internal error|Call trace|WARNING:|BUG:'"


def image(size):
    """What put makes of a file of sharetest's: its pages, zeros, and how long it is."""
    rest = bytes((i * 167 + 13) & 255 for i in range(8, 4096))
    pages = b"".join(struct.pack("<Q", number) + rest for number in range(size // 4096))
    length = file_in(size)
    tail = struct.pack("<8sQ48x", b"CSMFILE", length)
    return pages[:length] + bytes(size - length - len(tail)) + tail


def file_in(size):
    """How long a file is that fills a region of that size but for a few bytes."""
    return size - 1000


def entry_of(listed, number):
    """What list says about a region, None if it does not show it."""
    found = [entry for entry in listed["regions"] if entry["region"] == number]
    return found[0] if found else None


class Json(str):
    """Words of csmctl, for Realm.do(): its result is asked for."""


class Made(Json):
    """The same of a command that makes a region: later steps of the realm use number_of(name)."""

    def __new__(cls, name, words):
        step = super().__new__(cls, words)
        step.name = name
        return step


def number_of(name):
    """For the shell of a realm: the number of its region of that name, see Made."""
    return f"$(csm_number {name})"


class No(str):
    """A command, for Realm.do(), that must fail for that reason, and with status 1."""

    def __new__(cls, command, why):
        step = super().__new__(cls, command)
        step.why = why
        return step


def command_of(step):
    """What the shell of a realm gets."""
    if isinstance(step, Made):
        return f"csm_make {step.name} {step}"
    return f"csmctl --json {step}" if isinstance(step, Json) else step


def begin(name, command, says=None):
    """A step: the command runs in the background, and has said that when the step ends."""
    return f"csm_start {name} {command}" + (f"; csm_said {name} '{says}'" if says else "")


class Realm:
    """One of the two, and what it knows of the other."""

    def __init__(self, system, name):
        self.system = system
        self.name = name
        self.id = self.csmctl("id")["realm"]

    def do(self, *steps):
        """Commands one after the other, in one call, which is what takes time; what each says.

        A step is a command that must succeed, Json, Made or No.
        """
        commands = [command_of(step) for step in steps]
        said = self.system.control(self.name, "; ".join(
            f"({command}); status=$?; echo; echo {MARK} $status" for command in commands))
        results, lines = [], []
        for line in said:
            if line.startswith(MARK):
                results.append(self.result(steps[len(results)], lines, int(line.split()[1])))
                lines = []
            else:
                lines.append(line)
        expect(len(results) == len(steps), f"{self.name}: {commands}: {said[-4:]}")
        return results

    def result(self, step, lines, status):
        """What a step has said, if that is as it should be."""
        if isinstance(step, No):
            expect(status == 1 and step.why in " ".join(lines), f"{self.name}: {step}: status "
                   f"{status}: {lines[-3:]}; expected: {step.why}")
        else:
            expect(status == 0, f"{self.name}: {step}: status {status}: {lines[-4:]}")
        return json.loads(" ".join(lines)) if isinstance(step, Json) else lines

    def sh(self, command):
        """Lines of a command that must succeed."""
        return self.do(command)[0]

    def csmctl(self, words):
        """The result of a command of csmctl."""
        return self.do(Json(words))[0]

    def refuse(self, command, why):
        """A command that must fail for that reason, and with status 1."""
        self.do(No(command, why))

    def create(self, size, words=""):
        """The number of a new region of that many bytes."""
        made = self.csmctl(f"create {size} {words}")
        expect(made["size"] == size, f"created: {made}")
        return made["region"]

    def create_for(self, other, size, access=""):
        """The number of a new region, shared with the other realm."""
        made, _ = self.do(Made("new", f"create {size}"),
                          f"csmctl share {number_of('new')} {other.id} {access}")
        expect(made["size"] == size, f"created: {made}")
        return made["region"]

    def of(self, number):
        """A region of this realm as the others name it."""
        return f"{self.id}:{number}"

    def start(self, name, command, says=None):
        """In the background; until it says something."""
        self.sh(begin(name, command, says))

    def ended(self, name):
        """What a command in the background has said, once it has ended well."""
        return self.sh(f"csm_ended {name}")


class Pair:
    """Both realms, and what the scenario has to remember."""

    def __init__(self, system, args):
        self.system = system
        self.args = args
        self.test = system.report.test
        self.one, self.two = (Realm(system, name) for name in ("one", "two"))

    def destroy(self, number, *before):
        """A region of one, to which two is attached: that keeps its place until it is detached.
        `before` are steps of one.
        """
        theirs = self.one.of(number)
        self.one.do(*before, f"csmctl destroy {number}")
        self.two.do(No(f"sharetest dump {theirs}", ENDED), f"csmctl detach {theirs}")

    def empty(self):
        """Nothing is shared or attached in either."""
        for realm in (self.one, self.two):
            info = realm.csmctl("id")
            expect(info["regions"] == 0 and info["attachments"] == 0 and info["memory_used"] == 0
                   and info["window_free"] == info["window_size"], f"{realm.name}: {info}")


# ----------------------------------------------------------------- manual pages


def example(page):
    """Lines of a manual page's first example."""
    with open(os.path.join(TOP, page), encoding="utf-8") as file:
        text = file.read()
    found = re.search(r"^\.SH EXAMPLES?\n(?:.*\n)*?\.nf\n((?:.*\n)*?)\.fi$", text, re.M)
    expect(found, f"{page} has no example")
    return found.group(1).replace("\\-", "-").replace("\\e", "\\").splitlines()


def csmctl_example(pair):
    """Word for word, but for the realms' ids. The region is the first that the provider makes."""
    realms = {"provider": (pair.one, pair.two), "consumer": (pair.two, pair.one)}
    pair.one.sh(f"sharetest make /tmp/model.bin {file_in(ODD)}")
    lines = example("user/man/csmctl.1")
    expect(len(lines) >= 4, f"only {lines}")
    for line in lines:
        who, command = line.split("$ ", 1)
        realm, other = realms[who]
        command, ids = re.subn(r"\b[0-9a-f]{16}\b", other.id, command)
        expect(ids == 1, f"no id in {line!r}")
        realm.sh(f"cd /tmp && {command}")
    pair.two.do(f"sharetest same /tmp/model.bin {file_in(ODD)}",
                No(f"csmctl get {pair.one.of(1)} /tmp/model.bin", NOT_PERMITTED))
    pair.one.sh("csmctl destroy 1")


def program(pair, path, says):
    """A program that shares a page with the realm named, until that one has read it."""
    pair.one.start("program", f"{path} {pair.two.id}")
    entries, deadline = [], pair.system.host.deadline(SHARES_SECONDS)
    while not entries:
        expect(not deadline.met(), f"{path} has shared nothing")
        said = pair.two.sh(f"csmctl --json list {pair.one.id} 2>/dev/null || echo '{{}}'")
        entries = json.loads(" ".join(said)).get("regions", [])
    number = entries[0]["region"]
    expect(entries[0]["label"] == "hello", entries)
    text = pair.two.sh(f"sharetest dump {pair.one.of(number)} | head -c {len(says)}")
    expect(text == [says], text)
    pair.one.ended("program")


def verifier_examples(pair):
    """cca-measure and cca-verify, with the files that their manual pages name."""
    folder = os.path.join(BUILD, "system", "examples")
    os.makedirs(folder, exist_ok=True)
    files = {"Image": pair.args.kernel, "initramfs": os.path.join(BUILD, "system", "guest.cpio"),
             "platform.pem": paths.ANCHOR}
    for name, path in files.items():
        link = os.path.join(folder, name)
        if os.path.lexists(link):
            os.unlink(link)
        os.symlink(path, link)
    nonce = os.urandom(64)
    with open(os.path.join(folder, "nonce"), "wb") as file:
        file.write(nonce)
    token = "".join(pair.one.sh(f"work_token {nonce.hex()}"))
    with open(os.path.join(folder, "token.cbor"), "wb") as file:
        file.write(base64.b64decode(token))
    for page in ("cca-measure", "cca-verify"):
        command = "\n".join(example(f"verifier/{page}.1"))
        done = subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, text=True,
                              env={**os.environ, "PATH": paths.VERIFIER + ":" +
                                   os.environ["PATH"]}, check=False)
        expect(done.returncode == 0, f"{command}: {done.stdout}{done.stderr}")


def all_pages(_pair):
    """A manual page that is not tried here is a failure."""
    pages = subprocess.run(["git", "ls-files", "*.[1-8]"], cwd=TOP, capture_output=True,
                           text=True, check=True).stdout.split()
    tried = {"csmctl.1", "libcsm.3", "cca-verify.1", "cca-measure.1", "csmfs.5",
             "libccatoken.3",  # by verifier/tests/library.py
             "csm_attest.3",  # by user/tests/check-install
             "rvm.1",  # by vmm/tests/rvm_life.py
             "caec-agent.1"}  # by every realm: it is a line of guest-init
    expect({os.path.basename(page) for page in pages} == tried, f"pages: {pages}")
    for page in pages:
        example(page)
    with open(os.path.join(TOP, "tests/system/guest-init"), encoding="utf-8") as file:
        expect(example("vmm/man/caec-agent.1")[0] in file.read().splitlines(),
               "guest-init does not start the agent as caec-agent(1) shows")


def manual():
    """The first example of every manual page of what runs in a realm or judges one."""
    yield "the example of csmctl(1), as it is printed", csmctl_example
    yield "the example of libcsm(3), as it is printed", \
        lambda pair: program(pair, "man-example", "hello")
    yield "user/examples/hello.c", lambda pair: program(pair, "hello", "hello, realm")
    yield "the examples of cca-measure(1) and cca-verify(1), as printed", verifier_examples
    yield "every manual page with an example is tried here", all_pages


# ------------------------------------------------------------- seal and contents


def sealed_file(pair, size):
    """A file of one, sealed: the same for two, and nobody can change it or what is known of it."""
    one, two = pair.one, pair.two
    digest = hashlib.sha512(image(size)).hexdigest()
    mine = number_of("sealed")
    _, made, listed, digested, *_ = one.do(
        f"sharetest make /tmp/file {file_in(size)}",
        Made("sealed", f"put /tmp/file --label sealed --seal --to {two.id}"),
        Json("list"), Json(f"digest {mine}"), No(f"csmctl seal {mine}", "sealed already"),
        No(f"sharetest fill {mine} changed", "csm_write"), "rm /tmp/file")
    expect(made["size"] == size, made)
    number, theirs = made["region"], one.of(made["region"])
    expect(entry_of(listed, number)["sealed"] is True, "list does not say that it is sealed")
    listed, attached, yours, *_ = two.do(
        Json(f"list {one.id}"), Json(f"attach {theirs}"), Json(f"digest {theirs}"),
        f"csmctl get {theirs} - >/tmp/got && sharetest same /tmp/got {file_in(size)}",
        No(f"sharetest fill {theirs} changed", "csm_write"))
    there = entry_of(listed, number)
    expect(there["sealed"] is True and there["label"] == "sealed" and
           there["permissions"] == "r" and there["size"] == size, there)
    expect(attached["size"] == size and attached["permissions"] == "r", attached)
    expect(digested["sha512"] == yours["sha512"] == digest,
           f"{digested}, {yours}, contents: {digest}")
    pair.destroy(number, f"csmctl revoke {number} {two.id}",
                 No(f"csmctl share {number} {two.id} --write", "no write access"))


def seal_under_writer(pair):
    """SEAL while the consumer writes: it is stopped, and what is there stays as it was then."""
    one, two = pair.one, pair.two
    number = one.create_for(two, ODD, "--write")
    theirs = one.of(number)
    attached, _ = two.do(Json(f"attach {theirs}"),
                         begin("writer", f"sharetest use {theirs} write", "using"))
    expect(attached["permissions"] == "rw", "no write access")
    _, mine = one.do(f"csmctl seal {number}", Json(f"digest {number}"))
    said, yours, after, _ = two.do(
        "csm_ended writer", Json(f"digest {theirs}"), f"sharetest dump {theirs} | sha512sum",
        No(f"sharetest fill {theirs} more", "csm_write"))
    expect(said[-1].startswith("end: "), said)
    expect(mine["sha512"] == yours["sha512"] == after[-1].split()[0], f"{mine}, {yours}, {after}")
    pair.destroy(number)


def zeros(pair):
    """The digest of a region that nobody has written to."""
    sizes = {"4K": 4096, "4100K": 4100 << 10, "4198400": 4198400}
    results = pair.one.do(*[f"csm_zeros {text}" for text in sizes])
    for (text, size), said in zip(sizes.items(), results):
        expect(said == [str(size), hashlib.sha512(bytes(size)).hexdigest()], f"{text}: {said}")


def sealing():
    """Sizes, digests, and a consumer that writes."""
    for name, size in SIZES.items():
        yield f"a sealed file of {name}: same digest and contents in both realms, nobody writes", \
            lambda pair, size=size: sealed_file(pair, size)
    yield "create, seal, digest: the digest is that of the contents", zeros
    yield "seal while the consumer writes", seal_under_writer


# ------------------------------------------------------------------- permissions


def whole_files(pair, sizes):
    """Without a seal: there and back, and detached in between."""
    one, two = pair.one, pair.two
    steps = []
    for size in sizes:
        steps += [f"sharetest make /tmp/file {file_in(size)}",
                  Json("put /tmp/file --label plain"), "rm /tmp/file"]
    numbers = [made["region"] for made in one.do(*steps)[1::3]]
    two.do(*[No(f"csmctl get {one.of(number)} /tmp/got", NOT_PERMITTED) for number in numbers])
    one.do(*[f"csmctl share {number} {two.id}" for number in numbers])
    steps = []
    for size, theirs in zip(sizes, map(one.of, numbers)):
        steps += 2 * [f"csmctl attach {theirs}",
                      f"csmctl get {theirs} /tmp/got && sharetest same /tmp/got {file_in(size)}",
                      f"rm /tmp/got && csmctl detach {theirs}"]
        steps += [No(f"csmctl detach {theirs}", GONE)]
    two.do(*steps)
    one.do(*[f"csmctl destroy {number}" for number in numbers])


def grants(pair):
    """Reading, writing, execution; taken away and given again. Two regions take turns: what was
    taken away is tried while the other one is shared.
    """
    one, two = pair.one, pair.two
    numbers = [made["region"] for made in one.do(*2 * [Json(f"create {ODD} --label grants")])]
    before = []
    for turn, (words, access) in enumerate((("", "r"), ("--write", "rw"), ("--exec", "r-x"),
                                            ("--write --exec", "rwx"))):
        number, other = numbers[turn % 2], numbers[1 - turn % 2]
        one.do(*before, f"csmctl share {number} {two.id} {words}",
               No(f"csmctl share {number} {two.id}", "exists already"))
        fill = f"sharetest fill {one.of(number)} '{access}'"
        listed, *_ = two.do(Json(f"list {one.id}"),
                            fill if "w" in access else No(fill, "csm_write"),
                            No(f"csmctl attach {one.of(other)}", NOT_PERMITTED))
        expect(entry_of(listed, number)["permissions"] == access,
               f"{words}: not {access}: {listed}")
        before = [f"csmctl revoke {number} {two.id}"]
    one.do(*before, No(f"csmctl revoke {numbers[1]} {two.id}", GONE))
    two.do(*[No(f"csmctl attach {one.of(number)}", NOT_PERMITTED) for number in numbers])
    said = one.do(*[f"sharetest dump {number} | head -c 4 | xxd -p" for number in numbers],
                  *[f"csmctl destroy {number}" for number in numbers])[:2]
    expect(said == [["00000000"], [b"rwx\0".hex()]], f"what two wrote: {said}")


def refused_alike(pair):
    """A region that is not offered and one that does not exist look the same."""
    one, two = pair.one, pair.two
    number = one.create(4096)
    targets = (one.of(number), one.of(number + 1000), "0000000000000001:1")
    two.do(*[f"csm_refused {target}" for target in targets],
           No(f"csmctl list {one.id}", NOT_PERMITTED),
           No(f"csmctl peer {one.id}", "no sharing with that realm"))
    one.sh(f"csmctl destroy {number}")


def policies(pair, rims):
    """Grants to whom software and owner decide, and the policy of a consumer for its provider."""
    one, two = pair.one, pair.two
    rpv = {name: name.encode().ljust(64, b"\0").hex() for name in ("one", "two")}
    rem = "00" * 32
    tried = {f"--rim {rims['one']}": False, f"--rim {rims['two']}": True,
             f"--rim {rims['two']} --rpv {rpv['one']}": False,
             f"--rim {rims['two']} --rpv {rpv['two']} --rem 1:{rem}": True,
             f"--rim {rims['two']} --rem 2:{'01' * 32}": False}
    steps = []
    for words in tried:
        steps += [Made("any", "create 4096"), f"csmctl share {number_of('any')} any {words}"]
    numbers = [made["region"] for made in one.do(*steps)[::2]]
    regions = [one.of(number) for number in numbers]
    listed, *_ = two.do(Json(f"list {one.id}"), *[
        f"csmctl attach {region}" if meets else f"csm_refused {region}"
        for region, meets in zip(regions, tried.values())])
    for number, meets in zip(numbers, tried.values()):
        entry = entry_of(listed, number)
        expect(entry["any"] is True if meets else entry is None, f"{number}: {listed}")
    one.do(*[f"csmctl revoke {number} any" for number in numbers])
    steps = []
    for region, meets in zip(regions, tried.values()):
        steps += [No(f"sharetest dump {region}", ENDED), f"csmctl detach {region}"] if meets else []
        steps += [f"csm_refused {region}"]
    two.do(*steps)
    one.do(*[f"csmctl destroy {number}" for number in numbers[1:]],
           f"csmctl share {numbers[0]} {two.id} --rpv {rpv['two']}")
    two.do(No(f"csmctl attach {regions[0]} --rim {rims['two']}", NOT_PERMITTED),
           f"csmctl attach {regions[0]} --rim {rims['one']} --rpv {rpv['one']}")
    pair.destroy(numbers[0])


def measurements(pair, rims):
    """peer shows to each what the other is."""
    one, two = pair.one, pair.two
    number = one.create_for(two, 4096)
    said = {"one": two.do(f"csmctl attach {one.of(number)}", Json(f"peer {one.id}"))[1],
            "two": one.csmctl(f"peer {two.id}")}
    for other in (one, two):
        expected = {"realm": other.id, "hash": "sha-256", "rim": rims[other.name],
                    **{f"rem{index}": "00" * 32 for index in range(4)},
                    "rpv": other.name.encode().ljust(64, b"\0").hex()}
        expect(said[other.name] == expected, f"{said[other.name]} in place of {expected}")
    pair.destroy(number)


def permissions(rims):
    """Who may do what."""
    sizes = [SIZES[name] for name in ("1 page", "4100 KiB", "20 MiB")]
    yield "files there and back; a second attachment", lambda pair: whole_files(pair, sizes)
    yield "grants to read, write and execute, given and taken away", grants
    yield "what is not offered looks like what does not exist", refused_alike
    yield "grants to any realm of a measurement; policies of both sides", \
        lambda pair: policies(pair, rims)
    yield "measurements of the peer are those of cca-measure", \
        lambda pair: measurements(pair, rims)


# ------------------------------------------------------------ events and channels


def events(pair):
    """Attached, bits, detached, ended; nothing, and time is over."""
    one, two = pair.one, pair.two
    mine = number_of("events")
    number = one.do(Made("events", f"create {ODD}"),
                    No(f"csmctl wait {mine} --timeout 0", "timed out"),
                    No(f"sharetest notify {mine} 1 {two.id}", NOT_PERMITTED),
                    f"csmctl share {mine} {two.id}")[0]["region"]
    theirs = one.of(number)
    two.sh(f"csmctl attach {theirs}")
    seen = one.csmctl(f"wait {number} {PATIENT}")
    expect(seen == {"peer": two.id, "events": ["attached"], "bits": 0}, seen)
    two.do(f"sharetest notify {theirs} 90", begin("poll", f"sharetest poll {theirs}", "polling"))
    seen, _, _, _, made, _ = one.do(
        Json(f"wait {number} {PATIENT}"), f"sharetest notify {number} 165 {two.id}", "sleep 1",
        f"csmctl destroy {number}",
        Made("more", "create 4096"), f"csmctl share {number_of('more')} {two.id}")
    expect(seen["bits"] == 90 and seen["events"] == ["signal"], seen)
    number = made["region"]
    said = two.do("csm_ended poll", No(f"csmctl wait {theirs}", ENDED), f"csmctl detach {theirs}",
                  No(f"csmctl wait {theirs}", GONE),
                  f"csmctl attach {one.of(number)}", f"csmctl detach {one.of(number)}")[0]
    expect(said[-1] == "bits 165 ended 1", said)
    seen, _ = one.do(Json(f"wait {number} {PATIENT}"), f"csmctl destroy {number}")
    expect(seen["events"] == ["attached", "detached"], seen)


def channel(pair, action):
    """action(pair, number, theirs) on a region that both may write."""
    number = pair.one.create_for(pair.two, MIB + 4096, "--write")
    action(pair, number, pair.one.of(number))
    pair.one.sh(f"csmctl destroy {number}")


def lines(pair, number, theirs):
    """send and recv."""
    pair.two.start("recv", f"csmctl recv {theirs} {PATIENT}")
    pair.one.sh(f"seq 1 500 | csmctl send {number} --to {pair.two.id} {PATIENT}")
    said = pair.two.ended("recv")
    expect(said == [str(value) for value in range(1, 501)], f"{len(said)} lines: {said[-2:]}")


def pings(pair, number, theirs):
    """echo and ping."""
    pair.two.start("echo", f"csmctl echo {theirs} {PATIENT}")
    said = pair.one.csmctl(f"ping {number} --to {pair.two.id} --count 60 --sizes 1-32K "
                             f"{PATIENT}")
    expect(said["messages"] == 60 and said["bytes_each_way"] > 60 * 1024, said)
    pair.two.ended("echo")


def in_place(pair, number, theirs):
    """Reservations, batches, and messages that are read where they are."""
    pair.two.start("sum", f"sharetest sum {theirs}")
    expect(pair.one.sh(f"sharetest batch {number} {pair.two.id}")[-1] == "messages 64", "batch")
    pair.two.ended("sum")


def calls(pair, number, theirs):
    """Requests and responses."""
    pair.two.start("serve", f"sharetest serve {theirs}")
    expect(pair.one.sh(f"sharetest call {number} {pair.two.id}")[-1] == "calls 51", "call")
    said = pair.two.ended("serve")
    expect(said[-1] == "served 51", said)


def talking():
    """Events, and channels in every way."""
    yield "events: attached, bits, detached, end; poll(2)", events
    for name, action in (("lines through send and recv", lines), ("ping and echo", pings),
                         ("messages in place, in batches", in_place),
                         ("requests and responses", calls)):
        yield f"channel: {name}", lambda pair, action=action: channel(pair, action)
    yield "a network interface to the other realm: csmctl link", links
    yield "sockets of AF_VSOCK to the other realm: csmctl link --vsock", vsock_links


# -------------------------------------------------------------------------- links


def links(pair):
    """An interface to the other realm: traffic by both addresses, refusals, and its end."""
    one, two = pair.one, pair.two
    one.start("link", f"csmctl link up csm0 {two.id} {PATIENT} --address 10.9.0.1/24")
    two.start("carrier", f"csmctl link up csm0 {one.id} {PATIENT} --address 10.9.0.2/24 "
              "--foreground", "csm0: up")
    one.ended("link")
    local = one.csmctl("link list")["links"][0]["peer_address"]
    one.do("ping -c 3 10.9.0.2", f"ping -c 1 {local}%csm0",
           No(f"csmctl link up csm0 {two.id}", "a link of this name exists"),
           No(f"csmctl link up csm9 {two.id}", "there is a link to this realm: csm0"))
    two.start("sink", "nc -l -p 7000 -e sha256sum")
    sums = one.sh("seq 1 400000 >/tmp/data; until nc 10.9.0.2 7000 </tmp/data; do usleep 200000; "
                  "done; sha256sum </tmp/data; rm /tmp/data")[-2:]
    expect(sums[0] == sums[1], f"the data differs: {sums}")
    two.ended("sink")
    one.do("csmctl link down csm0", No("csmctl link down csm0", "no such link"))
    two.do("until csmctl link list | grep -q waiting; do usleep 100000; done",
           "! ifconfig csm0 | grep -q RUNNING", "csmctl link down csm0", HEALTHY)
    expect("down: the peer has ended the link" in " ".join(two.ended("carrier")), "carrier")
    pair.empty()


def vsock_links(pair):
    """Sockets to the other realm: data, a CID of one's own choice, refusals, and a reset."""
    one, two = pair.one, pair.two
    load = "[ -e /dev/csm-vsock ] || insmod /lib/vsock/caec_vsock.ko"
    one.do(load)
    two.do(load)
    one.start("link", f"csmctl link up vs0 {two.id} {PATIENT} --vsock")
    two.do(f"csmctl link up vs0 {one.id} {PATIENT} --vsock --cid 77")
    one.ended("link")
    cid = one.csmctl("link list")["links"][0]["peer_address"].removeprefix("vsock:")
    one.do(No(f"csmctl link up vs1 {STRANGER} --vsock --cid {cid}", "another link has the CID"))
    two.start("sink", "sh -c 'vsocktalk listen 7000 2>/dev/null | sha256sum'")
    sums = one.sh(f"seq 1 100000 >/tmp/data; vsocktalk connect {cid} 7000 </tmp/data; "
                  "sha256sum </tmp/data; rm /tmp/data")[-1:]
    arrived = two.ended("sink")[-1:]
    expect(arrived == sums, f"the data differs: {arrived}, {sums}")
    one.start("server", "vsocktalk listen 7001", "listening")
    two.start("client", "vsocktalk hold 77 7001", "connected")
    one.do("csmctl link down vs0")
    for realm, name in ((one, "server"), (two, "client")):
        realm.do(No(f"csm_ended {name}", "Connection reset by peer"))
    two.do("csmctl link down vs0", HEALTHY)
    pair.empty()


# --------------------------------------------------------------------- withdrawal


def revoke_under_readers(pair):
    """The consumer reads in every way when the provider takes the region back."""
    one, two = pair.one, pair.two
    ways = ("read", "write", "syscall")
    number = one.create_for(two, ODD, "--write")
    theirs = one.of(number)
    two.do(f"csmctl attach {theirs}",
           *[begin(name, f"sharetest use {theirs} {name}", "using") for name in ways],
           begin("watch", f"csmctl watch {theirs} {PATIENT}", "reading"))
    one.sh(f"csmctl revoke {number} {two.id}")
    *results, watch, _, _, _ = two.do(
        *[f"csm_ended {name}" for name in ways], "csm_ended watch", f"csmctl detach {theirs}",
        f"csm_refused {theirs}", HEALTHY)
    for name, said in zip(ways, results):
        expect(said[-1] == ("end: EFAULT" if name == "syscall" else "end: the sharing has ended: "
               "region, grant or peer is gone"), f"{name}: {said}")
    expect(any("SIGBUS" in line for line in watch), watch)
    one.sh(f"csmctl destroy {number}")


def killed_programs(pair):
    """A sharing ends with the program that has it, on either side, if it does not persist."""
    one, two = pair.one, pair.two
    number = int(one.sh(begin("hold", f"sharetest hold {ODD} {two.id}", "region"))[-1].split()[1])
    theirs = one.of(number)
    said, _ = two.do(f"sharetest dump {theirs} | head -c 4",
                     begin("poll", f"sharetest poll {theirs}", "polling"))
    expect(said == ["held"], "contents")
    _, listed, made, _ = one.do("csm_kill hold", Json("list"), Made("short", f"create {ODD}"),
                                f"csmctl share {number_of('short')} {two.id}")
    expect(entry_of(listed, number) is None, "the region is there")
    number = made["region"]
    said, _, _ = two.do("csm_ended poll", f"csm_refused {theirs}",
                        begin("reader", f"sharetest use {one.of(number)} read", "using"))
    expect(said[-1] == "bits 0 ended 1", "the end of a provider's program")
    expect("attached" in one.csmctl(f"wait {number} {PATIENT}")["events"], "attached")
    two.sh("csm_kill reader")
    seen, _ = one.do(Json(f"wait {number} {PATIENT}"), f"csmctl destroy {number}")
    expect("detached" in seen["events"], "the end of a consumer's program")


def persistence(pair):
    """What is kept stays for all programs, and keeps the module, until it is ended."""
    one, two = pair.one, pair.two
    stays = "! rmmod caec_guest 2>/dev/null"
    said, listed, *_ = one.do(f"sharetest keep {ODD} >/tmp/kept; cat /tmp/kept", Json("list"),
                              "sharetest fill $(cat /tmp/kept) kept",
                              f"csmctl share $(cat /tmp/kept) {two.id}")
    number = int(said[-1])
    expect(entry_of(listed, number)["label"] == "kept", "it did not stay")
    theirs = one.of(number)
    _, yours, _, info, here = two.do(
        f"csmctl attach {theirs}", f"sharetest dump {theirs} | head -c 4", stays, Json("id"),
        Json("list"))
    mine, _ = one.do(f"sharetest dump {number} | head -c 4", stays)
    expect(mine == yours == ["kept"], f"{mine}, {yours}")
    expect(info["attachments"] == 1, "the attachment did not stay")
    expect([(entry["provider"], entry["region"], entry["state"]) for entry in here["attachments"]]
           == [(one.id, number, "attached")], f"list: {here}")
    two.sh(f"csmctl detach {theirs}")
    one.do(f"csmctl destroy {number}", No(f"csmctl destroy {number}", GONE))


def full_table(pair):
    """One that is full says so, and has room again."""
    said = pair.two.sh("sharetest full")
    expect(said[-1] == f"count {RECORDS}", said)


def full_window(pair):
    """The same of the window for attachments."""
    one, two = pair.one, pair.two
    first, second = (made["region"] for made in one.do(*2 * [Json(f"create {20 * MIB}")]))
    one.do(f"csmctl share {first} {two.id}", f"csmctl share {second} {two.id}")
    two.do(f"csmctl attach {one.of(first)}",
           No(f"csmctl attach {one.of(second)}", "no room in the window for attachments"),
           f"csmctl detach {one.of(first)}", f"csmctl attach {one.of(second)}")
    pair.destroy(second, f"csmctl destroy {first}")


def full_memory(pair):
    """The same of the memory for regions."""
    pair.one.refuse("csmctl create 1G", "the memory limit for regions is reached")
    pair.empty()


def fresh_module(pair):
    """The module can go, so nothing of either realm is left."""
    for realm in (pair.one, pair.two):
        realm.sh("csm_down && csm_up")
    pair.empty()


def ends():
    """How sharings end; what happens when something is full."""
    yield "revoke while the consumer reads, writes and makes system calls", revoke_under_readers
    yield "programs that are killed, on both sides", killed_programs
    yield "persistent regions and attachments", persistence
    yield "an access policy table that is full", full_table
    yield "a window that is full, and has room again", full_window
    yield "more memory than regions may take", full_memory
    yield "nothing is left; the module goes and comes back", fresh_module


# -------------------------------------------------------------------- attestation


EXAMPLES = os.path.join(BUILD, "system", "examples")


def tokens(rims, pair):
    """A token by csmctl is what the verifier of the host expects."""
    nonce = os.urandom(64)
    text = pair.one.sh(f"csmctl token --challenge {nonce.hex()} /tmp/token && base64 /tmp/token")
    os.makedirs(EXAMPLES, exist_ok=True)
    path = os.path.join(EXAMPLES, "csmctl.cbor")
    with open(path, "wb") as file:
        file.write(base64.b64decode("".join(text)))
    done = subprocess.run([verifier.path("cca-verify"), "--json", "--challenge", nonce.hex(),
                           "--anchor", paths.ANCHOR, path],
                          capture_output=True, text=True, check=False)
    expect(done.returncode == 4, f"{done.stdout}{done.stderr}")
    shown = json.loads(done.stdout)["realm"]
    expect(shown["id"] == pair.one.id and shown["instance-id"][2:18] == pair.one.id and
           shown["rim"] == rims["one"], shown)


def put_policies(rims, pair):
    """Into each realm: the policy for the other one, one that it does not meet, and the anchor."""
    with open(paths.ANCHOR, "rb") as file:
        anchor = base64.b64encode(file.read()).decode()
    for realm, other in ((pair.one, pair.two), (pair.two, pair.one)):
        steps = [f"echo {anchor} | base64 -d >/tmp/anchor.pem"]
        for name, rim in ((other.name, rims[other.name]), ("wrong", "00" * 32)):
            policy = {"caec-policy": 1, "anchors": ["anchor.pem"], "realm": {"rim": rim}}
            steps.append(f"echo '{json.dumps(policy)}' >/tmp/{name}.json")
        realm.do(*steps)


def carry(sender, receiver, kind):
    """The host carries one message from a folder in one realm to that in the other."""
    name = f"/tmp/relay/{sender.name}.{kind}"
    text = "".join(sender.sh(f"until [ -s {name} ]; do sleep 0.1; done; base64 {name}"))
    receiver.sh(f"echo {text} | base64 -d >{name}.part && mv {name}.part {name}")


def attests_by_the_host(rims, pair):
    """Both realms verify each other's tokens, which the host carries as files."""
    one, two = pair.one, pair.two
    put_policies(rims, pair)
    for realm, other in ((one, two), (two, one)):
        realm.sh("mkdir -p /tmp/relay; " +
                 begin("attest", f"csmctl --json {PATIENT} attest {other.name} --policy "
                       f"/tmp/{other.name}.json --via /tmp/relay --as {realm.name}"))
    for kind in ("challenge", "token"):
        carry(one, two, kind)
        carry(two, one, kind)
    for realm, other in ((one, two), (two, one)):
        said = json.loads(" ".join(realm.ended("attest")))
        expect(said == {"realm": other.id, "rim": rims[other.name]}, f"{realm.name}: {said}")


def attests_over_a_channel(rims, pair):
    """Sharing begins with an attestation that the host does not see; a wrong image gets nothing."""
    one, two = pair.one, pair.two
    put_policies(rims, pair)
    number = one.create(4096)
    theirs = one.of(number)
    one.sh(begin("share", f"csmctl {PATIENT} share {number} {two.id} --attest /tmp/two.json"))
    two.sh(f"csmctl {PATIENT} attach {theirs} --attest /tmp/one.json")
    one.ended("share")
    pair.destroy(number)
    one.sh(begin("attest", f"csmctl {PATIENT} attest {two.id} --policy /tmp/two.json"))
    two.refuse(f"csmctl {PATIENT} attach {theirs} --attest /tmp/wrong.json",
               "the token is refused: realm.rim")
    said = one.ended("attest")
    expect(said == [f"realm: {two.id}", f"rim: {rims['two']}"], said)
    for realm in (one, two):
        listed = realm.csmctl("list")
        expect(listed["regions"] == [] and listed["attachments"] == [], f"left over: {listed}")


STRANGER = "1234567812345678"  # no realm's id


def evidence_of(realm, challenge):
    """What a realm gives to a third party, in a file here; its path."""
    text = realm.sh(f"csmctl evidence --challenge {challenge} /tmp/evidence && "
                    "base64 /tmp/evidence")
    path = os.path.join(EXAMPLES, f"{realm.name}.evidence")
    with open(path, "wb") as file:
        file.write(base64.b64decode("".join(text)))
    return path


def judge_pair(files, challenge, rims):
    """Status, report and complaints of the verifier for the evidence of both realms."""
    policies = []
    for name, rim in rims.items():
        policies.append(os.path.join(EXAMPLES, f"pair-{name}.json"))
        with open(policies[-1], "w", encoding="utf-8") as file:
            json.dump({"caec-policy": 1, "realm": {"rim": rim}}, file)
    done = subprocess.run([verifier.path("cca-verify"), "--pair", "--json", "--challenge",
                           challenge, "--anchor", paths.ANCHOR, "--policy", policies[0],
                           "--peer-policy", policies[1], *files],
                          capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout or "{}"), done.stderr


def proves_a_pair(rims, pair):
    """A third party learns what the two share, and that nobody else has it; then others come."""
    one, two = pair.one, pair.two
    os.makedirs(EXAMPLES, exist_ok=True)
    challenge, other = os.urandom(64).hex(), os.urandom(64).hex()
    number = one.create(8192)
    said = one.do(f"csmctl share {number} {two.id} --write", f"csmctl seal {number}",
                  Json(f"digest {number}"))
    two.sh(f"csmctl attach {one.of(number)}")
    files = [evidence_of(realm, challenge) for realm in (one, two)]
    status, report, why = judge_pair(files, challenge, rims)
    expect(status == 0 and report["sharings"] == [{
        "provider": one.id, "consumer": two.id, "region": number, "size": 8192, "sealed": True,
        "digest": said[2]["sha512"], "permissions": 1}], f"{status}: {report} {why}")
    status, _, why = judge_pair(files, other, rims)
    expect(status == 1 and "realm.challenge" in why, f"replayed: {status}: {why}")
    one.sh(f"csmctl share {number} {STRANGER}")
    files[0] = evidence_of(one, challenge)
    status, _, why = judge_pair(files, challenge, rims)
    expect(status == 1 and f"is granted to {STRANGER} too" in why, f"third: {status}: {why}")
    one.do(f"csmctl revoke {number} {STRANGER}", f"csmctl revoke {number} {two.id}")
    files[0] = evidence_of(one, challenge)
    status, _, why = judge_pair(files, challenge, rims)
    expect(status == 1 and "pair.granted" in why, f"revoked: {status}: {why}")
    one.sh(f"csmctl destroy {number}")
    two.sh(f"csmctl detach {one.of(number)}")


def attestation(rims):
    """What csmctl does with tokens."""
    yield "a token by csmctl", functools.partial(tokens, rims)
    yield "attestation by files that the host carries", \
        functools.partial(attests_by_the_host, rims)
    yield "attestation over a channel, and sharing after it", \
        functools.partial(attests_over_a_channel, rims)
    yield "evidence of a pair: who shares what, and with nobody else", \
        functools.partial(proves_a_pair, rims)


# -------------------------------------------------------------------- completeness


def commands_and_options():
    """Those of csmctl, from its tables."""
    text = ""
    for name in ("csmctl.c", "options.c"):
        with open(os.path.join(TOP, "user", "tools", name), encoding="utf-8") as file:
            text += file.read()
    commands = set(re.findall(r'\{"([a-z]+)", \d+, \d+, cmd_', text))
    options = {"--" + name for name in re.findall(r'\{"([a-z]+)", OPT_', text)}
    expect(len(commands) >= 19 and len(options) >= 14, f"the tables have changed: {commands}, "
           f"{options}")
    return commands | options


def csmctl_ran(pair):
    """Every command and option that has ended well in a realm, and what is there."""
    done = set()
    for realm in (pair.one, pair.two):
        for line in realm.do("csmctl --help >/dev/null && csmctl --version",
                             "cat /tmp/csmctl.ran")[1]:
            status, *words = line.split()
            if status == "0":
                done |= {word.split("=")[0] for word in words}
    missing = commands_and_options() - done
    expect(not missing, f"no realm has run {sorted(missing)}")


def libcsm_ran(_pair):
    """Every function of libcsm.h is called by a program that has run in a realm."""
    with open(os.path.join(TOP, "user", "libcsm", "include", "libcsm.h"), encoding="utf-8") as file:
        functions = set(re.findall(r"^CSM_API .*?\b(csm_[a-z_]+)\(", file.read(), re.M))
    expect(len(functions) >= 40, f"only {len(functions)} functions found")
    folders = [os.path.join(BUILD, "arm64", "user", name) for name in ("csmctl.p", "hello.p")]
    files = [os.path.join(folder, name) for folder in folders for name in os.listdir(folder)
             if name.endswith(".o")]
    files.append(os.path.join(BUILD, "system", "sharetest.o"))
    used = subprocess.run(["aarch64-linux-gnu-nm", "-u", *files], capture_output=True, text=True,
                          check=True).stdout.split()
    missing = functions - set(used)
    expect(not missing, f"no program in a realm calls {sorted(missing)}")


def completeness():
    """A command, an option or a function without a test here is a failure."""
    yield "every command and option of csmctl has run in a realm", csmctl_ran
    yield "every function of libcsm is called in a realm", libcsm_ran


# ------------------------------------------------------------------------- realms


def share(pair, rims, rows):
    """Everything that two realms that live can do, if the regular expression finds its name."""
    for name, action in itertools.chain(manual(), sealing(), permissions(rims), talking(), ends(),
                                        files.rows(example),
                                        attestation(rims), completeness()):
        if re.search(rows, name):
            with pair.test(f"sharing: {name}"):
                action(pair)


def lose_two(pair):
    """Two is killed by its host while each of the two reads from the other."""
    one, two, system = pair.one, pair.two, pair.system
    mine = one.create_for(two, ODD)
    made, *_ = two.do(Made("yours", f"create {ODD}"),
                      f"csmctl share {number_of('yours')} {one.id}",
                      f"csmctl attach {one.of(mine)}",
                      begin("watch", f"csmctl watch {one.of(mine)} {PATIENT}", "reading"))
    yours = two.of(made["region"])
    seen, *_ = one.do(Json(f"wait {mine} {PATIENT}"), f"csmctl attach {yours}",
                      begin("watch", f"csmctl watch {yours} {PATIENT}", "reading"),
                      begin("syscall", f"sharetest use {yours} syscall", "using"))
    expect("attached" in seen["events"], "attached")
    system.run("kill -9 $(cat /tmp/two.pid); wait $(cat /tmp/two.pid)", check=False)
    watch, syscall, seen, *_ = one.do(
        "csm_ended watch", "csm_ended syscall", Json(f"wait {mine} {PATIENT}"),
        f"csmctl detach {yours}", No(f"csmctl attach {yours}", NOT_PERMITTED), HEALTHY)
    expect(any("SIGBUS" in line for line in watch), "the consumer reads on")
    expect(syscall[-1] == "end: EFAULT", "system calls")
    expect(seen["peer"] == two.id and {"detached", "peer_gone"} <= set(seen["events"]), seen)
    return mine


def meet_again(pair, mine):
    """After both have started anew: other ids, none of the old grants, and everything works."""
    old = {realm.name: realm.id for realm in (pair.one, pair.two)}
    pair.one, pair.two = (Realm(pair.system, name) for name in ("one", "two"))
    for realm in (pair.one, pair.two):
        expect(realm.id not in old.values(), f"{realm.name} has an old id")
    pair.two.sh(f"csm_refused {old['one']}:{mine}")
    pair.empty()
    whole_files(pair, [SIZES["4 MiB + 4 KiB"]])


def watch_one(pair):
    """For the end of one: two reads from it."""
    number = pair.one.create_for(pair.two, ODD)
    pair.two.start("watch", f"csmctl watch {pair.one.of(number)} {PATIENT}", "reading")


def one_has_ended(pair):
    """What two has seen of that."""
    expect(any("SIGBUS" in line for line in pair.two.ended("watch")), "it reads on")


__all__ = ["Failure", "OPTIONS", "WINDOW", "Pair", "share", "lose_two", "meet_again", "watch_one",
           "one_has_ended"]
