"""Publishing: a version takes the place of whatever was published or left under its key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from operator import sub
from typing import Any

from batchwright.errors import IncompleteDocument
from batchwright.sinkkit.sql_ledger.steps import values
from batchwright.sinkkit.sql_ledger.steps.columns import Columns
from batchwright.sinkkit.sql_ledger.steps.step import Step
from batchwright.sinkkit.sql_ledger.steps.values import DOCUMENT_AND_ID, ID, ID_AND_DOCUMENT, PUBLISHED
from batchwright.sinkkit.sql_ledger.tables import DOCUMENTS, Column

_COUNTED: tuple[Column, ...] = (("key", "text"), *ID, ("expected", "integer"))
_RECORDS: tuple[Column, ...] = (*_COUNTED[:2], ("chunks", "integer"), ("rejected", "integer"))

# Version by version: to hold each against a list of thousands took longer than all else.
_REPLACED = """
    SELECT d.document_id FROM {rows} JOIN {documents} AS d
    ON d.collection = r.collection AND d.key_hash = r.key_hash WHERE d.document_id <> r.document_id"""
# What a program began under the same key, and did not finish, goes with the key's next version; so does what
# was refused.
_LEFT = """
    SELECT p.document_id FROM {pending} AS p
    WHERE p.collection {in_collection} AND p.key_hash {in_key_hash} AND NOT p.document_id {in_document_id}
    AND (p.brought_by = 'program' OR p.refused = 1)"""

_NOT_WHOLE = "SELECT r.key, r.document_id, r.expected FROM {rows} WHERE r.expected <> {count}"
# CASE, so that only what is published already, or pending, is counted.
_THERE_NOT_WHOLE = """
    SELECT r.key, r.document_id, r.expected FROM {{rows}} WHERE CASE
    WHEN EXISTS (SELECT 1 FROM {{{table}}} AS t WHERE t.document_id = r.document_id)
    THEN r.expected <> {{count}} ELSE false END"""
_PUBLISHED_NOT_WHOLE = _THERE_NOT_WHOLE.format(table="documents")
_PENDING_NOT_WHOLE = _THERE_NOT_WHOLE.format(table="pending")
_FINISHED = """
    DELETE FROM {pending} WHERE document_id {in_document_id}
    OR (
        collection {in_collection} AND key_hash {in_key_hash} AND (brought_by = 'program' OR refused = 1)
    )"""
_OUTDATED_REJECTS = """
    DELETE FROM {rejects}
    WHERE collection {in_collection} AND key_hash {in_key_hash} AND (document_id IS NULL OR (
        NOT document_id {in_document_id}
        AND (
            SELECT p.document_id FROM {pending} AS p
            WHERE p.document_id = {rejects}.document_id AND p.brought_by = 'run'
        ) IS NULL
    ))"""


def making_room(published: Columns) -> Iterator[Step]:
    """Yield what removes the rows of the versions that publications replace."""
    if published:
        places = values.of_published(published, DOCUMENT_AND_ID)
        yield Step("remove", _REPLACED, DOCUMENT_AND_ID, places, needs="documents", given=PUBLISHED)
        yield Step("remove", _LEFT, DOCUMENT_AND_ID, places, needs="other pending", given=PUBLISHED)


def publishing(published: Columns, held: Mapping[str, int]) -> Iterator[Step]:
    """Yield what publishes versions whose rows are stored.

    Args:
        published: The rows of the publications, as `values.published` returns them.
        held: How many rows of each version the batch holds, as far as is known.
    """
    if not published:
        return
    yield from _counting(published, held)
    yield Step(
        "overwrite", "{all}", DOCUMENTS.columns, published, "documents", needs="documents", given=PUBLISHED
    )
    finished = values.of_published(published, ID_AND_DOCUMENT)
    yield Step("execute", _FINISHED, ID_AND_DOCUMENT, finished, needs="pending", given=PUBLISHED)
    places = values.of_published(published, DOCUMENT_AND_ID)
    yield Step("execute", _OUTDATED_REJECTS, DOCUMENT_AND_ID, places, needs="rejects", given=PUBLISHED)


def _counting(published: Columns, held: Mapping[str, int]) -> Iterator[Step]:
    """Yield the guards that count the rows of the versions published."""
    keys, ids, records, rejected = values.of_published(published, _RECORDS).columns
    expected = [*map(sub, records, rejected)]
    whole: Sequence[tuple[Any, ...]] = Columns([keys, ids, expected])
    others: Sequence[tuple[Any, ...]] = ()
    if [*map(held.get, ids)] != expected:
        others = [row for row in whole if held.get(row[1]) != row[2]]
        whole = [row for row in whole if held.get(row[1]) == row[2]]
    if others:
        yield Step("count", _NOT_WHOLE, _COUNTED, others, wrong=_incomplete)
    if whole:
        counted = partial(Step, "count", columns=_COUNTED, rows=whole, wrong=_incomplete, given="whole")
        yield counted(_PUBLISHED_NOT_WHOLE, needs="documents")
        yield counted(_PENDING_NOT_WHOLE, needs="pending")


def _incomplete(key: str, document_id: str, expected: int) -> Exception:
    return IncompleteDocument(
        f"{key}: {expected} rows belong to the version {document_id}, and not just these are stored; "
        "run again, and it will be loaded anew; if not, look for a trigger on the table that leaves rows out",
        document_id,
    )
