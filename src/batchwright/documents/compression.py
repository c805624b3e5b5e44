"""Compressed files: recognised by ending and first bytes, decompressed as a stream, bounded."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable, Mapping
from typing import IO, TYPE_CHECKING, BinaryIO, cast

from batchwright.errors import DocumentError
from batchwright.values import dataclass

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MOST_EXPANSION = 100
"""How many times as large as its compressed bytes a content may be."""

UNCHECKED = 64 * 1024 * 1024
"""Bytes that may come out however few went in."""

_MAGIC_BYTES = 6
_BUFFER = 128 * 1024


# The modules are imported when they are needed: a Python may have been built without some of them.


def _open_gzip(stream: IO[bytes]) -> IO[bytes]:
    from gzip import GzipFile

    return cast(IO[bytes], GzipFile(fileobj=stream))


def _open_bzip2(stream: IO[bytes]) -> IO[bytes]:
    from bz2 import BZ2File

    return BZ2File(stream)


def _open_xz(stream: IO[bytes]) -> IO[bytes]:
    from lzma import FORMAT_XZ, LZMAFile

    return LZMAFile(stream, format=FORMAT_XZ)


def _open_zstandard(stream: IO[bytes]) -> IO[bytes]:
    if sys.version_info >= (3, 14):
        from compression.zstd import ZstdFile
    else:
        from backports.zstd import ZstdFile
    return cast(IO[bytes], ZstdFile(stream))


@dataclass(frozen=True, slots=True)
class _Format:
    name: str
    magic: re.Pattern[bytes]
    opened: Callable[[IO[bytes]], IO[bytes]]


_FORMATS: Mapping[str, _Format] = {
    ".gz": _Format("gzip", re.compile(rb"\x1f\x8b"), _open_gzip),
    ".bz2": _Format("bzip2", re.compile(rb"BZh[1-9]"), _open_bzip2),
    ".xz": _Format("xz", re.compile(rb"\xfd7zXZ\x00"), _open_xz),
    # or a frame to be skipped, with which pzstd begins
    ".zst": _Format(
        "Zstandard", re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18", re.DOTALL), _open_zstandard
    ),
}

COMPRESSIONS = tuple(_FORMATS)
"""Endings of compressed files, in lower case; they count in any."""

_LONGEST = max(map(len, COMPRESSIONS))


def bare(key: str) -> str:
    """Return a key without the ending of a compression: ``a/b.csv.gz`` is ``a/b.csv``."""
    ending = _ending(key)
    return key[: -len(ending)] if ending else key


def decompressed(stream: BinaryIO, key: str, most: int | None = None) -> BinaryIO:
    """Return the content of a stream, decompressed as it is read, if the key's ending says it is compressed.

    Args:
        stream: The bytes, maybe several compressed files in a row. Closing what is returned closes it as
            well, and so does any error that is raised here.
        key: The item's key. Without a compression's ending the stream itself is returned.
        most: Bytes that the content may have; None for no limit of its own.

    Raises:
        DocumentError: It isn't compressed as its name says; and while it is read: it is damaged, ends too
            early, or expands to more than `most` bytes, or, beyond 64 MiB, to more than 100 times its size.
        Exception: What reading `stream` raises.
    """
    ending = _ending(key)
    if not ending:
        return stream
    source = _Source(stream)
    try:
        return io.BufferedReader(_content(source, key, ending, most), _BUFFER)
    except BaseException:
        source.close()
        raise


def _content(source: _Source, key: str, ending: str, most: int | None) -> _Content:
    file_format = _FORMATS[ending]
    if not file_format.magic.match(source.begin()):
        raise DocumentError(
            key, f"its name ends in {ending}, but it isn't {file_format.name}; rename it, or exclude it"
        )
    try:
        content = file_format.opened(cast(IO[bytes], source))
    except ImportError as error:
        reason = f"this Python can't decompress {file_format.name} ({error}); decompress it first"
        raise DocumentError(key, reason) from None
    return _Content(source, content, key, file_format.name, most)


def _ending(key: str) -> str:
    if not key[-_LONGEST:].lower().endswith(COMPRESSIONS):
        return ""
    name = key.rpartition("/")[2]
    ending = name[max(1, name.rfind(".")) :].lower()
    return ending if ending in _FORMATS else ""  # ".gz" alone is a name


class _Source(io.RawIOBase):
    """The compressed bytes: counted, and what goes wrong with them is told from what is wrong with them."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._begun = b""
        self.count = 0
        self.error: BaseException | None = None

    def begin(self) -> bytes:
        """Return the first bytes, which are read again."""
        while len(self._begun) < _MAGIC_BYTES and (
            more := self._stream.read(_MAGIC_BYTES - len(self._begun))
        ):
            self._begun += more
        return self._begun

    def readable(self) -> bool:
        """Always."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, maybe fewer."""
        data = self._begun if size < 0 else self._begun[:size]
        self._begun = self._begun[len(data) :]
        if not data:
            try:
                data = self._stream.read(size)
            except BaseException as error:
                self.error = error
                raise
        self.count += len(data)
        return data

    def close(self) -> None:
        """Close the stream, too."""
        if not self.closed:
            super().close()
            self._stream.close()


class _Content(io.RawIOBase):
    """What comes out."""

    def __init__(self, source: _Source, content: IO[bytes], key: str, name: str, most: int | None) -> None:
        self._source = source
        self._content = content
        self._key = key
        self._name = name
        self._most = most
        self._count = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Decompress some bytes.

        Raises:
            DocumentError: They are damaged, end too early, or are too many.
        """
        view = memoryview(buffer).cast("B")
        try:
            data = self._content.read(len(view))
        except EOFError:
            reason = f"its {self._name} data end too early; it was cut short, or is still being written"
            raise DocumentError(self._key, reason) from None
        except Exception as error:
            if error is self._source.error:
                raise
            reason = f"its {self._name} data are damaged ({error}); compress it again"
            raise DocumentError(self._key, reason) from error
        view[: len(data)] = data
        self._count += len(data)
        self._check()
        return len(data)

    def _check(self) -> None:
        if self._most is not None and self._count > self._most:
            reason = f"it expands to more than {self._most:,} bytes, the limit; split it, or raise the limit"
            raise DocumentError(self._key, reason)
        if self._count > UNCHECKED and self._count > MOST_EXPANSION * self._source.count:
            raise DocumentError(
                self._key,
                f"it expands to more than {MOST_EXPANSION} times its size, as files do that are made to fill "
                "memory and disks; if it is as it should be, decompress it first",
            )

    def close(self) -> None:
        """Close the stream, too."""
        if not self.closed:
            super().close()
            try:
                self._content.close()
            finally:
                self._source.close()
