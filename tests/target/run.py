#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Boots the firmware with the bare-metal host in QEMU, runs its tests, reports each.

Results go to build/results/target.tap, the console of each boot to build/logs/target-NAME.log.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import re
import sys
import threading
import time
from concurrent import futures
from typing import TextIO

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
import baremetal  # noqa: E402
import boots  # noqa: E402
import conformance  # noqa: E402
import debugger  # noqa: E402
import emulator  # noqa: E402
import images  # noqa: E402
import monitor  # noqa: E402
import paths  # noqa: E402
import symbols  # noqa: E402
import verifier  # noqa: E402
from console import patience  # noqa: E402
from paths import BUILD, TOP  # noqa: E402
from tap import Tap  # noqa: E402

BANNER = re.compile(r"CAEC RMM (?!panic)")
# Of the clock, or of CPU time: nothing sleeps before the banner, so they are the same on a machine
# that has nothing else to do, and on a busy one the second is what the first would be.
BANNER_SECONDS = 3.0
NEVER = float("inf")
BANNER_BOOTS = 3  # the fastest of so many boots counts
FORBIDDEN = re.compile(r"panic|PANIC|Unhandled Exception|Assertion|ASSERT"
                       r"|ERROR:   (?!QEMU System Power off)")

# Limits are for what hangs: about ten times what a quiet machine needs, without the time in which
# others had the CPUs (tools/lib/patience.py).
BOOT_SECONDS = 180
TEST_SECONDS = 300
TOTAL_SECONDS = 2400
EXIT_SECONDS = 60
VERIFY_SECONDS = 180
MAX_BOOTS = 6  # of one configuration: each crash costs one


@dataclasses.dataclass(frozen=True)
class Config:
    """One way to boot. must_fail: every test has to be reported as failed."""
    name: str
    shows: str
    cpus: int
    firmware: str = "firmware"
    filter: str = ""
    must_fail: bool = False
    conformance: bool = False  # compare with conformance.md afterwards
    mebibytes: int = emulator.MEMORY_MIB
    cpu: str = emulator.CPU
    csm: bool = True  # the firmware has it; features_csm wants to know


CONFIGS = [
    Config("8cpu", "all tests, eight CPUs", 8, conformance=True),
    Config("1cpu", "all tests that one CPU can run", 1),
    Config("no-csm", "firmware built without CSM", 2, firmware="firmware-nocsm", filter="-csm_",
           csm=False),
    Config("clang", "firmware built with clang", 4, firmware="firmware-clang"),
    Config("less-memory", "a machine with less memory than its manifest lists", 2,
           filter="memory that is not there", mebibytes=1024),
    Config("sme", "CPUs with SME", 2, filter="vector registers",
           cpu=emulator.CPU.replace("sme=off", "sme=on")),
    Config("must-fail", "tests that must fail do", 2, filter="broken_", must_fail=True),
]


BOOTS = "boots"  # runs boots.TESTS, each in a boot of its own
BOOTS_OF_CLANG = ("stage 1:", "return addresses")


@dataclasses.dataclass
class Result:
    name: str
    good: bool
    skip: str = ""
    seconds: float = 0.0
    notes: list = dataclasses.field(default_factory=list)
    why: str = ""  # why it failed, when that is no check of the test

    def reason(self) -> str:
        """Why it failed, in a few words: often the name of a result is all that is seen of it."""
        checks = [note for note in self.notes if re.match(r"\S+\.[ch]:\d+: ", note)]
        words = [*checks[:1], self.why] if checks or self.why else self.notes[:1]
        return "; ".join(word for word in words if word)[:300]


