"""What HTTP clients' exceptions say: the status, when to come back, and the verdict on them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.message import Message
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any
from urllib.error import HTTPError

import pytest

from batchwright import ErrorRecoveryAction, Failure
from batchwright.builtin.classifier import classify_error
from batchwright.contracts.http_answers import retry_after_of

RETRY, SKIP, FAIL = ErrorRecoveryAction.RETRY, ErrorRecoveryAction.SKIP, ErrorRecoveryAction.FAIL


def of_httpx(status: int, headers: dict[str, str]) -> Exception:
    """As httpx, and requests with a response, have it."""
    error = Exception("status")
    error.response = SimpleNamespace(status_code=status, headers=headers)  # type: ignore[attr-defined]
    return error


def of_aiohttp(status: int, headers: dict[str, str]) -> Exception:
    error = Exception("status")
    error.status, error.headers = status, headers  # type: ignore[attr-defined]
    return error


def of_urllib(status: int, headers: dict[str, str]) -> Exception:
    message = Message()
    for name, value in headers.items():
        message[name] = value
    return HTTPError("http://localhost", status, "status", message, None)


def of_botocore(status: int, headers: dict[str, str]) -> Exception:
    error = Exception("status")
    lower = {name.lower(): value for name, value in headers.items()}
    error.response = {  # type: ignore[attr-defined]
        "Error": {"Code": "SlowDown"},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": lower},
    }
    return error


CLIENTS = [of_httpx, of_aiohttp, of_urllib, of_botocore]


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        *[(status, RETRY) for status in (408, 425, 429, 500, 502, 503, 504, 529)],
        (413, SKIP),
        *[(status, FAIL) for status in (400, 401, 403, 404, 405, 409, 422)],
    ],
)
def test_a_status_has_a_verdict_whatever_the_client(
    client: Any, status: int, expected: ErrorRecoveryAction
) -> None:
    failure = Failure(client(status, {}))
    assert failure.http_status == status
    assert classify_error(failure).action is expected


@pytest.mark.parametrize("client", CLIENTS)
def test_retry_after_is_found_in_seconds_and_as_a_date(client: Any) -> None:
    assert Failure(client(503, {"Retry-After": "7"})).retry_after == 7
    now = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
    later = format_datetime(now + timedelta(seconds=90), usegmt=True)
    assert retry_after_of(client(503, {"Retry-After": later}), now) == 90
    assert retry_after_of(client(503, {"Retry-After": later}), now + timedelta(hours=1)) == 0


def test_retry_after_is_found_in_the_chain_and_as_a_number() -> None:
    error = RuntimeError("embedding failed")
    error.__cause__ = of_httpx(429, {"retry-after": "2.5"})
    assert Failure(error).retry_after == 2.5
    own = Exception()
    own.retry_after = 3  # type: ignore[attr-defined]
    assert Failure(own).retry_after == 3


@pytest.mark.parametrize("said", ["soon", "nan", "", None, True, object(), [1]])
def test_what_is_no_wait_is_none(said: Any) -> None:
    error = Exception()
    error.retry_after = said  # type: ignore[attr-defined]
    assert Failure(error).retry_after is None


def test_a_wait_is_neither_negative_nor_longer_than_a_day() -> None:
    assert Failure(of_httpx(503, {"Retry-After": "-5"})).retry_after == 0
    assert Failure(of_httpx(503, {"Retry-After": "1e9"})).retry_after == 86_400


@pytest.mark.parametrize("code", [17, "429", 1000])
def test_a_code_that_is_no_status_is_none(code: Any) -> None:
    error = Exception()
    error.code = error.status_code = code  # type: ignore[attr-defined]
    assert Failure(error).http_status is None
