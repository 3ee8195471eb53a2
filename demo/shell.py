#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A terminal on the host of the emulated machine, with two realms: make shell. Runs inside the
environment.

The machine boots at each start. It ends with the shell on its host, with Ctrl-A x, and with this
program.
"""

import argparse
import contextlib
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import time
import tty

sys.dont_write_bytecode = True
TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tests", "lib"))
import devicetree  # noqa: E402
import emulator  # noqa: E402
import host  # noqa: E402
import paths  # noqa: E402
from steps import Steps, plain  # noqa: E402
from tap import Failure  # noqa: E402

IMAGES = os.path.join(paths.BUILD, "demo")
ESCAPE = b"\x01"  # Ctrl-A
READY = b"SHELL: ready"
# For what hangs; a busy computer takes several minutes.
BOOT_SECONDS, START_SECONDS = 1800, 300


class Machine:
    """The emulated machine: its serial port and monitor are sockets in a folder of its own."""

    def __init__(self, realms, kernel):
        self.folder = tempfile.mkdtemp(prefix="caec-shell-")
        self.process = None
        self.console = None
        self.seen = b""
        line = host.COMMAND_LINE.replace("loglevel=5", "loglevel=4 quiet")
        line += " realms" if realms else ""
        self.initrd = os.path.join(IMAGES, "shell.cpio")
        self.flash = os.path.join(IMAGES, "flash.bin")
        self.kernel = kernel
        end = host.INITRD_AT + os.path.getsize(self.initrd)
        words = emulator.command(host.CPUS)
        tree = devicetree.make(os.path.join(self.folder, "host.dtb"), words, emulator.MACHINE, (
            ("/chosen", "bootargs", "s", [line]),
            ("/chosen", "linux,initrd-start", "x", ["0", f"{host.INITRD_AT:x}"]),
            ("/chosen", "linux,initrd-end", "x", ["0", f"{end:x}"])))
        self.words = [*words, "-monitor", "none", "-no-reboot", "-bios", self.flash, "-dtb", tree,
                      "-fsdev", f"local,id=checkout,path={TOP},security_model=none,"
                      "multidevs=remap",
                      "-device", "virtio-9p-device,fsdev=checkout,mount_tag=checkout"]
        for path, at in ((kernel, host.KERNEL_AT), (self.initrd, host.INITRD_AT)):
            self.words += ["-device", f"loader,file={path},addr={at:#x},force-raw=on"]

    def start(self):
        """Power on."""
        port = os.path.join(self.folder, "console")
        words = [*self.words, "-serial", f"unix:{port},server=on,wait=off"]
        self.seen = b""
        self.errors = open(paths.log("shell-qemu"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *words],
                                        stdin=subprocess.DEVNULL, stdout=self.errors,
                                        stderr=self.errors)
        self.console = socket.socket(socket.AF_UNIX)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.console.connect(port)
                return
            except (FileNotFoundError, ConnectionRefusedError):
                self.check(deadline, "the emulator's start")
                time.sleep(0.02)

    def check(self, deadline, what):
        """Raises Failure when the machine has ended, or the time is over."""
        if self.process.poll() is not None:
            self.errors.seek(0)
            said = self.errors.read().strip() or plain(self.seen.decode("utf-8", "replace"))[-300:]
            raise Failure(f"{what}: the machine has ended: {said}")
        if time.monotonic() > deadline:
            raise Failure(f"{what}: not in time; last: "
                          + plain(self.seen.decode("utf-8", "replace"))[-300:])

    def wait_ready(self, steps):
        """Reads the console until everything is ready; its last line is shown meanwhile."""
        deadline = time.monotonic() + BOOT_SECONDS
        while READY not in self.seen:
            if select.select([self.console], [], [], 1)[0]:
                self.seen += self.console.recv(4096)
                lines = self.seen.decode("utf-8", "replace").replace("\r", "").split("\n")
                steps.doing = plain(lines[-2 if len(lines) > 1 else -1])[-70:].removeprefix(
                    "SHELL: ")
            self.check(deadline, "the boot")
        for line in self.seen.decode("utf-8", "replace").splitlines():
            if line.startswith("SHELL: ") and ("not" in line or "ended" in line):
                raise Failure(plain(line))

    def send(self, data):
        """To the console."""
        self.console.sendall(data)

    def end(self):
        """The machine, and its folder."""
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()
        if self.console:
            self.console.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def boot(machine, steps):
    """Power on, until host and realms are ready."""
    def power_on():
        machine.start()
        machine.wait_ready(steps)

    steps.run("the machine boots", power_on)


def pass_keys(machine, data, escaped):
    """What was typed, without Ctrl-A x. (the machine ends, a Ctrl-A waits for its key)."""
    out = b""
    for byte in (data[i:i + 1] for i in range(len(data))):
        if escaped and byte == b"x":
            return True, False
        if not escaped and byte == ESCAPE:
            escaped = True
            continue
        out += byte
        escaped = False
    machine.send(out)
    return False, escaped


def converse(machine):
    """The terminal is the console's until the machine ends."""
    escaped = ends = False
    inputs = [machine.console, sys.stdin.fileno()]
    while not ends:
        for ready in select.select(inputs, [], [])[0]:
            if ready is machine.console:
                try:
                    data = machine.console.recv(4096)
                except ConnectionResetError:
                    data = b""
                ends = not data
                os.write(sys.stdout.fileno(), data)
            else:
                data = os.read(ready, 1024)
                if data:
                    ends, escaped = pass_keys(machine, data, escaped)
                else:
                    inputs.remove(ready)


@contextlib.contextmanager
def raw_terminal():
    """Keys as they are typed, for this time."""
    if not sys.stdin.isatty():
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    tty.setraw(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def stop(*_):
    """A signal ends the machine too."""
    sys.exit(143)


def main():
    """Arguments; boot; terminal."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--host", action="store_true", help="without realms")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGHUP, stop)
    steps = Steps("shell", None)
    machine = Machine(not args.host, paths.kernel())
    try:
        boot(machine, steps)
        size = shutil.get_terminal_size()
        machine.send(f"go {size.lines} {size.columns}\n".encode())
        with raw_terminal():
            converse(machine)
    except Failure as failure:
        print(f"shell: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        machine.end()
    print("shell: the machine has ended")
    return 0


if __name__ == "__main__":
    sys.exit(main())
