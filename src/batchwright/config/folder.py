"""The local folder that a source names, as a path or as a URL."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from batchwright.secrets import mask, secrets_in


def folder_of(source: str | Path) -> Path:
    """Return the local folder of a source.

    Raises:
        ValueError: It is the URL of something else.
    """
    if isinstance(source, Path) or "://" not in source:
        return Path(source)
    parts = urlsplit(source)
    if parts.scheme.lower() != "file":
        shown = mask(source, secrets_in(source))
        raise ValueError(f"no source for {parts.scheme!r} URLs yet, only local folders: {shown}")
    if parts.netloc not in ("", "localhost"):
        raise ValueError(f"{parts.netloc!r} is another machine; a file URL of this one is file:///path")
    return Path(unquote(parts.path))
