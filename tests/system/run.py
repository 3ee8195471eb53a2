#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Boots a stock Linux host with the module and realms in QEMU, and checks what they do.

Results go to build/results/system.tap, the console of each boot to build/logs/system-NAME.log.
Limits are for what hangs: about ten times what a quiet machine needs, without the time in which
others had the CPUs (tools/lib/patience.py).
"""

import argparse
import base64
import hashlib
import json
import os
import random
import subprocess
import sys
import threading
import time
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
import paths  # noqa: E402
import sharing  # noqa: E402
import verifier  # noqa: E402
from paths import BUILD, TOP  # noqa: E402
from stack import (BOOT_SECONDS, COMMAND_SECONDS, IMAGES, MEMORY_SLACK_KIB,  # noqa: E402
                   SHELL_SECONDS, TEARDOWN_SECONDS, WORK_SECONDS, System)
from tap import Failure, Lost, Report, expect, one_line  # noqa: E402

SHELL_TARGET = 40
HOG_BYTES = 20 << 20  # more than one lap of its ring reads
REALMS = ("one", "two")
WORKLOADS = ("cpu", "memory", "timer", "disk", "share", "console")
REALM_LINE = "quiet console=hvc0 swiotlb=8192 cma=0"
LINUX = f"--kernel /Image --initrd /guest.cpio --mem 256M --cmdline '{REALM_LINE}'"
TINY = "--kernel /tiny-{} --mem 16M --console none --no-measure --quiet"


# ------------------------------------------------------------------- scenarios


def run_program(system, command, least):
    """Results of a program on the host that prints TAP, at least that many."""
    tap = system.run(command, 600, check=False)
    results = [line for line in tap if line.startswith(("ok ", "not ok "))]
    notes = []
    for line in tap:
        notes += [line] if line.startswith("#") else []
        if line in results:
            good = line.startswith("ok ")
            why = f": {one_line('; '.join(notes))}" if notes and not good else ""
            system.report.add(good, "host module: " + line.split(" - ", 1)[1] + why,
                              [] if good else notes)
            notes = []
    with system.report.test(f"host module: all checks of {command} have run"):
        expect(f"1..{len(results)}" in tap and len(results) > least, f"its last words: {tap[-3:]}")


def module(system, _args):
    """The module by itself: loading, calls, arguments, limits, unloading."""
    test = system.report.test
    with test("host module finds the RMM"):
        text = "\n".join(system.run("dmesg | grep -o caec:.*"))
        expect("RMI 1.0" in text, text)
    run_program(system, "hosttest api /tiny-spin", 50)
    with test("host module: a memory cgroup limits a realm, and survives it"):
        system.run("mkdir -p /tmp/cg && (mountpoint -q /tmp/cg || mount -t cgroup2 cg /tmp/cg)")
        system.run("echo +memory >/tmp/cg/cgroup.subtree_control; mkdir /tmp/cg/small; "
                   "echo 24M >/tmp/cg/small/memory.max; echo 0 >/tmp/cg/small/memory.swap.max",
                   check=False)
        lines = system.run("sh -c 'echo $$ >/tmp/cg/small/cgroup.procs; exec rvm run --name big "
                           f"{LINUX} --no-measure --quiet --console none' 2>&1",
                           SHELL_SECONDS, check=False)
        expect(system.run("rvm list | grep -c big", check=False) == ["0"], "it runs")
        system.settle()
        expect("max 0" not in " ".join(system.run("grep -E '^max ' /tmp/cg/small/memory.events")),
               f"the limit was never met: {lines[-3:]}")
    with test("host module: cannot be unloaded while a realm exists"):
        system.start("held", TINY.format("spin"))
        system.wait_for("rvm list --json | grep -q held.*runs", SHELL_SECONDS, "the realm")
        system.run("! rmmod caec_host 2>/dev/null")
        system.run("rvm stop held && wait")
    with test("host module: unloads when teardown is done, and loads again"):
        system.run("rmmod caec_host", TEARDOWN_SECONDS)
        system.run("insmod /lib/caec_host.ko")
        expect(system.granules() == (0, 0, 0), "granules after loading")


def refusals(system, _args):
    """Each status of the RMM, as programs learn of it: the module with an RMM that can refuse."""
    with system.report.test("host module: the one whose RMM can refuse loads"):
        system.run("rmmod caec_host && insmod /lib/forced/caec_host.ko", TEARDOWN_SECONDS)
    run_program(system, "hosttest refusals", 35)
    with system.report.test("host module: unloads after refusals, with nothing left"):
        system.settle()
        system.run("rmmod caec_host && insmod /lib/caec_host.ko", TEARDOWN_SECONDS)
        system.host.forget_refusals()


def one_cycle(system, name, options):
    """A realm from start to power-off; rvm must say that it ended well."""
    system.run(f"rvm run --name {name} {options}", SHELL_SECONDS)


def cycles(system, args):
    """Start and stop, over and over."""
    count = 100 if args.long else 20
    one_cycle(system, "warm", TINY.format("off"))
    system.settle()
    before = system.free()
    with system.report.test(f"{count} start/stop cycles leave no granule and no memory behind"
                            ) as notes:
        for number in range(count):
            one_cycle(system, f"cycle{number}", TINY.format("off"))
        system.settle()
        lost = system.lost_memory(before)
        notes.append(f"available memory changed by {-lost} KiB")
        expect(lost < MEMORY_SLACK_KIB, f"{lost} KiB are missing")
    with system.report.test("realms side by side: four at a time, all end well"):
        names = [f"side{number}" for number in range(4)]
        for name in names:
            system.start(name, TINY.format("off"))
        system.run("wait", SHELL_SECONDS)
        system.settle()


def waits(system, _args):
    """A realm that sleeps in a WFIT, and that nothing else wakes."""
    with system.report.test("WFIT: a realm without a timer or an interrupt goes on"):
        one_cycle(system, "waits", TINY.format("wait"))
        system.settle()


def kills(system, args):
    """SIGKILL at random moments."""
    dice = random.Random(args.seed)
    before = system.free()
    for kind, options, longest, count in (
            ("while it is built and runs", TINY.format("spin") + " --cpus 2", 1500, 12),
            ("while Linux is loaded and boots",
             LINUX + " --cpus 2 --no-measure --console none --quiet", 14000, 3)):
        count *= 5 if args.long else 1
        with system.report.test(f"SIGKILL of rvm {kind}, {count} times (seed {args.seed})"):
            for number in range(count):
                system.start(f"victim{number}", options)
                system.run(f"usleep {dice.randrange(longest) * 1000}; "
                           f"kill -9 $(cat /tmp/victim{number}.pid); wait", check=False)
            system.settle(2 * TEARDOWN_SECONDS)
    with system.report.test("SIGKILL leaves no memory behind") as notes:
        lost = system.lost_memory(before)
        notes.append(f"available memory changed by {-lost} KiB")
        expect(lost < MEMORY_SLACK_KIB, f"{lost} KiB are missing")
    with system.report.test("SIGTERM ends rvm in good order"):
        system.start("polite", TINY.format("spin"))
        system.wait_for("rvm list --json | grep -q polite.*runs", SHELL_SECONDS, "the realm")
        system.run("sleep 1; kill $(cat /tmp/polite.pid); wait $(cat /tmp/polite.pid)")
        system.run("! ls /run/caec | grep -q polite")
        system.settle()


def fuzz(system, args):
    """Random calls."""
    seconds = 300 if args.long else 30
    before = system.free()
    with system.report.test(f"random calls for {seconds} s leave a healthy host (seed {args.seed})"
                            ) as notes:
        lines = system.run(f"hosttest fuzz {seconds} {args.seed}", 5 * seconds + 600)
        rounds = [line.split() for line in lines if line.startswith("fuzz:")]
        calls, runs = (sum(int(words[at]) for words in rounds) for at in (1, 5))
        notes.append(f"{calls} calls, {runs} of them runs of a vCPU")
        expect(calls > 100 and runs > 10, "the program hardly did anything")
        system.settle()
        lost = system.lost_memory(before)
        expect(lost < MEMORY_SLACK_KIB, f"{lost} KiB are missing")
    with system.report.test("a realm runs after that"):
        one_cycle(system, "after", TINY.format("off"))
        system.settle()


def measured(name, args, *options):
    """What cca-measure prints for a realm of this run."""
    return verifier.tool("cca-measure", "--kernel", args.kernel, "--initrd",
                         os.path.join(IMAGES, "guest.cpio"), "--cmdline", REALM_LINE, "--mem",
                         "256M", "--cpus", "2", "--csm", sharing.WINDOW[name], *options)


def expected_log(name, args, path):
    """The measurement log that rvm will write for a realm of this run, by rvm on this machine."""
    done = subprocess.run(
        ["qemu-aarch64", os.path.join(BUILD, "arm64", "vmm", "rvm"), "run", "--measure-only",
         "--measurement-log", path, "--name", name, "--kernel", args.kernel, "--initrd",
         os.path.join(IMAGES, "guest.cpio"), "--cmdline", REALM_LINE, "--mem", "256M", "--cpus",
         "2", "--rpv", name, *sharing.OPTIONS[name].split()], capture_output=True, text=True,
        check=False)
    expect(done.returncode == 0, done.stderr)


def check_log(system, name, args):
    """What rvm wrote when it built the realm leads to the RIM of the realm's token."""
    path = os.path.join(BUILD, "system", f"measurement-{name}.log")
    expected_log(name, args, path)
    here = hashlib.sha256(open(path, "rb").read()).hexdigest()
    expect(system.run(f"sha256sum </tmp/{name}.log")[-1].split()[0] == here, "the logs differ")
    with open(os.path.join(BUILD, "system", f"token-{name}.json"), encoding="utf-8") as file:
        rim = json.load(file)["realm"]["rim"]
    expect(measured(name, args, "--log", path, "--rim", rim).split() == [rim], "the RIM")


