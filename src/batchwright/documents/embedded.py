"""Data inside of a text: images as ``data:`` URIs, which are thousands of characters that nobody reads."""

from __future__ import annotations

import re
from typing import NamedTuple

# An image in Markdown's own form goes whatever its length; short others may be examples. Base64 may be
# broken into lines, the first of them at its beginning. Schemes and types may be in capitals.
_EMBEDDED = re.compile(
    r"""
    (?i:data):
    (?: [\w.+-]{1,64}+ / [\w.+-]{1,64}+ (?: ; [\w.+-]{1,64}+ (?: = [\w.+-]{1,64}+ )?+ ){0,4}+ , (?: \r?\n )?+
        [A-Za-z0-9+/=_%.~!*;:@&$,?\#-]{64,}+
        (?: \r?\n [A-Za-z0-9+/=]{32,}+ )*+ (?: \r?\n [A-Za-z0-9+/=]++ (?= ["')>] ) )?+
      | (?: (?i: (?<= \]\(data: ) | (?<= \]\(<data: ) | (?<= \]:[ ]data: ) | (?<= \]:[ ]<data: ) ) )
        (?i:image)/ [!\#-&*-;=?-~]++
    )
    """,
    re.VERBOSE | re.ASCII,
)
_LINE = re.compile(r"[^\r\n]+")


class Bared(NamedTuple):
    """A text without the data in it.

    Attributes:
        text: The text; it has as many lines as before.
        gaps: Where data was: the position in `text`, and how many bytes.
        sizes: The bytes of each piece of data; one may stand in several lines.
    """

    text: str
    gaps: tuple[tuple[int, int], ...] = ()
    sizes: tuple[int, ...] = ()


def without_embedded(text: str) -> Bared:
    """Return the text without ``data:`` URIs."""
    if "data:" not in text and "DATA:" not in text:
        return Bared(text)
    kept = bytearray()  # not a list of texts: of a large one that would be another copy, in wider characters
    gaps: list[tuple[int, int]] = []
    sizes: list[int] = []
    at = length = 0
    for found in _EMBEDDED.finditer(text):
        sizes.append(found.end() - found.start())
        for line in _LINE.finditer(text, found.start(), found.end()):
            kept += text[at : line.start()].encode("utf-8", "surrogatepass")
            length += line.start() - at
            at = line.end()
            gaps.append((length, at - line.start()))
    if not gaps:
        return Bared(text)
    kept += text[at:].encode("utf-8", "surrogatepass")
    return Bared(str(kept, "utf-8", "surrogatepass"), tuple(gaps), tuple(sizes))
