# SPDX-License-Identifier: BSD-3-Clause
"""What tests of rvm have in common: a place to run it in, and the list of tests."""

import json
import os
import shutil
import struct
import subprocess
import tempfile
import time

HANGS = 60  # seconds: what has not happened by then never will
GIVES_UP = 10  # seconds that rvm gives threads that hang, when it ends
SOON = 40  # an end of rvm whatever is in the way: its own limits are 1 and 3 s
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
