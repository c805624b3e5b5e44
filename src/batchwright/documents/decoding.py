"""From bytes to text: UTF-8, with or without a byte order mark."""

from __future__ import annotations

import codecs

from batchwright.errors import DocumentError

_FOREIGN_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),  # before UTF-16: its mark begins with UTF-16's
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


_ZEROS: dict[tuple[bool, ...], str] = {
    (False, True, True, True): "UTF-32LE",
    (True, True, True, False): "UTF-32BE",
    (False, True, False, True): "UTF-16LE",
    (True, False, True, False): "UTF-16BE",
}


def unmarked(data: bytes) -> str | None:
    """Return the encoding of text that begins with ASCII in UTF-16 or UTF-32 without a byte order mark."""
    return _ZEROS.get(tuple(not byte for byte in data[:4])) if b"\0" in data[:4] else None


def decoded(data: bytes, key: str) -> tuple[str, int]:
    """Return the text that bytes in UTF-8 hold, and where it begins, in bytes: behind a byte order mark.

    Args:
        data: The bytes.
        key: What they are called in errors.

    Raises:
        DocumentError: They aren't UTF-8.
    """
    if name := unmarked(data):  # which is UTF-8 as well, with a NUL behind each letter
        raise DocumentError(key, _foreign(name))
    mark = 3 if data.startswith(codecs.BOM_UTF8) else 0
    try:
        return data.decode("utf-8") if not mark else str(memoryview(data)[mark:], "utf-8"), mark
    except UnicodeDecodeError as error:
        raise DocumentError(key, _undecodable(data, mark + error.start)) from None


def _undecodable(data: bytes, offset: int) -> str:
    for mark, name in _FOREIGN_MARKS:
        if data.startswith(mark):
            return _foreign(name)
    line = data.count(b"\n", 0, offset) + 1
    where = f"byte {offset} (0x{data[offset]:02x}, line {line})"
    if b"\0" in data[:8192]:
        return f"it looks like a file of bytes, not of text: {where} isn't UTF-8; exclude it"
    return (
        f"{where} isn't UTF-8; convert the file, for example with: iconv -f WINDOWS-1252 -t UTF-8, "
        "or exclude it"
    )


def _foreign(name: str) -> str:
    return f"it is {name}, not UTF-8; convert it, for example with: iconv -f {name} -t UTF-8"
