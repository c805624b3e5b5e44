"""Reads Markdown files: bytes, text, front matter, title."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from batchwright.documents.decoding import decoded
from batchwright.documents.description import category_of, title_of
from batchwright.documents.files import open_file, read_all
from batchwright.documents.finishing import finished
from batchwright.documents.front_matter import MAX_CHARACTERS, split_front_matter
from batchwright.documents.left_out import FIELD, FRONT_MATTER
from batchwright.errors import DocumentError
from batchwright.model import DATE_FIELDS, Document, Omission

DEFAULT_MAX_BYTES = 64 * 1024 * 1024

_HEAD = MAX_CHARACTERS + 1  # decides about front matter


class MarkdownReader:
    """Reads Markdown files in UTF-8, with or without a byte order mark and front matter.

    Args:
        max_bytes: `read` refuses files above this size.
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

    def parse(self, data: bytes, key: str) -> Document:
        """Return the document that a file's bytes hold, without their hash and size.

        It has a title and a category only if its front matter gives them; `finished` does the rest.

        Args:
            data: All of the file.
            key: Its `source_file`.

        Raises:
            DocumentError: The bytes aren't UTF-8.
        """
        text, start = decoded(data, key)
        document = self.parse_text(text[:_HEAD], key, start)
        if len(text) <= _HEAD:
            return document
        if document.front_matter:
            del text  # decoded anew, since a slice of a large text is another one beside it
            text = str(memoryview(data)[document.body_start :], "utf-8")
        return replace(document, text=text)

    def parse_text(self, text: str, key: str, start: int = 0) -> Document:
        """Return the document that a text holds, as `parse`.

        Args:
            text: All of the file.
            key: Its `source_file`.
            start: Where the text begins in the file, in bytes.
        """
        front, fields, day, unreadable = split_front_matter(text, self.date_fields)
        reason = FIELD if front else FRONT_MATTER
        return Document(
            source_file=key,
            text=text[len(front) :] if front else text,
            body_start=start + len(front.encode("utf-8", "surrogatepass")),
            front_matter=front,
            title=title_of(fields),
            category=category_of(fields),
            document_date=day,
            metadata=fields,
            left_out=tuple(Omission(reason, what) for what in unreadable),
        )

    def read(self, path: str | os.PathLike[str], root: str | os.PathLike[str] | None = None) -> Document:
        """Read one file.

        Args:
            path: The file.
            root: The directory that `source_file` is relative to; by default the file's own.

        Raises:
            DocumentError: It can't be read, or isn't UTF-8.
            ValueError: The file isn't below `root`.
        """
        path = Path(path)
        # Only a link needs to be resolved, and resolving takes as long as reading.
        opened = os.path.realpath(path) if path.is_symlink() else path
        source_file = path.name if root is None else path.relative_to(root).as_posix()
        try:
            with open_file(opened, source_file) as stream:
                data = read_all(stream, source_file, self.max_bytes)
        except FileNotFoundError:
            raise DocumentError(source_file, "there is no such file") from None
        document = finished(self.parse(data, source_file))
        return replace(document, content_hash=hashlib.sha256(data).hexdigest(), size=len(data))
