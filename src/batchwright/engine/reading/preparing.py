"""Reading and chunking, in this process or in several, in the order of the input."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from batchwright.config import BatchConfig
from batchwright.engine.reading.fetching import Fetcher, fetched_ahead
from batchwright.engine.reading.pairs import Pair
from batchwright.engine.reading.prepare import Prepared, Preparer

WORTH_PROCESSES = 32 * 1024 * 1024
"""Bytes of input below which more processes are not worth their start of half a second."""

WORTH_CORES = 4
"""Cores below which they are not worth it either: on two, two processes were measured at 0.7 to 0.9 of the
speed of one, since what they made has to be copied, which takes this process a fifth of the whole work."""


def reader_count(config: BatchConfig, bytes_total: int) -> int:
    """Return how many processes are to read: 1 means this one."""
    if config.readers is not None:
        return config.readers
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if cores < WORTH_CORES or bytes_total < WORTH_PROCESSES or not may_start_processes():
        return 1
    return cores - 1  # the writers and the database want one as well


def may_start_processes() -> bool:
    """Tell whether the program is known to bear processes of ours that it did not ask for.

    A new process imports the main module. Where that has no ``if __name__ == "__main__"``, it would run the
    program once more.
    """
    path = getattr(sys.modules.get("__main__"), "__file__", None)
    if path is None:  # a notebook, or another interpreter's prompt: nothing is imported
        return True
    try:
        return "__name__" in Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def prepare_all(
    pairs: Iterable[Pair], fetcher: Fetcher, collection: str, size: int
) -> Iterator[tuple[Pair, Prepared | None]]:
    """Iterate over the pairs, each with what was made of the item found, if there is one not deleted.

    Args:
        pairs: The pairs.
        fetcher: Fetches the items.
        collection: The collection that they are loaded into.
        size: Bytes of all of them.
    """
    readers = reader_count(fetcher.input.config, size)
    preparer = Preparer(fetcher.input, collection)
    # what is at hand is fetched by who reads it
    ahead = None if fetcher.input.is_local else fetched_ahead(pairs, fetcher, preparer.is_wanted)
    if readers > 1 or fetcher.apart:
        from batchwright.engine.reading.processes import prepare_in_processes

        fetched = ((pair, None) for pair in pairs) if ahead is None else ahead
        return prepare_in_processes(fetched, preparer, readers)
    if ahead is None:
        return ((pair, preparer.prepare_pair(pair)) for pair in pairs)
    return ((pair, preparer.prepare_pair(pair, outcome)) for pair, outcome in ahead)
