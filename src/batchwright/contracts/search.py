"""Searching what a store has published: a capability that a store inherits, and what it returns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from batchwright.contracts.vectors import Vector
from batchwright.errors import SinkError
from batchwright.values import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """Where a text stands.

    Attributes:
        collection: The collection of its document.
        key: Its document.
        line: The first line of it there, from 1; None where that isn't known.
        page: The page on which it begins there, from 1; None where there are none.
    """

    collection: str
    key: str
    line: int | None = None
    page: int | None = None


Marks = tuple[tuple[int, int], ...]
"""Where matches in a text begin and end, in characters."""


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One result of a search: a published record.

    Attributes:
        id: The record's id.
        collection: The collection of its document.
        key: Its document.
        context_header: Its heading, for a chunk its place in the document; may be empty.
        excerpt: Some words around the match.
        score: Higher is better; comparable within one answer only.
        marks: The matches in the excerpt: where each begins, and where it ends, in characters.
        line: The first line of the record in its document, from 1; None where that isn't known.
        page: The page on which it begins there, from 1; None where there are none.
        places: Other places of the same text, where the sink finds them.
        cover: Which part of the words that were searched for it has, from 0 to 1; rare words count more.
        relation: The published relation of the target that it was found in, where that has a name; a store
            knows one relation only, and leaves it out.
    """

    id: str
    collection: str
    key: str
    context_header: str
    excerpt: str
    score: float
    marks: Marks = ()
    line: int | None = None
    page: int | None = None
    places: tuple[Place, ...] = ()
    cover: float = 1.0
    relation: str | None = None


SearchMode = Literal["text", "vector", "hybrid"]
"""How records are found: by the words of their text, by the nearness of their vectors, or by both."""


class Searchable(ABC):
    """A capability of a store: its published records can be searched, where their type has a text."""

    @abstractmethod
    def search(
        self,
        text: str,
        limit: int = 10,
        *,
        collection: str | None = None,
        vector: Vector | None = None,
        mode: SearchMode = "text",
        where: Mapping[str, Any] | None = None,
    ) -> Sequence[SearchHit]:
        """Search the published records, best first; those of one collection, or all.

        Args:
            text: The words; not looked at where only vectors are searched.
            limit: Results, at most.
            collection: Only of this one.
            vector: What is near to the results, by the model in use; needed unless only words are searched.
            mode: How they are found.
            where: Only records of which fields have these values; for chunks also keys of their metadata,
                where a list has the value if it is one of its items. A value may be given as text.

        Raises:
            ConfigError: `where` names what the records don't have, or a value is none of its field.
            SinkError: There is nothing to search for, or the record type has no text, or the store doesn't
                search in this way, or has no vectors of a model in use.
        """

    def notes(self, text: str) -> Sequence[str]:
        """Return what a person should know of a search for the text, in sentences.

        What was understood otherwise than one may expect, or that an index can't be used, and why.
        """
        return ()

    def reindex(self) -> Iterator[int]:
        """Make the index of the texts anew from the stored rows, a bounded transaction a step.

        Yields how many records each step did. A call after one that broke off goes on from there.
        The leases of all collections are held meanwhile.

        Raises:
            SinkError: There is no index to make.
        """
        raise SinkError("this sink has no full-text index; it searches by letter")