class Report:
    """Prints each result as it comes and keeps the TAP file."""

    def __init__(self, path: str) -> None:
        self.tap = Tap(path)
        self.count = {"passed": 0, "failed": 0, "skipped": 0}
        self.lock = threading.Lock()

    def add(self, result: Result) -> None:
        """One result; several threads may have some."""
        kind = "skipped" if result.skip and result.good else "passed" if result.good else "failed"
        name = result.name
        if kind == "failed" and result.reason():
            name += ": " + result.reason()
        # '#' would begin a directive.
        self.tap.result(result.good, name.replace("#", "no. "), result.notes,
                        result.skip if kind == "skipped" else "")
        word = {"passed": "ok", "failed": "NOT OK", "skipped": "skip"}[kind]
        lines = [f"{word:6} {result.seconds * 1000:7.0f} ms  {result.name}"
                 f"{' (' + result.skip + ')' if kind == 'skipped' else ''}"]
        lines += [f"         {note}" for note in result.notes] if kind == "failed" else []
        with self.lock:
            self.count[kind] += 1
            print("\n".join(lines), flush=True)

    def close(self) -> bool:
        """The plan and the sum; whether nothing failed."""
        self.tap.close()
        words = f"{self.count['passed']} passed, {self.count['failed']} failed"
        if self.count["skipped"]:
            words += f", {self.count['skipped']} skipped"
        print(words)
        return self.count["failed"] == 0


def wanted_tests(asked: str | None, configured: str) -> str:
    """The filter of a boot: what was asked for, less what the configuration excludes. A machine
    without CSM, say, cannot run the tests of CSM whoever asks for them."""
    if not asked:
        return configured
    excluded = [word for word in configured.split(",") if word.startswith("-")]
    return ",".join([asked] + excluded)


class Boot:
    """One power-on: follows the console from the first line to power-off."""

    def __init__(self, config: Config, options: argparse.Namespace, log: TextIO, first: int,
                 more: dict[str, object] | None = None) -> None:
        self.config, self.options, self.log = config, options, log
        words = {"from": first, "seed": options.seed, "csm": int(config.csm)}
        if wanted := wanted_tests(options.filter, config.filter):
            words["filter"] = wanted
        if options.list:
            words["list"] = 1
        words.update(more or {})
        extra = debugger.port_arguments(options.gdb) if options.gdb else []
        self.machine = baremetal.Machine(
            flash_image(config), options.smp or config.cpus, words, log, mark=BANNER,
            mebibytes=config.mebibytes, cpu=config.cpu, outlives=options.keep,
            extra=[*extra, *(options.qemu or [])])
        self.results = []
        self.listed = []
        self.banner = None  # seconds from power-on, of the clock or of CPU time
        self.host = False  # the host's first line was seen
        self.plan = None
        self.current = None  # (number, text, begun, name) of the running test
        self.since = 0.0  # when it began, by the clock for limits
        self.passed = set()  # names
        self.limit = TEST_SECONDS
        self.last_number = first - 1
        self.tokens = {}  # name to words of hexadecimal text; a token that is whole ends in "end"
        self.realm_ids = {}  # what the realm of that token calls itself, where it says so
        self.notes = []
        self.took = 0.0
        self.trouble = ""  # why the boot ended before its time

    def follow(self) -> None:
        """Read until QEMU ends or a limit is passed; then the fields above are final."""
        while not self.trouble:
            line = self.machine.line(self._patience())
            if line is None:
                self.trouble = self._hang()
            elif line.text is None:
                break
            else:
                self._line(*line)
        self._close()

    def _now(self) -> float:
        return self.machine.elapsed()

    def _used(self) -> float:
        return self.machine.clock.now()

    def _patience(self) -> float:
        if self.options.gdb:
            return 1e6
        if self.current:
            until = self.since + self.limit
        elif self.plan is not None:
            until = self.plan_seen + EXIT_SECONDS
        elif self.host:
            until = self.last_line + self.limit
        else:
            until = BOOT_SECONDS
        return min(until, TOTAL_SECONDS) - self._used()

    def _hang(self) -> str:
        late = self._used() >= TOTAL_SECONDS
        registers = monitor.registers(self.machine.monitor)
        firmware = os.path.join(BUILD, self.config.firmware, "rmm.elf")
        where = symbols.places(registers, [os.path.join(BUILD, "payload/host.elf"), firmware])
        self.log.write("".join(row + "\n" for row in registers.splitlines()
                               if not re.match(r"[ZPQ]\d\d", row)))
        self.notes += where
        if late:
            return f"the boot took more than {TOTAL_SECONDS} s"
        if self.current:
            return f"no result after {self.limit} s"
        if self.plan is not None:
            return f"the plan is done, but there is no power-off within {EXIT_SECONDS} s"
        return f"{self._stage()}, and nothing more for a long time"

    def _stage(self) -> str:
        if self.host:
            return "the host ran"
        if self.banner is not None:
            return "the RMM's banner came but not the host's first line (look at BL33, the host)"
        return ("neither the RMM's banner nor the host's first line came (look at the RMM's boot: "
                "manifest, page tables)")

    def _line(self, when: float, text: str) -> None:
        self.last_line = self._used()
        if self.options.verbose:
            print(f"    | {text}", flush=True)
        if BANNER.search(text) and self.banner is None:
            self.banner = min(when, self.machine.used)
        if text.startswith("TAP version"):
            self.host = True
        elif match := re.match(r"# begin (\d+) (\w+): (.*)", text):
            self.current = (int(match[1]), match[3], when, match[2])
            self.limit, self.notes, self.took = TEST_SECONDS, [], 0.0
            self.since = self.last_line
        elif match := re.match(r"# test (\w+): (.*)", text):
            self.listed.append((match[1], match[2]))
        elif match := re.match(r"# limit (\d+)", text):
            self.limit = int(match[1])
        elif match := re.match(r"# token (\S+) (.*)", text):
            self.tokens.setdefault(match[1], []).extend(match[2].split())
        elif match := re.match(r"# realm-id (\S+) ([0-9a-f]+)", text):
            self.realm_ids[match[1]] = int(match[2], 16)
        elif match := re.match(r"# time \d+ (\d+) us", text):
            self.took = int(match[1]) / 1e6
        elif match := re.match(r"(not )?ok (\d+) - (.*)", text):
            self._result(not match[1], int(match[2]), match[3])
        elif match := re.match(r"1\.\.(\d+)", text):
            self.plan, self.plan_seen = int(match[1]), self.last_line
        elif match := re.match(r"Bail out! (.*)", text):
            self.trouble = match[1]
        elif FORBIDDEN.search(text):
            self.notes.append(text)
            self.trouble = "a line that must not appear: " + text
        elif text.startswith("# "):
            self.notes.append(text[2:])

    def _result(self, good: bool, number: int, name: str) -> None:
        name, _, skip = name.partition(" # SKIP ")
        self.results.append(Result(name, good, skip, self.took, self.notes))
        if good and not skip and self.current:
            self.passed.add(self.current[3])
        self.last_number = number
        self.current, self.notes = None, []

    def _close(self) -> None:
        """Whatever did not end well becomes the failure of the test that ran, or of the boot."""
        if not self.trouble and self.machine.status() not in (None, 0):
            self.trouble = f"QEMU ended with status {self.machine.status()}"
        if not self.trouble and not self.options.list and self.plan is None:
            self.trouble = f"QEMU ended early: {self._stage()}"
        if self.trouble and self.current:
            self.last_number = self.current[0]
            self.results.append(Result(self.current[1], False, "", self._now() - self.current[2],
                                       self.notes + [self.trouble], self.trouble))
            self.notes = []
        if self.options.keep and self.machine.status() is None:
            print(f"QEMU is kept: process {self.machine.process.pid}, monitor "
                  f"{self.machine.monitor}")
            return
        self.machine.end()


