# SPDX-License-Identifier: BSD-3-Clause
"""The emulated machine that all runners start: QEMU's virt board with RME.

host.py adds kernel, initramfs and device tree of a Linux host, baremetal.py the words for the
bare-metal host.
"""

from collections.abc import Sequence

QEMU = "qemu-system-aarch64"
MACHINE = "virt,virtualization=on,secure=on,gic-version=3,acpi=off"
CPU = "max,x-rme=on,sme=off,pauth-impdef=on"
# A machine without realms and without EL2, for what needs neither.
PLAIN_MACHINE = "virt,gic-version=3,acpi=off"
PLAIN_CPU = "max,sme=off,pauth-impdef=on"
MEMORY_MIB = 3072  # what TF-A's manifest says; a machine may have less


def command(cpus: int, mebibytes: int = MEMORY_MIB, cpu: str = CPU,
            machine: str = MACHINE) -> list[str]:
    """The words of QEMU's command line for a machine without devices besides those of the board."""
    return [QEMU, "-M", machine, "-cpu", cpu, "-smp", str(cpus), "-m", f"{mebibytes}M",
            "-nic", "none", "-display", "none"]


def serial(flash: str | None = None) -> list[str]:
    """More words: console on standard input and output; boots a flash image, if there is one."""
    return ["-serial", "stdio", "-monitor", "none", "-no-reboot",
            *(["-bios", flash] if flash else [])]


def stated(words: Sequence[str]) -> dict[str, str]:
    """Machine and CPU as a command line states them, for reports. The last of several counts."""
    pairs = dict(zip(words, words[1:]))
    return {"machine": pairs["-M"], "cpu": pairs["-cpu"]}
