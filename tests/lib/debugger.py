# SPDX-License-Identifier: BSD-3-Clause
"""The part of gdb's remote protocol that tests need: to look into a QEMU machine, and to damage it.
"""

import re
import socket
import time

SECONDS = 1800  # for one answer, and for a breakpoint to be reached, on a machine that is busy
X0, SP, PC, CPSR = 0, 31, 32, 33


def arguments(path: str) -> list[str]:
    """Words for QEMU: it waits for a Debugger on a socket at this path before it executes anything.
    """
    return ["-S", "-gdb", f"unix:{path},server=on,wait=off"]


def port_arguments(port: int) -> list[str]:
    """The same for a gdb that somebody starts by hand: on a TCP port of this computer."""
    return ["-S", "-gdb", f"tcp:127.0.0.1:{port}"]


class Debugger:
    """Stops the CPUs of a machine that was started with arguments(path). Its memory is read and
    written by physical address. Each method raises OSError if QEMU refuses or does not answer."""

    def __init__(self, path: str) -> None:
        self.socket = _connect(path)
        self.pending = b""
        self.thread: str | None = None  # the chosen CPU, as QEMU calls it
        self.numbers: dict[str, int] = {}  # of system registers, by name
        self._call("?")
        self._call("Qqemu.PhyMemMode:1")

    def close(self) -> None:
        """Ends the connection; the machine runs on."""
        self.socket.close()

    def stop_at(self, *addresses: int) -> None:
        """Lets all CPUs run until one is about to execute one of these; it is the chosen one."""
        if self.thread and self.register(PC) in addresses:
            self.step()  # or it would be there at once
        for address in addresses:
            self._call(f"Z0,{address:x},4")
        stopped = self._call("c")
        for address in addresses:
            self._call(f"z0,{address:x},4")
        self._choose(stopped)

    def step(self) -> None:
        """One instruction of the chosen CPU."""
        self._choose(self._call(f"vCont;s:{self.thread}"))

    def go(self) -> None:
        """Lets all CPUs run for good."""
        self._send("c")

    def register(self, number: int) -> int:
        """A register of the chosen CPU: 0 to 30 are x0 to x30, then SP, PC and CPSR."""
        return int.from_bytes(bytes.fromhex(self._call(f"p{number:x}")), "little")

    def set_register(self, number: int, value: int) -> None:
        """Changes a register of the chosen CPU."""
        size = 4 if number == CPSR else 8
        answer = self._call(f"P{number:x}={value.to_bytes(size, 'little').hex()}")
        if answer != "OK":
            raise OSError(f"register {number} cannot be set: {answer}")

    def system_register(self, name: str) -> int:
        """A system register of the chosen CPU, by its architectural name."""
        if not self.numbers:
            listing = self._features("system-registers.xml")
            self.numbers = {n: int(r) for n, r in
                            re.findall(r'<reg name="(\w+)"[^>]*regnum="(\d+)"', listing)}
        return self.register(self.numbers[name])

    def read(self, address: int, size: int) -> bytes:
        """So many bytes of physical memory."""
        data = b""
        while len(data) < size:
            part = min(size - len(data), 1024)
            data += bytes.fromhex(self._call(f"m{address + len(data):x},{part:x}"))
        return data

    def write(self, address: int, data: bytes) -> None:
        """Changes physical memory."""
        answer = self._call(f"M{address:x},{len(data):x}:{data.hex()}")
        if answer != "OK":
            raise OSError(f"memory at {address:x} cannot be written: {answer}")

    def _choose(self, stopped: str) -> None:
        """The CPU that an answer names is meant from now on."""
        match = re.match(r"T[0-9a-f]{2}.*?thread:([^;]+);", stopped)
        if not match:
            raise OSError(f"the machine did not stop: {stopped}")
        self.thread = match[1]
        self._call(f"Hg{self.thread}")

    def _features(self, name: str) -> str:
        """A description of the machine's registers, in XML."""
        text = ""
        while True:
            part = self._call(f"qXfer:features:read:{name}:{len(text):x},7f0")
            text += part[1:]
            if part[:1] != "m":
                return text

    def _send(self, text: str) -> None:
        data = text.encode()
        self.socket.sendall(b"$" + data + b"#%02x" % (sum(data) % 256))

    def _call(self, text: str) -> str:
        """The answer to a packet; outputs of the console that may come before it are left out."""
        self._send(text)
        while True:
            while not (match := re.search(rb"\$([^#]*)#..", self.pending)):
                more = self.socket.recv(65536)
                if not more:
                    raise OSError("QEMU closed the connection")
                self.pending += more
            self.pending = self.pending[match.end():]
            self.socket.sendall(b"+")
            return _unescaped(match[1]).decode("latin-1")


def _connect(path: str) -> socket.socket:
    until = time.monotonic() + SECONDS
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(SECONDS)
    while True:
        try:
            connection.connect(path)
            return connection
        except OSError:  # QEMU has not got that far
            if time.monotonic() > until:
                raise
            time.sleep(0.01)


def _unescaped(data: bytes) -> bytes:
    return re.sub(rb"\}(.)", lambda match: bytes([match[1][0] ^ 0x20]), data, flags=re.S)
