# SPDX-License-Identifier: BSD-3-Clause
"""Steps of a program that somebody watches: one line each, with its time, on the terminal."""

import os
import shutil
import sys
from collections.abc import Callable

from tap import Tap, one_line
from ticker import Ticker

FIRST_TICK_SECONDS, TICK_SECONDS = 4, 15  # between signs of life where there is no terminal


def plain(text: str) -> str:
    """What a realm or the host has said, without what would steer the terminal."""
    return "".join(c if c.isprintable() else "?" for c in text)


class Steps:
    """Prints a line for each step as it ends, with its time; remembers them for the report.

    What takes longer says so meanwhile: on a terminal each second in the step's own line, elsewhere
    in a line now and then.
    """

    def __init__(self, program: str, tap: str | None) -> None:
        """program: what results are called by; tap: path of a TAP file with a result for each step.
        """
        self.program = program
        self.tap = Tap(tap) if tap else None
        self.shown: list[tuple[str, str]] = []  # names, and what was seen
        self.doing = ""  # what the step is at, for who waits
        self.terminal = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        self.colour = self.terminal and not os.environ.get("NO_COLOR")

    def run(self, name: str, action: Callable[[], str | None]) -> str:
        """One step: action() returns what was seen, in a few words. What it raises goes on to the
        caller, once the line says that the step has failed."""
        self.doing = ""
        print(f"  ... {name}", end="" if self.terminal else "\n", flush=True)
        ticker = Ticker(lambda seconds: self._tick(name, seconds),
                        1 if self.terminal else FIRST_TICK_SECONDS,
                        1 if self.terminal else TICK_SECONDS)
        good, seen = False, "interrupted"
        try:
            with ticker:
                seen = action() or ""
            good = True
        except Exception as failure:  # what was not foreseen is a result too
            seen = one_line(failure)
            raise
        finally:
            self._line(good, name, seen, ticker.seconds())
        return seen

    def _tick(self, name: str, seconds: float) -> None:
        text = f"  ... {name}: {seconds:.0f} s" + (f", {self.doing}" if self.doing else "")
        if self.terminal:
            width = shutil.get_terminal_size().columns - 1
            print(f"\r\033[K{text[:width]}", end="", flush=True)
        else:
            print(text, flush=True)

    def _line(self, good: bool, name: str, seen: str, seconds: float) -> None:
        mark = "ok" if good else "FAILED"
        seen = plain(seen)
        if self.colour:
            mark = f"\033[{'32' if good else '31'}m{mark}\033[0m"
        print(("\r\033[K" if self.terminal else "") +
              f"  {mark:3} {seconds:5.1f} s  {name}"
              + (f": {seen}" if seen else ""), flush=True)
        self.shown.append((name, seen))
        if self.tap:
            why = "" if good else f": {one_line(seen)}"
            self.tap.result(good, f"{self.program}: {name}{why}")

    def close(self) -> None:
        """The plan, at the end."""
        if self.tap:
            self.tap.close()
