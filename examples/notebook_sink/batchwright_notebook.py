"""A sink that keeps chunks in one JSON file: ``--to notebook:///kb.json``. For small collections."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

import batchwright
from batchwright import Batch, IncompleteDocument, ProcessedChunk, Receipt, SinkOptions


class NotebookOptions(SinkOptions):
    """Options of the notebook: ``notebook:///kb.json?indent=2``, or the section ``[sink.notebook]``."""

    indent: int | None = None
    """Spaces to indent by; None for one line."""


class NotebookSink(batchwright.Sink[NotebookOptions]):
    """Stores all of a batch or nothing, since the file is replaced in one step.

    The file maps document versions to ``{"source_file": …, "published": …, "chunks": {index: text}}``.
    A reader takes the published ones, and so never sees half a document.
    """

    name: ClassVar[str] = "notebook"
    schemes: ClassVar[tuple[str, ...]] = ("notebook",)
    options_type = NotebookOptions

    @property
    def path(self) -> Path:
        """The file."""
        return Path(unquote(urlsplit(self.options.url.get_secret_value()).path[1:]))

    def open(self) -> None:
        """Make the folder."""
        self.path.parent.mkdir(parents=True, exist_ok=True)

    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        """Store the rows, remove obsolete versions, publish; then replace the file."""
        versions = self._read()
        for chunk in batch.documents:
            entry = {"source_file": chunk.source_file, "published": False, "chunks": {}}
            version = versions.setdefault(chunk.document_id, entry)
            version["chunks"][str(chunk.chunk_index)] = chunk.chunk_text
        for document_id in receipt.obsolete:
            versions.pop(document_id, None)
        for publication in receipt.publications:
            version = versions.get(publication.version.document_id, {"chunks": {}})
            if publication.stored_before > 0 and len(version["chunks"]) != publication.rows:
                raise IncompleteDocument(f"{publication.version.source_file}: rows are missing; run again")
            version["published"] = True
        new = self.path.with_name(f"{self.path.name}.new")
        new.write_text(json.dumps(versions, indent=self.options.indent, ensure_ascii=False), "utf-8")
        new.replace(self.path)

    def stored(self, document_id: str) -> int:
        """Count the rows of a document version."""
        return len(self._read().get(document_id, {"chunks": {}})["chunks"])

    def _read(self) -> dict[str, Any]:
        return json.loads(self.path.read_text("utf-8")) if self.path.exists() else {}


@batchwright.hookimpl
def register_sinks() -> Iterable[type[NotebookSink]]:
    """Offer the sink."""
    return [NotebookSink]
