"""Reading and chunking in several processes, in the order of the input.

Apart from `reading`, since most runs need none of it, and importing multiprocessing takes a while.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import current_process, get_context, parent_process
from multiprocessing.connection import wait
from pathlib import Path

from batchwright.config import BatchConfig
from batchwright.contracts.receipts import DocumentVersion
from batchwright.engine.reading.fetching import Outcome
from batchwright.engine.reading.input import Input
from batchwright.engine.reading.pairs import Pair
from batchwright.engine.reading.prepare import Prepared, Preparer
from batchwright.errors import ConfigError
from batchwright.items import Item
from batchwright.plugins.manager import PluginManager

logger = logging.getLogger("batchwright")

WINDOW_BYTES = 512 * 1024
"""How much one process is given to read at a time."""

WINDOW_DOCUMENTS = 256
"""Documents that one process is given at a time, at most: unchanged ones cost little but their number."""

Task = tuple[Item, DocumentVersion | None, DocumentVersion | None, Outcome | None]


@dataclass(slots=True)
class _Window:
    """Some pairs, each with whether a process reads it, and what that makes of them."""

    pairs: list[tuple[Pair, bool]]
    tasks: list[Task]
    result: Future[list[Prepared]] | None


def prepare_in_processes(
    fetched: Iterable[tuple[Pair, Outcome | None]], preparer: Preparer, readers: int
) -> Iterator[tuple[Pair, Prepared | None]]:
    """Yield each pair, with what was made of the item found, if there is one; see `prepare_all`.

    Args:
        fetched: The pairs, with what was fetched; None for what the processes fetch themselves.
        preparer: This process's own.
        readers: How many processes.
    """
    processes = _Processes(preparer, readers)
    windows: deque[_Window] = deque()
    try:
        for group in _grouped(fetched):
            pairs = [(pair, preparer.is_wanted(pair)) for pair, _ in group]
            tasks = [_task(*one) for one, (_, wanted) in zip(group, pairs, strict=True) if wanted]
            windows.append(_Window(pairs, tasks, processes.submit(tasks) if tasks else None))
            while len(windows) > 2 * readers:
                yield from _results(windows.popleft(), processes, preparer)
        while windows:
            yield from _results(windows.popleft(), processes, preparer)
    finally:
        processes.close()


def _results(
    window: _Window, processes: _Processes, preparer: Preparer
) -> Iterator[tuple[Pair, Prepared | None]]:
    try:
        if window.result is None:
            raise BrokenProcessPool
        results = iter(window.result.result())
    except BrokenProcessPool:
        results = processes.one_by_one(window.tasks)
    for pair, wanted in window.pairs:
        yield pair, next(results) if wanted else preparer.prepare_pair(pair)


class _Processes:
    """Processes that read. When one dies, its documents are read one at a time, to find the one it died of.

    Args:
        preparer: This process's own.
        readers: How many.
    """

    def __init__(self, preparer: Preparer, readers: int) -> None:
        self._own = preparer
        self._readers = readers
        self._begun = _Begun.of(preparer)
        self._several: ProcessPoolExecutor | None = None
        self._alone: ProcessPoolExecutor | None = None
        # of this process, where no other can be started
        here = current_process().daemon or self._begun is None or _main_is_lost()
        self._here = preparer if here else None

    def submit(self, tasks: list[Task]) -> Future[list[Prepared]] | None:
        """Have the documents read; None where no process can be had for that."""
        if self._here is not None:
            return None
        try:
            if self._several is None:
                self._several = self._pool(self._readers)
            return _submit(self._several, _work, tasks)
        except BrokenProcessPool:
            _end(self._several)
            self._several = None
        except _NO_PROCESS as error:  # those that run already still read what they have got
            self._go_on_here(error)
        return None

    def one_by_one(self, tasks: Iterable[Task]) -> Iterator[Prepared]:
        """Read documents in a process that has nothing else to do; one that it dies of can't be read."""
        for task in tasks:
            if self._here is None and self._alone is None:
                self._start_alone()
            if self._alone is None:
                self._here = self._own
                yield self._here.prepare(*task)
                continue
            try:
                (prepared,) = _submit(self._alone, _work, [task]).result()
            except BrokenProcessPool:
                _end(self._alone)
                self._alone = None
                prepared = Prepared(task[0].key, reason=_DIED, is_deadly=True)
            yield prepared

    def close(self) -> None:
        """End the processes."""
        for pool in (self._several, self._alone):
            _end(pool)

    def _start_alone(self) -> None:
        logger.warning("a reading process died; its documents are read one at a time")
        try:
            self._alone = self._pool(1)
            _submit(self._alone, _work, []).result()
        except (BrokenProcessPool, *_NO_PROCESS) as error:
            _end(self._alone)
            self._alone = None
            self._go_on_here(error)

    def _go_on_here(self, error: Exception) -> None:
        why = "" if isinstance(error, BrokenProcessPool) else f" ({error})"
        logger.warning("no reading process can be started%s; going on in one process", why)
        self._here = self._own

    def _pool(self, processes: int) -> ProcessPoolExecutor:
        assert self._begun is not None  # noqa: S101 - else all is read here
        # spawned, not forked: this process has threads, and a fork of it might inherit a lock that is held
        return ProcessPoolExecutor(processes, get_context("spawn"), _begin, (self._begun,))


