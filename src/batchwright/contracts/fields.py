"""The fields of a record type: what each is called, and what it holds."""

from __future__ import annotations

from typing import Literal, get_args

from batchwright.errors import ConfigError
from batchwright.values import dataclass

FieldType = Literal[
    "text",
    "integer",
    "real",
    "decimal",
    "boolean",
    "date",
    "time",
    "datetime",
    "timestamp",
    "uuid",
    "bytes",
    "json",
]
"""What a field holds.

`integer` has 64 bits, `decimal` is exact. `datetime` has no zone; `timestamp` has one and is kept as UTC.
`json` is whatever JSON has: objects, arrays, numbers, texts.
"""

FIELD_TYPES: tuple[FieldType, ...] = get_args(FieldType)

MOST_DIGITS, USUAL_SCALE = 38, 9
"""Digits of a decimal, for which databases with an exact type have room; and those behind the point."""

INTEGER_DIGITS = 19
"""Digits of the largest integer."""


def check_name(name: str, what: str) -> None:
    """Check a name that becomes one in a database.

    Raises:
        ConfigError: No database could have it.
    """
    if not name.strip() or "\0" in name or any("\ud800" <= letter <= "\udfff" for letter in name):
        raise ConfigError(f"a {what} is called {name!r}; a name is text without NUL and lone surrogates")


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record.

    Attributes:
        name: Its name, and its column's. Names that begin with `_` are the engine's.
        type: What it holds.
        nullable: Whether it may be None.
        precision: Of a decimal: its digits, at most.
        scale: Of a decimal: how many of them may stand behind the point.

    Raises:
        ConfigError: No database could hold a field like this.
    """

    name: str
    type: FieldType
    nullable: bool = False
    precision: int = MOST_DIGITS
    scale: int = USUAL_SCALE

    def __post_init__(self) -> None:
        name = self.name
        check_name(name, "field")
        if name.startswith("_"):
            raise ConfigError(f"the field {name} begins with an underscore, as the engine's do; rename it")
        if self.type not in FIELD_TYPES:
            raise ConfigError(
                f"the field {name} has the type {self.type!r}; types are {', '.join(FIELD_TYPES)}"
            )
        if not 0 <= self.scale <= self.precision <= MOST_DIGITS or self.precision < 1:
            raise ConfigError(
                f"the field {name} has the precision {self.precision} and the scale {self.scale}; "
                f"a decimal has 1 to {MOST_DIGITS} digits, and no more of them behind the point"
            )

    @property
    def kind(self) -> str:
        """Its type as messages have it: ``decimal(10, 2), nullable``."""
        digits = f"({self.precision}, {self.scale})" if self.type == "decimal" else ""
        return f"{self.type}{digits}{', nullable' if self.nullable else ''}"
