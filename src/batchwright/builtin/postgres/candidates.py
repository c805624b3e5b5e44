"""The first stage of a search: the published records that may rank high, found by the index."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from batchwright.builtin.postgres.columns import kept
from batchwright.builtin.postgres.filters import said
from batchwright.builtin.postgres.names import Names
from batchwright.builtin.postgres.statistics import Frequencies, matching
from batchwright.builtin.postgres.tsquery import TsQueries, all_of, any_of, is_one
from batchwright.contracts.records import RecordType
from batchwright.sinkkit.filters import Condition
from batchwright.sinkkit.search.candidates import CUT, PLACES, TEXTS, Candidate
from batchwright.sinkkit.search.query import Query
from batchwright.sinkkit.searched import Searched
from batchwright.sinkkit.sql_tables import for_format

_MOST_TERMS = 16  # that candidates are ordered by
_MOST_READ = 30_000  # records with the words of a phrase, whose positions the server has to read
_MOST_COPIES = 5 * CUT  # records that are ordered where the first have few texts between them

# A CTE a tier; `||` makes a vector that is read once instead of for every term.
_TIER = """
    tier{number} AS MATERIALIZED (
        SELECT m._id, m.same, {score} AS score FROM (
            SELECT w._id, w.same, w._search || ''::tsvector AS found FROM (
                SELECT c._id, {same} AS same, c._search
                FROM {{records}} AS c
                JOIN {{documents}} AS d ON d.document_id = c._document_id
                WHERE c._search @@ {loose} AND ($1::text IS NULL OR d.collection = $1) AND {where}
                LIMIT {read}
            ) AS w
            {exact} LIMIT {cut}
        ) AS m
    )"""

_CANDIDATES = """
    WITH {tiers}, scored AS (
        SELECT s.*, max(s.score) OVER (PARTITION BY s.same) AS best FROM ({scored}) AS s
    ), placed AS (
        SELECT b.*, dense_rank() OVER (ORDER BY b.best DESC, b.same) AS place,
            row_number() OVER (PARTITION BY b.same ORDER BY b.score DESC, b._id) AS nth FROM scored AS b
    ), first AS (
        SELECT p.* FROM placed AS p WHERE p.place <= {texts}
        ORDER BY p.nth > 1, p.place, p.nth LIMIT {rows}
    )
    SELECT f.place, c._id::text, d.collection, {key}::text, {heading},
        CASE WHEN f.nth = 1 THEN {text} END, {line}::bigint, {page}::bigint,
        (SELECT count(*) FROM scored)
    FROM first AS f
    JOIN {{records}} AS c ON c._id = f._id
    JOIN {{documents}} AS d ON d.document_id = c._document_id
    ORDER BY f.place, f.nth"""


@dataclass(frozen=True, slots=True)
class _Tier:
    """Candidates that go before those of the next tier.

    Attributes:
        loose: What they match: the index alone can answer it.
        exact: What they match as well, where that is more.
    """

    loose: str
    exact: str | None


class Candidates:
    """Finds the candidates of one relation.

    Args:
        names: The relation.
        record_type: What its records are.
        tsqueries: How queries are said.
        conditions: What the records have to meet.

    Raises:
        SinkError: They have no text.
    """

    def __init__(
        self,
        names: Names,
        record_type: RecordType,
        tsqueries: TsQueries,
        conditions: Sequence[Condition] = (),
    ) -> None:
        self._names = names
        self._conditions = conditions
        self._tsqueries = tsqueries
        searched = Searched.of(record_type, kept)
        key, heading, text = map(for_format, searched.columns("c."))
        line, page = map(for_format, searched.places("c."))
        self._columns = {"key": key, "heading": heading, "text": text, "line": line, "page": page}
        # what is the same for records of the same text; a chunk's hash is the engine's
        self._same = f"md5({text})"
        if record_type.is_chunk and record_type.text_hash is not None:
            self._same = f"c.{for_format(kept(record_type.text_hash))}"

    def find(
        self,
        connection: psycopg.Connection[Any],
        query: Query,
        words: Sequence[str],
        texts: int,
        known: Frequencies,
        collection: str | None,
    ) -> Iterator[Candidate]:
        """Yield the candidates, the most promising first; those of one text stand together.

        Args:
            connection: In a transaction that uses the index.
            query: What was asked.
            words: The words of which they have one, where nothing is required.
            texts: Different texts that are wanted.
            known: How frequent the query's words are.
            collection: Only of this one; None for all.
        """
        begun = [*map(self._tsqueries.prefix, query.prefixes)]
        weights = {self._tsqueries.word(word): known.of[word] for word in query.words if known.of.get(word)}
        weights.update(matching(connection, self._names, begun))
        blocks = -(-texts // TEXTS)
        where, more = said(self._conditions, 3)
        values: list[Any] = [collection, max(CUT, 2 * blocks * TEXTS), *more]

        def given(tsquery: str) -> str:
            values.append(tsquery)
            return f"${len(values)}::tsquery"

        score = " + ".join(
            f"ts_rank(m.found, {given(term)}) * {_weight(weights[term], known.records):.6f}"
            for term in sorted(weights, key=weights.__getitem__)[:_MOST_TERMS]
        )
        wanted = [*map(self._tsqueries.word, words), *begun]
        tiers = [
            _TIER.format(
                number=number,
                score=score or "0",
                same=self._same,
                where=where,
                loose=given(tier.loose),
                read="$2::bigint" if tier.exact is None else f"greatest({_MOST_READ}, $2::bigint)",
                exact="" if tier.exact is None else f"WHERE w._search @@ {given(tier.exact)}",
                cut="$2::bigint" if not number else "($2::bigint - (SELECT count(*) FROM tier0))",
            )
            for number, tier in enumerate(self._tiers(query, wanted))
        ]
        template = _CANDIDATES.format(
            tiers=",".join(tiers),
            scored=" UNION ALL ".join(f"TABLE tier{number}" for number in range(len(tiers))),
            texts=blocks * TEXTS,
            rows=blocks * PLACES,
            **self._columns,
        )
        statement = self._names.statement(template)
        while True:
            bodies: dict[int, str] = {}
            rows = connection.execute(statement, values).fetchall()
            for place, identity, own, key, heading, text, line, page, _ in rows:
                body = bodies.setdefault(place, text)
                yield Candidate(identity, own, key, heading, body, line, page)
            ordered = rows[0][-1] if rows else 0
            if len(bodies) >= texts or ordered < values[1] or values[1] >= _MOST_COPIES:
                return
            values[1] = _MOST_COPIES

    def _tiers(self, query: Query, wanted: Sequence[str]) -> Iterator[_Tier]:
        """Yield what candidates match; of those that are required, the ones with rare words come first."""
        exact = [*map(self._tsqueries.clause, query.required)]
        loose = [*map(self._tsqueries.without_order, query.required)]
        exact += [f"!{self._tsqueries.clause(clause)}" for clause in query.excluded]
        loose += [f"!{self._tsqueries.clause(one)}" for one in query.excluded if is_one(one)]
        precisely = None if {*exact} == {*loose} else all_of(exact)
        rare = any_of(wanted)
        if wanted:
            yield _Tier(all_of([rare, *loose]), precisely)
        if query.required:
            yield _Tier(all_of([*loose, *([f"!{rare}"] if wanted else [])]), precisely)


def _weight(frequency: float, records: float) -> float:
    frequency = min(frequency, records)
    return math.log(1 + (records - frequency + 0.5) / (frequency + 0.5))
