"""Sinks of which a target may hold several relations, and which of them have a ledger."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Self, TypeVar

from batchwright.contracts.records import relation_of
from batchwright.contracts.sink import AnySink, Options, Sink

AnyKind = TypeVar("AnyKind", bound=AnySink)

_LEDGERS = ("meta", "documents", "receipts")  # in every layout, also in older ones
_ROWS = ("records", "chunks")  # what layout 2 and layout 1 call the table of the rows

SUFFIXES = (*_LEDGERS, *_ROWS)
"""What follows the relation's name in the names of the tables that `relations_among` looks at."""


class TableSink(Sink[Options]):
    """A sink with an option `table`, the name of the published relation; a target may hold several."""

    @property
    def relation(self) -> str:
        """The published relation: the one that the options name, else that of chunks."""
        return relation_of(self._table, None)

    def relations(self) -> Sequence[Self]:
        """Return a sink for each relation in the target, or for the one that the options name.

        Raises:
            SinkError, ConnectionError: As `relation_names`.
        """
        names = () if self._table else self.relation_names()
        return on_each(self, names) if names else super().relations()

    @abstractmethod
    def relation_names(self) -> Sequence[str]:
        """Return the names of the relations in the target that have a ledger; create nothing.

        Raises:
            SinkError, ConnectionError: As `exists`.
        """

    @property
    def _table(self) -> str | None:
        table: str | None = getattr(self.options, "table", None)
        return table


def relations_among(tables: Iterable[str]) -> list[str]:
    """Return the published relations that have rows and a ledger among these tables, in code point order.

    Those of an older layout are among them: opening one is an error that says so.
    """
    there = set(tables)
    names = (name.removesuffix("_meta") for name in there if name.endswith("_meta"))
    return sorted(
        name
        for name in names
        if name
        and all(f"{name}_{suffix}" in there for suffix in _LEDGERS)
        and any(f"{name}_{suffix}" in there for suffix in _ROWS)
    )


def on_each(sink: AnyKind, names: Iterable[str]) -> list[AnyKind]:
    """Return the sink on each of these relations; its option for that is called `table`."""
    return [type(sink)(sink.options.model_copy(update={"table": name})) for name in names]
