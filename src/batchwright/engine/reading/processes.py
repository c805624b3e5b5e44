"""Reading and chunking in several processes, in the order of the input.

Apart from `reading`, since most runs need none of it, and importing multiprocessing takes a while.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait

from batchwright.config import BatchConfig
from batchwright.contracts.receipts import DocumentVersion
from batchwright.documents import Found
from batchwright.engine.reading.prepare import Pair, Prepared, Preparer, preparer_of

logger = logging.getLogger("batchwright")

WINDOW_BYTES = 512 * 1024
"""How much one process is given to read at a time."""

WINDOW_DOCUMENTS = 256
"""Documents that one process is given at a time, at most: unchanged ones cost little but their number."""

Task = tuple[Found, DocumentVersion | None, DocumentVersion | None]


@dataclass(slots=True)
class _Window:
    """Some pairs, and what a process makes of those with a document."""

    pairs: list[Pair]
    result: Future[list[Prepared]]


def prepare_in_processes(
    pairs: Iterable[Pair], config: BatchConfig, readers: int
) -> Iterator[tuple[Pair, Prepared | None]]:
    """Yield each pair, with what was made of the document found, if there is one; see `prepare_all`."""
    # spawned, not forked: this process has threads, and a fork of it might inherit a lock that is held
    pool = ProcessPoolExecutor(readers, get_context("spawn"), _begin, (config,))
    windows: deque[_Window] = deque()
    fallback: Preparer | None = None
    try:
        for group in _grouped(pairs):
            tasks = [(p.found, p.known.version if p.known else None, p.refused) for p in group if p.found]
            windows.append(_Window(group, _submit(pool, tasks)))
            while len(windows) > 2 * readers:
                fallback = yield from _results(windows.popleft(), config, fallback)
        while windows:
            fallback = yield from _results(windows.popleft(), config, fallback)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _submit(pool: ProcessPoolExecutor, tasks: list[Task]) -> Future[list[Prepared]]:
    try:
        with _interrupts_held():  # submitting starts processes, which inherit that
            return pool.submit(_work, tasks)
    except BrokenProcessPool as error:
        broken: Future[list[Prepared]] = Future()
        broken.set_exception(error)
        return broken


def _results(
    window: _Window, config: BatchConfig, fallback: Preparer | None
) -> Generator[tuple[Pair, Prepared | None], None, Preparer | None]:
    """Yield a window's results; if the processes are gone, read here. Returns the reader for that."""
    try:
        results = iter(window.result.result())
    except BrokenProcessPool:
        if fallback is None:
            logger.warning("a reading process died; going on in one process")
            fallback = preparer_of(config)
        for pair in window.pairs:
            yield pair, fallback.prepare_pair(pair)
    else:
        for pair in window.pairs:
            yield pair, next(results) if pair.found else None
    return fallback


def _grouped(pairs: Iterable[Pair]) -> Iterator[list[Pair]]:
    group: list[Pair] = []
    size = 0
    for pair in pairs:
        group.append(pair)
        size += pair.found.size if pair.found else 0
        if size >= WINDOW_BYTES or len(group) >= WINDOW_DOCUMENTS:
            yield group
            group, size = [], 0
    if group:
        yield group


_preparer: Preparer | None = None
"""Of a reading process, made once when it begins; None in any other."""


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Keep SIGINT from this thread, and from a process until it ignores it: it may be hit before that."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(config: BatchConfig) -> None:
    global _preparer
    # Ctrl-C goes to the whole group; when to end is for the parent to say
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _preparer = preparer_of(config)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _work(tasks: list[Task]) -> list[Prepared]:
    assert _preparer is not None  # noqa: S101 - made by _begin
    return [_preparer.prepare(*task) for task in tasks]
