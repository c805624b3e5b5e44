"""Paths that begin with ``~``, which no shell expands in a file of settings or a variable."""

from __future__ import annotations

import os
from pathlib import Path


def from_home(path: str | Path) -> Path:
    """Return a path with ``~`` or ``~user`` at its beginning as a shell reads it; ``./~`` is a name.

    A user who isn't there leaves the path as it is, as in a shell.
    """
    text = os.fspath(path)
    if text.startswith("~"):
        return Path(os.path.expanduser(text))  # noqa: PTH111 - pathlib raises for a user who isn't there
    named = Path(text)
    return named.absolute() if str(named).startswith("~") else named
