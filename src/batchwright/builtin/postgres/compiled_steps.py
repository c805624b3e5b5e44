"""Steps as the body of a function, and a receipt's values as its arguments."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from batchwright.builtin.postgres.dialect import PostgresDialect, array_of
from batchwright.builtin.postgres.encoding import BinaryArray
from batchwright.sinkkit.sql_ledger.steps.columns import columns_of
from batchwright.sinkkit.sql_ledger.steps.step import Step

_PARAMETER = re.compile(r"\$(\d+)")
_QUERY = re.compile(r"\A\s*SELECT\b")
_TYPES = {"text": "text", "id": "uuid", "integer": "bigint"}

Arguments = list[BinaryArray | None]
"""The parameters of the steps that a receipt has; None for those of other steps."""


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A step, and the numbers of its columns' parameters, from 0."""

    step: Step
    parameters: tuple[int, ...]


VARIABLES = "new bigint; there bigint; entered boolean := false; complete boolean := false;"
"""What the body of steps needs, beside `met` and `pending`."""


class CompiledSteps:
    """Steps in PL/pgSQL, of which a receipt may need only some. Their parameters are arrays, or NULL.

    Steps that need rows that were there before are left out where there were none. The variable `met` tells
    whether any document was there, `pending` has the versions that were, as the steps that lock them found.
    Where the collection is there, as `entered` tells, or every document, as `complete` does, there is none
    to claim.

    Args:
        steps: The steps, in their order.
        dialect: How they are said.

    Attributes:
        types: The types of the parameters. Columns that have the same values, as `Step.given` says, are one.
    """

    def __init__(self, steps: Sequence[Step], dialect: PostgresDialect) -> None:
        self._dialect = dialect
        self._kinds: list[str] = []
        known: dict[tuple[str, str], int] = {}
        self._steps: list[_Compiled] = []
        for number, step in enumerate(steps):
            given = step.given or f"step {number}"
            parameters = [known.setdefault((given, name), len(known)) for name, _ in step.columns]
            for parameter, (_, kind) in zip(parameters, step.columns, strict=True):
                if parameter == len(self._kinds):
                    self._kinds.append(kind)
            self._steps.append(_Compiled(step, tuple(parameters)))
        self._places = {_key(step): place for place, step in enumerate(steps)}
        self._whole: dict[tuple[int, ...], bool] = {}
        self.types = [f"{_TYPES[kind]}[]" for kind in self._kinds]

    def body(self, first: int = 0, end: int | None = None) -> Iterator[str]:
        """Yield the lines of some of the steps; `$1` is the first of the parameters."""
        for compiled in self._steps[first:end]:
            step = compiled.step
            numbers = [parameter + 1 for parameter in compiled.parameters]
            named = dict(zip((name for name, _ in step.columns), numbers, strict=True))
            given = f"cardinality(${numbers[0]})"
            text = _PARAMETER.sub(
                lambda found, numbers=numbers: f"${numbers[int(found[1]) - 1]}",  # type: ignore[misc]
                self._dialect.statement(step),
            )
            if step.kind == "claim" and step.table == "documents":
                yield "met := complete;"
            yield f"IF {' AND '.join([f'{given} > 0', *_needed(step, named)])} THEN"
            if step.kind == "lock" and step.table == "pending":
                yield f"pending := ARRAY ({text});"
            else:
                yield f"{_QUERY.sub('PERFORM', text, count=1)};"
            if step.kind == "share":
                yield "entered := FOUND;"
            if step.kind == "lock" and step.table == "documents":
                yield f"GET DIAGNOSTICS there = ROW_COUNT; complete := there = {given};"
            if step.kind == "claim" and step.table == "documents":
                yield f"GET DIAGNOSTICS new = ROW_COUNT; met := new < {given};"
            yield "END IF;"

    def arguments(self, steps: Sequence[Step]) -> Arguments | None:
        """Return the arguments for steps of a receipt; None where some are not, or not so, among ours.

        Raises:
            ValueError: A value is none that Postgres can store.
        """
        places = tuple([self._places.get(_key(step), -1) for step in steps])
        if not self._has(places):
            return None
        values: Arguments = [None] * len(self._kinds)
        known: dict[tuple[str, int], tuple[Sequence[Any], BinaryArray]] = {}  # steps share columns
        for number, step in zip(places, steps, strict=True):
            columns: Sequence[Sequence[Any]] = ()
            for position, parameter in enumerate(self._steps[number].parameters):
                if values[parameter] is None:
                    columns = columns or columns_of(step.rows, len(step.columns))
                    kind, column = step.columns[position][1], columns[position]
                    place = kind, id(column)
                    if place not in known:  # the column is kept, or its id might be another's
                        known[place] = column, array_of(kind, column)
                    values[parameter] = known[place][1]
        return values

    def handed_on(self, rest: CompiledSteps, first: int) -> list[str]:
        """Return what to give to the parameters of the steps from `first` on, compiled apart."""
        numbers = [0] * len(rest.types)
        for ours, theirs in zip(self._steps[first:], rest._steps, strict=True):
            for number, position in zip(ours.parameters, theirs.parameters, strict=True):
                numbers[position] = number + 1
        return [f"${number}" for number in numbers]

    def _has(self, places: tuple[int, ...]) -> bool:
        """Tell whether the body does just these steps: a parameter that two share is there for both."""
        known = self._whole.get(places)
        if known is None:
            there = {self._steps[place].step.given for place in places if place >= 0} - {""}
            together = [place for place, one in enumerate(self._steps) if one.step.given in there]
            known = -1 not in places and [*places] == sorted(places) and set(together) <= set(places)
            self._whole[places] = known
        return known


def _key(step: Step) -> tuple[str, ...]:
    return step.kind, step.table, step.text, step.needs


def _needed(step: Step, numbers: Mapping[str, int]) -> Iterator[str]:
    """Yield the conditions under which a step may have something to do; `numbers` are its parameters."""
    if step.kind == "claim" and step.table == "collections":
        yield "NOT entered"
    if step.kind == "claim" and step.table == "documents":
        yield "NOT complete"
    if step.needs == "documents":
        yield "met"
    if step.needs == "other pending":
        yield f"NOT pending <@ ${numbers['document_id']}"
    if step.needs == "pending":  # without the key, a row is about its version alone
        yield "pending <> '{}'" if "key_hash" in numbers else f"pending && ${numbers['document_id']}"
