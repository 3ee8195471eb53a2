# SPDX-License-Identifier: BSD-3-Clause
"""Cases for check-conditions: a command of two conditions, one of them in a shared function."""

import re

TOOL = "check-conditions"
COMMANDS = """RMI_COMMAND(0xC4000150, RMI_A, rmi_a, 1, 0, a_align, a_state) /* B4.1 */
RMI_COMMAND(0xC4000151, RMI_NONE, rmi_none, 1, 0, none) /* B4.2 */
#if defined(ABI_COMMANDS_ALL) || defined(ABI_COMMANDS_LATER)
RMI_COMMAND(0xC4000152, RMI_LATER, rmi_later, 1, 0, l_align)
#endif
"""
SOURCE = """#define X 1
static int state(int x)
{
	return x ? FAIL(a_state, RMI_ERROR_INPUT) : 0;
}
int rmi_a(int x)
{
	if (x) {
		return FAIL(a_align, RMI_ERROR_INPUT);
	}
	return state(x);
}
int rmi_none(int x)
{
	return x;
}
"""
MAP = """# Map
<!-- made by tools/map from abi/commands.def -->
| command | number | handler | specification | unit tests | on target |
|---|---|---|---|---|---|
| RMI_A | 0xC4000150 | `rmi_a()` in `rmm/cmd/rmi_a.c` | B4.1 | `a.c` | – |
| RMI_NONE | 0xC4000151 | `rmi_none()` in `rmm/cmd/rmi_a.c` | B4.2 | – | – |
<!-- end -->
"""
CSM = "RSI_COMMAND(0xC6000100, RSI_CSM_A, rsi_csm_a, 1, 0, apt, c_one, c_two)\n"
SPEC = """# CSM
### RSI_CSM_A (0xC6000100)
| register | in |
|---|---|
| x1 | a number |

| condition | status | when |
|---|---|---|
| c_one, c_two | RSI_ERROR_INPUT | always |

## Invariants
""" + "".join(f"| hazard {i:02} | x | y |\n" for i in range(1, 24)) \
    + "".join(f"| invariant {i:02} | x |\n" for i in range(1, 13))
TEST = 'COND("RMI_A", a_align)\nchar *name = "RMI_A a_state";\n'
NUMBERED = "".join(f"// x\nchar *h{i} = \"hazard {i:02}\";\n" for i in range(1, 24)) \
    + "".join(f"char *i{i} = \"invariant {i:02}\";\n" for i in range(1, 13))
GOOD = {
    "abi/commands.def": COMMANDS,
    "rmm/cmd/rmi_a.c": SOURCE,
    "abi/commands-csm.def": "#if defined(ABI_COMMANDS_CSM)\n" + CSM + "#endif\n",
    "docs/map.md": MAP,
    "docs/csm-spec.md": SPEC,
    "tests/unit/a.c": TEST,
    "rmm/csm/csm.c": "int x;\n",
    "tests/unit/csm.c": NUMBERED,
}
CASES = [
    ("a broken line", "lines", "commands.def:2",
     {"abi/commands.def": COMMANDS.replace("1, 0, none", "one, 0, none")}),
    ("a number used twice", "lines", "has the number of RMI_A",
     {"abi/commands.def": COMMANDS.replace("0xC4000151", "0xC4000150"),
      "docs/map.md": MAP.replace("0xC4000151", "0xC4000150")}),
    ("a condition listed twice", "lines", "lists a condition twice",
     {"abi/commands.def": COMMANDS.replace("a_align, a_state", "a_align, a_state, a_align")}),
    ("no handler", "handlers", "no rmi_none() in rmm/cmd",
     {"rmm/cmd/rmi_a.c": SOURCE.replace("rmi_none", "rmi_other"),
      "docs/map.md": re.sub(r"\| RMI_NONE.*\n", "", MAP)}),
    ("a condition that is not checked", "tags", "never fails with FAIL(a_align",
     {"rmm/cmd/rmi_a.c": SOURCE.replace("FAIL(a_align, RMI_ERROR_INPUT)", "1")}),
    ("a condition checked only in a comment", "tags", "never fails with FAIL(a_align",
     {"rmm/cmd/rmi_a.c": SOURCE.replace("FAIL(a_align, RMI_ERROR_INPUT)",
                                        "1 /* FAIL(a_align, X) */")}),
    ("a condition only another function checks", "tags", "never fails with FAIL(a_state",
     {"rmm/cmd/rmi_a.c": SOURCE.replace("return state(x)", "return 0")}),
    ("a tag that is no condition", "tags", "no command has the condition a_odd",
     {"rmm/cmd/rmi_a.c": SOURCE + "int f(void)\n{\n\treturn FAIL(a_odd, 1);\n}\n"}),
    ("a condition without a test", "tests", "'RMI_A a_state'",
     {"tests/unit/a.c": 'COND("RMI_A", a_align)\n'}),
    ("a test only in a comment", "tests", "'RMI_A a_state'",
     {"tests/unit/a.c": 'COND("RMI_A", a_align)\n/* RMI_A a_state */\n'}),
    ("a test of a condition with a longer name", "tests", "'RMI_A a_state'",
     {"tests/unit/a.c": 'COND("RMI_A", a_align)\nCOND("RMI_A", a_state2)\n'}),
    ("a group switched on", "handlers", "no rmi_later() in rmm/cmd",
     {"rmm/Makefile": "CFLAGS += -DABI_COMMANDS_LATER\n",
      "tests/unit/b.c": 'COND("RMI_LATER", l_align)\n'}),
    ("no row in the map", "map", "is not up to date",
     {"docs/map.md": MAP.replace("RMI_NONE", "RMI_NO")}),
    ("a row that names a file of the past", "map", "is not up to date",
     {"docs/map.md": MAP.replace("rmi_a.c` | B4.2", "old.c` | B4.2")}),
    ("a command that is not specified", "spec", "needs a section '### RSI_CSM_A (0xC6000100)'",
     {"docs/csm-spec.md": SPEC.replace("(0xC6000100)", "(0xC6000101)")}),
    ("a specified command that does not exist", "spec", "no command 'RSI_CSM_B (0xC6000101)'",
     {"docs/csm-spec.md": SPEC + "### RSI_CSM_B (0xC6000101)\n"}),
    ("conditions in another order", "spec", "must list c_one, c_two, in this order",
     {"docs/csm-spec.md": SPEC.replace("c_one, c_two", "c_two, c_one")}),
    ("a condition that is not specified", "spec", "must list c_one, c_two, in this order",
     {"docs/csm-spec.md": SPEC.replace("c_one, c_two", "c_one")}),
    ("a test of a hazard that nobody defines", "hazards", "'hazard 24', which",
     {"tests/unit/csm.c": NUMBERED + 'char *more = "hazard 24";\n'}),
    ("a hazard without a test", "hazards", "'hazard 23'",
     {"tests/unit/csm.c": NUMBERED.replace("hazard 23", "hazard")}),
    ("an invariant without a test", "hazards", "'invariant 07'",
     {"tests/unit/csm.c": NUMBERED.replace("invariant 07", "invariant 7")}),
]
