"""Which relations of a database have a ledger: found by the names of its tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from batchwright.contracts.sink import AnySink

AnyKind = TypeVar("AnyKind", bound=AnySink)

_LEDGERS = ("meta", "documents", "receipts")  # in every layout, also in older ones
_ROWS = ("records", "chunks")  # what layout 2 and layout 1 call the table of the rows

SUFFIXES = (*_LEDGERS, *_ROWS)
"""What follows the relation's name in the names of the tables that `relations_among` looks at."""


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
