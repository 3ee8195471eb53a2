# SPDX-License-Identifier: BSD-3-Clause
"""Cases for check-format."""

TOOL = "check-format"
GOOD = {
    ".clang-format": "BasedOnStyle: LLVM\nUseTab: Always\nIndentWidth: 8\nTabWidth: 8\n",
    "rmm/base/a.c": "int a(void) { return 1; }\n",
}
CASES = [
    ("wrong blanks", "layout", "rmm/base/a.c:1", {"rmm/base/a.c": "int a(void){return 1;}\n"}),
]
