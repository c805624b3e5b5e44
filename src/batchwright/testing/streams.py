"""A stream as a source may hand it out: it can't go back, and gives a little at a time."""

from __future__ import annotations

import io


class OnceOnly(io.BytesIO):
    """Can be read once, from its beginning to its end, and has no name.

    Attributes:
        taken: Bytes that were read.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.taken = 0

    def seekable(self) -> bool:
        """Never."""
        return False

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Refuse."""
        raise io.UnsupportedOperation("seek: a source's stream can't go back; read what you need again")

    def tell(self) -> int:
        """Refuse."""
        raise io.UnsupportedOperation("tell: a source's stream doesn't say where it is; count what you read")

    def getvalue(self) -> bytes:
        """Refuse."""
        raise io.UnsupportedOperation("getvalue: a source's stream can only be read")

    def getbuffer(self) -> memoryview:
        """Refuse."""
        raise io.UnsupportedOperation("getbuffer: a source's stream can only be read")

    def read(self, size: int | None = -1) -> bytes:
        """Return the next bytes: all of them, or so many; fewer only at the end."""
        return self._count(super().read(size))

    def read1(self, size: int | None = -1) -> bytes:
        """Return some of the next bytes."""
        return self._count(super().read1(min(size, 1_000) if size is not None and size >= 0 else 1_000))

    def readline(self, size: int | None = -1) -> bytes:
        """Return the next line."""
        return self._count(super().readline(size))

    def __next__(self) -> bytes:
        return self._count(super().__next__())

    def _count(self, data: bytes) -> bytes:
        self.taken += len(data)
        return data
