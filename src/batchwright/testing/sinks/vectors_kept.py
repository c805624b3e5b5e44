"""Checks: which vectors a store keeps, for how long, and that no row is published without its own."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import pytest

from batchwright.contracts.lease import Lease, Owner, Patience
from batchwright.contracts.receipts import Collection
from batchwright.contracts.vectors import VectorCounts, Vectors
from batchwright.errors import IncompleteDocument, LeaseLost
from batchwright.testing.embedded import (
    CANARY,
    MODEL,
    OTHER,
    OTHER_CANARY,
    embedded,
    key_of,
    put,
    searched,
    vector_of,
    vectors_of,
)
from batchwright.testing.records import COLLECTION, Sample, receipt, sample
from batchwright.testing.sinks.rig import Rig, SinkChecks, ledger_of

_LONG_AGO, _NEVER_YET = "2000-01-01T00:00:00+00:00", "2999-01-01T00:00:00+00:00"
_OWNER = Owner("elsewhere", 4711, "another boot", "pid:[1]", 12)
_LEASE = Lease(COLLECTION, "token", "a run", _OWNER, "2026-01-31T12:00:00+00:00")


class KeptVectorChecks(SinkChecks):
    """A vector belongs to a model and a text; rows keep the text's key."""

    def test_a_model_is_prepared_once(self, rig: Rig) -> None:
        """Fails: the canary that was kept first is lost. A model that changed is told by it."""
        vectors = vectors_of(rig.open())
        assert vectors.prepare(MODEL, CANARY[::-1]) == CANARY, "the second canary took the place of the first"
        [there] = rig.open().vectors.models()  # type: ignore[union-attr]
        assert (there.model, there.canary, there.is_used) == (MODEL, CANARY, False)
        assert vectors.size(MODEL) == 0

    def test_vectors_put_twice_are_kept_once(self, rig: Rig) -> None:
        """Fails: a vector is there twice, or another took its place. A retry puts what is there."""
        store, one = rig.open(), sample("a.md", ["an apple"])
        vectors = vectors_of(store)
        put(vectors, ["an apple"])
        vectors.put(MODEL, {key_of("an apple"): vector_of("a pear"), key_of("a pear"): vector_of("a pear")})
        assert vectors.size(MODEL) == 2
        rig.publish(store, one, embedded=embedded(one))
        vectors.use(MODEL)
        [hit] = searched(store, vector_of("an apple"))
        assert hit.score == pytest.approx(1, abs=0.01), "the vector is not the one that was put first"

    def test_a_vector_of_another_length_is_refused(self, rig: Rig) -> None:
        """Fails: a vector is kept that can't be compared with the model's others."""
        vectors = vectors_of(rig.open())
        with pytest.raises(ValueError, match="numbers"):
            vectors.put(MODEL, {key_of("a"): vector_of("a"), key_of("b"): vector_of("b", OTHER)})
        assert vectors.missing(MODEL, [key_of("a"), key_of("b")]) == {key_of("a"), key_of("b")}

    def test_thousands_of_keys_are_looked_up(self, rig: Rig) -> None:
        """Fails: not all keys are answered for. A run asks for those of a whole batch, and more."""
        vectors = vectors_of(rig.open())
        texts = [f"text {number}" for number in range(3_000)]
        put(vectors, texts[::3])
        missing = vectors.missing(MODEL, [key_of(text) for text in texts])
        assert missing == {key_of(text) for text in texts} - {key_of(text) for text in texts[::3]}
        assert vectors.missing(OTHER, [key_of(texts[0])]) == {key_of(texts[0])}, "it is another model's"

    def test_no_row_is_published_without_its_vector(self, rig: Rig) -> None:
        """Fails: a row whose vector is not there becomes visible. Check it with the rows of the batch."""
        store, old, one = rig.open(), sample("a.md", ["old"]), sample("a.md", ["one", "two"], content="2")
        vectors = vectors_of(store)
        put(vectors, ["old", "one"])
        vectors.prepare(OTHER, OTHER_CANARY)
        put(vectors, ["two"], OTHER)
        rig.publish(store, old, embedded=embedded(old))
        written = receipt(2, publications=(one.publication(),), embedded=embedded(one))
        with pytest.raises(IncompleteDocument):
            rig.send(store, one.chunks, written)
        rig.expect(old.chunks, "after a version of which a row has no vector")
        put(vectors, ["two"])
        rig.send(store, one.chunks, written)
        rig.expect(one.chunks, "once its vector was there")

    def test_rows_of_earlier_batches_need_vectors_too(self, rig: Rig) -> None:
        """Fails: only the rows of the last batch are looked at. Look at all that the publication shows."""
        store, one = rig.open(), sample("a.md", ["one", "two"])
        put(vectors_of(store), ["two"])
        begun, last = replace_chunks(one, 0), replace_chunks(one, 1)
        rig.write(store, begun.chunks, begun=(one.version,))
        publication = receipt(1, publications=(one.publication(),), embedded=embedded(last))
        with pytest.raises(IncompleteDocument):
            rig.send(store, last.chunks, publication)
        rig.expect([], "after a version of which the first row has no vector")

    def test_a_reason_stands_for_a_vector(self, rig: Rig) -> None:
        """Fails: rows that can't have a vector keep a document back, or are counted wrongly."""
        store, one = rig.open(), sample("a.md", ["", "bad", "late", "good", "far"])
        vectors = vectors_of(store)
        put(vectors, ["good", "far"])
        # a text without a letter has no chunk; what stands for none is said by the engine
        given = embedded(one, without={"bad": "refused", "late": "outage"})
        rig.publish(store, one, embedded=replace(given, keys=("no_text", *given.keys[1:])))
        rig.expect(one.chunks, "after a version with three reasons")
        expected = VectorCounts(embedded=2, no_text=1, refused=1, outage=1)
        assert vectors.counts(MODEL) == vectors.counts(MODEL, COLLECTION) == expected
        assert vectors.counts(MODEL, "another") == VectorCounts()
        assert [row.text for row in vectors.lacking(MODEL, COLLECTION)] == ["late"], "a run makes up for it"

    def test_rows_without_a_vector_are_found_by_pages(self, rig: Rig) -> None:
        """Fails: a run can't find what to embed. Published rows, by id, behind `after`, of one collection."""
        store = rig.open()
        first, second = sample("a.md", 5), sample("b.md", 3)
        elsewhere, begun = sample("c.md", collection="another"), sample("d.md")
        rig.publish(store, first, second)
        rig.publish(store, elsewhere, collection="another")
        rig.write(store, begun.chunks[:1], begun=(begun.version,))
        vectors, found = vectors_of(store), list[str]()
        while page := vectors.lacking(MODEL, COLLECTION, found[-1] if found else "", 3):
            assert len(page) <= 3, "`limit` is ignored"
            found += [row.id for row in page]
        expected = {chunk.id: chunk for chunk in (*first.chunks, *second.chunks)}
        assert found == sorted(expected)
        row = vectors.lacking(MODEL, COLLECTION, limit=1)[0]
        chunk = expected[row.id]
        assert (row.text, row.heading, row.document_key, row.key) == (
            chunk.chunk_text,
            chunk.context_header,
            chunk.source_file,
            None,
        )

    def test_keys_are_attached_to_published_rows(self, rig: Rig) -> None:
        """Fails: what a run embeds from the table is not kept, or goes to rows of other collections."""
        store, one, other = rig.open(), sample("a.md", ["one", "two", "three"]), sample("b.md", ["one"])
        rig.publish(store, one)
        rig.publish(store, other, collection="another")
        vectors = vectors_of(store)
        put(vectors, ["one", "two"])
        gone = sample("gone.md").chunks[0].id
        keys = {one.chunks[0].id: key_of("one"), one.chunks[1].id: key_of("two"), gone: key_of("one")}
        vectors.attach(MODEL, COLLECTION, {**keys, other.chunks[0].id: key_of("one")}, None)
        assert [row.text for row in vectors.lacking(MODEL, COLLECTION)] == ["three"]
        assert [row.text for row in vectors.lacking(MODEL, "another")] == ["one"], "it is not the run's"
        vectors.attach(MODEL, COLLECTION, {one.chunks[2].id: "no_text"}, None)
        assert vectors.counts(MODEL, COLLECTION) == VectorCounts(embedded=2, no_text=1)

    def test_keys_are_attached_under_the_lease(self, rig: Rig) -> None:
        """Fails: a run that was replaced goes on attaching keys. Hold each transaction against the lease."""
        store, one = rig.open(), sample("a.md", ["one"])
        rig.publish(store, one)
        vectors = vectors_of(store)
        put(vectors, ["one"])
        ledger = ledger_of(store)
        ledger.enter_collection(Collection(COLLECTION))
        assert ledger.swap_lease(COLLECTION, None, _LEASE, Patience(rig.patience, None))
        with pytest.raises(LeaseLost):
            vectors.attach(MODEL, COLLECTION, {one.chunks[0].id: key_of("one")}, "older")
        assert vectors.counts(MODEL).lacking == 1
        vectors.attach(MODEL, COLLECTION, {one.chunks[0].id: key_of("one")}, _LEASE.token)
        assert vectors.counts(MODEL).lacking == 0

    def test_what_one_model_refuses_is_another_ones_to_embed(self, rig: Rig) -> None:
        """Fails: a text that a model refused is never embedded again, or loses what another model made."""
        store, one = rig.open(), sample("a.md", ["one", "two"])
        vectors = vectors_of(store)
        put(vectors, ["one"])
        rig.publish(store, one, embedded=embedded(one, without={"two": "refused"}))
        vectors.use(MODEL)
        vectors.prepare(OTHER, OTHER_CANARY)
        assert {row.text for row in vectors.lacking(OTHER, COLLECTION)} == {"one", "two"}
        vectors.attach(OTHER, COLLECTION, {one.chunks[0].id: "refused"}, None)
        assert [row.text for row in vectors.lacking(OTHER, COLLECTION)] == ["two"]
        assert vectors.counts(MODEL) == VectorCounts(embedded=1, refused=1), "what is in use lost a vector"

    def test_a_row_that_changes_has_its_vector_no_more(self, rig: Rig) -> None:
        """Fails: a row keeps the vector of the text that it had before."""
        store = rig.open()
        one, new = (sample("a.md", [text], brought_by="program") for text in ("one", "two"))
        vectors = vectors_of(store)
        put(vectors, ["one"])
        rig.write(store, one.chunks, patched=(one.version,), embedded=embedded(one))
        assert vectors.counts(MODEL) == VectorCounts(embedded=1)
        rig.write(store, new.chunks, patched=(new.version,))
        assert vectors.counts(MODEL) == VectorCounts(lacking=1)

    def test_a_model_is_used_once_all_rows_have_its_vectors(self, rig: Rig) -> None:
        """Fails: searches look at a model that lacks rows, or never at the new one."""
        store, one = rig.open(), sample("a.md", ["one", "two"])
        vectors = vectors_of(store)
        rig.publish(store, one)
        assert vectors.use(MODEL) == [COLLECTION], "rows lack vectors"
        assert _used(vectors) == [MODEL], "no other was in use"
        vectors.prepare(OTHER, OTHER_CANARY)
        put(vectors, ["one"], OTHER)
        keys = {chunk.id: key_of(chunk.chunk_text) for chunk in one.chunks}
        vectors.attach(OTHER, COLLECTION, dict(keys), None)
        assert vectors.use(OTHER) == [COLLECTION]
        assert _used(vectors) == [MODEL], "another was in use, and this one lacks rows"
        put(vectors, ["two"], OTHER)
        assert vectors.use(OTHER) == []
        assert _used(vectors) == [OTHER]
        assert vectors.models()[0].model == OTHER, "the one in use comes first"

    def test_vectors_go_that_no_row_uses_for_long(self, rig: Rig) -> None:
        """Fails: vectors in use are removed, or others stay, or go that a run has just found."""
        store, one, two = rig.open(), sample("a.md", ["one"]), sample("b.md", ["two"])
        vectors = vectors_of(store)
        put(vectors, ["one", "two", "three"])
        rig.publish(store, one, two, embedded=embedded(one, two))
        vectors.use(MODEL)
        assert vectors.orphans() == 1
        assert vectors.sweep(_NEVER_YET) == 0, "the first sweep that finds a vector unused removes it"
        rig.write(store, [], deleted=(("b.md", two.id),))
        assert vectors.missing(MODEL, [key_of("three")]) == set()
        assert vectors.sweep(_NEVER_YET) == 0, "a vector went that was found a moment ago"
        assert vectors.sweep(_LONG_AGO) == 0, "a vector went that was used a moment ago"
        assert vectors.sweep(_NEVER_YET) == 2
        left = vectors.missing(MODEL, [key_of(text) for text in ("one", "two", "three")])
        assert left == {key_of("two"), key_of("three")}
        assert vectors.orphans() == 0

    def test_a_question_that_keeps_nothing_writes_nothing(self, rig: Rig) -> None:
        """Fails: a plan, which asks only, puts off that an unused vector goes."""
        vectors = vectors_of(rig.open())
        put(vectors, ["one"])
        assert vectors.sweep(_NEVER_YET) == 0
        assert vectors.missing(MODEL, [key_of("one"), key_of("two")], keep=False) == {key_of("two")}
        assert vectors.sweep(_NEVER_YET) == 1

    def test_vectors_go_of_a_model_that_was_given_up(self, rig: Rig) -> None:
        """Fails: the vectors of a model before stay, or those of the next one go before it is in use."""
        store, one = rig.open(), sample("a.md", ["one"])
        vectors = vectors_of(store)
        put(vectors, ["one"])
        rig.publish(store, one, embedded=embedded(one))
        vectors.use(MODEL)
        vectors.prepare(OTHER, OTHER_CANARY)
        put(vectors, ["one"], OTHER)
        vectors.sweep(_LONG_AGO)
        assert {there.model for there in vectors.models()} == {MODEL, OTHER}, "the next one is gone"
        vectors.use(OTHER)
        vectors.prepare(MODEL, CANARY)
        vectors.sweep(_LONG_AGO)
        assert {there.model for there in vectors.models()} == {MODEL, OTHER}, "it was wanted again"
        vectors.use(MODEL)
        assert vectors.sweep(_LONG_AGO) == 1
        assert [there.model for there in vectors.models()] == [MODEL]

    def test_a_purge_removes_the_vectors_of_its_rows(self, rig: Rig) -> None:
        """Fails: what was to leave no trace leaves its vector, or takes another's along."""
        store, one, two = rig.open(), sample("a.md", ["one", "both"]), sample("b.md", ["both"])
        vectors = vectors_of(store)
        put(vectors, ["one", "both", "another run's"])
        rig.publish(store, one, two, embedded=embedded(one, two))
        rig.write(store, [], deleted=(("a.md", one.id),), purge=True)
        left = vectors.missing(MODEL, [key_of("one"), key_of("both"), key_of("another run's")])
        assert left == {key_of("one")}

    def test_stores_that_put_the_same_at_once_agree(self, rig: Rig) -> None:
        """Fails: two runs that embed the same text hinder each other, or keep it twice."""
        texts = [f"text {number}" for number in range(200)]
        vectors_of(rig.open())

        def work(vectors: Vectors, order: int) -> None:
            for start in range(0, len(texts), 20):
                put(vectors, texts[start : start + 20][::order])

        _at_once([partial(work, vectors_of(rig.open()), order) for order in (1, -1)], rig.patience * 3)
        assert vectors_of(rig.open()).size(MODEL) == len(texts)

    def test_the_first_runs_of_all_may_be_at_once(self, rig: Rig) -> None:
        """Fails: runs that find no place for vectors, or no index, hinder each other in making it."""
        every, one = [rig.open() for _ in range(4)], sample("a.md", ["an apple"])
        _at_once([partial(vectors_of, store) for store in every], rig.patience * 3)
        put(vectors_of(every[0]), ["an apple"])
        rig.publish(every[0], one, embedded=embedded(one))
        stored = [store.vectors for store in every if store.vectors]
        _at_once([partial(vectors.use, MODEL) for vectors in stored], rig.patience * 3)
        assert _used(stored[0]) == [MODEL]


def _at_once(works: Sequence[Callable[[], object]], patience: float) -> None:
    """Do all the work at the same moment; the check fails where some of it raises."""
    start = threading.Barrier(len(works))

    def timed(work: Callable[[], object]) -> BaseException | None:
        start.wait(patience)
        try:
            work()
        except Exception as error:  # noqa: BLE001 - whatever a store raises is to be seen
            return error
        return None

    with ThreadPoolExecutor(len(works)) as threads:
        failures = [error for error in threads.map(timed, works) if error]
    assert not failures, failures


def replace_chunks(one: Sample, position: int) -> Sample:
    """Return the sample with one of its chunks only."""
    return replace(one, chunks=(one.chunks[position],))


def _used(vectors: Vectors) -> list[object]:
    return [there.model for there in vectors.models() if there.is_used]
