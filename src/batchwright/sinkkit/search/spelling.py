"""A text of any characters, each as it is in terms."""

from __future__ import annotations

import re
import unicodedata
from operator import add
from typing import Literal, NamedTuple

from batchwright.sinkkit.search.characters import SIGNS, UNSPACED, Characters, folded

_CHARACTERS = Characters(folded)
_RUN = re.compile(f"[{UNSPACED}]+")
_HALF_WIDTH = re.compile("[\uff65-\uffdc]")  # which become something else with the sign behind them


class Spelled(NamedTuple):
    """A text with each of its characters as it is in terms.

    Attributes:
        signed: The text, with the signs of identifiers.
        words: The text, with spaces for the signs.
        marks: A byte for each character of `signed`, as `mark` returns it.
        has_floats: Whether there may be a number with an exponent.
    """

    signed: str
    words: str
    marks: bytes
    has_floats: bool


def spelled_of_any(text: str) -> Spelled:
    """Return what becomes of any text."""
    form: Literal["NFC", "NFKC"] = "NFKC" if _HALF_WIDTH.search(text) else "NFC"
    signed = words = _RUN.sub(_bigrams, unicodedata.normalize(form, text).translate(_CHARACTERS))
    for sign in SIGNS:  # faster than `translate`, of what isn't ASCII
        words = words.replace(sign, " ")
    codes = signed.encode("ascii", "replace")
    return Spelled(signed, words, codes.translate(_MARKS), b"0e0" in codes.translate(_ZEROS))


def mark(character: str) -> int:
    """Return ``.`` for a sign that may end a sentence, ``+`` for another, a space for one, else ``x``."""
    return ord("." if character in "./-" else "+" if character in SIGNS else " " if character == " " else "x")


def zero(character: str) -> int:
    """Return ``0`` for a digit, ``e`` for the letter, else a space."""
    return ord("0" if "0" <= character <= "9" else "e" if character == "e" else " ")


def _bigrams(found: re.Match[str]) -> str:
    run = found[0]
    return f" {' '.join(map(add, run, run[1:]))} {run[-1]} "


_MARKS, _ZEROS = (bytes(map(kind, map(chr, range(256)))) for kind in (mark, zero))