def check_token(system, name, args):
    """The realm's token, by the kernel's own interface, against the measurement made offline."""
    challenge = bytes(random.Random(args.seed + len(name)).randrange(256) for _ in range(64)).hex()
    text = "".join(system.control(name, f"work_token {challenge}"))
    path = os.path.join(BUILD, "system", f"token-{name}")
    with open(path, "wb") as file:
        file.write(base64.b64decode(text))
    policy = os.path.join(BUILD, "system", f"policy-{name}.json")
    with open(policy, "w", encoding="utf-8") as file:
        file.write(measured(name, args, "--policy", "--anchor", paths.ANCHOR, "--rpv",
                            name))
    report = verifier.tool("cca-verify", "--anchor", paths.ANCHOR, "--challenge", challenge,
                           "--json", "--policy", policy, path)
    with open(path + ".json", "w", encoding="utf-8") as file:
        file.write(report)


def control_channel(system):
    """Clients of realm one's control channel that are in the way of others."""
    test = system.report.test
    with test("control: a command that leaves a process behind"):
        system.all_answer()
        system.control("one", "(sleep 1; exec 3>&- >/dev/null 2>&1; sleep 60) & true")
        expect(system.control("one", "echo next") == ["next"], "the next command")
    with test("control: who comes second waits"):
        system.all_answer()
        system.run("(echo 'echo here; sleep 5; echo first' | "
                   f"timeout {WORK_SECONDS} rvm control one >/tmp/first) & first=$!")
        system.wait_for("grep -q here /tmp/first", WORK_SECONDS, "the first client")
        said = system.run(f"echo 'echo second' | timeout {WORK_SECONDS} rvm control one")
        expect(said == ["second", "status 0"], f"the second command: {said}")
        system.run("wait $first")
        said = system.run("cat /tmp/first")
        expect(said == ["here", "first", "status 0"], f"the first command: {said}")
    with test("control: what a realm writes in pieces of 32 KiB arrives whole"):
        size = system.run("echo 'dd if=/dev/zero bs=32768 count=64 2>/dev/null' | "
                          f"timeout {WORK_SECONDS} rvm control one | wc -c")[-1]
        expect(int(size) == 64 * 32768 + len("status 0\n"), f"{size} bytes")


