# SPDX-License-Identifier: BSD-3-Clause
"""The stack that tests and the demo run: a booted host with the module, and the realms on it."""

import os
import shlex
import struct
import time

import host as machine
import paths
from paths import BUILD, TOP
from tap import Failure, Lost, Report, expect, one_line

IMAGES = os.path.join(BUILD, "system")

BOOT_SECONDS = 180
SHELL_SECONDS = 400  # from rvm run to a realm's shell
COMMAND_SECONDS = 120  # on the host
WORK_SECONDS = 900  # in a realm, by rvm's own clock, which runs on while others have the CPUs
TEARDOWN_SECONDS = 240
MEMORY_SLACK_KIB = 12 * 1024  # what a running kernel keeps for itself from one look to the next


class System:
    """A booted host and what tests ask of it."""

    def __init__(self, name, kernel, report, debug=False, images=IMAGES, counted=False):
        self.path = paths.log(f"system-{name}")
        self.log = open(self.path, "w", encoding="utf-8")
        self.report = report
        self.silent = {}  # realms whose agent has not answered, and what they were asked
        self.totals = os.path.join(images, f"instructions-{name}")
        counter = f"{BUILD}/bench/total.so,out={self.totals},cpus={machine.CPUS}"
        self.host = machine.Host(kernel, os.path.join(images, "host.cpio"),
                                 os.path.join(images, "flash.bin"), self.log,
                                 machine.COMMAND_LINE + (" " + machine.DEBUG_LINE if debug else ""),
                                 ["-plugin", counter] if counted else [])

    def instructions(self):
        """Millions that the machine has executed so far, if it counts them: in realms, on the host
        and in the firmware."""
        time.sleep(0.1)  # the counter's file is some milliseconds behind
        with open(self.totals, "rb") as file:
            el3, rmm, *rest = struct.unpack("<8Q", file.read())  # see bench/plugin/level.h
        return [count / 1e6 for count in (sum(rest[:2]), sum(rest[2:5]), rmm + el3)]

    def run(self, command, seconds=COMMAND_SECONDS, check=True):
        """A command on the host."""
        return self.host.run(command, seconds, check)

    def granules(self):
        """(delegated, leaked, realms) as the module says."""
        lines = self.run("cat /sys/kernel/debug/caec/granules")
        values = dict(line.split() for line in lines if " " in line)
        return tuple(int(values[key]) for key in ("delegated", "leaked", "realms"))

    def free(self):
        """Available memory in KiB, caches dropped."""
        self.run("sync; echo 3 >/proc/sys/vm/drop_caches")
        return int(self.run("sed -n 's/MemAvailable: *//p' /proc/meminfo")[-1].split()[0])

    def lost_memory(self, before):
        """KiB that are missing. What the kernel frees later is waited for."""
        deadline = self.host.deadline(TEARDOWN_SECONDS)
        lost = before - self.free()
        while lost >= MEMORY_SLACK_KIB and not deadline.met():
            self.run("sleep 2")
            lost = before - self.free()
        return lost

    def settle(self, seconds=TEARDOWN_SECONDS):
        """Waits until no realm is left, and checks that nothing else is."""
        deadline = self.host.deadline(seconds)
        state = self.granules()
        while state[2] and not deadline.met():
            self.run("sleep 1")
            state = self.granules()
        expect(state == (0, 0, 0), f"delegated, leaked, realms: {state}")

    def start(self, name, options):
        """rvm run in the background; its messages go to /tmp/NAME.out."""
        self.silent.pop(name, None)
        self.run(f"rvm run --name {name} {options} </dev/null >/tmp/{name}.out 2>&1 & "
                 f"echo $! >/tmp/{name}.pid")

    def wait_for(self, condition, seconds, what):
        """Polls a shell condition on the host."""
        deadline = self.host.deadline(seconds)
        while self.run(f"{condition} && echo yes", check=False) != ["yes"]:
            expect(not deadline.met(), f"{what}: not within {seconds} s")
            self.run("usleep 300000")

    def wait_up(self, name, says="realm is up"):
        """Until a realm's agent is about to listen; one that does not get there is not asked."""
        try:
            self.wait_for(f"grep -q '{says}' /tmp/{name}.con", SHELL_SECONDS, name)
        except Failure:
            self.silent[name] = "its start"
            raise

    def all_answer(self):
        """Nobody need be waited for in vain."""
        expect(not self.silent, f"silent: {self.silent}")

    def ask(self, name, command, seconds=WORK_SECONDS):
        """Lines of a shell command in a realm, by rvm exec, and its status. It knows guest-work."""
        expect(name not in self.silent, f"{name} is silent since {self.silent.get(name)!r}")
        words = shlex.quote(f"exec 2>&1; . /etc/work; {command}")
        # rvm itself may say that the agent has not answered yet: no part of the output.
        lines = self.run(f"rvm exec {name} --timeout {seconds} sh -c {words} 2>/tmp/exec.err; "
                         "s=$?; echo; echo status $s", seconds + COMMAND_SECONDS, check=False)
        if not lines or lines[-1] in ("status 124", "status 125"):
            self.silent[name] = command
            lines += self.run("cat /tmp/exec.err", check=False)
            raise Failure(f"{name}: {command}: no answer within {seconds} s, only {lines[-4:]}")
        return lines[:-1], int(lines[-1].split()[1])

    def control(self, name, command, seconds=WORK_SECONDS):
        """Lines that a realm's agent answers; the command must succeed there."""
        lines, status = self.ask(name, command, seconds)
        expect(status == 0, f"{name}: {command}: status {status}: {lines[-4:]}")
        return lines

    def healthy(self):
        """The host's kernel has not complained."""
        with self.report.test("host kernel: no oops, warning or hang"):
            expect(not self.host.trouble, "; ".join(self.host.trouble[:5]))
            expect(self.host.process.poll() is None, "the machine has ended")

    def close(self):
        """Power off."""
        self.host.end()
        self.log.close()


__all__ = ["BOOT_SECONDS", "BUILD", "COMMAND_SECONDS", "Failure", "IMAGES", "Lost",
           "MEMORY_SLACK_KIB", "Report", "SHELL_SECONDS", "System", "TEARDOWN_SECONDS", "TOP",
           "WORK_SECONDS", "expect", "one_line"]
