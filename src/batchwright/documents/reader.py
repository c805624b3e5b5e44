"""Reads Markdown files: bytes, text, front matter, title."""

from __future__ import annotations

import codecs
import errno
import hashlib
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from batchwright.documents.description import category_of, title_of
from batchwright.documents.discovery import Found
from batchwright.documents.embedded import without_embedded
from batchwright.documents.front_matter import split_front_matter
from batchwright.documents.left_out import EMBEDDED, FIELD, FRONT_MATTER
from batchwright.errors import DocumentError
from batchwright.model import DATE_FIELDS, Document, Omission

DEFAULT_MAX_BYTES = 64 * 1024 * 1024

# Non-blocking: opening a pipe for reading would wait for somebody to write to it. Not through a link: the
# path is resolved when it is found, and what became a link since then may lead anywhere.
_FLAGS = os.O_RDONLY
for _name in ("O_NONBLOCK", "O_NOFOLLOW", "O_BINARY", "O_CLOEXEC"):
    _FLAGS |= getattr(os, _name, 0)

_FOREIGN_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),  # before UTF-16: its mark begins with UTF-16's
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


@dataclass(frozen=True, slots=True)
class RawDocument:
    """A file's bytes, and their hash.

    Attributes:
        source_file: Path relative to the input directory, in posix form.
        data: All of the file.
        content_hash: SHA-256 of `data`, in hex.
    """

    source_file: str
    data: bytes
    content_hash: str


class MarkdownReader:
    """Reads Markdown files in UTF-8, with or without a byte order mark and front matter.

    Loading and parsing are separate: a file whose hash is known is not parsed.

    Args:
        max_bytes: Files above this size are refused, before they are read.
        date_fields: Names of the field that is the document's date, in any case; the first that holds a
            date counts. A date is a year, month and day, apart by ``-``, ``/`` or ``.``, perhaps with a time
            behind it.
    """

    def __init__(self, max_bytes: int = DEFAULT_MAX_BYTES, date_fields: Iterable[str] = DATE_FIELDS) -> None:
        if max_bytes < 1:
            raise ValueError(f"max_bytes must be at least 1, not {max_bytes}")
        self.max_bytes = max_bytes
        self.date_fields = tuple(name.casefold() for name in date_fields)

    @property
    def signature(self) -> str:
        """Everything that decides what is read of a file, in short; empty for the defaults."""
        if self.date_fields == DATE_FIELDS:
            return ""
        return hashlib.sha256("\n".join(self.date_fields).encode()).hexdigest()[:8]

    def load(self, found: Found) -> RawDocument:
        """Return the bytes of `found` and their hash.

        Raises:
            DocumentError: It can't be read: it vanished, may not be read, isn't a regular file, is
                too large, or was found with an error.
        """
        if found.error is not None:
            raise DocumentError(found.source_file, found.error)
        try:
            data = self._read_bytes(found)
        except FileNotFoundError:
            raise DocumentError(found.source_file, "it vanished before it was read; run again") from None
        except PermissionError:
            raise DocumentError(
                found.source_file, "permission to read it is denied; grant it, or exclude the file"
            ) from None
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise DocumentError(found.source_file, "it has become a symbolic link; run again") from None
            reason = f"it can't be read ({error.strerror or error}); check the disk, then run again"
            raise DocumentError(found.source_file, reason) from error
        return RawDocument(found.source_file, data, hashlib.sha256(data).hexdigest())

    def parse(self, raw: RawDocument) -> Document:
        """Return the document that `raw` holds.

        Raises:
            DocumentError: The bytes aren't UTF-8.
        """
        mark = 3 if raw.data.startswith(codecs.BOM_UTF8) else 0
        try:
            text = raw.data.decode("utf-8") if not mark else str(memoryview(raw.data)[mark:], "utf-8")
        except UnicodeDecodeError as error:
            raise DocumentError(raw.source_file, _undecodable(raw.data, mark + error.start)) from None
        front, fields, day, unreadable = split_front_matter(text, self.date_fields)
        body, gaps, embedded = without_embedded(text[len(front) :] if front else text)
        left_out: list[Omission] = []
        if unreadable or embedded:
            reason = FIELD if front else FRONT_MATTER
            left_out += [Omission(reason, what) for what in unreadable]
            left_out += [Omission(EMBEDDED, f"{size:,} bytes") for size in embedded]
        title = title_of(raw.source_file, body, fields)
        return Document(
            source_file=raw.source_file,
            text=body,
            content_hash=raw.content_hash,
            size=len(raw.data),
            body_start=mark + len(front.encode("utf-8")),
            front_matter=front,
            title=title,
            category=category_of(raw.source_file, fields),
            document_date=day,
            metadata={**fields, "title": title},
            gaps=gaps,
            left_out=tuple(left_out),
        )

    def read(self, path: str | os.PathLike[str], root: str | os.PathLike[str] | None = None) -> Document:
        """Load and parse one file.

        Args:
            path: The file.
            root: The directory that `source_file` is relative to; by default the file's own.

        Raises:
            DocumentError: It can't be read, or isn't UTF-8.
            ValueError: The file isn't below `root`.
        """
        path = Path(path)
        source_file = path.name if root is None else path.relative_to(root).as_posix()
        return self.parse(self.load(Found(source_file, os.path.realpath(path))))

    def _read_bytes(self, found: Found) -> bytes:
        descriptor = os.open(found.path, _FLAGS)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise DocumentError(found.source_file, "it isn't a regular file; exclude it")
            if status.st_size > self.max_bytes:
                raise DocumentError(found.source_file, self._too_large(status.st_size))
            parts: list[bytes] = []
            room = self.max_bytes + 1
            # A file may grow while it is read, so its size is not the end of it.
            while room and (part := os.read(descriptor, asked := min(room, status.st_size + 1))):
                parts.append(part)
                room -= len(part)
                if len(part) == status.st_size < asked:
                    break  # all there was to read, and no more: this spares a call
        finally:
            os.close(descriptor)
        if not room:
            raise DocumentError(found.source_file, self._too_large(self.max_bytes + 1))
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _too_large(self, size: int) -> str:
        return f"it has {size:,} bytes or more, the limit is {self.max_bytes:,}; split it, or raise the limit"


def _undecodable(data: bytes, offset: int) -> str:
    for mark, name in _FOREIGN_MARKS:
        if data.startswith(mark):
            return f"it is {name}, not UTF-8; convert it, for example with: iconv -f {name} -t UTF-8"
    line = data.count(b"\n", 0, offset) + 1
    where = f"byte {offset} (0x{data[offset]:02x}, line {line})"
    if b"\0" in data[:8192]:
        return f"it looks like a file of bytes, not of text: {where} isn't UTF-8; exclude it"
    return (
        f"{where} isn't UTF-8; convert the file, for example with: iconv -f WINDOWS-1252 -t UTF-8, "
        "or exclude it"
    )