def exec_in_realm(system):
    """rvm exec with realm one: bytes, statuses, clients that are killed."""
    test = system.report.test
    with test("exec: a program of the realm comes through byte for byte"):
        system.all_answer()
        there = system.control("one", "sha256sum </bin/busybox")
        here = system.run(f"rvm exec one --timeout {WORK_SECONDS} cat /bin/busybox 2>/dev/null | "
                          "sha256sum", WORK_SECONDS + COMMAND_SECONDS)
        expect(here == there, f"{here} and {there}")
    with test("exec: output, error output and status are apart"):
        said = system.run("rvm exec one sh -c 'echo a; echo b >&2; exit 9' 2>/tmp/error; "
                          "echo $?; grep -v 'no answer yet' /tmp/error")
        expect(said == ["a", "9", "b"], said)
    with test("exec: a client that is killed leaves nothing to the next"):
        for number in range(3):
            system.run("rvm exec one sh -c 'while :; do echo old; done' >/tmp/old & old=$!; "
                       "until [ -s /tmp/old ]; do usleep 100000; done; kill -9 $old; wait $old",
                       WORK_SECONDS, check=False)
            said = system.control("one", f"echo new {number}")
            expect(said == [f"new {number}"], said)
    with test("exec: a command that takes too long is killed"):
        said = system.run("rvm exec one --timeout 2 sleep 600; echo $?", WORK_SECONDS)
        expect(said[-1] == "124", said)
        expect(system.control("one", "pidof sleep | wc -w")[-1] in ("0", "1"), "sleep is left")


