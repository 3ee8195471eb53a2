# SPDX-License-Identifier: BSD-3-Clause
"""Confidential shared memory between two stock Linux realms: every command, feature and end of it.

The realms are those of run.py: "one" and "two", with different windows and access policy tables.
What a realm can be asked to do is in guest-csm and programs/sharetest.c.
"""

import base64
import hashlib
import json
import os
import re
import struct
import subprocess

from stack import BUILD, TOP, Failure, expect

TOOLS = os.path.join(BUILD, "native", "verifier")
MIB = 1 << 20
# Sizes of regions. The first three are no whole number of blocks of 2 MiB.
SIZES = {"1 page": 4096, "4100 KiB": 4100 << 10, "4 MiB + 4 KiB": 4 * MIB + 4096,
         "20 MiB": 20 * MIB}
ODD = SIZES["4100 KiB"]
# What the realms get from rvm; two has less of everything.
OPTIONS = {"one": "--csm 64M", "two": "--csm 32M --apt 1"}
WINDOW = {"one": "64M", "two": "32M"}
PATIENT = "--timeout 600"
SHARES_SECONDS = 900  # until a program of one shares a region
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


class No(str):
    """A command, for Realm.do(), that must fail for that reason, and with status 1."""

    def __new__(cls, command, why):
        step = super().__new__(cls, command)
        step.why = why
        return step


class Realm:
    """One of the two, and what it knows of the other."""

    def __init__(self, system, name):
        self.system = system
        self.name = name
        self.id = self.csmctl("id")["realm"]

    def do(self, *steps):
        """Commands one after the other, in one call, which is what takes time; what each says.

        A step is a command that must succeed, Json or No.
        """
        commands = [f"csmctl --json {step}" if isinstance(step, Json) else step for step in steps]
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

    def of(self, number):
        """A region of this realm as the others name it."""
        return f"{self.id}:{number}"

    def entry(self, number, where=""):
        """What list says about a region, None if it does not show it."""
        return entry_of(self.csmctl(f"list {where}"), number)

    def start(self, name, command, says=None):
        """In the background; until it says something."""
        self.sh(f"csm_start {name} {command}" + (f"; csm_said {name} '{says}'" if says else ""))

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

    def destroy(self, number):
        """A region of one, to which two is attached: that keeps its place until it is detached."""
        theirs = self.one.of(number)
        self.one.sh(f"csmctl destroy {number}")
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
             "platform.pem": os.path.join(TOP, "verifier", "anchors", "tf-a-sample.pem")}
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
                              env={**os.environ, "PATH": TOOLS + ":" +
                                   os.environ["PATH"]}, check=False)
        expect(done.returncode == 0, f"{command}: {done.stdout}{done.stderr}")


def manual(pair):
    """The first example of every manual page of what runs in a realm or judges one."""
    with pair.test("sharing: the example of csmctl(1), as it is printed"):
        csmctl_example(pair)
    with pair.test("sharing: the example of libcsm(3), as it is printed"):
        program(pair, "man-example", "hello")
    with pair.test("sharing: user/examples/hello.c"):
        program(pair, "hello", "hello, realm")
    with pair.test("sharing: the examples of cca-measure(1) and cca-verify(1), as printed"):
        verifier_examples(pair)
    with pair.test("sharing: every manual page with an example is tried here"):
        pages = subprocess.run(["git", "ls-files", "*.[1-8]"], cwd=TOP, capture_output=True,
                               text=True, check=True).stdout.split()
        tried = {"csmctl.1", "libcsm.3", "cca-verify.1", "cca-measure.1",
                 "libccatoken.3"}  # the last one by verifier/tests/library.py
        untried = {"csmfs.5"}  # docs/caveats.md
        expect({os.path.basename(page) for page in pages} == tried | untried, f"pages: {pages}")
        for page in pages:
            example(page)


# ------------------------------------------------------------- seal and contents


