# SPDX-License-Identifier: BSD-3-Clause
"""A shell on a console, and the emulated machine with the stock Linux host, which has one."""

import os
import re
import tempfile
from collections.abc import Iterable, Sequence
from typing import TextIO

import devicetree
import emulator
from console import Console
from tap import Failure, Lost

CPUS = 2
KERNEL_AT = 0x48000000
INITRD_AT = 0x60000000
COMMAND_LINE = ("console=ttyAMA0 rdinit=/init loglevel=5 nokaslr init_on_alloc=0 cma=0 audit=0 "
                "apparmor=0 lsm=capability mitigations=off rcupdate.rcu_expedited=1 "
                "panic=-1 oops=panic")
# What a stock kernel has to find mistakes with memory; slower.
DEBUG_LINE = "slub_debug=FZPU page_poison=1 kfence.sample_interval=20"
# What a healthy kernel never says.
TROUBLE = ("caec: UNDELEGATE", "caec: DELEGATE", "caec: RTT_", "caec: REC_", "caec: REALM_",
           "caec: DATA_", "caec: APT_", "caec: MAP_", "caec: UNMAP_", "caec: PSCI_",
           "Internal error:", "Unable to handle kernel", "Kernel panic", "WARNING:", "BUG:", "BUG ",
           "INFO: task", "rcu: INFO:", "watchdog: BUG", "general protection", "page lost",
           "sysrq: ", "list_del corruption", "refcount_t:")
# Those of them that the host module says when the RMM refuses, and nothing is lost thereby.
REFUSED = ("caec: REALM_CREATE", "caec: DELEGATE", "caec: RTT_CREATE", "caec: MAP_UNPROTECTED",
           "caec: PSCI_COMPLETE")


# A line of the kernel's log, between those of a command or in the middle of one: a slow machine is
# worth a warning to it.
KERNEL_SAYS = re.compile(r"\[ *\d+\.\d{6}\] ")
# How much longer a command that is late may take before nothing more is asked of the machine.
GRACE_SECONDS = 120


def split_log(begun: str, line: str) -> tuple[str | None, str | None, str]:
    """A line of the console that may have begun as `begun`: (output, log, what has begun).

    The kernel's log does not wait until a program has finished its line; output and log are None
    where there is no whole line of theirs.
    """
    line = begun + line
    said = KERNEL_SAYS.search(line, len(begun))
    if not said:
        return line, None, ""
    return None, line[said.start():], line[:said.start()]


class Shell(Console):
    """Commands on a console where a loop like that of tests/system/host-init reads them. Each ends
    with a marker and its status."""

    def __init__(self, command: Sequence[str], log: TextIO, folder: str | None = None) -> None:
        self.trouble: list[str] = []  # lines that a healthy kernel never writes
        self._begun = ""  # of a line that the kernel's log has interrupted
        self.number = 0  # of commands so far
        self._late: str | None = None  # the mark of a command that was not through in time
        super().__init__(command, log, typed=True, folder=folder)

    def received(self, text: str) -> Iterable[str]:
        """Separates the kernel's log from output, and notices trouble."""
        output, said, self._begun = split_log(self._begun, text)
        lines = [part for part in (said, output) if part is not None]
        self.trouble += [part for part in lines if any(word in part for word in TROUBLE)]
        return lines

    def forget_refusals(self) -> None:
        """Refusals of the RMM so far are no trouble: the test has caused them."""
        self.trouble = [text for text in self.trouble if not any(word in text for word in REFUSED)]

    def run(self, command: str, seconds: float = 60, check: bool = True) -> list[str]:
        """Runs a command line of the shell and returns its output lines.

        Raises Failure if it takes longer than that, or if it fails and check is set; Lost if the
        machine has ended or does not answer any more.
        """
        self.catch_up()
        self.number += 1
        mark = f"@@{self.number}@"
        self.send(f"{command}\necho \"@\"\"@{self.number}@$status@\"")
        self._late = mark
        try:
            seen = self.wait(mark, seconds)
        except Lost:
            raise
        except Failure as failure:
            raise Failure(f"{command!r} takes too long: {failure}") from None
        self._late = None
        text, rest = seen[-1].split(mark, 1)
        status = int(rest.split("@")[0])
        output = [line for line in [*seen[:-1], text] if line and not KERNEL_SAYS.match(line)]
        if check and status != 0:
            raise Failure(f"{command!r} ended with status {status}: {output[-5:]}")
        return output

    def catch_up(self) -> None:
        """Waits for a command that was late, so that the next one's output is its own."""
        if self._late:
            try:
                self.wait(self._late, GRACE_SECONDS)
            except Failure as failure:
                raise Lost(f"the host no longer answers: {failure}") from None
            self._late = None


class Host(Shell):
    """The machine: power-on when it is made. Its kernel has KERNEL_AT, its initramfs INITRD_AT."""

    def __init__(self, kernel: str, initrd: str, flash: str, log: TextIO,
                 line: str = COMMAND_LINE, extra: Sequence[str] = ()) -> None:
        """Paths of the images; line is the kernel's command line, extra are words for QEMU."""
        folder = tempfile.mkdtemp(prefix="caec-")
        words = emulator.command(CPUS)
        end = INITRD_AT + os.path.getsize(initrd)
        tree = devicetree.make(os.path.join(folder, "host.dtb"), words, emulator.MACHINE, (
            ("/chosen", "bootargs", "s", [line]),
            ("/chosen", "linux,initrd-start", "x", ["0", f"{INITRD_AT:x}"]),
            ("/chosen", "linux,initrd-end", "x", ["0", f"{end:x}"])))
        command = [*words, *emulator.serial(flash), "-dtb", tree]
        for path, at in ((kernel, KERNEL_AT), (initrd, INITRD_AT)):
            command += ["-device", f"loader,file={path},addr={at:#x},force-raw=on"]
        super().__init__([*command, *extra], log, folder)
