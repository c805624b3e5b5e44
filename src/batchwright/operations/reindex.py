"""Make the indexes of a target's texts anew, from the stored rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from batchwright.errors import SinkError
from batchwright.operations.target import OpenTarget


@dataclass(frozen=True, slots=True)
class Reindexed:
    """How far the index of a relation is.

    Attributes:
        relation: The relation; None where the target has one only, without a name.
        records: Its records that are in the index now, of those that this call had to do.
        done: Whether that is all.
    """

    relation: str | None
    records: int
    done: bool = False


def reindex(target: OpenTarget) -> Iterator[Reindexed]:
    """Make the indexes anew, one relation after the other; yield how far it is.

    What is done stays so if it breaks off; again, it goes on from there.

    Raises:
        CollectionBusy: A run has a collection.
        SinkError: The sink failed, or has no index; or no relation has texts.
    """
    any_text = False
    for relation in target.about():
        if relation.record_type.text is None:
            continue
        any_text, records = True, 0
        for step in relation.reindex():
            records += step
            yield Reindexed(relation.name, records)
        yield Reindexed(relation.name, records, done=True)
    if not any_text:
        raise SinkError(f"{target.name} has no texts to index")
