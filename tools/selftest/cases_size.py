# SPDX-License-Identifier: BSD-3-Clause
"""Cases for check-size: one budget exceeded by one each."""

TOOL = "check-size"
ASSERTING = "static_assert(1, \"\");\n"


def function(name, lines):
    """A function of exactly so many lines."""
    return f"int {name}(void)\n{{\n" + "\tx();\n" * (lines - 3) + "}\n"


def nested(depth):
    return "int f(void)\n{\n" + "if (x) {\n" * depth + "}\n" * depth + "}\n"


GOOD = {
    "rmm/base/a.c": function("f", 80) + function("g", 3) + ASSERTING * 10,
    "rmm/base/b.c": "int f(int a, int (*b)(int, int), int c, int d, int e, int g)\n{\n}\n",
    "rmm/base/c.c": nested(4),
    "rmm/base/d.c": "int f(void)\n{\n" + "\tif (x && y) {\n\t}\n" * 7 + "}\n",
    "rmm/base/e.c": "struct s v = {.a = {{{{{{1}}}}}}};\n/* if (a) { { { { { { */\n",
    "rmm/base/f.c": "#if A\nint f(void)\n{\n#else\nint f(int a)\n{\n#endif\n}\n",
    "rmm/base/g.c": "int f(void)\n{\n\tchar *s = \"if ( { { { {\";\n"
                    "\tg((struct p[]){{{{{{1}}}}}});\n}\n",
    "rmm/base/h.c": "int x;\n" * 800,
    "rmm/base/i.c": ASSERTING * 30,
    "tests/unit/a.c": "int x;\n" * 1200,
}
CASES = [
    ("a long function", "functions", "rmm/base/a.c:1: f() has lines 81",
     {"rmm/base/a.c": function("f", 81) + ASSERTING * 10}),
    ("seven parameters", "functions", "params 7",
     {"rmm/base/b.c": "int f(int a, int b, int c, int d, int e, int g, int h)\n{\n}\n"}),
    ("nesting of five", "functions", "nesting 5", {"rmm/base/c.c": nested(5)}),
    ("a case label's block counts", "functions", "nesting 5",
     {"rmm/base/c.c": "int f(void)\n{\nif (x) {\nif (x) {\nswitch (y) {\ncase 1: {\nif (z) {\n"
                      "}\n}\n}\n}\n}\n}\n"}),
    ("sixteen ways through", "functions", "cyclomatic 16",
     {"rmm/base/d.c": "int f(void)\n{\n" + "\tx = a ? b : c;\n" * 15 + "}\n"}),
    ("the second of two functions", "functions", "rmm/base/a.c:4: g() has",
     {"rmm/base/a.c": function("f", 3) + function("g", 90)}),
    ("a median of sixteen", "typical", "median function has 16",
     {"rmm/base/j.c": "".join(function(f"f{i}", 16) for i in range(40))}),
    ("too many long ones", "typical", "p95 function has 60",
     {"rmm/base/j.c": "".join(function(f"f{i}", 60 if i < 5 else 5) for i in range(40))}),
    ("a file of 801 lines", "files", "801 lines, at most 800",
     {"rmm/base/h.c": "int x;\n" * 801}),
    ("a test of 1,201 lines", "files", "1201 lines, at most 1200",
     {"tests/unit/a.c": "int x;\n" * 1201}),
    ("101 columns, tabs counted as eight", "columns", "101 columns",
     {"rmm/base/k.c": "\t" + "x" * 93 + "\n"}),
    ("121 columns in a shell script", "columns", "121 columns, at most 120",
     {"tools/a": "#!/bin/sh\n" + "x" * 120 + "\n" + "x" * 121 + "\n"}),
    ("few assertions", "assertions", "at least 20", {"rmm/base/i.c": "int x;\n" * 700}),
    ("assertions in comments", "assertions", "at least 20",
     {"rmm/base/i.c": "int x; /* ASSERT(1) */\n" * 700}),
    ("too much for one machine", "machine", "rmm/arch/aarch64",
     {f"rmm/arch/aarch64/{i}.c": ASSERTING * 750 for i in range(7)}),
    ("an exception no longer needed", "allow-list", "delete the entry",
     {"tools/size-allow": "rmm/base/a.c:f lines 90\n"}),
    ("an exception that is too generous", "allow-list", "lower the entry",
     {"rmm/base/a.c": function("f", 85) + ASSERTING * 10,
      "tools/size-allow": "rmm/base/a.c:f lines 90\n"}),
    ("an exact exception is accepted", None, "",
     {"rmm/base/a.c": function("f", 85) + ASSERTING * 10,
      "tools/size-allow": "# why\nrmm/base/a.c:f lines 85   # why\n"}),
    ("an exception that has been outgrown", "functions", "lines 91",
     {"rmm/base/a.c": function("f", 91) + ASSERTING * 10,
      "tools/size-allow": "rmm/base/a.c:f lines 90\n"}),
]
