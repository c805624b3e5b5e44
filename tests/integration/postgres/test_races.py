"""Two writers at the same time leave what the two would have left one after the other.

Each race is run with one writer held up inside its transaction, by a lock that a third session has on one of
the tables, and then many times with nobody held up.
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest

from batchwright.builtin.postgres.store import PostgresStore
from batchwright.builtin.postgres.writing import COPY_FROM_ROWS
from batchwright.contracts.receipts import Receipt
from batchwright.errors import IncompleteDocument
from batchwright.model import Batch, ProcessedChunk
from batchwright.testing.records import Sample, reject, sample
from tests.integration.postgres.examples import store_at
from tests.support.postgres_locks import Session, held, waiting

TABLES = ("collections", "records", "documents", "pending", "rejects")
SMALL, LARGE = 6, COPY_FROM_ROWS + 20
ROUNDS = 12

Write = tuple[Sequence[ProcessedChunk], dict[str, Any]]


@dataclass(frozen=True)
class Race:
    """What there is, and what two writers then do: each write is its rows and its receipt's fields."""

    before: Sequence[Write]
    one: Write
    other: Write


def discard_beside_publication(size: int) -> Race:
    late = sample("a.md", size)
    return Race(
        [(late.chunks[:2], {"begun": (late.version,)})],
        (late.chunks[2:], {"publications": (late.publication(),)}),
        ((), {"discarded": (late.id,)}),
    )


def discard_beside_publication_of_all_rows(size: int) -> Race:
    late = sample("a.md", size)
    return Race(
        [(late.chunks[:2], {"begun": (late.version,)})],
        (late.chunks, {"publications": (late.publication(),)}),
        ((), {"discarded": (late.id,)}),
    )


def two_replacements(size: int) -> Race:
    first, one, other = (sample("a.md", size, content=content) for content in "123")
    return Race([whole(first)], whole(one), whole(other))


def two_new_documents_of_one_key(size: int) -> Race:
    one, other = (sample("a.md", size, content=content) for content in "12")
    return Race([whole(sample("b.md", 2))], whole(one), whole(other))


def one_version_twice(size: int) -> Race:
    one = sample("a.md", size)
    return Race([], whole(one), whole(one))


def two_new_collections(size: int) -> Race:
    ours, theirs = (sample("a.md", size, collection=name) for name in ("kit", "other"))
    chunks, fields = whole(theirs)
    return Race([], whole(ours), (chunks, {**fields, "collection": "other"}))


