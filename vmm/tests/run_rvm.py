#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""rvm as its user meets it, on a machine without realms.

run_rvm.py PROGRAM [WORDS]: the tests whose names have the words. PROGRAM is rvm with fake_realm.c
in place of realm.c. Prints TAP.
"""

import contextlib
import json
import os
import pty
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time
import traceback
import zlib

HANGS = 60  # seconds: what has not happened by then never will
GIVES_UP = 10  # seconds that rvm gives threads that hang, when it ends
SOON = 8  # an end of rvm whatever is in the way: its own limits are 1 and 3 s
TESTS = []


def test(name):
    """A function that raises when something is wrong."""
    def add(function):
        TESTS.append((name, function))
        return function
    return add


def expect(condition, what):
    """A check inside a test."""
    if not condition:
        raise AssertionError(what)


class Place:
    """A run directory, files to boot, and the processes that were started."""

    def __init__(self, program):
        self.program = program
        self.dir = tempfile.mkdtemp(prefix="rvm-test-")
        self.run_dir = os.path.join(self.dir, "run")
        self.env = dict(os.environ, CAEC_RUN_DIR=self.run_dir)
        self.started = []
        header = bytearray(0x3000)
        header[8:24] = struct.pack("<QQ", 0, len(header))
        header[24:32] = struct.pack("<Q", 0xa)
        header[56:60] = b"ARM\x64"
        self.write("Image", bytes(header))
        self.write("disk", bytes(1 << 20))

    def path(self, name):
        """In the place."""
        return os.path.join(self.dir, name)

    def write(self, name, data):
        """A file."""
        with open(self.path(name), "wb") as file:
            file.write(data)
        return self.path(name)

    def start(self, name, act, *options, **how):
        """rvm run in the background."""
        how = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
               **how}
        process = subprocess.Popen(
            [self.program, "run", "--name", name, "--kernel", self.path("Image"), "--mem", "16m",
             "--cmdline", act, *options], env=self.env, start_new_session=True, **how)
        self.started.append(process)
        return process

    def rvm(self, *words, seconds=HANGS, **how):
        """A command; (status, output, messages, seconds)."""
        begun = time.monotonic()
        done = subprocess.run([self.program, *words], env=self.env, timeout=seconds, check=False,
                              **{"capture_output": True, "stdin": subprocess.DEVNULL, **how})
        return (done.returncode, (done.stdout or b"").decode(), (done.stderr or b"").decode(),
                time.monotonic() - begun)

    def until(self, condition, what):
        """Waits for it."""
        end = time.monotonic() + HANGS
        while not condition():
            expect(time.monotonic() < end, f"never: {what}")
            time.sleep(0.02)

    def runs(self, name, state="runs"):
        """Waits until rvm list says so."""
        def look():
            text = self.rvm("list", "--json")[1]
            return any(r["name"] == name and r["state"] == state for r in json.loads(text))
        self.until(look, f"{name} {state}")

    def clean(self):
        """No socket is left."""
        left = os.listdir(self.run_dir) if os.path.isdir(self.run_dir) else []
        expect(left == [], f"left behind: {left}")

    def close(self):
        """Ends what a failed test has left."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.wait()
            for stream in (process.stdout, process.stderr):
                if stream:
                    stream.close()
        shutil.rmtree(self.dir)


def ends(process, seconds, what):
    """The status of a process that must end soon."""
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"{what}: still there after {seconds} s") from None


