"""A process that kills itself at a chosen point of a run. Nothing in the product knows of it.

`python -m tests.support.failpoints` reads orders, one JSON object a line, and for each forks a child that
patches itself, runs, and perhaps kills itself with SIGKILL; it answers each with one line. The child is a
process of its own that dies as any other would; forking spares it the import. So it does to the processes
that read documents after a kill: they are forked from a server, which has everything loaded as well.

    POINT.before / POINT.after    around a write, for what its receipt carries:
                                  write, publication, patch, removal, rejects
    POINT.inside                  Postgres: sent, and not answered; SQLite: a statement inside the transaction
    commit.before / commit.after  around COMMIT, or around the one statement that commits by itself
    copy.rows, copy.ended, .ahead Postgres: before a block of rows goes by COPY; after the last one and what
                                  commits are sent, and not answered; when the rows after those are encoded
    receipt.before / .after       around taking note, in the process, of a batch that is committed
    resolved.*                    replay: a reject's record is stored
    isolation.halve, .aside       before a batch is halved; after a record was set aside
    run.started, run.finishing, run.finished
"""

from __future__ import annotations

import functools
import gc
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import asdict, dataclass, field
from multiprocessing import forkserver, get_context
from pathlib import Path
from typing import Any, Self

import psycopg
from psycopg.waiting import Wait

from batchwright import BatchConfig, BatchProcessor
from batchwright.builtin.postgres import PostgresSink, copying, writing
from batchwright.builtin.sqlite import SqliteSink
from batchwright.cli.main import execute
from batchwright.contracts.receipts import Receipt
from batchwright.contracts.sink import Store
from batchwright.documents import Tokenizer
from batchwright.engine.delivery.deliverer import Deliverer
from batchwright.engine.reading import processes
from batchwright.plugins.manager import PluginManager
from tests.support import insert
from tests.support.corpus import POISON

ROOT = Path(__file__).parents[2]
PATIENCE = 60  # seconds that a child may take

Patched = Callable[..., Any]


@dataclass(frozen=True)
class Order:
    """What a child is to do.

    Attributes:
        config: Of the run.
        command: In place of a run: `batchwright COMMAND…`, with what was wrong with the records corrected.
        program: In place of both: what `tests.support.insert` is to store.
        point: Where it kills itself; empty for nowhere.
        at: At which passage, from 1.
        copies: Whether every batch goes by COPY, on Postgres.
        delay: How many seconds before it kills itself it waits there.
    """

    config: dict[str, Any]
    command: list[str]
    program: list[str] = field(default_factory=list)
    point: str = ""
    at: int = 1
    copies: bool = False
    delay: float = 0.0


@dataclass(frozen=True)
class Answer:
    """How a child ended.

    Attributes:
        killed: Whether by its own hand.
        passages: How often it passed each point.
    """

    killed: bool = False
    state: str = ""
    reason: str = ""
    passages: dict[str, int] = field(default_factory=dict)


