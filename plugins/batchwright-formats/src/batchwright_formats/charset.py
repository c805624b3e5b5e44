"""The text of an HTML file: which encoding its bytes are in.

In the order of the HTML standard (https://html.spec.whatwg.org/#determining-the-character-encoding): a byte
order mark, what the server said, what the file says. What says nothing isn't guessed.
"""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_LOOKED_AT = 4096
_COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
_SAID = re.compile(
    rb"""<meta\s[^>]{0,400}?charset\s*=\s*["']?\s*([\w.:+-]{1,40})"""
    rb"""|<\?xml\s[^>]{0,100}?encoding\s*=\s*["']([\w.:+-]{1,40})""",
    re.IGNORECASE,
)
_SAID_BY_SERVER = re.compile(r"""charset\s*=\s*["']?\s*([\w.:+-]{1,40})""", re.IGNORECASE)

# Names mean what they mean to a browser: https://encoding.spec.whatwg.org/#names-and-labels. No other codec
# is used: some of Python's are no encodings of text, or take quadratic time.
_AS_READ = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "utf-16": "utf-8",  # it was read as bytes of ASCII to find the name
    "utf-16-le": "utf-8",
    "utf-16-be": "utf-8",
}
_KNOWN = {
    *_AS_READ.values(),
    *(f"iso8859-{part}" for part in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)),
    *(f"cp{page}" for page in range(1250, 1259)),
    *("cp866", "koi8-r", "koi8-u", "mac-roman", "mac-cyrillic", "euc_jp", "iso2022_jp", "big5hkscs"),
}

_MOST_REPLACED = 100
"""One character in so many may be undecodable where an encoding is said; with more it is another encoding."""


class Decoded(NamedTuple):
    """A text, and how many of its characters replace bytes that could not be decoded."""

    text: str
    replaced: int = 0


def known_encoding(name: str) -> str | None:
    """Return Python's name of an encoding that HTML may be in, else None."""
    try:
        python_name = codecs.lookup(name.replace("_", "-")).name
    except (LookupError, ValueError):
        return None
    python_name = _AS_READ.get(python_name, python_name)
    return python_name if python_name in _KNOWN else None


def decoded(data: bytes, media_type: str, otherwise: str) -> Decoded:
    """Return the text of an HTML file.

    Args:
        data: The file.
        media_type: What the source says of it, such as ``text/html; charset=utf-8``.
        otherwise: The encoding where neither says one.

    Raises:
        ValueError: It isn't text in its encoding. Says why, and what to do.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _lenient(data[len(mark) :], encoding)
    if b"\0" in data[:8192]:
        raise ValueError("it looks like a file of bytes, not of text; exclude it")
    said = _SAID_BY_SERVER.search(media_type)
    if said and (encoding := known_encoding(said[1]) or ""):
        return _lenient(data, encoding)
    head = _COMMENT.sub(b"", data[:_LOOKED_AT])
    for found in _SAID.finditer(head):
        if encoding := known_encoding((found[1] or found[2]).decode("ascii", "replace")) or "":
            return _lenient(data, encoding)
    try:
        return Decoded(data.decode(otherwise))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        where = f"byte {error.start} (0x{data[error.start]:02x}, line {line})"
        raise ValueError(
            f"it doesn't say its encoding, and {where} isn't {otherwise}; set encoding of [reader.html], for "
            'example to "windows-1252", or convert the file'
        ) from None


def _lenient(data: bytes, encoding: str) -> Decoded:
    try:
        return Decoded(data.decode(encoding))
    except UnicodeDecodeError as error:
        first = error.start
    text = data.decode(encoding, "replace")
    replaced = max(1, text.count("\ufffd"))
    if replaced * _MOST_REPLACED > len(text):
        raise ValueError(
            f"it says that it is {encoding}, but byte {first} (0x{data[first]:02x}) and many others aren't; "
            "correct what it says, or convert it"
        )
    return Decoded(text, replaced)
