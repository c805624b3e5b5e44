"""Checks of a sink's own ledger: records set aside, listed, and replayed."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

from batchwright.contracts.receipts import RejectFilter
from batchwright.testing.records import COLLECTION, METADATA, batch, receipt, reject, sample
from batchwright.testing.sinks.rig import Rig, SinkChecks, ledger_of


class RejectChecks(SinkChecks):
    """Nothing that was set aside is lost; nothing stays that was corrected."""

    def test_a_reject_comes_back_as_it_was(self, rig: Rig) -> None:
        """Fails: a reject loses something on the way. Keep its payload as JSON: it holds what rows can't."""
        store = rig.open()
        ledger = ledger_of(store)
        texts = ["a\0b", "a\ud800b", "\U0001f600 é", "", "x" * 300_000]
        chunks = sample("a.md", texts, metadata=METADATA, source_category=None).chunks
        kept = [
            reject(
                chunks[0],
                sqlstate="22021",
                attempts=7,
                error="psycopg.errors.DataError",
                message="no: \U0001f600",
            ),
            *map(reject, chunks[1:]),
            reject(id="a document", message="byte 3 is not UTF-8"),
        ]
        rig.write(store, [], rejects=tuple(kept))
        found = {one.id: one for one in ledger.rejects()}
        assert sorted(found) == sorted(one.id for one in kept), "rejects are missing, or too many"
        for one in kept:
            assert found[one.id] == one, "a field of a reject is lost"

    def test_a_record_rejected_again_is_one_reject(self, rig: Rig) -> None:
        """Fails: rejects pile up from run to run. Upsert by `id`, and keep the latest."""
        store, chunk = rig.open(), sample("a.md").chunks[0]
        rig.write(store, [], rejects=(reject(chunk),))
        later = reject(chunk, run_id="later", attempts=9, message="still no room")
        rig.write(store, [], rejects=(later,))
        assert ledger_of(store).rejects() == [later]

    def test_rejects_are_found_by_what_is_asked(self, rig: Rig) -> None:
        """Fails: a filter of `Ledger.rejects` is ignored, or two are joined by OR."""
        store = rig.open()
        ledger = ledger_of(store)
        kept = [
            reject(id="1"),
            reject(id="2", run_id="other"),
            reject(id="3", key="b.md"),
            reject(id="4", error="psycopg.errors.DataError", sqlstate="22021"),
            reject(id="5", error="psycopg.errors.UniqueViolation", sqlstate="23505", run_id="other"),
        ]
        rig.write(store, [], rejects=tuple(kept))
        asked = {
            "12345": RejectFilter(),
            "15": RejectFilter(ids=["5", "1", "nobody"]),
            "": RejectFilter(ids=[]),
            "25": RejectFilter(run_id="other"),
            "3": RejectFilter(key="b.md"),
            "45": RejectFilter(error="psycopg"),
            "4": RejectFilter(error="22021"),
            "5": RejectFilter(error="psycopg", run_id="other"),
        }
        found = {key: "".join(one.id for one in ledger.rejects(wanted)) for key, wanted in asked.items()}
        assert found == {key: key for key in asked}

    def test_rejects_are_listed_page_by_page(self, rig: Rig) -> None:
        """Fails: the order isn't that of ids, or `after` and `limit` are off by one."""
        store = rig.open()
        ledger = ledger_of(store)
        names = [f"{number:03}" for number in range(20)]
        rig.write(store, [], rejects=tuple(reject(id=name) for name in reversed(names)))
        pages: list[str] = []
        while page := ledger.rejects(after=pages[-1] if pages else "", limit=6):
            assert len(page) <= 6, f"a page of {len(page)}, though 6 is the limit"
            pages += [one.id for one in page]
            assert len(pages) <= len(names), "rejects are listed twice"
        assert pages == names

    def test_dropped_rejects_are_gone_and_counted(self, rig: Rig) -> None:
        """Fails: `drop_rejects` returns something else than how many there were."""
        store = rig.open()
        ledger = ledger_of(store)
        rig.write(store, [], rejects=tuple(reject(id=f"{number}") for number in range(5)))
        assert ledger.drop_rejects([]) == 0
        assert ledger.drop_rejects(["1", "2", "nobody"]) == 2
        assert [one.id for one in ledger.rejects()] == ["0", "3", "4"]

    def test_a_replayed_reject_is_gone_with_its_batch(self, rig: Rig) -> None:
        """Fails: `receipt.resolved` is ignored, or takes effect though the batch failed."""
        store, one = rig.open(), sample("a.md", 3)
        ledger = ledger_of(store)
        bad = one.chunks[1]
        kept = reject(bad)
        rig.write(
            store,
            [one.chunks[0], one.chunks[2]],
            publications=(one.publication(rejected=1),),
            rejects=(kept,),
        )
        replay = receipt(1, publications=(one.publication(),), resolved=(kept.id,))
        rig.fail(store, [bad], 1, replay)
        assert ledger.rejects() == [kept], "the replay failed, but its reject is gone"
        for _ in range(2):
            store.write(batch([bad]), replay)
            assert ledger.rejects() == [], "the replay is stored, but its reject is left"
            rig.expect(one.chunks, "after a replay")
        known = ledger.document(COLLECTION, "a.md")
        assert known is not None
        assert known.rejected == 0, "the document still counts a reject"

    def test_rejects_of_a_version_go_with_its_rows(self, rig: Rig) -> None:
        """Fails: a discarded version leaves its rejects behind. Drop them with the rows."""
        store = rig.open()
        ledger = ledger_of(store)
        begun, other = sample("a.md"), sample("b.md")
        kept = reject(other.chunks[2])
        opened = (begun.version, other.version)
        rig.write(store, begun.chunks[:1], begun=opened, rejects=(reject(begun.chunks[2]), kept))
        rig.write(store, [], discarded=(begun.id,))
        assert ledger.rejects() == [kept]

    def test_a_new_version_drops_the_rejects_of_the_old(self, rig: Rig) -> None:
        """Fails: rejects of a version that nobody will see again are left, or those of others go."""
        store = rig.open()
        ledger = ledger_of(store)
        old, new, other = sample("a.md"), sample("a.md", content="2"), sample("b.md")
        rejects = [*(reject(one.chunks[2]) for one in (old, new, other)), reject(id="x", key="a.md")]
        rig.write(store, [], rejects=tuple(rejects))
        publication = new.publication(rejected=1)
        rig.write(store, new.chunks[:2], publications=(publication,))
        found = sorted(one.id for one in ledger.rejects())
        assert found == sorted((new.chunks[2].id, other.chunks[2].id))
