# SPDX-License-Identifier: BSD-3-Clause
"""Results of the runners in TAP, written as they happen, and the exceptions that fail a test."""

import contextlib
import copy
import os
import threading
import traceback
from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO

from ticker import Ticker


class Failure(Exception):
    """A test has failed; the text is its diagnosis."""


class Lost(Failure):
    """A test has failed because the machine is gone: the next tests could not run either."""


def expect(condition: object, what: object) -> None:
    """Fails the test with that text unless the condition holds."""
    if not condition:
        raise Failure(what)


def one_line(failure: object) -> str:
    """What went wrong, short enough for the line of a result."""
    kind = "" if isinstance(failure, (Failure, str)) else f"{type(failure).__name__}: "
    return kind + " ".join(str(failure).replace("#", "").split())[:400]


class Tap:
    """A TAP file, written result by result. Several threads may do so at the same time."""

    def __init__(self, path: str) -> None:
        """Begins the file. Raises OSError if it cannot be written."""
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        self.file: TextIO = open(path, "w", encoding="utf-8")
        self.lock = threading.Lock()
        self.count = 0  # of results so far

    def result(self, good: bool, name: str, notes: Iterable[str] = (), skip: str = "") -> None:
        """One result; a test that was left out is good and has a reason to skip it."""
        with self.lock:
            self.count += 1
            for note in notes:
                self.file.write(f"# {note}\n")
            self.file.write(f"{'ok' if good else 'not ok'} {self.count} - {name}"
                            f"{f' # SKIP {skip}' if skip else ''}\n")
            self.file.flush()

    def close(self) -> None:
        """Writes the plan: a file without one stopped early."""
        self.file.write(f"1..{self.count}\n")
        self.file.close()


class Report:
    """Results of a runner: on the terminal and in a TAP file, as they happen."""

    def __init__(self, path: str) -> None:
        self.tap = Tap(path)
        self.lock = threading.Lock()  # of the terminal
        self.failed = 0
        self.label = ""  # before each line on the terminal

    def part(self, label: str) -> "Report":
        """Results that go to the same file, with a label and a count of failures of their own."""
        part = copy.copy(self)
        part.failed = 0
        part.label = f"{label}: "
        return part

    def add(self, good: bool, name: str, notes: Sequence[str] = ()) -> None:
        """One result."""
        self.failed += not good
        shown = [f"{'ok' if good else 'NOT OK':6} {self.label}{name}"]
        shown += [f"         {note}" for note in notes]
        self.tap.result(good, name, notes)
        with self.lock:
            print("\n".join(shown), flush=True)

    @contextlib.contextmanager
    def test(self, name: str) -> Iterator[list[str]]:
        """A test that fails by raising, Failure as a rule; yields a list for notes.

        Where it takes long, it says so meanwhile, and how long it took in the end.
        """
        notes: list[str] = []
        good, why = False, ""
        ticker = Ticker(lambda seconds: print(f"  ...  {self.label}{name}: {seconds:.0f} s\n",
                                              end="", flush=True))
        try:
            with ticker:
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
            took = ticker.seconds()
            if took >= ticker.first:
                notes.append(f"took {took:.1f} s")
            self.add(good, name + why, notes)

    def close(self) -> None:
        """The plan, at the end."""
        self.tap.close()
