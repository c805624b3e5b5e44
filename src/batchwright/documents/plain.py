"""What an unquoted value of front matter is: text, unless nothing is lost by making it something else."""

from __future__ import annotations

import re

_WORDS: dict[str, bool | None] = {"": None, "~": None, "null": None, "true": True, "false": False}
_INTEGER = re.compile(r"-?[0-9]{1,19}")
_DECIMAL = re.compile(r"-?[0-9]{1,17}\.[0-9]{1,17}")
_LARGEST = 2**63


def plain_value(text: str) -> str | int | float | bool | None:
    """Return the number or boolean that `text` is written as, or else `text`.

    Writing the value back gives the same text. So ``NO``, ``01234``, ``12:30``, ``1.10``, ``1e5`` and
    integers of more than 64 bits stay text. Dates are text in JSON, so they stay as they are, too.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "-0123456789":
        return text
    if _INTEGER.fullmatch(text):
        number = int(text)
        return number if str(number) == text and -_LARGEST <= number < _LARGEST else text
    return decimal_value(text) if _DECIMAL.fullmatch(text) else text


def decimal_value(text: str) -> str | float:
    """Return the number that `text` is written as, if writing it back gives the same text; else `text`."""
    number = float(text)
    return number if repr(number) == text and text not in ("-0.0", "nan", "inf", "-inf") else text