def two_last_halves(size: int) -> Race:
    half = sample("a.md", size, brought_by="program")
    fields = {"patched": (half.version,)}
    return Race([], (half.chunks[: size // 2], fields), (half.chunks[size // 2 :], fields))


def two_last_halves_over_another(size: int) -> Race:
    race = two_last_halves(size)
    return replace(race, before=[whole(sample("a.md", size, content="old"))])


def deletion_beside_replacement(size: int) -> Race:
    first, new = sample("a.md", size), sample("a.md", size, content="2")
    return Race([whole(first)], whole(new), ((), {"deleted": (("a.md", first.id),)}))


def deletion_beside_the_same_again(size: int) -> Race:
    first = sample("a.md", size)
    return Race([whole(first)], whole(first), ((), {"deleted": (("a.md", first.id),)}))


def patch_beside_publication(size: int) -> Race:
    half, run = sample("a.md", size, brought_by="program"), sample("a.md", size, content="2")
    return Race(
        [(half.chunks[:2], {"patched": (half.version,)})],
        (half.chunks[2:], {"patched": (half.version,)}),
        whole(run),
    )


def patch_beside_deletion(size: int) -> Race:
    half = sample("a.md", size, brought_by="program")
    fields = {"patched": (half.version,)}
    return Race([(half.chunks, fields)], (half.chunks[:2], fields), ((), {"deleted": (("a.md", half.id),)}))


def discard_beside_continuation(size: int) -> Race:
    late = sample("a.md", size + 2)
    return Race(
        [(late.chunks[:2], {"begun": (late.version,)})],
        (late.chunks[2:-1], {"continued": (late.id,), "rejects": (reject(late.chunks[-1]),)}),
        ((), {"discarded": (late.id,)}),
    )


def sweep_beside_beginning(size: int) -> Race:
    late = sample("a.md", size)
    stray = (late.chunks[:2], {"begun": (sample("z.md").version,)})  # rows of a version that no ledger knows
    return Race(
        [stray],
        (late.chunks[:-1], {"begun": (late.version,)}),
        ((), {"orphaned": (late.id,)}),
    )


def sweep_beside_publication(size: int) -> Race:
    race, late = sweep_beside_beginning(size), sample("a.md", size)
    return replace(race, one=whole(late))


def replacement_beside_beginning(size: int) -> Race:
    known, new = sample("a.md", size), sample("a.md", size, content="2")
    return Race([whole(known)], (known.chunks[:-1], {"begun": (known.version,)}), whole(new))


def replacement_beside_continuation(size: int) -> Race:
    known, new = sample("a.md", size), sample("a.md", size, content="2")
    return Race([whole(known)], (known.chunks[:-1], {"continued": (known.id,)}), whole(new))


def two_keys_in_the_other_order(size: int) -> Race:
    ours, theirs = sample("a.md", size), sample("b.md", size)
    new, newer = sample("a.md", size, content="2"), sample("b.md", size, content="2")
    begin_and_publish = {"begun": (ours.version,), "publications": (newer.publication(),)}
    publish_and_begin = {"begun": (theirs.version,), "publications": (new.publication(),)}
    return Race(
        [whole(ours), whole(theirs)],
        ([*ours.chunks[:-1], *newer.chunks], begin_and_publish),
        ([*theirs.chunks[:-1], *new.chunks], publish_and_begin),
    )


def whole(one: Sample) -> Write:
    return one.chunks, {"publications": (one.publication(),)}


RACES = [
    discard_beside_publication,
    discard_beside_publication_of_all_rows,
    two_replacements,
    two_new_documents_of_one_key,
    one_version_twice,
    two_new_collections,
    two_last_halves,
    two_last_halves_over_another,
    deletion_beside_replacement,
    deletion_beside_the_same_again,
    patch_beside_publication,
    patch_beside_deletion,
    discard_beside_continuation,
    sweep_beside_beginning,
    sweep_beside_publication,
    replacement_beside_beginning,
    replacement_beside_continuation,
    two_keys_in_the_other_order,
]


@pytest.fixture(scope="module")
def url(postgres_server: Any) -> Iterator[str]:
    yield postgres_server.create_database("races")
    postgres_server.drop_database("races")


@pytest.fixture(scope="module")
def sessions(url: str) -> Iterator[tuple[Session, Session]]:
    """One that holds locks, and one that looks who waits for them and empties tables."""
    with psycopg.connect(url, autocommit=True) as one, psycopg.connect(url, autocommit=True) as other:
        yield one, other


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize("race", RACES, ids=lambda race: race.__name__)
def test_a_writer_that_is_held_up_decides_on_nothing_old(
    url: str, sessions: tuple[Session, Session], race: Callable[[int], Race], size: int
) -> None:
    made, (holder, looker) = race(size), sessions
    with tables(url, looker) as (one, other, empty):
        serial = outcomes(made, one, empty)
        for table, (first, second) in itertools.product(
            TABLES, [(made.one, made.other), (made.other, made.one)]
        ):
            prepare(made, one, empty)
            with held(holder, f"LOCK TABLE kb_{table} IN SHARE MODE"):
                threads = [Writer(one, first)]
                settle(looker, threads)
                threads.append(Writer(other, second))
                settle(looker, threads)
            for thread in threads:
                thread.end()
            assert state(one) in serial, f"{table} was locked"


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize("race", RACES, ids=lambda race: race.__name__)
def test_writers_at_the_same_time_leave_what_some_order_leaves(
    url: str, sessions: tuple[Session, Session], race: Callable[[int], Race], size: int, seed: int
) -> None:
    made, chance = race(size), random.Random(seed)
    with tables(url, sessions[1]) as (one, other, empty):
        serial = outcomes(made, one, empty)
        for number in range(ROUNDS):
            prepare(made, one, empty)
            delays = (0.0, chance.random() * 0.006)
            threads = [
                Writer(store, what, delay)
                for store, what, delay in zip((one, other), (made.one, made.other), delays, strict=True)
            ]
            for thread in threads:
                thread.end()
            assert state(one) in serial, f"round {number}"


@contextmanager
def tables(url: str, session: Session) -> Iterator[tuple[PostgresStore, PostgresStore, Callable[[], None]]]:
    """Two stores of the same tables, and what empties them."""
    names = ", ".join(f"kb_{suffix}" for suffix in (*TABLES, "receipts"))
    options = {"table": "kb", "full_text": False, "lock_timeout": 20}
    with store_at(url, **options) as one, store_at(url, **options) as other:
        yield one, other, lambda: void(session.execute(f"TRUNCATE {names}".encode()))


def void(_: object) -> None:
    """Drop a value."""


_numbers = itertools.count()


def write(store: PostgresStore, what: Write) -> None:
    """Write with a receipt of its own, again after a deadlock, as the engine does."""
    chunks, fields = what
    given = {"collection": "kit", **fields}
    made = Receipt(f"batch {next(_numbers)}", "run", batch_index=0, records=len(chunks), **given)
    for _ in range(5):
        try:
            return store.write(Batch(list(chunks), 0), made)
        except psycopg.errors.DeadlockDetected:
            continue
        except IncompleteDocument:
            return None
    raise AssertionError("one deadlock after the other")


def prepare(race: Race, store: PostgresStore, empty: Callable[[], None]) -> None:
    empty()
    for what in race.before:
        write(store, what)


class Writer(threading.Thread):
    """Writes, after a delay."""

    def __init__(self, store: PostgresStore, what: Write, delay: float = 0.0) -> None:
        super().__init__()
        self._work = store, what, delay
        self._error: Exception | None = None
        self.start()

    def run(self) -> None:
        store, what, delay = self._work
        time.sleep(delay)
        try:
            write(store, what)
        except Exception as error:  # noqa: BLE001 - raised below
            self._error = error

    def end(self) -> None:
        self.join(30)
        assert not self.is_alive()
        if self._error:
            raise self._error


def settle(looker: Session, threads: Sequence[Writer]) -> None:
    """Wait until each of them has ended or waits for a lock."""
    for _ in range(2_000):
        alive = sum(thread.is_alive() for thread in threads)
        if len(waiting(looker)) >= alive:
            return
        time.sleep(0.005)
    raise AssertionError("neither ended nor waiting")


def outcomes(race: Race, store: PostgresStore, empty: Callable[[], None]) -> list[Any]:
    """What the two orders leave."""
    found = []
    for order in ((race.one, race.other), (race.other, race.one)):
        prepare(race, store, empty)
        for what in order:
            write(store, what)
        found.append(state(store))
    return found


def state(store: PostgresStore) -> Any:
    """What there is, after checking that every published document has all its rows."""
    ledger, held_rows = store.ledger, {holding.document_id: holding.rows for holding in store.holdings()}
    names = [collection.name for collection in ledger.collections()]
    documents = [(known.version, known.rejected) for name in names for known in ledger.documents(name)]
    for version, rejected in documents:
        assert held_rows.get(version.document_id, 0) == version.records - rejected, version.key
    pending = [version.document_id for name in names for version in ledger.pending(name)]
    return names, documents, pending, held_rows, [one.id for one in ledger.rejects()]
