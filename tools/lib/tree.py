# SPDX-License-Identifier: BSD-3-Clause
"""The checked tree and the way a check reports: shared by all tools/check-* scripts."""

import argparse
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
IGNORED_DIRS = {".git", "build", "__pycache__"}
IGNORED_ENDS = (".o", ".pyc", ".ko", ".mod", ".cmd")


class Tree:
    """Files of a checkout that are, or could be, committed; paths relative to its top."""

    def __init__(self, root):
        self.root = os.path.realpath(root)
        names = self._from_git()
        if names is None:
            names = self._from_disk()
        self.files = sorted(n for n in names if os.path.isfile(self.path(n)))
        self._set = set(self.files)
        self._text = {}

    def _from_git(self):
        if not os.path.exists(os.path.join(self.root, ".git")):
            return None
        command = ["git", "-c", "safe.directory=*", "-C", self.root, "ls-files", "-z",
                   "--cached", "--others", "--exclude-standard"]
        try:
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        except FileNotFoundError:
            return None
        if done.returncode != 0:
            return None
        return [n for n in done.stdout.decode().split("\0") if n]

    def _from_disk(self):
        """A tree without a usable git (a tarball, a worktree seen from inside the rootfs)."""
        names = []
        for folder, dirs, files in os.walk(self.root):
            dirs[:] = [d for d in dirs if d not in IGNORED_DIRS]
            for name in files:
                if not name.endswith(IGNORED_ENDS) and name != ".git":
                    names.append(os.path.relpath(os.path.join(folder, name), self.root))
        return names

    def __contains__(self, name):
        return name in self._set

    def path(self, name):
        return os.path.join(self.root, name)

    def select(self, *ends, under=""):
        return [n for n in self.files if n.endswith(ends) and n.startswith(under)]

    def text(self, name):
        """Contents of a file; '' for one that is not text (an image, an archive)."""
        if name not in self._text:
            with open(self.path(name), "rb") as f:
                data = f.read()
            try:
                self._text[name] = "" if b"\0" in data else data.decode("utf-8")
            except UnicodeDecodeError:
                self._text[name] = ""
        return self._text[name]

    def shebang(self, name):
        first = self.text(name).split("\n", 1)[0]
        return first if first.startswith("#!") else ""

    def is_shell(self, name):
        return name.endswith(".sh") or self.shebang(name).endswith(("sh", "sh -e", "sh -eu"))

    def is_python(self, name):
        return name.endswith(".py") or "python" in self.shebang(name)


class Report:
    """Collects violations per rule. finish() writes what to do to stderr, TAP to stdout."""

    def __init__(self, tool, rules):
        self.tool = tool
        self.rules = rules
        self.broken = {}
        self.skipped = {}

    def fail(self, rule, where, line, message):
        if rule not in self.rules:
            raise KeyError(f"{self.tool} has no rule '{rule}'")
        self.broken.setdefault(rule, set()).add((where, line, message))

    def skip(self, rule, reason):
        self.skipped[rule] = reason

    def note(self, message):
        print(f"{self.tool}: {message}", file=sys.stderr)

    def finish(self):
        for found in self.broken.values():
            for where, line, message in sorted(found):
                place = f"{where}:{line}" if line else where
                print(f"{place}: {message}", file=sys.stderr)
        sys.stderr.flush()
        for rule, title in self.rules.items():
            name = f"{self.tool} {rule}: {title}"
            if rule in self.broken:
                print(f"not ok - {name}")
            elif rule in self.skipped:
                print(f"ok - {name} # SKIP {self.skipped[rule]}")
            else:
                print(f"ok - {name}")
        return 1 if self.broken else 0


def arguments(description):
    """The command line that all checks share; gives the tree to check."""
    parser = argparse.ArgumentParser(
        description=description,
        epilog="Violations go to stderr as file:line, TAP goes to stdout; status 1 if any rule "
               "is broken.")
    parser.add_argument("--root", default=TOP, help="tree to check (default: this checkout)")
    tree = Tree(parser.parse_args().root)
    if not tree.files:
        parser.error(f"nothing to check in {tree.root}")
    return tree
