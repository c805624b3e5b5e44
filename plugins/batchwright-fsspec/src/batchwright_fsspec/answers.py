"""What a store said no with, as errors that say what to do, and hold no secrets."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from batchwright.contracts.http_answers import retry_after_of

TRANSIENT = (408, 425, 429)
"""Statuses of answers that may be different next time, besides 5xx."""

_ATTEMPTS = 4
_LONGEST_WAIT = 30.0  # seconds


class AnswerError(OSError):
    """A store answered, and refused. Can be pickled.

    Attributes:
        status_code: The answer's HTTP status.
        retry_after: Seconds or a date (RFC 9110) after which to try again, as it asks; None if it doesn't.
    """

    def __init__(self, message: str, status_code: int = 0, retry_after: object = None) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.retry_after = retry_after

    @property
    def may_pass(self) -> bool:
        """Whether the same request may be answered in a while."""
        return self.status_code in TRANSIENT or self.status_code >= 500


Result = TypeVar("Result")


def persistently(call: Callable[[], Result], sleep: Callable[[float], object] = time.sleep) -> Result:
    """Return what `call` returns; what may pass is tried again, four times in all, within two minutes.

    It is for listings: the engine repeats what fails to be fetched, but a listing that breaks off ends the
    run. A server that asks for a longer wait than 30 s is not waited for.
    """
    for attempt in range(1, _ATTEMPTS):
        try:
            return call()
        except (ConnectionError, TimeoutError, AnswerError) as error:
            wait = retry_after_of(error)
            if (isinstance(error, AnswerError) and not error.may_pass) or (wait or 0.0) > _LONGEST_WAIT:
                raise
            sleep(2.0 ** (attempt - 2) if wait is None else wait)
    return call()
