"""Statements that are sent together, and answered together: one round trip for all."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence

import psycopg
from psycopg import errors
from psycopg.abc import PQGen
from psycopg.pq import DiagnosticField, ExecStatus, Format
from psycopg.pq.abc import PGconn, PGresult
from psycopg.waiting import Ready, Wait

from batchwright.builtin.postgres.encoding import BinaryArray

Statement = tuple[bytes, Sequence[BinaryArray]]
"""A text with ``$1`` and so on, and its parameters."""


def send(
    connection: psycopg.Connection[object],
    statements: Iterable[Statement],
    meanwhile: Callable[[], object] = lambda: None,
) -> list[PGresult]:
    """Return the results of statements; without BEGIN among them they are a transaction of their own.

    psycopg's own pipelines spend some 60 µs on each statement, as much as the server does on most of ours.

    Args:
        connection: An idle connection, or one in a transaction.
        statements: What to send.
        meanwhile: Called when all is sent, before the answer is waited for.

    Raises:
        psycopg.Error: The first that the server reports; what came behind it was not carried out.
    """
    pgconn, known = connection.pgconn, list(statements)
    pgconn.enter_pipeline_mode()
    results: list[PGresult] = []
    try:
        for text, values in known:
            types = [value.type.array_oid for value in values]
            formats = [Format.BINARY] * len(values)
            pgconn.send_query_params(text, [value.data for value in values], types, formats)
        pgconn.pipeline_sync()
        connection.wait(_fetch(pgconn, results, meanwhile))
    finally:
        with contextlib.suppress(psycopg.Error):  # not in the middle of it; the connection is of no use then
            pgconn.exit_pipeline_mode()
    for result in results:
        if result.status == ExecStatus.FATAL_ERROR:
            raise errors.error_from_result(result)
    return results


def ends_session(result: PGresult) -> bool:
    """Tell whether the server says with it that the connection is gone: to wait for more hides why."""
    return result.error_field(DiagnosticField.SEVERITY_NONLOCALIZED) in (b"FATAL", b"PANIC")


def _fetch(pgconn: PGconn, results: list[PGresult], meanwhile: Callable[[], object]) -> PQGen[None]:
    """Send what is waiting, and collect the results up to the end of the pipeline."""
    is_sent = False
    while True:
        unsent = pgconn.flush()
        if not (unsent or is_sent):
            is_sent = True
            meanwhile()
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
            if ends_session(result):
                return
