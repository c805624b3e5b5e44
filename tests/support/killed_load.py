"""A program that loads, and is killed: python -m tests.support.killed_load URL COUNT AT WHEN [fruit]."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator

from batchwright import BatchConfig, BatchProcessor, Document, Reporter, ReporterOptions
from batchwright.contracts.events import BatchStarted, BatchWritten, Event
from tests.support.fruits import fruits

COLLECTION = "articles"


def articles(count: int, changed: frozenset[int] = frozenset()) -> Iterator[Document]:
    """Documents, one in ten of them in several chunks; those that have `changed` have another text."""
    for number in range(count):
        sections = "".join(
            f"## Part {n}\n\n{'word ' * 60}{number}.{n}\n\n" for n in range(12 * (number % 10 == 0))
        )
        text = f"# Article {number}\n\n{'changed' if number in changed else 'text'} of {number}\n\n{sections}"
        yield Document(f"article-{number * 7919 % 100_003:06}", text, "", 0)


def processor(url: str, **more: object) -> BatchProcessor:
    """What loads them, in small batches."""
    config = BatchConfig(to=url, batch_size=7, chunk_max_tokens=64, reporters=(), retry_cap=0.05)
    return BatchProcessor(config, **more)  # type: ignore[arg-type]


class Killer(Reporter[ReporterOptions]):
    """Kills this process at a batch, before it is written or after."""

    name = "killer"

    def __init__(self, at: int, when: type[Event]) -> None:
        super().__init__(ReporterOptions())
        self._at = at
        self._when = when

    def handle(self, event: Event) -> None:
        """Count; kill."""
        if isinstance(event, self._when):
            self._at -= 1
            if self._at == 0:
                os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    url, count, at, when, *kind = sys.argv[1:]
    killer = Killer(int(at), BatchStarted if when == "before" else BatchWritten)
    if kind:
        processor(url, reporters=[killer]).load(fruits(int(count)))
    else:
        processor(url, reporters=[killer]).load(articles(int(count)), collection=COLLECTION)
