#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The main job, shown: two stock-Linux realms attest each other and share memory that the host
cannot read. Runs inside the environment; `make demo` makes what it needs.

Each realm verifies the other's token by itself, with a challenge of its own; this program and the
host carry bytes between them. What the owner does, this machine does: it predicts the measurement
and compares the realms with it.

Each step is printed as it happens. Ends with a short report and status 0, or says which step failed
and where its log is. With --tap FILE the steps are also written as test results.
"""

import argparse
import base64
import hashlib
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../tests/lib"))
import emulator  # noqa: E402
import paths  # noqa: E402
import stack  # noqa: E402
from paths import ANCHOR, BUILD, TOP  # noqa: E402
from steps import Steps, plain  # noqa: E402
from tap import Failure, Report, expect  # noqa: E402
from verifier import tool  # noqa: E402

IMAGES = os.path.join(BUILD, "demo")
CMDLINE = "quiet console=hvc0 swiotlb=8192 cma=64M arm64.nomops"
MEMORY = "256M"
WINDOW = "64M"
MESSAGES = 10000
PROVIDER, CONSUMER, STRANGER = "provider", "consumer", "stranger"
REALMS = (PROVIDER, CONSUMER, STRANGER)
OTHER = {PROVIDER: CONSUMER, CONSUMER: PROVIDER}
GUIDE = os.path.join(TOP, "docs", "attestation.md")
ATTEST_SECONDS = 900
GRACE_SECONDS = 120


class Machine(stack.System):
    """The machine, which tells for what it waits."""

    def __init__(self, name, kernel, steps, images=IMAGES, realms=REALMS, **more):
        self.steps = steps
        self.realms = realms
        super().__init__(name, kernel, Report(os.devnull), images=images, **more)

    def waiting(self, what):
        """Shows what a realm's VMM says meanwhile."""
        if what in self.realms:
            self.steps.doing = self.progress(what) or self.steps.doing


