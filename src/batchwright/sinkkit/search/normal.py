"""The terms of a text: what an index holds of it, and what a query asks for.

A term is a word without case and accents. Of text in a script without spaces the terms are each two
neighbouring characters, and the last one. An identifier (``c++``, ``pod.yaml``, ``--no-cache``) is one more
term beside its words, spelled in letters, as emoji are: every database's parser of words takes it for one.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from operator import add
from typing import Literal, NamedTuple

from batchwright.sinkkit.search.characters import SIGNS, UNSPACED, Characters, folded
from batchwright.sinkkit.search.version import VERSION

__all__ = ["LONGEST", "VERSION", "Terms", "normal", "terms"]

LONGEST = 64
"""Characters of a term, at most: the rest of a longer word is left off."""

_SPELLED = str.maketrans({"+": "qp", "#": "qh", ".": "qd", "-": "qm", "/": "qs"})
_IDENTIFIER = "zz"  # what the term of an identifier begins with
_LONGEST_IDENTIFIER = 40

_ASCII = bytes(ord(folded(chr(code))) for code in range(128)) + bytes(range(128, 256))
_NO_SIGNS = str.maketrans(dict.fromkeys(SIGNS, " "))
_SIGN = re.compile("[+#./-](?:(?![ ])|(?<=[+#]))")
_TOO_LONG = re.compile(f"([^ ]{{{LONGEST}}})[^ ]+")
_LONG = b"1" * (LONGEST + 1)
_ONES = bytes(32 if chr(code) in SIGNS or code == 32 else 49 for code in range(256))
_ZEROS = bytes(48 if 48 <= code < 58 else code for code in range(256))
_CHARACTERS = Characters(folded)
_NON_ASCII = re.compile("[^\x00-\x7f]+")
_FEW = 0.1  # of the characters: what isn't ASCII is then replaced piece by piece
_RUN = re.compile(f"[{UNSPACED}]+")
_HALF_WIDTH = re.compile("[\uff65-\uffdc]")  # which become something else with the sign behind them
_FLOAT = re.compile(r"(?<![^ ])[0-9]+e[0-9]+(?=[^ 0-9])")
_DIGITS = str.maketrans("0123456789", "abcdefghij")
_VERSION = re.compile("v[0-9]+[.]")
_FRONT = re.compile(r"(?:\.{0,2}/+|\.{2,}|-{3,}|#{2,}|\++(?![0-9]))*")
_SIMPLE = re.compile(r"(?:--?|\.)?(?!v[0-9])[^+#./-]+(?:[.-][^+#./-]+)+")  # pod.yaml, no-cache
_LETTER = re.compile(r"[^+#./-]")


class Terms(NamedTuple):
    """The terms of a text.

    Attributes:
        words: Its words in order, between spaces.
        identifiers: The terms of identifiers and the like, in order.
    """

    words: str
    identifiers: list[str]


def normal(text: str) -> str:
    """Return the terms of any text, with spaces between them: its words in order, then its identifiers."""
    words, identifiers = terms(text)
    return f"{words} {' '.join(identifiers)}" if identifiers else words


def terms(text: str, *, identifiers: bool = True) -> Terms:
    """Return the terms of any text, with the identifiers apart from the words.

    Args:
        text: The text.
        identifiers: Whether they are asked for.
    """
    if not text.isascii():
        text = _folded(text)
    if text.isascii():
        data = text.encode("ascii").translate(_ASCII)
        signed = data.decode("ascii")
        words = signed.translate(_NO_SIGNS)
    else:
        signed = words = _RUN.sub(_bigrams, text)
        data = words.encode("utf-8", "surrogatepass")
        for sign in SIGNS:  # faster than `translate`, of what isn't ASCII
            words = words.replace(sign, " ")
    if _LONG in data.translate(_ONES):
        words = _TOO_LONG.sub(_cut, words)
    if b"0e0" in data.translate(_ZEROS):
        words = _FLOAT.sub(_in_letters, words)
    return Terms(words, _identifiers(signed) if identifiers else [])


def is_identifier(term: str) -> bool:
    """Tell whether a term may be one of an identifier."""
    return term.startswith(_IDENTIFIER)


def _folded(text: str) -> str:
    """Return a text with each of its characters as it is in terms; where it is all ASCII then, as it was."""
    form: Literal["NFC", "NFKC"] = "NFKC" if _HALF_WIDTH.search(text) else "NFC"
    text = unicodedata.normalize(form, text)
    size = len(text)
    if len(text.encode("utf-8", "surrogatepass")) - size < _FEW * size:
        text = _NON_ASCII.sub(_replaced, text)
    return text if text.isascii() else text.translate(_CHARACTERS)


def _replaced(found: re.Match[str]) -> str:
    return found[0].translate(_CHARACTERS)


def _identifiers(text: str) -> list[str]:
    """Return the terms of what has a sign in it, apart from a full stop at its end and the like."""
    found: list[str] = []
    end, search, find, rfind = 0, _SIGN.search, text.find, text.rfind
    while match := search(text, end):
        at = match.start()
        end = find(" ", at)
        if end < 0:
            end = len(text)
        found += _spelled(text[rfind(" ", 0, at) + 1 : end])
    return found


def _bigrams(found: re.Match[str]) -> str:
    run = found[0]
    return f" {' '.join(map(add, run, run[1:]))} {run[-1]} "


def _cut(found: re.Match[str]) -> str:
    return found[1]


def _in_letters(found: re.Match[str]) -> str:
    return f"{_IDENTIFIER}{found[0].translate(_DIGITS)}"


@lru_cache(32_768)
def _spelled(piece: str) -> tuple[str, ...]:
    """Return the terms of identifiers: of a path, and of each part of it that is one itself."""
    if _SIMPLE.fullmatch(piece):
        return (_IDENTIFIER + piece.translate(_SPELLED),) if len(piece) <= _LONGEST_IDENTIFIER else ()
    piece = piece[_FRONT.match(piece).end() :].rstrip("./-")  # type: ignore[union-attr]  # it matches nothing, too
    names = [piece, *piece.split("/")] if "/" in piece else [piece]
    names += [name[1:] for name in names if _VERSION.match(name)]
    return tuple(
        _IDENTIFIER + name.translate(_SPELLED)
        for name in names
        if len(name) <= _LONGEST_IDENTIFIER and not name.isalnum() and _LETTER.search(name)
    )
