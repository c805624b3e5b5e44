"""COPY, with what comes after it in one message: the server goes on to COMMIT without waiting for us."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import psycopg
from psycopg import errors
from psycopg.abc import PQGen
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult
from psycopg.waiting import Ready, Wait

from batchwright.builtin.postgres.pipeline import ends_session


def copy(
    connection: psycopg.Connection[object],
    text: bytes,
    blocks: Iterable[bytes],
    meanwhile: Callable[[], object] = lambda: None,
) -> None:
    """Have rows copied, and carry out the statements behind the COPY.

    Args:
        connection: One in a transaction.
        text: The COPY, and perhaps more statements, all without parameters.
        blocks: The rows as COPY wants them. What they raise makes the COPY fail, and is raised.
        meanwhile: Called when all is sent, before the answer is waited for.

    Raises:
        psycopg.Error: The first that the server reports; what came behind it was not carried out.
    """
    pgconn = connection.pgconn
    pgconn.send_query(text)
    results = connection.wait(_results(pgconn))
    if [result.status for result in results] == [ExecStatus.COPY_IN]:
        try:
            for block in blocks:
                connection.wait(_sent(pgconn, block))
        except BaseException:
            connection.wait(_ended(pgconn, b"the rows end here"))
            connection.wait(_results(pgconn))
            raise
        connection.wait(_ended(pgconn, None))
        meanwhile()
        results = connection.wait(_results(pgconn))
    for result in results:
        if result.status == ExecStatus.FATAL_ERROR:
            raise errors.error_from_result(result)


def _sent(pgconn: PGconn, block: bytes) -> PQGen[None]:
    """Send a block of rows. What is not sent at once is not to pile up."""
    while not pgconn.put_copy_data(block):
        yield from _flushed(pgconn)
    yield from _flushed(pgconn)


def _ended(pgconn: PGconn, error: bytes | None) -> PQGen[None]:
    """Send the end of the rows; an error has the server forget them."""
    while not pgconn.put_copy_end(error):
        yield from _flushed(pgconn)
    yield from _flushed(pgconn)


def _flushed(pgconn: PGconn) -> PQGen[None]:
    while pgconn.flush():
        if (yield Wait.RW) & Ready.R:  # the server may have something to say, and wait until that is read
            pgconn.consume_input()


def _results(pgconn: PGconn) -> PQGen[list[PGresult]]:
    """Send what is waiting; return the results up to the last, or up to where the server waits for rows."""
    yield from _flushed(pgconn)
    results: list[PGresult] = []
    while True:
        while pgconn.is_busy():
            yield Wait.R
            pgconn.consume_input()
        result = pgconn.get_result()
        if result is None:
            return results
        results.append(result)
        if result.status == ExecStatus.COPY_IN or ends_session(result):
            return results
