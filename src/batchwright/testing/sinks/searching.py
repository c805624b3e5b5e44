"""Checks: what a search finds. Skipped where the store isn't `Searchable`."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

from collections.abc import Sequence

import pytest

from batchwright.contracts.search import Searchable, SearchHit
from batchwright.contracts.sink import Store
from batchwright.testing.records import sample
from batchwright.testing.sinks.rig import Rig, SinkChecks


class SearchChecks(SinkChecks):
    """Words that stand in one record only, so that any way of ranking must find it."""

    def test_a_published_record_is_found_by_a_word(self, rig: Rig) -> None:
        """Fails: a hit's id or key is wrong, a word isn't found, or `limit` is ignored."""
        store, one = rig.open(), sample("a.md", ["about walruses", "about penguins", "about penguins again"])
        rig.publish(store, one, sample("b.md"))
        [hit] = _search(store, "walruses")
        assert (hit.id, hit.key) == (one.chunks[0].id, "a.md")
        assert "walruses" in hit.excerpt, "the excerpt doesn't show the word"
        assert len(_search(store, "penguins")) == 2
        assert len(_search(store, "penguins", limit=1)) == 1, "`limit` is ignored"

    def test_a_hit_says_where_its_text_begins(self, rig: Rig) -> None:
        """Fails: a chunk's line or page, by which people cite it, doesn't come with its hit."""
        store = rig.open()
        rig.publish(store, sample("a.md", ["about walruses"], line=12, page=3), sample("b.md", ["penguins"]))
        found = [(hit.line, hit.page) for hit in (*_search(store, "walruses"), *_search(store, "penguins"))]
        assert found == [(12, 3), (None, None)]

    def test_only_what_is_published_is_found(self, rig: Rig) -> None:
        """Fails: rows of a version that isn't visible yet, or no more, are found."""
        store = rig.open()
        old, new = sample("a.md", ["walruses"]), sample("a.md", ["penguins", "puffins"], content="2")
        rig.publish(store, old)
        rig.write(store, new.chunks[:1], begun=(new.version,))
        assert not _search(store, "penguins"), "found before its document was published"
        rig.write(store, new.chunks[1:], publications=(new.publication(),))
        assert not _search(store, "walruses"), "found after its version was replaced"
        assert len(_search(store, "puffins")) == 1


def _search(store: Store, text: str, limit: int = 10) -> Sequence[SearchHit]:
    if not isinstance(store, Searchable):
        pytest.skip("the store is not Searchable")
    return store.search(text, limit)
