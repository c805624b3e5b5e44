"""A file's bytes, in memory at once: the converters need all of them."""

from __future__ import annotations

from typing import BinaryIO

from batchwright import DocumentError, Item


def whole(stream: BinaryIO, item: Item, most: int) -> bytes:
    """Return all bytes of a stream.

    Args:
        stream: What to read.
        item: What it is, for the message.
        most: How many bytes there may be.

    Raises:
        DocumentError: There are none, or more than `most`.
    """
    parts: list[bytes] = []
    room = most + 1
    while room and (part := stream.read(room)):  # a stream may give less than it is asked for
        parts.append(part)
        room -= len(part)
    if not room:
        raise DocumentError(
            item.key, f"it has more than {most:,} bytes; split it, or raise max_bytes of its reader"
        )
    if not parts:
        raise DocumentError(item.key, "it is empty; remove it, or exclude it")
    return parts[0] if len(parts) == 1 else b"".join(parts)
