# SPDX-License-Identifier: BSD-3-Clause
"""The console of an emulated machine: its lines as they arrive, waits with a limit, typing, a log.

A Console starts the machine and reads what it writes. Each line goes to a log file with its time;
line() and wait() return the lines in order. Limits are seconds of a clock that stands still while
others have the CPUs (tools/lib/patience.py), so they need no reserve for a busy computer.
"""

import os
import queue
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TextIO

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../tools/lib"))
import patience  # noqa: E402
from tap import Failure, Lost  # noqa: E402

END_SECONDS = 60  # for the last lines of a machine that has been stopped
LAST_LINES = 3  # that a message about a line that did not come quotes


class Line(NamedTuple):
    """A line of a console; text is None behind the last one, when the machine has ended."""

    at: float  # seconds since power-on
    text: str | None


class Console:
    """A process, its output line by line, and its input."""

    def __init__(self, command: Sequence[str], log: TextIO, *, typed: bool = False,
                 outlives: bool = False, folder: str | None = None) -> None:
        """Starts the command. Both streams of its output are the console.

        typed: send() will be used; otherwise the input is empty. outlives: the process goes on when
        the thread that made the Console ends; otherwise the kernel kills it then. folder: of files
        that the machine uses; end() removes it. Raises OSError if the command cannot be started.
        """
        self.log = log
        self.folder = folder
        self._lines: queue.Queue[Line] = queue.Queue()
        self.command = list(command)
        command = [*([] if outlives else ["setpriv", "--pdeathsig", "KILL"]), *command]
        log.write("$ " + " ".join(command) + "\n")
        log.flush()
        self.start = time.monotonic()
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE,
                                        stdin=subprocess.PIPE if typed else subprocess.DEVNULL,
                                        stderr=subprocess.STDOUT)
        self.clock = patience.Clock(self.process.pid, alone=True)  # for limits
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        try:
            for raw in self.process.stdout:
                at, text = self.elapsed(), raw.decode("utf-8", "replace").rstrip("\r\n")
                self.log.write(f"{at:9.3f} {text}\n")
                self.log.flush()
                for part in self.received(text):
                    self._lines.put(Line(at, part))
        finally:
            self._lines.put(Line(self.elapsed(), None))

    def received(self, text: str) -> Iterable[str]:
        """The lines that a raw line of the console stands for: itself, unless a subclass overrides
        this. Called by the reading thread as soon as the line is there, whoever waits for it."""
        return (text,)

    def line(self, seconds: float) -> Line | None:
        """The next line, with text None once the machine has ended; None: no line came in time."""
        found = patience.take(self._lines, self.clock, seconds)
        if found is not None and found.text is None:
            self._lines.put(found)  # for the next call
        return found

    def wait(self, wanted: str | re.Pattern[str], seconds: float) -> list[str]:
        """The next lines up to the one that holds a text, or matches a pattern, that one included.

        Raises Failure if it does not come within so many seconds, Lost if the machine ends before.
        """
        deadline = self.deadline(seconds)
        found = re.compile(re.escape(wanted)) if isinstance(wanted, str) else wanted
        what = repr(wanted if isinstance(wanted, str) else wanted.pattern)
        seen: list[str] = []
        while True:
            line = self.line(deadline.until - self.clock.now())
            last = seen[-LAST_LINES:]
            if line is None:
                raise Failure(f"no {what} within {seconds} s; last: {last}")
            if line.text is None:
                raise Lost(f"the machine ended while waiting for {what}; last: {last}")
            seen.append(line.text)
            if found.search(line.text):
                return seen

    def send(self, text: str) -> None:
        """Types text and a newline. Raises Lost if the machine has ended."""
        self.log.write(f"{self.elapsed():9.3f} > {text}\n")
        try:
            self.process.stdin.write(f"{text}\n".encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Lost("the machine has ended") from None

    def deadline(self, seconds: float) -> patience.Deadline:
        """So many seconds from now on, without those in which others had the CPUs."""
        return patience.Deadline(self.clock, seconds)

    def elapsed(self) -> float:
        """Seconds since power-on, those in which others had the CPUs included."""
        return time.monotonic() - self.start

    def status(self) -> int | None:
        """Exit status of the machine's process; None while it runs."""
        return self.process.poll()

    def end(self) -> None:
        """Stops the machine if it still runs, and removes its folder. The log stays open."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join(END_SECONDS)
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)