def start_realm(system, name):
    """One of the two stock Linux realms."""
    system.run(f"dd if=/dev/zero of=/tmp/{name}.disk bs=1M count=8 2>/dev/null; "
               f"rm -f /tmp/{name}.con")
    system.start(name, f"{LINUX} --cpus 2 --rpv {name} {sharing.OPTIONS[name]} "
                       f"--measurement-log /tmp/{name}.log --disk /tmp/{name}.disk "
                       f"--share /tmp/share --console file:/tmp/{name}.con")


def arrive(system, args):
    """Two stock Linux realms start at the same time, for the scenarios from here to leave()."""
    test = system.report.test
    system.run("mkdir -p /tmp/share; echo greetings >/tmp/share/from-host")
    begun = time.monotonic()
    for name in REALMS:
        start_realm(system, name)
    with test("control: a client that gives up before the realm listens"):
        system.wait_for("rvm list | grep -q one", SHELL_SECONDS, "rvm list")
        lines = system.run("echo 'echo lost' | timeout 1 rvm control one; "
                           "grep -c 'realm is up' /tmp/one.con", check=False)
        expect(lines[-1] == "0", f"the realm listened already: {lines}")
    for name in REALMS:
        with test(f"realm {name}: two vCPUs, stock kernel, reaches a shell") as notes:
            system.wait_up(name, "realm is up: 2 CPUs")
            notes.append(f"{time.monotonic() - begun:.0f} s after both were started "
                         "(wall time of the emulation)")
    with test("progress is visible while a realm is built"):
        expect(len(system.run("grep '%$' /tmp/one.out")) >= 5, "no progress lines")
    with test("control: a client that has given up is not in the way"):
        expect(system.control("one", "echo here") == ["here"], "the first command")
    with test("rvm list shows both"):
        text = "\n".join(system.run("rvm list --json"))
        expect(all(f'"name":"{name}"' in text for name in REALMS), text)
    for name in REALMS:
        with test(f"realm {name}: token through the kernel's interface is verified, "
                  "with the measurement of cca-measure"):
            check_token(system, name, args)
    with test("measurement log: leads to the RIM of the realm's token"):
        check_log(system, "one", args)


def workloads(system):
    """In both realms at the same time, one after the other in each."""
    test = system.report.test
    with test("both realms at work at the same time"):
        system.all_answer()
        system.run(f"for r in {' '.join(REALMS)}; do (for w in {' '.join(WORKLOADS)}; do "
                   f"rvm exec $r --timeout {WORK_SECONDS} sh -c \". /etc/work; work_$w $r\" "
                   ">/tmp/work.$r.$w 2>&1; echo status $? >>/tmp/work.$r.$w; done) & "
                   "pids=\"$pids $!\"; done; wait $pids",
                   len(WORKLOADS) * WORK_SECONDS + COMMAND_SECONDS)
    for name in REALMS:
        for kind in WORKLOADS:
            with test(f"realm {name}: {kind} workload") as notes:
                said = system.run(f"cat /tmp/work.{name}.{kind}")
                if said[-1] in ("status 124", "status 125"):
                    system.silent[name] = kind
                expect(said[-1] == "status 0", said[-4:])
                notes += said[-2:-1]


