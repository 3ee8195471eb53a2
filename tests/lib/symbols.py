# SPDX-License-Identifier: BSD-3-Clause
"""Names and addresses of a program, and where the CPUs of a machine are in it."""

import os
import re
import subprocess
from collections.abc import Iterable, Iterator

NM = "aarch64-linux-gnu-nm"
FAR = 0x10000  # bytes behind a function's begin that may still be its


def _rows(elf: str) -> Iterator[tuple[int, str, str]]:
    """(address, kind as nm writes it, name) of each defined symbol."""
    listing = subprocess.run([NM, "--defined-only", elf], capture_output=True, text=True,
                             check=True).stdout
    for row in listing.splitlines():
        fields = row.split()
        if len(fields) == 3:  # a symbol without a name has two
            yield int(fields[0], 16), fields[1], fields[2]


def addresses(elf: str) -> dict[str, int]:
    """Name to address. Raises CalledProcessError if the file is missing or no program."""
    return {name: address for address, _, name in _rows(elf)}


def places(registers: str, elfs: Iterable[str]) -> list[str]:
    """One line per CPU of a register dump (monitor.py): exception level, PC and the function there.

    Programs that are missing are left out.
    """
    functions = sorted((address, f"{name} ({os.path.basename(elf)})")
                       for elf in elfs if os.path.exists(elf)
                       for address, kind, name in _rows(elf) if kind in "tT")
    found = []
    for number, text in re.findall(r"CPU#(\d+)(.*?)(?=CPU#|\Z)", registers, re.S):
        pc = re.search(r"PC=([0-9a-f]+)", text)
        level = re.search(r"PSTATE=\S+ \S+ (?:\S+ )?EL(\d)", text)
        if pc:
            found.append(f"CPU {number}: EL{level.group(1) if level else '?'} "
                         f"pc {pc.group(1)} {_function(functions, int(pc.group(1), 16))}")
    return found


def _function(functions: list[tuple[int, str]], pc: int) -> str:
    """The function that holds this address, and how far in it; "" if none does."""
    best = ""
    for address, name in functions:
        if address > pc:
            break
        if pc - address < FAR:
            best = f"{name} +0x{pc - address:x}"
    return best
