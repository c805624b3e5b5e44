"""The stage: has texts embedded that have no vector yet, keeps the vectors, and hands their records on."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable
from operator import methodcaller
from typing import TYPE_CHECKING, TypeVar

from batchwright.contracts.events import TextsQueued
from batchwright.contracts.ledger import Ledger
from batchwright.contracts.receipts import Receipt
from batchwright.contracts.stop import Stop
from batchwright.contracts.vectors import Key, Vector, Vectors
from batchwright.engine.embedding.asking import ask_vectors
from batchwright.engine.embedding.canary import Greeting
from batchwright.engine.embedding.embedding import Embedding
from batchwright.engine.embedding.long_texts import parts_of
from batchwright.engine.embedding.requests import Answer, Requests
from batchwright.engine.embedding.senders import Senders
from batchwright.engine.embedding.units import Piece, Unit, Wanted
from batchwright.engine.store.breaker import OutageTooLong
from batchwright.engine.store.client import StoreClient
from batchwright.errors import PluginError, TextRefused

if TYPE_CHECKING:
    from batchwright.engine.session import Session

Value = TypeVar("Value")

CAPACITY = 16 * 1024 * 1024
MOST = 64 * 1024 * 1024
"""Bytes of records that wait for vectors: as a rule, and for embedders that take large requests."""

KEYS_AT_ONCE = 2_000
"""Keys that are looked up together, about."""

logger = logging.getLogger("batchwright")


class Stage:
    """Takes units of records, and hands each on once all its texts have vectors that are kept.

    One thread, the keeper, is the way to the store: it looks up which texts have vectors, keeps the new ones,
    and hands on; `Senders` make the requests. Nobody waits for a large unit but itself: units take turns.

    Args:
        session: The run, or what takes its place.
        embedding: The embedder.
        hand_on: Called by the keeper with each unit that is ready, and the store's vectors to write to.
        on_failure: Called with what ends the stage early.
        client: The way to the store, if it is not to be one of its own.
    """

    def __init__(
        self,
        session: Session,
        embedding: Embedding,
        hand_on: Callable[[Unit], None],
        on_failure: Callable[[Exception], None] = lambda _: None,
        client: StoreClient | None = None,
    ) -> None:
        self._embedding = embedding
        self._emit = session.dispatcher.emit
        self._describe = session.describe
        self._client = client or session.client()
        self._hand_on = hand_on
        self._on_failure = on_failure
        self.halt = Stop()
        self._requests = Requests(session, embedding, self.halt)
        self._greeting = Greeting(embedding, self._requests, self.ask)
        limits = embedding.limits
        self._capacity = min(MOST, max(CAPACITY, 4096 * limits.texts * limits.at_once))
        self._changed = threading.Condition()
        self._inbox: deque[Unit] = deque()
        self._units = self._held = 0
        self._wanted: dict[Key, Wanted] = {}
        self._ended = self._is_looking_up = False
        self._senders = Senders(self._requests, self._changed, self._is_all, self._fail)
        self._keeper = threading.Thread(target=self._keep, name="batchwright-vectors", daemon=True)
        self.error: Exception | None = None

    def open(self, open_one: StoreClient) -> None:
        """Open the stage's own store, before writers take what the sink has room for.

        Args:
            open_one: A client that has a store.

        Raises:
            OutageTooLong, RunInterrupted, SinkError: As `StoreClient.open_another`.
        """
        self._client.open_another(open_one, spare=False)

    # --- for whoever brings units -------------------------------------------------------------------------

    def put(self, unit: Unit) -> bool:
        """Take in a unit, waiting for room; return whether it was taken: not so when the stage has ended."""
        with self._changed:
            while self._held >= self._capacity and not self._is_over:
                self._changed.wait()
            if self._is_over:
                return False
            self._inbox.append(unit)
            self._units += 1
            self._held += self._weight(unit)
            if self._keeper.ident is None:
                self._keeper.start()
            self._changed.notify_all()
            return True

    def wait(self) -> None:
        """Take nothing more, and wait until every unit is handed on, or the stage has ended early."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._join()

    def finish(self) -> None:
        """Wait until every unit is handed on.

        Raises:
            Exception: What ended it early.
        """
        self.wait()
        if self.error is not None:
            raise self.error

    def end(self) -> None:
        """Take nothing more and begin no request; what comes back is kept."""
        self.halt.request("the work is to end")
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        """End, and wait for that."""
        self.end()
        self._join()
        self._client.close()

    def ask(self, question: Callable[[Vectors], Value]) -> Value:
        """Ask the vectors of the store, or have them changed; for the keeper, or before and after it.

        Raises:
            OutageTooLong, RunInterrupted, SinkError: As `StoreClient.ask`.
        """
        return ask_vectors(self._client, question)

    def ask_ledger(self, question: Callable[[Ledger], Value]) -> Value:
        """Ask the ledger, likewise."""
        return self._client.ask(question)

    def order(self, receipt: Receipt) -> None:
        """Carry out a receipt without records, likewise."""
        self._client.order(receipt)

    def greet(self) -> None:
        """Make a place for the model where there is none.

        Raises:
            Exception: The embedder or the store fails.
        """
        if not self._greeting.is_known():
            self._greeting.finish()

    @property
    def _is_over(self) -> bool:
        return self._ended or self.halt.event.is_set()

    def _is_all(self) -> bool:
        ended = self._ended and not self._inbox and not self._is_looking_up
        return ended or self._held >= self._capacity

    def _weight(self, unit: Unit) -> int:
        return min(unit.weight, self._capacity // 2)  # beside a large one there is room for others

    def _join(self) -> None:
        if self._keeper.ident is not None:
            self._keeper.join()

    def _fail(self, error: Exception) -> None:
        """End early, for this reason, if there was none before."""
        with self._changed:
            first = self.error is None and not self.halt.event.is_set()
            if first:
                self.error = error
        self.end()
        if first:
            self._on_failure(error)

    # --- the keeper ---------------------------------------------------------------------------------------

    def _keep(self) -> None:
        try:
            while self._step():
                pass
        except Exception as error:  # noqa: BLE001 - whoever waits for units is told
            self._fail(error)
        finally:
            self.halt.request("all is done")
            with self._changed:
                self._changed.notify_all()
            self._senders.join()
            self._keep_last()

    def _step(self) -> bool:
        """Do what there is to do; return whether there may be more."""
        with self._changed:
            while not (self._senders.answers or self._inbox or self._is_over):
                self._changed.wait()
            halted = self.halt.event.is_set()
            answers, units = self._answers(), [] if halted else self._page()
            self._is_looking_up = bool(units)
            if not (answers or units):
                if halted or not self._units:
                    return False
                if not self._senders.are_idle:
                    self._changed.wait()
                    return True
        if answers:
            self._settle(answers)
        if units:
            self._look_up(units)
            with self._changed:
                self._is_looking_up = False
                self._changed.notify_all()
        if not (answers or units):
            self._requests.conclude()  # of what is left every text is refused
        return True

    def _answers(self) -> list[tuple[Piece, Answer | None]]:
        with self._changed:
            answers, self._senders.answers = self._senders.answers, []
            return answers

    def _keep_last(self) -> None:
        """Keep what came back after the end: it is paid for."""
        try:
            self._settle(self._answers())
        except Exception as error:  # noqa: BLE001 - it is made again by the next run
            logger.warning("vectors that came back at the end could not be kept: %s", self._describe(error))

    def _page(self) -> list[Unit]:
        units, keys = [], 0
        while self._inbox and keys < KEYS_AT_ONCE:
            units.append(self._inbox.popleft())
            keys += len(units[-1].keys)
        return units

    def _look_up(self, units: Iterable[Unit]) -> None:
        """Queue the texts of units that have no vector; hand on units of which all have."""
        units = list(units)
        asked = {key for unit in units for _, key in unit.wanted()} - self._wanted.keys()
        missing = self._missing([*asked]) if asked and self._greeting.is_known() else asked
        queued: list[Wanted] = []
        too_long = 0
        for unit in units:
            for position, key in unit.wanted():
                known = self._wanted.get(key)
                if known is None and key in missing:
                    known = self._wanted[key] = self._want(unit, position, key)
                    too_long += known.refusal is not None or known.is_cut
                    queued.append(known)
                elif known is not None:
                    known.places.append((unit, position))
                if known is not None:
                    unit.left += 1
        if queued:
            self._queue(queued, too_long)
        for unit in units:
            if not unit.left:
                self._pass(unit)

    def _missing(self, keys: list[Key]) -> set[Key]:
        model = self._embedding.model
        missing: set[Key] = set()
        for start in range(0, len(keys), KEYS_AT_ONCE):
            page = keys[start : start + KEYS_AT_ONCE]
            missing |= self.ask(methodcaller("missing", model, page))
        return missing

    def _want(self, unit: Unit, position: int, key: Key) -> Wanted:
        wanted = Wanted(key, (), (), [(unit, position)])
        text = unit.text(position)
        try:
            wanted.parts, wanted.tokens = parts_of(text, self._embedding)
            wanted.is_cut = wanted.parts != (self._embedding.sent(text),)
        except TextRefused as error:
            wanted.refusal = error
        except PluginError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever counts its tokens can't take this text
            wanted.refusal = TextRefused(f"its tokens can't be counted: {self._describe(error)}")
        return wanted

    def _queue(self, queued: list[Wanted], too_long: int) -> None:
        """Have texts embedded."""
        tokens = sum(sum(wanted.tokens) for wanted in queued)
        if not self._embedding.down:
            self._embedding.spend(tokens)
            self._greeting.begin()
        self._emit(TextsQueued(len(queued), tokens, too_long))
        waiting: dict[Unit, list[Piece]] = {}
        for wanted in queued:
            if wanted.refusal is None:
                pieces = (Piece(wanted, part) for part in range(len(wanted.parts)))
                waiting.setdefault(wanted.places[0][0], []).extend(pieces)
        with self._changed:
            self._senders.answers += (
                (Piece(wanted, 0), wanted.refusal) for wanted in queued if wanted.refusal is not None
            )
        self._senders.add(waiting)

    def _settle(self, answers: list[tuple[Piece, Answer | None]]) -> None:
        """Keep vectors that came back, and hand on the units that waited for these only."""
        vectors: dict[Key, Vector] = {}
        settled: list[tuple[Wanted, bool]] = []
        for piece, answer in answers:
            wanted = piece.wanted
            if wanted.key not in self._wanted:  # another part of it was refused
                continue
            if isinstance(answer, TextRefused):
                wanted.refusal = answer
            elif answer is not None:
                wanted.vectors[piece.part] = answer
                if len(wanted.vectors) < len(wanted.parts):
                    continue
                vectors[wanted.key] = wanted.vector(self._embedding.model.dimensions)
            settled.append((wanted, answer is None))
            del self._wanted[wanted.key]
        if any(not is_outage for _, is_outage in settled) and not self._may_keep():
            vectors, settled = {}, [(wanted, True) for wanted, _ in settled]
        if vectors:
            self.ask(methodcaller("put", self._embedding.model, vectors))
        ready: dict[Unit, None] = {}
        for wanted, is_outage in settled:
            for number, (unit, position) in enumerate(wanted.places):
                if wanted.key in vectors:
                    unit.made[position] = not number
                else:
                    unit.keys[position] = "outage" if is_outage else "refused"
                    if wanted.refusal is not None and not is_outage:
                        unit.refusals[position] = wanted.refusal
                unit.left -= 1
                if not unit.left:
                    ready[unit] = None
        for unit in ready:
            self._pass(unit)

    def _may_keep(self) -> bool:
        """Tell whether vectors may be kept: not so where the model was down from the beginning."""
        if self._embedding.down:
            return self._embedding.is_greeted
        try:
            self._greeting.finish()
        except OutageTooLong as error:
            if self._embedding.options.on_outage == "interrupt":
                raise
            self._senders.give_up(str(error))
        return self._embedding.is_greeted

    def _pass(self, unit: Unit) -> None:
        if not (self._greeting.is_known() or self._may_keep()):
            unit.model = ""  # of which the store knows nothing yet
        self._hand_on(unit)
        with self._changed:
            self._units -= 1
            self._held -= self._weight(unit)
            self._changed.notify_all()
