"""The zip archive that a DOCX file is: checked before anything is made of it."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from typing import Any
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile

_OLD_OR_ENCRYPTED = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
_DEEPEST = 150  # levels of elements: the converter takes several calls a level, and Python allows 1,000

Start = Callable[[str, dict[str, str]], Any]
End = Callable[[str], Any]
Characters = Callable[[str], Any]


class Package:
    """The parts of a DOCX file.

    Args:
        data: The file.
        most: Bytes of all XML parts together, unpacked, at most.
        most_elements: Elements of all parts that are scanned, at most.

    Raises:
        ValueError: It is none, it is encrypted, or too large unpacked. Says what to do.
    """

    def __init__(self, data: bytes, most: int, most_elements: int) -> None:
        self._most_elements = self._elements_left = most_elements
        if data.startswith(_OLD_OR_ENCRYPTED):
            if _ENCRYPTED_PACKAGE in data:
                raise ValueError("it is encrypted; remove its password in Word, or exclude it")
            raise ValueError("it is a file of Word 97 to 2003 (.doc); save it as .docx, or exclude it")
        try:
            self._zip = ZipFile(io.BytesIO(data))
        except (BadZipFile, ValueError, NotImplementedError, EOFError) as error:
            raise ValueError(f"it isn't a Word document ({error}); exclude it") from error
        parts = [info for info in self._zip.infolist() if info.filename.lower().endswith((".xml", ".rels"))]
        if any(info.flag_bits & 0x1 for info in parts):
            raise ValueError("it is encrypted; remove its password, or exclude it")
        # zipfile gives no more of a part than its directory says.
        if (size := sum(info.file_size for info in parts)) > most:
            raise ValueError(
                f"its text takes {size:,} bytes unpacked, the limit is {most:,}; split it, or raise "
                "max_unpacked of [reader.docx]"
            )
        self.names = tuple(info.filename for info in parts)
        if "word/document.xml" not in self.names and "[Content_Types].xml" not in self.names:
            raise ValueError("it isn't a Word document: a zip archive without one; exclude it")

    def scan(
        self, name: str, start: Start, end: End | None = None, characters: Characters | None = None
    ) -> None:
        """Go through a part, calling functions for each element; names are without their namespaces.

        Raises:
            ValueError: It is broken, nested more than 150 levels deep, has a DTD, or too many elements.
        """
        depth = 0

        def begin(element: str, attributes: dict[str, str]) -> None:
            nonlocal depth
            depth += 1
            self._elements_left -= 1
            if self._elements_left < 0:
                raise ValueError(
                    f"it has more than {self._most_elements:,} elements; split it, or raise max_elements of "
                    "[reader.docx]"
                )
            if depth > _DEEPEST:
                raise ValueError(f"its {name} is nested more than {_DEEPEST} levels deep; exclude it")
            start(_local(element), {_local(key): value for key, value in attributes.items()})

        def finish(element: str) -> None:
            nonlocal depth
            depth -= 1
            if end is not None:
                end(_local(element))

        def refuse(*_: object) -> None:
            raise ValueError(f"its {name} has a DTD, which no Word document needs; exclude it")

        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = begin
        parser.EndElementHandler = finish
        parser.StartDoctypeDeclHandler = refuse
        if characters is not None:
            parser.CharacterDataHandler = characters
        try:
            with self._zip.open(name) as part:
                parser.ParseFile(part)
        except expat.ExpatError as error:
            raise ValueError(f"its {name} is broken ({error}); save it again in Word") from error
        except (BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, RuntimeError) as error:
            raise ValueError(f"its {name} can't be unpacked ({error}); get the file again") from error


def _local(name: str) -> str:
    return name.rpartition(" ")[2]
