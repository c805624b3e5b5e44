"""The types of columns, found in all their values."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from batchwright.config import BatchConfig
from batchwright.contracts.fields import (
    FIELD_TYPES,
    INTEGER_DIGITS,
    MOST_DIGITS,
    USUAL_SCALE,
    Field,
    FieldType,
)
from batchwright.engine.rows.value_checks import TEXT_CHECKS, VALUE_CHECKS, scale_of
from batchwright.errors import ConfigError

_DECIMALS = frozenset({int, float, Decimal})
_NEARLY = re.compile(r"[+-]?[0-9][0-9.,' ]*(?:[eE][+-]?[0-9]+)?")
_HAS, _IS = ("has", "have"), ("is", "are")
_NO_NUMBER = ("is no number", "are no numbers"), ""
_ODDITIES = (
    (re.compile(r"[+-]?0[0-9].*"), (_HAS, " leading zeros")),
    (re.compile(r"\+.*"), (_HAS, " a plus sign")),
    (re.compile(r".*[eE].*"), (_HAS, " an exponent")),
    (re.compile(r".*[ ,'].*"), (_HAS, " separators of thousands, or a comma")),
    (re.compile(r"[0-9.-]{19,}"), (_IS, " longer than 64 bits")),
    (re.compile(r".*"), (_IS, " written in another way than numbers are given back")),
)


def given_types(config: BatchConfig) -> Mapping[str, FieldType]:
    """Return the types that the settings say, by column.

    Raises:
        ConfigError: One is none.
    """
    found: dict[str, FieldType] = {}
    for column, said in config.types.items():
        kind = next((kind for kind in FIELD_TYPES if kind == said), None)
        if kind is None:
            raise ConfigError(f"types: {column} = {said!r} is no type; types are {', '.join(FIELD_TYPES)}")
        found[column] = kind
    return found


class TypeFinder:
    """Finds the types of columns in the values of all rows, a page of them at a time.

    Args:
        names: The columns, in their order. Others may follow.
        given: Types that are said, by column: these are not looked for.
        stored: The fields of the target, by name: these stay as they are.
        may_widen: Those that may become wider, where values don't fit: a decimal holds every integer.
        texts: Whether the values are texts, and an empty one none.
    """

    def __init__(
        self,
        names: Sequence[str],
        given: Mapping[str, FieldType],
        stored: Mapping[str, Field],
        may_widen: frozenset[str] = frozenset(),
        *,
        texts: bool,
    ) -> None:
        self._texts = texts
        self._may_widen = may_widen
        self._given = given
        self._stored = stored
        self._columns = [self._column(name) for name in names]
        self._rows = 0

    def add(self, rows: Sequence[Sequence[Any]], names: Sequence[str], lines: Sequence[int]) -> None:
        """Look at rows.

        Args:
            rows: Their values, in the order of `names`; None where there is none.
            names: The columns, those of before and perhaps new ones behind them.
            lines: The number of each row's line.
        """
        self.extend(names)
        self._rows += len(rows)
        for column, values in zip(self._columns, zip(*rows, strict=True), strict=True):
            column.add(values, lines)

    def extend(self, names: Sequence[str]) -> None:
        """Take in columns behind those that are known; in the rows before there was nothing in them."""
        for name in names[len(self._columns) :]:
            self._columns.append(self._column(name))
            self._columns[-1].nulls = self._rows

    def fields(self, key: str | None = None) -> tuple[Field, ...]:
        """Return the columns as fields.

        All but the key may be None: the next file may lack what this one has.
        """
        return tuple(column.field(is_key=column.name == key) for column in self._columns)

    @property
    def doubtful(self) -> frozenset[str]:
        """The columns of the target with values that don't fit."""
        return frozenset(column.name for column in self._columns if column.is_doubtful)

    def notes(self) -> list[str]:
        """Say what is nearly of another type, column by column."""
        return [note for column in self._columns if (note := column.note(self._rows))]

    def _column(self, name: str) -> _Column:
        given, stored = self._given.get(name), self._stored.get(name)
        if given is None and stored is not None and stored.type == "integer" and name in self._may_widen:
            return _WideningColumn(name, self._texts, None, stored)
        return _Column(name, self._texts, given, stored)


