"""Fetch items: several at a time, in their order, and again where that may help."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from batchwright.contracts.events import Event
from batchwright.contracts.failure import Decision, Verdict, class_and_message
from batchwright.contracts.source import Fetched
from batchwright.documents.compression import decompressed
from batchwright.documents.files import read_all, too_large
from batchwright.engine.judge import Judge
from batchwright.engine.reading.input import Input
from batchwright.engine.reading.pairs import Pair
from batchwright.engine.store.breaker import Breaker
from batchwright.engine.store.policy import DeliveryPolicy
from batchwright.engine.store.retry import attempt, is_transient
from batchwright.errors import ConfigError, DocumentError, PluginError, RunInterrupted, SourceError
from batchwright.items import Item
from batchwright.model import Document, ErrorRecoveryAction
from batchwright.plugins.foreign import Helpers
from batchwright.values import dataclass

if TYPE_CHECKING:
    from concurrent.futures import Future

Value = TypeVar("Value")

NEVER = 10.0**8
"""Seconds; threads can't be waited for much longer."""

BUFFER_BYTES = 32 * 1024 * 1024
"""Bytes that were fetched, or are being fetched, and wait to be read."""

FINAL = (DocumentError, FileNotFoundError, ConfigError, PluginError, RunInterrupted)
"""Errors about which there is nothing to decide."""

SMALLEST = 4096
"""Bytes that an item counts at least: its size may not be known."""


@dataclass(slots=True)
class Raw:
    """What was fetched of an item.

    Attributes:
        data: Its bytes; empty where it is a document already.
        fingerprint: Of what was fetched; may be empty.
        document: The document, where the source makes documents itself.
    """

    data: bytes
    fingerprint: str = ""
    document: Document | None = None

    def take(self) -> tuple[bytes, Document | None]:
        """Take out bytes and document, so that they go once they were read: they may be large."""
        taken = self.data, self.document
        self.data, self.document = b"", None
        return taken


Outcome = Raw | DocumentError | FileNotFoundError
"""What became of fetching an item."""

_Submit = Callable[[Callable[[Item], Raw], Item], "Future[Raw]"]
"""Has an item fetched, by another thread where there may be one."""


def fetch(input: Input, item: Item) -> Raw:
    """Fetch an item, once.

    Raises:
        DocumentError: It can't be fetched, or is too large.
        FileNotFoundError: It is gone.
        Exception: Any other.
    """
    most = input.config.max_document_bytes
    if item.error is not None:
        raise DocumentError(item.key, item.error)
    if item.size > most:
        raise too_large(item.key, item.size, most)
    fetched = input.source.fetch(item)
    answer: object = fetched
    fingerprint = (fetched.fingerprint or item.fingerprint) if isinstance(answer, Fetched) else answer
    if not isinstance(fingerprint, str):
        raise DocumentError(
            item.key, f"{input.who} returned {fetched!r:.100}; expected Fetched, with a text as fingerprint"
        )
    if isinstance(fetched.open, Document):
        return Raw(b"", fingerprint, fetched.open)
    if not callable(fetched.open):
        raise DocumentError(item.key, f"{input.who} returned records for it, and is one of documents")
    with decompressed(fetched.open(), item.key) as stream:
        return Raw(read_all(stream, item.key, most), fingerprint)


class Fetcher:
    """Fetches with retries, and waits while the source is down.

    Args:
        input: What is loaded.
        judge: Decides about errors.
        policy: Retries, deadlines, and how long the source may be down.
        stop: Ends every wait at once.
        emit: Takes the events of outages.
        apart: Whether what it fetches is to be read in another process, so that an item may kill it.
    """

    def __init__(
        self,
        input: Input,
        judge: Judge,
        policy: DeliveryPolicy,
        stop: threading.Event,
        emit: Callable[[Event], None],
        *,
        apart: bool = False,
    ) -> None:
        self.input = input
        self.apart = apart
        self._judge = judge
        self._policy = policy
        self._stop = stop
        self._breaker = Breaker(policy, stop, emit, judge.describe, who="the source")
        self._pace = Pace(input.source.limits.requests_a_minute, stop)
        self._helpers = Helpers()

    def fetch(self, item: Item) -> Raw:
        """Fetch an item.

        Raises:
            DocumentError: It can't be fetched.
            FileNotFoundError: It is gone.
            OutageTooLong: The source did not come back in time.
            RunInterrupted: The run was stopped meanwhile.
            SourceError: The source says no, whatever is asked for.
        """
        if self.input.is_local or item.error is not None:
            return fetch(self.input, item)
        return self.patiently(item, lambda: self._once(item))

    def patiently(self, item: Item, function: Callable[[], Value]) -> Value:
        """Call what reads an item, again where that may help. Raises as `fetch`."""
        while True:
            self._breaker.hold()
            outages = self._breaker.outages
            result = attempt(
                partial(self._paced, function),
                decide=self._decide,
                schedule=self._policy.retries,
                stop=self._stop,
                patience=self._policy.max_outage,
                on_retry=partial(self._judge.retrying, phase="read"),
            )
            if result.value is not None:
                return result.value
            error = result.error
            if isinstance(error, FINAL):
                raise error
            if result.stopped or self._stop.is_set() or error is None:
                raise RunInterrupted("the run was stopped while an item was fetched")
            if is_transient(result) and self._breaker.outage(self._probe, outages):
                continue
            if not is_transient(result):
                self._check_source()
            tries = f" ({result.retries + 1} times)" if result.retries else ""
            said = class_and_message(error, self._judge.describe)
            raise DocumentError(item.key, f"it can't be fetched{tries}: {said}") from error

    def _check_source(self) -> None:
        """Find out, after an error that won't pass, whether it is the item's alone.

        Raises:
            SourceError: The source itself says no, as with a key that has expired.
        """
        try:
            self._probe()
        except Exception as error:
            said = class_and_message(error, self._judge.describe)
            raise SourceError(f"{self.input.config.source_shown} can't be read any more: {said}") from error

    def _paced(self, function: Callable[[], Value]) -> Value:
        self._pace.wait()
        return function()

    def _once(self, item: Item) -> Raw:
        try:
            return self._bounded(lambda: fetch(self.input, item))
        except PluginError as error:  # it raised what is no Exception: that costs this item, like any other
            raise DocumentError(item.key, str(error)) from error

    def _probe(self) -> None:
        self._bounded(self.input.source.probe)

    def _bounded(self, function: Callable[[], Value]) -> Value:
        seconds = self._policy.batch_timeout
        return self._helpers.bounded(self.input.who, function, NEVER if seconds is None else seconds)

    def _decide(self, error: Exception, attempt: int) -> Decision:
        if isinstance(error, FINAL):
            return Decision(Verdict(ErrorRecoveryAction.FAIL, "the source says so"), "engine")
        decision = self._judge.decide(error, phase="read", attempt=attempt)
        if decision.verdict.wait is not None:
            self._pace.rest(decision.verdict.wait)  # the others would be told the same
        return decision