def pattern(size):
    """What fake_realm.c writes."""
    return "".join(f"{i:07}\n" for i in range(size // 8 + 1))[:size].encode()


def hog_disk():
    """For hog in fake_realm.c: sector k, read over the ring, makes the requests up to the next lap.

    Header (read, sector k + 1), flags and index of the available ring, its first entries.
    """
    return b"".join(
        struct.pack("<IIQHH", 0, 0, (lap + 1) % 256, 0, (256 * lap + 257) % 65536)
        + struct.pack("<246H", 0, *[4] * 245) for lap in range(256))


# ----------------------------------------------------------------------- ends


@test("a realm that powers off: its last words, status 0, no socket left")
def _(place):
    out, err = place.start("a", "off").communicate(timeout=HANGS)
    expect(out == b"bye\n" and b"powered off" in err, (out, err))
    place.clean()


@test("2 MB of console output through a pipe come whole")
def _(place):
    out, _ = place.start("a", "write 2097161").communicate(timeout=HANGS)
    expect(out == pattern(2097161), f"{len(out)} bytes")


@test("a realm that keeps its disk busy for ever: list, stop and SIGTERM work")
def _(place):
    place.write("disk", hog_disk())
    for how in ("stop", signal.SIGTERM, signal.SIGINT):
        process = place.start("hog", "hog", "--cpus", "2", "--disk", place.path("disk"))
        place.runs("hog")
        time.sleep(0.5)
        for _ in range(7):
            status, text, _, took = place.rvm("list")
            expect(status == 0 and "hog" in text and took < SOON, (status, text, took))
        if how == "stop":
            status, _, text, took = place.rvm("stop", "hog")
            expect(status == 0 and took < SOON, (status, text, took))
        else:
            process.send_signal(how)
        expect(ends(process, SOON, f"after {how}") == 0, process.returncode)
        place.clean()


@test("standard output is a pipe that nobody reads: list and stop work, rvm ends")
def _(place):
    reader, writer = os.pipe()
    process = place.start("full", "flood 400000", stdout=writer)
    place.runs("full")
    time.sleep(0.5)
    expect("full" in place.rvm("list")[1], "list")
    expect(place.rvm("stop", "full")[0] == 0, "stop")
    expect(ends(process, SOON, "stop") == 0, process.returncode)
    os.close(reader)
    os.close(writer)
    place.clean()


@test("standard output and error are a terminal that nobody reads: it is restored, and rvm ends")
def _(place):
    for numbers in ((signal.SIGTERM,), (signal.SIGTERM, signal.SIGHUP)):
        master, slave = pty.openpty()
        process = place.start("tty", "flood 400000", stdin=slave, stdout=slave, stderr=slave)
        place.until(lambda: not termios.tcgetattr(slave)[3] & termios.ECHO, "raw mode")
        time.sleep(0.5)
        status, text, _, took = place.rvm("list")
        expect(status == 0 and "tty" in text and took < SOON, (text, took))
        for number in numbers:
            process.send_signal(number)
        ends(process, SOON, "signals")
        expect(process.returncode >= 0, f"killed by {-process.returncode}")
        mode = termios.tcgetattr(slave)[3]
        expect(mode & termios.ECHO and mode & termios.ICANON, "the terminal stays raw")
        os.close(master)
        os.close(slave)
        place.clean()


@test("two signals at once: an orderly end")
def _(place):
    for pair in ((signal.SIGTERM, signal.SIGHUP), (signal.SIGHUP, signal.SIGTERM),
                 (signal.SIGINT, signal.SIGTERM), (signal.SIGTERM, signal.SIGTERM)):
        process = place.start("pair", "idle")
        place.runs("pair")
        for number in pair:
            process.send_signal(number)
        expect(ends(process, SOON, pair) == 0, f"{pair}: status {process.returncode}")
        place.clean()


@test("while a realm is built: list shows it, stop and signals end it, no socket is left")
def _(place):
    for how in ("stop", signal.SIGTERM):
        process = place.start("slow", "slow 600")
        place.runs("slow", "is built")
        if how == "stop":
            expect(place.rvm("stop", "slow")[0] == 0, "stop")
        else:
            process.send_signal(how)
        expect(ends(process, SOON, how) == 0, process.returncode)
        place.clean()


@test("a disk that hangs: list and signals work, and rvm ends without it")
def _(place):
    master, slave = pty.openpty()
    process = place.start("hung", "hang", "--disk", place.path("disk"), stdin=slave, stdout=slave)
    place.until(lambda: not termios.tcgetattr(slave)[3] & termios.ECHO, "raw mode")
    place.runs("hung")
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    place.runs("hung", "ends")
    process.send_signal(signal.SIGINT)
    expect(place.rvm("stop", "hung")[0] == 0, "stop")
    ends(process, GIVES_UP + SOON, "signals")
    text = process.stderr.read()
    expect(process.returncode == 1 and b"does not answer" in text, (process.returncode, text))
    mode = termios.tcgetattr(slave)[3]
    expect(mode & termios.ECHO and mode & termios.ICANON, "the terminal stays raw")
    os.close(master)
    os.close(slave)
    place.clean()


@test("input that comes after the end: the realm's memory is left alone")
def _(place):
    place.write("disk", hog_disk())
    process = place.start("late", "late", "--disk", place.path("disk"), stdin=subprocess.PIPE)
    process.stdin.write(b"x")
    process.stdin.flush()
    place.runs("late")
    time.sleep(0.5)
    expect(place.rvm("stop", "late")[0] == 0, "stop")
    ends(process, SOON, "stop")
    process.stdin.close()
    expect(process.returncode == 0, (process.returncode, process.stderr.read()[-2000:]))


# ----------------------------------------------------------------- names, sockets


@test("a run directory in which everybody can write is refused")
def _(place):
    process = place.start("one", "idle")
    place.runs("one")
    os.chmod(place.run_dir, 0o777)
    for words in (("list",), ("stop", "one"), ("control", "one"), ("exec", "one", "true")):
        status, out, text, _ = place.rvm(*words)
        expect(status != 0 and "everybody can write" in text and "one" not in out, (words, text))
    _, text = place.start("two", "off").communicate(timeout=HANGS)
    expect(b"everybody can write" in text, text)
    os.chmod(place.run_dir, 0o700)
    expect(place.rvm("stop", "one")[0] == 0, "stop")
    ends(process, SOON, "stop")


@test("clients that never ask do not keep others waiting")
def _(place):
    process = place.start("busy", "idle")
    place.runs("busy")
    with contextlib.ExitStack() as stack:
        for _ in range(4):
            client = stack.enter_context(socket.socket(socket.AF_UNIX))
            client.connect(os.path.join(place.run_dir, "busy.sock"))
        # They hold all places: they are sent away in time for the one that waits.
        status, _, text, took = place.rvm("stop", "busy")
        expect(status == 0, (status, text, took))
    ends(process, SOON, "stop")


@test("a realm whose rvm does not answer: list and stop say so, its name is not free")
def _(place):
    process = place.start("stuck", "idle")
    place.runs("stuck")
    process.send_signal(signal.SIGSTOP)
    with contextlib.ExitStack() as stack:
        for _ in range(8):  # more than the queue of the socket holds
            client = stack.enter_context(socket.socket(socket.AF_UNIX))
            client.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                client.connect(os.path.join(place.run_dir, "stuck.sock"))
        status, text, _, took = place.rvm("list")
        expect(status == 0 and "stuck" in text and "does not answer" in text, (status, text))
        expect(took < 30, f"list took {took:.0f} s")
        status, _, text, _ = place.rvm("stop", "stuck")
        expect(status == 1 and "does not answer" in text, (status, text))
        out, err = place.start("stuck", "off").communicate(timeout=HANGS)
        expect(b"runs already" in err, (out, err))
    process.send_signal(signal.SIGCONT)
    process.terminate()
    ends(process, SOON, "SIGTERM")


@test("no realm of that name: stop and control say so")
def _(place):
    for command in ("stop", "control"):
        status, _, text, _ = place.rvm(command, "nobody")
        expect(status == 1 and "no realm called nobody" in text, (status, text))


@test("two that take one name at the same time: one of them runs")
def _(place):
    for number in range(20):
        both = [place.start("twin", "idle") for _ in range(2)]
        place.until(lambda pair=both: any(p.poll() is not None for p in pair), "one refuses")
        place.runs("twin")
        codes = [p.poll() for p in both]
        expect(codes.count(None) == 1, f"round {number}: {codes}")
        expect(place.rvm("stop", "twin")[0] == 0, "stop")
        for process in both:
            ends(process, SOON, "stop")
        place.clean()


@test("sockets of a process that was killed make way")
def _(place):
    process = place.start("dead", "idle")
    place.runs("dead")
    process.kill()
    process.wait()
    expect("dead" not in place.rvm("list")[1], "it is listed")
    out, _ = place.start("dead", "off").communicate(timeout=HANGS)
    expect(out == b"bye\n", out)
    place.clean()


@test("a run directory with a name too long for sockets is refused")
def _(place):
    place.env["CAEC_RUN_DIR"] = os.path.join(place.dir, "d" * (103 - len(place.dir)))
    process = place.start("realm", "off")
    _, err = process.communicate(timeout=HANGS)
    expect(process.returncode == 1 and b"CAEC_RUN_DIR" in err, err)
    expect(place.rvm("stop", "realm")[0] == 1, "stop")


# ------------------------------------------------------------------------- files


def refused(place, text, *options):
    """rvm run says that, and does not wait."""
    process = place.start("bad", "off", *options)
    _, err = process.communicate(timeout=HANGS)
    expect(process.returncode == 1 and text in err.decode(), (options, err))
    expect(b"built" not in err, f"{options}: only after the realm was built")
    place.clean()


@test("disks that are none are refused before the realm is built")
def _(place):
    os.mkfifo(place.path("fifo"))
    for name, size in (("empty", 0), ("small", 100)):
        place.write(name, bytes(size))
    for name, text in ((place.path("fifo"), "neither a regular file"), ("/dev/zero", "neither"),
                       (place.dir, "directory"), (place.path("empty"), "smaller than a sector"),
                       (place.path("small"), "smaller"), (place.path("none"), "No such file")):
        refused(place, text, "--disk", name)
        refused(place, text, "--disk", name + ",ro")
    refused(place, "No such", "--share", place.path("none"))


@test("a disk that ends within a sector: a warning with its size, and what the realm misses")
def _(place):
    for size, tail in ((1536, None), (1537, 1), (10000, 272)):
        process = place.start("odd", "off", "--disk", place.write("odd", bytes(size)), "--quiet")
        err = process.communicate(timeout=HANGS)[1].decode()
        expect(process.returncode == 0, err)
        said = "warning" in err
        expect(said == (tail is not None), f"{size} bytes: {err!r}")
        if said:
            expect(f"{size} bytes" in err and f"last {tail};" in err, err)


@test("a disk that a realm can write is nobody else's")
def _(place):
    disk = place.path("disk")

    def attempt(*disks):
        """Whether a realm with these disks runs to its end."""
        process = place.start("other", "off", *[w for d in disks for w in ("--disk", d)])
        out, text = process.communicate(timeout=HANGS)
        expect(out == b"bye\n" or b"built" not in text and b"another" in text, (out, text))
        return out == b"bye\n"

    first = place.start("first", "idle", "--disk", disk)
    place.runs("first")
    expect(not attempt(disk), "written by both")
    expect(not attempt(disk + ",ro"), "read while it is written")
    expect(place.rvm("stop", "first")[0] == 0, "stop")
    ends(first, SOON, "stop")
    expect(attempt(disk), "after the end of the first")
    expect(not attempt(disk, disk), "twice in one realm")
    first = place.start("first", "idle", "--disk", disk + ",ro")
    place.runs("first")
    expect(attempt(disk + ",ro", disk + ",ro"), "read by both")
    expect(not attempt(disk), "written while it is read")
    first.kill()
    first.wait()
    expect(attempt(disk), "after the first was killed")


@test("images that are none are refused with the reason")
def _(place):
    os.mkfifo(place.path("fifo"))
    place.write("empty", b"")
    for name, text in ((place.path("fifo"), "not a regular file"), (place.dir, "is a directory"),
                       (place.path("empty"), "is empty"), ("/dev/zero", "not a regular file")):
        refused(place, text, "--initrd", name)


@test("--console unix: leaves alone what is no socket, and a socket that is in use")
def _(place):
    notes = place.write("notes.txt", b"precious")
    refused(place, "no socket", "--console", "unix:" + notes)
    with open(notes, "rb") as file:
        expect(file.read() == b"precious", "the file has changed")
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(place.path("other"))
        other.listen()
        refused(place, "listens there", "--console", "unix:" + place.path("other"))
        expect(os.path.exists(place.path("other")), "the other's socket is gone")


@test("--console file: says that output is lost, and why")
def _(place):
    process = place.start("full", "write 100000", "--console", "file:/dev/full")
    _, err = process.communicate(timeout=HANGS)
    expect(b"No space left" in err and b"lost" in err, err)
    expect(process.returncode == 0, process.returncode)


@test("--console file: after somebody has emptied the file it goes on at its beginning")
def _(place):
    name = place.path("log")
    process = place.start("log", "flood 100000", "--console", "file:" + name)
    place.until(lambda: os.path.exists(name) and os.path.getsize(name) == 100000, "output")
    os.truncate(name, 0)
    with open(f"/proc/{process.pid}/fdinfo/" + next(
            fd for fd in os.listdir(f"/proc/{process.pid}/fd")
            if os.path.realpath(f"/proc/{process.pid}/fd/{fd}") == name),
              encoding="ascii") as file:
        flags = int(file.read().split("flags:")[1].split()[0], 8)
    expect(flags & os.O_APPEND, "not opened for appending")
    process.terminate()
    ends(process, SOON, "SIGTERM")


# ----------------------------------------------------------------------- control


@test("control: 2 MB in requests of 32 KiB arrive whole, also at a slow reader")
def _(place):
    for pause in (0, 1):
        process = place.start("one", "control 2097161", "--console", "none")
        place.runs("one")
        client = subprocess.Popen([place.program, "control", "one"], env=place.env,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        time.sleep(pause)
        out, _ = client.communicate(timeout=HANGS)
        expect(out == pattern(2097161), f"{len(out)} bytes")
        expect(client.returncode == 0, client.returncode)
        place.rvm("stop", "one")
        ends(process, SOON, "stop")


@test("list, control and --help on a full disk do not report success")
def _(place):
    process = place.start("one", "control 100000", "--console", "none")
    place.runs("one")
    with open("/dev/full", "wb") as full:
        for words in (("list",), ("list", "--json"), ("control", "one"), ("--help",)):
            status, _, text, _ = place.rvm(*words, capture_output=False, stdout=full,
                                           stderr=subprocess.PIPE)
            expect(status == 1 and "No space left" in text, (words, status, text))
    process.terminate()
    ends(process, SOON, "SIGTERM")


# -------------------------------------------------------------------------- exec


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


def main():
    """All tests, or those whose name has the words."""
    words = " ".join(sys.argv[2:])
    bad = number = 0
    for name, function in TESTS:
        if words not in name:
            continue
        number += 1
        place = Place(os.path.abspath(sys.argv[1]))
        why = ""
        try:
            function(place)
        except Exception as failure:  # each test by itself
            why = ": " + " ".join(str(failure).replace("#", "").split())[:400]
            traceback.print_exc()
        place.close()
        bad += bool(why)
        print(f"{'not ok' if why else 'ok'} {number} - rvm: {name}{why}", flush=True)
    print(f"1..{number}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
