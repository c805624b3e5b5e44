"""The first stage of a search: the published records that may rank high, found by the index."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg

from batchwright.builtin.postgres.names import Names
from batchwright.builtin.postgres.statistics import Frequencies
from batchwright.builtin.postgres.tsquery import TsQueries, all_of, any_of, is_one
from batchwright.sinkkit.search.candidates import CUT, rarest
from batchwright.sinkkit.search.query import Query
from batchwright.sinkkit.search.rank import MOST, Candidate
from batchwright.sinkkit.searched import Searched
from batchwright.sinkkit.sql_tables import for_format

PLANNING = (
    "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true), "
    "set_config('enable_mergejoin', 'off', true), set_config('jit', 'off', true), "
    "set_config('max_parallel_workers_per_gather', '0', true)"
)
"""Has the index used whatever the server knows of the tables, which may be nothing."""

_MOST_WORDS = 16  # that candidates are ordered by
_MOST_ROWS = 2_000  # of candidates: there may be many of one text
_MOST_READ = 30_000  # records with the words of a phrase, whose positions the server has to read

# A CTE a tier; `||` makes a vector that is read once instead of for every term.
_TIER = """
    tier{number} AS MATERIALIZED (
        SELECT m._id, m.same, {score} AS score FROM (
            SELECT w._id, w.same, w._search || ''::tsvector AS found FROM (
                SELECT c._id, {same} AS same, c._search
                FROM {{records}} AS c
                JOIN {{documents}} AS d ON d.document_id = c._document_id
                WHERE c._search @@ {loose} AND ($1::text IS NULL OR d.collection = $1)
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
        SELECT p.* FROM placed AS p WHERE p.place <= {texts} ORDER BY p.place, p.nth LIMIT {rows}
    )
    SELECT f.place, c._id::text, d.collection, {key}::text, {heading}, CASE WHEN f.nth = 1 THEN {text} END
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


def candidates(
    connection: psycopg.Connection[Any],
    names: Names,
    searched: Searched,
    same: str,
    query: Query,
    known: Frequencies,
    tsqueries: TsQueries,
    limit: int,
    collection: str | None,
) -> Iterator[Candidate]:
    """Yield the candidates, the most promising first; those of one text stand together.

    Args:
        connection: In a transaction with `PLANNING`.
        names: The relations.
        searched: The columns, of the records' table `c`.
        same: The expression of what is the same for records of the same text.
        query: What was asked.
        known: How frequent its words are, and its prefixes.
        tsqueries: How that is said.
        limit: Hits, at most.
        collection: Only of this one; None for all.
    """
    asked = {name: text for name, text in tsqueries.asked(query).items() if known.of.get(name)}
    if not asked:
        return
    values = [collection]

    def given(tsquery: str) -> str:
        values.append(tsquery)
        return f"${len(values)}::tsquery"

    ranking = sorted(asked, key=known.of.__getitem__)[:_MOST_WORDS]
    score = " + ".join(
        f"ts_rank(m.found, {given(asked[name])}) * {_weight(known.of[name], known.records):.6f}"
        for name in ranking
    )
    tiers = [
        _TIER.format(
            number=number,
            score=score,
            same=for_format(same),
            loose=given(tier.loose),
            read=CUT if tier.exact is None else _MOST_READ,
            exact="" if tier.exact is None else f"WHERE w._search @@ {given(tier.exact)}",
            cut=CUT if number == 0 else f"({CUT} - (SELECT count(*) FROM tier0))",
        )
        for number, tier in enumerate(_tiers(query, known.of, tsqueries))
    ]
    key, heading, text = map(for_format, searched.columns("c."))
    statement = _CANDIDATES.format(
        tiers=",".join(tiers),
        scored=" UNION ALL ".join(f"SELECT * FROM tier{number}" for number in range(len(tiers))),
        texts=max(MOST, limit),
        rows=_MOST_ROWS,
        key=key,
        heading=heading,
        text=text,
    )
    texts: dict[int, str] = {}
    for place, identity, own, document, above, body in connection.execute(names.statement(statement), values):
        yield Candidate(identity, own, document, above, texts.setdefault(place, body))


def _tiers(query: Query, of: Mapping[str, float], tsqueries: TsQueries) -> Iterator[_Tier]:
    """Yield what candidates match: the rarest words first, so that what is cut has none of them."""
    exact = [*map(tsqueries.condition, query.required)]
    loose = [*map(tsqueries.without_order, query.required)]
    exact += [f"!{tsqueries.condition(condition)}" for condition in query.excluded]
    loose += [f"!{tsqueries.condition(condition)}" for condition in query.excluded if is_one(condition)]
    in_order = {*exact} != {*loose}
    asked = tsqueries.asked(query)
    chosen = [*rarest(query, of), *(name for name in tsqueries.prefixes(query) if of.get(name))]
    few, records = list[str](), 0.0
    for name in sorted(chosen, key=of.__getitem__):
        records += of[name]
        if records > CUT and few:
            break
        few.append(name)
    wanted: list[list[str]] = []  # one of the words, or any
    if not query.required:
        wanted = [few] if len(few) == len(chosen) else [few, chosen]
    elif min((of.get(name, 0) for one in query.required for name in tsqueries.of(one)), default=0) <= CUT:
        wanted = [[]]
    else:
        wanted = [few, []]
    before: list[str] = []
    for some in wanted:
        one = [any_of(asked[name] for name in some)] if some else []
        yield _Tier(all_of([*one, *loose, *before]), all_of(exact) if in_order else None)
        before = [f"!{part}" for part in one]


def _weight(frequency: float, records: float) -> float:
    frequency = min(frequency, records)
    return math.log(1 + (records - frequency + 0.5) / (frequency + 0.5))
