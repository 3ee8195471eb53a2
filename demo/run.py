#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The main job, shown: two stock-Linux realms attest each other and share memory that the host
cannot read. Runs inside the environment; `make demo` makes what it needs.

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
import subprocess
import sys
import time

sys.dont_write_bytecode = True
TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tests", "system"))
import run as system  # noqa: E402
from host import Failure  # noqa: E402

BUILD = os.environ.get("BUILD") or os.path.join(TOP, "build")
IMAGES = os.path.join(BUILD, "demo")
TOOLS = os.path.join(BUILD, "verifier")
ANCHOR = os.path.join(TOP, "verifier", "anchors", "tf-a-sample.pem")
CMDLINE = "quiet console=hvc0 swiotlb=8192 cma=64M arm64.nomops"
MEMORY = "256M"
WINDOW = "64M"
MESSAGES = 10000
PROVIDER, CONSUMER, STRANGER = "provider", "consumer", "stranger"


class Steps:
    """Prints a line for each step as it ends, with its time; remembers them for the report."""

    def __init__(self, tap):
        self.tap = open(tap, "w", encoding="utf-8") if tap else None
        self.count = 0
        self.shown = []
        self.colour = sys.stdout.isatty()

    def run(self, name, action):
        """One step: action() returns what was seen, in a few words."""
        begun = time.monotonic()
        self.count += 1
        print(f"  ... {name}", end="\r" if self.colour else "\n", flush=True)
        try:
            seen = action() or ""
        except Failure as failure:
            self._line(False, name, str(failure), begun)
            raise
        except Exception as failure:  # what was not foreseen is a result too
            self._line(False, name, system.one_line(failure), begun)
            raise
        self._line(True, name, seen, begun)
        return seen

    def _line(self, good, name, seen, begun):
        mark = "ok" if good else "FAILED"
        if self.colour:
            mark = f"\033[{'32' if good else '31'}m{mark}\033[0m"
            print("\033[K", end="")
        print(f"  {mark:3} {time.monotonic() - begun:5.1f} s  {name}"
              + (f": {seen}" if seen else ""), flush=True)
        self.shown.append((name, seen))
        if self.tap:
            why = "" if good else f": {system.one_line(seen)}"
            self.tap.write(f"{'ok' if good else 'not ok'} {self.count} - demo: {name}{why}\n")
            self.tap.flush()

    def close(self):
        """The plan, at the end."""
        if self.tap:
            self.tap.write(f"1..{self.count}\n")
            self.tap.close()


def expect(condition, what):
    """A check inside a step."""
    if not condition:
        raise Failure(what)


