# SPDX-License-Identifier: BSD-3-Clause
"""Boots that a debugger looks into or hurts: the RMM's own tables, its traps, and wrong arguments
of EL3. Each test is a short boot of its own."""

from __future__ import annotations

import collections
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from typing import TextIO

import baremetal
import debugger
from tap import Failure, expect

PAGE = 0x1000
IMAGE_BASE = 0x40100000
CONSOLE = 0x09000000
CPU_SPACE = 0xFFFFFFFFFE000000  # rmm/arch/aarch64/layout.h
STACK_PAGES = range(1, 9)
EXCEPTION_STACK, SLOTS, CONSOLE_PAGE = 10, range(16, 20), 32
WINDOW = 0x4000000000
CPUS = 32
LINE_SECONDS = 180
DRAM, CONSOLES = 16, 40  # offsets in the boot manifest
FRAMED = "rmi_granule_delegate"  # a function that signs its return address, then stores it
SCTLR_BITS = {"M": 0, "C": 2, "SA": 3, "I": 12, "WXN": 19, "EnIA": 31}

Test = Callable[["Boot"], None]  # raises Failure

# What one entry of the last level lets one do.
Mapping = collections.namedtuple("Mapping", "pa write execute el0 secure_pas guarded attribute")


def runs(tests: str, cpus: int = 1) -> Callable[[Test], Test]:
    """A boot in which the host runs these tests on so many CPUs."""
    def mark(test: Test) -> Test:
        test.tests, test.cpus = tests, cpus
        return test
    return mark


class Boot:
    """A machine that waits for its debugger before the first instruction."""

    def __init__(self, flash: str, symbols: dict[str, int], log: TextIO, cpus: int = 1,
                 tests: str = "version") -> None:
        self.symbols = symbols
        self.folder = tempfile.mkdtemp(prefix="caec-")
        path = os.path.join(self.folder, "gdb")
        words = {"from": 1, "seed": 1, "csm": 1, "filter": tests}
        self.machine = baremetal.Machine(flash, cpus, words, log, extra=debugger.arguments(path))
        try:
            self.gdb = debugger.Debugger(path)
        except OSError:
            self.end()
            raise

    def __enter__(self) -> Boot:
        return self

    def __exit__(self, *_: object) -> None:
        self.gdb.close()
        self.end()

    def end(self) -> None:
        self.machine.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def at(self, name: str) -> None:
        """Stop at this function of the RMM."""
        self.gdb.stop_at(self.symbols[name])

    def says(self, pattern: str) -> re.Match[str]:
        """Go on until the console has a line of this kind."""
        self.gdb.go()
        while (line := self.machine.line(LINE_SECONDS)) and line.text is not None:
            if match := re.search(pattern, line.text):
                return match
        raise Failure(f"no line on the console like: {pattern}")


# --- the tables of stage 1


def bit(value: int, number: int) -> int:
    return value >> number & 1


def walk(gdb: debugger.Debugger, table: int, va: int, level: int, found: dict[int, Mapping],
         entries: int = 512) -> dict[int, Mapping]:
    """All pages below a table, by their address."""
    data = gdb.read(table, entries * 8)
    for index in range(entries):
        entry = int.from_bytes(data[index * 8:index * 8 + 8], "little")
        below = va + (index << (39 - 9 * level))
        if entry & 1 == 0:
            continue
        expect(entry & 2, f"a block at {below:x}: the RMM maps pages only")
        expect(level < 3 or below not in found, f"{below:x} is mapped twice")
        pa = entry & 0xFFFFFFFFF000
        if level < 3:
            walk(gdb, pa, below, level + 1, found)
        else:
            found[below] = Mapping(pa, not bit(entry, 7), not bit(entry, 53), bit(entry, 6),
                                   not bit(entry, 5), bit(entry, 50), entry >> 2 & 7)
    return found


