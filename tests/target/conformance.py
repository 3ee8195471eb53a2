# SPDX-License-Identifier: BSD-3-Clause
"""conformance.md against the tests that ran: every row has a test that passed, or a reason."""

import glob
import os
import re

FOLDER = os.path.dirname(os.path.realpath(__file__))
TABLE = os.path.join(FOLDER, "conformance.md")
TESTS = os.path.join(FOLDER, "../payload/host/tests/conf_*.c")
REASON = re.compile(r"not shown: \S+.{8,}")


def rows():
    """(what, how) of every row of every table."""
    with open(TABLE, encoding="utf-8") as file:
        for line in file:
            cells = [cell.strip() for cell in line.split("|")]
            if len(cells) == 4 and cells[1] not in ("what", "---"):
                yield cells[1], cells[2]


def declared():
    """Names of the tests that must be in the table."""
    for path in glob.glob(TESTS):
        with open(path, encoding="utf-8") as file:
            yield from re.findall(r"^TEST(?:_CPUS)?\((\w+),", file.read(), re.M)


def mistakes(passed):
    """What is wrong with the table, given the names of the tests that passed; and its rows."""
    found, named, count = [], set(), 0
    for what, how in rows():
        count += 1
        names = re.findall(r"`(\w+)`", how)
        if how.startswith("not shown"):
            if not REASON.match(how):
                found.append(f"no reason: {what}")
            continue
        if not names:
            found.append(f"neither test nor reason: {what}")
        named.update(names)
        found += [f"{name} did not pass: {what}" for name in names if name not in passed]
    found += [f"{name} is in no row" for name in declared() if name not in named]
    return found, count