def work(system, _args):
    """What realms do by themselves."""
    test = system.report.test
    workloads(system)
    control_channel(system)
    exec_in_realm(system)
    with test("a realm's console reaches its file"):
        expect(system.run("grep -c '^200' /tmp/one.con")[-1] == "1", "line 200 is missing")
    with test("a vCPU goes off and comes back"):
        system.control("one", "echo 0 >/sys/devices/system/cpu/cpu1/online && [ $(nproc) = 1 ] && "
                              "echo 1 >/sys/devices/system/cpu/cpu1/online && [ $(nproc) = 2 ]")


def csm(system, args):
    """Confidential shared memory between the two."""
    pair = sharing.Pair(system, args)
    sharing.share(pair, {name: measured(name, args).split()[0] for name in REALMS}, args.rows)


def restart(system, _args):
    """One of the two by itself."""
    with system.report.test("realm one restarts when it asks for it"):
        expect("one" not in system.silent, f"silent: {system.silent}")
        system.run(f"rm /tmp/one.con; rvm exec one --timeout {WORK_SECONDS} reboot -f",
                   2 * WORK_SECONDS, check=False)
        system.wait_for("grep -q 'starts again' /tmp/one.out", WORK_SECONDS, "the restart")
        system.wait_up("one", "realm is up: 2 CPUs")
        system.control("one", "true")


def anew(system, args):
    """Realm two is killed and started again, realm one restarts, and both meet again."""
    test = system.report.test
    pair = lost = None
    with test("sharing: a realm that its host kills: the other's reads, system calls and events"):
        pair = sharing.Pair(system, args)
        lost = sharing.lose_two(pair)
    system.run("rvm stop two; wait $(cat /tmp/two.pid)", check=False)
    start_realm(system, "two")
    restart(system, args)
    with test("realm two starts again"):
        system.wait_up("two", "realm is up: 2 CPUs")
        system.control("two", "true")
    with test("sharing: after new starts: other ids, no grant of before, and it works"):
        expect(pair and lost, "they have not shared before")
        sharing.meet_again(pair, lost)


def power_off(system, name):
    """One of the two by itself."""
    with system.report.test(f"realm {name}: powers off"):
        system.all_answer()
        system.run(f"rvm exec {name} --timeout {WORK_SECONDS} poweroff -f",
                   2 * WORK_SECONDS, check=False)
        system.wait_for(f"grep -q 'powered off' /tmp/{name}.out", WORK_SECONDS, "power off")


def leave(system, _args):
    """Both realms power off, unless one has done so before."""
    for name in REALMS:
        if system.run(f"grep 'powered off' /tmp/{name}.out", check=False) == []:
            power_off(system, name)
    for name in system.silent:
        system.run(f"rvm stop {name}", check=False)
    with system.report.test("no granule is left"):
        system.settle()


def leave_first(system, args):
    """Realm one powers off while the other reads from it."""
    pair = None
    with system.report.test("sharing: a realm reads from one that is about to power off"):
        system.all_answer()
        pair = sharing.Pair(system, args)
        sharing.watch_one(pair)
    power_off(system, "one")
    with system.report.test("sharing: power-off takes away what was shared"):
        expect(pair, "they have not shared before")
        sharing.one_has_ended(pair)


def unread(system, _args):
    """Ways in which a realm could keep rvm from ending."""
    with system.report.test("standard output that nobody reads: list and stop work, rvm ends"):
        system.run("mkfifo /tmp/full; exec 7<>/tmp/full; (rvm run --name full " + LINUX +
                   " --no-measure --quiet </dev/null >/tmp/full 2>/tmp/full.err) & full=$!")
        system.wait_for("rvm list --json | grep -q full.*runs", SHELL_SECONDS, "the realm")
        system.run(f"rvm exec full --timeout {SHELL_SECONDS} sh -c 'seq 1 60000 >/dev/hvc0 &'",
                   SHELL_SECONDS + COMMAND_SECONDS)
        system.run("sleep 3; rvm list | grep -q full")
        system.run("rvm stop full; wait $full; exec 7<&-", TEARDOWN_SECONDS)
        system.settle()


