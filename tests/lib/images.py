# SPDX-License-Identifier: BSD-3-Clause
"""Images that machines boot: flash with TF-A, our firmware and what runs in the normal world."""

import os
import subprocess

from paths import TOP


def flash(out: str, firmware: str, bl33: str | None = None) -> str:
    """Makes a flash image (env/flash) with that RMM unless it is there and newer than its parts.

    bl33 runs in the normal world; without it, the kernel that QEMU loads (host.py). Returns out.
    Raises FileNotFoundError if a part is missing, CalledProcessError if env/flash fails.
    """
    parts = [firmware, *([bl33] if bl33 else [])]
    for part in parts:
        if not os.path.exists(part):
            raise FileNotFoundError(f"{part} is missing: build it first")
    if os.path.exists(out) and all(os.path.getmtime(part) < os.path.getmtime(out)
                                   for part in parts):
        return out
    world = ["--bl33", bl33] if bl33 else ["--linux"]
    subprocess.run([os.path.join(TOP, "env", "flash"), "--rmm", firmware, *world, "-o", out],
                   check=True)
    return out
