"""How many records hold a term: what makes a word of a query count for more or for less.

A sample of the records, taken when a run ends, tells it of the more frequent terms. The rest are counted when
they are asked for, which takes the less the fewer records there are. So a search works before any run has
ended, and without rights to sample anything.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from batchwright.builtin.postgres.names import Names

SAMPLED = 40 * 1024 * 1024
"""Bytes of the records' table that are looked at, at most; some 25,000 chunks, 0.4 s."""

SMALL = 256 * 1024
"""Bytes of a table so small that its terms are counted when they are asked for."""

CHANGED = 0.1
"""The part of its size by which a table has to grow until it is sampled anew."""

COUNTED = 5_000
"""Records that are counted when a term is asked for, at most."""

_FREQUENT = 200  # records with a term, from which on it is stored
_SEEN = 10  # times that a term is met in the sample, at least: fewer say little
_FIRST = 1_000  # records that say how long they are, where the table is small or no run has ended
_MOST_UNSAMPLED = 50_000  # records that are counted, where no run has ended
_MOST_COUNTED = 256  # terms of a query
_MOST_COUNTED_UNSAMPLED = 32  # where even the most frequent ones have to be counted, among so many records

_KEY = "search_statistics"

PLANNING = (
    "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true), "
    "set_config('enable_mergejoin', 'off', true), set_config('jit', 'off', true), "
    "set_config('max_parallel_workers_per_gather', '0', true)"
)
"""Has a transaction use the index, whatever the server knows of the tables, which may be nothing."""

_LIMITS = "SELECT set_config('statement_timeout', '20s', true), set_config('lock_timeout', '1s', true)"
_SIZE = """
    SELECT pg_relation_size(c.oid), pg_has_role(c.relowner, 'USAGE')
    FROM pg_catalog.pg_class AS c WHERE c.oid = $1::regclass"""
_KEPT = "SELECT value FROM {meta} WHERE key = $1"
_ALONE = "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 1))"
_FILL = """
    WITH found AS MATERIALIZED (SELECT word, ndoc, nentry FROM ts_stat({query})), stored AS (
        INSERT INTO {terms} (term, records)
        SELECT word, round(ndoc / {part})::bigint FROM found WHERE ndoc >= {least}
    )
    SELECT coalesce(sum(nentry), 0)::double precision FROM found"""
_KEEP = """
    INSERT INTO {meta} AS m (key, value) VALUES ($1, $2)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value"""
_KNOWN = """
    SELECT term, records::double precision, NULL::double precision FROM {terms} WHERE term = ANY ($1::text[])
    UNION ALL SELECT '', (m.value::json ->> 'records')::double precision,
        (m.value::json ->> 'average')::double precision
    FROM {meta} AS m WHERE m.key = $2 AND (m.value::json ->> 'records') IS NOT NULL"""
_COUNT = """
    SELECT q.query, found.records FROM unnest($1::text[]) AS q (query),
    LATERAL (
        SELECT count(*) AS records FROM (
            SELECT FROM {records} AS c WHERE c._search @@ q.query::tsquery LIMIT $2
        ) AS few
    ) AS found"""
_ALL = "SELECT count(*) FROM (SELECT FROM {records} LIMIT $1) AS few"
_AVERAGE = "SELECT coalesce(sum(nentry), 0)::double precision FROM ts_stat({query})"

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Frequencies:
    """How frequent what a query asks for is.

    Attributes:
        records: How many records there are, about.
        average: Terms of a record, on average.
        of: How many records have each of what was asked for.
    """

    records: float
    average: float
    of: dict[str, float]


def refresh(connection: Connection, names: Names, *, anew: bool = False) -> None:
    """Sample the records, if they have become more, and have the index take in what it has put off.

    Args:
        connection: In a transaction.
        names: The relation.
        anew: Whether to do so in any case.

    Raises:
        psycopg.Error: Among others, the role may not do that.
    """
    connection.execute(_LIMITS)
    records = names.qualified("records")
    ((size, is_owner),) = connection.execute(_SIZE, [records]).fetchall()
    found = connection.execute(names.statement(_KEPT), [_KEY]).fetchall()
    before = json.loads(found[0][0])["bytes"] if found else 0
    if abs(size - before) <= CHANGED * before and not anew:
        return
    ((is_alone,),) = connection.execute(_ALONE, [records]).fetchall()
    if not is_alone:
        return
    kept = {"bytes": size}
    if size > SMALL:
        kept.update(_sample(connection, names, min(1.0, SAMPLED / size)))
    if is_owner:
        connection.execute("SELECT gin_clean_pending_list($1::regclass)", [names.qualified_index])
    connection.execute(names.statement(_KEEP), [_KEY, json.dumps(kept)])


def _sample(connection: Connection, names: Names, part: float) -> dict[str, float]:
    """Store how frequent the more frequent terms are; return what `Frequencies` has of all records."""
    sample = "" if part == 1.0 else f" TABLESAMPLE SYSTEM ({100 * part:.6f}) REPEATABLE (1)"
    records = names.qualified("records")
    ((sampled,),) = connection.execute(f"SELECT count(*) FROM {records}{sample}".encode()).fetchall()  # noqa: S608
    values = {
        "query": sql.Literal(f"SELECT _search FROM {records}{sample}"),  # noqa: S608
        "part": sql.Literal(part),
        "least": sql.Literal(max(_SEEN, round(part * _FREQUENT))),
    }
    connection.execute(names.statement("DELETE FROM {terms}"))
    ((entries,),) = connection.execute(names.statement(_FILL, **values)).fetchall()
    return {"records": round(sampled / part), "average": entries / max(sampled, 1)}


def frequencies(
    connection: Connection, names: Names, terms: Mapping[str, str], queries: Mapping[str, str]
) -> Frequencies:
    """Return how frequent the words of a query are.

    Args:
        connection: In a transaction that uses the index.
        names: The relation.
        terms: The words, each as the search column has it.
        queries: The tsquery of each.
    """
    rows = connection.execute(names.statement(_KNOWN), [list(terms.values()), _KEY]).fetchall()
    there = {term: records for term, records, _ in rows if term}
    of = {word: there[term] for word, term in terms.items() if term in there}
    known = next(((records, average) for term, records, average in rows if not term), None)
    records, average = known or _counted(connection, names)
    most = _MOST_COUNTED_UNSAMPLED if known is None and records >= _MOST_UNSAMPLED else _MOST_COUNTED
    lacking = [word for word in terms if word not in of][:most]
    counted = matching(connection, names, [queries[word] for word in lacking])
    of.update({word: counted[queries[word]] for word in lacking})
    return Frequencies(max(records, *of.values(), 1.0), average, of)


def matching(connection: Connection, names: Names, queries: Sequence[str]) -> dict[str, float]:
    """Return how many records match each tsquery, up to `COUNTED`."""
    if not queries:
        return {}
    return dict(connection.execute(names.statement(_COUNT), [list(queries), COUNTED]).fetchall())


def _counted(connection: Connection, names: Names) -> tuple[float, float]:
    """Return how many records there are, and how many terms the first have on average."""
    ((records,),) = connection.execute(names.statement(_ALL), [_MOST_UNSAMPLED]).fetchall()
    first = f"SELECT _search FROM {names.qualified('records')} LIMIT {_FIRST}"  # noqa: S608 - our own names
    ((entries,),) = connection.execute(names.statement(_AVERAGE, query=sql.Literal(first))).fetchall()
    return float(records), entries / max(min(records, _FIRST), 1)
