# SPDX-License-Identifier: BSD-3-Clause
"""The emulated machine that all runners start: QEMU's virt board with RME.

tests/system adds kernel, initramfs and device tree of a Linux host, tests/target and bench the
words for the bare-metal host.
"""

QEMU = "qemu-system-aarch64"
MACHINE = "virt,virtualization=on,secure=on,gic-version=3,acpi=off"
CPU = "max,x-rme=on,sme=off,pauth-impdef=on"
MEMORY_MIB = 3072  # what TF-A's manifest says; a machine may have less


def command(cpus, mebibytes=MEMORY_MIB, cpu=CPU, machine=MACHINE):
    """The words of QEMU's command line for a machine without devices besides those of the board."""
    return [QEMU, "-M", machine, "-cpu", cpu, "-smp", str(cpus), "-m", f"{mebibytes}M",
            "-nic", "none", "-display", "none"]


def serial(flash):
    """More words: boots a flash image; console on standard input and output."""
    return ["-serial", "stdio", "-monitor", "none", "-no-reboot", "-bios", flash]
