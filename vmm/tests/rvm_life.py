# SPDX-License-Identifier: BSD-3-Clause
"""Realms in the background: --detach, definition files, console, logs, kill, wait, up; JSON."""

import contextlib
import fcntl
import json
import os
import pty
import signal
import subprocess
import termios
import time

from place import HANGS, SOON, ends, expect, pattern, test

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))


def write_json(place, path, **members):
    """A definition file."""
    return place.write(path, json.dumps({"kernel": "Image", "mem": "16m", **members}).encode())


def listed(place):
    """rvm list --json, by name."""
    return {realm["name"]: realm for realm in json.loads(place.rvm("list", "--json")[1])}


@contextlib.contextmanager
def detached(place, name, act, *options):
    """rvm run --detach; stopped at the end, should it run still."""
    status, out, text, _ = place.rvm("run", "--name", name, "--kernel", place.path("Image"),
                                     "--mem", "16m", "--cmdline", act, "--detach", *options)
    expect(status == 0 and out == "" and "built" in text, (status, out, text))
    yield text
    place.rvm("stop", name)
    gone(place, name)


def gone(place, name):
    """No socket of it is left; its log may be."""
    place.until(lambda: name not in listed(place), f"{name} ends")
    place.until(lambda: {file for file in os.listdir(place.run_dir)
                         if not file.endswith((".log", ".log.1"))} == set(), "sockets are removed")


