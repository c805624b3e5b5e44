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
    """

    signed: str
    words: str
    marks: bytes


def spelled_of_any(text: str) -> Spelled:
    """Return what becomes of any text."""
    form: Literal["NFC", "NFKC"] = "NFKC" if _HALF_WIDTH.search(text) else "NFC"
    signed = words = _RUN.sub(_bigrams, unicodedata.normalize(form, text).translate(_CHARACTERS))
    for sign in SIGNS:  # faster than `translate`, of what isn't ASCII
        words = words.replace(sign, " ")
    return Spelled(signed, words, signed.encode("ascii", "replace").translate(_MARKS))


def mark(character: str) -> int:
    """Return a byte for a kind of characters.

    ``.`` for a sign that may end a sentence, ``+`` for another, ``0`` for a digit; ``e`` and the space for
    themselves; else ``x``.
    """
    if character in SIGNS:
        return ord("." if character in "./-" else "+")
    return ord("0" if "0" <= character <= "9" else character if character in "e " else "x")


def _bigrams(found: re.Match[str]) -> str:
    run = found[0]
    return f" {' '.join(map(add, run, run[1:]))} {run[-1]} "


_MARKS = bytes(map(mark, map(chr, range(256))))