def hog_has_read(system):
    """Bytes that the process of the realm `hog` has read so far."""
    return int(system.run("sed -n 's/rchar: //p' /proc/$(cat /tmp/hog.pid)/io")[-1])


def hog(system, _args):
    """A realm that floods its devices. Others do not wait for it, and it ends like any other."""
    system.run("dd if=/dev/zero of=/tmp/hog.disk bs=1M count=1 2>/dev/null")
    for words, end in (("rvm stop", "rvm stop hog"), ("SIGTERM", "kill -TERM $hog"),
                       ("SIGINT twice", "kill -INT $hog; kill -INT $hog")):
        with system.report.test("a realm that floods its devices: list and other realms work, "
                                f"{words} ends it") as notes:
            system.start("hog", TINY.format("hog") + " --cpus 2 --disk /tmp/hog.disk")
            system.wait_for(f"[ $(sed -n 's/rchar: //p' /proc/$(cat /tmp/hog.pid)/io) -gt "
                            f"{HOG_BYTES} ]", SHELL_SECONDS, "the flood")
            before, begun = hog_has_read(system), time.monotonic()
            system.run("rvm list --json | grep -q '\"name\":\"hog\",\"state\":\"runs\"'")
            one_cycle(system, "calm", TINY.format("off"))
            took, read = time.monotonic() - begun, hog_has_read(system) - before
            expect(read > 0, "the flood is over")
            notes.append(f"{read >> 20} MiB were read in {took:.1f} s")
            system.run(f"hog=$(cat /tmp/hog.pid); {end}; wait $hog", TEARDOWN_SECONDS)
            system.settle()


def terminal(system, _args):
    """One realm with its console on rvm's own input and output."""
    with system.report.test("a realm's console on standard input and output") as notes:
        begun = time.monotonic()
        system.run("mkfifo /tmp/keys; (exec 9<>/tmp/keys; rvm run --name tty " + LINUX +
                   " --no-measure --quiet </tmp/keys >/tmp/tty.con 2>&1) & exec 8>/tmp/keys")
        system.wait_for("grep -q 'realm is up' /tmp/tty.con", SHELL_SECONDS, "the shell")
        notes.append(f"shell after {time.monotonic() - begun:.0f} s (target {SHELL_TARGET} s, wall "
                     "time of the emulation)")
        system.wait_for("grep -q '# ' /tmp/tty.con", SHELL_SECONDS, "the prompt")
        system.run("echo 'expr 6 \\* 7000' >&8")
        system.wait_for("grep -q '^42000' /tmp/tty.con", WORK_SECONDS, "the answer")
        system.run("echo 'poweroff -f' >&8; exec 8>&-; wait", WORK_SECONDS)
        system.settle()


def shutdown(system, _args):
    """The host goes down under running realms."""
    system.start("left", TINY.format("spin") + " --cpus 2")
    system.run("hosttest hold >/tmp/hold.out &")
    system.wait_for("grep -q holding /tmp/hold.out && rvm list --json | grep -q left.*runs",
                    SHELL_SECONDS, "the realms")
    system.run("sleep 1; dmesg -n 7")
    with system.report.test("host shutdown takes back every granule of running realms"):
        system.host.send("reboot -f")
        lines = system.host.wait("granules delegated at shutdown", TEARDOWN_SECONDS)
        expect("caec: 0 granules" in lines[-1], lines[-1])
    with system.report.test("host kernel: no oops, warning or hang at shutdown"):
        expect(not system.host.trouble, "; ".join(system.host.trouble[:5]))


SHARE_MIB = 8
# A tenth of what it took page by page, and with an exit for each new page of the bounce buffers.
SHARE_EXITS = {"reads": 112, "writes": 83}  # per MiB
SHARE_FILES = 500
SHARE_DESCRIPTORS = 1200  # of rvm: Linux names a file that is open twice, which takes three


def memory_exits(system):
    """Exits of the only realm that moving data costs, whatever else the machine does meanwhile."""
    lines = system.run("cat /sys/kernel/debug/caec/realms")
    values = dict(line.split() for line in lines if line.count(" ") == 1)
    return int(values["mmio"]) + int(values["share"])


