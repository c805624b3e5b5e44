"""One step of a write.

In the texts ``{documents}`` and the like stand for the tables, ``{count}`` for how many rows of the version
``r.document_id`` are stored, ``{belongs}`` for the condition that a row `c` of the records belongs to it,
and ``{rows}``, once a text, for the values of the step as a table `r` with
its columns. ``{all}`` stands for the query of just these rows. Instead of both, ``{in_document_id}`` and the
like, in the order of the columns and once each, stand for "is one of the values".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from batchwright.errors import IncompleteDocument
from batchwright.sinkkit.sql_ledger.tables import Column
from batchwright.values import dataclass

Kind = Literal[
    "execute",
    "lock",
    "share",
    "exclusive",
    "claim",
    "insert",
    "overwrite",
    "upsert",
    "update",
    "remove",
    "guard",
    "count",
]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do in the transaction of a write.

    Attributes:
        kind: What `text` is. execute: a statement. lock: a query that locks the rows it returns. share: the
            same, of a collection, with others. exclusive: the same, without others. claim: a query whose
            rows go into `table` where their key is not there yet; a row that is there stays as it is, and is
            locked. insert: a query whose rows go into `table`. upsert: the same, perhaps over others.
            overwrite: the same, over what was claimed for them. update: a query of rows of `table`, changed
            but for their key, which go in their own places; it may read the table itself. remove: a query of
            versions whose rows of records go. guard: a query that returns nothing where all is well. count: a
            guard that counts rows of records.
        text: The query or statement.
        columns: The columns of ``{rows}``.
        rows: The values of ``{rows}``.
        table: The table that a claim, insert, upsert, overwrite, update or lock is for, else empty.
        wrong: Makes the exception that ends the transaction, of a row that a guard returned.
        needs: Where it has nothing to do unless a row of this table was there before and is locked now, that
            table; "other pending", unless that is a pending version that the values don't name; of the
            rejects, unless the collection has any. A dialect may leave the step out then, and
            any of the values whose version, or document where they name one, is not pending. Else empty.
        given: Names what the values are, else empty. All steps of a receipt with the same name here have the
            same values in columns of the same name, so a dialect may hand these over once.
    """

    kind: Kind
    text: str
    columns: tuple[Column, ...]
    rows: Sequence[tuple[Any, ...]]
    table: str = ""
    wrong: Callable[..., Exception] = IncompleteDocument
    needs: Literal["", "documents", "pending", "other pending", "rejects"] = ""
    given: str = ""
