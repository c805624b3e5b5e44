"""Sample data: documents with their chunks, receipts, rejects, and texts that sinks trip over."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import count
from typing import Any

from batchwright.contracts.receipts import Bringer, DocumentVersion, Publication, Receipt, Reject
from batchwright.contracts.record_json import as_json
from batchwright.contracts.records import CHUNK
from batchwright.model import Batch, ProcessedChunk, Record, document_id, record_id

FIELDS = tuple(name for name in CHUNK.names if not name.startswith("span_"))
"""The columns of the published relation, the engine's own left out."""

CHUNK_FIELDS = ("id", *CHUNK.names)
SECRET = "kit-S3cr3t-pa55word"  # noqa: S105 - to be looked for where it must not be
"""The password that the kit puts into URLs and options."""

RUN = "kit-run"
COLLECTION = "kit"
"""The collection of all sample data, unless another is given."""

_numbers = count()
_session = uuid.uuid4().hex[:8]


@dataclass(frozen=True, slots=True)
class Sample:
    """A version of a document with all its chunks."""

    version: DocumentVersion
    chunks: tuple[ProcessedChunk, ...]

    @property
    def id(self) -> str:
        """The version's id."""
        return self.version.document_id

    def publication(self, rejected: int = 0) -> Publication:
        """Return the publication of this version."""
        return Publication(self.version, rejected)


def sample(
    key: str,
    texts: Sequence[str] | int = 3,
    *,
    content: str = "1",
    brought_by: Bringer = "run",
    collection: str = COLLECTION,
    **values: Any,
) -> Sample:
    """Return a document version with a chunk a text, or with so many chunks.

    Args:
        key: The document's.
        texts: The chunks' texts, or how many there are.
        content: What tells this version from others of the document.
        brought_by: Who stores it.
        collection: The one it belongs to.
        **values: Fields of all its chunks.
    """
    if isinstance(texts, int):
        texts = [f"{key}, version {content}, part {index}" for index in range(texts)]
    identity = document_id(collection, key.encode("utf-8", "surrogatepass").hex(), content)
    values = {"document_date": date(2026, 1, 31), "metadata": {"title": key}, **values}
    chunks = tuple(
        ProcessedChunk(
            text,
            source_file=key,
            chunk_index=index,
            total_chunks=len(texts),
            id=record_id(identity, index),
            **{"context_header": f"{key} > Part {index}", "chunk_token_count": len(text), **values},
        )
        for index, text in enumerate(texts)
    )
    return Sample(
        DocumentVersion(key, identity, f"hash of {content}", "kit", 100, len(chunks), brought_by), chunks
    )


def receipt(records: int = 0, **values: Any) -> Receipt:
    """Return a receipt whose id no other has, unless one is given."""
    return Receipt(
        **{
            "batch_id": f"kit-{_session}/{next(_numbers)}",
            "run_id": RUN,
            "collection": COLLECTION,
            "records": records,
            **values,
        }
    )


def versions_of(chunks: Sequence[ProcessedChunk]) -> tuple[DocumentVersion, ...]:
    """Return the versions that chunks belong to, with as many records as the chunks say."""
    found = {chunk.document_id: chunk for chunk in chunks}
    return tuple(
        DocumentVersion(chunk.source_file, version, "", "kit", 0, chunk.total_chunks)
        for version, chunk in found.items()
    )


def batch(records: Sequence[Record], batch_index: int = 0) -> Batch[Record]:
    """Return a batch as the engine makes it."""
    metadata = {"document_count": len(records), "start_index": 0, "end_index": len(records) - 1}
    return Batch(list(records), batch_index, metadata)


def reject(chunk: ProcessedChunk | None = None, **values: Any) -> Reject:
    """Return a reject of a chunk, or of an unreadable document."""
    given: dict[str, Any] = {
        "id": chunk.id if chunk else f"kit-{next(_numbers)}",
        "run_id": RUN,
        "collection": COLLECTION,
        "key": chunk.source_file if chunk else "unreadable.md",
        "document_id": chunk.document_id if chunk else None,
        "position": chunk.chunk_index if chunk else None,
        "error": "builtins.ValueError",
        "message": "no room for this",
        "sqlstate": None,
        "attempts": 3,
        "decided_by": "classifier",
        "created_at": "2026-01-31T12:00:00+00:00",
        "payload": as_json(CHUNK, chunk) if chunk else None,
    }
    return Reject(**{**given, **values})


def planes() -> list[str]:
    """Return texts with characters of every plane of Unicode, and such as get lost on the way."""
    texts = []
    for plane in range(17):
        offsets = (0x20, 0xA0, 0x3B1, 0x1F00, 0x5D0, 0xACF0, 0xF8FF, 0xFFFD)
        texts.append("".join(chr((plane << 16) + offset) for offset in offsets))
    return [
        *texts,
        "".join(map(chr, range(1, 0x20))) + "\x7f\x80\x85\x9f",
        "line\nends\r\nof\rall\x0bkinds\x0c\u2028and\u2029",
        " spaces around \t\n",
        "\ufeffa mark at the start",
        "e\u0301 is not \u00e9, nor \u212b \u00c5",
        "\u202eright to left\u202c, zero\u200bwidth\u200d\u2060",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1ea\U0001f1f8 z\u0351\u036b\u0343",
        "'; DROP TABLE x; -- \" ` \\ \\n \\u0000 \\x00 %s %% {} ${x} $1 :a ? \\N \\.",
        "NULL",
        "NaN",
        "\ufffe\uffff\U0010ffff",
    ]


METADATA: dict[str, Any] = {
    "title": "A title, with \"quotes\", 'quotes' and \U0001f600",
    "tags": ["a", "b", ""],
    "nested": {"deeper": {"list": [1, -2.5, None, True, False, {"é": ["ü"]}]}},
    "empty": {},
    "none": None,
    "no items": [],
    "": "an empty key",
    "dotted.key": "x",
    "large": 2**53 - 1,
    "date": "2026-01-31",
}
"""Everything that JSON has."""


@cache
def odd_records() -> Mapping[str, ProcessedChunk]:
    """Return records that many a sink can't hold, by what is odd about them; no two are of one document.

    They are made once: one is 100,000 lists deep, and takes as long as a check.
    """
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    loop: list[Any] = []
    loop.append(loop)
    odd: dict[str, dict[str, Any]] = {
        "NUL in the text": {"text": "a\0b"},
        "a text of NUL": {"text": "\0"},
        "a lone surrogate": {"text": "a\ud800b"},
        "NUL in the header": {"context_header": "a\0b"},
        "a surrogate in the category": {"source_category": "\udfff"},
        "NUL in the metadata": {"metadata": {"title": "a\0b"}},
        "NUL in a key of the metadata": {"metadata": {"a\0b": 1}},
        "a surrogate in the metadata": {"metadata": {"title": "\ud83d"}},
        "NaN in the metadata": {"metadata": {"x": float("nan")}},
        "infinity in the metadata": {"metadata": {"x": float("-inf")}},
        "a set in the metadata": {"metadata": {"x": {1}}},
        "bytes in the metadata": {"metadata": {"x": b"\xff"}},
        "an object in the metadata": {"metadata": {"x": object()}},
        "a cycle in the metadata": {"metadata": {"x": loop}},
        "deep metadata": {"metadata": {"x": deep}},
        "a huge number": {"chunk_token_count": 2**70},
    }
    made = {}
    for number, (what, values) in enumerate(odd.items()):
        text = values.pop("text", f"a record with {what}")
        made[what] = sample(f"{number} odd.md", [text], **values).chunks[0]
    return made
