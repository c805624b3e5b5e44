"""Rejects: what was set aside, and what is set aside no longer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from batchwright.contracts.receipts import Reject
from batchwright.sinkkit.rejects import reject_row, storable
from batchwright.sinkkit.sql_ledger.steps.step import Step
from batchwright.sinkkit.sql_ledger.tables import REJECTS, Column, key_hash

_IDS: tuple[Column, ...] = (("id", "text"),)
_DROP = "DELETE FROM {rejects} WHERE id {in_id}"


def dropping_rejects(ids: Iterable[str]) -> Step:
    """Return what forgets rejects, by id."""
    return Step("execute", _DROP, _IDS, [(id_,) for id_ in sorted(set(ids))])


def keeping(rejects: Sequence[Reject]) -> Step:
    """Return what stores rejects."""
    last = {reject.id: reject for reject in rejects}  # a statement can't touch a row twice
    kept = [(*reject_row(one), key_hash(storable(one.key))) for _, one in sorted(last.items())]
    return Step("upsert", "{all}", REJECTS.columns, kept, "rejects")