def sealed_file(pair, size):
    """A file of one, sealed: the same for two, and nobody can change it or what is known of it."""
    one, two = pair.one, pair.two
    digest = hashlib.sha512(image(size)).hexdigest()
    _, made = one.do(f"sharetest make /tmp/file {file_in(size)}",
                     Json(f"put /tmp/file --label sealed --seal --to {two.id}"))
    expect(made["size"] == size, made)
    number, theirs = made["region"], one.of(made["region"])
    listed, mine, *_ = one.do(
        Json("list"), Json(f"digest {number}"), No(f"csmctl seal {number}", "sealed already"),
        No(f"sharetest fill {number} changed", "csm_write"), "rm /tmp/file")
    expect(entry_of(listed, number)["sealed"] is True, "list does not say that it is sealed")
    listed, attached, yours, *_ = two.do(
        Json(f"list {one.id}"), Json(f"attach {theirs}"), Json(f"digest {theirs}"),
        f"csmctl get {theirs} - >/tmp/got && sharetest same /tmp/got {file_in(size)}",
        No(f"sharetest fill {theirs} changed", "csm_write"))
    there = entry_of(listed, number)
    expect(there["sealed"] is True and there["label"] == "sealed" and
           there["permissions"] == "r" and there["size"] == size, there)
    expect(attached["size"] == size and attached["access"] == "r", attached)
    expect(mine["sha512"] == yours["sha512"] == digest, f"{mine}, {yours}, contents: {digest}")
    one.do(f"csmctl revoke {number} {two.id}",
           No(f"csmctl share {number} {two.id} --write", "no write access"))
    pair.destroy(number)


def seal_under_writer(pair):
    """SEAL while the consumer writes: it is stopped, and what is there stays as it was then."""
    one, two = pair.one, pair.two
    number = one.create(ODD)
    theirs = one.of(number)
    one.sh(f"csmctl share {number} {two.id} --write")
    expect(two.csmctl(f"attach {theirs}")["access"] == "rw", "no write access")
    two.start("writer", f"sharetest use {theirs} write", "using")
    one.sh(f"csmctl seal {number}")
    said = two.ended("writer")
    expect(said[-1].startswith("end: "), said)
    mine = one.csmctl(f"digest {number}")
    yours, after, _ = two.do(Json(f"digest {theirs}"), f"sharetest dump {theirs} | sha512sum",
                             No(f"sharetest fill {theirs} more", "csm_write"))
    expect(mine["sha512"] == yours["sha512"] == after[-1].split()[0], f"{mine}, {yours}, {after}")
    pair.destroy(number)


def sealing(pair):
    """Sizes, digests, and a consumer that writes."""
    for name, size in SIZES.items():
        with pair.test(f"sharing: a sealed file of {name}: same digest and contents in both "
                       "realms, nobody writes"):
            sealed_file(pair, size)
    with pair.test("sharing: create, seal, digest: the digest is that of the contents"):
        sizes = {"4K": 4096, "4100K": 4100 << 10, "4198400": 4198400}
        results = pair.one.do(*[f"csm_zeros {text}" for text in sizes])
        for (text, size), said in zip(sizes.items(), results):
            expect(said == [str(size), hashlib.sha512(bytes(size)).hexdigest()], f"{text}: {said}")
    with pair.test("sharing: seal while the consumer writes"):
        seal_under_writer(pair)


# ------------------------------------------------------------------- permissions


def whole_file(pair, size):
    """Without a seal: there and back, and detached in between."""
    one, two = pair.one, pair.two
    number = one.do(f"sharetest make /tmp/file {file_in(size)}",
                    Json("put /tmp/file --label plain"))[1]["region"]
    theirs = one.of(number)
    two.refuse(f"csmctl get {theirs} /tmp/got", NOT_PERMITTED)
    one.sh(f"csmctl share {number} {two.id}")
    steps = [f"csmctl attach {theirs}",
             f"csmctl get {theirs} /tmp/got && sharetest same /tmp/got {file_in(size)}",
             f"rm /tmp/got && csmctl detach {theirs}"]
    two.do(*steps, *steps, No(f"csmctl detach {theirs}", GONE))
    one.sh(f"csmctl destroy {number}")


