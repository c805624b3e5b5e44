"""A folder that can't be listed comes behind names that sort behind its own; ranges of names allow for it."""

from __future__ import annotations

from batchwright.contracts.receipts import DocumentVersion, KnownDocument
from batchwright.engine.reading.pairs import pair
from batchwright.engine.reading.partitions import DOCUMENTS, cut
from batchwright.items import Item


def test_a_range_that_ends_with_a_closed_folder_holds_the_names_before_it() -> None:
    known = KnownDocument(DocumentVersion("a.md", "id", "hash", "settings", 10, 1), 0, "then")
    first_ones = [Item(f"a-{number:04}.md", "", 10) for number in range(DOCUMENTS - 3)]
    here = [*first_ones, Item("a.md", "", 10), Item("a", "", error="no"), Item("z.md", "", 10)]
    first, second = cut(pair(here, [known]), 1_000_000)
    assert [found.key for found in second.found] == ["z.md"]
    assert first.until == second.after == "a.md"
