# SPDX-License-Identifier: BSD-3-Clause
"""The tables of docs/map.md, made from the lists of commands, the handlers and the tests."""

import re

import csource

PAGE = "docs/map.md"
BEGIN, END = "<!-- made by tools/map from {} -->", "<!-- end -->"
PARTS = ("abi/commands.def", "abi/commands-csm.def")
TESTS = ("tests/unit/", "tests/payload/")
LINE = re.compile(r"^(?:RMI|RSI|PSCI)_COMMAND\((0x\w+),\s*(\w+),\s*(\w+),.*\)"
                  r"(?:\s*/\*\s*(.*?)\s*\*/)?\s*$", re.M)
HEAD = ("| command | number | handler | specification | unit tests | on target |\n"
        "|---|---|---|---|---|---|\n")


def handlers(files):
    """Function name -> file of rmm/cmd that defines it."""
    found = {}
    for name in files.select(".c", under="rmm/cmd/"):
        for function in csource.functions(files.text(name)):
            found[function.name] = name
    return found


def tests(files):
    """(file, its text without comments) for every file that can name a command."""
    return [(name, csource.without_comments(files.text(name)))
            for folder in TESTS for name in files.select(".c", under=folder)]


def anchor(name, number):
    """The fragment that a renderer makes of the heading '### NAME (0xNUMBER)'."""
    return f"{name.lower()}-{number.lower()}"


def cells(places, folder, word):
    """The files below folder that name the command, without the folder."""
    names = [name[len(folder):] for name, text in places
             if name.startswith(folder) and word.search(text)]
    return ", ".join(f"`{name}`" for name in names) or "–"


def rows(files, definitions, homes, places):
    """One row per command of a list."""
    lines = []
    for number, name, handler, section in LINE.findall(files.text(definitions)):
        if handler not in homes:
            continue
        where = section or f"[csm-spec](csm-spec.md#{anchor(name, number)})"
        word = re.compile(rf'"[^"\n]*\b{name}\b[^"\n]*"')
        lines.append(f"| {name} | {number} | `{handler}()` in `{homes[handler]}` | {where} "
                     f"| {cells(places, 'tests/unit/', word)} "
                     f"| {cells(places, 'tests/payload/host/tests/', word)} |\n")
    return "".join(lines)


def page(files):
    """docs/map.md as it should be: what stands outside the marks stays."""
    text = files.text(PAGE)
    homes, places = handlers(files), tests(files)
    for definitions in PARTS:
        if definitions not in files:
            continue
        begin = BEGIN.format(definitions)
        head, mark, rest = text.partition(begin)
        if not mark or END not in rest:
            continue
        rest = rest[rest.index(END):]
        text = f"{head}{begin}\n{HEAD}{rows(files, definitions, homes, places)}{rest}"
    return text