def grants(pair):
    """Reading, writing, execution; taken away and given again."""
    one, two = pair.one, pair.two
    number = one.create(ODD, "--label grants")
    theirs = one.of(number)
    for words, access in (("", "r"), ("--write", "rw"), ("--exec", "r-x"),
                          ("--write --exec", "rwx")):
        one.do(f"csmctl share {number} {two.id} {words}",
               No(f"csmctl share {number} {two.id}", "exists already"))
        fill = f"sharetest fill {theirs} '{access}'"
        listed, _ = two.do(Json(f"list {one.id}"), fill if "w" in access else No(fill, "csm_write"))
        expect(entry_of(listed, number)["permissions"] == access,
               f"{words}: not {access}: {listed}")
        one.sh(f"csmctl revoke {number} {two.id}")
        two.refuse(f"csmctl attach {theirs}", NOT_PERMITTED)
    said = one.do(No(f"csmctl revoke {number} {two.id}", GONE),
                  f"sharetest dump {number} | head -c 3", f"csmctl destroy {number}")[1]
    expect(said == ["rwx"], f"what two wrote: {said}")


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
    number = one.create(4096)
    theirs = one.of(number)
    rpv = {name: name.encode().ljust(64, b"\0").hex() for name in ("one", "two")}
    rem = "00" * 32
    for words, meets in ((f"--rim {rims['one']}", False), (f"--rim {rims['two']}", True),
                         (f"--rim {rims['two']} --rpv {rpv['one']}", False),
                         (f"--rim {rims['two']} --rpv {rpv['two']} --rem 2:{rem}", True),
                         (f"--rim {rims['two']} --rem 3:{'01' * 32}", False)):
        one.sh(f"csmctl share {number} any {words}")
        if meets:
            listed, _ = two.do(Json(f"list {one.id}"), f"csmctl attach {theirs}")
            expect(entry_of(listed, number)["any"] is True, "not by policy")
        else:
            two.sh(f"csm_refused {theirs}")
        one.sh(f"csmctl revoke {number} any")
        if meets:
            two.do(No(f"sharetest dump {theirs}", ENDED), f"csmctl detach {theirs}",
                   f"csm_refused {theirs}")
        else:
            two.sh(f"csm_refused {theirs}")
    one.sh(f"csmctl share {number} {two.id} --rpv {rpv['two']}")
    two.do(No(f"csmctl attach {theirs} --rim {rims['two']}", NOT_PERMITTED),
           f"csmctl attach {theirs} --rim {rims['one']} --rpv {rpv['one']}")
    pair.destroy(number)


def measurements(pair, rims):
    """peer shows to each what the other is."""
    one, two = pair.one, pair.two
    number = one.create(4096)
    one.sh(f"csmctl share {number} {two.id}")
    two.sh(f"csmctl attach {one.of(number)}")
    for realm, other in ((one, two), (two, one)):
        said = realm.csmctl(f"peer {other.id}")
        expected = {"realm": other.id, "hash": "sha-256", "rim": rims[other.name],
                    **{f"rem{index}": "00" * 32 for index in range(1, 5)},
                    "rpv": other.name.encode().ljust(64, b"\0").hex()}
        expect(said == expected, f"{said} in place of {expected}")
    pair.destroy(number)


def permissions(pair, rims):
    """Who may do what."""
    with pair.test("sharing: files there and back; a second attachment"):
        for name in ("1 page", "4100 KiB", "20 MiB"):
            whole_file(pair, SIZES[name])
    with pair.test("sharing: grants to read, write and execute, given and taken away"):
        grants(pair)
    with pair.test("sharing: what is not offered looks like what does not exist"):
        refused_alike(pair)
    with pair.test("sharing: grants to any realm of a measurement; policies of both sides"):
        policies(pair, rims)
    with pair.test("sharing: measurements of the peer are those of cca-measure"):
        measurements(pair, rims)


# ------------------------------------------------------------ events and channels


