# SPDX-License-Identifier: BSD-3-Clause
"""Remembers what a checker has found clean, in a folder beside ccache's (env/remove removes it).

Only clean results are remembered, so a finding is shown again each time. A key is made of all that
the result depends on: the checker's version and flags, and the text of the files.
"""

import hashlib
import os
import subprocess


def folder():
    """Where clean results are remembered; None: nowhere."""
    ccache = os.environ.get("CCACHE_DIR")
    path = ccache and os.path.join(os.path.dirname(ccache.rstrip("/")), "tidy")
    try:
        if path:
            os.makedirs(path, exist_ok=True)
    except OSError:
        return None
    return path


def version(*command):
    """What a tool says of its version, as a part of a key."""
    return subprocess.run([*command, "--version"], stdout=subprocess.PIPE).stdout


def key(*parts):
    """A key of texts (str) and bytes."""
    digest = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else part.encode()
        digest.update(b"%d:" % len(data) + data)
    return digest.hexdigest()


def texts(files, names):
    """One part of a key: names and texts of these files of a tree."""
    return key(*(part for name in names for part in (name, files.text(name))))


def known(name):
    """Whether this key is that of a clean result."""
    path = folder()
    return bool(path and name and os.path.exists(os.path.join(path, name)))


def remember(name):
    """The result of this key is clean."""
    path = folder()
    if path and name:
        with open(os.path.join(path, name), "w", encoding="ascii"):
            pass
