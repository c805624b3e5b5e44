"""Search what was loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from batchwright.contracts.search import SearchHit, SearchMode
from batchwright.contracts.vectors import StoredModel, Vector
from batchwright.operations.asked_vector import used_of
from batchwright.operations.target import OpenTarget
from batchwright.sinkkit.search.query import Query

_WORDS_ONLY = "phrases, beginnings* and -words count for words only: what vectors find need not meet them"


def notes(
    target: OpenTarget, text: str, collection: str | None = None, mode: SearchMode = "text"
) -> list[str]:
    """Return what to know of a search: how it was understood, and how the indexes are. Raises as `search`."""
    said: dict[str, None] = {}
    if mode != "text":
        query = Query.parse(text)
        said.update({_WORDS_ONLY: None} if query.required or query.excluded else {})
    for relation in target.about(collection) if mode != "vector" else ():
        if relation.record_type.text is not None:
            said.update(dict.fromkeys(relation.search_notes(text)))
    return list(said)


def search(
    target: OpenTarget,
    text: str,
    limit: int,
    collection: str | None = None,
    *,
    mode: SearchMode = "text",
    vector_of: Callable[[StoredModel], Vector] | None = None,
    where: Mapping[str, Any] | None = None,
) -> list[SearchHit] | None:
    """Return the best results, the best first; None where nothing is loaded.

    Of several relations those are searched whose records have a text.

    Args:
        target: Where.
        text: What to look for.
        limit: Results, at most.
        collection: Only of this one; None for the one that the settings name, if any.
        mode: By words, vectors, or both.
        vector_of: Returns the vector of what is searched for, by a model; needed but for words.
        where: Only records with these values.

    Raises:
        ConfigError: They hold records of several types, or `where` names what they don't have.
        SinkError: The target can't search, or not so.
    """
    relations = [*target.about(collection)]
    if len(relations) > 1:
        with_text = [relation for relation in relations if relation.record_type.text is not None]
        relations = target.of_one_type("search", with_text or relations)
    hits: list[SearchHit] = []
    for relation in relations:
        asked: dict[str, Any] = {"where": where} if where else {}
        if mode != "text" and vector_of is not None:
            asked.update(mode=mode, vector=vector_of(used_of(relation.models())))
        hits += relation.search(text, limit, collection or relation.collection, **asked)
    if len(relations) > 1:
        hits = sorted(hits, key=lambda hit: hit.score, reverse=True)[:limit]
    if hits or any(relation.holds(one.name) for relation in relations for one in relation.collections()):
        return hits
    return None