class Demo:
    """What the steps share: the machine, the policy, ids and figures."""

    program = "demo"

    def __init__(self, args):
        self.args = args
        self.name = "demo-tamper" if args.tamper else "demo"
        self.steps = Steps(self.program, args.tap)
        self.machine = None
        self.ids = {}
        self.rims = {}
        self.region = None
        self.file_hash = ""
        self.work = os.path.join(IMAGES, "tampered" if args.tamper else "genuine")
        os.makedirs(self.work, exist_ok=True)
        self.policy = os.path.join(self.work, "policy.json")
        self.jobs = 0

    # ------------------------------------------------------------ helpers

    def in_realm(self, name, command, seconds=stack.WORK_SECONDS):
        """Output lines of a command in a realm; it must succeed."""
        return self.machine.control(name, command, seconds)

    def refused_in_realm(self, name, command, seconds=stack.WORK_SECONDS):
        """Output of a command in a realm that must fail."""
        lines, status = self.machine.ask(name, command, seconds)
        expect(status != 0, f"{name}: {command} did not fail: {lines[-3:]}")
        return lines

    def start(self, name, initrd="/guest.cpio"):
        """rvm run in the background."""
        self.machine.start(name, f"--kernel /Image --initrd {initrd} --mem {MEMORY} --cpus 1 "
                                 f"--csm {WINDOW} --cmdline '{CMDLINE}' --rpv {name} "
                                 f"--share /demo --console file:/tmp/{name}.con")

    def wait_up(self, name):
        """Until its agent answers."""
        self.machine.wait_up(name)

    def token(self, name):
        """A fresh challenge of the owner's and the token with it, in a file."""
        challenge = secrets.token_hex(64)
        text = "".join(self.in_realm(name, f"attest token {challenge} | base64"))
        path = os.path.join(self.work, f"token-{name}.cbor")
        with open(path, "wb") as file:
            file.write(base64.b64decode(text))
        return challenge, path

    def peers(self):
        """Both realms challenge and answer each other; (lines, status) of each."""
        for me, other in OTHER.items():
            self.in_realm(me, "grep -q \" /mnt 9p \" /proc/mounts || mount -t 9p -o "
                              "trans=virtio,version=9p2000.L,msize=131072 share /mnt")
            self.machine.run(f"(rvm exec {me} --timeout {ATTEST_SECONDS} /bin/attest peer {me} "
                             f"{other} /mnt >/tmp/{me}.attest 2>&1; "
                             f"echo status $? >>/tmp/{me}.attest) &")
        answers = {}
        for name in OTHER:
            self.steps.doing = f"waiting for the {name}"
            self.machine.wait_for(f"grep -q '^status ' /tmp/{name}.attest",
                                  ATTEST_SECONDS + GRACE_SECONDS, f"answer of the {name}")
            lines = self.machine.run(f"cat /tmp/{name}.attest")
            expect(lines[-1] not in ("status 124", "status 125"), f"{name} is silent: {lines}")
            answers[name] = lines[:-1], int(lines[-1].split()[1])
        return answers

    def peer(self, name):
        """How a command in that realm names the other: what the realm itself has verified."""
        return f"$(cat /tmp/attest/{OTHER[name]}.id)"

    def theirs(self):
        """The region as the consumer names it."""
        return f"{self.peer(CONSUMER)}:{self.region}"

    def rim(self, name):
        """The same, of the software that the other must be."""
        return f"--rim $(cat /tmp/attest/{OTHER[name]}.rim)"

    # -------------------------------------------------------------- steps

    def measure(self):
        """The owner's side, offline: what the realms must measure."""
        text = tool("cca-measure", "--kernel", self.args.kernel, "--initrd",
                    os.path.join(IMAGES, "guest.cpio"), "--cmdline", CMDLINE, "--mem", MEMORY,
                    "--cpus", "1", "--csm", WINDOW, "--policy", "--anchor", ANCHOR)
        with open(self.policy, "w", encoding="utf-8") as file:
            file.write(text)
        return "RIM " + next(iter(re.findall(r"[0-9a-f]{64,}", text)))[:16] + "..."

    def boot(self):
        """Stock Debian at NS-EL2 with the host module."""
        self.machine = Machine(self.name, self.args.kernel, self.steps)
        self.machine.host.wait("HOST: ready", stack.BOOT_SECONDS)
        return " ".join(self.machine.run("uname -sr"))

    def start_realms(self):
        """Provider and consumer, both from the measured image."""
        image = "/tampered.cpio" if self.args.tamper else "/guest.cpio"
        self.start(PROVIDER, image)
        self.start(CONSUMER)
        for name in (PROVIDER, CONSUMER):
            self.wait_up(name)
        return "stock Debian kernels, each with its verifier in the measured image"

    def attest(self):
        """Each realm verifies the other, by itself."""
        for name, (lines, status) in self.peers().items():
            expect(status == 0, f"the {name} refuses the {OTHER[name]}: {' '.join(lines[-2:])}")
            said = dict(line.split() for line in lines if line.count(" ") == 1)
            self.ids[OTHER[name]], self.rims[name] = said["id"], said["rim"]
        return "tokens with fresh challenges, carried by the host"

    def verified(self, name):
        """What one of them has found out."""
        return (f"genuine, same image as mine (RIM {self.rims[name][:16]}...), "
                f"realm id {self.ids[OTHER[name]]}")

    def owner(self, name):
        """The owner's look at a realm, from here: is it the image that was measured?"""
        challenge, path = self.token(name)
        said = tool("cca-verify", "--challenge", challenge, "--policy", self.policy,
                    "--realm-id-only", path).strip()
        expect(said == self.ids.setdefault(name, said),
               f"the {name} is {said}, its peer has verified {self.ids[name]}")

    def owner_both(self):
        """Both, with challenges of the owner's."""
        for name in OTHER:
            self.owner(name)
        return "the RIM is the expected one in both, and the ids are those that they verified"

    def owner_refuses(self):
        """A realm with another image must not verify."""
        try:
            self.owner(PROVIDER)
        except Failure as failure:
            return str(failure).splitlines()[-1]
        raise Failure("a realm with a tampered initramfs was accepted")

    def refused_by_peer(self):
        """The consumer meets a provider with another image."""
        lines, status = self.peers()[CONSUMER]
        expect(status != 0 and any("realm.rim" in line for line in lines),
               f"status {status}: {lines}")
        self.refused_in_realm(CONSUMER, f"ls /tmp/attest/{PROVIDER}.id")
        return next(line for line in lines if "realm.rim" in line)

    def refused_tokens(self):
        """The host hands the consumer tokens that are not the provider's answer."""
        fresh, old = secrets.token_hex(64), secrets.token_hex(64)
        self.in_realm(CONSUMER, f"attest token {fresh} >/tmp/own && "
                                "head -c 1000 /tmp/own >/tmp/cut")
        for path, challenge, why in (("/tmp/own", fresh, "handed back"),
                                     ("/tmp/own", old, "realm.challenge"),
                                     ("/tmp/cut", fresh, "malformed")):
            lines = self.refused_in_realm(CONSUMER, f"attest verify {path} {challenge} 2>&1")
            expect(any(why in line for line in lines), f"{path}: not {why!r}: {lines}")
        return "its own, an old one, a part of one: all refused"

    def refused_by_rmm(self):
        """What has not been verified cannot be attached by accident."""
        ids = {name: self.in_realm(name, "csmctl id | sed -n \"s/^realm: //p\"")[0]
               for name in OTHER}
        lines = self.in_realm(PROVIDER, "csmctl --json put /init --label bait "
                                        f"--to {ids[CONSUMER]}")
        number = json.loads(" ".join(lines))["region"]
        bait = f"csmctl get {ids[PROVIDER]}:{number} /tmp/bait"
        refused = self.refused_in_realm(CONSUMER, f"{bait} --rim $(attest own) 2>&1")[-1]
        expect("not permitted" in refused, refused)
        lines = self.in_realm(CONSUMER, f"{bait} && echo got")
        expect(lines[-1] == "got", f"without --rim it must be had: {lines}")
        return refused

    def by_hand(self):
        """The commands of the guide, as they are written there."""
        with open(GUIDE, encoding="utf-8") as file:
            blocks = re.findall(r"^```sh (realm|verifier)\n(.*?)^```", file.read(), re.M | re.S)
        expect([kind for kind, _ in blocks] == ["verifier", "realm", "verifier"],
               f"the blocks of {GUIDE}: {[kind for kind, _ in blocks]}")
        folder = os.path.join(self.work, "guide")
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        shutil.copy(self.policy, os.path.join(folder, "realm.json"))
        here = {**os.environ, "PATH": f"{paths.VERIFIER}:{os.environ['PATH']}"}
        for kind, text in blocks:
            commands = [line for line in text.splitlines() if line and not line.startswith("#")]
            if kind == "verifier":
                done = subprocess.run(["sh", "-ec", "\n".join(commands)], cwd=folder, env=here,
                                      capture_output=True, text=True, check=False)
                expect(done.returncode == 0, f"{commands}: {done.stderr or done.stdout}")
                continue
            with open(os.path.join(folder, "challenge"), "rb") as file:
                self.in_realm(CONSUMER, "echo " + base64.b64encode(file.read()).decode() +
                              " | base64 -d >/tmp/challenge")
            self.in_realm(CONSUMER, "cd /tmp && " + " && ".join(commands))
            token = "".join(self.in_realm(CONSUMER, "base64 /tmp/token.cbor"))
            with open(os.path.join(folder, "token.cbor"), "wb") as file:
                file.write(base64.b64decode(token))
        return "realm id " + done.stdout.splitlines()[-1]

    def put(self):
        """FILE into a region of the provider, read-only for the consumer."""
        self.file_hash = hashlib.sha256(open(self.args.file, "rb").read()).hexdigest()
        lines = self.in_realm(PROVIDER, "csmctl --json put /mnt/file --label file --to "
                                        f"{self.peer(PROVIDER)} {self.rim(PROVIDER)}", 600)
        self.region = json.loads(" ".join(lines))["region"]
        return f"{os.path.getsize(self.args.file)} bytes, region {self.region}"

    def get(self):
        """The consumer attaches and hashes what it sees."""
        lines = self.in_realm(CONSUMER, f"csmctl get {self.theirs()} - {self.rim(CONSUMER)} | "
                                        "sha256sum", 600)
        expect(lines[-1].split()[0] == self.file_hash,
               f"SHA-256 {lines[-1].split()[0]} instead of {self.file_hash}")
        return f"SHA-256 {self.file_hash[:16]}... matches"

    def stranger(self):
        """A third realm, not granted anything."""
        self.start(STRANGER)
        self.wait_up(STRANGER)
        lines = self.refused_in_realm(STRANGER, "csmctl get "
                                      f"{self.ids[PROVIDER]}:{self.region} /tmp/stolen 2>&1")
        return lines[-1] if lines else "no answer"

    def channel(self):
        """Messages both ways between the two: every one is checked and comes back."""
        half = MESSAGES // 2
        lines = self.in_realm(PROVIDER, "csmctl --json create 4M --label channel")
        number = json.loads(" ".join(lines))["region"]
        self.in_realm(PROVIDER, f"csmctl share {number} {self.peer(PROVIDER)} --write "
                                f"{self.rim(PROVIDER)}")
        self.in_realm(CONSUMER, f"csmctl --timeout 1800 echo {self.peer(CONSUMER)}:{number} "
                                f"{self.rim(CONSUMER)} >/tmp/echo 2>&1 3>&- &")
        begun = time.monotonic()
        self.in_realm(PROVIDER, f"csmctl --timeout 1800 ping {number} --to {self.peer(PROVIDER)} "
                                f"--count {half} --sizes 64-32768", 2100)
        return (f"{half} messages of 64 B to 32 KiB each way, every byte checked, in "
                f"{time.monotonic() - begun:.0f} s of emulation")

    def peek(self):
        """The host looks at the region's physical page."""
        lines = self.machine.run(f"cat /sys/kernel/debug/caec/csm | grep '^{PROVIDER} '")
        address = lines[0].split()[-1]
        lines = self.machine.run(f"demo-peek {address} 2>&1; echo status $?", check=False)
        text = " ".join(lines)
        expect("mapped" in text and "read" not in text, f"the host read it: {text}")
        expect(re.search(r"status 1(37|35)", text), text)
        return f"physical page 0x{address}: process killed"

    def watch(self):
        """The consumer reads on and on, in the background."""
        self.in_realm(CONSUMER, f"(csmctl --timeout 1800 watch {self.theirs()} "
                                f"{self.rim(CONSUMER)} >/tmp/watch 2>&1; "
                                "echo ended $? >>/tmp/watch) 3>&- >/dev/null 2>&1 &")
        lines = self.in_realm(CONSUMER, "until grep -q -s -e reading -e ^ended /tmp/watch; do "
                                        "usleep 100000; done; cat /tmp/watch")
        expect(len(lines) == 1 and "reading" in lines[0], f"it does not read: {lines}")
        return "it reads on and on"

    def revoke(self):
        """The provider takes it back; the consumer's next access is caught."""
        self.in_realm(PROVIDER, f"csmctl revoke {self.region} {self.peer(PROVIDER)}")
        lines = self.in_realm(CONSUMER, "until grep -q ^ended /tmp/watch; do usleep 100000; done; "
                                        "cat /tmp/watch")
        expect(lines[-1] == "ended 0" and "SIGBUS" in lines[-2], lines)
        return "the consumer's next access: " + lines[-2]

    def teardown(self):
        """All realms off, nothing left."""
        for name in OTHER if self.args.tamper else REALMS:
            self.machine.run(f"rvm exec {name} --timeout {stack.WORK_SECONDS} poweroff -f",
                             2 * stack.WORK_SECONDS, check=False)
        self.machine.settle()
        expect(not self.machine.host.trouble, "; ".join(self.machine.host.trouble[:3]))
        return "no granule left delegated, host kernel healthy"

    # --------------------------------------------------------------- whole

    def everything(self):
        """All steps in order."""
        run = self.steps.run
        run("expected measurement, computed offline", self.measure)
        run("host boots", self.boot)
        run("two realms boot", self.start_realms)
        if self.args.tamper:
            self.everything_tampered()
            return
        run("realms attest each other", self.attest)
        for name in OTHER:
            run(f"{name} has verified {OTHER[name]}, inside the realm",
                lambda me=name: self.verified(me))
        run("owner compares both with the prediction", self.owner_both)
        run("provider puts the file into a region, read-only for the consumer", self.put)
        run("consumer attaches and reads it", self.get)
        run("duplex channel", self.channel)
        run("host maps the region's physical page", self.peek)
        run("a third, unauthorised realm tries to attach", self.stranger)
        run("consumer watches the region", self.watch)
        run("provider revokes", self.revoke)
        run("teardown", self.teardown)

    def everything_tampered(self):
        """From there on, with a provider whose initramfs was changed."""
        run = self.steps.run
        run("consumer refuses the realm with the tampered initramfs, inside the realm",
            self.refused_by_peer)
        run("owner refuses it too", self.owner_refuses)
        run("owner accepts the other one", lambda: self.owner(CONSUMER))
        run("tampered realm offers memory, consumer attaches and demands its own RIM",
            self.refused_by_rmm)
        run("host hands the consumer other tokens", self.refused_tokens)
        if self.args.tap:
            run("the commands of docs/attestation.md", self.by_hand)
        run("teardown", self.teardown)