def flash_image(config: Config) -> str:
    """The flash image of this firmware and the host; made anew when one of them is newer."""
    try:
        return images.flash(os.path.join(BUILD, "target", config.firmware + ".flash"),
                            os.path.join(BUILD, config.firmware, "rmm.img"),
                            os.path.join(BUILD, "payload/host.bin"))
    except FileNotFoundError as error:
        sys.exit(f"run.py: {error}: make target-test builds all that is needed")


def banner_result(config: Config, options: argparse.Namespace, log: TextIO,
                  seen: float | None) -> Result:
    """The RMM must show its banner soon after power-on; a busy machine gets more tries."""
    tries = [NEVER if seen is None else seen]
    while BANNER_SECONDS < min(tries) < NEVER and len(tries) < BANNER_BOOTS:
        tries.append(time_to_banner(config, options, log))
    figures = ", ".join("never" if t == NEVER else f"{t:.2f} s" for t in tries)
    return Result(f"{config.name}: from power-on to the RMM's banner in {BANNER_SECONDS:.0f} s",
                  min(tries) <= BANNER_SECONDS, "", min(tries[0], BOOT_SECONDS),
                  [f"power-on to banner: {figures}"])


def time_to_banner(config: Config, options: argparse.Namespace, log: TextIO) -> float:
    """The same in a boot of its own. The host has no tests: it adds little before this looks."""
    boot = Boot(config, options, log, 1, {"filter": "no test at all"})
    while (boot.banner is None and (line := boot.machine.line(BOOT_SECONDS))
           and line.text is not None):
        if BANNER.search(line.text):
            boot.banner = min(line.at, boot.machine.used)
    boot.machine.end()
    return NEVER if boot.banner is None else boot.banner


