"""The members of a zip archive, as items. Nothing is unpacked, and nothing is written."""

from __future__ import annotations

import io
import os
import stat
import zipfile
from collections.abc import Collection, Iterator
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO

from batchwright.contracts.source import Fetched
from batchwright.documents import Selection
from batchwright.documents.compression import MOST_EXPANSION, UNCHECKED
from batchwright.documents.left_out import LINK, REPLACED
from batchwright.errors import DocumentError, SourceError
from batchwright.items import Item

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_ENDING = ".zip"
_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")  # of a member, and of the end of an archive without any
_LEADS_OUT = "its name leads out of the archive; make the archive again, with names relative to a folder"
_ENCRYPTED, _IS_UTF8 = 0x1, 0x800
_MS_DOS = 0
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}
_METHODS.add(getattr(zipfile, "ZIP_ZSTANDARD", zipfile.ZIP_STORED))  # from Python 3.14 on


def is_archive(path: Path) -> bool:
    """Tell whether a file's name says that it is a zip archive."""
    return path.name.lower().endswith(_ENDING) and path.name.lower() != _ENDING


class Archive:
    """A zip archive. Can be pickled.

    Its table of contents is in memory while it is open, about 500 bytes a member.

    Args:
        path: Where it is.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._opened: tuple[int, zipfile.ZipFile] | None = None  # the process, since forks share a position

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._path,)

    def list(self, selection: Selection) -> Iterator[Item]:
        """Yield the members that are selected, by key; of two with one name the last, as in unpacking.

        Raises:
            SourceError: It isn't a zip archive, is damaged, or expands beyond reason.
            OSError: It can't be read.
        """
        self.close()
        found = [(_key_of(member), member) for member in self._archive().infolist() if not member.is_dir()]
        members = dict(found)
        self._check(members.values())
        for key, member in found if len(found) > len(members) else ():
            if members[key] is not member and selection.takes(_inside_of(key)):
                selection.left_out.add(REPLACED, key)
        for key in sorted(members):
            member, inside = members[key], _inside_of(key)
            if not selection.takes(inside):
                continue
            if stat.S_ISLNK(member.external_attr >> 16):
                selection.left_out.add(LINK, inside)
                continue
            error = _unreadable(member) if key == inside else _LEADS_OUT
            yield Item(key, member.filename, member.file_size, _fingerprint(member), error=error)

    def fetch(self, item: Item) -> Fetched:
        """Return what opens a member.

        Raises:
            FileNotFoundError: There is no such member any more.
        """
        archive = self._archive()
        try:
            member = archive.getinfo(item.handle)
        except KeyError:
            raise FileNotFoundError(f"{item.key} is no more in {self._path.name}") from None
        return Fetched(partial(_open, archive, member, item.key), _fingerprint(member))

    def close(self) -> None:
        """Close the file."""
        opened, self._opened = self._opened, None
        if opened is not None:
            opened[1].close()

    def _archive(self) -> zipfile.ZipFile:
        if self._opened is None or self._opened[0] != os.getpid():
            self._opened = (os.getpid(), _open_archive(self._path))
        return self._opened[1]

    def _check(self, members: Collection[zipfile.ZipInfo]) -> None:
        """Refuse archives that are made to fill memory and disks."""
        size = self._path.stat().st_size
        packed = sum(member.compress_size for member in members)
        unpacked = sum(member.file_size for member in members)
        if packed > size:
            what = "has members that lie in each other"
        elif unpacked > UNCHECKED and unpacked > MOST_EXPANSION * size:
            what = f"expands to {unpacked:,} bytes, more than {MOST_EXPANSION} times its size"
        else:
            return
        raise SourceError(
            f"{self._path.name} {what}, as archives do that are made to fill memory and disks; if it is as "
            "it should be, unpack it, and load the folder"
        )


def _open_archive(path: Path) -> zipfile.ZipFile:
    with path.open("rb") as file:
        if file.read(4) not in _MAGIC:
            raise SourceError(f"{path.name} ends in {_ENDING}, but isn't a zip archive; rename or replace it")
    try:
        return zipfile.ZipFile(path)
    except OSError:
        raise
    except Exception as error:  # of many kinds, as the bytes are anybody's
        raise SourceError(f"the zip archive {path.name} is damaged ({error}); make it again") from error


def _fingerprint(member: zipfile.ZipInfo) -> str:
    when = "".join(f"{part:02}" for part in member.date_time)
    return f"{member.CRC:08x}-{member.file_size:x}-{member.compress_size:x}-{when}"


def _unreadable(member: zipfile.ZipInfo) -> str | None:
    if member.flag_bits & _ENCRYPTED:
        return "it is encrypted; unpack the archive, and load the folder"
    if member.compress_type not in _METHODS:
        return (
            f"it is compressed by method {member.compress_type}, which can't be read here; unpack the archive"
            ", and load the folder"
        )
    if (kind := stat.S_IFMT(member.external_attr >> 16)) and kind != stat.S_IFREG:
        return "it isn't a regular file; exclude it"
    return None


def _open(archive: zipfile.ZipFile, member: zipfile.ZipInfo, key: str) -> BinaryIO:
    try:
        return io.BufferedReader(_Member(archive.open(member), key))
    except Exception as error:
        raise _damaged(key, error) from error


class _Member(io.RawIOBase):
    """A member's content, which is checked against its checksum at the end."""

    def __init__(self, content: IO[bytes], key: str) -> None:
        self._content = content
        self._key = key

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Decompress some bytes.

        Raises:
            DocumentError: They are damaged.
        """
        view = memoryview(buffer).cast("B")
        try:
            data = self._content.read(len(view))
        except Exception as error:
            raise _damaged(self._key, error) from error
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close it."""
        if not self.closed:
            super().close()
            self._content.close()


def _damaged(key: str, error: Exception) -> DocumentError:
    said = str(error) or type(error).__name__
    return DocumentError(key, f"it can't be unpacked ({said}); the archive is damaged, make it again")


def _key_of(member: zipfile.ZipInfo) -> str:
    """Return the key of a member: its path, with ``/`` between folders, and nothing between two of them.

    A name that leads out of the archive stays recognisable, with a leading ``/`` or its ``..``.
    """
    name = _decoded(member)
    if member.create_system == _MS_DOS:
        name = name.replace("\\", "/")  # can't be in a name there
    kept = "/".join(part for part in name.split("/") if part not in ("", "."))
    return f"/{kept}" if name.startswith("/") else kept


def _inside_of(key: str) -> str:
    """Return a key without what leads out of the archive."""
    return "/".join(part for part in key.split("/") if part not in ("", ".."))


def _decoded(member: zipfile.ZipInfo) -> str:
    # Many programs write UTF-8 and don't say so; then `zipfile` takes it for code page 437.
    name = member.orig_filename.replace("\0", "\\x00")
    if member.flag_bits & _IS_UTF8 or name.isascii():
        return name
    try:
        return name.encode("cp437").decode("utf-8")
    except UnicodeError:
        return name
