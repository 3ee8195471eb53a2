#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""make shell as its user meets it: a terminal on which shell.py runs, twice. Runs inside the
environment. The second start, of the saved machine, is timed."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "lib"))
from tap import Failure, Lost, Report, expect  # noqa: E402

START_SECONDS = 3600  # for what hangs: a first start boots three kernels
ANSWER_SECONDS = 600
ENDS_SECONDS = 120
CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


class Terminal:
    """shell.py on a terminal of its own."""

    def __init__(self, folder, *options):
        self.folder = folder
        master, slave = pty.openpty()
        self.master = master
        self.begun = time.monotonic()
        self.process = subprocess.Popen(
            [os.path.join(HERE, "shell.py"), *options], stdin=slave, stdout=slave, stderr=slave,
            start_new_session=True, env=dict(os.environ, TMPDIR=folder, TERM="vt100"))
        os.close(slave)
        self.seen = ""

    def wait(self, pattern, seconds=ANSWER_SECONDS):
        """What comes up to a pattern, that included. Raises Failure, or Lost at the end."""
        end = time.monotonic() + seconds
        while True:
            found = re.search(pattern, self.seen)
            if found:
                text = self.seen[:found.end()]
                self.seen = self.seen[found.end():]
                return text
            expect(time.monotonic() < end, f"no {pattern!r}; last: {self.seen[-300:]!r}")
            if not select.select([self.master], [], [], 1)[0]:
                continue
            try:
                data = os.read(self.master, 4096)
            except OSError:
                data = b""
            if not data:
                raise Lost(f"it ended before {pattern!r}; last: {self.seen[-300:]!r}")
            self.seen += CONTROLS.sub("", data.decode("utf-8", "replace"))

    def send(self, text):
        """Types."""
        os.write(self.master, text.encode())

    def run(self, command, prompt):
        """A command line, and what comes until the next prompt."""
        self.send(command + "\r")
        self.wait(re.escape(command[-20:]))
        return self.wait(prompt)

    def ended(self, status):
        """It has ended so, and nothing of it is left."""
        end = time.monotonic() + ENDS_SECONDS
        while self.process.poll() is None and time.monotonic() < end:
            if select.select([self.master], [], [], 0.2)[0]:
                try:
                    self.seen += os.read(self.master, 4096).decode("utf-8", "replace")
                except OSError:
                    time.sleep(0.1)
        expect(self.process.poll() == status, f"status {self.process.poll()}: {self.seen[-300:]!r}")
        left = [pid for pid in os.listdir("/proc") if pid.isdigit() and self.folder in words(pid)]
        expect(not left, f"processes are left: {left}")
        expect(not os.listdir(self.folder), f"files are left: {os.listdir(self.folder)}")

    def close(self):
        """After a failure too."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait()
        os.close(self.master)


def words(pid):
    """A process's command line; "" if it has gone."""
    try:
        with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


HOST, A = r"host:~# ", r"\ba:\S*# "


def first(report, terminal):
    """Prompts and commands, and the end by exit."""
    with report.test("shell: a prompt on the host, and a command") as notes:
        terminal.wait(HOST, START_SECONDS)
        notes.append(f"prompt after {time.monotonic() - terminal.begun:.1f} s")
        said = terminal.run("echo $((6 * 7)) $(uname -m); rvm list", HOST)
        expect("42 aarch64" in said and re.search(r"\na .*runs", said) and
               re.search(r"\nb .*runs", said), said)
    with report.test("shell: a prompt in a realm, a command, and back to the host"):
        terminal.send("rvm console a\r")
        terminal.wait("Ctrl-] q leaves")
        terminal.send("\r")
        terminal.wait(A)
        said = terminal.run("csmctl id; echo $((6 * 7))", A)
        expect(re.search(r"realm: [0-9a-f]{16}\n", said) and "\n42\n" in said, said)
        terminal.send("\x1dq")
        said = terminal.wait(HOST)
        expect("runs on" in said, said)
    with report.test("shell: the checkout is on the host and in both realms"):
        said = terminal.run("head -n 1 /mnt/checkout/demo/shell.py; for r in a b; do "
                            "rvm exec $r head -n 1 /mnt/checkout/demo/shell.py; done", HOST)
        expect(said.count("\n#!/usr/bin/env python3\n") + said.count(
            "python3\n#!/usr/bin/env") >= 3, said)
    with report.test("shell: exit ends the machine, and nothing is left"):
        terminal.send("exit\r")
        terminal.ended(0)


def second(report, terminal):
    """A signal ends a machine that boots."""
    with report.test("shell: SIGTERM ends it, and nothing is left"):
        terminal.wait("the machine boots", START_SECONDS)
        terminal.process.send_signal(signal.SIGTERM)
        terminal.ended(143)


def main():
    """TAP goes to the path that is given."""
    report = Report(sys.argv[1])
    try:
        for scenario in (first, second):
            with tempfile.TemporaryDirectory(prefix="caec-check-") as folder:
                terminal = Terminal(folder)
                try:
                    scenario(report, terminal)
                finally:
                    terminal.close()
    except Failure:
        pass  # it has a line of its own
    report.close()
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
