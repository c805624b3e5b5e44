"""Checks: what was written is what is read, to the last character."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from batchwright.errors import IncompleteDocument
from batchwright.testing.published import expect
from batchwright.testing.records import COLLECTION, METADATA, batch, odd_records, planes, receipt, sample
from batchwright.testing.sinks.rig import Rig, SinkChecks


class ContentChecks(SinkChecks):
    """Texts, dates, metadata; much and little."""

    def test_texts_of_every_plane_come_back_exactly(self, rig: Rig) -> None:
        """Fails: text is normalised, stripped, escaped or cut. Store it as UTF-8, character by character."""
        store, texts = rig.open(), planes()
        one = sample("a.md", texts)
        rig.publish(store, one)
        rig.expect(one.chunks, "texts of every plane")
        for number, text in enumerate(texts):
            everywhere = sample(f"{number} {text}", [text], source_category=text, context_header=text)
            rig.publish(store, everywhere)
            found = [row for row in rig.rows() if row["id"] == everywhere.chunks[0].id]
            expect(found, everywhere.chunks, f"{text!a} in every field")

    def test_names_that_nearly_agree_stay_apart(self, rig: Rig) -> None:
        """Fails: names are compared by a collation. Compare keys by code points."""
        names = [
            "a.md",
            "A.md",
            "a.md ",
            " a.md",
            "á.md",
            "a\u0301.md",
            "a.MD",
            "a.md\u200b",
            "a/../a.md",
            "./a.md",
        ]
        store, samples = rig.open(), [sample(name, 1) for name in names]
        for one in samples:
            rig.publish(store, one)
        rig.expect([one.chunks[0] for one in samples], "documents whose names nearly agree")
        if store.ledger is not None:
            known = [document.version.key for document in store.ledger.documents(COLLECTION)]
            assert known == sorted(names), "the ledger mixes names up"

    def test_every_field_comes_back(self, rig: Rig) -> None:
        """Fails: a field is lost or changes its type. None is NULL, metadata is JSON, a date a date."""
        store = rig.open()
        samples = [
            sample("full.md", 2, source_category="guides", metadata=METADATA, chunk_token_count=2**31 - 1),
            sample("none.md", 2, source_category=None, document_date=None, metadata={}, context_header=""),
            sample("old.md", 1, document_date=date(1, 1, 1)),
            sample("new.md", 1, document_date=date(9999, 12, 31)),
            sample("leap.md", 1, document_date=date(2024, 2, 29), source_category=""),
        ]
        rig.publish(store, *samples)
        rig.expect([chunk for one in samples for chunk in one.chunks], "every field")

    def test_an_empty_text_is_a_text(self, rig: Rig) -> None:
        """Fails: an empty text is dropped, or becomes NULL."""
        one = sample("a.md", ["", "x", ""], context_header="")
        rig.publish(rig.open(), one)
        rig.expect(one.chunks, "empty texts")

    def test_a_text_of_a_megabyte_comes_back(self, rig: Rig) -> None:
        """Fails: long texts are cut or refused. Refuse loudly (BadRecords), if it must be, not below 1 MB."""
        words = " ".join(f"{number:x}" for number in range(180_000))
        one = sample("a.md", [words[:1_000_000], "short", "ü" * 500_000])
        rig.publish(rig.open(), one)
        rig.expect(one.chunks, "texts of a megabyte")

    def test_nul_is_stored_truly_or_refused(self, rig: Rig) -> None:
        """Fails: NUL vanishes, or ends the text. Store it as it is, or raise BadRecords."""
        store = rig.open()
        for number, text in enumerate(("a\0b", "\0", "end\0", "\0\0 start")):
            self._stored_truly_or_refused(rig, sample(f"{number}.md", [text]).chunks[0])
        one = sample("good.md")
        rig.publish(store, one)

    @pytest.mark.parametrize("what", list(odd_records()))
    def test_an_odd_record_is_stored_truly_or_refused(self, rig: Rig, what: str) -> None:
        """Fails: what the target can't hold is replaced or dropped. Raise BadRecords: the user decides."""
        self._stored_truly_or_refused(rig, odd_records()[what])
        one = sample("good.md")
        rig.publish(rig.open(), one)
        found = [row for row in rig.rows() if row["source_file"] == "good.md"]
        expect(found, one.chunks, f"after {what}")

    def test_a_batch_at_the_limit_of_rows_is_stored(self, rig: Rig) -> None:
        """Fails: `limits.rows` promises more than `write` takes. State what is true, 10,000 or fewer."""
        store = rig.open()
        one = sample("a.md", min(rig.limits.rows, self.most_rows))
        written = rig.publish(store, one)
        rig.expect(one.chunks, f"a batch of {len(one.chunks)} rows")
        rig.send(store, one.chunks, written)
        new = sample("a.md", len(one.chunks), content="2")
        rig.write(store, new.chunks, publications=(new.publication(),))
        rig.expect(new.chunks, f"a batch of {len(one.chunks)} rows that replaces as many")

    def test_a_batch_above_the_limit_of_rows_is_not_cut(self, rig: Rig) -> None:
        """Fails: rows above `limits.rows` are dropped without a word. Store all of a batch, or raise."""
        store = rig.open()
        if rig.limits.rows > self.most_rows * 5:
            pytest.skip(f"limits.rows is {rig.limits.rows:,}, more than this check writes")
        one = sample("a.md", rig.limits.rows + 1)
        try:
            rig.publish(store, one)
        except IncompleteDocument:
            pytest.fail("rows above the limit were dropped without a word, and missed afterwards")
        except Exception:  # noqa: BLE001 - it may, since the engine never does that
            rig.expect([], "after a batch above the limit was refused")
        else:
            rig.expect(one.chunks, f"a batch of {len(one.chunks)} rows, one above the limit")

    def test_a_batch_at_the_limit_of_bytes_is_stored(self, rig: Rig) -> None:
        """Fails: `limits.bytes` promises more than `write` takes. State what is true."""
        store = rig.open()
        size = min(rig.limits.bytes or self.most_bytes, self.most_bytes)
        rows = max(1, min(rig.limits.rows, size // 250_000))
        one = sample("a.md", [f"{index:x} " * (size // rows // len(f"{index:x} ")) for index in range(rows)])
        rig.publish(store, one)
        rig.expect(one.chunks, f"a batch of {size:,} bytes")

    def _stored_truly_or_refused(self, rig: Rig, chunk: Any) -> None:
        store = rig.open()
        publication = sample(chunk.source_file, [chunk.chunk_text]).publication()
        written = receipt(1, publications=(publication,))
        try:
            store.write(batch([chunk]), written)
        except IncompleteDocument:
            pytest.fail("the record was dropped without a word, and missed afterwards")
        except Exception:  # noqa: BLE001 - what it means is for the classifiers to say
            found = [row for row in rig.rows() if row["source_file"] == chunk.source_file]
            assert not found, "refused, but stored"
            return
        found = [row for row in rig.rows() if row["id"] == chunk.id]
        expect(found, [chunk], f"{chunk.chunk_text!a} was taken")
