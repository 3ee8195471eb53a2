# SPDX-License-Identifier: BSD-3-Clause
"""The budgets of budgets.json, and what a row of the table makes of them.

A budget is the most that the median of a row may be. A number alone is instructions at R-EL2; an
object has one or more of

    instructions     of the row
    per page         instructions for each page of 4 KiB that the state has
    per block        instructions for each 2 MiB that the state has, or part of them
    TLBI             invalidations of the row
    TLBI per table   invalidations for each 2 MiB that the state has, or part of them
    times ROW        instructions, against those of another row
    above ROW        instructions more than those of another row
"""

import dataclasses
import json
import re

UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
PAGE = 4 << 10
BLOCK = 2 << 20


@dataclasses.dataclass(frozen=True)
class Check:
    met: bool
    text: str


def read(path):
    """Row name -> {kind: most}."""
    with open(path, encoding="utf-8") as text:
        budgets = json.load(text)
    return {name: most if isinstance(most, dict) else {"instructions": most}
            for name, most in budgets.items()}


def size_of(phase):
    """Bytes of the region in a state such as 64K, 64K/2 or 1G-blk; None if it is none."""
    found = re.match(r"(\d+)([KMG])(?:[-/]|$)", phase)
    return int(found[1]) * UNITS[found[2]] if found else None


def check(table, name, kind, most):
    row = table[name]
    size = size_of(name.rsplit(" ", 1)[1])
    if kind == "instructions":
        value, what = row["median"], "at most"
    elif kind == "TLBI":
        value, what = row["TLBI"], "TLBI"
    elif kind == "per page":
        value, what = row["median"] / (size / PAGE), "a page"
    elif kind == "per block":
        value, what = row["median"] / -(-size // BLOCK), "a block"
    elif kind == "TLBI per table":
        value, what = row["TLBI"] / -(-size // BLOCK), "TLBI a table"
    elif kind.startswith("times "):
        other = kind.removeprefix("times ")
        value, what = row["median"] / table[other]["median"], f"times {other}"
    elif kind.startswith("above "):
        other = kind.removeprefix("above ")
        value, what = row["median"] - table[other]["median"], f"above {other}"
    else:
        raise ValueError(f"budgets.json: {name}: there is no budget by '{kind}'")
    met = value <= most
    shown = "" if kind == "instructions" or (met and value == most) else f"{value:.4g} of "
    return Check(met, f"{what} {shown}{most}{'' if met else ' OVER'}")
