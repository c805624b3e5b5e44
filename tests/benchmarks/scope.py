"""What a benchmark is run on: how often, how large, which documents, which database."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from tests.benchmarks.bare import SCHEMA
from tests.benchmarks.documents import make_documents
from tests.benchmarks.measuring import ROUNDS, Case, Result, rounds
from tests.support.postgres import PostgresServer, PostgresTemplate


@dataclass
class Scope:
    """One execution of the benchmarks.

    Attributes:
        rounds: How often every case is measured.
        warm_up: Whether there is a round before that doesn't count.
        rows: Rows of 1.6 KB that the sinks are given.
        made: Documents of about 9 KB that are made, where none are given.
        given: A folder of documents to measure on instead.
        url: A Postgres database in which the schema `bench` may be made and dropped; None for a server
            of our own.
        results: Where JSON goes, `.benchmarks` if None.
        scales: How many times the documents are loaded to see what grows.
    """

    rounds: int = ROUNDS
    warm_up: bool = True
    rows: int = 20_000
    made: int = 300
    given: Path | None = None
    url: str | None = None
    results: Path | None = None
    scales: tuple[int, ...] = (1, 10)
    _stack: ExitStack = field(default_factory=ExitStack)

    def measure(self, cases: Sequence[Case], times: int = 1) -> list[Result]:
        """Measure the cases in turn; `times` as often where a pass takes only milliseconds."""
        return rounds(cases, self.rounds * times, warm_up=self.warm_up)

    @contextmanager
    def opened(self) -> Iterator[Scope]:
        """End what was begun."""
        with self._stack:
            yield self

    def folder(self) -> Path:
        """Return a new folder, which is gone in the end."""
        return Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="bench")))

    def documents(self) -> Path:
        """Return the folder of documents, made at the first call where none was given."""
        if self.given is None:
            folder = self.folder()
            make_documents(folder, self.made)
            self.given = folder
        return self.given

    def database(self) -> str:
        """Return the URL of the database; a server of our own is started at the first call."""
        if self.url is None:
            template = self._stack.enter_context(PostgresTemplate())
            server = self._stack.enter_context(PostgresServer(template))
            self.url = server.create_database("bench")
        return self.url

    def target(self) -> str:
        """Return that URL with the options that the comparisons take: our schema, no full text."""
        url = self.database()
        return f"{url}{'&' if '?' in url else '?'}schema={SCHEMA}&full_text=false"

    def postgres(self) -> psycopg.Connection[tuple[object, ...]]:
        """Return a connection for what is not measured; it is closed in the end."""
        return self._stack.enter_context(psycopg.connect(self.database(), autocommit=True))


def renew(admin: psycopg.Connection[tuple[object, ...]], *, drop_only: bool = False) -> None:
    """Make the schema anew, without tables."""
    admin.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE".encode())
    if not drop_only:
        admin.execute(f"CREATE SCHEMA {SCHEMA}".encode())


def facts_of(admin: psycopg.Connection[tuple[object, ...]]) -> dict[str, object]:
    """Return the server's version and where it listens."""
    return {"postgres": admin.info.parameter_status("server_version"), "host": admin.info.host}
