# SPDX-License-Identifier: BSD-3-Clause
"""The emulated machine with the bare-metal host (tests/payload/host) in its normal world."""

import os
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from typing import TextIO

import emulator
import monitor
from console import Console

WORD_PREFIX = "opt/caec/"  # of what the host reads by fw_cfg: tests/payload/host


class Machine(Console):
    """Power-on when it is made; the host runs its tests and powers off."""

    def __init__(self, flash: str, cpus: int, words: Mapping[str, object], log: TextIO, *,
                 mebibytes: int = emulator.MEMORY_MIB, cpu: str = emulator.CPU,
                 extra: Sequence[str] = (), mark: re.Pattern[str] | None = None,
                 outlives: bool = False) -> None:
        """flash: path of the image. words: what the host is told, by name. extra: more words for
        QEMU. outlives: as of Console.

        mark: of the first line that matches, `used` is the CPU time.
        """
        folder = tempfile.mkdtemp(prefix="caec-")
        self.monitor = os.path.join(folder, "qmp")  # path of its socket
        self.mark = mark
        self.used: float | None = None  # seconds of CPU time of QEMU until the mark came
        command = [*emulator.command(cpus, mebibytes, cpu), *emulator.serial(flash),
                   *monitor.arguments(self.monitor)]
        for name, value in {"ram-mib": mebibytes, **words}.items():
            text = str(value).replace(",", ",,")  # a single one would end the value
            command += ["-fw_cfg", f"name={WORD_PREFIX}{name},string={text}"]
        super().__init__([*command, *extra], log, outlives=outlives, folder=folder)

    def _cpu_seconds(self) -> float:
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
