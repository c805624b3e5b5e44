"""Search what was loaded."""

from __future__ import annotations

from batchwright.contracts.sink import SearchHit
from batchwright.operations.target import Target


def notes(target: Target, text: str, collection: str | None = None) -> list[str]:
    """Return what to know of a search: how it was understood, and how the indexes are. Raises as `search`."""
    said: dict[str, None] = {}
    for relation in target.about(collection):
        if relation.record_type.text is not None:
            said.update(dict.fromkeys(relation.search_notes(text)))
    return list(said)


def search(target: Target, text: str, limit: int, collection: str | None = None) -> list[SearchHit] | None:
    """Return the best results, the best first; None where nothing is loaded.

    Of several relations those are searched whose records have a text.

    Args:
        target: Where.
        text: What to look for.
        limit: Results, at most.
        collection: Only of this one; None for the one that the settings name, if any.

    Raises:
        ConfigError: They hold records of several types.
        SinkError: The target can't search.
    """
    relations = [*target.about(collection)]
    if len(relations) > 1:
        with_text = [relation for relation in relations if relation.record_type.text is not None]
        relations = target.of_one_type("search", with_text or relations)
    hits = [
        hit
        for relation in relations
        for hit in relation.search(text, limit, collection or relation.collection)
    ]
    if len(relations) > 1:
        hits = sorted(hits, key=lambda hit: hit.score, reverse=True)[:limit]
    if hits or any(relation.holds(one.name) for relation in relations for one in relation.collections()):
        return hits
    return None
