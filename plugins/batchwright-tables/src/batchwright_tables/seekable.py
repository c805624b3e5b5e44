"""Formats that are read from their end need streams that can go there."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO

_IN_MEMORY = 8 * 1024 * 1024
"""Bytes kept in memory; more go to a temporary file."""


@contextmanager
def seekable(stream: BinaryIO) -> Iterator[BinaryIO | IO[bytes]]:
    """Lend the stream, or a copy of it on disk where it can't go back."""
    if stream.seekable():
        yield stream
        return
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as copy:
        shutil.copyfileobj(stream, copy)
        copy.seek(0)
        yield copy
