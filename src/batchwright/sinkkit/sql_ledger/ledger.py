"""The ledger in the tables of an SQL database."""

# ruff: noqa: S608 - what goes into a statement besides parameters are our own names

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from typing import Any

from batchwright.contracts.receipts import (
    Collection,
    DocumentVersion,
    ItemDocuments,
    ItemVersion,
    KnownDocument,
    Receipt,
    Reject,
    RejectFilter,
    Run,
)
from batchwright.sinkkit.rejects import REJECT_COLUMNS, reject_of, storable, storables
from batchwright.sinkkit.sql_ledger.leases import SqlLeases
from batchwright.sinkkit.sql_ledger.steps.collection import dropping, entering, fencing
from batchwright.sinkkit.sql_ledger.steps.step import Step
from batchwright.sinkkit.sql_ledger.tables import (
    DOCUMENT,
    REJECTS,
    RUNS,
    VERSION,
    Column,
    key_hash,
    key_hashes,
)

KEYS_AT_ONCE = 500
"""Keys that one query looks up, at most."""

_IDS: tuple[Column, ...] = (("id", "text"),)
_KNOWN: tuple[Column, ...] = (*VERSION, ("rejected", "integer"), ("published_at", "text"))
_SAME = "d.collection = r.collection AND d.key_hash = r.key_hash"
_REJECT: tuple[Column, ...] = REJECTS.columns[: len(REJECT_COLUMNS)]

_BY_ITEM = """
    SELECT item, count(*), sum(chunks), sum(rejected), sum(size),
    sum(CASE WHEN brought_by = 'run' THEN 1 ELSE 0 END)
    FROM {documents} WHERE collection = ? GROUP BY item"""

# The distinct classes of errors, by one look into the index each.
_ERRORS = """
    WITH RECURSIVE kinds (error) AS (
        SELECT min(error) FROM {rejects}
        UNION ALL
        SELECT (SELECT min(j.error) FROM {rejects} AS j WHERE j.error > k.error)
        FROM kinds AS k WHERE k.error IS NOT NULL
    )
    SELECT error FROM kinds WHERE error IS NOT NULL"""