_NO_PROCESS = OSError, RuntimeError, NotImplementedError
"""What is raised where no more files, processes or threads may be had, or no semaphores at all."""


def _end(pool: ProcessPoolExecutor | None) -> None:
    """End the processes of a pool, if there is one."""
    if pool is not None:
        pool.shutdown(wait=True, cancel_futures=True)


_DIED = "the process that read it died of it; exclude it, or give the run more memory"


def _submit(
    pool: ProcessPoolExecutor, work: Callable[[list[Task]], list[Prepared]], tasks: list[Task]
) -> Future[list[Prepared]]:
    with _interrupts_held():  # submitting starts processes, which inherit that
        return pool.submit(work, tasks)


def _task(pair: Pair, outcome: Outcome | None) -> Task:
    assert pair.found is not None  # noqa: S101 - of pairs that have one
    return pair.found, pair.known.version if pair.known else None, pair.refused, outcome


def _grouped(
    fetched: Iterable[tuple[Pair, Outcome | None]],
) -> Iterator[list[tuple[Pair, Outcome | None]]]:
    group: list[tuple[Pair, Outcome | None]] = []
    size = 0
    for pair, outcome in fetched:
        group.append((pair, outcome))
        size += pair.found.size if pair.found else 0
        if size >= WINDOW_BYTES or len(group) >= WINDOW_DOCUMENTS:
            yield group
            group, size = [], 0
    if group:
        yield group


def _main_is_lost() -> bool:
    """Tell whether the main module can't be imported by another process, as that of a program from stdin."""
    main = sys.modules.get("__main__")
    path = getattr(main, "__file__", None)
    if path is None or getattr(main, "__spec__", None) is not None or Path(path).exists():
        return False
    logger.warning("readers: the program's file %s isn't there; reading in this process", path)
    return True


@dataclass(frozen=True, slots=True)
class _Begun:
    """What a process begins with. Can be pickled."""

    config: BatchConfig
    plugins: tuple[str, ...]
    collection: str

    @classmethod
    def of(cls, preparer: Preparer) -> _Begun | None:
        """Return what other processes begin with; None where a plugin can't be sent to them."""
        given = preparer.input
        try:
            return cls(given.config, given.manager.extra(), preparer.collection)
        except ConfigError as error:
            logger.warning("readers: %s; reading in this process", error)
            return None

    def preparer(self) -> Preparer:
        """Return what this process prepares with."""
        manager = PluginManager.load(self.plugins, self.config.disable_plugins)
        return Preparer(Input.of(self.config, manager), self.collection)


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


def _begin(begun: _Begun) -> None:
    global _preparer
    # Ctrl-C goes to the whole group; when to end is for the parent to say
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _preparer = begun.preparer()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _work(tasks: list[Task]) -> list[Prepared]:
    assert _preparer is not None  # noqa: S101 - made by _begin
    return [_preparer.prepare(*task) for task in tasks]
