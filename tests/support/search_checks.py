"""Searching the texts of a store that has no index for that."""

from __future__ import annotations

from batchwright.contracts.receipts import Receipt
from batchwright.contracts.search import Searchable
from batchwright.contracts.sink import Store
from batchwright.model import Batch
from batchwright.testing.records import sample
from tests.support.marks import marked


def check_search(store: Store) -> None:
    """Check that headings count more than texts, that case counts nothing, and what an excerpt marks."""
    assert isinstance(store, Searchable)
    garden = sample("a.md", ["Sow PEAS in March."], context_header="Garden")
    peas = sample("b.md", ["How to cook them."], context_header="Peas")
    publications = (garden.publication(), peas.publication())
    receipt = Receipt("1", "run", "kit", publications=publications)
    store.write(Batch([*garden.chunks, *peas.chunks], 0), receipt)
    assert [hit.key for hit in store.search("peas")] == ["b.md", "a.md"]
    [hit] = store.search("MARCH peas")
    assert "«PEAS»" in marked(hit)
    assert not list(store.search("  "))
    assert not list(store.search("%"))
