"""Reading and chunking, in this process or in several, in the order of the input."""

from __future__ import annotations

import ast
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

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

    A new process imports the main module. Where what is going on does not stand below
    ``if __name__ == "__main__"``, it would do that once more.
    """
    main = sys.modules.get("__main__")
    path = getattr(main, "__file__", None)
    if path is None:  # a notebook, or another interpreter's prompt: nothing is imported
        return True
    try:
        statements = ast.parse(Path(path).read_bytes()).body
    except (OSError, SyntaxError, ValueError):
        return False
    guarded = [each for each in statements if isinstance(each, ast.If) and _is_guard(each.test)]
    line = _line_of(vars(main))
    return any(line is None or each.lineno <= line <= (each.end_lineno or line) for each in guarded)


def _is_guard(test: ast.expr) -> bool:
    parts = [*ast.walk(test)]
    names = {part.id for part in parts if isinstance(part, ast.Name)}
    return "__name__" in names and any(
        isinstance(part, ast.Constant) and part.value == "__main__" for part in parts
    )


def _line_of(module: dict[str, Any]) -> int | None:
    """Return the line of a module that the main thread is at; None where it isn't in it, or not any more."""
    frame = sys._current_frames().get(threading.main_thread().ident or 0)
    while frame is not None:
        if frame.f_globals is module and frame.f_code.co_name == "<module>":
            return frame.f_lineno
        frame = frame.f_back
    return None


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
    in_processes = _in_processes() if readers > 1 or fetcher.apart else None
    if in_processes is not None:
        fetched = ((pair, None) for pair in pairs) if ahead is None else ahead
        return in_processes(fetched, preparer, readers)
    if ahead is None:
        return ((pair, preparer.prepare_pair(pair)) for pair in pairs)
    return ((pair, preparer.prepare_pair(pair, outcome)) for pair, outcome in ahead)


def _in_processes() -> Callable[..., Iterator[tuple[Pair, Prepared | None]]] | None:
    """Return what prepares in several processes; None once the program's main thread has ended."""
    try:
        from batchwright.engine.reading.processes import prepare_in_processes
    except RuntimeError:  # no pool can be made any more
        return None
    return prepare_in_processes
