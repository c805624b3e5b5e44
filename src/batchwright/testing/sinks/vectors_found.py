"""Checks: what a search by vectors finds."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from batchwright.contracts.sink import Store
from batchwright.errors import ConfigError, SinkError
from batchwright.testing.embedded import (
    MODEL,
    OTHER,
    OTHER_CANARY,
    embedded,
    near,
    nearness,
    put,
    searched,
    vector_of,
    vectors_of,
)
from batchwright.testing.records import COLLECTION, Sample, sample
from batchwright.testing.sinks.rig import Rig, SinkChecks

_ROWS = 1_000
_QUESTIONS = 20
_WANTED = 10


class FoundVectorChecks(SinkChecks):
    """The nearest published records, by the cosine, whatever else is stored."""

    def test_the_nearest_records_are_found(self, rig: Rig) -> None:
        """Fails: records are missed that are nearer than those found: of 100 at most 5 may be."""
        store, texts = rig.open(), [f"text {number}" for number in range(_ROWS)]
        _load(rig, store, [sample(f"{start}.md", texts[start : start + 50]) for start in range(0, _ROWS, 50)])
        known = {text: vector_of(text) for text in texts}
        found = 0
        for number in range(_QUESTIONS):
            asked = near(f"question {number}", f"text {number * 7}", 0.5)
            hits = searched(store, asked, _WANTED)
            assert len(hits) == _WANTED, f"{len(hits)} of {_WANTED} came back"
            assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
            best = sorted(known, key=lambda text: -nearness(asked, known[text]))[:_WANTED]
            found += len({*best} & {hit.excerpt for hit in hits})
        assert found >= 0.95 * _QUESTIONS * _WANTED, f"{found} of {_QUESTIONS * _WANTED} nearest were found"

    def test_a_near_record_says_where_its_text_begins(self, rig: Rig) -> None:
        """Fails: a chunk's line or page, by which people cite it, doesn't come with its hit."""
        store = rig.open()
        _load(rig, store, [sample("a.md", ["one"], line=12, page=3), sample("b.md", ["two"])])
        hits = searched(store, vector_of("one"))
        assert [(hit.line, hit.page) for hit in hits] == [(12, 3), (None, None)]
        [hit] = searched(store, vector_of("one"), where={"source_file": "a.md"})
        assert (hit.line, hit.page) == (12, 3)

    def test_a_filter_that_leaves_few_loses_none(self, rig: Rig) -> None:
        """Fails: a filter is applied to the nearest of all, of which few meet it. Search within it."""
        store, all_ = rig.open(), [f"text {number}" for number in range(_ROWS)]
        rare = [
            sample(f"rare {n}.md", [f"rare {n} {m}" for m in range(5)], metadata={"kind": "rare", "n": n})
            for n in range(2)
        ]
        usual = [
            sample(f"{start}.md", all_[start : start + 50], metadata={"kind": "usual"})
            for start in range(0, _ROWS, 50)
        ]
        _load(rig, store, [*rare, *usual])
        asked = vector_of("text 7")
        hits = searched(store, asked, _WANTED, where={"kind": "rare"})
        assert {hit.excerpt for hit in hits} == {c.chunk_text for one in rare for c in one.chunks}
        assert len(searched(store, asked, _WANTED, where={"kind": "rare", "n": 1})) == 5
        assert {hit.key for hit in searched(store, asked, _WANTED, where={"source_file": "50.md"})} == {
            "50.md"
        }

    def test_a_collection_is_searched_by_itself(self, rig: Rig) -> None:
        """Fails: hits come from other collections, or take the places of those asked for."""
        store = rig.open()
        _load(rig, store, [sample("a.md", [f"text {number}" for number in range(100)])])
        _load(rig, store, [sample("a.md", ["pear", "plum"], collection="another")], collection="another")
        hits = searched(store, vector_of("text 3"), 5, collection="another")
        assert [(hit.collection, hit.key) for hit in hits] == [("another", "a.md")] * 2
        assert {hit.collection for hit in searched(store, vector_of("pear"), 3)} == {COLLECTION, "another"}

    def test_only_what_is_published_takes_places(self, rig: Rig) -> None:
        """Fails: rows that are not visible, or are gone, are found, or leave fewer results than asked for."""
        store = rig.open()
        old = sample("a.md", [f"old {number}" for number in range(30)])
        stays = sample("b.md", [f"stays {number}" for number in range(12)])
        vectors = _load(rig, store, [old, stays])
        new = sample("a.md", [f"new {number}" for number in range(30)], content="2")
        begun = sample("c.md", [f"begun {number}" for number in range(30)])
        put(vectors, (chunk.chunk_text for one in (new, begun) for chunk in one.chunks))
        put(vectors, (f"nowhere {number}" for number in range(30)))
        rig.write(store, new.chunks, publications=(new.publication(),), embedded=embedded(new))
        some = replace(begun, chunks=begun.chunks[:20])
        rig.write(store, some.chunks, begun=(begun.version,), embedded=embedded(some))
        rig.write(store, [], deleted=(("a.md", new.id),))
        vectors.sweep("2999-01-01T00:00:00+00:00")
        vectors.sweep("2999-01-01T00:00:00+00:00")
        for text in ("old 3", "new 3", "begun 3", "nowhere 3"):
            hits = searched(store, vector_of(text), _WANTED)
            assert len(hits) == _WANTED, "what isn't visible took places"
            assert {hit.key for hit in hits} == {"b.md"}

    def test_the_same_text_takes_one_place(self, rig: Rig) -> None:
        """Fails: a text that many documents share fills the answer. It has one vector, and is one result."""
        store = rig.open()
        _load(rig, store, [sample(f"{n}.md", ["the same", f"its own {n}"]) for n in range(8)])
        hits = searched(store, vector_of("the same"), 5)
        assert hits[0].excerpt == "the same"
        assert len({hit.excerpt for hit in hits}) == 5

    def test_searches_never_mix_models(self, rig: Rig) -> None:
        """Fails: vectors of two models are compared, or mixed in one answer, or the switch shows neither."""
        store, one = rig.open(), sample("a.md", ["one", "two", "three"])
        vectors = _load(rig, store, [one])
        vectors.prepare(OTHER, OTHER_CANARY)
        put(vectors, ["one", "two"], OTHER)
        vectors.use(OTHER)
        other = rig.open()
        assert searched(other, vector_of("two"), 1)[0].score == pytest.approx(1, abs=0.01)
        with pytest.raises(SinkError, match="numbers"):
            searched(other, vector_of("two", OTHER))
        put(vectors, ["three"], OTHER)
        assert vectors.use(OTHER) == []
        for reader in (store, other):
            hits = searched(reader, vector_of("two", OTHER), 3)
            assert hits[0].score == pytest.approx(1, abs=0.01)
            assert {hit.excerpt for hit in hits} == {"one", "two", "three"}
            with pytest.raises(SinkError, match="numbers"):
                searched(reader, vector_of("two"))

    def test_what_is_added_is_found_by_stores_that_are_open(self, rig: Rig) -> None:
        """Fails: a store that searched before doesn't see what another one stored since."""
        store, reader = rig.open(), rig.open()
        vectors = _load(rig, store, [sample("a.md", ["one"])])
        assert len(searched(reader, vector_of("two"))) == 1
        two = sample("b.md", ["two"])
        put(vectors, ["two"])
        rig.publish(store, two, embedded=embedded(two))
        assert [hit.excerpt for hit in searched(reader, vector_of("two"))] == ["two", "one"]

    def test_fields_and_metadata_are_searched_by(self, rig: Rig) -> None:
        """Fails: `where` finds other records, or takes a mistake in a name for an answer."""
        store = rig.open()
        given: dict[str, Any] = {"title": "A", "tags": ["x", "y"], "draft": True, "stars": 3, "none": None}
        one = sample("a.md", ["one"], metadata=given, source_category="guide")
        _load(rig, store, [one, sample("b.md", ["two", "three"], metadata={"title": "B", "tags": ["xy"]})])
        for where in (
            {"title": "A"},
            {"tags": "x"},
            {"draft": "true"},
            {"draft": True},
            {"stars": "3"},
            {"stars": 3},
            {"source_category": "guide"},
            {"source_file": "a.md", "tags": "y"},
            {"chunk_token_count": "3", "title": "A"},
        ):
            for mode in ("vector", "hybrid", "text"):
                hits = searched(store, vector_of("one"), where=where, mode=mode, text="one")
                assert [hit.key for hit in hits] == ["a.md"], (where, mode)
        assert searched(store, vector_of("one"), where={"title": "C"}) == []
        assert {hit.key for hit in searched(store, vector_of("one"), where={"draft": None})} == {"b.md"}
        with pytest.raises(ConfigError, match="titel"):
            searched(store, vector_of("one"), where={"titel": "A"})
        with pytest.raises(ConfigError, match="chunk_index"):
            searched(store, vector_of("one"), where={"chunk_index": "first"})

    def test_words_and_vectors_are_searched_together(self, rig: Rig) -> None:
        """Fails: a hybrid search leaves out what only words find, or only vectors."""
        store = rig.open()
        texts = ["about walruses", "about penguins", *(f"about other animals {n}" for n in range(60))]
        _load(rig, store, [sample("a.md", texts)])
        hits = searched(store, vector_of("about penguins"), 3, text="walruses", mode="hybrid")
        assert {"about walruses", "about penguins"} <= {_plain(hit.excerpt) for hit in hits}
        assert len(hits) == 3
        with pytest.raises(SinkError, match="vector"):
            searched(store, None, text="walruses", mode="hybrid")

    def test_without_a_model_in_use_a_search_says_so(self, rig: Rig) -> None:
        """Fails: a search by vectors finds nothing where it can't, or fails without saying why."""
        store = rig.open()
        rig.publish(store, sample("a.md"))
        for _ in range(2):
            with pytest.raises(SinkError, match="embedder"):
                searched(store, vector_of("one"))
            vectors_of(store)


def _load(rig: Rig, store: Store, samples: Iterable[Sample], **values: Any) -> Any:
    """Publish documents with their vectors, and use the model."""
    vectors = vectors_of(store)
    for one in samples:
        put(vectors, (chunk.chunk_text for chunk in one.chunks))
        rig.publish(store, one, embedded=embedded(one), **values)
    vectors.use(MODEL)
    return vectors


def _plain(excerpt: str) -> str:
    return excerpt.replace("«", "").replace("»", "")
