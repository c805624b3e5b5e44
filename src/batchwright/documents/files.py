"""Reading files that somebody may change, remove or replace meanwhile."""

from __future__ import annotations

import errno
import os
import stat
from io import BytesIO
from typing import BinaryIO

from batchwright.errors import DocumentError

# Non-blocking: opening a pipe for reading would wait for somebody to write to it. Not through a link: the
# path is resolved when it is found, and what became a link since then may lead anywhere.
_FLAGS = os.O_RDONLY
for _name in ("O_NONBLOCK", "O_NOFOLLOW", "O_BINARY", "O_CLOEXEC"):
    _FLAGS |= getattr(os, _name, 0)

_AT_ONCE = 1024 * 1024
"""Bytes of a file that are read as soon as it is opened, if it has no more: most have not, and that is half
the work of a file object."""


def open_file(path: str | os.PathLike[str], key: str) -> BinaryIO:
    """Open a regular file for reading.

    Args:
        path: Where it is, resolved.
        key: What it is called in errors.

    Raises:
        FileNotFoundError: It is gone.
        DocumentError: It may not be read, or isn't a regular file.
    """
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError as error:
        raise _refused(error, key) from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise DocumentError(key, "it isn't a regular file; exclude it")
        if status.st_size < _AT_ONCE:
            data = os.read(descriptor, status.st_size + 1)
            if len(data) == status.st_size:  # all there is: more was asked for
                os.close(descriptor)
                return BytesIO(data)
            os.lseek(descriptor, 0, os.SEEK_SET)  # it grew, or shrank
        return os.fdopen(descriptor, "rb")
    except BaseException as error:
        os.close(descriptor)
        if isinstance(error, OSError):
            raise _refused(error, key) from error
        raise


def read_all(stream: BinaryIO, key: str, max_bytes: int) -> bytes:
    """Return what a stream holds.

    Args:
        stream: The stream.
        key: What it is called in errors.
        max_bytes: More are refused.

    Raises:
        DocumentError: There is more, or reading it failed.
    """
    try:
        data = stream.read(max_bytes + 1)
    except OSError as error:
        raise _refused(error, key) from error
    if len(data) > max_bytes:
        raise too_large(key, len(data), max_bytes)
    return data


def too_large(key: str, size: int, max_bytes: int) -> DocumentError:
    """Return the error of an item that is too large to be read."""
    reason = f"it has {size:,} bytes or more, the limit is {max_bytes:,}; split it, or raise the limit"
    return DocumentError(key, reason)


def _refused(error: OSError, key: str) -> Exception:
    if isinstance(error, FileNotFoundError):
        return error
    if isinstance(error, PermissionError):
        return DocumentError(key, "permission to read it is denied; grant it, or exclude the file")
    if error.errno == errno.ELOOP:
        return DocumentError(key, "it has become a symbolic link; run again")
    reason = f"it can't be read ({error.strerror or error}); check the disk, then run again"
    return DocumentError(key, reason)