class Pace:
    """When the next request may begin: so many a minute, and none while the other side asks to wait.

    Args:
        requests_a_minute: At most; None for no limit.
        stop: Ends every wait at once.
    """

    def __init__(self, requests_a_minute: int | None, stop: threading.Event) -> None:
        self._apart = 60 / requests_a_minute if requests_a_minute else 0.0
        self._stop = stop
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self) -> None:
        """Wait for one's turn."""
        with self._lock:
            now = time.monotonic()
            mine = max(now, self._next)
            self._next = mine + self._apart if self._apart else self._next
        if mine > now:
            self._stop.wait(mine - now)

    def rest(self, seconds: float) -> None:
        """Let nobody begin for some seconds."""
        with self._lock:
            self._next = max(self._next, time.monotonic() + seconds)


def fetched_ahead(
    pairs: Iterable[Pair], fetcher: Fetcher, is_wanted: Callable[[Pair], bool]
) -> Iterator[tuple[Pair, Outcome | None]]:
    """Yield each pair in order, with what was fetched of its item, or why it couldn't be.

    Several items are fetched at a time, as the source's limits say. One by one, once the main thread
    has ended: `concurrent.futures` takes nothing more then.

    Args:
        pairs: The pairs.
        fetcher: Fetches.
        is_wanted: Tells whether the item of a pair has to be fetched; else None comes with it.
    """
    at_once = fetcher.input.source.limits.at_once
    waiting: deque[tuple[Pair, Future[Raw] | None]] = deque()
    size = 0
    with _threads(at_once) as submit:
        try:
            for pair in pairs:
                item = pair.found if is_wanted(pair) else None
                waiting.append((pair, None if item is None else submit(fetcher.fetch, item)))
                size += 0 if item is None else _weight(pair)
                while size > BUFFER_BYTES or len(waiting) > 4 * at_once:
                    done, future = waiting.popleft()
                    size -= _weight(done) if future is not None else 0
                    yield done, _outcome(future)
            while waiting:
                done, future = waiting.popleft()
                yield done, _outcome(future)
        finally:
            for _, future in waiting:
                if future is not None:
                    future.cancel()


@contextmanager
def _threads(at_once: int) -> Iterator[_Submit]:
    from concurrent.futures import Future  # files of a folder are read one by one

    def here(fetch: Callable[[Item], Raw], item: Item) -> Future[Raw]:
        future: Future[Raw] = Future()
        try:
            future.set_result(fetch(item))
        except Exception as error:  # noqa: BLE001 - raised again where it is asked for
            future.set_exception(error)
        return future

    def submit(fetch: Callable[[Item], Raw], item: Item) -> Future[Raw]:
        try:
            return threads.submit(fetch, item)
        except RuntimeError:  # the interpreter is ending, but this run may come to its end
            return here(fetch, item)

    try:
        from concurrent.futures import ThreadPoolExecutor
    except RuntimeError:
        yield here
        return
    with ThreadPoolExecutor(at_once, "batchwright-fetch") as threads:
        yield submit


def _outcome(future: Future[Raw] | None) -> Outcome | None:
    if future is None:
        return None
    try:
        return future.result()
    except (DocumentError, FileNotFoundError) as error:
        return error


def _weight(pair: Pair) -> int:
    return max(pair.found.size, SMALLEST) if pair.found is not None else 0
