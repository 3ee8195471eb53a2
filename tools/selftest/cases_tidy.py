# SPDX-License-Identifier: BSD-3-Clause
"""Cases for check-tidy: a finding fails, a folder that is not looked at does not."""

TOOL = "check-tidy"
LIST = "Checks: '-*,bugprone-branch-clone'\nWarningsAsErrors: '*'\n"
TWICE = "int f(int a)\n{\n\tif (a) {\n\t\treturn 1;\n\t} else {\n\t\treturn 1;\n\t}\n}\n"
GOOD = {
    ".clang-tidy": LIST,
    "vmm/a.c": "int f(int a)\n{\n\treturn a;\n}\n",
    "vmm/tests/t.c": TWICE,
}
CASES = [
    ("both branches are the same", "tidy", "bugprone-branch-clone", {"vmm/a.c": TWICE}),
    ("a source that does not compile", "tidy", "error: ", {"vmm/a.c": "int f(\n"}),
]
