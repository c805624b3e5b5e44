"""The tables of a ledger.

{table}_collections the names of the collections, and who has the lease of each
{table}_heartbeats  when each run with a lease was last heard of
{table}_documents   the published version of each document
{table}_pending     versions that were begun, or refused since no record of them can be stored
{table}_receipts    what was committed
{table}_rejects     what was set aside
{table}_items       files of rows and other items of many documents, as they were read last
{table}_runs        executions
{table}_meta        the layout of all this
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import field
from types import MappingProxyType
from typing import Literal

from batchwright.sinkkit.rejects import REJECT_COLUMNS
from batchwright.values import dataclass

LAYOUT = 3
"""Of the tables, as stored in ``{table}_meta``."""

Column = tuple[str, Literal["text", "id", "integer"]]
"""Name and type of a column: `id` is a UUID as text, `integer` has 64 bits."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the ledger.

    Attributes:
        columns: Its columns.
        key: The primary key: one or more of the columns.
        nullable: Columns that may be NULL.
        unique: Columns, besides the key, whose values are unique.
        indexes: What else is looked up: columns, by the index's suffix. Every statement of the ledger uses
            the key or one of these. The column `key` may be too long for an index: see `Dialect.head`.
    """

    columns: tuple[Column, ...]
    key: tuple[str, ...]
    nullable: frozenset[str] = frozenset()
    unique: tuple[str, ...] = ()
    indexes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(name for name, _ in self.columns)


COLLECTIONS = Table(
    (
        ("name", "text"),
        ("origin", "text"),
        ("token", "text"),
        ("owner", "text"),
        ("run_id", "text"),
        ("since", "text"),
        ("cursor", "text"),
    ),
    key=("name",),
    nullable=frozenset({"token", "owner", "run_id", "since", "cursor"}),
)

HEARTBEATS = Table(
    (("collection", "text"), ("token", "text"), ("heard_at", "integer")),
    key=("collection",),
)

DOCUMENT: tuple[Column, ...] = (("collection", "text"), ("key_hash", "id"))
"""The columns that say which document: its collection, and `key_hash` of its key, which may be long."""

VERSION: tuple[Column, ...] = (
    ("key", "text"),
    ("document_id", "id"),
    ("content_hash", "text"),
    ("settings", "text"),
    ("size", "integer"),
    ("chunks", "integer"),
    ("brought_by", "text"),
    ("fingerprint", "text"),
    ("item", "text"),
)
"""The columns of a version, in the order of the fields of `DocumentVersion`."""

DOCUMENTS = Table(
    (*DOCUMENT, *VERSION, ("rejected", "integer"), ("run_id", "text"), ("published_at", "text")),
    key=("collection", "key_hash"),
    unique=("document_id",),
    indexes=MappingProxyType({"by_key": ("collection", "key")}),
)

PENDING = Table(
    (*DOCUMENT, *VERSION, ("run_id", "text"), ("refused", "integer")),
    key=("document_id",),
    indexes=MappingProxyType(
        {
            "by_document": ("collection", "key_hash", "document_id"),
            "by_key": ("collection", "refused", "key"),
        }
    ),
)

ITEMS = Table(
    (*DOCUMENT, ("key", "text"), ("fingerprint", "text"), ("settings", "text"), ("records", "integer")),
    key=("collection", "key_hash"),
    indexes=MappingProxyType({"by_key": ("collection", "key")}),
)

RECEIPTS = Table(
    (
        ("batch_id", "text"),
        ("run_id", "text"),
        ("batch_index", "integer"),
        ("records", "integer"),
        ("committed_at", "text"),
    ),
    key=("batch_id",),
    nullable=frozenset({"batch_index"}),
)

_IDS = {"document_id"}
_NUMBERS = {"position", "attempts"}

REJECTS = Table(
    (
        *(
            (name, "id" if name in _IDS else "integer" if name in _NUMBERS else "text")
            for name in REJECT_COLUMNS
        ),
        ("key_hash", "id"),
    ),
    key=("id",),
    nullable=frozenset({"document_id", "position", "sqlstate", "payload", "exact"}),
    indexes=MappingProxyType(
        {
            "by_name": ("collection", "id"),
            "by_key": ("key_hash", "collection", "id"),
            "by_document": ("document_id", "id"),
            "by_run": ("run_id", "id"),
            "by_error": ("error", "collection", "id"),
            "by_sqlstate": ("sqlstate", "collection", "id"),
        }
    ),
)

RUNS = Table(
    (
        ("run_id", "text"),
        ("started_at", "text"),
        ("collection", "text"),
        ("source", "text"),
        ("state", "text"),
        ("finished_at", "text"),
        ("account", "text"),
    ),
    key=("run_id",),
    nullable=frozenset({"finished_at"}),
    indexes=MappingProxyType(
        {
            "by_start": ("started_at", "run_id"),
            "by_name": ("collection", "started_at", "run_id"),
        }
    ),
)

META = Table((("key", "text"), ("value", "text")), key=("key",))

TABLES: Mapping[str, Table] = MappingProxyType(
    {
        "meta": META,
        "collections": COLLECTIONS,
        "heartbeats": HEARTBEATS,
        "documents": DOCUMENTS,
        "pending": PENDING,
        "receipts": RECEIPTS,
        "rejects": REJECTS,
        "items": ITEMS,
        "runs": RUNS,
    }
)
"""By the suffix of their names."""

INDEXES: tuple[str, ...] = tuple(
    f"{suffix}_{index}" for suffix, table in TABLES.items() for index in table.indexes
)
"""The suffixes of the names of the indexes."""


def key_hash(key: str) -> str:
    """Return what stands for a document's key in indexes: the first half of its SHA-256, as a UUID.

    A key may be longer than what an index takes (2,700 bytes in Postgres).
    """
    return key_hashes([key])[0]


def key_hashes(keys: Iterable[str]) -> list[str]:
    """Return `key_hash` of each key."""
    hashes = [hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest() for key in keys]
    return [f"{of[:8]}-{of[8:12]}-{of[12:16]}-{of[16:20]}-{of[20:32]}" for of in hashes]
