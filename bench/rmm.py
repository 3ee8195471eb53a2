#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What the firmware's commands cost, in instructions executed at R-EL2 under QEMU.

Boots the bare-metal host's measurements three times with the counting plugin, on one CPU with one
instruction a nanosecond of virtual time, and marks figures that differ between boots; what takes
long runs in the first boot only. Prints a table against the budgets in bench/budgets.json, beside
the figures of bench/baseline.json, and writes build/results/bench-rmm.json.

--quick boots once, without what takes long. --accept makes the figures the baseline, and gives
every row a budget of 5 % more than it has now, unless it has a lower one.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
from typing import TextIO

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../tests/lib"))
import baremetal  # noqa: E402
import budget  # noqa: E402
import emulator  # noqa: E402
import growth  # noqa: E402
import images  # noqa: E402
import paths  # noqa: E402
from paths import BUILD, TOP  # noqa: E402
from ticker import Ticker  # noqa: E402

BOOTS = 3
SILENT_SECONDS = 900  # without a line on the console, and without what others had of the CPUs
ALL = "bench_"
SHORT = "bench_,-bench_giant"
BASELINE = os.path.join(TOP, "bench", "baseline.json")
BUDGETS = os.path.join(TOP, "bench", "budgets.json")
SLACK_PERCENT = 5
CPU = emulator.CPU + ",sve128=on,sve256=off"  # vectors of 128 bits
COUNTERS = ["EL3", "R-EL2", "R-EL1", "R-EL0", "NS-EL2", "NS-EL1", "NS-EL0", "other",
            "TLBI", "cache", "barrier", "sysreg", "exits"]
RSI_CSM = range(0xC6000100, 0xC6000110)
RSI_INCOMPLETE = 3
# Commands of the host that bench_csm.c measures in a state that commands of realms share.
MEASURED_BESIDE = {0xC4000170, 0xC4000171, 0xC4000154, 0xC4000155}

# (phase, command id) -> counters of each call; row -> its figures
Samples = dict[tuple[str, int], list[dict[str, int]]]
Table = dict[str, dict[str, int]]


def names() -> dict[int, str]:
    """Function id -> command, from the abi's command lists."""
    found = {}
    for name in ("commands.def", "commands-csm.def"):
        with open(os.path.join(TOP, "abi", name), encoding="utf-8") as lines:
            for line in lines:
                if "_COMMAND(0x" in line:
                    fid, command = line.split("(", 1)[1].split(",")[:2]
                    found[int(fid, 16)] = command.strip()
    return found


class Progress:
    """What a boot is at, shown now and then."""

    def __init__(self, name: str) -> None:
        self.name, self.doing = name, "the firmware starts"

    def show(self, seconds: float) -> None:
        print(f"  ... {self.name}: {seconds:.0f} s, {self.doing}", file=sys.stderr, flush=True)


def follow(target: baremetal.Machine, log: TextIO, progress: Progress) -> list[str]:
    """The lines of the console until the machine ends; those that say that something failed.

    Ends the program if the machine hangs, or ends before its plan, which is the last line of TAP.
    """
    failed = []
    planned = False
    while True:
        line = target.line(SILENT_SECONDS)
        if line is None:
            sys.exit(f"bench: {progress.name}: {progress.doing}: no line on the console for "
                     f"{SILENT_SECONDS} s; see {log.name}")
        if line.text is None:
            break
        if found := re.match(r"# begin \d+ (\w+)", line.text):
            progress.doing = found[1]
        if line.text.startswith(("not ok", "Bail out", "CAEC RMM panic")):
            failed.append(line.text)
        planned = planned or re.match(r"1\.\.\d+", line.text) is not None
    if not planned and not failed:
        sys.exit(f"bench: {progress.name}: {progress.doing}: the machine ended; what it has "
                 "measured is not complete")
    return failed


def boot(flash: str, out: str, log: TextIO, name: str, tests: str = ALL,
         profile: str | None = None) -> tuple[Samples, dict[str, str]]:
    """One run. Returns the samples: (phase, command id) -> list of counter dictionaries; and with
    which machine and CPU QEMU was started."""
    plugin = f"{os.path.join(BUILD, 'bench', 'count.so')},out={out}"
    plugin += f",profile={profile}" if profile else ""
    extra = ["-icount", "shift=0,sleep=off", "-plugin", plugin]
    target = baremetal.Machine(flash, 1, {"filter": tests}, log, cpu=CPU,
                               extra=extra)
    try:
        progress = Progress(name)
        with Ticker(progress.show):
            failed = follow(target, log, progress)
    finally:
        target.end()
    if failed:
        sys.exit("bench: what is measured has to succeed: " + "; ".join(failed))
    return samples(out), emulator.stated(target.command)


