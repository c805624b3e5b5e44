"""A sink that keeps chunks in one JSON file: ``--to notebook:///kb.json``. For small collections."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

import batchwright
from batchwright import Batch, IncompleteDocument, ProcessedChunk, Receipt, RecordType, SinkOptions


class NotebookOptions(SinkOptions):
    """Options of the notebook: ``notebook:///kb.json?indent=2``, or the section ``[sink.notebook]``."""

    indent: int | None = None
    """Spaces to indent by; None for one line."""


class NotebookSink(batchwright.Sink[NotebookOptions]):
    """Names the file. It connects to nothing; that is for the store."""

    name: ClassVar[str] = "notebook"
    schemes: ClassVar[tuple[str, ...]] = ("notebook",)
    options_type = NotebookOptions

    def open(self, record_type: RecordType | None = None, *, create: bool = True) -> NotebookStore:
        """Make the folder, and return the store."""
        path = Path(unquote(urlsplit(self.options.url.get_secret_value()).path[1:]))
        path.parent.mkdir(parents=True, exist_ok=True)
        return NotebookStore(path, self.options.indent)


class NotebookStore(batchwright.Store):
    """Stores all of a batch or nothing, since the file is replaced in one step.

    The file maps document versions to ``{"source_file": …, "published": …, "chunks": {index: text}}``.
    A reader takes the published ones, and so never sees half a document.
    """

    def __init__(self, path: Path, indent: int | None) -> None:
        self.path = path
        self.indent = indent

    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        """Remove versions, store the rows, count and publish; then replace the file."""
        versions: dict[str, Any] = json.loads(self.path.read_text("utf-8")) if self.path.exists() else {}
        for document_id in receipt.removed:
            versions.pop(document_id, None)
        for chunk in batch.documents:
            begun = {"source_file": chunk.source_file, "published": False, "chunks": {}}
            version = versions.setdefault(chunk.document_id, begun)
            version["chunks"][str(chunk.chunk_index)] = chunk.chunk_text
        for publication in receipt.publications:
            version = versions.get(publication.version.document_id, {"chunks": {}})
            if len(version["chunks"]) != publication.rows:
                raise IncompleteDocument(f"{publication.version.key}: rows are missing; run again")
            version["published"] = True
        new = self.path.with_name(f"{self.path.name}.new")
        new.write_text(json.dumps(versions, indent=self.indent, ensure_ascii=False), "utf-8")
        new.replace(self.path)


@batchwright.hookimpl
def register_sinks() -> Iterable[type[NotebookSink]]:
    """Offer the sink."""
    return [NotebookSink]
