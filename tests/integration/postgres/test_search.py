"""Searching what is published."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import pytest

from batchwright.builtin.postgres.store import PostgresStore
from batchwright.contracts.receipts import Publication
from batchwright.model import Batch, ProcessedChunk
from tests.integration.postgres.examples import (
    chunks_of,
    publish,
    query,
    receipt,
    store_at,
    version,
    write,
)
from tests.support.marks import marked


@pytest.mark.parametrize("full_text", [True, False])
def test_published_chunks_are_found_ranked_and_excerpted(postgres_url: str, full_text: bool) -> None:
    with store_at(postgres_url, full_text=full_text) as store:
        document = version()
        one, often, none = (
            dataclasses.replace(chunk, chunk_text=text, context_header="h")
            for chunk, text in zip(
                chunks_of(document),
                ["A penguin walks in.", "Penguin, penguin and penguin.", "Nobody here."],
                strict=True,
            )
        )
        write(store, [one, often, none], publications=(Publication(document),))
        write(store, chunks_of(version("hidden.md"), "penguin penguin"), begun=(version("hidden.md"),))
        hits = store.search("penguin")
        assert [hit.id for hit in hits] == [often.id, one.id]
        assert hits[0].score > hits[1].score > 0
        assert marked(hits[1]).startswith("A «penguin» walks")
        assert (hits[0].key, hits[0].context_header) == ("a.md", "h")
        assert [hit.id for hit in store.search("penguin", limit=1)] == [often.id]
        assert store.search("walrus") == []


def test_phrases_beginnings_and_exclusion_are_understood(postgres_url: str) -> None:
    with store_at(postgres_url) as store:
        publish(store, version("a.md", chunks=1), "the runner was running fast")
        publish(store, version("b.md", chunks=1), "fast was the run")
        assert len(store.search("run*")) == 2
        assert [hit.key for hit in store.search('"running fast"')] == ["a.md"]
        assert [hit.key for hit in store.search("fast -runner")] == ["b.md"]
        assert len(store.search("the")) == 2


def test_a_phrase_does_not_go_on_from_the_heading_to_the_text(postgres_url: str) -> None:
    with store_at(postgres_url) as store:
        _load(store, ["penguins swim"], heading="About")
        assert store.search('"about penguins"') == []
        assert [hit.key for hit in store.search("about penguins")] == ["many.md"]


@pytest.mark.parametrize("full_text", [True, False])
def test_wildcards_are_letters_where_no_word_is_found(postgres_url: str, full_text: bool) -> None:
    with store_at(postgres_url, full_text=full_text) as store:
        publish(store, version("a.md", chunks=1), "100% of xa_b\\cx and ÉCLAIRS")
        publish(store, version("b.md", chunks=1), "100 of xaxb/cx")
        for text in ("lair", "éclair", *(() if full_text else ("A_B\\C", "100%"))):
            assert [hit.key for hit in store.search(text)] == ["a.md"], text


@pytest.mark.parametrize("full_text", [True, False])
@pytest.mark.parametrize("text", ["", "  \n", "%", "\0", "\ud800"])
def test_nothing_to_look_for_finds_nothing(postgres_url: str, text: str, full_text: bool) -> None:
    with store_at(postgres_url, full_text=full_text) as store:
        publish(store, version("a.md", chunks=1))
        assert list(store.search(text)) == []
        store.notes(text)


def test_the_same_text_in_many_documents_is_one_hit_with_its_places(postgres_url: str) -> None:
    with store_at(postgres_url) as store:
        for number in range(20):
            document = version(f"{number:02}.md", chunks=1)
            chunks = chunks_of(document, "a penguin", line=7, page=3)
            write(store, chunks, publications=(Publication(document),))
        publish(store, version("other.md", chunks=1), "a penguin and others")
        hits = store.search("penguin")
        assert len(hits) == 2
        [same] = [hit for hit in hits if hit.places]
        assert {same.key, *(place.key for place in same.places)} == {f"{n:02}.md" for n in range(20)}
        assert (same.line, same.page) == (7, 3)
        assert {(place.line, place.page) for place in same.places} == {(7, 3)}


def test_rare_words_are_found_among_any_number_of_records_with_frequent_ones(postgres_url: str) -> None:
    texts = [f"common filler number {number}" for number in range(9_000)]
    texts[4_567] = "one zebra is common"
    texts[8_910] = "common words, filler the zebra"
    with store_at(postgres_url) as store:
        _load(store, texts)
        for asked in ("common zebra", "filler zebra common", 'zebra "common filler"', "-x common zebra"):
            assert "zebra" in store.search(asked)[0].excerpt or '"' in asked, asked
        assert len(store.search("common", limit=100)) == 100
        assert {hit.excerpt for hit in store.search('common "the zebra"')} == {texts[8_910]}
        assert [hit.excerpt for hit in store.search("common -filler")] == [texts[4_567]]


def test_a_small_collection_is_found_beside_a_large_one(postgres_url: str) -> None:
    with store_at(postgres_url) as store:
        _load(store, [f"common number {number}" for number in range(6_000)])
        write(
            store,
            chunks_of(version("mine.md", chunks=1), "common"),
            publications=(Publication(version("mine.md", chunks=1)),),
            collection="mine",
        )
        assert [hit.key for hit in store.search("common", collection="mine")] == ["mine.md"]
        assert store.search("common", collection="nobody's") == []


def test_what_a_rerun_changes_in_place_is_found_as_it_is_now(postgres_url: str) -> None:
    document = version(chunks=2)
    with store_at(postgres_url) as store:
        write(store, chunks_of(document, "penguin")[:1], begun=(document,))
        write(
            store,
            chunks_of(document, "walrus"),
            continued=(document.document_id,),
            publications=(Publication(document),),
        )
        assert store.search("penguin") == []
        assert len(store.search("walrus")) == 2


def test_a_text_of_any_length_and_wording_can_be_stored(postgres_url: str) -> None:
    document = version(chunks=5)
    words = " ".join(
        f"{chr(0x10400 + n % 80)}{chr(0x10400 + n // 80 % 80)}-{chr(0x20000 + n)}" for n in range(40_000)
    )
    texts = [
        words,
        "x" * 1_500_000,
        "a-" * 700_000,
        "the " * 400_000,
        "".join(map(chr, range(0x4E00, 0x9FFF))) * 9,
    ]
    chunks = [
        dataclasses.replace(chunk, chunk_text=text, context_header=words)
        for chunk, text in zip(chunks_of(document), texts, strict=True)
    ]
    with store_at(postgres_url) as store:
        write(store, chunks, publications=(Publication(document),))
        assert store.search("the")[0].id == chunks[3].id
    lengths = query(postgres_url, "SELECT length(chunk_text) FROM knowledge_base ORDER BY id")
    assert [length for (length,) in lengths] == [len(text) for text in texts]


def _load(store: PostgresStore, texts: Sequence[str], heading: str = "") -> None:
    """Publish a document whose chunks have the texts, all below one heading."""
    document = version("many.md", chunks=len(texts))
    chunks: list[ProcessedChunk] = [
        dataclasses.replace(chunk, chunk_text=text, context_header=heading)
        for chunk, text in zip(chunks_of(document), texts, strict=True)
    ]
    store.write(Batch(chunks, 0), receipt(chunks, publications=(Publication(document),)))