def events(pair):
    """Attached, bits, detached, ended; nothing, and time is over."""
    one, two = pair.one, pair.two
    number = one.create(ODD)
    theirs = one.of(number)
    one.do(No(f"csmctl wait {number} --timeout 0", "timed out"),
           No(f"sharetest notify {number} 1 {two.id}", NOT_PERMITTED),
           f"csmctl share {number} {two.id}")
    two.sh(f"csmctl attach {theirs}")
    seen = one.csmctl(f"wait {number} {PATIENT}")
    expect(seen["peer"] == two.id and seen["attached"] and not seen["detached"], seen)
    two.sh(f"sharetest notify {theirs} 90")
    seen = one.csmctl(f"wait {number} {PATIENT}")
    expect(seen["bits"] == 90 and not seen["attached"], seen)
    two.start("poll", f"sharetest poll {theirs}", "polling")
    one.do(f"sharetest notify {number} 165 {two.id}", "sleep 1", f"csmctl destroy {number}")
    said = two.ended("poll")
    expect(said[-1] == "bits 165 ended 1", said)
    two.do(No(f"csmctl wait {theirs}", ENDED), f"csmctl detach {theirs}",
           No(f"csmctl wait {theirs}", GONE))
    number = one.create(4096)
    one.sh(f"csmctl share {number} {two.id}")
    two.do(f"csmctl attach {one.of(number)}", f"csmctl detach {one.of(number)}")
    seen = one.csmctl(f"wait {number} {PATIENT}")
    expect(seen["attached"] and seen["detached"], seen)
    one.sh(f"csmctl destroy {number}")


def channel(pair, action):
    """action(number, theirs) on a region that both may write."""
    one, two = pair.one, pair.two
    number = one.create(MIB + 4096)
    one.sh(f"csmctl share {number} {two.id} --write")
    action(number, one.of(number))
    one.sh(f"csmctl destroy {number}")


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


def talking(pair):
    """Events, and channels in every way."""
    with pair.test("sharing: events: attached, bits, detached, end; poll(2)"):
        events(pair)
    for name, action in (("lines through send and recv", lines), ("ping and echo", pings),
                         ("messages in place, in batches", in_place),
                         ("requests and responses", calls)):
        with pair.test(f"sharing: channel: {name}"):
            channel(pair, lambda *region, action=action: action(pair, *region))
    with pair.test("sharing: a network interface to the other realm: csmctl link"):
        links(pair)


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


# --------------------------------------------------------------------- withdrawal


def revoke_under_readers(pair):
    """The consumer reads in every way when the provider takes the region back."""
    one, two = pair.one, pair.two
    number = one.create(ODD)
    theirs = one.of(number)
    one.sh(f"csmctl share {number} {two.id} --write")
    two.sh(f"csmctl attach {theirs}")
    for name in ("read", "write", "syscall"):
        two.start(name, f"sharetest use {theirs} {name}", "using")
    two.start("watch", f"csmctl watch {theirs} {PATIENT}", "reading")
    one.sh(f"csmctl revoke {number} {two.id}")
    results = two.do(*[f"csm_ended {name}" for name in ("read", "write", "syscall")])
    for name, said in zip(("read", "write", "syscall"), results):
        expect(said[-1] == ("end: EFAULT" if name == "syscall" else "end: the sharing has ended: "
               "region, grant or peer is gone"), f"{name}: {said}")
    said = two.ended("watch")
    expect(any("SIGBUS" in line for line in said), said)
    two.do(f"csmctl detach {theirs}", f"csm_refused {theirs}", HEALTHY)
    one.sh(f"csmctl destroy {number}")


def killed_programs(pair):
    """A sharing ends with the program that has it, on either side, if it does not persist."""
    one, two = pair.one, pair.two
    number = int(one.sh(f"csm_start hold sharetest hold {ODD} {two.id}; "
                        "csm_said hold region")[-1].split()[1])
    expect(two.sh(f"sharetest dump {one.of(number)} | head -c 4") == ["held"], "contents")
    two.start("poll", f"sharetest poll {one.of(number)}", "polling")
    one.sh("csm_kill hold")
    expect(two.ended("poll")[-1] == "bits 0 ended 1", "the end of a provider's program")
    expect(one.entry(number) is None, "the region is there")
    two.sh(f"csm_refused {one.of(number)}")
    number = one.create(ODD)
    one.sh(f"csmctl share {number} {two.id}")
    two.start("reader", f"sharetest use {one.of(number)} read", "using")
    expect(one.csmctl(f"wait {number} {PATIENT}")["attached"], "attached")
    two.sh("csm_kill reader")
    expect(one.csmctl(f"wait {number} {PATIENT}")["detached"], "the end of a consumer's program")
    one.sh(f"csmctl destroy {number}")


