"""What the built-in classifier says of every kind of error."""

from __future__ import annotations

import errno
import sqlite3

import psycopg
import psycopg.errors
import pytest

from batchwright import ErrorRecoveryAction, Failure, SinkError
from batchwright.builtin.classifier import classify_error

RETRY, SKIP, FAIL = ErrorRecoveryAction.RETRY, ErrorRecoveryAction.SKIP, ErrorRecoveryAction.FAIL


def action(error: BaseException) -> ErrorRecoveryAction:
    return classify_error(Failure(error)).action


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (TimeoutError(), RETRY),
        (ConnectionError(), RETRY),
        (ConnectionResetError(), RETRY),
        (BrokenPipeError(), RETRY),
        (ValueError(), SKIP),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"), SKIP),
        (TypeError(), SKIP),
        (psycopg.IntegrityError(), FAIL),
        (sqlite3.IntegrityError(), FAIL),
        (type("IntegrityError", (Exception,), {})(), FAIL),
        (RuntimeError(), FAIL),
        (KeyError(), FAIL),
        (OSError(), FAIL),
        (Exception(), FAIL),
        (psycopg.DataError("NUL"), SKIP),
        (psycopg.OperationalError("server closed the connection unexpectedly"), RETRY),
        (psycopg.ProgrammingError(), FAIL),
    ],
)
def test_by_type(error: Exception, expected: ErrorRecoveryAction) -> None:
    assert action(error) is expected


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        (psycopg.OperationalError("FATAL: no such database"), FAIL),  # the sink looked into it
        (type("OperationalError", (Exception,), {})(), FAIL),
        (RuntimeError(), FAIL),
        (ConnectionError(), RETRY),
        (psycopg.errors.AdminShutdown(), RETRY),
        (OSError(errno.ENOSPC, "disk is full"), RETRY),
    ],
)
def test_a_sink_that_says_what_to_do_is_believed_unless_the_cause_is_known_to_pass(
    cause: Exception, expected: ErrorRecoveryAction
) -> None:
    error = SinkError("there is no such database; create it")
    error.__cause__ = cause
    assert action(error) is expected


@pytest.mark.parametrize(
    ("sqlstate", "expected"),
    [
        *[(state, RETRY) for state in ("40001", "40P01", "55P03", "57014", "57P01", "57P02", "57P03")],
        *[(state, RETRY) for state in ("08000", "08003", "08006", "53000", "53100", "53200", "53300")],
        *[(state, RETRY) for state in ("25006", "58030")],
        *[(state, RETRY) for state in ("25P03", "25P04", "57P05")],
        *[(state, SKIP) for state in ("22000", "22001", "22003", "22021", "22P02", "22P05")],
        *[(state, SKIP) for state in ("54000", "54001")],
        *[(state, FAIL) for state in ("23505", "23502", "23503", "23514", "28000", "28P01")],
        *[(state, FAIL) for state in ("42P01", "42501", "3D000", "XX000", "0A000")],
    ],
)
def test_by_sqlstate(sqlstate: str, expected: ErrorRecoveryAction) -> None:
    error = psycopg.Error()
    error.sqlstate = sqlstate
    assert action(error) is expected
    wrapped = RuntimeError("storage failed")
    wrapped.__cause__ = error
    assert action(wrapped) is expected


def raised_while_handling(error: Exception, other: Exception) -> Exception:
    try:
        try:
            raise other
        except type(other):
            raise error  # noqa: B904 - that it isn't raised from the other is the point
    except type(error) as caught:
        return caught


def test_a_wrapped_integrity_error_is_permanent_however_it_is_wrapped() -> None:
    unique = sqlite3.IntegrityError("UNIQUE")
    assert action(raised_while_handling(ValueError("could not store"), unique)) is FAIL

    deliberate = ValueError("could not store")
    deliberate.__cause__ = unique
    assert action(deliberate) is FAIL

    orig = Exception("(driver) failed")
    orig.orig = unique  # type: ignore[attr-defined]
    assert action(orig) is FAIL

    forgotten = raised_while_handling(ValueError("could not store"), unique)
    forgotten.__suppress_context__ = True
    assert action(forgotten) is SKIP


def test_what_was_merely_being_handled_does_not_make_an_unknown_error_transient() -> None:
    assert action(raised_while_handling(RuntimeError("a defect"), TimeoutError())) is FAIL

    deliberate = RuntimeError("storage failed")
    deliberate.__cause__ = TimeoutError()
    assert action(deliberate) is RETRY


def test_sqlite_errors_go_by_their_code(tmp_path: object) -> None:
    first = sqlite3.connect(f"{tmp_path}/a.db", isolation_level=None)
    second = sqlite3.connect(f"{tmp_path}/a.db", isolation_level=None, timeout=0)
    try:
        first.execute("CREATE TABLE t (a)")
        first.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError) as locked:
            second.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError) as missing:
            second.execute("SELECT * FROM nowhere")
    finally:
        first.close()
        second.close()
    assert action(locked.value) is RETRY
    assert action(missing.value) is FAIL


def test_a_chain_that_bites_its_tail_ends() -> None:
    first, second = RuntimeError("a"), RuntimeError("b")
    first.__cause__, second.__cause__ = second, first
    assert len(Failure(first).chain) == 2
    assert action(first) is FAIL


def test_every_answer_gives_its_reason() -> None:
    error = psycopg.errors.DeadlockDetected()
    assert classify_error(Failure(error)).reason == "deadlock (SQLSTATE 40P01)"
