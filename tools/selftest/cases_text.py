# SPDX-License-Identifier: BSD-3-Clause
"""Cases for check-text. Words it looks for are written in two pieces: it reads this file too."""

TOOL = "check-text"
BSD = "SPDX-License-Identifier: BSD-3-Clause\n"
GOOD = {
    "rmm/base/a.c": "// " + BSD + "int x;\n",
    "linux/host/a.c": "// SPDX-License-Identifier: GPL-2.0-only\n",
    "abi/a.h": "/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-3-Clause) */\n",
    "Makefile": "# " + BSD,
    "tools/a": "#!/bin/bash\n# " + BSD + 'echo "$1"\n',
    "tools/b": "#!/usr/bin/env python3\n# " + BSD + "print(1)\n",
    "docs/a.md": "[here](b.md#part), [there](../rmm/base/a.c), [web](https://example.org/x)\n",
    "docs/glossary.md": "## Terms\n| `lent` | x |\n## Words\n| a | b |\n|---|---|\n"
                        "| `seam` (of x) | arch interface |\n",
    "docs/b.md": "Mount /ro" "ot and /tmp, run /usr/bin/make; /proc/1/ro" "ot/etc.\n",
}
CASES = [
    ("no tag", "licence", "rmm/base/a.c:1", {"rmm/base/a.c": "int x;\n"}),
    ("a tag of another folder", "licence", "GPL-2.0-only",
     {"linux/host/a.c": "// " + BSD}),
    ("a script without tag", "licence", "tools/a:1", {"tools/a": "#!/bin/bash\ntrue\n"}),
    ("a note of unfinished work", "finished", "docs/b.md:1", {"docs/b.md": "TO" "DO later\n"}),
    ("a path of one machine", "places", "/ho" "me/a",
     {"docs/b.md": "see /ho" "me/anna/x\n"}),
    ("an archive's host", "places", "docs/b.md:1",
     {"docs/b.md": "http://" + ".".join(("deb", "debian", "org")) + "/\n"}),
    ("blanks at the end", "whitespace", "docs/b.md:1", {"docs/b.md": "x \n"}),
    ("no newline at the end", "whitespace", "no newline", {"docs/b.md": "x"}),
    ("line ends of another system", "whitespace", "CR in the file", {"docs/b.md": "x\r\n"}),
    ("a careless shell script", "shell", "tools/a:3",
     {"tools/a": "#!/bin/bash\n# " + BSD + "rm $1/x\n"}),
    ("Python that does not compile", "python", "does not compile",
     {"tools/b": "#!/usr/bin/env python3\n# " + BSD + "print(\n"}),
    ("Python with an unused import", "python", "imported but unused",
     {"tools/b": "#!/usr/bin/env python3\n# " + BSD + "import os\n"}),
    ("a word that the glossary rejects", "words", "docs/a.md:1: 'Seams'",
     {"docs/a.md": "Seams here.\n"}),
    ("a link to nowhere", "links", "docs/a.md:1", {"docs/a.md": "[x](c.md)\n"}),
]
