"""Statements that are sent together, and answered together: one round trip for all."""

from __future__ import annotations

import contextlib
import hashlib
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


MOST_KEPT = 100
"""Statements that a session keeps. A store has some dozens; each takes the server a few kilobytes."""

Kept = dict[bytes, bytes]
"""The names of the statements that the session keeps, by their texts: these are parsed and planned once.

A name is made of the text. So whoever shared the session after all would carry out the very same, or fail.
"""


def send(
    connection: psycopg.Connection[object],
    statements: Iterable[Statement],
    kept: Kept | None = None,
    meanwhile: Callable[[], object] = lambda: None,
) -> list[PGresult]:
    """Return the results of statements; without BEGIN among them they are a transaction of their own.

    psycopg's own pipelines spend some 60 µs on each statement, as much as the server does on most of ours.

    Args:
        connection: An idle connection, or one in a transaction.
        statements: What to send.
        kept: What the session keeps, to which those with parameters are added; None where it is to keep none.
        meanwhile: Called when all is sent, before the answer is waited for.

    Raises:
        psycopg.Error: The first that the server reports; what came behind it was not carried out.
    """
    pgconn, known = connection.pgconn, list(statements)
    pgconn.enter_pipeline_mode()
    names = {**(kept or {})}
    sent: list[bytes] = []  # for each result the text that it says is kept, else nothing
    results: list[PGresult] = []
    try:
        for text, values in known:
            types = [value.type.array_oid for value in values]
            data, formats = [value.data for value in values], [Format.BINARY] * len(values)
            name = names.get(text)
            if name is None and values and kept is not None and len(names) < MOST_KEPT:
                name = names[text] = b"batchwright_" + hashlib.sha256(text).hexdigest()[:32].encode()
                pgconn.send_prepare(name, text, types)
                sent.append(text)
            if name is None:
                pgconn.send_query_params(text, data, types, formats)
            else:
                pgconn.send_query_prepared(name, data, formats)
            sent.append(b"")
        pgconn.pipeline_sync()
        connection.wait(_fetch(pgconn, results, meanwhile))
    finally:
        with contextlib.suppress(psycopg.Error):  # not in the middle of it; the connection is of no use then
            pgconn.exit_pipeline_mode()
    answers: list[PGresult] = []
    for text, result in zip(sent, results, strict=False):  # the last may say that the session has ended
        if result.status == ExecStatus.FATAL_ERROR:
            raise errors.error_from_result(result)
        if kept is None or not text:
            answers.append(result)
        else:
            kept[text] = names[text]
    return answers


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
