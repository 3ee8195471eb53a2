# SPDX-License-Identifier: BSD-3-Clause
"""The tools of the verifier on this computer: cca-measure and cca-verify."""

import os
import subprocess

import paths
from tap import Failure


def path(name: str) -> str:
    """Where a tool is."""
    return os.path.join(paths.VERIFIER, name)


def tool(name: str, *arguments: str) -> str:
    """Runs a tool and returns its standard output. Raises Failure if it does not end with 0."""
    done = subprocess.run([path(name), *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        raise Failure(said if said.startswith(name) else f"{name}: {said}")
    return done.stdout