class Runner:
    """The process that forks, from the outside. It is begun anew where a test was cut short in an order.

    Otherwise the next test would be given the answer to that.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def run(
        self,
        config: dict[str, Any],
        point: str = "",
        at: int = 1,
        *,
        copies: bool = False,
        delay: float = 0.0,
    ) -> Answer:
        """Have a child run, and perhaps die."""
        return self._order(Order(config, [], point=point, at=at, copies=copies, delay=delay))

    def command(self, *command: str, point: str = "", at: int = 1) -> Answer:
        """Have a child run a command, and perhaps die."""
        return self._order(Order({}, list(command), point=point, at=at))

    def program(self, *arguments: str, point: str = "", at: int = 1) -> Answer:
        """Have a child store chunks of its own, and perhaps die."""
        return self._order(Order({}, [], list(arguments), point, at))

    def _order(self, order: Order) -> Answer:
        process = self._process = self._process or _begin()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(asdict(order)) + "\n")
            process.stdin.flush()
            answer = Answer(**json.loads(process.stdout.readline()))
        except BaseException:
            self.close()
            raise
        assert answer.state != "broken", answer.reason
        return answer

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(BrokenPipeError):  # what it had not read yet
                        pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _begin() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.failpoints"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


class Points:
    """Counts passages, and ends the process at one of them."""

    def __init__(self, point: str, at: int, delay: float = 0.0) -> None:
        self.passages: Counter[str] = Counter()
        self._point = point
        self._at = at
        self._delay = delay
        self._lock = threading.Lock()
        self._carried = threading.local()

    def reached(self, point: str) -> None:
        """Note a passage."""
        with self._lock:
            self.passages[point] += 1
            if point == self._point and self.passages[point] == self._at:
                time.sleep(self._delay)
                os.kill(os.getpid(), signal.SIGKILL)

    def inside(self) -> None:
        """Note a passage inside the write that this thread is in, if it is in one."""
        for kind in getattr(self._carried, "kinds", ()):
            self.reached(f"{kind}.inside")

    @contextmanager
    def around(self, receipt: Receipt) -> Iterator[None]:
        """Note the passages around a write."""
        kinds = list(_kinds(receipt))
        for kind in kinds:
            self.reached(f"{kind}.before")
        self._carried.kinds = kinds
        try:
            yield
        finally:
            self._carried.kinds = ()
        for kind in kinds:
            self.reached(f"{kind}.after")


def _kinds(receipt: Receipt) -> Iterator[str]:
    yield "write"
    if receipt.publications:
        yield "publication"
    if receipt.patched:
        yield "patch"
    if receipt.deleted or receipt.discarded or receipt.orphaned:
        yield "removal"
    if receipt.rejects:
        yield "rejects"
    if receipt.resolved:
        yield "resolved"


# --- in the child -----------------------------------------------------------------------------------


def arm(points: Points, *, poison: bool) -> None:
    """Patch this process."""
    armed: set[type] = set()
    for sink in (PostgresSink, SqliteSink):
        _replace(sink, "open", functools.partial(_open, points, poison, armed))
    between = functools.partial(functools.partial, _between, points)
    _replace(Deliverer, "_acknowledge", between("receipt.before", "receipt.after"))
    _replace(Deliverer, "_halve", between("isolation.halve", ""))
    _replace(Deliverer, "_set_aside", between("", "isolation.aside"))
    _replace(writing, "send", functools.partial(_send, points))
    _replace(copying, "copy", functools.partial(_copy, points))
    _replace(psycopg.Transaction, "_commit_gen", functools.partial(_commit, points))
    _replace(psycopg.Connection, "wait", functools.partial(_wait, points))
    setattr(processes, "get_context", lambda _: get_context("forkserver"))  # noqa: B010 - as below
    setattr(sqlite3, "connect", functools.partial(_connect, points, sqlite3.connect))  # noqa: B010 - for a type checker it is no variable


def _open(
    points: Points, poison: bool, armed: set[type], original: Patched, *arguments: Any, **named: Any
) -> Store:
    """Open a store, and patch its class and its ledger's, once."""
    store: Store = original(*arguments, **named)
    if type(store) not in armed:
        armed.add(type(store))
        ledger = type(store.ledger)
        _replace(type(store), "write", functools.partial(_write, points, poison))
        _replace(ledger, "start_run", functools.partial(_between, points, "", "run.started"))
        _replace(ledger, "finish_run", functools.partial(_between, points, "run.finishing", "run.finished"))
    return store


def _replace(owner: object, name: str, wrapper: Patched) -> None:
    original = getattr(owner, name)

    @functools.wraps(original)
    def patched(*arguments: Any, **named: Any) -> Any:
        return wrapper(original, *arguments, **named)

    setattr(owner, name, patched)


def _between(
    points: Points, before: str, after: str, original: Patched, *arguments: Any, **named: Any
) -> Any:
    if before:
        points.reached(before)
    result = original(*arguments, **named)
    if after:
        points.reached(after)
    return result


def _write(points: Points, poison: bool, original: Patched, store: Any, batch: Any, receipt: Receipt) -> None:
    with points.around(receipt):
        if poison and any(POISON in chunk.chunk_text for chunk in batch.documents):
            raise ValueError("poison")
        original(store, batch, receipt)


def _send(points: Points, original: Patched, connection: Any, statements: Any, *rest: Any) -> Any:
    """Send statements to Postgres: all but those that begin a transaction commit one."""
    known = list(statements)
    begins = any(text.startswith(b"BEGIN") for text, _ in known)
    return _between(
        points,
        "" if begins else "commit.before",
        "" if begins else "commit.after",
        original,
        connection,
        known,
        *rest,
    )


