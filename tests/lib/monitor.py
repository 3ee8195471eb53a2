# SPDX-License-Identifier: BSD-3-Clause
"""QEMU's monitor, by its machine protocol (QMP) on a socket."""

import json
import socket

SECONDS = 60  # for one answer


def arguments(path: str) -> list[str]:
    """Words for QEMU: its monitor listens on a socket at this path."""
    return ["-qmp", f"unix:{path},server=on,wait=off"]


class Monitor:
    """A connection, to be used as a context. QEMU takes one at a time."""

    def __init__(self, path: str) -> None:
        """Raises OSError if QEMU does not listen there or does not answer."""
        self.socket = socket.socket(socket.AF_UNIX)
        try:
            self.socket.settimeout(SECONDS)
            self.socket.connect(path)
            self.stream = self.socket.makefile("rw", encoding="utf-8")
            self.stream.readline()  # QEMU's greeting
            self.ask("qmp_capabilities")
        except BaseException:
            self.socket.close()
            raise

    def __enter__(self) -> "Monitor":
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()
        self.socket.close()

    def ask(self, command: str, **arguments: object) -> object:
        """What a command returns. Events that come before the answer are left out.

        Raises ValueError if QEMU refuses the command, OSError if it does not answer in time.
        """
        call = {"execute": command} | ({"arguments": arguments} if arguments else {})
        self.stream.write(json.dumps(call) + "\n")
        self.stream.flush()
        while True:
            text = self.stream.readline()
            if not text:
                raise OSError("QEMU closed the connection of its monitor")
            message = json.loads(text)
            if "return" in message:
                return message["return"]
            if "error" in message:
                raise ValueError(f"{command}: {message['error']}")

    def registers(self) -> str:
        """Stops the machine; the text of "info registers -a": the registers of all CPUs."""
        self.ask("stop")
        return str(self.ask("human-monitor-command", **{"command-line": "info registers -a"}))


def registers(path: str) -> str:
    """The same of a machine whose monitor may not answer: then the text is empty."""
    try:
        with Monitor(path) as monitor:
            return monitor.registers()
    except (OSError, ValueError):
        return ""