def share_speed(system):
    """The share with the documented options, first touch of the bounce buffers included."""
    for what, command, where in (
            ("reads", "dd if=/mnt/big of=/dev/null bs=64k", "big"),
            ("writes", f"dd if=/tmp/big of=/mnt/written bs=1M count={SHARE_MIB}", "written")):
        with system.report.test(f"share: {what} {SHARE_MIB} MiB in at most {SHARE_EXITS[what]} "
                                "exits per MiB") as notes:
            system.control("files", "mount_share mmap")
            before, at_first = memory_exits(system), system.instructions()
            system.control("files", command)
            at_last = system.instructions()
            took = (memory_exits(system) - before) / SHARE_MIB
            notes.append(f"{took:.0f} exits per MiB for registers and new pages")
            parts = [(last - first) / SHARE_MIB for first, last in zip(at_first, at_last)]
            notes.append(f"{sum(parts):.1f} million instructions per MiB: {parts[0]:.1f} in the "
                         f"realm, {parts[1]:.1f} on the host, {parts[2]:.1f} in the firmware, "
                         "rvm exec included")
            expect(min(parts) > 0, f"nothing was counted: {parts}")
            expect(0 < took <= SHARE_EXITS[what], f"{took:.0f}")
            here = system.run(f"sha256sum </tmp/share/{where}")
            there = system.control("files", f"cat /mnt/{where} >/tmp/big; sha256sum </tmp/big")
            expect(here == there, "the data differs")


def share_many(system):
    """More files than rvm has descriptors for."""
    test = system.report.test
    with test("share: hundreds of files are open; one too many is refused with EMFILE") as notes:
        system.control("files", "mount_share mmap")
        count, why = (system.control("files", f"open_files {SHARE_FILES}") + [""])[:2]
        notes.append(f"{count} files, {SHARE_DESCRIPTORS} descriptors: {why}")
        expect(300 < int(count) < SHARE_FILES and "Too many open files" in why, f"{count}: {why}")
    with test("share: goes on after that"):
        expect(system.control("files", "cat /mnt/many/77") == ["77"], "a file")
    with test("share: ls -l of 300 files with cache=loose, then one more"):
        system.control("files", "mount_share loose")
        said = system.control("files", "ls -l /mnt/few | wc -l; cat /mnt/many/78")
        expect(said == ["301", "78"], f"{said}")


def share(system, _args):
    """The 9p share of one realm: how much it costs, how much it holds."""
    test = system.report.test
    system.run("mkdir -p /tmp/share/many /tmp/share/few /tmp/share/one /tmp/share/two; "
               f"dd if=/dev/urandom of=/tmp/share/big bs=1M count={SHARE_MIB} 2>/dev/null; "
               f"for i in $(seq {SHARE_FILES}); do echo $i >/tmp/share/many/$i; done; "
               "for i in $(seq 300); do echo $i >/tmp/share/few/$i; done")
    system.run("for i in one two; do mount -t tmpfs $i /tmp/share/$i; done; "
               "echo text >/tmp/share/one/x; echo other >/tmp/share/two/y")
    system.run("head -c 1000 /dev/urandom >/tmp/odd.disk")
    system.run(f"(ulimit -n {SHARE_DESCRIPTORS} && exec rvm run --name files {LINUX} --no-measure "
               "--share /tmp/share --disk /tmp/odd.disk,ro --console file:/tmp/files.con) "
               "</dev/null >/tmp/files.out 2>&1 &")
    with test("share: a realm with a shared directory"):
        system.wait_up("files")
    with test("a disk of 1000 bytes: a warning, and one sector"):
        system.run("grep 'warning.*1000 bytes.*last 488' /tmp/files.out")
        expect(system.control("files", "cat /sys/block/vda/size") == ["1"], "sectors")
    share_speed(system)
    share_many(system)
    with test("share: files with equal inodes on two file systems are two files"):
        inodes = system.run("stat -c %i /tmp/share/one/x /tmp/share/two/y")
        expect(inodes[0] == inodes[1], f"nothing is shown by {inodes}")
        expect(system.control("files", "cp /mnt/one/x /mnt/two/y && cat /mnt/two/y") == ["text"],
               "the copy")
    with test("share: nothing is left of the realm"):
        system.run("rvm stop files && wait")
        system.settle()
        system.run("umount /tmp/share/one /tmp/share/two && rm -r /tmp/share /tmp/odd.disk")


