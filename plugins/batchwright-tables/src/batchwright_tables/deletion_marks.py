"""Marks of deleted rows: a boolean, or the time at which a row was deleted."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from batchwright import ConfigError, Field
from batchwright_tables.unheld import Unheld

_TYPES = ("boolean", "integer", "decimal", "date", "datetime", "timestamp", "text")
"""Numbers are the booleans of databases that have none; texts the times of drivers that have none."""
_TRUTHS = {"0": False, "false": False, "f": False, "": False, "1": True, "true": True, "t": True}


def check_marks(field: Field) -> None:
    """Check the column of the marks.

    Raises:
        ConfigError: It can't hold marks.
    """
    if field.type not in _TYPES:
        raise ConfigError(
            f"deleted: {field.name} is {field.type}; such a column is a boolean, or the time of the deletion"
        )


def doubt_of(value: Any, name: str) -> str:
    """Return why it can't be told whether a value marks its row as deleted, or an empty text."""
    if type(value) is Unheld:
        return f"{name} says whether the row is deleted"
    if isinstance(value, str) and value.casefold() not in _TRUTHS and not _is_time(value):
        return f"{name} says whether the row is deleted, and {value[:40]!r} is neither a boolean nor a time"
    if isinstance(value, int | float | Decimal) and value not in (0, 1):
        return f"{name} says whether the row is deleted, and {value} is neither 0 nor 1"
    return ""


def is_marked(value: Any) -> bool:
    """Tell whether a value, of which there is no doubt, marks its row as deleted."""
    if isinstance(value, str):
        return _TRUTHS.get(value.casefold(), True)
    if isinstance(value, date):
        return True
    return bool(value)


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