def persistence(pair):
    """What is kept stays for all programs, and keeps the module, until it is ended."""
    one, two = pair.one, pair.two
    number = int(one.sh(f"sharetest keep {ODD}")[-1])
    expect(one.entry(number)["label"] == "kept", "it did not stay")
    one.do(f"sharetest fill {number} kept", f"csmctl share {number} {two.id}")
    two.sh(f"csmctl attach {one.of(number)}")
    for realm, name in ((one, number), (two, one.of(number))):
        expect(realm.sh(f"sharetest dump {name} | head -c 4") == ["kept"], realm.name)
        realm.sh("! rmmod caec_guest 2>/dev/null")
    expect(two.csmctl("id")["attachments"] == 1, "the attachment did not stay")
    two.sh(f"csmctl detach {one.of(number)}")
    one.do(f"csmctl destroy {number}", No(f"csmctl destroy {number}", GONE))


def exhaustion(pair):
    """Tables, windows and limits that are full say so, lose nothing, and can be used again."""
    one, two = pair.one, pair.two
    with pair.test("sharing: an access policy table that is full"):
        said = two.sh("sharetest full")
        expect(said[-1] == f"count {RECORDS}", said)
    with pair.test("sharing: a window that is full, and has room again"):
        first, second = one.create(20 * MIB), one.create(20 * MIB)
        one.do(f"csmctl share {first} {two.id}", f"csmctl share {second} {two.id}")
        two.do(f"csmctl attach {one.of(first)}",
               No(f"csmctl attach {one.of(second)}", "no room in the window for attachments"),
               f"csmctl detach {one.of(first)}", f"csmctl attach {one.of(second)}")
        one.sh(f"csmctl destroy {first}")
        pair.destroy(second)
    with pair.test("sharing: more memory than regions may take"):
        one.refuse("csmctl create 1G", "the memory limit for regions is reached")
        pair.empty()


def ends(pair):
    """How sharings end."""
    with pair.test("sharing: revoke while the consumer reads, writes and makes system calls"):
        revoke_under_readers(pair)
    with pair.test("sharing: programs that are killed, on both sides"):
        killed_programs(pair)
    with pair.test("sharing: persistent regions and attachments"):
        persistence(pair)
    exhaustion(pair)
    with pair.test("sharing: nothing is left; the module goes and comes back"):
        for realm in (pair.one, pair.two):
            realm.sh("csm_down && csm_up")
        pair.empty()


# -------------------------------------------------------------------- attestation


def attests(pair):
    """Tokens by csmctl, which the verifier of the host judges; and what csmctl makes of a verdict.

    The realms have no cca-verify, which would be most of their image: a script says what it would.
    Real ones verify each other in the demonstration.
    """
    one, two = pair.one, pair.two
    nonce = os.urandom(64)
    text = one.sh(f"csmctl token --challenge {nonce.hex()} /tmp/token && base64 /tmp/token")
    folder = os.path.join(BUILD, "system", "examples")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "csmctl.cbor")
    with open(path, "wb") as file:
        file.write(base64.b64decode("".join(text)))
    done = subprocess.run([os.path.join(TOOLS, "cca-verify"), "--json", "--challenge", nonce.hex(),
                           "--anchor", os.path.join(TOP, "verifier/anchors/tf-a-sample.pem"), path],
                          capture_output=True, text=True, check=False)
    expect(done.returncode == 4, f"{done.stdout}{done.stderr}")
    shown = json.loads(done.stdout)["realm"]
    expect(shown["id"] == one.id and shown["instance-id"][2:18] == one.id, shown)
    # Both messages of the other realm are there before the command begins.
    two.sh(f"mkdir -p /tmp/relay /tmp/bin; echo {nonce.hex()} >/tmp/relay/one.challenge; "
           f"echo token >/tmp/relay/one.token; echo '{one.id} {shown['rim']}' >/tmp/one.policy; "
           "printf '#!/bin/sh\\ncat \"$3\"\\n' >/tmp/bin/cca-verify; chmod +x /tmp/bin/cca-verify")
    attest = "PATH=/tmp/bin:$PATH csmctl --json attest one --policy /tmp/one.policy"
    said = two.sh(f"{attest} --via /tmp/relay --as two")
    expect(json.loads(" ".join(said)) == {"realm": one.id, "rim": shown["rim"]}, said)
    number = one.create(4096)
    one.sh(f"csmctl share {number} {two.id}")
    two.sh(f"echo {nonce.hex()} >/tmp/relay/one.challenge; echo token >/tmp/relay/one.token; "
           f"PATH=/tmp/bin:$PATH csmctl attach one:{number} --attest /tmp/one.policy "
           "--via /tmp/relay --as two")
    pair.destroy(number)


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
        realm.sh("csmctl --help >/dev/null && csmctl --version")
        for line in realm.sh("cat /tmp/csmctl.ran"):
            status, *words = line.split()
            if status == "0":
                done |= {word.split("=")[0] for word in words}
    missing = commands_and_options() - done
    expect(not missing, f"no realm has run {sorted(missing)}")