class SqlLedger(SqlLeases):
    """A ledger in tables; several threads may use it where the database lets them.

    Args:
        database: Where the tables are.
        dialect: Their names, and how the database says things.
    """

    def collections(self) -> list[Collection]:
        """Return the collections, by name in code point order."""
        rows = self._read("SELECT name, origin FROM {collections} ORDER BY name")
        return [Collection(name, self._dialect.exact(origin)) for name, origin in rows]

    def enter_collection(self, collection: Collection, *, adopt: bool = False) -> Collection:
        """Store the collection where there is none of its name; return the one that is stored."""
        name, origin = storable(collection.name), self._dialect.held(storable(collection.origin))
        with self._database.transaction() as connection:
            self._dialect.carry_out(connection, [entering(collection)])
            if adopt:
                moved = self._dialect.fill("UPDATE {collections} SET origin = ? WHERE name = ?")
                connection.execute(moved, [origin, name])
            (row,) = self._read("SELECT name, origin FROM {collections} WHERE name = ?", name)
            return Collection(row[0], self._dialect.exact(row[1]))

    def drop_collection(self, name: str) -> bool:
        """Forget a collection of which nothing is left; return whether it is gone."""
        query = "SELECT 1 FROM {collections} WHERE name = ?"
        with self._database.transaction() as connection:
            there = bool(self._read(query, storable(name)))
            self._dialect.carry_out(connection, dropping(name, locks=self._dialect.locks))
            return there and not self._read(query, storable(name))

    def start_run(self, run: Run) -> None:
        """Store the run as running."""
        with self._database.transaction() as connection:
            self._dialect.carry_out(connection, [_stored(replace(run, state="running"))])

    def finish_run(self, run: Run, token: str | None = None) -> None:
        """Store state, end and account of the run, as long as its lease has this token, if it has one."""
        with self._database.transaction() as connection:
            if token is not None:
                fence = fencing(run.collection, token, run.run_id, locks=self._dialect.locks)
                self._dialect.carry_out(connection, fence)
            self._dialect.carry_out(connection, [_stored(run)])

    def runs(self, collection: str | None = None, *, limit: int = 20) -> list[Run]:
        """Return the latest runs, newest first; of one collection, or of all."""
        given = [] if collection is None else [storable(collection)]
        own = "WHERE collection = ?" if given else ""
        rows = self._read(
            f"SELECT {', '.join(RUNS.names)} FROM {{runs}} {own} "
            f"ORDER BY started_at DESC, run_id DESC LIMIT ?",
            *given,
            limit,
        )
        return [
            Run(run_id, started, name, self._dialect.exact(source), state, finished, json.loads(account))
            for run_id, started, name, source, state, finished, account in rows
        ]

    def committed(self, batch_id: str) -> bool:
        """Tell whether a receipt with this id is stored."""
        return bool(self._read("SELECT 1 FROM {receipts} WHERE batch_id = ?", batch_id))

    def documents(self, collection: str, after: str = "", limit: int = 1000) -> list[KnownDocument]:
        """Return a collection's published documents with a key > `after`, by key in code point order."""
        return self._documents(collection, *self._behind(after, limit))

    def document(self, collection: str, key: str) -> KnownDocument | None:
        """Return the published version of a document, or None."""
        found = self._documents(collection, "key_hash = ?", key_hash(storable(key)))
        return found[0] if found else None

    def find(self, collection: str, keys: Sequence[str]) -> list[KnownDocument]:
        """Return the published versions of those of these documents that have one."""
        query = f"SELECT {self._columns(_KNOWN, 'd.')} FROM {{rows}} JOIN {{documents}} AS d ON {_SAME}"
        return self._known(self._of(query, collection, keys))

    def pending(self, collection: str) -> list[DocumentVersion]:
        """Return a collection's versions that were begun and not finished, by key."""
        found = self._pending(collection, "refused = 0")
        return sorted(found, key=lambda version: (version.key, version.document_id))

    def refused(
        self, collection: str, keys: Sequence[str] | None = None, *, after: str = "", limit: int = 1000
    ) -> list[DocumentVersion]:
        """Return a collection's refused versions, by key: a page of them, or those of these documents."""
        if keys is None:
            condition, *values = self._behind(after, limit)
            return self._pending(collection, f"refused = 1 AND {condition}", *values)
        query = f"SELECT {self._columns(VERSION, 'd.')} FROM {{rows}} JOIN {{pending}} AS d ON {_SAME}"
        return [self._version(*row) for row in self._of(f"{query} WHERE d.refused = 1", collection, keys)]

    def items(self, collection: str, after: str = "", limit: int = 1000) -> list[ItemVersion]:
        """Return what is known of a collection's items with a key > `after`, by key in code point order."""
        condition, *values = self._behind(after, limit)
        query = (
            f"SELECT key, fingerprint, settings, records FROM {{items}} WHERE collection = ? AND {condition}"
        )
        exact, rows = self._dialect.exact, self._read(query, storable(collection), *values)
        return [ItemVersion(exact(key), exact(fingerprint), *rest) for key, fingerprint, *rest in rows]

    def by_item(self, collection: str) -> list[ItemDocuments]:
        """Return what is published of a collection, added up by item."""
        with self._database.reading() as connection:  # all of it is read, by whatever is the quickest way
            rows = connection.execute(self._dialect.fill(_BY_ITEM), [storable(collection)]).fetchall()
        return [ItemDocuments(self._dialect.exact(item), *map(int, figures)) for item, *figures in rows]

    def cursor(self, collection: str) -> str | None:
        """Return the cursor that is kept for a collection, or None."""
        found = self._read("SELECT cursor FROM {collections} WHERE name = ?", storable(collection))
        return found[0][0] if found else None

    def rejects(
        self, wanted: RejectFilter = RejectFilter(), *, after: str = "", limit: int = 1000
    ) -> list[Reject]:
        """Return rejects with id > `after`, by id."""
        collection, ids, error = wanted.collection, wanted.ids, wanted.error
        equal = {
            "collection = ?": collection if error is None else None,  # else it is asked for each collection
            "run_id = ?": wanted.run_id,
            "key_hash = ?": None if wanted.key is None else key_hash(storable(wanted.key)),
            "id > ?": after,
        }
        given = {text: storable(value) for text, value in equal.items() if value is not None}
        conditions = [f"j.{text}" for text in given] + ["j.document_id IS NULL"] * wanted.unreadable
        if error is None:
            found = self._rejects(conditions, [*given.values()], ids, limit)
        else:
            kinds = [kind for (kind,) in self._read(_ERRORS) if storable(error) in kind]
            ways = [("j.error = ?", kind) for kind in kinds] + [("j.sqlstate = ?", storable(error))]
            names = [one.name for one in self.collections()] if collection is None else [collection]
            found = [
                row
                for (text, value), name in product(ways, names)
                for row in self._rejects(
                    [*conditions, "j.collection = ?", text],
                    [*given.values(), storable(name), value],
                    ids,
                    limit,
                )
            ]
        return [reject_of(row) for row in sorted(set(found))[:limit]]

    def reject_count(self, collection: str | None = None) -> int:
        """Return how many rejects there are, in one collection or in all."""
        given = [] if collection is None else [storable(collection)]
        own = "WHERE collection = ?" if given else ""
        ((count,),) = self._read(f"SELECT count(*) FROM {{rejects}} {own}", *given)
        return int(count)

    def drop_rejects(self, ids: Sequence[str]) -> int:
        """Forget the rejects; return how many there were."""
        from batchwright.sinkkit.sql_ledger.steps.refusing import trying_again
        from batchwright.sinkkit.sql_ledger.steps.rejects import dropping_rejects

        rows = [(storable(id_),) for id_ in sorted(set(ids))]
        found = "SELECT j.id, j.document_id FROM {rows} JOIN {rejects} AS j ON j.id = r.id"
        with self._database.transaction() as connection:
            there = self._dialect.fetch(connection, found, _IDS, rows)
            steps = [dropping_rejects(id_ for id_, _ in there)]
            steps += [trying_again({str(version) for _, version in there if version is not None})]
            self._dialect.carry_out(connection, steps)
        return len(there)

    def record(self, receipt: Receipt) -> None:
        """Carry out the receipt in a transaction of its own, or the one that the thread is in; once."""
        from batchwright.sinkkit.sql_ledger.steps.receipt import ReceiptSteps

        with self._database.transaction() as connection:
            if not self.committed(receipt.batch_id):
                steps = ReceiptSteps(receipt, now(), locks=self._dialect.locks)
                self._dialect.carry_out(connection, steps.before_rows())
                self._dialect.carry_out(connection, steps.after_rows())

    def _looking(self) -> AbstractContextManager[Any]:
        """Lend a connection for one query, that is to be answered by looking into an index."""
        return self._database.reading()

    def _documents(self, collection: str, condition: str, *values: Any) -> list[KnownDocument]:
        query = f"SELECT {self._columns(_KNOWN)} FROM {{documents}} WHERE collection = ? AND {condition}"
        return self._known(self._read(query, storable(collection), *values))

    def _of(self, query: str, collection: str, keys: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        """Yield what a query with ``{rows}`` finds of documents."""
        name = storable(collection)
        for start in range(0, len(keys), KEYS_AT_ONCE):
            hashes = key_hashes(storables(keys[start : start + KEYS_AT_ONCE]))
            rows = [(name, one) for one in hashes]
            with self._looking() as connection:
                yield from self._dialect.fetch(connection, query, DOCUMENT, rows)

    def _pending(self, collection: str, condition: str, *values: Any) -> list[DocumentVersion]:
        query = f"SELECT {self._columns(VERSION)} FROM {{pending}} WHERE collection = ? AND {condition}"
        return [self._version(*row) for row in self._read(query, storable(collection), *values)]

    def _known(self, rows: Iterable[tuple[Any, ...]]) -> list[KnownDocument]:
        """Return the documents in the columns `_KNOWN`."""
        exact = self._dialect.exact
        return [
            KnownDocument(DocumentVersion(exact(key), *version), rejected, published_at)
            for key, *version, rejected, published_at in rows
        ]

    def _version(self, key: str, *row: Any) -> DocumentVersion:
        *rest, fingerprint, item = row
        exact = self._dialect.exact
        return DocumentVersion(*(exact(key), *rest, exact(fingerprint), exact(item)))

    def _behind(self, after: str, limit: int) -> tuple[Any, ...]:
        """Return the condition of a page behind a key, by key, and its values."""
        head, after = self._dialect.head, self._dialect.held(storable(after))
        if head("key") == "key":
            return "key > ? ORDER BY key LIMIT ?", after, limit
        # The index has only the beginning of a key.
        behind = f"{head('key')} >= {head('?')} AND key > ? ORDER BY {head('key')}, key LIMIT ?"
        return behind, after, after, limit

    def _rejects(
        self, conditions: Sequence[str], values: Sequence[str], ids: Sequence[str] | None, limit: int
    ) -> list[tuple[Any, ...]]:
        columns = self._columns(_REJECT, "j.")
        if ids is None:
            return self._read(
                f"SELECT {columns} FROM {{rejects}} AS j WHERE {' AND '.join(conditions)} "
                f"ORDER BY j.id LIMIT ?",
                *values,
                limit,
            )
        rows = [(storable(id_), *values) for id_ in sorted(set(ids))]
        given: list[Column] = [("id", "text"), *((f"v{n}", "text") for n in range(len(values)))]
        matching = " AND ".join(
            condition.replace("?", f"r.v{sum(c.count('?') for c in conditions[:n])}")
            for n, condition in enumerate(conditions)
        )
        query = f"SELECT {columns} FROM {{rows}} JOIN {{rejects}} AS j ON j.id = r.id WHERE {matching}"
        with self._looking() as connection:
            return self._dialect.fetch(connection, query, given, rows)

    def _columns(self, columns: Sequence[Column], prefix: str = "") -> str:
        return ", ".join(self._dialect.read(prefix + name, kind) for name, kind in columns)

    def _read(self, text: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._looking() as connection:
            rows: list[tuple[Any, ...]] = connection.execute(self._dialect.fill(text), values).fetchall()
            return rows


def _stored(run: Run) -> Step:
    """Return what stores a run."""
    row = (
        run.run_id,
        run.started_at,
        storable(run.collection),
        storable(run.source),
        run.state,
        run.finished_at,
        json.dumps(dict(run.account)),
    )
    return Step("upsert", "{all}", RUNS.columns, [row], "runs")


def now() -> str:
    """Return the time as ledgers keep it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
