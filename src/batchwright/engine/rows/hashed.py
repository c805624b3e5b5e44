"""Files of rows, told from others by their bytes: one that is as it was need not be read row by row."""

from __future__ import annotations

import io
from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_AT_ONCE = 256 * 1024


def stream_hash(opened: Callable[[], BinaryIO]) -> str:
    """Return the hash of all bytes of a stream."""
    digest = sha256()
    with opened() as stream:
        while data := stream.read(_AT_ONCE):
            digest.update(data)
    return _named(digest.hexdigest())


class Hashing:
    """Hashes a stream while it is read, so that the hash is that of the very bytes that were read.

    Args:
        stream: The bytes.

    Attributes:
        stream: What to read them from; closing it closes the other.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._raw = _Raw(stream)
        self.stream = cast(BinaryIO, io.BufferedReader(self._raw, _AT_ONCE))

    @property
    def hash(self) -> str:
        """The hash of all bytes; empty where not all were read, from the first to the last."""
        raw = self._raw
        return _named(raw.digest.hexdigest()) if raw.is_in_order and raw.is_at_end else ""


class _Raw(io.RawIOBase):
    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.digest = sha256()
        self.is_in_order, self.is_at_end = True, False

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._stream.seekable()

    def tell(self) -> int:
        return self._stream.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.is_in_order = False
        return self._stream.seek(offset, whence)

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        data = self._stream.read(len(view))
        view[: len(data)] = data
        self.digest.update(data)
        self.is_at_end = not data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._stream.close()


def _named(digest: str) -> str:
    return f"sha256:{digest}"
