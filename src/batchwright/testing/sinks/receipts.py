"""Checks of a sink's own ledger: receipts, documents, runs. Skipped where the engine keeps one beside."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

from dataclasses import replace

from batchwright.contracts.receipts import Run
from batchwright.testing.records import COLLECTION, batch, receipt, reject, sample
from batchwright.testing.sinks.rig import Rig, SinkChecks, ledger_of


class ReceiptChecks(SinkChecks):
    """What a run asks when it resumes."""

    def test_a_receipt_is_committed_with_its_batch(self, rig: Rig) -> None:
        """Fails: the receipt isn't recorded, or can't be found. A lost reply to COMMIT is resolved by it."""
        store = rig.open()
        ledger = ledger_of(store)
        one = sample("a.md")
        written = receipt(3, begun=(one.version,))
        assert not ledger.committed(written.batch_id), "committed before it was written"
        store.write(batch(one.chunks), written)
        assert ledger.committed(written.batch_id), "written, but not committed"
        assert not ledger.committed(f"{written.batch_id}0"), "committed, though no such batch was written"
        assert ledger_of(rig.open()).committed(written.batch_id), "another sink doesn't know of it"

    def test_a_receipt_without_rows_is_kept(self, rig: Rig) -> None:
        """Fails: the receipt of an empty batch is dropped. It carries rejects and publications."""
        store = rig.open()
        ledger = ledger_of(store)
        set_aside = reject(sample("a.md").chunks[0])
        written = rig.write(store, [], rejects=(set_aside,))
        assert ledger.committed(written.batch_id)
        assert ledger.rejects() == [set_aside]

    def test_a_receipt_recorded_again_changes_nothing(self, rig: Rig) -> None:
        """Fails: an old receipt takes effect a second time. Where its id is known, leave all as it is."""
        store, one = rig.open(), sample("a.md")
        ledger = ledger_of(store)
        first = rig.publish(store, one, rejects=(reject(sample("b.md").chunks[0]),))
        ledger.drop_rejects([kept.id for kept in ledger.rejects()])
        rig.write(store, [], deleted=(("a.md", one.id),))
        store.write(batch([]), first)
        assert (ledger.documents(COLLECTION), ledger.rejects(), rig.rows()) == ([], [], [])

    def test_a_batch_that_comes_again_late_changes_nothing(self, rig: Rig) -> None:
        """Fails: rows of an old batch come back, or it removes newer ones. Look for its receipt first."""
        store, one, two = rig.open(), sample("a.md"), sample("a.md", 4, content="2")
        ledger_of(store)
        rig.publish(store, one)
        late = receipt(4, publications=(two.publication(),))
        store.write(batch(two.chunks), late)
        rig.write(store, one.chunks, publications=(one.publication(),))
        store.write(batch(two.chunks), late)
        rig.expect(one.chunks, "after a batch of the version before came again")

    def test_a_write_with_a_receipt_that_is_stored_changes_nothing(self, rig: Rig) -> None:
        """Fails: rows are written before the receipt is looked for, or other rows under the same receipt."""
        store, one = rig.open(), sample("a.md")
        ledger_of(store)
        written = rig.publish(store, one)
        others = [replace(chunk, chunk_text="others", chunk_hash="") for chunk in one.chunks]
        rig.send(store, others, written)
        rig.expect(one.chunks, "after other rows came with a receipt that was stored")

    def test_published_documents_are_listed_page_by_page(self, rig: Rig) -> None:
        """Fails: the order isn't that of code points, or `after` and `limit` are off by one."""
        store = rig.open()
        ledger = ledger_of(store)
        names = [
            "Z",
            "a",
            "B/c",
            "é",
            "\uffff",
            "\U0001f600",
            "\ue000",
            "z",
            "a/b",
            "a b",
            "A",
            "ß",
            "_",
            "-",
        ]
        rig.publish(store, *(sample(name, 1) for name in names))
        found: list[str] = []
        while page := ledger.documents(COLLECTION, after=found[-1] if found else "", limit=3):
            assert len(page) <= 3, f"a page of {len(page)}, though 3 is the limit"
            found += [known.version.key for known in page]
            assert len(found) <= len(names), "documents are listed twice"
        assert found == sorted(names)

    def test_a_known_document_comes_back_as_it_was(self, rig: Rig) -> None:
        """Fails: a field of DocumentVersion or `rejected` is lost; the next run would load it all again."""
        store = rig.open()
        ledger = ledger_of(store)
        one, none = sample("dir/é 1.md", 4), sample("none.md", 0)
        version = replace(one.version, content_hash="c" * 64, settings="512 \U0001f600 'x'", size=2**40)
        rig.write(
            store, one.chunks[1:], publications=(replace(one.publication(rejected=1), version=version),)
        )
        rig.publish(store, none)
        known = ledger.document(COLLECTION, "dir/é 1.md")
        assert known is not None, "a published document is not found"
        assert (known.version, known.rejected) == (version, 1)
        assert known.published_at, "published_at is empty"
        assert ledger.document(COLLECTION, "none.md") is not None, "a document without chunks is not found"
        assert ledger.document(COLLECTION, "dir/é 1") is None, "a document is found that was never published"

    def test_versions_are_pending_until_they_are_published(self, rig: Rig) -> None:
        """Fails: `pending` doesn't follow begun, published and discarded. A resumed run begins with it."""
        store = rig.open()
        ledger = ledger_of(store)
        begun, other, third = sample("a.md", 4), sample("b.md", 4), sample("a.md", 5, content="2")
        rig.write(store, [*begun.chunks[:1], *other.chunks[:1]], begun=(begun.version, other.version))
        rig.write(store, third.chunks[:1], begun=(third.version,))
        assert sorted(pending.document_id for pending in ledger.pending(COLLECTION)) == sorted(
            (begun.id, other.id, third.id)
        )
        assert begun.version in ledger.pending(COLLECTION), "a field of a pending version is lost"
        rig.write(store, begun.chunks[1:], publications=(begun.publication(),))
        left = sorted(pending.document_id for pending in ledger.pending(COLLECTION))
        assert left == sorted((other.id, third.id)), (
            "publishing a version ends this version's wait, no other's"
        )
        rig.write(store, [], discarded=(other.id, third.id))
        assert ledger.pending(COLLECTION) == [], "a discarded version is still pending"

    def test_a_deleted_document_is_known_no_more(self, rig: Rig) -> None:
        """Fails: the entry outlives the rows, or goes though a newer version was published since."""
        store, old, new = rig.open(), sample("a.md"), sample("b.md")
        ledger = ledger_of(store)
        rig.publish(store, old, new, rejects=(reject(sample("a.md", 5).chunks[4]),))
        rig.write(store, [], deleted=(("a.md", old.id),))
        assert [known.version for known in ledger.documents(COLLECTION)] == [new.version]
        assert ledger.rejects() == [], "the rejects of a deleted document are left"

    def test_runs_are_kept_newest_first(self, rig: Rig) -> None:
        """Fails: a run's state, end or account is lost, or the order is wrong."""
        store = rig.open()
        ledger = ledger_of(store)
        runs = [
            Run(f"run {day}", f"2026-01-0{day}T00:00:00+00:00", COLLECTION, "docs/é") for day in (1, 2, 3)
        ]
        for run in runs:
            ledger.start_run(run)
        account = {"records": {"written": 3, "rejected": 1}, "seconds": 1.5, "note": "\U0001f600"}
        done = replace(runs[1], state="done", finished_at="2026-01-02T01:00:00+00:00", account=account)
        ledger.finish_run(done)
        assert [run.run_id for run in ledger.runs()] == ["run 3", "run 2", "run 1"]
        assert [run.run_id for run in ledger.runs(limit=2)] == ["run 3", "run 2"], "`limit` is not heeded"
        again = ledger_of(rig.open()).runs()
        assert again[1].state == "done"
        assert again[1].finished_at is not None, "finished_at is lost"
        assert dict(again[1].account) == account
        assert (again[0].state, again[0].finished_at, again[0].source) == ("running", None, "docs/é")
