"""Statements that are sent together, and answered together: one round trip for all."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Sequence
from uuid import uuid4

import psycopg
from psycopg import errors
from psycopg.abc import PQGen
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGconn, PGresult
from psycopg.waiting import Ready, Wait

from batchwright.builtin.postgres.rows import BinaryArray

Statement = tuple[bytes, Sequence[BinaryArray]]
"""A text with ``$1`` and so on, and its parameters."""


class Prepared:
    """The statements that one connection's server keeps, with their plans."""

    def __init__(self) -> None:
        self._names: dict[bytes, bytes] = {}
        self._new: dict[bytes, bytes] = {}
        # Names that nobody else uses: behind a pooler, a server process may keep other clients' statements.
        own = uuid4().hex
        self._free = (f"batchwright_{own}_{number}".encode() for number in itertools.count(1))

    def send(self, pgconn: PGconn, text: bytes, values: Sequence[BinaryArray]) -> None:
        """Send a statement, and before its first time what prepares it."""
        name = self._names.get(text) or self._new.get(text)
        if name is None:
            # A name is not used again: where sending failed, the server may know it or not.
            name = self._new[text] = next(self._free)
            pgconn.send_prepare(name, text, [value.type.array_oid for value in values])
        pgconn.send_query_prepared(name, [value.data for value in values], [Format.BINARY] * len(values))

    def settle(self, *, done: bool) -> None:
        """Note whether all that was sent was carried out, so that the server knows the new ones too."""
        if done:
            self._names |= self._new
        self._new = {}


def send(
    connection: psycopg.Connection[object],
    statements: Iterable[Statement],
    prepared: Prepared | None = None,
) -> list[PGresult]:
    """Return the results of statements; without BEGIN among them they are a transaction of their own.

    psycopg's own pipelines spend some 60 µs on each statement, as much as the server does on most of ours.

    Args:
        connection: An idle connection, or one in a transaction.
        statements: What to send.
        prepared: What the server keeps of them; None to have it parse and plan each one anew.

    Raises:
        psycopg.Error: The first that the server reports; what came behind it was not carried out.
    """
    pgconn, known = connection.pgconn, list(statements)
    pgconn.enter_pipeline_mode()
    results: list[PGresult] = []
    done = False
    try:
        for text, values in known:
            if prepared is not None:
                prepared.send(pgconn, text, values)
                continue
            types = [value.type.array_oid for value in values]
            formats = [Format.BINARY] * len(values)
            pgconn.send_query_params(text, [value.data for value in values], types, formats)
        pgconn.pipeline_sync()
        connection.wait(_fetch(pgconn, results))
        done = all(result.status != ExecStatus.FATAL_ERROR for result in results)
    finally:
        if prepared is not None:
            prepared.settle(done=done)
        with contextlib.suppress(psycopg.Error):  # not in the middle of it; the connection is of no use then
            pgconn.exit_pipeline_mode()
    for result in results:
        if result.status == ExecStatus.FATAL_ERROR:
            raise errors.error_from_result(result)
    return results


def _fetch(pgconn: PGconn, results: list[PGresult]) -> PQGen[None]:
    """Send what is waiting, and collect the results up to the end of the pipeline."""
    while True:
        unsent = pgconn.flush()
        ready = yield Wait.RW if unsent else Wait.R
        if not ready & Ready.R:
            continue
        pgconn.consume_input()
        ended = False
        while not pgconn.is_busy():
            result = pgconn.get_result()
            if result is None:
                if ended:  # twice in a row: the next statement has not been answered yet
                    break
                ended = True
                continue
            ended = False
            if result.status == ExecStatus.PIPELINE_SYNC:
                return
            results.append(result)
            if result.error_field(psycopg.pq.DiagnosticField.SEVERITY_NONLOCALIZED) in (b"FATAL", b"PANIC"):
                return