def log_path(name: str) -> str:
    """Where the consoles of a configuration go."""
    return paths.log(f"target-{name}")


def run_config(config: Config, options: argparse.Namespace, report: Report) -> None:
    """All tests of one configuration; boots again behind a test that ended its boot."""
    path = log_path(config.name)
    planned = None
    passed = set()
    with open(path, "w", encoding="utf-8") as log:
        first = 1
        for number in range(MAX_BOOTS):
            boot = Boot(config, options, log, first)
            boot.follow()
            if number == 0 and not options.gdb:
                report.add(banner_result(config, options, log, boot.banner))
            for result in boot.results:
                report.add(judged(config, result))
            for name, words in boot.tokens.items():
                report.add(token_result(config, name, words, boot.realm_ids.get(name)))
            planned = boot.plan
            passed |= boot.passed
            if not boot.trouble or not boot.results or options.keep:
                break
            first = boot.last_number + 1
        report.add(boot_result(config, boot, first, planned, path))
    if config.conformance and not options.filter:
        report.add(conformance_result(config, passed))


def boots_wanted(words: str | None, name: str) -> bool:
    """As the host selects its tests: one of the words is in the name, and none that excludes."""
    words = [word for word in (words or "").split(",") if word]
    chosen = [word for word in words if not word.startswith("-")]
    return not any(word[1:] in name for word in words if word.startswith("-")) and (
        not chosen or any(word in name for word in chosen))


def run_boots(options: argparse.Namespace, report: Report) -> None:
    """The tests that look into the RMM from outside; what depends on the compiler with both."""
    path = log_path(BOOTS)
    with open(path, "w", encoding="utf-8") as log:
        for config in (c for c in CONFIGS if c.name in ("8cpu", "clang")):
            names = symbols.addresses(os.path.join(BUILD, config.firmware, "rmm.elf"))
            for name, test in boots.TESTS:
                if config.name == "clang" and not name.startswith(BOOTS_OF_CLANG):
                    continue
                if not boots_wanted(options.filter, name):
                    continue
                begun = time.monotonic()
                wrong = boots.run_test(test, flash_image(config), names, log)
                report.add(Result(f"{BOOTS}: {name}{' (clang)' * (config.name == 'clang')}",
                                  not wrong, "", time.monotonic() - begun,
                                  wrong + [f"consoles: {path}"] * bool(wrong)))


def conformance_result(config: Config, passed: set[str]) -> Result:
    """That conformance.md is complete and its tests passed."""
    found, rows = conformance.mistakes(passed)
    return Result(f"{config.name}: {rows} rows of conformance.md: each has a test that passed, "
                  "or a reason", not found, "", 0.0, found)


def token_result(config: Config, name: str, words: list[str],
                 realm_id: int | None) -> Result:
    """What the verifier says about a token that a realm of this boot got."""
    result = Result(f"{config.name}: cca-verify accepts the token '{name}'", False)
    if len(words) < 4 or words[0] != "challenge" or words[-1] != "end":
        result.notes = ["the token is not whole: " + " ".join(words)[:80]]
        return result
    path = os.path.join(BUILD, "target", f"{config.name}-{name}.cbor")
    with open(path, "wb") as file:
        file.write(bytes.fromhex("".join(words[2:-1])))
    begun = time.monotonic()
    done = patience.run(
        [verifier.path("cca-verify"), "--json", "--challenge", words[1],
         "--anchor", paths.ANCHOR, path],
        VERIFY_SECONDS, capture_output=True, text=True)
    result.seconds = time.monotonic() - begun
    # Status 4: all holds, and no policy says which realm it should be.
    shown = json.loads(done.stdout) if done.returncode == 4 else {"realm": {"id": None}}
    found = shown["realm"]["id"] or ""
    result.good = re.fullmatch(r"[0-9a-f]{16}", found) is not None
    if realm_id is not None:
        result.name += ", which has the realm's id"
        result.good = result.good and int(found, 16) == realm_id
    result.notes = [f"{path}: realm {found}"] + done.stderr.splitlines()[:4]
    return result


