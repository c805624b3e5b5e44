"""What becomes of each character of a text that is searched."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

SIGNS = "+#.-/"
"""Characters that tell an identifier (``c++``, ``pod.yaml``, ``--no-cache``) from its words."""

UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u19e0-\u19ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\ua9e0-\ua9ff\uaa60-\uaa7f\uf900-\ufaff\U00020000-\U0003ffff"
)
"""Scripts without spaces between words: Thai, Lao, Burmese, Khmer, kana, Han; for a set in a pattern."""

_is_unspaced = re.compile(f"[{UNSPACED}]").match

# Accents, points and vowels that are often left out: of Latin, Greek, Cyrillic, Hebrew and Arabic. The signs
# of kana and of Indic scripts are no such marks: without them it is another word.
_is_left_off = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f"
    "\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u08d3-\u08ff\u1ab0-\u1aff\u1dc0-\u1dff"
    "\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f\U000e0100-\U000e01ef]"
).match
_loses_marks = re.compile("[\u0041-\u064f\u0660-\u08ff\u1e00-\u1fff\u2c60-\u2c7f\ua720-\ua7ff]").match
# Letters that Unicode doesn't take apart, as they are written where a keyboard lacks them.
_PLAIN = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"}
)
_is_emoji = re.compile(
    "[\u203c\u2049\u231a\u231b\u23e9-\u23fa\u2600-\u27bf\u2b50\u2b55\U0001f000-\U0001f3fa\U0001f400-\U0001fbff]"
).match

_EMOJI = "zzo"  # what the term of an emoji begins with
_NIBBLES = "abcdefghijklmnop"
_HANGUL, _SYLLABLES, _HAN = 0xAC00, 11172, 0x20000


class Characters(dict[int, str]):
    """A table for `str.translate` that computes what becomes of a character when it is first met."""

    def __init__(self, of: Callable[[str], str]) -> None:
        super().__init__()
        self._of = of

    def __missing__(self, code: int) -> str:
        self[code] = found = self._of(chr(code))
        return found


def folded(character: str) -> str:
    """Return what a character is in the terms of a text; a space where it parts them, signs as they are."""
    if character in SIGNS:
        return character
    if _is_emoji(character):
        return f" {spelled_emoji(character)} "
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", character).casefold())
    if (text != character and len(text) > 1) or _loses_marks(character):
        text = unicodedata.normalize("NFKD", text).translate(_PLAIN) if _loses_marks(text) else text
    return "".join(map(_kept, text))


def masked(character: str) -> str:
    """Return a letter for the kind of a character, for finding the places of terms in a text.

    ``w`` of a word, ``u`` of an unspaced script, ``e`` an emoji, ``m`` what belongs to the character before,
    ``s`` a sign of identifiers, else a space.
    """
    if character in SIGNS:
        return "s"
    if _is_emoji(character):
        return "e"
    if character in "\u3099\u309a\uff9e\uff9f":
        return "m"
    if _is_unspaced(unicodedata.normalize("NFKC", character)):
        return "u" if folded(character).strip() else " "
    text = folded(character)
    return "m" if not text else "w" if text.strip() else " "


def spelled_emoji(character: str) -> str:
    """Return the term of an emoji, in letters: a parser of words knows none."""
    return _EMOJI + "".join(_NIBBLES[int(digit, 16)] for digit in f"{ord(character):x}")


def _kept(character: str) -> str:
    category = unicodedata.category(character)
    if category[0] == "L":
        return "" if character == "\u0640" else character
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if _is_left_off(character) or category == "Cf":
        return ""
    if category[0] not in "MN":
        return " "
    # A letter in its place, of a script that the parsers of all databases know to be letters.
    code = ord(character)
    if _is_unspaced(character):
        return character if code == 0x3007 or code > 0xFFFF else chr(_HAN + code)
    return chr(_HANGUL + code % _SYLLABLES)
