# SPDX-License-Identifier: BSD-3-Clause
"""Time limits that a busy machine does not trip.

A limit is there for what hangs. What hangs either runs and gets nowhere, or sleeps; what is late
because others use the CPUs waits in the kernel's queue for one. A Clock leaves that waiting out: it
shows the time that has passed, less what the watched processes were kept from running.
"""

import os
import queue
import subprocess
import time

LOOK_SECONDS = 1


def _queued(pid):
    """Thread -> seconds for which it could have run and had no CPU (proc(5), schedstat)."""
    found = {}
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return found
    for thread in threads:
        try:
            with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as text:
                found[thread] = int(text.read().split()[1]) / 1e9
        except (OSError, IndexError, ValueError):
            continue  # it has ended, or this kernel does not count
    return found


def family(pid):
    """A process and all that it has started, and these in turn."""
    children = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as text:
                    parent = int(text.read().rpartition(")")[2].split()[1])
            except (OSError, IndexError, ValueError):
                continue  # it has ended
            children.setdefault(parent, []).append(int(name))
    found = [pid]
    for member in found:
        found += children.get(member, [])
    return found


class Clock:
    """Seconds since it was made. To be looked at often: what has ended in between is not seen."""

    def __init__(self, pid, alone=False):
        """Watched are the process and its family; or the process, if it has none or none counts."""
        self.watched = (lambda: [pid]) if alone else (lambda: family(pid))
        self.begun = self.looked = time.monotonic()
        self.kept = 0.0
        self.queued = self._look()

    def _look(self):
        found = {}
        for pid in self.watched():
            found.update(_queued(pid))
        return found

    def now(self):
        """Looks at the processes if it has not done so just now."""
        now = time.monotonic()
        if now - self.looked < LOOK_SECONDS / 5:
            return now - self.begun - self.kept
        queued = self._look()
        # Of several threads the one that waited longest: the others may have waited for it.
        kept = max((waited - self.queued.get(thread, 0.0) for thread, waited in queued.items()),
                   default=0.0)
        # Counted when the wait ends: it may be longer than what has passed since the last look.
        self.kept = min(self.kept + max(kept, 0.0), now - self.begun)
        self.queued, self.looked = queued, now
        return now - self.begun - self.kept


class Deadline:
    """So many seconds of a Clock from now on."""

    def __init__(self, clock, seconds):
        self.clock = clock
        self.until = clock.now() + seconds

    def met(self):
        return self.clock.now() >= self.until


def take(lines, clock, seconds):
    """The next item of a queue.Queue; None after so many seconds of the clock."""
    deadline = Deadline(clock, seconds)
    while True:
        try:
            return lines.get(timeout=LOOK_SECONDS)
        except queue.Empty:
            if deadline.met():
                return None


def run(command, seconds, clock=None, **options):
    """subprocess.run(command, timeout=seconds, ...) by this clock, or by one of the command."""
    check, data = options.pop("check", False), options.pop("input", None)
    if options.pop("capture_output", False):
        options |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    if data is not None:
        options["stdin"] = subprocess.PIPE
    with subprocess.Popen(command, **options) as process:
        deadline = Deadline(clock or Clock(process.pid), seconds)
        while True:
            try:
                out, err = process.communicate(data, timeout=LOOK_SECONDS)
                break
            except subprocess.TimeoutExpired:
                data = None
                if deadline.met():
                    process.kill()
                    raise subprocess.TimeoutExpired(command, seconds) from None
            except BaseException:
                process.kill()
                raise
    if check and process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, out, err)
    return subprocess.CompletedProcess(command, process.returncode, out, err)
