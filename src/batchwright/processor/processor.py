"""BatchProcessor: the way in for programs."""

from __future__ import annotations

from typing import Self

from batchwright.processor.batches import Batches
from batchwright.processor.records import Records
from batchwright.processor.runs import Runs


class BatchProcessor(Runs, Records, Batches):
    """Loads a directory of documents into a database, in batches.

    Making one connects to nothing and imports no plugin; that waits until it is needed. A processor
    runs once at a time; `get_progress` and `stop` may be called from other threads.

    Args:
        config: The settings.
        plugins: More plugins: objects or modules with hook implementations, paths, or module names.
            They are asked before the installed ones.
        manager: The plugins, where they are loaded already; then `plugins` and the settings' are not.
        reporters: They receive the events, in place of the reporters that the settings name.
        policy: Settings of delivery; None for what `config` says.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop("the processor was closed")
        self._close()
