"""The loss of the scheduler, as an error that says so."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager

from batchwright import ExecutorError
from distributed import Client
from distributed.client import ClosedClientError


@contextmanager
def scheduler_needed(client: Client) -> Iterator[None]:
    """Raise an ExecutorError when the scheduler is lost."""
    try:
        yield
    except (OSError, TimeoutError, CancelledError, ClosedClientError, RuntimeError) as error:
        # RuntimeError: asyncio raises it where a connection ends while its timeout expires
        raise lost(client, f"{type(error).__name__}: {error}") from error


def lost(client: Client, why: str) -> ExecutorError:
    """Return the error that says so."""
    return ExecutorError(
        f"the Dask scheduler {address_of(client)} was lost ({why}); once it is back, run again to go on"
    )


def address_of(client: Client) -> str:
    """Return where the scheduler is, or was."""
    return str(client.scheduler.address) if client.scheduler is not None else "of this run"