def judged(config: Config, result: Result) -> Result:
    result.name = f"{config.name}: {result.name}"
    if config.must_fail:
        result.name += " (fails, as it must)"
        result.good = not result.good and not result.skip
    return result


def boot_result(config: Config, boot: Boot, first: int, planned: int | None, path: str) -> Result:
    """That the run as a whole was complete: plan, power-off, all test numbers."""
    notes = boot.notes + [f"console: {path}"]
    complete = planned is not None and boot.last_number == planned and planned >= first - 1
    if planned == 0:
        notes.insert(0, "no test was selected")
        complete = False
    if boot.trouble:
        notes.insert(0, boot.trouble)
    good = complete and not boot.trouble
    why = boot.trouble or ("" if complete else f"{boot.last_number} of {planned} tests")
    return Result(f"{config.name}: {config.shows}: booted, all tests reported, powered off", good,
                  "", boot._now(), [] if good else notes, why)


def list_tests(config: Config, options: argparse.Namespace) -> int:
    with open(os.devnull, "w", encoding="utf-8") as log:
        boot = Boot(config, options, log, 1)
        boot.follow()
    for name, shows in boot.listed:
        print(f"{name:28} {shows}")
    return 0 if boot.listed else 1


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--config", action="append", choices=[BOOTS, *(c.name for c in CONFIGS)],
                        help="only this configuration (may be repeated; default: all)")
    parser.add_argument("--filter", metavar="WORDS",
                        help="tests whose name or text has one of these words, comma separated; "
                             "a '-' in front excludes. Implies --config 8cpu")
    parser.add_argument("--smp", type=int, metavar="N", help="number of CPUs")
    parser.add_argument("--seed", type=int, default=1, help="of the tests' random numbers")
    parser.add_argument("--jobs", type=int, default=2, metavar="N",
                        help="configurations at a time (2); one with -v, --gdb and --keep")
    parser.add_argument("--list", action="store_true", help="list the tests and stop")
    parser.add_argument("--gdb", type=int, nargs="?", const=1234, metavar="PORT",
                        help="wait for gdb on this port (1234) before the first instruction")
    parser.add_argument("--keep", action="store_true",
                        help="leave QEMU running after a hang or crash")
    parser.add_argument("-v", "--verbose", action="store_true", help="show the console")
    parser.add_argument("--tap", default=os.path.join(BUILD, "results/target.tap"),
                        help="where the TAP file goes")
    parser.add_argument("qemu", nargs="*", metavar="-- QEMU-ARGUMENT", help="passed to QEMU")
    return parser.parse_args()


def selected_configs(options: argparse.Namespace) -> list[Config]:
    names = options.config or (["8cpu"] if options.filter or options.gdb else None)
    return [c for c in CONFIGS if names is None or c.name in names]


def main() -> int:
    options = parse_arguments()
    if options.list:
        return list_tests(CONFIGS[0], options)
    configs = selected_configs(options)
    if options.gdb and not configs:
        sys.exit(f"run.py: {BOOTS} has a debugger of its own: look at {log_path(BOOTS)}")
    if options.gdb:
        print(f"waiting for: gdb-multiarch {BUILD}/{configs[0].firmware}/rmm.elf -ex 'add-symbol-"
              f"file {BUILD}/payload/host.elf' -ex 'target remote :{options.gdb}'", flush=True)
    for config in configs:
        flash_image(config)
    report = Report(options.tap)
    one_by_one = options.jobs == 1 or options.verbose or options.gdb or options.keep
    with futures.ThreadPoolExecutor(1 if one_by_one else options.jobs) as pool:
        runs = [pool.submit(run_config, config, options, report) for config in configs]
        wanted = options.config or ([] if options.filter or options.gdb else [BOOTS])
        if BOOTS in wanted:
            runs.append(pool.submit(run_boots, options, report))
        for run in runs:
            run.result()
    return 0 if report.close() else 1


if __name__ == "__main__":
    if not os.environ.get("CAEC_INSIDE"):
        os.execv(os.path.join(TOP, "env/run"),
                 ["env/run", os.path.realpath(__file__), *sys.argv[1:]])
    sys.exit(main())
