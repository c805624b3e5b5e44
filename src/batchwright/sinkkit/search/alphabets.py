"""Texts in the letters of a few alphabets, a byte a character: many times faster than `str.translate`."""

from __future__ import annotations

import re
import unicodedata
from array import array
from codecs import charmap_build, charmap_decode, charmap_encode, register_error
from functools import cache
from itertools import chain, repeat

from batchwright.sinkkit.search.characters import SIGNS, Characters, folded
from batchwright.sinkkit.search.spelling import Spelled, mark

_BETWEEN = "\x1f"  # parts that stand between runs of an unspaced script
_IN_ASCII = "batchwright.ascii"
_BECOME = Characters(folded)
_NONE = "\ufffe"  # in a table of characters: there is none
_TYPOGRAPHY = "—–’‘“”…«»•·→\xa0✓─│├└┌┐┘┤┬┴┼×°©„‚‹›‐‑−←↑↓⇒″′‡†\u200b\u200e\ufeff\u2009\u202f€"
_PUNCTUATION = "、。〃「」『』【】〈〉《》〔〕〜・"
_FULL_WIDTH = "".join(map(chr, (*range(0xFF01, 0xFF21), *range(0xFF3B, 0xFF41), *range(0xFF5B, 0xFF5F))))

# Of kana and Han those that are in terms what they are in a text: few others are in use.
_RUNS = re.compile("([\u3005-\u3007\u3041-\u3096\u30a1-\u30fa\u30fc-\u30fe\u3400-\u4db5\u4e00-\u9fef]+)")


class Alphabet:
    """At most 256 characters, each with a code of one byte.

    Args:
        characters: By code; what becomes more than one character in terms is left out.
        kept: One of them that stays as it is.
    """

    def __init__(self, characters: str, kept: str = "") -> None:
        become = [one if one == kept else folded(one) for one in characters]
        known = (one if len(found) < 2 else _NONE for one, found in zip(characters, become, strict=True))
        self._codes = charmap_build("".join(known))
        self._gone = bytes(code for code, found in enumerate(become) if not found)
        self._signed = "".join(found if len(found) == 1 else " " for found in become)
        self._words = "".join(" " if found in SIGNS else found for found in self._signed)
        self._marks = bytes(map(mark, self._signed.replace(kept or " ", " ")))

    def encoded(self, text: str) -> bytes:
        """Return the codes of a text.

        Raises:
            UnicodeEncodeError: It has another character that isn't ASCII in terms, either.
        """
        return charmap_encode(text, _IN_ASCII, self._codes)[0]

    def spelled(self, codes: bytes) -> Spelled:
        """Return what becomes of a text."""
        if self._gone:
            codes = codes.translate(None, self._gone)
        return Spelled(
            charmap_decode(codes, "strict", self._signed)[0],
            charmap_decode(codes, "strict", self._words)[0],
            codes.translate(self._marks),
        )


def spelled(text: str) -> Spelled | None:
    """Return what becomes of a text; None where it isn't of one alphabet, or kana and Han among ASCII."""
    if text.isascii():
        return _LATIN.spelled(text.encode("ascii"))
    text = unicodedata.normalize("NFC", text)
    try:
        return _LATIN.spelled(_LATIN.encoded(text))
    except UnicodeEncodeError as error:
        lacking = error.object[error.start]
    if _RUNS.match(lacking):
        return _with_runs(text)
    alphabet = _of_block(ord(lacking) // 128)
    try:
        return alphabet.spelled(alphabet.encoded(text)) if alphabet else None
    except UnicodeEncodeError:
        return None


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    """Say what an alphabet has in place of characters that it lacks, where that is ASCII."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    for at in range(error.start, error.end):
        lacking = error.object[at]
        if not _BECOME[ord(lacking)].isascii() or "\uff65" <= lacking <= "\uffdc":
            error.start = at
            raise error
    return error.object[error.start : error.end].translate(_BECOME), error.end


def _with_runs(text: str) -> Spelled | None:
    """Return what becomes of a text with runs of kana and Han: their bigrams, and the last characters."""
    parts = _RUNS.split(text.replace(_BETWEEN, " "))
    try:
        others = _FAR_EASTERN.spelled(_FAR_EASTERN.encoded(_BETWEEN.join(parts[::2])))
    except UnicodeEncodeError:
        return None
    words = others.words.split(_BETWEEN)
    if not all(words[1:-1]):  # what was between two runs is gone: they are one
        return None
    parts[::2] = words
    parts[1::2] = _bigrams(parts[1::2])
    return others._replace(signed=others.signed.replace(_BETWEEN, " "), words=" ".join(parts))


def _bigrams(runs: list[str]) -> list[str]:
    """Return of each run each two neighbours, and the last character, between spaces."""
    first = "\n".join(runs).encode("utf-16-le")
    second = "  ".join([run[1:] for run in runs]).encode("utf-16-le") + b" \0"
    space = " ".encode("utf-16-le") * (len(first) // 2)
    woven = array("H", bytes(3 * len(first)))
    for place, units in enumerate((first, second, space)):
        woven[place::3] = array("H", units)
    return woven.tobytes().decode("utf-16-le").split("\n")


@cache
def _of_block(block: int) -> Alphabet | None:
    """Return ASCII with 128 letters from Latin to Sinhala, or of Latin and Greek with more accents."""
    if not (2 <= block < 28 or 60 <= block < 64):
        return None
    letters = map(chr, range(128 * block, 128 * block + 128))
    # in place of control characters
    more = iter(_TYPOGRAPHY)
    ascii_ = (chr(code) if code in b"\0\t\n\r" or code >= 32 else next(more) for code in range(128))
    return Alphabet("".join(chain(ascii_, letters)))


def _with_ascii(others: str, kept: str = "") -> Alphabet:
    characters = dict.fromkeys(chain(map(chr, range(128)), others))
    return Alphabet("".join(chain(characters, repeat(_NONE, 256 - len(characters)))), kept)


_LATIN = _with_ascii("".join(map(chr, range(0xC0, 0x100))) + "œŒłŁđĐı" + _TYPOGRAPHY)
_FAR_EASTERN = _with_ascii(_PUNCTUATION + _FULL_WIDTH + _TYPOGRAPHY, kept=_BETWEEN)
register_error(_IN_ASCII, _in_ascii)