def _copy(
    points: Points,
    original: Patched,
    connection: Any,
    text: bytes,
    blocks: Iterator[bytes],
    meanwhile: Callable[[], object] = lambda: None,
) -> None:
    """Have rows copied, and commit what came with them, or not yet."""

    def tapped() -> Iterator[bytes]:
        for block in blocks:
            points.reached("copy.rows")
            yield block

    def ended() -> None:
        points.reached("copy.ended")
        meanwhile()
        points.reached("copy.ahead")

    commits = text.endswith(b"COMMIT")
    before, after = ("commit.before", "commit.after") if commits else ("", "")
    _between(points, before, after, original, connection, text, tapped(), ended)


def _commit(points: Points, original: Patched, transaction: Any) -> Generator[Any, Any, None]:
    points.reached("commit.before")
    yield from original(transaction)
    points.reached("commit.after")


def _wait(points: Points, original: Patched, connection: Any, gen: Any, *rest: Any, **named: Any) -> Any:
    def tapped() -> Generator[Any, Any, Any]:
        told = False
        try:
            wanted = next(gen)
            while True:
                if wanted == Wait.R and not told:  # all is sent, and the answer is still to come
                    told = True
                    points.inside()
                wanted = gen.send((yield wanted))
        except StopIteration as end:
            return end.value

    return original(connection, tapped(), *rest, **named)


def _connect(points: Points, original: Patched, *arguments: Any, **named: Any) -> Any:
    """Connect to a file of SQLite by a connection that notes passages, whatever type it would have been."""
    factory = _connection_type(points, named.pop("factory", sqlite3.Connection))
    return original(*arguments, factory=factory, **named)


@functools.cache
def _connection_type(points: Points, base: Any) -> type[sqlite3.Connection]:
    class Connection(base):  # type: ignore[misc]
        def execute(self, statement: str, *arguments: Any) -> sqlite3.Cursor:
            if statement == "COMMIT":
                points.reached("commit.before")
            result: sqlite3.Cursor = super().execute(statement, *arguments)
            if statement == "COMMIT":
                points.reached("commit.after")
            elif self.in_transaction:
                points.inside()
            return result

        def executemany(self, statement: str, *arguments: Any) -> sqlite3.Cursor:
            result: sqlite3.Cursor = super().executemany(statement, *arguments)
            if self.in_transaction:
                points.inside()
            return result

    return Connection


def _obey(order: Order) -> Answer:
    points = Points(order.point, order.at, order.delay)
    arm(points, poison=not order.command)
    if order.copies:
        writing.COPY_FROM_ROWS = 1
    if order.command:
        with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
            code = execute(order.command)
        return Answer(False, "done" if code in (0, 3) else "failed", f"code {code}", dict(points.passages))
    if order.program:
        insert.main(*order.program)
        return Answer(False, "done", "", dict(points.passages))
    result = BatchProcessor(BatchConfig(**order.config)).run()
    result.account.check()
    return Answer(False, result.state, result.reason, dict(points.passages))


# --- in the process that forks -----------------------------------------------------------------------


def _forked(order: Order) -> Answer:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        signal.alarm(PATIENCE)
        try:
            answer = _obey(order)
        except BaseException as error:  # noqa: BLE001 - for the test to look at
            answer = Answer(state="broken", reason=f"{type(error).__name__}: {error}")
        os.write(writing, json.dumps(asdict(answer)).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        own = os.WTERMSIG(status) == signal.SIGKILL
        return Answer(own, "" if own else "broken", f"signal {os.WTERMSIG(status)}")
    return Answer(**json.loads(said))


def main() -> None:
    """Obey until the orders end."""
    PluginManager.load()  # imported once, for all children
    Tokenizer("cl100k_base").count("warm")
    forkserver.set_forkserver_preload(["tests.support.preloaded"])
    forkserver.ensure_running()
    # the children use this one: it is not theirs, so they can't ask whether it has ended
    setattr(forkserver._forkserver, "ensure_running", lambda: None)  # noqa: B010 - likewise
    gc.freeze()
    for line in sys.stdin:
        print(json.dumps(asdict(_forked(Order(**json.loads(line))))), flush=True)


if __name__ == "__main__":
    main()
