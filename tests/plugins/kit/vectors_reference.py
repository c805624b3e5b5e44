"""Vectors in memory that keep the contract to the letter, in steps that a double can break one by one."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from batchwright import ConfigError, IncompleteDocument, ProcessedChunk, Receipt, SearchHit, SinkError
from batchwright.contracts.embedder import EmbeddingModel
from batchwright.contracts.vectors import (
    Key,
    StoredModel,
    Unembedded,
    Vector,
    VectorCounts,
    Vectors,
    Without,
)
from batchwright.testing.embedded import nearness
from tests.plugins.kit.reference import Database, ReferenceStore
from tests.support.model import Tables

Held = bytes | str | tuple[str, str]
"""What a row keeps: a key, a reason, or that a model refused it."""


@dataclass
class Kept:
    """What is kept of vectors.

    Attributes:
        models: Their canaries, by identity.
        order: The identities in the order in which they became the one to come.
        used: The identity of the model in use.
        vectors: By identity and key.
        refused: Identities and keys.
        unused: Since when, by identity and key.
        keys: What rows keep, by their id.
    """

    models: dict[str, Vector] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    used: str | None = None
    vectors: dict[tuple[str, Key], Vector] = field(default_factory=dict)
    refused: set[tuple[str, Key]] = field(default_factory=set)
    unused: dict[tuple[str, Key], str] = field(default_factory=dict)
    keys: dict[str, Held] = field(default_factory=dict)


class VectorDatabase(Database):
    def __init__(self) -> None:
        super().__init__()
        self.kept = Kept()
        self.turn = threading.RLock()


class ReferenceVectors(Vectors):
    def __init__(self, store: VectorStore) -> None:
        self.store = store
        self.database = store.memory
        self.kept = store.memory.kept

    def models(self) -> list[StoredModel]:
        found = [
            StoredModel(EmbeddingModel.of_identity(identity), canary, identity == self.kept.used)
            for identity, canary in self.kept.models.items()
        ]
        return sorted(found, key=lambda one: (not one.is_used, one.model.identity))

    def size(self, model: EmbeddingModel) -> int:
        return sum(identity == model.identity for identity, _ in self.kept.vectors)

    def prepare(self, model: EmbeddingModel, canary: Vector) -> Vector:
        identity = model.identity
        with self.database.turn:
            if identity != self.kept.used and identity in self.kept.order:
                self.kept.order.remove(identity)
            if identity not in self.kept.order:
                self.kept.order.append(identity)
            return self.kept.models.setdefault(identity, canary)

    def missing(self, model: EmbeddingModel, keys: Collection[Key], *, keep: bool = True) -> set[Key]:
        for key in keys if keep else ():
            self.kept.unused.pop((model.identity, key), None)
        return {key for key in keys if (model.identity, key) not in self.kept.vectors}

    def put(self, model: EmbeddingModel, vectors: Mapping[Key, Vector]) -> None:
        if any(len(vector) != 4 * model.dimensions for vector in vectors.values()):
            raise ValueError("a vector has more or fewer numbers than the model")
        with self.database.turn:
            for key, vector in vectors.items():
                self.keep((model.identity, key), vector)

    def keep(self, place: tuple[str, Key], vector: Vector) -> None:
        self.kept.vectors.setdefault(place, vector)

    def lacking(
        self, model: EmbeddingModel, collection: str, after: str = "", limit: int = 1000
    ) -> list[Unembedded]:
        rows = sorted((row for row in self.rows(collection) if row.id > after), key=lambda row: row.id)
        return [
            Unembedded(row.id, row.context_header, row.chunk_text, self.key(row), row.source_file)
            for row in rows
            if self.has(model, row) in ("lacking", "outage")
        ][:limit]

    def attach(
        self, model: EmbeddingModel, collection: str, keys: Mapping[str, Key | Without], token: str | None
    ) -> None:
        self.guard(collection, token)
        for row in self.rows(collection):
            if row.id in keys:
                self.give(row, self.held(model, keys[row.id]))

    def guard(self, collection: str, token: str | None) -> None:
        self.store.opened().tables.leases.check(Receipt("attach", "", collection, token=token))

    def give(self, row: ProcessedChunk, held: Held) -> None:
        key = self.kept.keys.get(row.id)
        if isinstance(held, tuple) and isinstance(key, bytes):
            self.kept.refused.add((held[1], key))
        else:
            self.kept.keys[row.id] = held

    def use(self, model: EmbeddingModel) -> list[str]:
        lacking = sorted(
            {
                name
                for name in {*self.store.opened().tables.collections}
                if any(self.has(model, row) in ("lacking", "outage") for row in self.rows(name))
            }
        )
        if self.may_use(lacking):
            self.kept.used = model.identity
        return lacking

    def may_use(self, lacking: Sequence[str]) -> bool:
        return not lacking or self.kept.used is None

    def sweep(self, before: str) -> int:
        gone = [place for place in self.kept.vectors if place[0] in self.outdated()]
        used = self.used()
        self.kept.unused = {place: since for place, since in self.kept.unused.items() if place[1] not in used}
        gone += [place for place, since in self.kept.unused.items() if since < before]
        self.remove(gone)
        for identity in self.outdated():
            self.kept.models.pop(identity)
            self.kept.order.remove(identity)
        for place in self.kept.vectors:
            if place[1] not in used:
                self.kept.unused.setdefault(place, datetime.now(UTC).isoformat())
        return len(gone)

    def remove(self, gone: Collection[tuple[str, Key]]) -> None:
        for place in gone:
            self.kept.vectors.pop(place, None)
            self.kept.unused.pop(place, None)

    def outdated(self) -> list[str]:
        order = self.kept.order
        return order[: order.index(self.kept.used)] if self.kept.used else []

    def used(self) -> set[Held]:
        return {key for id_, key in self.kept.keys.items() if id_ in self.store.opened().tables.rows}

    def counts(self, model: EmbeddingModel, collection: str | None = None) -> VectorCounts:
        return VectorCounts(**Counter(self.has(model, row) for row in self.rows(collection)))

    def orphans(self) -> int:
        used = self.used()
        return sum(key not in used for _, key in self.kept.vectors)

    # --- what is kept of a row ----------------------------------------------------------------------

    def rows(self, collection: str | None) -> list[ProcessedChunk]:
        owners = self.store.opened().tables.owners
        stored = self.store.opened().stored()
        return [row for row in stored if collection in (None, owners[row.document_id])]

    def key(self, row: ProcessedChunk) -> Key | None:
        held = self.kept.keys.get(row.id)
        return held if isinstance(held, bytes) else None

    def held(self, model: EmbeddingModel, key: Key | Without) -> Held:
        return ("refused", model.identity) if key == "refused" else key

    def has(self, model: EmbeddingModel, row: ProcessedChunk) -> str:
        held = self.kept.keys.get(row.id)
        if isinstance(held, bytes):
            if (model.identity, held) in self.kept.vectors:
                return "embedded"
            return "refused" if (model.identity, held) in self.kept.refused else "lacking"
        if held in ("no_text", "outage"):
            return str(held)
        return "refused" if held == ("refused", model.identity) else "lacking"


class VectorStore(ReferenceStore):
    vectors_type: ClassVar[type[ReferenceVectors]] = ReferenceVectors

    @property
    def memory(self) -> VectorDatabase:
        database = self.opened()
        assert isinstance(database, VectorDatabase)
        return database

    @property
    def vectors(self) -> ReferenceVectors:
        return self.vectors_type(self)

    def carry_out(self, tables: Tables, receipt: Receipt, rows: Sequence[ProcessedChunk]) -> None:
        kept, before = self.memory.kept, dict(tables.rows)
        keys = dict(kept.keys)
        super().carry_out(tables, receipt, rows)
        self.attach_keys(keys, before, receipt, rows)
        self.check_vectors(tables, keys, receipt)
        kept.keys = keys
        if receipt.purge:
            gone = {keys[id_] for id_ in before.keys() - tables.rows.keys() if id_ in keys}
            self.purge(gone - {keys.get(id_) for id_ in tables.rows})

    def attach_keys(
        self,
        keys: dict[str, Held],
        before: Mapping[str, ProcessedChunk],
        receipt: Receipt,
        rows: Sequence[ProcessedChunk],
    ) -> None:
        for row in rows:
            if before.get(row.id) != row:
                keys.pop(row.id, None)
        if receipt.embedded:
            model = EmbeddingModel.of_identity(receipt.embedded.model)
            held = [self.vectors.held(model, key) for key in receipt.embedded.keys]
            keys.update(zip([row.id for row in rows], held, strict=True))

    def check_vectors(self, tables: Tables, keys: Mapping[str, Held], receipt: Receipt) -> None:
        if receipt.embedded is None:
            return
        coming = {one.version.document_id for one in receipt.publications}
        for row in tables.rows.values():
            if row.document_id in coming and not self.is_embedded(keys.get(row.id), receipt.embedded.model):
                raise IncompleteDocument(f"{row.id} has no vector")

    def is_embedded(self, held: Held | None, model: str) -> bool:
        return held is not None and (not isinstance(held, bytes) or (model, held) in self.memory.kept.vectors)

    def purge(self, keys: Collection[Any]) -> None:
        self.vectors.remove([place for place in self.memory.kept.vectors if place[1] in keys])

    def search(
        self, text: str, limit: int = 10, *, collection: str | None = None, **asked: Any
    ) -> Sequence[SearchHit]:
        mode, vector, where = asked.get("mode", "text"), asked.get("vector"), asked.get("where") or {}
        if vector is None and mode != "text":
            raise SinkError("it needs the vector")
        found = [row for row in self.searched() if self.meets(row, where)]
        if not found:
            self.known(where)
        hits: list[SearchHit] = []
        if mode != "vector":
            hits += [self.hit(row, 1.0) for row in found if text in row.chunk_text]
        if mode != "text":
            hits += self.nearest(vector or b"", found, limit)
        owned = [hit for hit in hits if collection in (None, hit.collection)]
        best = {hit.id: hit for hit in sorted(owned, key=lambda hit: hit.score)}
        return sorted(best.values(), key=lambda hit: -hit.score)[:limit]

    def nearest(self, vector: Vector, rows: Sequence[ProcessedChunk], limit: int) -> list[SearchHit]:
        kept = self.memory.kept
        if kept.used is None:
            raise SinkError("no model is in use: load with an embedder")
        if len(vector) != 4 * EmbeddingModel.of_identity(kept.used).dimensions:
            raise SinkError("it has another number of numbers")
        hits, seen = [], set()
        for row in rows:
            key = kept.keys.get(row.id)
            stored = self.compared(kept, key)
            if stored is not None and key not in seen:
                seen.add(key)
                hits.append(self.hit(row, nearness(vector, stored)))
        return hits

    def compared(self, kept: Kept, key: Held | None) -> Vector | None:
        return kept.vectors.get((kept.used or "", key)) if isinstance(key, bytes) else None

    def meets(self, row: ProcessedChunk, where: Mapping[str, Any]) -> bool:
        for name, wanted in where.items():
            value = getattr(row, name) if hasattr(row, name) else row.metadata.get(name)
            values = value if isinstance(value, list) else [value]
            if hasattr(row, name) and isinstance(value, int) and not str(wanted).isdigit():
                raise ConfigError(f"{name} must be a whole number")
            if str(wanted).lower() not in [str(one).lower() for one in values]:
                return False
        return True

    def known(self, where: Mapping[str, Any]) -> None:
        for name in where:
            rows = self.opened().stored()
            if rows and not any(hasattr(row, name) or name in row.metadata for row in rows):
                raise ConfigError(f"no record has {name!r}")


def with_vectors(vectors_type: type[ReferenceVectors]) -> type[VectorStore]:
    """The store with other vectors."""
    return type(f"{vectors_type.__name__}Store", (VectorStore,), {"vectors_type": vectors_type})
