"""Values in a form that is quick to pickle: a decimal or a time costs ten times as much as its text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

Form = Callable[[Any], Any]

_FORMS: Mapping[type, tuple[Form, Form]] = {
    Decimal: (str, Decimal),
    datetime: (datetime.isoformat, datetime.fromisoformat),
    date: (date.toordinal, date.fromordinal),
    time: (time.isoformat, time.fromisoformat),
    UUID: (str, UUID),
}
"""What makes a value plain, and what makes it again, by class."""


class _Plan(NamedTuple):
    number: int
    plain: Sequence[tuple[int, Form]]


class PlainValues:
    """Makes rows plain, and makes them again. Each combination of their values' classes is looked at once."""

    def __init__(self) -> None:
        self._plans: dict[tuple[type, ...], _Plan] = {}
        self._again: list[Sequence[tuple[int, Form]]] = []

    def plain(self, values: Sequence[Any]) -> list[Any]:
        """Return values in their plain form, behind the number of what makes them again."""
        shape = tuple(map(type, values))
        plan = self._plans.get(shape)
        if plan is None:
            plan = self._plans[shape] = self._planned(shape)
        found = [plan.number, *values]
        for position, change in plan.plain:
            found[position] = change(found[position])
        return found

    def again(self, plain: Sequence[Any]) -> tuple[Any, ...]:
        """Return the values that `plain` was given."""
        found = list(plain)
        for position, change in self._again[found[0]]:
            found[position] = change(found[position])
        return tuple(found[1:])

    def _planned(self, shape: Sequence[type]) -> _Plan:
        special = [(position, _FORMS[kind]) for position, kind in enumerate(shape, 1) if kind in _FORMS]
        self._again.append([(position, again) for position, (_, again) in special])
        return _Plan(len(self._again) - 1, [(position, plain) for position, (plain, _) in special])
