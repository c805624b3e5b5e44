"""What a run loads, as a URL: the settings name a path, a URL, or ``-`` for standard input."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from batchwright.home import from_home
from batchwright.secrets import masked_url

STDIN = "stdin:-"


def url_of(source: str | Path) -> str:
    """Return the URL of a source; a path becomes absolute, so that it means the same everywhere."""
    if isinstance(source, str) and "://" in source:
        return source
    if source == "-":
        return STDIN
    return Path(os.path.abspath(from_home(source))).as_uri()  # noqa: PTH100 - links stay, `..` and `.` don't


def path_of(url: str) -> Path | None:
    """Return the local path of a file URL; None for the URL of something else.

    Raises:
        ValueError: It names another machine.
    """
    parts = urlsplit(url)
    if parts.scheme.lower() != "file":
        return None
    if parts.netloc not in ("", "localhost"):
        raise ValueError(f"{parts.hostname!r} is another machine; a file URL of this one is file:///path")
    return Path(os.fsdecode(unquote_to_bytes(parts.path)))


def name_of(url: str) -> str:
    """Return what a source is called: a folder by its name, a file by its name up to the first dot.

    Anything else is called by the last part of its path, or its host. Empty for what has no name.
    """
    path = path_of(url)
    if path is not None:
        return path.name.partition(".")[0] or path.name if path.is_file() else path.name
    parts = urlsplit(url)
    return unquote(parts.path.rstrip("/").rpartition("/")[2]) or parts.hostname or ""


def shown(source: str | Path) -> str:
    """Return a source for messages: without a password, and without what a URL has behind its path."""
    if isinstance(source, Path) or "://" not in source:
        return str(source)
    return masked_url(source).partition("?")[0].partition("#")[0]
