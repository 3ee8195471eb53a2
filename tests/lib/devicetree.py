# SPDX-License-Identifier: BSD-3-Clause
"""The device tree of an emulated machine: QEMU's own, with what a boot loader would fill in."""

import subprocess
from collections.abc import Iterable, Sequence

# Node, property, kind ("s": a string, "x": cells in hexadecimal), values; as fdtput(1) has them.
Property = tuple[str, str, str, Sequence[str]]


def make(path: str, words: Sequence[str], machine: str, properties: Iterable[Property]) -> str:
    """Writes the tree of a machine to a path, with nodes and properties more or changed.

    words: QEMU's command line for the machine (emulator.command); machine: what its -M says.
    Returns path. Raises CalledProcessError if QEMU does not know the machine, or a property cannot
    be set.
    """
    subprocess.run([*words, "-M", f"{machine},dumpdtb={path}"], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for node, name, kind, values in properties:
        subprocess.run(["fdtput", "-p", "-t", kind, path, node, name, *values], check=True)
    return path
