"""The item: what a source lists, before anything of it is read."""

from __future__ import annotations

from typing import Any, NamedTuple


class Item(NamedTuple):
    """A file, an object, a row: something that a source can fetch. Can be pickled.

    Attributes:
        key: Names it, once in the source; for a file its path relative to the source, in posix form. It is
            the key of the document that is made of it.
        handle: What the source needs to fetch it; nobody else looks at it.
        size: Its bytes, as far as is known.
        fingerprint: Changes whenever its content does, such as an ETag; empty where that isn't known
            without fetching it. One that is the same as before is not fetched again.
        media_type: Such as ``text/html``; picks the reader where the key's ending doesn't. May be empty.
        error: Why it can't be fetched, else None: so it is accounted for, and not taken for deleted.
        deleted: Whether the source says that it is gone; only a source that doesn't list everything has to.
    """

    key: str
    handle: Any = None
    size: int = 0
    fingerprint: str = ""
    media_type: str = ""
    error: str | None = None
    deleted: bool = False
