"""The terms of a text: what an index holds of it, and what a query asks for.

A term is a word without case and accents. Of text in a script without spaces the terms are each two
neighbouring characters, and the last one. An identifier (``c++``, ``pod.yaml``, ``--no-cache``) is one more
term beside its words, spelled in letters, as emoji are: every database's parser of words takes it for one.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from batchwright.sinkkit.search.alphabets import spelled
from batchwright.sinkkit.search.characters import SIGNS
from batchwright.sinkkit.search.spelling import Spelled, spelled_of_any

__all__ = ["LONGEST", "Terms", "normal", "terms"]

LONGEST = 64
"""Characters of a term, at most: the rest of a longer word is left off."""

_IDENTIFIER = "zz"  # what the term of an identifier begins with
_LONGEST_IDENTIFIER = 40

_TOO_LONG = re.compile(f"([^ ]{{{LONGEST}}})[^ ]+")
_FLOAT = re.compile(r"(?<![^ ])[0-9]+e[0-9]+(?=[^ 0-9])")
_DIGITS = str.maketrans("0123456789", "abcdefghij")
_VERSION = re.compile("v[0-9]+[.]")
_FRONT = re.compile(r"(?:\.{0,2}/+|\.{2,}|-{3,}|#{2,}|\++(?![0-9]))*")


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
    return terms_of(spelled(text) or spelled_of_any(text), identifiers=identifiers)


def terms_of(text: Spelled, *, identifiers: bool = True) -> Terms:
    """Return the terms of a text that is spelled as they are. Arguments as for `terms`."""
    signed, words, marks = text
    if _is_long(words):
        words = _TOO_LONG.sub(_cut, words)
    if b"0" in marks and b"0e0" in marks:  # a number with an exponent, as 4e7, or what looks like it
        words = _FLOAT.sub(_in_letters, words)
    return Terms(words, _identifiers(signed, marks) if identifiers else [])


def is_identifier(term: str) -> bool:
    """Tell whether a term may be one of an identifier."""
    return term.startswith(_IDENTIFIER)


def _is_long(words: str) -> bool:
    """Tell whether one of the words is too long."""
    start, most = 0, len(words) - LONGEST
    while start < most:
        start = words.rfind(" ", start, start + LONGEST + 1) + 1
        if not start:
            return True
    return False


def _identifiers(signed: str, marks: bytes) -> list[str]:
    """Return the terms of what has a sign in it, apart from a full stop at its end and the like."""
    found: list[str] = []
    find, end_of, start_of = marks.replace(b". ", b"  ").replace(b"+", b".").find, signed.find, signed.rfind
    at = find(b".")
    while at >= 0:
        end = end_of(" ", at)
        if end < 0:
            end = len(signed)
        found += _of_piece(signed[start_of(" ", 0, at) + 1 : end])
        at = find(b".", end)
    return found


def _cut(found: re.Match[str]) -> str:
    return found[1]


def _in_letters(found: re.Match[str]) -> str:
    return f"{_IDENTIFIER}{found[0].translate(_DIGITS)}"


@lru_cache(32_768)
def _of_piece(piece: str) -> tuple[str, ...]:
    """Return the terms of identifiers: of a path, and of each part of it that is one itself."""
    if piece[0] in SIGNS:
        piece = piece[_FRONT.match(piece).end() :]  # type: ignore[union-attr]  # it matches nothing, too
    piece = piece.rstrip("./-")
    if "/" not in piece and not piece.startswith("v"):
        return (_spelled(piece),) if _is_name(piece) else ()
    names = [piece, *piece.split("/")] if "/" in piece else [piece]
    names += [name[1:] for name in names if name[:1] == "v" and _VERSION.match(name)]
    return tuple([_spelled(name) for name in names if _is_name(name)])


def _is_name(name: str) -> bool:
    """Tell whether a part of a piece has a sign in it, and something else, and is not too long."""
    return len(name) <= _LONGEST_IDENTIFIER and not name.isalnum() and name.strip(SIGNS) != ""


def _spelled(name: str) -> str:
    # Of a few characters faster than `translate`.
    signs = name.replace("/", "qs").replace(".", "qd").replace("-", "qm")
    return _IDENTIFIER + signs.replace("#", "qh").replace("+", "qp")