def tool(name, *arguments):
    """A tool of the verifier; its standard output."""
    done = subprocess.run([os.path.join(TOOLS, name), *arguments], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        raise Failure(f"{name}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


class Demo:
    """What the steps share: the machine, the policy, ids and figures."""

    def __init__(self, args):
        self.args = args
        self.steps = Steps(args.tap)
        self.report = system.Report(os.devnull)
        self.machine = None
        self.ids = {}
        self.region = None
        self.file_hash = ""
        self.policy = os.path.join(IMAGES, "policy.json")
        self.jobs = 0

    # ------------------------------------------------------------ helpers

    def in_realm(self, name, command, seconds=system.WORK_SECONDS):
        """Output lines of a command in a realm; it must succeed."""
        return self.machine.control(name, command, seconds)

    def refused_in_realm(self, name, command, seconds=system.WORK_SECONDS):
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
        """A fresh challenge and the token with it, in a file."""
        challenge = secrets.token_hex(64)
        text = "".join(self.in_realm(name, f"work_token {challenge}"))
        path = os.path.join(IMAGES, f"token-{name}.cbor")
        with open(path, "wb") as file:
            file.write(base64.b64decode(text))
        return challenge, path

    def theirs(self):
        """The region as the consumer names it."""
        return f"{self.ids[PROVIDER]}:{self.region}"

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
        system.IMAGES = IMAGES
        self.machine = system.System("demo", self.args.kernel, self.report, False)
        self.machine.host.wait("HOST: ready", system.BOOT_SECONDS)
        return " ".join(self.machine.run("uname -sr"))

    def start_realms(self):
        """Provider and consumer, both from the measured image."""
        image = "/tampered.cpio" if self.args.tamper else "/guest.cpio"
        self.start(PROVIDER, image)
        self.start(CONSUMER)
        for name in (PROVIDER, CONSUMER):
            self.wait_up(name)
        return "stock Debian kernels"

    def attest(self, name):
        """Token with a fresh challenge against the policy; the verified realm id."""
        challenge, path = self.token(name)
        tool("cca-verify", "--anchor", ANCHOR, "--challenge", challenge, "--policy", self.policy,
             path)
        self.ids[name] = tool("cca-verify", "--anchor", ANCHOR, "--challenge", challenge,
                              "--realm-id-only", path).strip()
        return f"realm id {self.ids[name]}"

    def refuse(self, name):
        """The same for a realm with another image: it must not verify."""
        challenge, path = self.token(name)
        try:
            tool("cca-verify", "--anchor", ANCHOR, "--challenge", challenge, "--policy",
                 self.policy, path)
        except Failure as failure:
            return str(failure).splitlines()[-1]
        raise Failure("a realm with a tampered initramfs was accepted")

    def put(self):
        """FILE into a region of the provider, read-only for the consumer."""
        self.file_hash = hashlib.sha256(open(self.args.file, "rb").read()).hexdigest()
        self.in_realm(PROVIDER, "mkdir -p /mnt && mount -t 9p -o "
                                "trans=virtio,version=9p2000.L,msize=131072 share /mnt")
        lines = self.in_realm(PROVIDER, "csmctl --json put /mnt/file --label file "
                                        f"--to {self.ids[CONSUMER]}", 600)
        self.region = json.loads(" ".join(lines))["region"]
        return f"{os.path.getsize(self.args.file)} bytes, region {self.region}"

    def get(self):
        """The consumer attaches and hashes what it sees."""
        lines = self.in_realm(CONSUMER, f"csmctl get {self.theirs()} - | sha256sum", 600)
        expect(lines[-1].split()[0] == self.file_hash,
               f"SHA-256 {lines[-1].split()[0]} instead of {self.file_hash}")
        return f"SHA-256 {self.file_hash[:16]}... matches"

    def stranger(self):
        """A third realm, not granted anything."""
        self.start(STRANGER)
        self.wait_up(STRANGER)
        lines = self.refused_in_realm(STRANGER, f"csmctl get {self.theirs()} /tmp/stolen 2>&1")
        return lines[-1] if lines else "no answer"

    def channel(self):
        """Messages both ways between the two: every one is checked and comes back."""
        half = MESSAGES // 2
        lines = self.in_realm(PROVIDER, "csmctl --json create 4M --label channel")
        number = json.loads(" ".join(lines))["region"]
        self.in_realm(PROVIDER, f"csmctl share {number} {self.ids[CONSUMER]} --write")
        self.in_realm(CONSUMER, f"csmctl --timeout 600 echo {self.ids[PROVIDER]}:{number} "
                                ">/tmp/echo 2>&1 3>&- &")
        begun = time.monotonic()
        self.in_realm(PROVIDER, f"csmctl --timeout 600 ping {number} --to {self.ids[CONSUMER]} "
                                f"--count {half} --sizes 64-32768", 900)
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
        self.in_realm(CONSUMER, f"(csmctl --timeout 600 watch {self.theirs()} >/tmp/watch 2>&1; "
                                "echo ended $? >>/tmp/watch) 3>&- >/dev/null 2>&1 &")
        lines = self.in_realm(CONSUMER, "until grep -q -s -e reading -e ^ended /tmp/watch; do "
                                        "usleep 100000; done; cat /tmp/watch")
        expect(len(lines) == 1 and "reading" in lines[0], f"it does not read: {lines}")
        return "it reads on and on"

    def revoke(self):
        """The provider takes it back; the consumer's next access is caught."""
        self.in_realm(PROVIDER, f"csmctl revoke {self.region} {self.ids[CONSUMER]}")
        lines = self.in_realm(CONSUMER, "until grep -q ^ended /tmp/watch; do usleep 100000; done; "
                                        "cat /tmp/watch")
        expect(lines[-1] == "ended 0" and "SIGBUS" in lines[-2], lines)
        return "the consumer's next access: " + lines[-2]

    def teardown(self):
        """All realms off, nothing left."""
        for name in (PROVIDER, CONSUMER, STRANGER):
            self.machine.run(f"rvm exec {name} --timeout {system.WORK_SECONDS} poweroff -f",
                             2 * system.WORK_SECONDS, check=False)
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
            run("the realm with the tampered initramfs is refused", lambda: self.refuse(PROVIDER))
            run("the other one is attested", lambda: self.attest(CONSUMER))
            run("teardown", self.teardown)
            return
        run("provider attested, fresh challenge", lambda: self.attest(PROVIDER))
        run("consumer attested, fresh challenge", lambda: self.attest(CONSUMER))
        run("provider puts the file into a region, read-only for the consumer", self.put)
        run("consumer attaches and reads it", self.get)
        run("duplex channel", self.channel)
        run("host maps the region's physical page", self.peek)
        run("a third, unauthorised realm tries to attach", self.stranger)
        run("consumer watches the region", self.watch)
        run("provider revokes", self.revoke)
        run("teardown", self.teardown)


def main():
    """Arguments, all steps, report."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--file", default=os.path.join(IMAGES, "file"), help="what is shared")
    parser.add_argument("--tamper", action="store_true",
                        help="give the provider a changed initramfs: it must be refused")
    parser.add_argument("--tap", metavar="FILE", help="also write test results")
    args = parser.parse_args()
    version = open("/etc/caec/kernel-version", encoding="utf-8").read().strip()
    args.kernel = f"/usr/lib/modules/{version}/vmlinuz"
    demo = Demo(args)
    begun = time.monotonic()
    status = 0
    print("CAEC demo: memory that two realms share and the host cannot read (emulated machine)")
    try:
        demo.everything()
    except Failure:
        status = 1
    finally:
        if demo.machine:
            demo.machine.close()
        demo.steps.close()
    if status:
        print(f"demo: stopped at '{demo.steps.shown[-1][0]}'. Console of the host: "
              f"{os.path.relpath(os.path.join(BUILD, 'logs', 'system-demo.log'), TOP)}")
    else:
        print(f"\nShown in {time.monotonic() - begun:.0f} s of emulation (no time on hardware):")
        for name, seen in demo.steps.shown:
            print(f"  - {name}" + (f": {seen}" if seen else ""))
    return status


if __name__ == "__main__":
    sys.exit(main())