class _Column:
    def __init__(self, name: str, texts: bool, given: FieldType | None, stored: Field | None) -> None:
        self.name = name
        self.nulls = 0
        self._texts = texts
        self._checks = TEXT_CHECKS if texts else VALUE_CHECKS
        self._last: FieldType = "text" if texts else "json"
        self._stored, self._given = stored, given
        self._possible: list[FieldType] = list(self._checks)
        if stored is not None:
            self._possible = [stored.type]
        if given is not None:
            self._possible = [given]
        # a type of the target is looked at although there is no other: values may not fit
        self._is_settled = len(self._possible) == 1 and (stored is None or self._possible == ["text"])
        self.is_doubtful = False
        self._seen = False
        self._scale = USUAL_SCALE
        self._odd: Counter[tuple[tuple[str, str], str]] = Counter()  # a verb for one and for several
        self._example = ""
        self._was_number = False

    def add(self, values: Sequence[Any], lines: Sequence[int]) -> None:
        empty = ("", None) if self._texts else (None,)
        if any(one in values for one in empty):
            kept = [(value, line) for value, line in zip(values, lines, strict=True) if value not in empty]
            self.nulls += len(values) - len(kept)
            if not kept:
                return
            values, lines = zip(*kept, strict=True)
        if self._is_settled:
            if self._was_number:
                self._count_odd(values, lines)
            return
        before = self._possible
        self._possible = self._fitting(values)
        number = {"integer", "decimal", "real"}
        if self._texts and not number & {*self._possible} and number & {*before} and self._is_nearly(values):
            self._was_number = True
            self._count_odd(values, lines)
        self._seen = True
        self.is_doubtful = not self._possible and self._last not in before
        self._is_settled = not self._possible or self._possible == [self._last]

    def _fitting(self, values: Sequence[Any]) -> list[FieldType]:
        found: list[FieldType] = []
        for position, kind in enumerate(self._possible):
            if kind == "decimal":
                if (scale := self._decimal_scale(values)) is not None:
                    self._scale = max(self._scale, scale)
                    found.append(kind)
            elif self._checks[kind](values):
                found.append(kind)
                if kind == "integer" and self._seen:  # what is still possible beside it holds it as well
                    rest = self._possible[position + 1 :]
                    return found + [one for one in rest if one != "real" or self._checks[one](values)]
        return found

    def _decimal_scale(self, values: Sequence[Any]) -> int | None:
        """Return the scale that values need as decimals; None where they are none."""
        is_typed = self._texts or _DECIMALS.issuperset(map(type, values))
        return scale_of(values) if is_typed else None

    def _is_nearly(self, values: Sequence[Any]) -> bool:
        return self._seen or 2 * sum(bool(_NEARLY.fullmatch(value)) for value in values) > len(values)

    def _count_odd(self, values: Sequence[str], lines: Sequence[int]) -> None:
        check = TEXT_CHECKS["decimal"]
        if check(values):
            return
        for value, line in zip(values, lines, strict=True):
            if check([value]):
                continue
            if _NEARLY.fullmatch(value):
                self._odd[next(said for pattern, said in _ODDITIES if pattern.fullmatch(value))] += 1
            else:
                self._odd[_NO_NUMBER] += 1
                self._example = self._example or f", such as {value[:40]!r} in line {line:,}"

    def field(self, *, is_key: bool) -> Field:
        if self._stored is not None and self._given in (None, self._stored.type):
            return self._stored
        if self._given is not None:
            kind = self._given
        else:
            kind = self._possible[0] if self._seen and self._possible else self._last
        if is_key and kind not in ("integer", "uuid", "date"):
            kind = "text"
        return Field(self.name, kind, nullable=not is_key, scale=self._scale)

    def note(self, rows: int) -> str:
        if self._given is not None or self._stored is not None:
            return ""
        if rows and self.nulls == rows:
            return f"{self.name}: {self._last}, since it holds no value"
        if not self._odd:
            return ""
        said = [
            f"{count:,} of {rows - self.nulls:,} {odd[0][count > 1]}{odd[1] or self._example}"
            for odd, count in self._odd.most_common(3)
        ]
        return f"{self.name}: {self.field(is_key=False).type}, {', '.join(said)}"


class _WideningColumn(_Column):
    """A column of the target with integers: the first decimal makes it one of decimals.

    A line that fits neither costs itself only.
    """

    _is_wide = False
    _first = ""

    def add(self, values: Sequence[Any], lines: Sequence[int]) -> None:
        empty = ("", None) if self._texts else (None,)
        kept = [(value, line) for value, line in zip(values, lines, strict=True) if value not in empty]
        self.nulls += len(values) - len(kept)
        if not kept:
            return
        values, lines = zip(*kept, strict=True)
        check = self._checks["integer"]
        if not self._is_wide and check(values):
            return
        if self._fits(values):
            self._widen(values, lines)
            return
        self.is_doubtful = True
        fitting = [(value, line) for value, line in zip(values, lines, strict=True) if self._fits([value])]
        if any(not check([value]) for value, _ in fitting):
            self._widen(*zip(*fitting, strict=True))

    def _fits(self, values: Sequence[Any]) -> bool:
        scale = self._decimal_scale(values)
        return scale is not None and scale <= MOST_DIGITS - INTEGER_DIGITS

    def _widen(self, values: Sequence[Any], lines: Sequence[int]) -> None:
        if not self._is_wide:
            self._is_wide, check = True, self._checks["integer"]
            value, line = next(
                (value, line) for value, line in zip(values, lines, strict=True) if not check([value])
            )
            self._first = f"{self.name}: {str(value)[:40]!r} in line {line:,} is no integer of 64 bits"
        self._scale = max(self._scale, self._decimal_scale(values) or 0)

    def field(self, *, is_key: bool) -> Field:
        stored = super().field(is_key=is_key)
        if not self._is_wide:
            return stored
        return Field(self.name, "decimal", nullable=stored.nullable, scale=self._scale)

    def note(self, rows: int) -> str:
        return self._first
