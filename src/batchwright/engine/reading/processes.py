"""Reading and chunking in several processes, in the order of the input.

Apart from `reading`, since most runs need none of it, and importing multiprocessing takes a while.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import current_process, get_context, parent_process
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
    tasks: list[Task]
    result: Future[list[Prepared]] | None


def prepare_in_processes(
    pairs: Iterable[Pair], config: BatchConfig, readers: int
) -> Iterator[tuple[Pair, Prepared | None]]:
    """Yield each pair, with what was made of the document found, if there is one; see `prepare_all`."""
    processes = _Processes(config, readers)
    windows: deque[_Window] = deque()
    try:
        for group in _grouped(pairs):
            tasks = [(p.found, p.known.version if p.known else None, p.refused) for p in group if p.found]
            windows.append(_Window(group, tasks, processes.submit(tasks)))
            while len(windows) > 2 * readers:
                yield from _results(windows.popleft(), processes)
        while windows:
            yield from _results(windows.popleft(), processes)
    finally:
        processes.close()


def _results(window: _Window, processes: _Processes) -> Iterator[tuple[Pair, Prepared | None]]:
    try:
        if window.result is None:
            raise BrokenProcessPool
        results = iter(window.result.result())
    except BrokenProcessPool:
        results = processes.one_by_one(window.tasks)
    for pair in window.pairs:
        yield pair, next(results) if pair.found else None


class _Processes:
    """Processes that read. When one dies, its documents are read one at a time, to find the one it died of.

    Args:
        config: The settings.
        readers: How many.
    """

    def __init__(self, config: BatchConfig, readers: int) -> None:
        self._config = config
        self._readers = readers
        self._several: ProcessPoolExecutor | None = None
        self._alone: ProcessPoolExecutor | None = None
        # of this process, where no other can be started
        self._here = preparer_of(config) if current_process().daemon else None

    def submit(self, tasks: list[Task]) -> Future[list[Prepared]] | None:
        """Have the documents read; None where no process can be had for that."""
        if self._here is not None:
            return None
        if self._several is None:
            self._several = self._pool(self._readers)
        try:
            return _submit(self._several, _work, tasks)
        except BrokenProcessPool:
            self._several.shutdown(wait=True, cancel_futures=True)
            self._several = None
            return None

    def one_by_one(self, tasks: Iterable[Task]) -> Iterator[Prepared]:
        """Read documents in a process that has nothing else to do; one that it dies of can't be read."""
        for task in tasks:
            if self._here is None and self._alone is None:
                self._start_alone()
            if self._alone is None:
                self._here = self._here or preparer_of(self._config)
                yield self._here.prepare(*task)
                continue
            try:
                (prepared,) = _submit(self._alone, _work, [task]).result()
            except BrokenProcessPool:
                self._alone.shutdown(wait=True, cancel_futures=True)
                self._alone = None
                prepared = Prepared(task[0].source_file, reason=_DIED, is_deadly=True)
            yield prepared

    def close(self) -> None:
        """End the processes."""
        for pool in (self._several, self._alone):
            if pool is not None:
                pool.shutdown(wait=True, cancel_futures=True)

    def _start_alone(self) -> None:
        logger.warning("a reading process died; its documents are read one at a time")
        self._alone = self._pool(1)
        try:
            _submit(self._alone, _work, []).result()
        except BrokenProcessPool:
            logger.warning("no reading process can be started; going on in one process")
            self._alone.shutdown(wait=True, cancel_futures=True)
            self._alone = None
            self._here = preparer_of(self._config)

    def _pool(self, processes: int) -> ProcessPoolExecutor:
        # spawned, not forked: this process has threads, and a fork of it might inherit a lock that is held
        return ProcessPoolExecutor(processes, get_context("spawn"), _begin, (self._config,))


_DIED = "the process that read it died of it; exclude it, or give the run more memory"


def _submit(
    pool: ProcessPoolExecutor, work: Callable[[list[Task]], list[Prepared]], tasks: list[Task]
) -> Future[list[Prepared]]:
    with _interrupts_held():  # submitting starts processes, which inherit that
        return pool.submit(work, tasks)


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