@test("--detach: it returns when the realm is built, which runs on without terminal and parent")
def _(place):
    with detached(place, "a", "idle"):
        realm = listed(place)["a"]
        expect(realm["state"] == "runs" and realm["uptime"] < 60 and realm["cpus"] == 1, realm)
        with open(f"/proc/{realm['pid']}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        expect(fields[3] == str(realm["pid"]) and fields[4] == "0", f"session: {fields[:6]}")
        for fd, target in ((0, "/dev/null"), (1, "a.log"), (2, "a.log")):
            where = os.readlink(f"/proc/{realm['pid']}/fd/{fd}")
            expect(where.endswith(target), f"{fd}: {where}")
        expect(place.rvm("list")[1].splitlines()[1].split()[2] == "runs", place.rvm("list")[1])


@test("--detach: what fails has its status and message, and leaves nothing")
def _(place):
    status, _, text, _ = place.rvm("run", "--name", "a", "--kernel", place.path("Image"), "--mem",
                                   "16m", "--disk", place.path("none"), "--detach")
    expect(status == 1 and "none" in text, (status, text))
    status, _, text, _ = place.rvm("run", "--name", "a", "--kernel", place.path("Image"),
                                   "--console", "stdio", "--detach")
    expect(status == 2 and "attach" in text, (status, text))
    gone(place, "a")


@test("--detach: a process that is killed while the realm is built takes it along")
def _(place):
    process = place.start("a", "slow 600", "--detach")
    place.runs("a", "is built")
    process.kill()
    gone(place, "a")


@test("--detach: a realm that starts again stays in the background, and so does its log")
def _(place):
    with detached(place, "a", "reset 1"):
        place.until(lambda: place.rvm("logs", "a")[1].count("starts again") >= 2, "it starts again")
        expect(place.rvm("logs", "a")[1].count("built") >= 1, place.rvm("logs", "a")[1])


@test("logs: what a console says is kept, also without anybody there, and after the end")
def _(place):
    with detached(place, "a", "off"):
        gone(place, "a")
    status, out, text, _ = place.rvm("logs", "a")
    expect(status == 0 and out.startswith("bye\n") and "powered off" in out, (status, out, text))
    status, _, text, _ = place.rvm("logs", "nobody")
    expect(status == 1 and "no log" in text, (status, text))
    with detached(place, "a", "idle"):
        expect("bye" not in place.rvm("logs", "a")[1], "the log of the realm before is there")


@test("logs: one that has grown is begun anew, nothing is lost")
def _(place):
    size = 9 << 20
    with detached(place, "a", f"write {size}"):
        gone(place, "a")
    parts = [os.path.getsize(os.path.join(place.run_dir, name)) for name in ("a.log.1", "a.log")]
    expect(4 << 20 <= parts[0] < (4 << 20) + 8192 and parts[1] < 2 << 20, parts)
    with open(os.path.join(place.run_dir, "a.log"), "rb") as file:
        expect(file.read().split(b"rvm: ")[0] == pattern(size)[2 * parts[0]:][-parts[1]:]
               or parts[1] < 200, "the end")


@test("console: shows the log's end and what comes, leaves with Ctrl-] q, and the realm runs on")
def _(place):
    with detached(place, "a", "flood 3000"):
        place.until(lambda: len(place.rvm("logs", "a")[1]) >= 3000, "all output")
        for _ in range(2):
            master, slave = pty.openpty()
            before = termios.tcgetattr(slave)
            process = subprocess.Popen([place.program, "console", "a"], stdin=slave, stdout=slave,
                                       stderr=slave, env=place.env, start_new_session=True)
            place.started.append(process)
            place.until(lambda: not termios.tcgetattr(slave)[3] & termios.ECHO, "raw mode")
            time.sleep(0.2)
            os.write(master, b"ls\x1d\x1d\x1dq")
            expect(ends(process, SOON, "Ctrl-] q") == 0, process.returncode)
            seen = os.read(master, 8192).decode()
            expect("Ctrl-] q leaves" in seen and "0000374" in seen and "0000100" not in seen and
                   "runs on" in seen, seen)
            expect(termios.tcgetattr(slave) == before, "the terminal is not restored")
            os.close(master)
            os.close(slave)
        expect("a" in listed(place), "the realm has ended")


@test("console: Ctrl-] q leaves a realm that takes no input")
def _(place):
    with detached(place, "a", "idle"):
        master, slave = pty.openpty()
        process = subprocess.Popen([place.program, "console", "a"], stdin=slave, stdout=slave,
                                   stderr=slave, env=place.env, start_new_session=True)
        place.started.append(process)
        place.until(lambda: not termios.tcgetattr(slave)[3] & termios.ECHO, "raw mode")
        os.set_blocking(master, False)
        for _ in range(2048):
            with contextlib.suppress(BlockingIOError):
                os.write(master, b"k" * 1024)
            with contextlib.suppress(BlockingIOError):
                os.read(master, 65536)
            time.sleep(0.0005)
        def leave():
            with contextlib.suppress(BlockingIOError):
                os.write(master, b"\x1dq")
            return process.poll() is not None

        place.until(leave, "Ctrl-] q")
        expect(process.returncode == 0, process.returncode)
        os.close(master)
        os.close(slave)


@test("console: of a realm that ends, that has another console, that does not run")
def _(place):
    with detached(place, "a", "idle"):
        process = subprocess.Popen([place.program, "console", "a"], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, env=place.env)
        place.started.append(process)
        time.sleep(0.3)
        place.rvm("stop", "a")
        expect(ends(process, SOON, "the realm's end") == 0, process.returncode)
    other = place.start("b", "idle", "--console", "none")
    place.runs("b")
    status, _, text, _ = place.rvm("console", "b")
    expect(status == 1 and "--detach" in text, (status, text))
    other.terminate()
    ends(other, SOON, "SIGTERM")
    status, _, text, _ = place.rvm("console", "b")
    expect(status == 1 and "no realm called b" in text, (status, text))


@test("kill ends an rvm that does not answer; wait sees the end, and gives up in time")
def _(place):
    process = place.start("a", "idle", "--console", "none")
    place.runs("a")
    status, _, text, took = place.rvm("wait", "a", "1")
    expect(status == 124 and "still runs" in text and took >= 1, (status, text, took))
    waits = subprocess.Popen([place.program, "wait", "a"], env=place.env)
    place.started.append(waits)
    process.send_signal(signal.SIGSTOP)
    status, _, text, _ = place.rvm("kill", "a")
    expect(status == 0, (status, text))
    expect(ends(process, SOON, "kill") == -signal.SIGKILL, process.returncode)
    expect(ends(waits, SOON, "wait") == 0, waits.returncode)
    for words in (("kill", "a"), ("wait", "a")):
        status, _, text, _ = place.rvm(*words)
        expect(status == 1 and "no realm called a" in text, (status, text))


@test("-f: options of a file, paths beside it, the command line wins; what is no definition")
def _(place):
    os.mkdir(place.path("defs"))
    os.rename(place.path("Image"), place.path("defs/Image"))
    os.rename(place.path("disk"), place.path("defs/disk"))
    path = write_json(place, "defs/a.json", name="a", cmdline="-f idle", cpus=2, quiet=True,
                      disk=["disk,ro", "disk,ro"], sve=None, pmu=False)
    status, out, text, _ = place.rvm("run", "-f", path, "--measure-only")
    expect(status == 0 and out.count("rec_create") == 2, (status, out, text))
    status, out, text, _ = place.rvm("run", "-f", path, "--cpus", "3", "--measure-only")
    expect(status == 0 and out.count("rec_create") == 3, (status, out, text))
    for members, says in (({"frobnicate": 1}, "unknown option --frobnicate"),
                          ({"cpus": 1.5}, "cpus: must be"), ({"cpus": {}}, "cpus: must be"),
                          ({"disk": [["disk"]]}, "disk")):
        path = write_json(place, "defs/b.json", name="b", **members)
        status, _, text, _ = place.rvm("run", "-f", path)
        expect(status == 2 and (says in text or members == {"disk": [["disk"]]}), (status, text))
    for content, says in ((b"{", "line 1"), (b"[]", "one JSON object"), (b"", "b.json"),
                          (b'{"cpus": 1, "cpus": 2}', "duplicate")):
        status, _, text, _ = place.rvm("run", "-f", place.write("defs/b.json", content))
        expect(status == 2 and says in text, (content, status, text))
    expect(place.rvm("run", "-f")[0] == 2 and place.rvm("run", "-f", "none")[0] == 2, "no file")


@test("up: each file of a folder, once; one that fails does not keep the others")
def _(place):
    os.mkdir(place.path("defs"))
    os.rename(place.path("Image"), place.path("defs/Image"))
    for name, members in (("a", {}), ("b", {"cmdline": "idle"}), ("bad", {"cpus": 0})):
        write_json(place, f"defs/{name}.json", **members)
    place.write("defs/notes.txt", b"no definition")
    status, _, text, _ = place.rvm("up", place.path("defs"))
    expect(status == 1 and "--cpus" in text, (status, text))
    expect(set(listed(place)) == {"a", "b"}, listed(place))
    os.unlink(place.path("defs/bad.json"))
    status, _, text, _ = place.rvm("up", place.path("defs"))
    expect(status == 0 and "a runs" in text and "b runs" in text, (status, text))
    for name in ("a", "b"):
        place.rvm("stop", name)
        expect(place.rvm("wait", name, "60")[0] in (0, 1), name)
    gone(place, "a")
    status, _, text, _ = place.rvm("up", place.path("none"))
    expect(status == 1 and "No such file" in text, (status, text))


def manual_definition():
    """The definition file in the example of rvm(1)."""
    with open(os.path.join(TOP, "vmm", "man", "rvm.1"), encoding="utf-8") as file:
        text = file.read().replace("\\-", "-").partition("cat realms/web.json\n")[2]
    return text.partition("\n}\n")[0] + "\n}\n"


@test("up: the definition file that rvm(1) shows, and the commands after it")
def _(place):
    os.mkdir(place.path("realms"))
    text = manual_definition()
    options = json.loads(text)
    # The fake host runs no Linux: it takes what the realm does from the command line.
    options["cmdline"] = "idle"
    os.rename(place.path("Image"), place.path("realms/Image"))
    for name in ("web.cpio.zst", "web.img", "models.img"):
        place.write(f"realms/{name}", bytes(4096))
    place.write("realms/web.json", json.dumps(options).encode())
    status, _, text, _ = place.rvm("up", place.path("realms"))
    expect(status == 0 and "web" in text, (status, text))
    place.until(lambda: "web" in place.rvm("list")[1], "web is listed")
    expect(place.rvm("stop", "web")[0] == 0, "stop")
    gone(place, "web")


@test("--json: errors are an object with the status; --version; an empty list")
def _(place):
    for words, status, says in ((("stop", "a"), 1, "no realm called a"),
                                (("wait", "a", "x"), 2, "no number"),
                                (("kill", 'a"\\b'), 1, 'a"\\b: no name'),
                                (("logs",), 2, "wrong number"), (("up", "/none"), 1, "/none")):
        got, out, text, _ = place.rvm(*words, "--json")
        error = json.loads(text)
        expect(got == status and out == "" and error["status"] == status and
               says in error["error"], (words, got, out, text))
    expect(place.rvm("list", "--json")[1] == "[]\n", place.rvm("list", "--json"))
    expect(place.rvm("--version")[:2] == (0, "rvm 1.0\n"), place.rvm("--version"))


def is_stopped(place):
    """A process of this place is stopped (T), as by SIGTTOU."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
                mine = place.path("Image") in file.read()
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
                if mine and file.read().rsplit(")", 1)[1].split()[0] == "T":
                    return True
    return False


@test("in the background of a terminal, as with &: it is not stopped, leaves the terminal alone")
def _(place):
    master, slave = pty.openpty()
    child = os.fork()
    if child == 0:
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        process = subprocess.Popen(
            [place.program, "run", "--name", "a", "--kernel", place.path("Image"), "--mem", "16m",
             "--cmdline", "idle"], env=place.env, stdin=slave, stdout=slave, stderr=slave,
            process_group=0)
        os._exit(process.wait() & 255)
    before = termios.tcgetattr(slave)
    try:
        place.until(lambda: is_stopped(place) or listed(place).get("a", {}).get("state") == "runs",
                    "it runs, or is stopped")
        expect(not is_stopped(place), "it is stopped")
        expect(termios.tcgetattr(slave) == before, "the terminal's mode has changed")
        os.write(master, b"x\n")
        time.sleep(0.3)
        expect(place.rvm("stop", "a")[0] == 0, "stop")
        end = time.monotonic() + HANGS
        while os.waitpid(child, os.WNOHANG)[0] == 0:
            expect(time.monotonic() < end, "it does not end")
            time.sleep(0.02)
        child = 0
    finally:
        if child:
            place.rvm("kill", "a")
            os.waitpid(child, 0)
        os.close(master)
        os.close(slave)
