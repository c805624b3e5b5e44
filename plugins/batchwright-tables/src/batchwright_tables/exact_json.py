"""JSON, refused where Python would round a number of it."""

from __future__ import annotations

import json
from decimal import Decimal


class Inexact(ValueError):
    """A number has more digits than a float has room for."""


def _float(text: str) -> float:
    number = float(text)
    if Decimal(repr(number)) != Decimal(text):
        raise Inexact(f"has a number in its JSON that would be rounded: {text}")
    return number


def _no_number(text: str) -> float:
    raise ValueError(f"JSON has no {text}")


loads = json.JSONDecoder(parse_float=_float, parse_constant=_no_number).decode
"""Return what a JSON text holds.

Raises:
    Inexact: A number would be rounded.
    ValueError: It is no JSON.
"""

__all__ = ["Inexact", "loads"]
