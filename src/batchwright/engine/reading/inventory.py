"""The documents of the input directory: counted before a run begins, so that progress has a total."""

from __future__ import annotations

from collections.abc import Iterator

from batchwright.config import BatchConfig
from batchwright.documents import Found, LeftOutCounts, Selection, discover

REMEMBERED = 10_000
"""Documents that are remembered, about 3 MB; with more of them the directory is walked again when they are
wanted, so that memory does not grow with the input. A walk is a sixth of a run that finds nothing changed."""


class Inventory:
    """What the settings select of the input directory, sorted by source_file in code point order.

    Attributes:
        documents: How many documents were found.
        size: Their bytes.
        left_out: What else there is, and is left out.
    """

    def __init__(self, config: BatchConfig, remembered: int = REMEMBERED) -> None:
        self._config = config
        self._remembered: list[Found] = []
        self.documents = self.size = 0
        self.left_out = LeftOutCounts()
        for found in self._walk(self.left_out):
            self.documents += 1
            self.size += found.size
            if self.documents <= remembered:
                self._remembered.append(found)
        if self.documents > remembered:
            self._remembered.clear()

    def __iter__(self) -> Iterator[Found]:
        return iter(self._remembered) if self._remembered else self._walk()

    def _walk(self, left_out: LeftOutCounts | None = None) -> Iterator[Found]:
        config = self._config
        selection = Selection(
            patterns=config.patterns,
            exclude=config.exclude,
            hidden=config.hidden,
            follow_symlinks=config.follow_symlinks,
            default_excludes=config.default_excludes,
            left_out=left_out or LeftOutCounts(),
        )
        return discover(config.folder.absolute(), selection)  # workers may have another working directory
