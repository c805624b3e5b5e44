"""What reads an input, for tests that need no run."""

from __future__ import annotations

from pathlib import Path

from batchwright import BatchConfig, Document, PluginManager
from batchwright.contracts.stop import Stop
from batchwright.documents import MarkdownReader
from batchwright.documents.finishing import finished
from batchwright.engine.judge import Judge
from batchwright.engine.reading.fetching import Fetcher
from batchwright.engine.reading.input import Input
from batchwright.engine.store.policy import DeliveryPolicy


def parse(data: bytes, key: str = "guide.md") -> Document:
    """Return the document of a file's bytes, as a run makes it."""
    return finished(MarkdownReader().parse(data, key))


def input_of(folder: Path) -> Input:
    return Input.of(BatchConfig(input_dir=folder), PluginManager.load())


def fetcher_of(config: BatchConfig) -> Fetcher:
    manager = PluginManager.load()
    judge = Judge(config, manager, lambda _: None)
    return Fetcher(Input.of(config, manager), judge, DeliveryPolicy.of(config), Stop().event, lambda _: None)
