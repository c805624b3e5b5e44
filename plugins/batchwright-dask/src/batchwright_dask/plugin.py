"""What batchwright finds by the entry point."""

from __future__ import annotations

from collections.abc import Iterable

import batchwright
from batchwright import AnyExecutor

from batchwright_dask.executor import DaskExecutor

BATCHWRIGHT_API = 1


@batchwright.hookimpl
def register_executors() -> Iterable[type[AnyExecutor]]:
    """Offer the executor."""
    return [DaskExecutor]