def last_words(demo):
    """After a failure: what the realms and their VMMs said last, if the host still answers."""
    if demo.machine is None:
        return
    try:
        for line in demo.machine.run("tail -n 5 /tmp/*.out /tmp/*.con 2>&-", check=False):
            print(f"      | {plain(line)}")
    except Failure:
        pass


def what_to_do(reason):
    """Advice for who sees a step fail."""
    if "the machine ended" in reason or "machine has ended" in reason:
        return (f"The emulated machine has ended: it needs {emulator.MEMORY_MIB} MiB of free "
                "memory (`free -m`).")
    if re.search("not within|takes too long|no answer|within .* s;", reason):
        return ("A time limit was met. Limits are many times what this takes: either something "
                "hangs, or this computer is very busy (`uptime`); then try again later.")
    if "cca-verify" in reason or "attest:" in reason:
        return ("A realm is not what was measured. If parts are of different builds, `make clean` "
                "and `make demo` mend that.")
    return "Try `make clean` and `make demo`; a step that fails again is a defect."


def main():
    """Arguments, all steps, report."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--file", default=os.path.join(IMAGES, "file"), help="what is shared")
    parser.add_argument("--tamper", action="store_true",
                        help="give the provider a changed initramfs: it must be refused")
    parser.add_argument("--tap", metavar="FILE", help="also write test results")
    args = parser.parse_args()
    args.kernel = paths.kernel()
    demo = Demo(args)
    begun = time.monotonic()
    status = 0
    print("CAEC demo: memory that two realms share and the host cannot read (emulated machine)")
    try:
        demo.everything()
    except Failure as failure:
        status = 1
        reason = str(failure)
        last_words(demo)
    except KeyboardInterrupt:
        return 130
    finally:
        if demo.machine:
            demo.machine.close()
        demo.steps.close()
    if status:
        print(f"demo: stopped at '{demo.steps.shown[-1][0]}'. {what_to_do(reason)}\n"
              "      Everything that the host said: " +
              os.path.relpath(paths.log(f"system-{demo.name}"), TOP))
    else:
        print(f"\nShown in {time.monotonic() - begun:.0f} s of emulation (no time on hardware):")
        for name, seen in demo.steps.shown:
            print(f"  - {name}" + (f": {seen}" if seen else ""))
    return status


if __name__ == "__main__":
    sys.exit(main())
