# SPDX-License-Identifier: BSD-3-Clause
"""One QEMU machine with RME: start it, read its console line by line, ask where its CPUs are."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
import emulator  # noqa: E402
from console import Console  # noqa: E402
from emulator import CPU, MEMORY_MIB  # noqa: E402

HOST_PREFIX = "opt/caec/"
QMP_SECONDS = 60


class Machine(Console):
    """Lines of the console arrive in order through line(); times are seconds since power-on."""

    def __init__(self, flash, cpus, words, log, gdb_port=None, extra=(), mebibytes=MEMORY_MIB,
                 cpu=CPU, mark=None, outlives=False):
        folder = tempfile.mkdtemp(prefix="caec-")
        self.monitor = os.path.join(folder, "qmp")
        command = [*emulator.command(cpus, mebibytes, cpu), *emulator.serial(flash),
                   "-qmp", f"unix:{self.monitor},server=on,wait=off"]
        for name, value in {"ram-mib": mebibytes, **words}.items():
            command += ["-fw_cfg", f"name={HOST_PREFIX}{name},string={value}"]
        if gdb_port:
            command += ["-S", "-gdb", f"tcp:127.0.0.1:{gdb_port}"]
        self.mark = mark
        self.used = None  # seconds of CPU time until a line with the mark came
        super().__init__([*command, *extra], log, outlives=outlives, folder=folder)

    def _cpu_seconds(self):
        """CPU time of all threads of QEMU."""
        try:
            with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            return float("inf")
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def received(self, text: str) -> Iterable[str]:
        """Takes the CPU time of the line with the mark."""
        if self.used is None and self.mark and self.mark.search(text):
            self.used = self._cpu_seconds()
        return (text,)

    def registers(self):
        """QEMU's "info registers -a", or "" if its monitor does not answer."""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(QMP_SECONDS)
                connection.connect(self.monitor)
                stream = connection.makefile("rw")
                stream.readline()
                for call in ({"execute": "qmp_capabilities"}, {"execute": "stop"},
                             {"execute": "human-monitor-command",
                              "arguments": {"command-line": "info registers -a"}}):
                    stream.write(json.dumps(call) + "\n")
                    stream.flush()
                    answer = _answer(stream)
                return answer if isinstance(answer, str) else ""
        except (OSError, ValueError):
            return ""


def _answer(stream):
    while True:
        text = stream.readline()
        if not text:
            raise OSError("the monitor closed the connection")
        message = json.loads(text)
        if "return" in message:
            return message["return"]
        if "error" in message:
            raise ValueError(message["error"])


def places(registers, elfs):
    """One line per CPU of a register dump: exception level, PC and the function there."""
    symbols = sorted(symbol for elf in elfs if os.path.exists(elf) for symbol in _symbols(elf))
    found = []
    for number, text in re.findall(r"CPU#(\d+)(.*?)(?=CPU#|\Z)", registers, re.S):
        pc = re.search(r"PC=([0-9a-f]+)", text)
        level = re.search(r"PSTATE=\S+ \S+ (?:\S+ )?EL(\d)", text)
        if pc:
            found.append(f"CPU {number}: EL{level.group(1) if level else '?'} "
                         f"pc {pc.group(1)} {_name(symbols, int(pc.group(1), 16))}")
    return found


def _symbols(elf):
    for tool in ("aarch64-linux-gnu-nm", "nm"):
        if shutil.which(tool):
            listing = subprocess.run([tool, elf], capture_output=True, text=True, check=False)
            for row in listing.stdout.splitlines():
                fields = row.split()
                if len(fields) == 3 and fields[1] in "tT":
                    yield int(fields[0], 16), f"{fields[2]} ({os.path.basename(elf)})"
            return


def _name(symbols, pc):
    best = ""
    for address, name in symbols:
        if address > pc:
            break
        if pc - address < 0x10000:
            best = f"{name} +0x{pc - address:x}"
    return best