def samples(out: str) -> Samples:
    """The intervals that ended in success. A command of CSM that was called again because it was
    incomplete is one sample, the sum of its calls; other commands in its phase are not its."""
    result = {}
    parts = {}
    with open(out, encoding="utf-8") as lines:
        for line in lines:
            phase, fid, status, *values = line.split()
            key, status = (phase, int(fid, 16)), int(status, 16)
            sample = dict(zip(COUNTERS, map(int, values)), calls=1)
            for name, value in parts.pop(key, {}).items():
                sample[name] += value
            if status == RSI_INCOMPLETE and key[1] in RSI_CSM:
                parts[key] = sample
            elif status == 0:
                result.setdefault(key, []).append(sample)
    own = {phase for phase, fid in result if fid in RSI_CSM}
    return {(phase, fid): values for (phase, fid), values in result.items()
            if phase not in own or fid in RSI_CSM or fid in MEASURED_BESIDE}


def summary(values: list[dict[str, int]]) -> dict[str, int]:
    """Median, least and most of what R-EL2 executed, and the median of the expensive kinds."""
    own = [v["R-EL2"] for v in values]
    row = {"samples": len(own), "median": statistics.median_low(own), "min": min(own),
           "max": max(own)}
    for kind in ("TLBI", "barrier", "sysreg", "EL3", "calls", "exits"):
        row[kind] = statistics.median_low([v[kind] for v in values])
    return row


def assemble(options: argparse.Namespace) -> str:
    """The flash image of the firmware and the measuring host."""
    return images.flash(os.path.join(BUILD, options.firmware, "flash-bench.bin"),
                        os.path.join(BUILD, options.firmware, "rmm.img"),
                        os.path.join(BUILD, "payload", "host.bin"))


def measure(options: argparse.Namespace) -> tuple[list[Samples], dict[str, str]]:
    """The samples of all boots, and what QEMU was started with."""
    flash = assemble(options)
    runs = []
    boots = 1 if options.quick else BOOTS
    with open(paths.log("bench-rmm"), "w", encoding="utf-8") as log:
        for number in range(boots):
            out = os.path.join(BUILD, "bench", f"samples-{number}.txt")
            name = f"boot {number + 1} of {boots}"
            tests = ALL if number == 0 and not options.quick else SHORT
            found, used = boot(flash, out, log, name, tests)
            runs.append(found)
            print(f"{name} is done", file=sys.stderr)
    return runs, used


def rows(runs: list[Samples]) -> Table:
    """One row for each phase and command; commands whose boots disagree say by how much."""
    named = names()
    table = {}
    for key in runs[0]:
        phase, fid = key
        row = summary(runs[0][key])
        others = [summary(run[key])["median"] for run in runs[1:] if key in run]
        row["spread"] = max((abs(other - row["median"]) for other in others), default=0)
        row["boots"] = 1 + len(others)
        table[f"{named.get(fid, hex(fid))} {phase}"] = row
    return table


def order(name: str) -> tuple[str, int, str]:
    """By command, then states by size."""
    command, phase = name.rsplit(" ", 1)
    return command, budget.size_of(phase) or 0, phase


def baseline() -> dict[str, int]:
    """Row name -> median, as an earlier firmware had it."""
    with open(BASELINE, encoding="utf-8") as text:
        return json.load(text)


