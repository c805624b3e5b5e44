"""What an HTTP client's exception knows of the answer, found by attributes: no client is imported."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from batchwright.interrupts import is_by_signal

_LONGEST_WAIT = 86_400.0  # seconds


def attribute(holder: object, name: str) -> Any:
    """Return an attribute of somebody's object; None where there is none, or reading it raises anything."""
    try:
        return getattr(holder, name, None)
    except BaseException as error:
        if is_by_signal(error):
            raise
        return None


def status_of(error: BaseException) -> int | None:
    """Return the status of the answer that an exception is about, or None.

    Known are ``status_code`` and ``status``, of the exception or its ``response`` (httpx, requests, aiohttp),
    ``code`` of an HTTPError (urllib), and the ``response`` of botocore, a dictionary.
    """
    response = attribute(error, "response")
    found: list[Any] = [
        attribute(holder, name) for holder in (error, response) for name in ("status_code", "status")
    ]
    if type(error).__name__ == "HTTPError":
        found.append(attribute(error, "code"))
    found.append(_metadata(response).get("HTTPStatusCode"))
    for status in found:
        if isinstance(status, int) and 100 <= status <= 599:
            return int(status)
    return None


def retry_after_of(error: BaseException, now: datetime | None = None) -> float | None:
    """Return the seconds to wait that an exception asks for, at most a day; None where it asks for none.

    Known are a number as ``retry_after`` of the exception, and the header ``Retry-After`` (RFC 9110, section
    10.2.3), in seconds or as a date, of the exception or its ``response``.

    Args:
        error: The exception.
        now: What a date is compared with; None for now.
    """
    own = attribute(error, "retry_after")
    response = attribute(error, "response")
    said = [own, *(_header(attribute(holder, "headers")) for holder in (error, response))]
    said.append(_header(_metadata(response).get("HTTPHeaders")))
    for value in said:
        seconds = _seconds(value, now or datetime.now(UTC))
        if seconds is not None:
            return min(max(0.0, seconds), _LONGEST_WAIT)
    return None


def _metadata(response: Any) -> Mapping[str, Any]:
    """Return what botocore keeps of an answer."""
    found = response.get("ResponseMetadata") if isinstance(response, dict) else None
    return found if isinstance(found, dict) else {}


def _header(headers: Any) -> Any:
    with suppress(Exception):  # whatever it is, it is no mapping of headers
        for name, value in headers.items():
            if str(name).lower() == "retry-after":
                return value
    return None


def _seconds(value: Any, now: datetime) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        seconds = float(value)
    except ValueError:
        from email.utils import parsedate_to_datetime  # few answers have a date, and no start needs it

        try:
            moment = parsedate_to_datetime(str(value))
        except ValueError:
            return None
        return (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()
    return seconds if seconds == seconds else None  # not NaN
