"""Loads with batchwright on more than one machine: an executor for Dask clusters."""

from batchwright_dask.executor import DaskExecutor
from batchwright_dask.options import DaskOptions

__all__ = ["DaskExecutor", "DaskOptions"]