def space_of_cpu(gdb: debugger.Debugger, cpu: int) -> dict[int, Mapping]:
    """Page number to mapping, of what only this CPU sees. Its table is one of 16 entries."""
    table = (gdb.system_register("TTBR1_EL2") & 0xFFFFFFFFF000) + cpu * 128
    pages = walk(gdb, table, CPU_SPACE, 2, {}, 16)
    return {(va - CPU_SPACE) // PAGE: mapping for va, mapping in pages.items()}


def common_space(boot: Boot) -> dict[int, Mapping]:
    return walk(boot.gdb, boot.gdb.system_register("TTBR0_EL2"), 0, 1, {})


def part(boot: Boot, first: str, last: str) -> range:
    return range(boot.symbols[first], boot.symbols[last], PAGE)


def test_controls(boot: Boot) -> None:
    boot.at("rmi_version")
    value = boot.gdb.system_register("SCTLR_EL2")
    absent = [name for name, number in SCTLR_BITS.items() if not bit(value, number)]
    expect(not absent, f"SCTLR_EL2 {value:x} lacks {absent}")


def test_image(boot: Boot) -> None:
    boot.at("rmi_version")
    space = common_space(boot)
    code = part(boot, "__text_start", "__text_end")
    constants = part(boot, "__const_start", "__const_end")
    data = set(part(boot, "__data_start", "__image_end"))
    data -= {va for va in data if 0 <= va - boot.symbols["cpu_memory"] < CPUS * 9 * PAGE}
    expect(set(space) == set(code) | set(constants) | data, "not the image alone is mapped: "
          f"{[hex(va) for va in set(space) ^ (set(code) | set(constants) | data)][:4]}")
    for va, page in space.items():
        rights = (page.write, page.execute)
        wanted = (va in data, va in code)
        expect(rights == wanted, f"{va:x}: write, execute are {rights}, not {wanted}")
        expect(page.pa == va and page.secure_pas and not page.el0, f"{va:x} leads to {page}")


def test_landing_pads(boot: Boot) -> None:
    boot.at("rmi_version")
    space = common_space(boot)
    code = part(boot, "__text_start", "__text_end")
    expect(all(space[va].guarded for va in code), "code that is not guarded")


def test_cpu_spaces(boot: Boot) -> None:
    boot.at("rmi_version")
    common = {page.pa for page in common_space(boot).values()}
    seen = set()
    for cpu in range(CPUS):
        pages = space_of_cpu(boot.gdb, cpu)
        expect(set(pages) == {*STACK_PAGES, EXCEPTION_STACK, CONSOLE_PAGE},
              f"CPU {cpu} sees pages {sorted(pages)}: a guard or an empty slot is mapped")
        expect(not any(page.execute or page.el0 for page in pages.values()), f"CPU {cpu}: rights")
        expect(pages.pop(CONSOLE_PAGE).pa == CONSOLE, "the console is somewhere else")
        own = {page.pa for page in pages.values()}
        expect(len(own) == 9 and not own & (seen | common), f"the stack of CPU {cpu} is shared")
        expect(all(boot.symbols["__bss_start"] <= pa < boot.symbols["__image_end"] for pa in own),
              f"the stack of CPU {cpu} is not in the image")
        seen |= own


def argument_of_host(boot: Boot, number: int) -> int:
    """Register of the host's call, where a handler of the RMM begins: its x0 points to them."""
    va = boot.gdb.register(debugger.X0) + 8 * number
    page = space_of_cpu(boot.gdb, 0)[(va - CPU_SPACE) // PAGE]
    return int.from_bytes(boot.gdb.read(page.pa + va % PAGE, 8), "little")


@runs("exit_wfit")
def test_realm_data(boot: Boot) -> None:
    """When a realm is about to run: its metadata is in the window, its data nowhere."""
    boot.at("rmi_data_create")
    data = argument_of_host(boot, 2)
    boot.at("rmi_rec_enter")
    rec = argument_of_host(boot, 1)
    window = {va: page for va, page in common_space(boot).items() if va >= WINDOW}
    own = space_of_cpu(boot.gdb, 0)
    slots = {number: page for number, page in own.items() if number in SLOTS}
    everything = [*common_space(boot).values(), *own.values()]
    expect(rec in [page.pa for page in window.values()], "the REC is not in the window")
    expect(data not in [page.pa for page in everything], "data of the realm is mapped")
    expect(set(slots) <= {SLOTS[0]}, f"slots in use: {sorted(slots)}")
    expect(not any(page.secure_pas for page in slots.values()), "the host's slot is not the host's")
    expect(all(page.secure_pas and page.write for page in window.values()), "the window's rights")
    expect(not any(page.execute or page.el0 for page in [*window.values(), *slots.values()]),
          "slots or window can be executed")


@runs("delegate_gran_align")
def test_signed_returns(boot: Boot) -> None:
    boot.at(FRAMED)
    before = boot.gdb.register(30)
    boot.gdb.step()
    after = boot.gdb.register(30)
    expect(before >> 39 == 0 and after >> 39 != 0 and after & 0x7FFFFFFFFF == before,
          f"return address {before:x} is signed as {after:x}")


def test_key_without_entropy(boot: Boot) -> None:
    """The generator has nothing to give, twice: it says so in Z and answers zero."""
    boot.at("rmm_entry")
    at = boot.symbols["mmu_enable"]
    reads = []
    while len(reads) < 2:
        word = int.from_bytes(boot.gdb.read(at, 4), "little")
        if word & ~0x1F == 0xD53B2400:  # MRS of RNDR
            reads.append((at + 4, word & 0x1F))
        at += 4
        expect(at < boot.symbols["mmu_enable"] + PAGE, "no two reads of RNDR in mmu_enable")
    for after, register in reads:
        boot.gdb.stop_at(after)
        boot.gdb.set_register(register, 0)
        boot.gdb.set_register(debugger.CPSR, boot.gdb.register(debugger.CPSR) | 1 << 30)
    boot.at("rmi_version")
    key = [boot.gdb.system_register(f"APIAKEY{half}_EL1") for half in ("LO", "HI")]
    expect(all(key), f"the key is {key}")


# --- stage 2 and EL1 are never of different realms

ISB, ERET, SMC = 0xD5033FDF, 0xD69F03E0, 0xD4000003
STEPS = 20000  # from one end of a world switch to the other, with much to spare
EL1_WALKS = {(3, 5, 1, 0, 0): "SCTLR", (3, 5, 2, 0, 0): "TTBR0", (3, 5, 2, 0, 1): "TTBR1",
             (3, 5, 2, 0, 2): "TCR", (3, 5, 10, 2, 0): "MAIR"}
STAGE_2 = {(3, 4, 1, 1, 0): "HCR", (3, 4, 2, 1, 0): "VTTBR", (3, 4, 2, 1, 2): "VTCR"}


def written_register(word: int) -> str | None:
    """Which of those registers an instruction writes; None: none."""
    if word >> 20 != 0xD51:
        return None
    name = (2 + (word >> 19 & 1), word >> 16 & 7, word >> 12 & 15, word >> 8 & 15, word >> 5 & 7)
    return EL1_WALKS.get(name) or STAGE_2.get(name)


class SwitchRules:
    """rmm/arch/aarch64/stage2.h, one instruction after the other."""

    def __init__(self, boot: Boot) -> None:
        self.boot = boot
        self.empty = next(value for name, value in boot.symbols.items()
                          if re.fullmatch(r"empty_table(\.\w+)*", name))
        self.pending = set()  # registers written since the last ISB
        self.written = []

    def idle(self) -> bool:
        return self.boot.gdb.system_register("VTTBR_EL2") & 0xFFFFFFFFFFFE == self.empty

    def before(self, word: int) -> None:
        name = written_register(word)
        if word == ISB:
            self.pending.clear()
        elif name in EL1_WALKS.values() or name == "VTCR":
            expect(self.idle() and "VTTBR" not in self.pending,
                  f"{name} is written while stage 2 can translate, after {self.written}")
        elif name == "VTTBR":
            expect(self.idle() is False or not self.pending & {"VTCR", *EL1_WALKS.values()},
                  f"VTTBR is written without an ISB after {self.pending}")
        if name:
            self.pending.add(name)
            self.written.append(name)

    def follow(self, last: set[int]) -> None:
        """All instructions until one of these has been executed."""
        for _ in range(STEPS):
            word = int.from_bytes(self.boot.gdb.read(self.boot.gdb.register(debugger.PC), 4),
                                  "little")
            self.before(word)
            expect(bit(self.boot.gdb.system_register("HCR_EL2"), 0) == 1, "stage 2 is off")
            if word in last:
                return
            self.boot.gdb.step()
        raise Failure(f"no end of the switch after {STEPS} steps; written: {self.written}")


@runs("exit_wfit")
def test_stage_2(boot: Boot) -> None:
    """One RMI_REC_ENTER, from the command to the realm, and from there to the host."""
    boot.at("rmi_rec_enter")
    rules = SwitchRules(boot)
    expect(rules.idle(), "stage 2 can translate while no realm is loaded")
    expect(not any(boot.gdb.read(rules.empty, 16 * PAGE)), "the empty table is not empty")
    rules.follow({ERET})
    expect(not rules.idle(), "the realm has no stage 2")
    expect({*EL1_WALKS.values(), "VTTBR"} <= {*rules.written}, f"not all seen: {rules.written}")
    exits = [boot.symbols[name] for name in ("exit_sync", "exit_irq", "exit_fiq")]
    rules.written = []
    while "TTBR0" not in rules.written:
        boot.gdb.stop_at(*exits)
        rules.follow({ERET, SMC})
    expect(rules.idle(), "stage 2 can translate when the host goes on")


# --- accesses that must stop the CPU


def expect_exception(boot: Boot, wanted_class: int, wanted_status: int | None = None) -> None:
    esr = int(boot.says(r"^CAEC RMM panic: exception, ESR_EL2 0x([0-9a-f]+)")[1], 16)
    expect(esr >> 26 == wanted_class and wanted_status in (None, esr & 0x3F), f"ESR_EL2 is {esr:x}")


DATA_ABORT, FETCH_ABORT, BRANCH_TARGET, AUTHENTICATION = 0x25, 0x21, 0x0D, 0x1C
TRANSLATION, PERMISSION = 0x07, 0x0F  # at level 3


def wipe(boot: Boot, address: int) -> None:
    """The RMM writes to this place."""
    boot.at("rmi_version")
    boot.gdb.set_register(debugger.X0, address)
    boot.gdb.set_register(debugger.PC, boot.symbols["arch_zero_granule"])


def test_write_code(boot: Boot) -> None:
    wipe(boot, boot.symbols["__text_start"])
    expect_exception(boot, DATA_ABORT, PERMISSION)


def test_write_constants(boot: Boot) -> None:
    wipe(boot, boot.symbols["__const_start"])
    expect_exception(boot, DATA_ABORT, PERMISSION)


def test_write_memory_of_others(boot: Boot) -> None:
    wipe(boot, 0x60000000)
    expect_exception(boot, DATA_ABORT)


def test_run_data(boot: Boot) -> None:
    boot.at("rmi_version")
    boot.gdb.set_register(debugger.PC, boot.symbols["__data_start"])
    expect_exception(boot, FETCH_ABORT, PERMISSION)


@runs("delegate_gran_align")
def test_stack_overflow(boot: Boot) -> None:
    boot.at(FRAMED)
    boot.gdb.set_register(debugger.SP, CPU_SPACE + STACK_PAGES[0] * PAGE)
    expect_exception(boot, DATA_ABORT, TRANSLATION)


def test_jump_into_function(boot: Boot) -> None:
    boot.at("rmi_version")
    boot.gdb.set_register(debugger.PC, boot.symbols["rmi_version"] + 4)
    boot.gdb.set_register(debugger.CPSR, boot.gdb.register(debugger.CPSR) | 2 << 10)  # BTYPE: call
    expect_exception(boot, BRANCH_TARGET)


@runs("delegate_gran_align")
def test_forged_return(boot: Boot) -> None:
    boot.at(FRAMED)
    boot.gdb.step()
    boot.gdb.set_register(30, boot.gdb.register(30) ^ 1 << 40)
    expect_exception(boot, AUTHENTICATION)


# --- what EL3 hands over, and what it is told


def test_one_line(boot: Boot) -> None:
    """From power-on to the host's first line, EL3's own lines apart."""
    boot.gdb.go()
    lines = []
    while (line := boot.machine.line(LINE_SECONDS)) and not (line.text or "TAP").startswith("TAP"):
        lines.append(line.text)
    expect(line and line.text, "the host did not come up")
    others = [line for line in lines if line.strip() and not line.startswith("NOTICE:  ")]
    expect(len(others) == 1 and re.fullmatch(r"CAEC RMM [^:]*", others[0]), f"lines: {others}")


def refused(boot: Boot, error: int) -> None:
    """EL3 tells which error it got, and there is no banner before."""
    match = boot.says(r"RMM init failed: (-?\d+)|CAEC RMM|TAP version")
    expect(match[1] == str(error), f"the console says: {match[0]}")


def argument(number: int, value: int, error: int) -> Test:
    def test(boot: Boot) -> None:
        boot.at("rmm_entry")
        boot.gdb.set_register(number, value)
        refused(boot, error)
    return test


def word_of_manifest(offset: int, change: int, error: int) -> Test:
    def test(boot: Boot) -> None:
        boot.at("rmm_entry")
        at = boot.gdb.register(3) + offset
        value = int.from_bytes(boot.gdb.read(at, 8), "little")
        boot.gdb.write(at, ((value + change) % 2 ** 64).to_bytes(8, "little"))
        refused(boot, error)
    return test


def warm_index(index: int, cpus: int) -> Test:
    """CPU 1 comes with a wrong index, after EL3 has announced so many CPUs."""
    @runs("warm_boot", 2)
    def test(boot: Boot) -> None:
        boot.at("rmm_entry")
        boot.gdb.set_register(2, cpus)
        boot.at("rmm_entry")
        boot.gdb.set_register(0, index)
        match = boot.says(r"RMM init failed on CPU1: (-?\d+)|^1\.\.\d")
        expect(match[1] == "-4", f"the console says: {match[0]}")
    return test


TESTS = [
    ("stage 1: caches, W^X, stack alignment and return addresses are controlled", test_controls),
    ("stage 1: the image alone is mapped; code X, data W, constants neither", test_image),
    ("stage 1: code is guarded, indirect branches need landing pads", test_landing_pads),
    ("stage 1: each of 32 CPUs has its own stacks between guards, and no slot in use",
     test_cpu_spaces),
    ("stage 1: of a realm the RMM sees metadata and no data, of the host one page at most",
     test_realm_data),
    ("stage 2: nothing can be translated while EL1 registers are of another realm or of the host",
     test_stage_2),
    ("return addresses are signed", test_signed_returns),
    ("return addresses are signed with a key that is not zero, even without entropy",
     test_key_without_entropy),
    ("a write to code stops the CPU", test_write_code),
    ("a write to constants stops the CPU", test_write_constants),
    ("a write to memory of the normal world stops the CPU", test_write_memory_of_others),
    ("running data stops the CPU", test_run_data),
    ("a stack that overflows stops the CPU, which says so", test_stack_overflow),
    ("an indirect call into a function stops the CPU", test_jump_into_function),
    ("a forged return address stops the CPU", test_forged_return),
    ("boot: the RMM prints one line, its banner", test_one_line),
    ("boot: interface version not supported: EL3 is told -2", argument(1, 0x10004, -2)),
    ("boot: too many CPUs: EL3 is told -3", argument(2, CPUS + 1, -3)),
    ("boot: CPU index too large: EL3 is told -4", argument(0, CPUS, -4)),
    ("boot: CPU index of 41 bits: EL3 is told -4", argument(0, 1 << 40, -4)),
    ("boot: no shared page: EL3 is told -5", argument(3, 0, -5)),
    ("boot: shared page not aligned: EL3 is told -5", argument(3, 0x418FF008, -5)),
    ("boot: shared page of the normal world: EL3 is told -5", argument(3, 0x60000000, -5)),
    ("boot: shared page beyond all memory: EL3 is told -5", argument(3, 1 << 51, -5)),
    ("boot: manifest version not supported: EL3 is told -6", word_of_manifest(0, -1, -6)),
    ("boot: a bank too many in the manifest: EL3 is told -7", word_of_manifest(DRAM, 1, -7)),
    ("boot: banks elsewhere: EL3 is told -7", word_of_manifest(DRAM + 8, PAGE, -7)),
    ("boot: wrong checksum of the consoles: EL3 is told -7",
     word_of_manifest(CONSOLES + 16, 1, -7)),
    ("warm boot: CPU index that was not announced: EL3 is told -4", warm_index(5, 5)),
    ("warm boot: CPU index beyond all stacks: EL3 is told -4", warm_index(CPUS, CPUS)),
]


def run_test(test: Test, flash: str, symbols: dict[str, int], log: TextIO) -> list[str]:
    """What is wrong, as lines; none if the test passed."""
    try:
        with Boot(flash, symbols, log, getattr(test, "cpus", 1),
                  getattr(test, "tests", "version")) as boot:
            test(boot)
    except (Failure, OSError, KeyError) as failure:
        return [f"{type(failure).__name__}: {failure}"]
    return []
