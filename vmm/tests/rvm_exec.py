# SPDX-License-Identifier: BSD-3-Clause
"""rvm exec with the real agent, on a port that behaves as that of Linux (fake_port.c)."""

import contextlib
import os
import socket
import struct
import subprocess
import time
import zlib

from place import HANGS, SOON, ends, expect, pattern, test

@contextlib.contextmanager
def agent(place, act="exec"):
    """A realm with an agent."""
    process = place.start("one", act, "--console", "none")
    place.runs("one")
    yield process
    place.rvm("stop", "one")
    ends(process, SOON, "stop")


def sh(place, text, *options, **how):
    """A shell command in it: status, output, error output."""
    done = subprocess.run([place.program, "exec", "one", *options, "sh", "-c", text],
                          env=place.env, timeout=HANGS, check=False, capture_output=True, **how)
    return done.returncode, done.stdout, done.stderr


@test("exec: output, error output and status are the command's, whatever bytes they are")
def _(place):
    with agent(place):
        expect(sh(place, "echo out; echo err >&2; exit 7") == (7, b"out\n", b"err\n"), "words")
        every = bytes(range(256)) * 16
        name = place.write("every", every)
        expect(sh(place, f"cat {name}") == (0, every, b""), "bytes")
        expect(sh(place, "kill -9 $$")[0] == 128 + 9, "a signal")
        expect(sh(place, "cat")[0] == 0, "standard input is not empty")
        status, _, text, _ = place.rvm("exec", "one", "no-such-program", "x")
        expect(status == 127 and "no-such-program" in text, (status, text))
        status, text, _, _ = place.rvm("exec", "one", "printf", "%s|", "a b", "", "c'd")
        expect((status, text) == (0, "a b||c'd|"), text)


@test("exec: 1 MB of output comes whole, also to a slow reader")
def _(place):
    with agent(place):
        name = place.write("big", pattern(1 << 20))
        expect(sh(place, f"cat {name}") == (0, pattern(1 << 20), b""), "quick")
        client = subprocess.Popen([place.program, "exec", "one", "cat", name], env=place.env,
                                  stdout=subprocess.PIPE)
        time.sleep(1)
        out, _ = client.communicate(timeout=HANGS)
        expect(out == pattern(1 << 20) and client.returncode == 0, len(out))


@test("exec: a client that is killed leaves nothing to the next, and its command ends")
def _(place):
    with agent(place):
        for number in range(10):
            client = subprocess.Popen(
                [place.program, "exec", "one", "sh", "-c",
                 f"echo $$ >{place.path('pid')}; while :; do echo old {number}; done"],
                env=place.env, stdout=subprocess.PIPE)
            client.stdout.read(1000 * (number + 1))
            client.kill()
            client.wait()
            client.stdout.close()
            expect(sh(place, f"echo new {number}") == (0, f"new {number}\n".encode(), b""),
                   f"round {number}")
            with open(place.path("pid"), encoding="ascii") as file:
                pid = int(file.read())
            place.until(lambda pid=pid: not os.path.exists(f"/proc/{pid}") or " Z" in open(
                f"/proc/{pid}/stat", encoding="ascii").read(), "the old command ends")


@test("exec: half a request and noise before it are no harm")
def _(place):
    with agent(place):
        for noise in (b"\xc0\x01half of a frame", b"\xff" * 70000, b"\xc0\xdb", b"\xc0" * 100):
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(os.path.join(place.run_dir, "one.exec"))
                client.settimeout(HANGS)
                client.sendall(noise)
            expect(sh(place, "echo fine") == (0, b"fine\n", b""), noise[:10])


def frame(kind, number, data):
    """As exec/frame.h says."""
    body = struct.pack("<BQ", kind, number) + data
    body += struct.pack("<I", zlib.crc32(body))
    return b"\xc0" + body.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc") + b"\xc0"


def exec_socket(place, stack):
    """A client of its own making."""
    client = stack.enter_context(socket.socket(socket.AF_UNIX))
    client.connect(os.path.join(place.run_dir, "one.exec"))
    client.settimeout(HANGS)
    return client