def accept(table: Table, before: dict[str, int]) -> None:
    """Makes the table the baseline, and adds or lowers budgets to it with some slack; rows that
    were not measured stay as they are."""
    figures = before | {name: row["median"] for name, row in table.items()}
    with open(BASELINE, "w", encoding="utf-8") as out:
        json.dump(figures, out, indent=1, sort_keys=True)
        out.write("\n")
    budgets = budget.read(BUDGETS)
    for name in table:
        limit = -(-table[name]["median"] * (100 + SLACK_PERCENT) // 100)
        kinds = budgets.setdefault(name, {})
        kinds["instructions"] = min(limit, kinds.get("instructions", limit))
    with open(BUDGETS, "w", encoding="utf-8") as out:
        lines = [f" {json.dumps(name)}: {json.dumps(budgets[name])}" for name in sorted(budgets)]
        out.write("{\n" + ",\n".join(lines) + "\n}\n")


def show(table: Table, budgets: dict[str, dict[str, int]], before: dict[str, int]) -> list[str]:
    """Prints all rows; returns the budgets that are missed, as text."""
    missed = []
    print(f"{'command':34} {'state':9} {'before':>9} {'median':>9} {'min':>9} {'max':>9} "
          f"{'calls':>5} {'exits':>5} {'TLBI':>5} {'barrier':>7} {'sysreg':>6}  budget")
    for name in sorted(table, key=order):
        row = table[name]
        command, phase = name.rsplit(" ", 1)
        checks = [budget.check(table, name, kind, most)
                  for kind, most in budgets.get(name, {}).items()]
        notes = [check.text for check in checks]
        notes += [f"boots differ by {row['spread']}"] if row["spread"] else []
        notes += ["one boot"] if row["boots"] == 1 else []
        print(f"{command:34} {phase:9} {before.get(name, '-'):>9} {row['median']:9} "
              f"{row['min']:9} {row['max']:9} "
              f"{row['calls']:5} {row['exits']:5} {row['TLBI']:5} {row['barrier']:7} "
              f"{row['sysreg']:6}  {'; '.join(notes)}".rstrip())
        missed += [f"{name}: {check.text}" for check in checks if not check.met]
    return missed


def check_complete(table: Table, budgets: dict[str, dict[str, int]]) -> None:
    """Ends the program if a row that has a budget was not measured."""
    absent = sorted(set(budgets) - set(table))
    if absent:
        sys.exit("bench: no sample of " + ", ".join(absent))


def profile(options: argparse.Namespace) -> None:
    """Where the instructions of one row go, by source function, inlined ones by their own name."""
    command, wanted = options.profile.rsplit(" ", 1)
    flash = assemble(options)
    out = os.path.join(BUILD, "bench", "profile.txt")
    tests = ALL if wanted.startswith("1G") else SHORT
    with open(paths.log("bench-rmm"), "w", encoding="utf-8") as log:
        runs, _ = boot(flash, os.path.join(BUILD, "bench", "samples-0.txt"), log, "boot", tests,
                       out)
    fid = next(fid for fid, name in names().items() if name == command)
    taken = {}
    with open(out, encoding="utf-8") as lines:
        for line in lines:
            phase, name, address, executions = line.split()
            if phase == wanted and int(name, 16) == fid:
                taken[address] = int(executions)
    text = subprocess.run(["aarch64-linux-gnu-addr2line", "-f", "-s", "-e",
                           os.path.join(BUILD, options.firmware, "rmm.elf"), *taken],
                          capture_output=True, text=True, check=True).stdout.splitlines()
    functions = {}
    for (address, executions), function, line in zip(taken.items(), text[::2], text[1::2]):
        where = f"{function} {line.split(':')[0]}"
        functions[where] = functions.get(where, 0) + executions
    count = len(runs[(wanted, fid)])
    for where, executions in sorted(functions.items(), key=lambda item: -item[1]):
        print(f"{executions / count:10.1f}  {where}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--firmware", default="firmware", help="folder of build/ with rmm.img")
    parser.add_argument("--profile", metavar="'COMMAND STATE'",
                        help="show where one row's instructions go, instead of the table")
    parser.add_argument("--quick", action="store_true",
                        help="one boot, without regions of 1 GiB and their budgets")
    parser.add_argument("--accept", action="store_true",
                        help="rewrite bench/baseline.json and bench/budgets.json by this run")
    options = parser.parse_args()
    if options.profile:
        profile(options)
        return
    budgets = budget.read(BUDGETS)
    runs, used = measure(options)
    table = rows(runs)
    if options.quick:
        budgets = {name: kinds for name, kinds in budgets.items() if name in table}
    check_complete(table, budgets)
    before = baseline()
    if options.accept:
        accept(table, before)
    missed = show(table, budgets, before)
    grown = growth.measure(BUILD)
    growth.show(grown)
    image = os.path.join(BUILD, options.firmware, "rmm.img")
    version = subprocess.run([emulator.QEMU, "--version"], capture_output=True, text=True,
                             check=True).stdout.splitlines()[0]
    with open(paths.results("bench-rmm.json"), "w", encoding="utf-8") as out:
        json.dump({"unit": "instructions executed under TCG at R-EL2", "qemu": version, **used,
                   "image_bytes": os.path.getsize(image), "growth": grown, "missed": missed,
                   "before": before, "commands": table}, out, indent=1)
    for text in missed:
        print(f"over: {text}")
    count = sum(len(budgets[name]) for name in budgets)
    print(f"{count - len(missed)} of {count} budgets met. Instructions executed "
          "under emulation; no time on hardware.")


if __name__ == "__main__":
    main()
