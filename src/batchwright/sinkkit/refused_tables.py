"""Refusals of a target whose tables were dropped, or are another's, or of another layout."""

from __future__ import annotations

from collections.abc import Iterable

from batchwright.errors import SinkError
from batchwright.sinkkit.sql_ledger.tables import LAYOUT


def dropped(relation: str, tables: Iterable[str]) -> SinkError:
    """Return the refusal to use a target of which tables are gone while others are there.

    Nothing is made again in silence whose rows are lost.

    Args:
        relation: The published relation.
        tables: Those that are gone, as they are called.
    """
    return SinkError(
        f"the target lacks {', '.join(sorted(tables))}, though other tables of {relation} are there: they "
        "were dropped, and their rows are lost. Restore them from a backup, or drop the others as well "
        f"({relation} and what begins with its name) and load anew, or choose another table="
    )


def foreign(name: str, scheme: str) -> SinkError:
    """Return the refusal to use a name that something else has.

    Args:
        name: What has it: a table, a view, an index.
        scheme: The scheme of the target's URL.
    """
    return SinkError(
        f"the database has a {name!r} that batchwright did not make; choose another table name, "
        f"as in {scheme}:///…?table=OTHER"
    )


def check_layout(relation: str, layout: int) -> None:
    """Check that the tables are as this batchwright makes them.

    Args:
        relation: The published relation.
        layout: What the tables say.

    Raises:
        SinkError: They are of an older batchwright, or a newer one.
    """
    if layout != LAYOUT:
        advice = "update batchwright" if layout > LAYOUT else "load the documents anew into another table"
        raise SinkError(
            f"the tables of {relation!r} have layout {layout}, and this batchwright knows {LAYOUT}; "
            f"{advice}, or choose another table name"
        )
