# SPDX-License-Identifier: BSD-3-Clause
"""The emulated machine with the stock Linux host: power-on, and commands on its serial console."""

import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [os.path.join(HERE, "../lib"), os.path.join(HERE, "../../tools/lib")]
import emulator  # noqa: E402
import patience  # noqa: E402
from tap import Failure, Lost  # noqa: E402

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
END = object()  # behind the last line


def split_log(begun, line):
    """A line of the console that may have begun as `begun`: (output, log, what has begun).

    The kernel's log does not wait until a program has finished its line; output and log are None
    where there is no whole line of theirs.
    """
    line = begun + line
    said = KERNEL_SAYS.search(line, len(begun))
    if not said:
        return line, None, ""
    return None, line[said.start():], line[:said.start()]


class Host:
    """Commands go to a shell on the serial port; each ends with a marker and its status."""

    def __init__(self, kernel, initrd, flash, log, line=COMMAND_LINE, extra=()):
        self.log = log
        self.folder = tempfile.mkdtemp(prefix="caec-")
        self.lines = queue.Queue()
        self.trouble = []
        self.number = 0
        self.late = None  # the mark of a command that was not through in time
        command = [*emulator.command(CPUS), *emulator.serial(flash), "-dtb",
                   self._tree(initrd, line)]
        for path, at in ((kernel, KERNEL_AT), (initrd, INITRD_AT)):
            command += ["-device", f"loader,file={path},addr={at:#x},force-raw=on"]
        command += extra
        log.write("$ " + " ".join(command) + "\n")
        self.start = time.monotonic()
        # It does not outlive who watches it: nobody else would ever end it.
        self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        self.clock = patience.Clock(self.process.pid, alone=True)  # for limits
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _tree(self, initrd, line):
        """QEMU's own device tree with what a boot loader would have filled in."""
        tree = os.path.join(self.folder, "host.dtb")
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(emulator.command(CPUS, machine=f"{emulator.MACHINE},dumpdtb={tree}"),
                       check=False, **quiet)
        end = INITRD_AT + os.path.getsize(initrd)
        for kind, name, values in (("s", "bootargs", [line]),
                                   ("x", "linux,initrd-start", ["0", f"{INITRD_AT:x}"]),
                                   ("x", "linux,initrd-end", ["0", f"{end:x}"])):
            subprocess.run(["fdtput", "-t", kind, tree, "/chosen", name, *values], check=True)
        return tree

    def _read(self):
        begun = ""
        for raw in self.process.stdout:
            line = raw.decode("utf-8", "replace").rstrip("\r\n")
            self.log.write(f"{time.monotonic() - self.start:9.3f} {line}\n")
            self.log.flush()
            output, log, begun = split_log(begun, line)
            for text in (log, output):
                if text is not None:
                    if any(word in text for word in TROUBLE):
                        self.trouble.append(text)
                    self.lines.put(text)
        self.lines.put(END)

    def forget_refusals(self):
        """Refusals of the RMM so far are no trouble: the test has caused them."""
        self.trouble = [text for text in self.trouble if not any(word in text for word in REFUSED)]

    def wait(self, text, seconds):
        """Lines up to the one that holds text, that one included."""
        deadline = self.deadline(seconds)
        seen = []
        while True:
            line = patience.take(self.lines, self.clock, deadline.until - self.clock.now())
            if line is None:
                raise Failure(f"no {text!r} within {seconds} s; last: {seen[-3:]}")
            if line is END:
                self.lines.put(END)  # for whoever asks next
                raise Lost(f"the machine ended while waiting for {text!r}; last: {seen[-3:]}")
            seen.append(line)
            if text in line:
                return seen

    def run(self, command, seconds=60, check=True):
        """Runs a command line of the shell and returns its output lines."""
        self.catch_up()
        self.number += 1
        mark = f"@@{self.number}@"
        self.send(f"{command}\necho \"@\"\"@{self.number}@$status@\"")
        self.late = mark
        try:
            seen = self.wait(mark, seconds)
        except Lost:
            raise
        except Failure as failure:
            raise Failure(f"{command!r} takes too long: {failure}") from None
        self.late = None
        text, rest = seen[-1].split(mark, 1)
        status = int(rest.split("@")[0])
        output = [line for line in [*seen[:-1], text] if line and not KERNEL_SAYS.match(line)]
        if check and status != 0:
            raise Failure(f"{command!r} ended with status {status}: {output[-5:]}")
        return output

    def catch_up(self):
        """Waits for a command that was late, so that the next one's output is its own."""
        if self.late:
            try:
                self.wait(self.late, GRACE_SECONDS)
            except Failure as failure:
                raise Lost(f"the host no longer answers: {failure}") from None
            self.late = None

    def send(self, text):
        """Types text and a newline."""
        self.log.write(f"{time.monotonic() - self.start:9.3f} > {text}\n")
        try:
            self.process.stdin.write(f"{text}\n".encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Lost("the machine has ended") from None

    def deadline(self, seconds):
        """So many seconds from now on, without those in which others had the CPUs."""
        return patience.Deadline(self.clock, seconds)

    def elapsed(self):
        """Seconds since power-on."""
        return time.monotonic() - self.start

    def end(self):
        """Stops the machine if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.reader.join(5)
        shutil.rmtree(self.folder, ignore_errors=True)
