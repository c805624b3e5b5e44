"""A folder that can't be listed comes behind names that sort behind its own; ranges of names allow for it."""

from __future__ import annotations

from batchwright.contracts.receipts import DocumentVersion, KnownDocument
from batchwright.documents import Found
from batchwright.engine.reading.changes import pair
from batchwright.engine.reading.partitions import cut


def test_a_range_that_ends_with_a_closed_folder_holds_the_names_before_it() -> None:
    known = KnownDocument(DocumentVersion("a.md", "id", "hash", "settings", 10, 1), 0, "then")
    here = [Found("a.md", "a.md", 10), Found("a", "a", error="no"), Found("z.md", "z.md", 10)]
    for size in (1, 10, 11):
        first, *others = cut(pair(here, [known]), size)
        assert "a.md" in (first.before or {})
        assert all(partition.after >= "a.md" for partition in others)
