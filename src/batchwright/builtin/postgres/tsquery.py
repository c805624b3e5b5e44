"""A query, or parts of it, as Postgres has them: tsquery as text."""

from __future__ import annotations

from collections.abc import Iterable

from batchwright.builtin.postgres.narrow import ServerEncoding
from batchwright.builtin.postgres.search_column import held
from batchwright.sinkkit.search.query import Clause


class TsQueries:
    """Makes tsqueries for one database.

    Args:
        encoding: The database's encoding.
    """

    def __init__(self, encoding: ServerEncoding) -> None:
        self._encoding = encoding

    def held(self, word: str) -> str:
        """Return a term as the search column has it."""
        return held(self._encoding, word)

    def word(self, word: str) -> str:
        """Return the query for a term."""
        return _quoted(self.held(word))

    def prefix(self, prefix: str) -> str:
        """Return the query for terms that begin so."""
        return f"{self.word(prefix)}:*"

    def clause(self, clause: Clause) -> str:
        """Return the query for what a record must have, or must not have."""
        words = [*map(self.word, clause.words)]
        if clause.prefix and words:
            words[-1] += ":*"
        phrase = [words[0]] if len(words) == 1 else [f"({' <-> '.join(words)})"] if words else []
        return all_of([*phrase, *map(self.word, clause.identifiers)])

    def without_order(self, clause: Clause) -> str:
        """Return the query for the same terms wherever they stand, which the index alone can answer."""
        words = [*map(self.word, clause.words)]
        if clause.prefix and words:
            words[-1] += ":*"
        return all_of([*words, *map(self.word, clause.identifiers)])


def is_one(clause: Clause) -> bool:
    """Tell whether it is about one term only, so that there is no order to look at."""
    return len(clause.words) + len(clause.identifiers) == 1


def any_of(queries: Iterable[str]) -> str:
    """Return the query that one of them matches."""
    return f"({' | '.join(queries)})"


def all_of(queries: Iterable[str]) -> str:
    """Return the query that all of them match."""
    return f"({' & '.join(queries)})"


def _quoted(term: str) -> str:
    doubled = term.replace("\\", "\\\\").replace("'", "''")
    return f"'{doubled}'"
