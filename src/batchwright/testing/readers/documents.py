"""The contract of a reader of documents, as checks."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from batchwright.contracts.reader import AnyReader, Reader
from batchwright.items import Item
from batchwright.model import Document, Omission
from batchwright.testing.readers.common import ItemReaderChecks, MakeReader, Samples


class ReaderContract(ItemReaderChecks):
    """Subclass it as ``TestMyReader``, and supply two fixtures.

    Fixtures to supply:
        make_reader: A callable that returns a new reader.
        samples: Files that it reads, by their keys, as ``{"a/b.rst": b"…"}``: one or more, with text in them.

    Attributes:
        patience: Seconds that reading one of the samples may take, whole or damaged.
    """

    def made_of(self, reader: AnyReader, stream: Any, item: Item) -> Document:
        """Return the document."""
        assert isinstance(reader, Reader), "it must be a batchwright.Reader"
        return reader.read(stream, item)

    def test_every_sample_is_read(self, make_reader: MakeReader, samples: Samples) -> None:
        """Fails: a good file is refused, or its document has no text."""
        assert samples, "there are no samples"
        for key, data in samples.items():
            document = self.outcome(make_reader(), data, key)
            assert isinstance(document, Document), document
            assert document.text.strip(), f"{key}: there is no text"

    def test_the_document_has_the_key_of_the_item(self, make_reader: MakeReader, samples: Samples) -> None:
        """Fails: ``source_file`` isn't ``item.key``: the document could never be found again."""
        for name, data in samples.items():
            for key in (name, f"a/b c/{name}", f"\U0001f600.{name}"):
                assert self.outcome(make_reader(), data, key).source_file == key

    def test_the_document_is_what_it_should_be(self, make_reader: MakeReader, samples: Samples) -> None:
        """Fails: a field has another type than `Document` says, or metadata that JSON can't hold."""
        for key, data in samples.items():
            document = self.outcome(make_reader(), data, key)
            assert isinstance(document.text, str)
            assert isinstance(document.title, str)
            assert document.category is None or isinstance(document.category, str)
            assert document.document_date is None or isinstance(document.document_date, date)
            assert all(isinstance(name, str) for name in document.metadata)
            assert _in_json(document.metadata) == document.metadata, "metadata isn't JSON"

    def test_its_pages_are_in_the_text(self, make_reader: MakeReader, samples: Samples) -> None:
        """Fails: `pages` isn't a tuple of positions in the text, one after the other."""
        for key, data in samples.items():
            document = self.outcome(make_reader(), data, key)
            assert isinstance(document.pages, tuple)
            assert all(type(place) is int for place in document.pages), document.pages
            assert [*document.pages] == sorted(document.pages), f"{key}: a page begins before the last one"
            assert all(0 <= place <= len(document.text) for place in document.pages), (
                f"{key}: a page begins outside of the text"
            )

    def test_what_is_left_out_says_why(self, make_reader: MakeReader, samples: Samples) -> None:
        """Fails: `left_out` isn't a tuple of `Omission`, or one has no reason; they are counted by it."""
        for key, data in samples.items():
            left_out = self.outcome(make_reader(), data, key).left_out
            assert isinstance(left_out, tuple)
            for omission in left_out:
                assert isinstance(omission, Omission), repr(omission)
                assert omission.reason.strip()


def _in_json(metadata: Mapping[str, Any]) -> object:
    try:
        return json.loads(json.dumps(dict(metadata)))
    except (TypeError, ValueError):
        return None
