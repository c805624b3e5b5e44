"""The loss of the scheduler, as an error that says so."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from typing import Any

from batchwright import ExecutorError
from distributed import Client, Future
from distributed.client import ClosedClientError


@contextmanager
def scheduler_needed(client: Client) -> Iterator[None]:
    """Raise an ExecutorError when the scheduler is lost."""
    try:
        yield
    except (OSError, TimeoutError, CancelledError, ClosedClientError, RuntimeError) as error:
        # RuntimeError: asyncio raises it where a connection ends while its timeout expires
        raise lost(client, f"{type(error).__name__}: {error}") from error


def outcome(future: Future[Any], seconds: float) -> tuple[BaseException | None, Any]:
    """Return what a task that is done raised, and what it returned.

    Args:
        future: The task.
        seconds: How long fetching may take: the worker that has the result may be gone.

    Raises:
        TimeoutError: It took longer.
        ExecutorError: The scheduler is lost, by way of which results come.
    """
    with scheduler_needed(future.client):
        try:
            error = future.exception(timeout=seconds)
            return error, None if error is not None else future.result(timeout=seconds)
        except TimeoutError as error:
            late = error
    raise late


def lost(client: Client, why: str) -> ExecutorError:
    """Return the error that says so."""
    return ExecutorError(
        f"the Dask scheduler {address_of(client)} was lost ({why}); once it is back, run again to go on"
    )


def address_of(client: Client) -> str:
    """Return where the scheduler is, or was."""
    return str(client.scheduler.address) if client.scheduler is not None else "of this run"
