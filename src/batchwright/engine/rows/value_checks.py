"""Which types values fit: a type fits a text if its value says the same text again, and so loses nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from math import isfinite
from typing import Any

from batchwright.contracts.fields import MOST_DIGITS, USUAL_SCALE, FieldType

Check = Callable[[Sequence[Any]], bool]
"""Tells whether all values fit a type. Takes many at once, since a call a value would cost the most of it."""

LARGEST, EXACT_IN_A_FLOAT = 2**63 - 1, 2**53

_DECIMAL = re.compile(r"(?!-0(?:\.0+)?$)-?(0|[1-9][0-9]*)(?:\.([0-9]+))?")
_DECIMALS = re.compile(r"(?:(?!-0(?:\.0+)?\n)-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?\n)*+")
_UUID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def scale_of(values: Sequence[Any]) -> int | None:
    """Return how many digits behind the point values need; None where they are no decimals that fit."""
    texts = list(map(str, values))
    if max(map(len, texts)) <= USUAL_SCALE:  # of whatever digits they are, there is room
        together = "\n".join(texts) + "\n"
        is_one = _DECIMALS.fullmatch(together) and together.count("\n") == len(texts)
        return USUAL_SCALE if is_one else None
    found: list[re.Match[str]] = []
    for match in map(_DECIMAL.fullmatch, texts):
        if match is None:
            return None
        found.append(match)
    whole = max(len(match[1]) for match in found)
    scale = max(USUAL_SCALE, max(len(match[2] or "") for match in found))
    return scale if whole + scale <= MOST_DIGITS else None


def _boolean(values: Sequence[str]) -> bool:
    return {"true", "false"}.issuperset(values)


def _integer(values: Sequence[str], most: int = LARGEST) -> bool:
    try:
        numbers = list(map(int, values))
    except ValueError:
        return False
    return list(map(str, numbers)) == list(values) and _is_small(numbers, most)


def _real(values: Sequence[str]) -> bool:
    if _integer(values, EXACT_IN_A_FLOAT):
        return True
    try:
        numbers = list(map(float, values))
    except ValueError:
        return False
    return all(map(isfinite, numbers)) and all(
        repr(number) == text
        if number % 1 or "." in text or "e" in text
        else _integer([text], EXACT_IN_A_FLOAT)
        for number, text in zip(numbers, values, strict=True)
    )


def _date(values: Sequence[str]) -> bool:
    try:
        return [date.fromisoformat(text).isoformat() for text in values] == list(values)
    except ValueError:
        return False


def _time(values: Sequence[str]) -> bool:
    try:
        times = list(map(time.fromisoformat, values))
    except ValueError:
        return False
    return all(
        one.tzinfo is None and _says(text, one.isoformat()) for one, text in zip(times, values, strict=True)
    )


def _datetime(values: Sequence[str]) -> bool:
    return _moments(values, lambda moment, text: moment.tzinfo is None and _says_moment(text, moment))


def _timestamp(values: Sequence[str]) -> bool:
    return _moments(values, lambda moment, text: moment.tzinfo is not None and _says_moment(text, moment))


def _moments(values: Sequence[str], fits: Callable[[datetime, str], bool]) -> bool:
    try:
        moments = list(map(datetime.fromisoformat, values))
    except ValueError:
        return False
    return all(map(fits, moments, values))


def _says_moment(text: str, moment: datetime) -> bool:
    if len(text) < 19 or text[10] not in "T ":
        return False
    canonical = moment.isoformat(text[10])
    if moment.tzinfo is not None:
        text = text[:-1] + "+00:00" if text.endswith("Z") else text
        if text[-6] not in "+-" or text[-6:] != canonical[-6:]:
            return False
        text, canonical = text[:-6], canonical[:-6]
    return _says(text, canonical)


def _says(text: str, canonical: str) -> bool:
    """Tell whether a time is written as usual; zeros may stand behind its fraction, or not."""
    if text == canonical:
        return True
    whole, point, fraction = text.partition(".")
    usual, _, digits = canonical.partition(".")
    return (
        bool(point)
        and whole == usual
        and 0 < len(fraction) <= 6
        and fraction.ljust(6, "0") == digits.ljust(6, "0")
    )


def _uuid(values: Sequence[str]) -> bool:
    return all(map(_UUID.fullmatch, values))


TEXT_CHECKS: Mapping[FieldType, Check] = {
    "boolean": _boolean,
    "integer": _integer,
    "decimal": lambda values: scale_of(values) is not None,
    "real": _real,
    "date": _date,
    "time": _time,
    "datetime": _datetime,
    "timestamp": _timestamp,
    "uuid": _uuid,
    "text": lambda _: True,
}
"""For formats that have texts only, in the order in which they are preferred."""


def _of_classes(*classes: type, check: Check = lambda _: True) -> Check:
    allowed = frozenset(classes)
    return lambda values: allowed.issuperset(map(type, values)) and check(values)


def _is_small(numbers: Sequence[Any], most: int) -> bool:
    return bool(max(numbers) <= most and min(numbers) >= -most)


VALUE_CHECKS: Mapping[FieldType, Check] = {
    "boolean": _of_classes(bool),
    "integer": _of_classes(int, check=lambda values: _is_small(values, LARGEST)),
    "real": _of_classes(
        int,
        float,
        check=lambda values: all(type(n) is float or abs(n) <= EXACT_IN_A_FLOAT for n in values),
    ),
    "decimal": _of_classes(int, float, Decimal, check=lambda values: scale_of(values) is not None),
    "date": _of_classes(str, check=_date),
    "time": _of_classes(str, check=_time),
    "datetime": _of_classes(str, check=_datetime),
    "timestamp": _of_classes(str, check=_timestamp),
    "uuid": _of_classes(str, check=_uuid),
    "text": _of_classes(str),
    "json": lambda _: True,
}
"""For values as JSON has them."""
