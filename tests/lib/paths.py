# SPDX-License-Identifier: BSD-3-Clause
"""Where runners find what they boot, and where they put logs and results."""

import os

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
BUILD = os.environ.get("BUILD") or os.path.join(TOP, "build")
VERIFIER = os.path.join(BUILD, "native", "verifier")  # cca-verify and cca-measure
ANCHOR = os.path.join(TOP, "verifier", "anchors", "tf-a-sample.pem")  # of the emulated platform


def kernel() -> str:
    """The stock kernel of host and realms, as an image with an EFI header. Raises OSError outside
    the environment (env/run)."""
    with open("/etc/caec/kernel-version", encoding="utf-8") as file:
        return f"/usr/lib/modules/{file.read().strip()}/vmlinuz"


def _below(folder: str, name: str) -> str:
    path = os.path.join(BUILD, folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return path


def log(name: str) -> str:
    """The file for the console of a machine of that name; its folder exists."""
    return _below("logs", f"{name}.log")


def results(name: str) -> str:
    """The file for results of that name, with its ending; its folder exists."""
    return _below("results", name)
