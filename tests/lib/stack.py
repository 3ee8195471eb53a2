# SPDX-License-Identifier: BSD-3-Clause
"""The stack that tests and the demo run: a booted host with the module, and the realms on it."""

import os
import re
import shlex
import struct
import time

import host as machine
import paths
from paths import BUILD
from tap import Failure, Report, expect

IMAGES = os.path.join(BUILD, "system")

BOOT_SECONDS = 180
SHELL_SECONDS = 400  # from rvm run to a realm's shell
COMMAND_SECONDS = 120  # on the host
WORK_SECONDS = 900  # in a realm, by rvm's own clock, which runs on while others have the CPUs
TEARDOWN_SECONDS = 240
MEMORY_SLACK_KIB = 12 * 1024  # what a running kernel keeps for itself from one look to the next


class System:
    """A booted host and what tests ask of it. Methods that ask raise Failure if an answer is late
    or not the expected one, Lost if the machine is gone."""

    def __init__(self, name: str, kernel: str, report: Report, debug: bool = False,
                 images: str = IMAGES, counted: bool = False) -> None:
        """name: of the log. images: folder with flash.bin and host.cpio. debug: the kernel looks
        for mistakes with memory. counted: instructions() will be asked for."""
        self.path = paths.log(f"system-{name}")
        self.log = open(self.path, "w", encoding="utf-8")
        self.report = report
        self.silent: dict[str, str] = {}  # realms that have not answered, and what they were asked
        self.totals = os.path.join(images, f"instructions-{name}")
        counter = f"{BUILD}/bench/total.so,out={self.totals},cpus={machine.CPUS}"
        self.host = machine.Host(kernel, os.path.join(images, "host.cpio"),
                                 os.path.join(images, "flash.bin"), self.log,
                                 machine.COMMAND_LINE + (" " + machine.DEBUG_LINE if debug else ""),
                                 ["-plugin", counter] if counted else [])

    def instructions(self) -> list[float]:
        """Millions that the machine has executed so far, if it counts them: in realms, on the host
        and in the firmware."""
        time.sleep(0.1)  # the counter's file is some milliseconds behind
        with open(self.totals, "rb") as file:
            el3, rmm, *rest = struct.unpack("<8Q", file.read())  # see bench/plugin/level.h
        return [count / 1e6 for count in (sum(rest[:2]), sum(rest[2:5]), rmm + el3)]

    def run(self, command: str, seconds: float = COMMAND_SECONDS,
            check: bool = True) -> list[str]:
        """Output lines of a command on the host; it must succeed if check is set."""
        return self.host.run(command, seconds, check)

    def granules(self) -> tuple[int, ...]:
        """(delegated, leaked, realms) as the module says."""
        lines = self.run("cat /sys/kernel/debug/caec/granules")
        values = dict(line.split() for line in lines if " " in line)
        return tuple(int(values[key]) for key in ("delegated", "leaked", "realms"))

    def free(self) -> int:
        """Available memory in KiB, caches dropped."""
        self.run("sync; echo 3 >/proc/sys/vm/drop_caches")
        return int(self.run("sed -n 's/MemAvailable: *//p' /proc/meminfo")[-1].split()[0])

    def lost_memory(self, before: int) -> int:
        """KiB less than free() said before. Waits for what the kernel frees later."""
        deadline = self.host.deadline(TEARDOWN_SECONDS)
        lost = before - self.free()
        while lost >= MEMORY_SLACK_KIB and not deadline.met():
            self.run("sleep 2")
            lost = before - self.free()
        return lost

    def settle(self, seconds: float = TEARDOWN_SECONDS) -> None:
        """Waits until no realm is left, and checks that nothing else is."""
        deadline = self.host.deadline(seconds)
        state = self.granules()
        while state[2] and not deadline.met():
            self.run("sleep 1")
            state = self.granules()
        expect(state == (0, 0, 0), f"delegated, leaked, realms: {state}")

    def start(self, name: str, options: str) -> None:
        """rvm run in the background. On the host, /tmp/NAME.out has its messages and /tmp/NAME.pid
        its process."""
        self.silent.pop(name, None)
        self.run(f"rvm run --name {name} {options} </dev/null >/tmp/{name}.out 2>&1 & "
                 f"echo $! >/tmp/{name}.pid")

    def wait_for(self, condition: str, seconds: float, what: str) -> None:
        """Polls a shell condition on the host; what names it in messages."""
        deadline = self.host.deadline(seconds)
        while self.run(f"{condition} && echo yes", check=False) != ["yes"]:
            expect(not deadline.met(), f"{what}: not within {seconds} s")
            self.waiting(what)
            self.run("usleep 300000")

    def waiting(self, what: str) -> None:
        """Called between two polls of wait_for(). A subclass can show how far things are."""

    def progress(self, name: str) -> str:
        """How far the start of a realm is, in words; "" if rvm has not said anything yet."""
        last = self.run(f"tail -n 1 /tmp/{name}.out 2>&-", check=False)
        percent = re.search(r"\d+ ?%", last[-1]) if last else None
        if percent and percent[0] != "100 %":
            return f"{name}: {percent[0]} of its memory filled"
        return f"{name}: Linux boots" if last else ""

    def wait_up(self, name: str, says: str = "realm is up") -> None:
        """Until the console of a realm, in /tmp/NAME.con, says that its agent is about to listen.
        One that does not get there is not asked any more."""
        try:
            self.wait_for(f"grep -q '{says}' /tmp/{name}.con", SHELL_SECONDS, name)
        except Failure:
            self.silent[name] = "its start"
            raise

    def all_answer(self) -> None:
        """Fails if a realm has not answered before: what follows would wait for it in vain."""
        expect(not self.silent, f"silent: {self.silent}")

    def ask(self, name: str, command: str,
            seconds: float = WORK_SECONDS) -> tuple[list[str], int]:
        """Lines of a shell command in a realm, by rvm exec, and its status. The command can use the
        functions of tests/system/guest-work."""
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

    def control(self, name: str, command: str, seconds: float = WORK_SECONDS) -> list[str]:
        """Lines of a shell command in a realm; it must succeed."""
        lines, status = self.ask(name, command, seconds)
        expect(status == 0, f"{name}: {command}: status {status}: {lines[-4:]}")
        return lines

    def healthy(self) -> None:
        """A test of its own: the host's kernel has not complained."""
        with self.report.test("host kernel: no oops, warning or hang"):
            expect(not self.host.trouble, "; ".join(self.host.trouble[:5]))
            expect(self.host.status() is None, "the machine has ended")

    def close(self) -> None:
        """Stops the machine, without a shutdown."""
        self.host.end()
        self.log.close()
