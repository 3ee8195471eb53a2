# SPDX-License-Identifier: BSD-3-Clause
"""Results of the runners in TAP, written as they happen, and the exceptions that fail a test."""

import contextlib
import copy
import itertools
import os
import threading
import time
import traceback

FIRST_TICK_SECONDS, TICK_SECONDS = 5, 15  # between signs of life


class Failure(Exception):
    """A test has failed; the text is its diagnosis."""


class Lost(Failure):
    """A test has failed because the machine is gone: the next tests could not run either."""


def expect(condition, what):
    """Fails the test with that text unless the condition holds."""
    if not condition:
        raise Failure(what)


def one_line(failure):
    """What went wrong, short enough for the line of a result."""
    kind = "" if isinstance(failure, (Failure, str)) else f"{type(failure).__name__}: "
    return kind + " ".join(str(failure).replace("#", "").split())[:400]


class Report:
    """TAP as it happens. Parts of it may be written by several threads at the same time."""

    def __init__(self, path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self.file = open(path, "w", encoding="utf-8")
        self.lock = threading.Lock()
        self.numbers = itertools.count(1)
        self.failed = 0
        self.label = ""  # before each line on the terminal

    def part(self, label):
        """Results that go to the same file, with a label and a count of failures of their own."""
        part = copy.copy(self)
        part.failed = 0
        part.label = f"{label}: "
        return part

    def add(self, good, name, notes=()):
        """One result."""
        self.failed += not good
        shown = [f"{'ok' if good else 'NOT OK':6} {self.label}{name}"]
        shown += [f"         {note}" for note in notes]
        with self.lock:
            for note in notes:
                self.file.write(f"# {note}\n")
            self.file.write(f"{'ok' if good else 'not ok'} {next(self.numbers)} - {name}\n")
            self.file.flush()
            print("\n".join(shown), flush=True)

    def _tick(self, name, begun, ended):
        """A sign of life now and then until a test has ended."""
        pause = FIRST_TICK_SECONDS
        while not ended.wait(pause):
            print(f"  ...  {self.label}{name}: {time.monotonic() - begun:.0f} s\n", end="",
                  flush=True)
            pause = TICK_SECONDS

    @contextlib.contextmanager
    def test(self, name):
        """A test that fails by raising, Failure as a rule; yields a list for notes.

        Where it takes long, it says so meanwhile, and how long it took in the end.
        """
        notes = []
        begun = time.monotonic()
        ended = threading.Event()
        threading.Thread(target=self._tick, args=(name, begun, ended), daemon=True).start()
        good, why = False, ""
        try:
            yield notes
            good = True
        except Lost as failure:
            why = f": {one_line(failure)}"
            raise
        except Exception as failure:  # what was not foreseen fails this test, not all others
            why = f": {one_line(failure)}"
            if not isinstance(failure, Failure):
                traceback.print_exc()
        finally:
            ended.set()
            took = time.monotonic() - begun
            if took >= FIRST_TICK_SECONDS:
                notes.append(f"took {took:.1f} s")
            self.add(good, name + why, notes)

    def close(self):
        """The plan, at the end."""
        self.file.write(f"1..{next(self.numbers) - 1}\n")
        self.file.close()
