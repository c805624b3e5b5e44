"""Cursors: where a row stands in the order in which rows change, as a text that sorts alike."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from batchwright import ConfigError, Field

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DIGITS = 19
"""Of 64 bits."""
_TYPES = ("integer", "date", "datetime", "timestamp", "text")
_FIRST: Mapping[str, Any] = {
    "date": date.min,
    "datetime": datetime.min,
    "timestamp": datetime.min.replace(tzinfo=UTC),
}


def parsed_lag(text: str) -> timedelta | int:
    """Return a lag: a duration such as ``1h``, or a whole number.

    Raises:
        ValueError: It is neither.
    """
    found = re.fullmatch(r"(\d{1,9})([smhdw]?)", text.strip())
    if found is None:
        raise ValueError(f"lag is {text!r}; give a duration such as 90s, 15m, 1h or 7d, or a whole number")
    number, unit = int(found[1]), found[2]
    return timedelta(**{_UNITS[unit]: number}) if unit else number


class Cursor:
    """A column by which changes are found.

    Args:
        field: Its field.
        lag: How far below the highest to begin, as `parsed_lag` reads it.

    Raises:
        ConfigError: It can't be one, or the lag is of another type.
    """

    def __init__(self, field: Field, lag: str | None) -> None:
        self.field = field
        if field.type not in _TYPES:
            raise ConfigError(f"cursor: {field.name} is {field.type}; a cursor is one of {', '.join(_TYPES)}")
        self._lag = None if lag is None else parsed_lag(lag)
        fits = isinstance(self._lag, timedelta) if field.type in _FIRST else field.type == "integer"
        if self._lag is not None and (
            not fits or (field.type == "integer" and not isinstance(self._lag, int))
        ):
            said = {"integer": "a whole number", "text": "none"}.get(field.type, "a duration such as 1h")
            raise ConfigError(f"lag: {field.name} is {field.type}, so its lag is {said}, not {lag}")

    def text(self, value: Any) -> str:
        """Return a value as text; texts sort as the values do."""
        if isinstance(value, datetime):
            moment = value.astimezone(UTC) if value.tzinfo else value
            return moment.isoformat(timespec="microseconds")
        if isinstance(value, int):
            # below zero the digits count up from the lowest, and a minus sorts before all digits
            return f"{value:0{_DIGITS}d}" if value >= 0 else f"-{10**_DIGITS + value:0{_DIGITS}d}"
        return str(value)

    def first(self, since: str) -> Any:
        """Return the lowest value to ask for: that of a text that `text` returned, less the lag.

        Raises:
            ConfigError: The text is none of this column: another was the cursor before.
        """
        name = self.field.name
        try:
            value = self._value(since)
        except ValueError as error:
            raise ConfigError(
                f"cursor: {since!r} was reached before, which is no {self.field.type}, as {name} is; "
                "load into another collection, or with the cursor of before"
            ) from error
        if self._lag is None:
            return value
        try:
            return value - self._lag
        except OverflowError:
            return _FIRST[self.field.type]

    def _value(self, text: str) -> Any:
        match self.field.type:
            case "integer":
                return int(text[1:]) - 10**_DIGITS if text.startswith("-") else int(text)
            case "date":
                return date.fromisoformat(text)
            case "datetime" | "timestamp":
                moment = datetime.fromisoformat(text)
                if (moment.tzinfo is None) != (self.field.type == "datetime"):
                    raise ValueError(text)
                return moment
            case _:
                return text