def libcsm_ran():
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


def completeness(pair):
    """A command, an option or a function without a test here is a failure."""
    with pair.test("sharing: every command and option of csmctl has run in a realm"):
        csmctl_ran(pair)
    with pair.test("sharing: every function of libcsm is called in a realm"):
        libcsm_ran()


# ------------------------------------------------------------------------- realms


def share(pair, rims):
    """Everything that two realms that live can do."""
    manual(pair)
    sealing(pair)
    permissions(pair, rims)
    talking(pair)
    ends(pair)
    with pair.test("sharing: tokens and attestation by csmctl"):
        attests(pair)
    completeness(pair)


def lose_two(pair):
    """Two is killed by its host while each of the two reads from the other."""
    one, two, system = pair.one, pair.two, pair.system
    mine, yours = one.create(ODD), two.create(ODD)
    one.sh(f"csmctl share {mine} {two.id}")
    two.do(f"csmctl share {yours} {one.id}", f"csmctl attach {one.of(mine)}")
    two.start("watch", f"csmctl watch {one.of(mine)} {PATIENT}", "reading")
    expect(one.csmctl(f"wait {mine} {PATIENT}")["attached"], "attached")
    one.sh(f"csmctl attach {two.of(yours)}")
    one.start("watch", f"csmctl watch {two.of(yours)} {PATIENT}", "reading")
    one.start("syscall", f"sharetest use {two.of(yours)} syscall", "using")
    system.run("kill -9 $(cat /tmp/two.pid); wait $(cat /tmp/two.pid)", check=False)
    expect(any("SIGBUS" in line for line in one.ended("watch")), "the consumer reads on")
    expect(one.ended("syscall")[-1] == "end: EFAULT", "system calls")
    seen = one.csmctl(f"wait {mine} {PATIENT}")
    expect(seen["peer"] == two.id and seen["detached"] and seen["peer_gone"], seen)
    one.do(f"csmctl detach {two.of(yours)}", No(f"csmctl attach {two.of(yours)}", NOT_PERMITTED),
           HEALTHY)
    return mine


def meet_again(pair, mine):
    """After both have started anew: other ids, none of the old grants, and everything works."""
    old = {realm.name: realm.id for realm in (pair.one, pair.two)}
    pair.one, pair.two = (Realm(pair.system, name) for name in ("one", "two"))
    for realm in (pair.one, pair.two):
        expect(realm.id not in old.values(), f"{realm.name} has an old id")
    pair.two.sh(f"csm_refused {old['one']}:{mine}")
    pair.empty()
    size = SIZES["4 MiB + 4 KiB"]
    whole_file(pair, size)


def watch_one(pair):
    """For the end of one: two reads from it."""
    number = pair.one.create(ODD)
    pair.one.sh(f"csmctl share {number} {pair.two.id}")
    pair.two.start("watch", f"csmctl watch {pair.one.of(number)} {PATIENT}", "reading")


def one_has_ended(pair):
    """What two has seen of that."""
    expect(any("SIGBUS" in line for line in pair.two.ended("watch")), "it reads on")


__all__ = ["Failure", "OPTIONS", "WINDOW", "Pair", "share", "lose_two", "meet_again", "watch_one",
           "one_has_ended"]
