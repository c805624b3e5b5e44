"""The file for the node_exporter's textfile collector."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from batchwright import BatchwrightError
from prometheus_client import CollectorRegistry, write_to_textfile

from batchwright_prometheus.kept import Kept, Values
from batchwright_prometheus.locked import locked

logger = logging.getLogger("batchwright.prometheus")


class TextfileError(BatchwrightError):
    """The file can't be written."""


class Textfile:
    """Writes a registry to a file now and then, each time in one step: no reader finds half of it.

    What earlier processes counted stays in the file; see `Kept`.

    Args:
        path: The file.
        interval: Seconds between writes.
        registry: What to write.

    Raises:
        TextfileError: The file can't be written.
    """

    def __init__(self, path: Path, interval: float, registry: CollectorRegistry) -> None:
        self._path = path
        self._registry = registry
        self._interval = interval
        self._added: Values = {}
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self.write()
        self._thread = threading.Thread(
            target=self._write_on, name="batchwright-prometheus-textfile", daemon=True
        )
        self._thread.start()

    def write(self) -> None:
        """Write the file.

        Raises:
            TextfileError: It can't be written; an older one stays.
        """
        try:
            with self._lock, locked(self._path.parent):  # each adds to what the one before it wrote
                kept = Kept(self._registry, self._path, self._added)
                write_to_textfile(str(self._path), kept)
                self._added = kept.counts
        except OSError as error:
            raise TextfileError(
                f"the metrics can't be written to {self._path}: {error.strerror or error}. The folder must "
                "be there, and writable: see textfile in [reporter.prometheus]"
            ) from error

    def close(self) -> None:
        """Write no more. May come more than once."""
        self._ended.set()
        self._thread.join(5)

    def _write_on(self) -> None:
        warned = False
        while not self._ended.wait(self._interval):
            try:
                self.write()
                warned = False
            except TextfileError as error:
                if not warned:  # once, until it works again
                    logger.warning("%s", error)
                warned = True
