# SPDX-License-Identifier: BSD-3-Clause
"""What Confidential Shared Memory adds to the firmware: sections of both builds, lines of source.

Sections are padded to whole pages and aligned; `functions` is what functions themselves have.

Lines are those of the files that a build is made of, headers included, without Mbed TLS. A file
that both builds have is the same in both: there is no conditional code in it.
"""

import os
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
BUILDS = {"without": ("firmware-nocsm", "off"), "with": ("firmware", "on")}
KINDS = ["functions", "text", "data", "bss", "image", "lines", "code", "files"]


def sections(elf: str) -> dict[str, int]:
    """text (with constants), data and bss, as `size` adds them up; what functions have of text."""
    out = subprocess.run(["aarch64-linux-gnu-size", elf], capture_output=True, text=True,
                         check=True).stdout.splitlines()[1].split()
    names = subprocess.run(["aarch64-linux-gnu-nm", "-S", "--defined-only", elf],
                           capture_output=True, text=True, check=True).stdout.splitlines()
    symbols = [name.split() for name in names]
    functions = sum(int(symbol[1], 16) for symbol in symbols
                    if len(symbol) == 4 and symbol[2] in "tTwW")
    return {"functions": functions} | dict(zip(["text", "data", "bss"], map(int, out[:3])))


def files_of(build: str, folder: str, csm: str) -> set[str]:
    """Paths below TOP of the sources and of the headers that they include."""
    sources = subprocess.run(["make", "-s", "--no-print-directory", "-C",
                              os.path.join(TOP, "rmm"), "sources", f"CSM={csm}"],
                             capture_output=True, text=True, check=True).stdout.split()
    found = set()
    for source in sources:
        noted = os.path.join(build, folder, "obj", os.path.splitext(source)[0] + ".d")
        with open(noted, encoding="utf-8") as text:
            names = text.read().replace("\\\n", " ").split(":", 1)[1].split("\n", 1)[0].split()
        for name in names:
            path = os.path.realpath(os.path.join(TOP, "rmm", name))
            if path.startswith((os.path.join(TOP, "rmm", ""), os.path.join(TOP, "abi", ""))):
                found.add(path)
    return found


def count(path: str) -> tuple[int, int]:
    """Lines, and lines with something besides comments and blanks."""
    lines = code = 0
    comment = False
    with open(path, encoding="utf-8") as text:
        for line in text:
            lines += 1
            rest = line.strip()
            if comment or rest.startswith("/*"):
                comment = "*/" not in rest
                rest = "" if comment else rest.split("*/", 1)[1].strip()
            code += bool(rest) and not rest.startswith("//")
    return lines, code


def measure(build: str) -> dict[str, dict[str, int]]:
    """KINDS of both builds."""
    result = {}
    for name, (folder, csm) in BUILDS.items():
        counts = [count(path) for path in files_of(build, folder, csm)]
        image = os.path.getsize(os.path.join(build, folder, "rmm.img"))
        result[name] = sections(os.path.join(build, folder, "rmm.elf"))
        result[name] |= {"image": image, "lines": sum(lines for lines, _ in counts),
                         "code": sum(code for _, code in counts), "files": len(counts)}
    return result


def show(result: dict[str, dict[str, int]]) -> None:
    print(f"{'growth by CSM':16} {'without':>10} {'with':>10} {'more':>8} {'percent':>8}")
    for kind in KINDS:
        before, after = result["without"][kind], result["with"][kind]
        print(f"{kind:16} {before:10} {after:10} {after - before:8} "
              f"{100 * (after - before) / before:8.1f}")
