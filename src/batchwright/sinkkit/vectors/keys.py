"""What a row of the records keeps of its vector: the column `_vector_key`.

32 bytes are the key. Less is why it has none: `n` for no text, `o` for published in an outage, `r` and the
number of a model for a text that this model refused. NULL is what nobody has embedded yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from batchwright.contracts.vectors import Key, Without

COLUMN = "_vector_key"
"""The column; no field of a record type begins with an underscore."""

LENGTH = 32
"""Bytes of a key."""

NO_TEXT = b"n"
OUTAGE = b"o"


def refused_by(number: int) -> bytes:
    """Return what is kept where a model refused the text.

    Args:
        number: The model's.
    """
    return b"r%d" % number


def kept(keys: Iterable[Key | Without], number: int) -> Iterator[bytes]:
    """Yield what rows keep.

    Args:
        keys: The keys, or why there is none.
        number: The model's.

    Raises:
        ValueError: One is no key.
    """
    refused = refused_by(number)
    for key in keys:
        if isinstance(key, bytes):
            if len(key) != LENGTH:
                raise ValueError(f"a key of {len(key)} bytes, where it is a SHA-256 of {LENGTH}")
            yield key
        else:
            yield NO_TEXT if key == "no_text" else OUTAGE if key == "outage" else refused


def key_of(kept: bytes | None) -> Key | None:
    """Return the key that a row keeps, if any."""
    return kept if kept is not None and len(kept) == LENGTH else None
