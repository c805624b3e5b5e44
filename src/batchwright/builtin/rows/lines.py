"""Lines of a stream of bytes, decoded; one that can't be is named, and those around it are not lost."""

from __future__ import annotations

import codecs
import io
import re
from collections import deque
from collections.abc import Iterator
from typing import BinaryIO

from batchwright.documents.decoding import unmarked
from batchwright.errors import DocumentError

BLOCK = 256 * 1024
"""Bytes that are decoded together: one at a time would cost half of the whole reading."""

LONGEST_SHOWN = 64 * 1024
"""Characters of a bad line that are kept."""

_WIDE = ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_LINE_END = re.compile(rb"\r\n?|\n")
_END_OF_DISK = b"\x1a"
"""What DOS ended files with, and some programs still do."""


def check_encoding(name: str) -> str:
    """Return the name of an encoding whose line ends are those of ASCII.

    Raises:
        ValueError: There is none of this name, or it has others.
    """
    try:
        ends = "\r\n".encode(name)
        b"".decode(name)
    except (LookupError, UnicodeError):
        raise ValueError(f"{name} is no encoding that is known; such are utf-8 and cp1252") from None
    if ends != b"\r\n":
        raise ValueError(f"files in {name} are read where they begin with a byte order mark; leave it out")
    return name


class Lines:
    """The lines of a stream with their ends (CR, LF or both), from the first to the last.

    Args:
        stream: The bytes.
        encoding: Theirs. A byte order mark says more.
        longest: Bytes of a line, at most.

    Attributes:
        unreadable: Why a line can't be read, by its number, from 1: it can't be decoded, or is too long.
            Bytes that are not in the encoding are lone surrogates in it.
        cut: Numbers of the lines that are longer than is allowed: only their beginnings come.

    Raises:
        DocumentError: The bytes of UTF-16 can't be decoded, or have no byte order mark.
    """

    def __init__(self, stream: BinaryIO, encoding: str, longest: int) -> None:
        self._stream = stream
        self._longest = longest
        self._encoding = encoding
        self._number = 0
        self._returned: deque[str] = deque()
        self._lines = self._of_stream()
        self.unreadable: dict[int, str] = {}
        self.cut: set[int] = set()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._returned:
            return self._returned.popleft()
        return next(self._lines)

    @property
    def encoding(self) -> str:
        """The encoding; that of a byte order mark once a line was read."""
        return self._encoding

    def give_back(self, lines: list[str]) -> None:
        """Have these lines come again, before all others."""
        self._returned.extendleft(reversed(lines))

    def shown(self, text: str) -> str:
        """Return lines as they are kept with a reject: shortened, bytes outside the encoding as escapes."""
        if not self.unreadable:
            return text[:LONGEST_SHOWN]
        raw = text[:LONGEST_SHOWN].encode(self._encoding, "surrogateescape")
        return raw.decode(self._encoding, "backslashreplace")

    def _of_stream(self) -> Iterator[str]:
        begin = self._stream.read(BLOCK)
        for mark, encoding in _WIDE:
            if begin.startswith(mark):
                yield from self._wide(begin[len(mark) :], encoding)
                return
        if wide := unmarked(begin):
            raise DocumentError("", f"it is {wide}; convert it, for example with: iconv -f {wide} -t UTF-8")
        if begin.startswith(codecs.BOM_UTF8):
            begin, self._encoding = begin[len(codecs.BOM_UTF8) :], "utf-8"
        for block, is_whole in self._blocks(begin):
            if not is_whole:
                yield self._cut(block.decode(self._encoding, "surrogateescape"))
                continue
            try:
                text = block.decode(self._encoding)
            except UnicodeDecodeError:
                yield from self._one_by_one(block)
            else:
                for line in io.StringIO(text, newline=""):
                    self._number += 1
                    yield line

    def _blocks(self, begin: bytes) -> Iterator[tuple[bytes, bool]]:
        """Yield the bytes cut behind line ends, and whether they are whole.

        Of a line that is too long only the beginning comes, and by itself.
        """
        waiting: list[bytes] = []
        held, block = 0, begin
        while block:
            end = block.rfind(b"\n") + 1 or block.rfind(b"\r", 0, -1) + 1
            if end:
                yield b"".join([*waiting, block[:end]]), True
                waiting, held = [], 0
            waiting.append(block[end:])
            held += len(block) - end
            if held <= self._longest:
                block = self._stream.read(BLOCK)
                continue
            line = b"".join(waiting)
            if end := line.rfind(b"\r", 0, -1) + 1:  # of a line before, where blocks met
                yield line[:end], True
            yield line[end:][:LONGEST_SHOWN], False
            waiting, held = [], 0
            block = self._behind_line() or self._stream.read(BLOCK)
        rest = b"".join(waiting)
        if rest and rest != _END_OF_DISK:
            yield rest, True

    def _behind_line(self) -> bytes:
        """Read up to the next line end; return what was read behind it."""
        while block := self._stream.read(BLOCK):
            if block.endswith(b"\r"):
                block += self._stream.read(1)
            if found := _LINE_END.search(block):
                return block[found.end() :]
        return b""

    def _cut(self, begin: str) -> str:
        """Note a line that is too long; return it as far as it is kept."""
        self._number += 1
        self.cut.add(self._number)
        self.unreadable[self._number] = (
            f"it is longer than {self._longest:,} bytes; shorten it, or raise max_row_bytes"
        )
        return begin[:LONGEST_SHOWN] + "\n"

    def _one_by_one(self, block: bytes) -> Iterator[str]:
        text = block.decode(self._encoding, "surrogateescape")
        for line in io.StringIO(text, newline=""):
            self._number += 1
            raw = line.encode(self._encoding, "surrogateescape")
            try:
                raw.decode(self._encoding)
            except UnicodeDecodeError as error:
                self.unreadable[self._number] = (
                    f"byte {error.start + 1} of the line, 0x{raw[error.start]:02x}, is no {self._encoding}; "
                    "convert the file, or say its encoding"
                )
            yield line

    def _wide(self, begin: bytes, encoding: str) -> Iterator[str]:
        """Yield the lines of UTF-16, whose line ends are two bytes."""
        decoder = codecs.getincrementaldecoder(encoding)()
        self._encoding = encoding
        rest, block, is_cut = "", begin, False
        while True:
            try:
                rest += decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                raise DocumentError("", f"the bytes behind line {self._number} are no UTF-16") from error
            if is_cut:  # up to its end
                _, end, rest = rest.partition("\n")
                is_cut = not end
            whole = rest if not block else rest[: rest.rfind("\n") + 1]
            for line in io.StringIO(whole, newline=""):
                self._number += 1
                yield line
            if not block:
                return
            rest = rest[len(whole) :]
            if len(rest) > self._longest:
                yield self._cut(rest)
                rest, is_cut = "", True
            block = self._stream.read(BLOCK)
