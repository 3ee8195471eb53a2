# SPDX-License-Identifier: BSD-3-Clause
"""Cases for check-headers."""

TOOL = "check-headers"


def guarded(guard, body):
    return f"/* What it is. */\n#ifndef {guard}\n#define {guard}\n{body}\n#endif\n"


GOOD = {
    "rmm/base/bits.h": guarded("RMM_BASE_BITS_H", "#include <stdint.h>\nstatic inline uint32_t "
                               "bit(void)\n{\n\treturn 1;\n}"),
    "vmm/bus.h": guarded("VMM_BUS_H", "#include <stdio.h>\nvoid bus(FILE *f);"),
    "linux/host/host.h": guarded("LINUX_HOST_HOST_H", "#include <linux/module.h>"),
}
CASES = [
    ("a type nobody declared", "alone", "rmm/base/bits.h: does not compile alone",
     {"rmm/base/bits.h": guarded("RMM_BASE_BITS_H", "uint32_t bit(void);")}),
    ("a warning", "alone", "vmm/bus.h: does not compile alone",
     {"vmm/bus.h": guarded("VMM_BUS_H", "static inline int f(int unused)\n{\n\treturn 1;\n}")}),
    ("no guard", "guards", "begin with #ifndef", {"vmm/bus.h": "void bus(void);\n"}),
    ("two names in a guard", "guards", "begin with #ifndef",
     {"linux/host/host.h": "#ifndef A_HOST_H\n#define B_HOST_H\n#endif\n"}),
    ("a guard of another file", "guards", "must end in BUS_H",
     {"vmm/bus.h": guarded("VMM_TRAM_H", "void bus(void);")}),
    ("a guard used twice", "guards", "is also that of",
     {"user/bus.h": guarded("VMM_BUS_H", "void bus(void);")}),
    ("text behind the guard", "guards", "nothing may follow",
     {"vmm/bus.h": guarded("VMM_BUS_H", "") + "void bus(void);\n"}),
    ("both machines' halves of an arch header share a guard", None, "",
     {f"rmm/arch/{m}/inline/arch_inline/cpu.h": guarded("ARCH_INLINE_CPU_H", "nonsense alone")
      for m in ("host", "aarch64")}),
    ("#pragma once", "guards", "begin with #ifndef",
     {"linux/host/host.h": "#pragma once\n"}),
]
