"""The class that plugins of each kind subclass, by the kind's noun in `batchwright.kinds`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchwright.contracts.embedder import Embedder
from batchwright.contracts.executor import Executor
from batchwright.contracts.reader import ItemReader
from batchwright.contracts.reporter import Reporter
from batchwright.contracts.sink import Sink
from batchwright.contracts.source import Source

CONTRACTS: Mapping[str, type[Any]] = {
    "sink": Sink,
    "source": Source,
    "reader": ItemReader,
    "embedder": Embedder,
    "reporter": Reporter,
    "executor": Executor,
}
"""`options_type` of the class is what the options of its subclasses derive from."""