# What runs on one boot, whether the host is still there at its end, and whether the kernel's own
# debugging of memory is on.
BOOTS = {
    "host": ((module, refusals, cycles, waits, kills, fuzz), True, True),
    "realms": ((arrive, work, csm, anew, leave_first, leave), True, False),
    "single": ((share, terminal, unread, hog), True, False),
    "shutdown": ((shutdown,), False, True),
}
# What is asked for by name only. "rows" are some rows of the scenario csm.
PARTS = {
    "csm": ((arrive, csm, anew, leave_first, leave), True, False),
    "rows": ((arrive, csm, leave), True, False),
}
COUNTED = ("single",)  # boots whose instructions are counted, which makes them a little slower
# Boots of one lane follow one another; the lanes run at the same time. A boot by itself leaves one
# of two CPUs idle for most of its time.
LANES = (("realms",), ("host", "single", "shutdown"))


def run_scenario(scenario, system, args):
    """A scenario. What goes wrong between its tests is a result too."""
    try:
        scenario(system, args)
    except Lost:
        raise
    except Exception as failure:
        system.report.add(False, f"{scenario.__name__} runs to its end: {one_line(failure)}")
        if not isinstance(failure, Failure):
            traceback.print_exc()


def power_on(system, name):
    """Until the host's shell is there."""
    with system.report.test(f"stock host boots ({name})") as notes:
        try:
            system.host.wait("HOST: ready", BOOT_SECONDS)
        except Failure as failure:
            raise Lost(str(failure)) from None
        notes.append(f"{system.host.elapsed():.1f} s")
    with system.report.test(f"a command that fails on the host is noticed ({name})"):
        try:
            system.run("(exit 3)")
        except Failure as failure:
            expect("status 3" in str(failure), str(failure))
        else:
            raise Failure("nothing was noticed")


def boot(name, args, report):
    """One boot and its scenarios."""
    scenarios, stays, debug = (BOOTS | PARTS)[name]
    scenarios = [one for one in scenarios if args.scenario in (None, one.__name__)]
    if not scenarios:
        return
    system = System(name, args.kernel, report, debug, counted=name in COUNTED)
    try:
        power_on(system, name)
        for scenario in scenarios:
            run_scenario(scenario, system, args)
    except Lost as failure:
        report.add(False, f"all tests of this boot have run ({name}): {one_line(failure)}")
    finally:
        if stays:
            system.healthy()
        system.close()
    if report.failed:
        print(f"console: {os.path.relpath(system.path, TOP)}", flush=True)


def lane(names, args, report):
    """Boots one after the other. What keeps one from its end is a result too."""
    for name in names:
        part = report.part(name)
        try:
            boot(name, args, part)
        except Exception as failure:
            part.add(False, f"boot {name}: {one_line(failure)}")
            traceback.print_exc()


def all_lanes(args, report):
    """At the same time. Whoever interrupts this need not wait for the machines' ends."""
    threads = [threading.Thread(target=lane, args=(names, args, report), daemon=True)
               for names in LANES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main():
    """All boots, or one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=BOOTS | PARTS, help="one boot, or a part of one")
    parser.add_argument("--scenario", choices=[scenario.__name__ for scenarios, _, _ in
                                               BOOTS.values() for scenario in scenarios],
                        help="one scenario, in its boot")
    parser.add_argument("--rows", default="", metavar="REGEX",
                        help="of what realms share, only the rows with such names")
    parser.add_argument("--long", action="store_true", help="more repetitions")
    parser.add_argument("--seed", type=int, default=1, help="of everything random")
    args = parser.parse_args()
    args.kernel = paths.kernel()
    tap = paths.results("system-long.tap" if args.long else "system.tap")
    report = Report(tap)
    if args.only or args.rows:
        lane([args.only or "rows"], args, report)
    else:
        all_lanes(args, report)
    report.close()
    return subprocess.run([os.path.join(TOP, "tools", "tally"), tap], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
