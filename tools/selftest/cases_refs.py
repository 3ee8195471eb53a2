# SPDX-License-Identifier: BSD-3-Clause
"""Cases for check-refs."""

TOOL = "check-refs"
GOOD = {
    "abi/commands.def": "RMI_COMMAND(0xC4000150, RMI_VERSION, rmi_version, 1, 2, none) "
                        "/* B4.3.23 */\n",
    "rmm/cmd/rmi_version.c": "// tag\n/* RMI_VERSION (RMM specification B4.3.23). */\n"
                             "void rmi_version(void)\n{\n\tf();\n}\n",
    "rmm/base/a.c": "/* See base/a.h; rmi_version() answers. csm-spec.md section 1 */\nint a;\n",
    "rmm/base/a.h": "int b;\n",
    "user/meson.build": "a = files('b/c.c')\nforeach name : ['ring']\n",
    "user/b/c.c": "int c;\n",
    "user/tests/test_ring.c": "int d;\n",
    "docs/csm-spec.md": "# CSM\n## 1. Terms\n## 2. More words\n",
    "docs/a.md": "See `rmm/base/a.c`, `tests/x_NAME.c`, [terms](csm-spec.md#2-more-words) and "
                 "[this](#here).\n## Here\n",
}
CASES = [
    ("a document names no file", "files", "docs/a.md:2", {"docs/a.md": "x\n`rmm/base/b.c`\n"}),
    ("a comment names no file", "files", "rmm/base/a.c:2: base/c.h",
     {"rmm/base/a.c": "int a;\n/* See base/c.h. */\n"}),
    ("a document names no function", "functions", "gone_away(): there is no such function",
     {"docs/a.md": "`gone_away()` does it.\n"}),
    ("a function that only a comment has", "functions", "gone_away()",
     {"rmm/base/a.c": "/* gone_away() calls gone_away(). */\nint a;\n"}),
    ("a section that the specification lacks", "sections", "has no section 3",
     {"rmm/base/a.c": "/* csm-spec.md section 3 */\n"}),
    ("a link to no heading", "sections", "docs/a.md:1",
     {"docs/a.md": "[x](csm-spec.md#2-other-words)\n"}),
    ("a link to no heading of the page", "sections", "no heading #there",
     {"docs/a.md": "[x](#there)\n# Here\n"}),
    ("a handler's file names another section", "commands", "rmm/cmd/rmi_version.c",
     {"rmm/cmd/rmi_version.c": "// tag\n/* RMI_VERSION (RMM specification B4.3.22). */\n"
                               "void rmi_version(void)\n{\n\tf();\n}\n"}),
    ("a function for other files without a contract", "contracts", "rmm/base/a.c:1: g()",
     {"rmm/base/a.c": "int g(void)\n{\n\treturn 1;\n}\n"}),
    ("a long function without a contract", "contracts", "rmm/base/a.c:1: g()",
     {"rmm/base/a.c": "static int g(void)\n{\n" + "\tx++;\n" * 13 + "}\n"}),
    ("a function of a machine without a contract", "contracts", "rmm/arch/host/a.c:1: g()",
     {"rmm/arch/host/a.c": "int g(void)\n{\n\treturn 1;\n}\n"}),
    ("a function of tests without a contract", None, "",
     {"linux/guest/tests/a.c": "int g(void)\n{\n\treturn 1;\n}\n",
      "tests/unit/a.c": "int h(void)\n{\n\treturn 1;\n}\n"}),
    ("a source that is not built", "built", "user/b/d.c", {"user/b/d.c": "int d;\n"}),
    ("a test that is not built", "built", "user/tests/test_e.c",
     {"user/tests/test_e.c": "int e;\n"}),
    ("a handler's file names no section", "commands", "no section",
     {"rmm/cmd/rmi_version.c": "// tag\n/* RMI_VERSION. */\n"
                               "void rmi_version(void)\n{\n\tf();\n}\n"}),
]
