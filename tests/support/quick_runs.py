"""Runs into a sink in memory that wait next to nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from batchwright import BatchConfig, BatchProcessor
from batchwright.contracts.reporter import AnyReporter
from tests.support.memory import MemoryPlugin
from tests.support.policies import quick


def short_documents(folder: Path, count: int) -> Path:
    """Write documents of one record each: 00.md says "Record 0."."""
    folder.mkdir(parents=True)
    for number in range(count):
        (folder / f"{number:02}.md").write_text(f"Record {number}.\n")
    return folder


def quick_processor(
    docs: Path,
    plugin: MemoryPlugin,
    policy: Mapping[str, Any] = MappingProxyType({}),
    reporters: Sequence[AnyReporter] = (),
    **settings: Any,
) -> BatchProcessor:
    """Return a processor of these documents.

    Args:
        docs: The folder.
        plugin: The sink's.
        policy: What `quick` takes besides the settings.
        reporters: They receive the events.
        settings: Those that a test is about.
    """
    config = BatchConfig(input_dir=docs, to="memory://", **settings)
    return BatchProcessor(config, plugins=[plugin], reporters=reporters, policy=quick(config, **policy))
