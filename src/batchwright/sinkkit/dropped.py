"""Tables that somebody dropped: nothing is made again in silence whose rows are lost."""

from __future__ import annotations

from collections.abc import Iterable

from batchwright.errors import SinkError


def dropped(relation: str, tables: Iterable[str]) -> SinkError:
    """Return the refusal to use a target of which tables are gone while others are there.

    Args:
        relation: The published relation.
        tables: Those that are gone, as they are called.
    """
    return SinkError(
        f"the target lacks {', '.join(sorted(tables))}, though other tables of {relation} are there: they "
        "were dropped, and their rows are lost. Restore them from a backup, or drop the others as well "
        f"({relation} and what begins with its name) and load anew, or choose another table="
    )
