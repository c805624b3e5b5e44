"""Searching what is published."""

from __future__ import annotations

import dataclasses

import pytest

from batchwright.contracts.receipts import Publication
from batchwright.errors import SinkError
from tests.integration.postgres.examples import chunks_of, publish, query, store_at, version, write


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
        assert "«penguin» walks" in hits[1].excerpt
        assert (hits[0].key, hits[0].context_header) == ("a.md", "h")
        assert [hit.id for hit in store.search("penguin", limit=1)] == [often.id]
        assert store.search("walrus") == []


def test_full_text_knows_word_forms_phrases_and_exclusion(postgres_url: str) -> None:
    with store_at(postgres_url) as store:
        publish(store, version("a.md", chunks=1), "the runner was running fast")
        publish(store, version("b.md", chunks=1), "fast was the run")
        assert len(store.search("runs")) == 2
        assert [hit.key for hit in store.search('"running fast"')] == ["a.md"]
        assert [hit.key for hit in store.search("run -runner")] == ["b.md"]
        assert store.search("the") == []


def test_without_full_text_wildcards_are_letters(postgres_url: str) -> None:
    with store_at(postgres_url, full_text=False) as store:
        publish(store, version("a.md", chunks=1), "100% of a_b\\c")
        publish(store, version("b.md", chunks=1), "100 of axb/c")
        for text in ("100%", "A_B", "b\\C"):
            assert [hit.key for hit in store.search(text)] == ["a.md"], text


@pytest.mark.parametrize("text", ["", "  \n", "a\0"])
def test_an_empty_query_is_refused(postgres_url: str, text: str) -> None:
    with store_at(postgres_url) as store, pytest.raises(SinkError, match="nothing to search for"):
        store.search(text)


def test_a_text_of_any_length_and_wording_can_be_stored(postgres_url: str) -> None:
    document = version(chunks=3)
    words = " ".join(
        f"{chr(0x10400 + n % 80)}{chr(0x10400 + n // 80 % 80)}-{chr(0x20000 + n)}" for n in range(40_000)
    )
    texts = [words, "x" * 1_500_000, "a-" * 700_000]
    chunks = [
        dataclasses.replace(chunk, chunk_text=text, context_header=words)
        for chunk, text in zip(chunks_of(document), texts, strict=True)
    ]
    with store_at(postgres_url) as store:
        write(store, chunks, publications=(Publication(document),))
    lengths = query(postgres_url, "SELECT length(chunk_text) FROM knowledge_base ORDER BY id")
    assert [length for (length,) in lengths] == [len(text) for text in texts]
