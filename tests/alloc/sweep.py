# SPDX-License-Identifier: BSD-3-Clause
"""Runs a program again and again, each time with another allocation that fails.

A run may end as the undisturbed one, with the same output, or with one of the statuses that mean
"could not do it", and then it must say so on standard error. Anything else is a fault: a signal, a
hang, another verdict, success with other output.
"""

import os
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor

LIMIT = 300  # seconds for one run: for what hangs


def _run(library, command, variables, **options):
    env = {**os.environ, "LD_PRELOAD": library, **variables}
    done = subprocess.run(command, env=env, capture_output=True, timeout=LIMIT, check=False,
                          **options)
    return done.returncode, done.stdout, done.stderr


def _numbers(count, dense, step):
    """Every one of the last `dense`, where a program uses what it was started for; of those before,
    which are mostly the set-up of libraries, each `step`-th."""
    first = max(1, count - dense + 1)
    return [*range(1, first, step), *range(first, count + 1)]


def _fault(where, wanted, got, failures):
    """What is wrong with a run, in words; None if nothing is."""
    if got[0] == wanted[0]:
        return f"{where}: status {got[0]}, but other output" if got[1] != wanted[1] else None
    if got[0] not in failures:
        return f"{where}: status {got[0]}, not {wanted[0]}: {got[2][-200:]!r}"
    return None if got[2] else f"{where}: status {got[0]} without a word"


def sweep(library, command, failures, dense=600, step=16, seen=bytes, **options):
    """Faults found, as text; and the number of runs, of which one is on each CPU at a time.

    `options` go to subprocess.run(). `seen` makes of an output what must be the same each time.
    """
    with tempfile.NamedTemporaryFile("r") as counted:
        wanted = _run(library, command, {"FAILALLOC_COUNT": counted.name}, **options)
        count = int(counted.read())

    def run(everything, number):
        status, output, errors = _run(library, command, {
            "FAILALLOC_AT": str(number), "FAILALLOC_ALL": everything}, **options)
        where = f"allocation {number} of {count}{' and all later ones' * int(everything)}"
        return _fault(where, (wanted[0], seen(wanted[1])), (status, seen(output), errors), failures)

    runs = [(everything, number) for everything in ("0", "1")
            for number in _numbers(count, dense, step if everything == "0" else 4 * step)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        faults = [fault for fault in pool.map(lambda one: run(*one), runs) if fault]
    return faults, len(runs)
