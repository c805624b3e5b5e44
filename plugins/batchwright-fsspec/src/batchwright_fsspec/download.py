"""Fetch a body whole, before anybody reads it: into memory if it is small, else into a temporary file.

A reader may take its time, and read twice, without holding a connection open; and it never sees a body that
turns out to be cut short.
"""

from __future__ import annotations

import hashlib
import io
import tempfile
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import IO, Any, BinaryIO

from batchwright_fsspec.drivers import run

BLOCK = 1 << 20
"""Bytes that are read at a time; a body below that stays in memory."""


@dataclass(frozen=True, slots=True)
class Body:
    """A body that is about to be read.

    Attributes:
        read: Returns up to so many bytes; none at the end.
        close: Gives the connection up.
        length: Its bytes, as the answer says; None if it doesn't.
        md5: Its MD5 in hexadecimal, as the answer says; empty if it doesn't.
        fingerprint: Of the object.
    """

    read: Callable[[int], Awaitable[bytes]]
    close: Callable[[], object]
    length: int | None = None
    md5: str = ""
    fingerprint: str = ""


class Content:
    """The bytes of a body. They are freed when nobody refers to them any more.

    Attributes:
        size: How many there are.
    """

    def __init__(self) -> None:
        self.size = 0
        self._small = b""
        self._file: IO[bytes] | None = None
        self._lock = threading.Lock()

    def append(self, block: bytes) -> None:
        """Add bytes at the end; beyond a block they are in a file, which no folder shows."""
        self.size += len(block)
        if self._file is None and self.size <= BLOCK:
            self._small += block
            return
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="batchwright-")  # noqa: SIM115 - closed in `close`
            self._file.write(self._small)
            self._small = b""
        self._file.write(block)

    def open(self) -> BinaryIO:
        """Return a stream over all of it; several may be open at the same time."""
        if self._file is None:
            return io.BytesIO(self._small)
        return io.BufferedReader(_Window(self, self._file, self._lock), BLOCK)

    def close(self) -> None:
        """Free it at once."""
        if self._file is not None:
            self._file.close()

    def __del__(self) -> None:
        self.close()


class _Window(io.RawIOBase):
    """A position of its own in a file that several read; it keeps the content alive."""

    def __init__(self, content: Content, file: IO[bytes], lock: threading.Lock) -> None:
        self._content, self._file, self._shared, self._at = content, file, lock, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with self._shared:
            self._file.seek(self._at)
            found = self._file.read(len(buffer))
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END:
            with self._shared:
                base = self._file.seek(0, io.SEEK_END)
        else:
            base = self._at if whence == io.SEEK_CUR else 0
        if base + offset < 0:
            raise ValueError("a position before the beginning")
        self._at = base + offset
        return self._at


def download(fs: Any, name: str, start: Callable[[], Awaitable[Body]]) -> tuple[Content, str]:
    """Return what is in a body, and the object's fingerprint.

    Args:
        fs: The file system on whose event loop it is read.
        name: The object, for messages.
        start: Sends the request, and returns the body of the answer.

    Raises:
        ConnectionError: The body was cut short, or isn't what its checksum says.
        Exception: What `start` and reading raise.
    """
    body, block = run(fs, _begin, start)
    content, md5 = Content(), hashlib.md5(usedforsecurity=False)
    try:
        while block:
            content.append(block)
            md5.update(block)
            block = run(fs, _filled, body) if len(block) == BLOCK else b""
        if body.length is not None and content.size != body.length:
            raise ConnectionError(f"{name}: the body ended after {content.size:,} of {body.length:,} bytes")
        if body.md5 and md5.hexdigest() != body.md5:
            raise ConnectionError(
                f"{name}: the bytes don't have the MD5 that the ETag says; if this store's ETags are no "
                "MD5s, set check_md5 = false"
            )
    except BaseException:
        content.close()
        raise
    finally:
        if content.size >= BLOCK:
            run(fs, _close, body)
    return content, body.fingerprint


async def _begin(start: Callable[[], Awaitable[Body]]) -> tuple[Body, bytes]:
    """Send the request, and read the first block; a body that has no more is closed."""
    body, block = await start(), b""
    try:
        block = await _filled(body)
    finally:
        if len(block) < BLOCK:
            body.close()
    return body, block


async def _close(body: Body) -> None:
    body.close()


async def _filled(body: Body) -> bytes:
    """Return as many bytes as a block has; fewer only at the end."""
    block = await body.read(BLOCK)
    if len(block) == BLOCK or not block:
        return block
    parts, size = [block], len(block)
    while size < BLOCK and (part := await body.read(BLOCK - size)):
        parts.append(part)
        size += len(part)
    return b"".join(parts)