def gone(pid):
    """A process has ended."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return " Z" in file.read()
    except FileNotFoundError:
        return True


@test("exec: a command that was not begun in time, or whose client was killed, is never begun")
def _(place):
    with agent(place):
        go = place.path("go")
        first = subprocess.Popen(
            [place.program, "exec", "one", "sh", "-c",
             f"echo begun; until [ -e {go} ]; do sleep 0.1; done"],
            env=place.env, stdout=subprocess.PIPE)
        first.stdout.read(6)
        late = subprocess.Popen([place.program, "exec", "one", "touch", place.path("killed")],
                                env=place.env)
        status, _, text = sh(place, f"touch {place.path('late')}", "--timeout", "1")
        expect(status == 124 and b"not even begun" in text, (status, text))
        late.kill()
        late.wait()
        place.write("go", b"")
        first.communicate(timeout=HANGS)
        expect(sh(place, "echo next") == (0, b"next\n", b""), "next")
        for name in ("late", "killed"):
            expect(not os.path.exists(place.path(name)), f"{name}: begun")


@test("exec: more clients than can wait are told to try again")
def _(place):
    with agent(place), contextlib.ExitStack() as stack:
        refusals = 0  # one after the other: the first client is taken out of the queue at some time
        while refusals < 20:
            client = stack.enter_context(socket.socket(socket.AF_UNIX))
            client.setblocking(False)
            try:
                client.connect(os.path.join(place.run_dir, "one.exec"))
                refusals = 0
            except BlockingIOError:
                refusals += 1
                time.sleep(0.1)
        status, _, text, _ = place.rvm("exec", "one", "true")
        expect(status == 125 and "try again" in text and "kill" not in text, (status, text))


@test("exec: a request that the agent refuses does not change the status of the next")
def _(place):
    with agent(place), contextlib.ExitStack() as stack:
        client = exec_socket(place, stack)
        client.sendall(frame(1, 1, b"no zero byte") + frame(1, 2, b"sh\0-c\0exit 7\0"))
        want, said = frame(6, 2, struct.pack("<I", 7)), b""
        while want not in said:
            got = client.recv(4096)
            said += got
            expect(got and frame(6, 2, struct.pack("<I", 126)) not in said, said)
    with agent(place):
        status, _, text, _ = place.rvm("exec", "one", "echo", *["x"] * 2000)
        expect(status == 126 and "more than 1024 words" in text, (status, text))


@test("exec: a command that is stopped at once has no time to do anything")
def _(place):
    with agent(place), contextlib.ExitStack() as stack:
        client = exec_socket(place, stack)
        mark = place.path("mark")
        for number in range(20):
            command = f"sh\0-c\0sleep 1; echo {number} >>{mark}\0".encode()
            client.sendall(frame(1, number, command) + frame(2, number, b""))
        client.close()
        expect(sh(place, "sleep 2")[0] == 0, "sleep")
        expect(not os.path.exists(mark), "it went on")


@test("exec: the command of a client that is gone ends, without a new request")
def _(place):
    with agent(place):
        client = subprocess.Popen(
            [place.program, "exec", "one", "sh", "-c", "echo $$; exec sleep 600"],
            env=place.env, stdout=subprocess.PIPE)
        pid = int(client.stdout.readline())
        expect(not gone(pid), "it has ended by itself")
        client.kill()
        client.wait()
        client.stdout.close()
        place.until(lambda: gone(pid), "the command ends")


@test("exec: a realm hears late that the last client has gone: the next one's command goes on")
def _(place):
    with agent(place, "exec 1"):
        for number in range(5):
            status, out, text = sh(place, f"sleep 0.5; echo {number}", "--timeout", "20")
            expect((status, out) == (0, f"{number}\n".encode()), (number, status, out, text))


@test("exec: 60 commands one right after the other, a third of the clients killed")
def _(place):
    with agent(place):
        for number in range(60):
            if number % 3 == 0:
                client = subprocess.Popen([place.program, "exec", "one", "echo", "old"],
                                          env=place.env, stdout=subprocess.DEVNULL)
                time.sleep(0.004 * (number % 10))
                client.kill()
                client.wait()
            status, out, text = sh(place, f"echo {number}", "--timeout", "20")
            expect((status, out) == (0, f"{number}\n".encode()), (number, status, out, text))


@test("exec: --timeout ends the command; who comes second waits; what is left behind stays")
def _(place):
    with agent(place):
        status, out, text = sh(place, "echo begun; sleep 600", "--timeout", "1")
        expect((status, out) == (124, b"begun\n") and b"killed" in text, (status, out, text))
        first = subprocess.Popen([place.program, "exec", "one", "sh", "-c", "sleep 1; echo first"],
                                 env=place.env, stdout=subprocess.PIPE)
        time.sleep(0.3)
        expect(sh(place, "echo second") == (0, b"second\n", b""), "second")
        expect(first.communicate(timeout=HANGS)[0] == b"first\n", "first")
        status, out, _ = sh(place, "(sleep 30; echo late) & echo early")
        expect((status, out) == (0, b"early\n"), (status, out))


def has_socket(pid):
    """A process has made a socket."""
    with contextlib.suppress(OSError):
        return any(os.readlink(f"/proc/{pid}/fd/{fd}").startswith("socket:")
                   for fd in os.listdir(f"/proc/{pid}/fd"))
    return False


@test("exec: without an agent, a realm or a command it says so")
def _(place):
    status, _, text, _ = place.rvm("exec", "nobody", "true")
    expect(status == 125 and "no realm called nobody" in text, (status, text))
    expect(place.rvm("exec", "one")[0] == 125, "no command")
    expect(place.rvm("exec", "one", "--timeout", "x", "true")[0] == 125, "a bad limit")
    process = place.start("one", "idle")
    place.runs("one")
    status, _, text, _ = place.rvm("exec", "one", "--timeout", "1", "true")
    expect(status == 124 and "not even begun" in text, (status, text))
    client = subprocess.Popen([place.program, "exec", "one", "true"], env=place.env,
                              stderr=subprocess.PIPE)
    place.until(lambda: has_socket(client.pid), "the client connects")
    time.sleep(0.5)
    process.terminate()
    text = client.communicate(timeout=HANGS)[1]
    expect(client.returncode == 125 and b"ended" in text, (client.returncode, text))
    ends(process, SOON, "SIGTERM")


@test("exec: output on a full disk is no success")
def _(place):
    with agent(place):
        with open("/dev/full", "wb") as full:
            status, _, text, _ = place.rvm("exec", "one", "echo", "lost", capture_output=False,
                                           stdout=full, stderr=subprocess.PIPE)
        expect(status == 125 and "No space left" in text, (status, text))
