#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""rvm as its user meets it, on a machine without realms.

run_rvm.py PROGRAM [WORDS]: the tests whose names have the words. PROGRAM is rvm with fake_realm.c
in place of realm.c. Prints TAP.
"""

import contextlib
import importlib
import os
import pty
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

sys.dont_write_bytecode = True
from place import GIVES_UP, HANGS, SOON, TESTS, Place, ends, expect, pattern, test  # noqa: E402

AT_A_TIME = 4


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
            expect(status == 0 and "hog" in text and "answer" not in text, (status, text, took))
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
    place.runs("full")
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
        expect(status == 0 and "tty" in text and "answer" not in text, (text, took))
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


@test("a realm that starts again is stopped while it is taken apart: it does not start again")
def _(place):
    for how in ("stop", signal.SIGTERM):
        process = place.start("again", "reset 300")
        place.runs("again", "ends")
        if how == "stop":
            expect(place.rvm("stop", "again")[0] == 0, "stop")
        else:
            process.send_signal(how)
        expect(ends(process, SOON, how) == 0, process.returncode)
        text = process.stderr.read()
        expect(text.count(b"built") == 1 and b"stopped" in text, text)
        place.clean()


@contextlib.contextmanager
def full_pipe():
    """The writing end of a pipe that takes nothing more."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"x" * 4096)
    os.set_blocking(writer, True)
    yield writer
    os.close(reader)
    os.close(writer)


@test("standard error that nobody reads: a message about the realm keeps nothing waiting")
def _(place):
    with full_pipe() as writer:
        process = place.start("bad", "fault", "--quiet", stderr=writer)
        expect(ends(process, SOON, "a fault of the realm") == 1, process.returncode)
        process = place.start("lost", "write 400000", "--quiet", "--console", "file:/dev/full",
                              stderr=writer)
        expect(ends(process, SOON, "output that is lost") == 0, process.returncode)
    process = place.start("bad", "fault")
    _, text = process.communicate(timeout=HANGS)
    expect(process.returncode == 1 and b"memory that it does not have" in text, text)
    name = place.path("messages")
    with open(name, "wb") as file:
        ends(place.start("bad", "fault", stderr=file), SOON, "a file")
    with open(name, "rb") as file:
        text = file.read()
    expect(b"starts\nrvm: bad: vCPU 0" in text and text.endswith(b"rvm: bad failed\n"), text)


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


def tried(function):
    """Why a test has failed, "" if it has not. Each has a place of its own."""
    place = Place(os.path.abspath(sys.argv[1]))
    why = ""
    try:
        function(place)
    except Exception as failure:  # each test by itself
        why = ": " + " ".join(str(failure).replace("#", "").split())[:400]
        traceback.print_exc()
    place.close()
    return why


def main():
    """All tests, or those whose name has the words. They mostly wait, so several run at a time."""
    words = " ".join(sys.argv[2:])
    for module in ("rvm_exec", "rvm_life"):  # their tests enter the list
        importlib.import_module(module)
    tests = [(name, function) for name, function in TESTS if words in name]
    bad = 0
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        results = pool.map(tried, [function for _, function in tests])
        for number, ((name, _), why) in enumerate(zip(tests, results), 1):
            bad += bool(why)
            print(f"{'not ok' if why else 'ok'} {number} - rvm: {name}{why}", flush=True)
    print(f"1..{len(tests)}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
