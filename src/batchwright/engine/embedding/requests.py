"""Requests to an embedder: made again where that may help, and smaller where it has to be less."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from batchwright.contracts.failure import Decision, Failure, Verdict, class_and_message
from batchwright.contracts.stop import Stop
from batchwright.contracts.vectors import Vector, packed
from batchwright.engine.embedding.embedding import Embedding
from batchwright.engine.embedding.sound import count_of
from batchwright.engine.store.breaker import Breaker, OutageTooLong
from batchwright.engine.store.calls import CallAbandoned, CallThread, Deadline, Parting
from batchwright.engine.store.retry import Attempted, attempt, is_about_data, is_transient
from batchwright.engine.store.retry_rule import NO_RETRY
from batchwright.engine.store.strain import Strain, is_too_large
from batchwright.errors import BadRecords, EmbedderError, PluginError, RunInterrupted, TextRefused
from batchwright.model import ErrorRecoveryAction
from batchwright.plugins.foreign import Foreign, answered
from batchwright.plurals import counted

if TYPE_CHECKING:
    from batchwright.engine.session import Session

Answer = Vector | TextRefused
"""What comes of a text."""

OnAnswer = Callable[[dict[int, Answer], int], None]
"""Takes answers, by the position of their text among those that were to be embedded, and how many tokens they
took; refusals take none."""

Value = TypeVar("Value")

_FAIL = Verdict(ErrorRecoveryAction.FAIL, "the work was stopped")
_TOO_MANY_REQUESTS = 429
_PROBATION = 3
"""Requests of which all texts are refused, before any was embedded, that show that no text is at fault."""

logger = logging.getLogger("batchwright")


class Requests:
    """Makes requests for several threads, which share one breaker; all of an embedder pass one gate.

    Args:
        session: What classifies errors, and what calls share.
        embedding: The embedder.
        halt: Ends every wait at once.

    Attributes:
        embedding: The embedder.
        halt: Ends every wait at once.
        emit: Takes events.
    """

    def __init__(self, session: Session, embedding: Embedding, halt: Stop) -> None:
        self.embedding = embedding
        self.emit = session.dispatcher.emit
        self._policy = session.policy
        self._judge = session.judge
        self.halt = halt
        self._gate = embedding.gate
        self._breaker = Breaker(session.policy, halt.event, self.emit, session.describe, who="the embedder")
        self._parting = Parting(halt, session.policy.parting, lambda: 0.0)
        self._own = threading.local()
        self._lock = threading.Lock()
        self._refused_whole = 0
        self._is_proven = self._has_warned = False
        self._suspects: list[tuple[OnAnswer, dict[int, Answer]]] = []

    def embed(self, texts: Sequence[str], tokens: Sequence[int], on_answer: OnAnswer) -> None:
        """Have texts embedded; what comes of each is told as soon as it is known.

        Until a first text is embedded, those that are refused are told later, at the latest by `conclude`.

        Args:
            texts: As they are sent.
            tokens: Of each text.
            on_answer: Takes what comes of them, in one call or several.

        Raises:
            EmbedderError: It says no, whatever is sent.
            OutageTooLong: It was down for longer than is allowed.
            RunInterrupted: The work was stopped meanwhile.
        """
        refused: dict[int, Answer] = {}
        try:
            self._embed([*range(len(texts))], texts, tokens, on_answer, refused)
        finally:
            if refused:
                self._tell(on_answer, refused, is_whole=len(refused) == len(texts))

    def canary(self, text: str, tokens: int, on_its_way: Callable[[], None] = lambda: None) -> Vector:
        """Return the vector of a text that is beyond doubt; it says nothing about the others.

        Args:
            text: As it is sent.
            tokens: Of it.
            on_its_way: Called when the request begins, each time that it is made.

        Raises:
            EmbedderError: The embedder refuses even that.
            OutageTooLong, RunInterrupted: As `embed`.
        """
        result = self._persist([text], tokens, on_its_way)
        error: Exception | None = result.error
        if result.value is not None:
            [answer], _ = result.value
            if isinstance(answer, bytes):
                return answer
            error = answer
        said = "" if error is None else class_and_message(error, self._judge.describe)
        raise EmbedderError(f"{self.embedding.who} says no: {said}") from error

    def conclude(self) -> None:
        """Tell of the texts that were refused before any was embedded, now that there are no more."""
        with self._lock:
            suspects, self._suspects = self._suspects, []
        for on_answer, refused in suspects:
            on_answer(refused, 0)

    def leave(self) -> None:
        """Note that the calling thread makes no request again that failed."""
        self._gate.leave(threading.get_ident())

    def close(self) -> None:
        """Let the calling thread's helper end."""
        self.leave()
        thread = getattr(self._own, "thread", None)
        if thread is not None:
            thread.close()

    def _tell(self, on_answer: OnAnswer, refused: dict[int, Answer], *, is_whole: bool) -> None:
        with self._lock:
            if not self._is_proven:
                self._suspects.append((on_answer, refused))
                self._refused_whole += is_whole
                if self._refused_whole < _PROBATION:
                    return
                self._suspects.clear()
                example = next(str(one) for one in refused.values() if isinstance(one, TextRefused))
                raise EmbedderError(
                    f"{self.embedding.who} refuses every text, one by one, of the first {_PROBATION} "
                    f"requests; that is no fault of the texts: {example}"
                )
        on_answer(refused, 0)

    def _prove(self) -> None:
        with self._lock:
            self._is_proven = True
        self.conclude()

    def _embed(
        self,
        positions: Sequence[int],
        texts: Sequence[str],
        tokens: Sequence[int],
        on_answer: OnAnswer,
        refused: dict[int, Answer],
    ) -> None:
        """Embed the texts at these positions; add what is refused."""
        total = sum(tokens[position] for position in positions)
        result = self._persist([texts[position] for position in positions], total)
        if result.error is None and result.value is not None:
            answers, used = result.value
            found = dict(zip(positions, answers, strict=True))
            refused |= {place: one for place, one in found.items() if isinstance(one, TextRefused)}
            embedded = {place: one for place, one in found.items() if place not in refused}
            if embedded:
                self._prove()
                on_answer(embedded, total if used is None else used)
            return
        assert result.error is not None  # noqa: S101 - there is no value
        error, again = result.error, partial(self._embed, texts=texts, tokens=tokens, on_answer=on_answer)
        if isinstance(error, BadRecords):
            named = {
                positions[place]: why for place, why in error.reasons.items() if 0 <= place < len(positions)
            }
            if named:
                refused |= {
                    place: TextRefused(self._judge.describe(TextRefused(why))) for place, why in named.items()
                }
                if rest := [place for place in positions if place not in named]:
                    again(rest, refused=refused)
                return
        may_help = is_too_large(error) or is_about_data(result) or is_transient(result)
        if not may_help:
            said = class_and_message(error, self._judge.describe)
            raise EmbedderError(f"{self.embedding.who} says no: {said}") from error
        if len(positions) > 1:
            middle = len(positions) // 2
            again(positions[:middle], refused=refused)
            again(positions[middle:], refused=refused)
        else:
            refused[positions[0]] = TextRefused(class_and_message(error, self._judge.describe))

    # --- one request --------------------------------------------------------------------------------------

    def _persist(
        self, texts: Sequence[str], tokens: int, on_its_way: Callable[[], None] = lambda: None
    ) -> Attempted[tuple[list[Answer], int | None]]:
        """Make a request until it succeeds, or fails for good; one that fails for its texts ends as well."""
        policy, halt = self._policy, self.halt.event
        schedule, last_chance, began = policy.retries, False, time.monotonic()
        strain = Strain(several=len(texts) > 1)
        while True:
            self._breaker.hold()
            if halt.is_set():
                raise RunInterrupted("stopped before a request was sent")
            outages = self._breaker.outages
            result = attempt(
                lambda: self._once(texts, tokens, on_its_way),
                decide=self._decide,
                schedule=schedule,
                stop=halt,
                patience=policy.max_outage,
                enough=strain.add,
                on_retry=partial(self._judge.retrying, phase="embed"),
            )
            error = result.error
            if isinstance(error, RunInterrupted | OutageTooLong):
                raise error
            if error is None or not is_transient(result):
                return result
            if result.stopped or halt.is_set():
                raise RunInterrupted("stopped while a request was to be made again")
            asks_to_wait = Failure(error, phase="embed").http_status == _TOO_MANY_REQUESTS
            if asks_to_wait and time.monotonic() - began > policy.max_outage:
                raise OutageTooLong(
                    f"the embedder asked to wait for more than {policy.max_outage:g} s (max_outage): "
                    f"{self._judge.describe(error)}"
                )
            if self._breaker.outage(self._probe, outages, error if asks_to_wait else None):
                schedule, last_chance = policy.retries, False
                strain.forget()
            elif strain.too_much or last_chance:  # it answers, but not to these texts
                return result
            else:
                schedule, last_chance = NO_RETRY, True

    def _once(
        self, texts: Sequence[str], tokens: int, on_its_way: Callable[[], None]
    ) -> tuple[list[Answer], int | None]:
        embedding, who = self.embedding, threading.get_ident()
        deadline = Deadline(None)

        def embed() -> Sequence[Sequence[float]]:
            """Wait for a turn where the request is made: it is on its way as soon as another has ended."""
            with self._gate.turn(tokens, deadline, who, self.halt.event) as began:
                if embedding.down:
                    raise OutageTooLong(embedding.down)
                deadline.begin(self._policy.batch_timeout)
                on_its_way()
                try:
                    with Foreign(embedding.who):
                        return answered(embedding.embedder.embed(texts))
                except Exception as error:
                    failure = Failure(error, phase="embed")
                    if failure.http_status == _TOO_MANY_REQUESTS:
                        self._gate.slow_down(began, failure.retry_after or 0.0)
                    raise

        try:
            vectors = self._call(embed, deadline)
        except CallAbandoned:
            self._gate.end(deadline, failed=True)
            raise
        self._gate.succeeded()
        used: int | None = getattr(vectors, "used_tokens", None)
        if used is not None:
            used = count_of(embedding.who, "used_tokens", used)
            self._compare(used, tokens)
        return self._checked(vectors, len(texts)), used

    def _compare(self, used: int, counted: int) -> None:
        """Warn, once, where far fewer tokens were used than there are: the others were cut off."""
        embedder = self.embedding.embedder
        if used < counted and embedder.counts_exactly and not self._has_warned:
            self._has_warned = True
            logger.warning(
                "%s used %d tokens of %d: it seems to cut texts without a word; set its tokens a text",
                self.embedding.who,
                used,
                counted,
            )

    def _checked(self, vectors: Sequence[Sequence[float]], texts: int) -> list[Answer]:
        """Return the vectors as they are kept; of one with a number that is none, its text is refused."""
        who, wanted = self.embedding.who, self.embedding.model.dimensions
        if not hasattr(vectors, "__len__"):
            raise PluginError(f"{who} returned no vectors, but {type(vectors).__name__}")
        if len(vectors) != texts:
            raise PluginError(
                f"{who} returned {counted(len(vectors), 'vector')} for {counted(texts, 'text')}"
            )
        for vector in vectors:
            if not hasattr(vector, "__len__"):
                raise PluginError(f"{who} returned as a vector {type(vector).__name__}")
            if len(vector) != wanted:
                raise PluginError(
                    f"{who} returned a vector of {len(vector)} numbers, and its model has {wanted}"
                )
        return [_packed(vector, wanted) for vector in vectors]

    def _probe(self) -> None:
        with Foreign(self.embedding.who):
            self._call(self.embedding.embedder.probe, Deadline(self._policy.batch_timeout))

    def _call(self, function: Callable[[], Value], deadline: Deadline) -> Value:
        """Call the embedder's code, by a thread of its own that is left behind if it hangs."""
        thread = getattr(self._own, "thread", None)
        if thread is None:
            thread = self._own.thread = CallThread("batchwright-embed-call")
        try:
            value: Value = thread.call(
                function, deadline, cancel=lambda: None, grace=0.0, parting=self._parting
            )
            return value
        except CallAbandoned:
            del self._own.thread
            raise

    def _decide(self, error: Exception, number: int) -> Decision:
        if isinstance(error, RunInterrupted | OutageTooLong):
            return Decision(_FAIL, "engine")
        decision = self._judge.decide(error, phase="embed", attempt=number)
        if decision.verdict.wait is not None:
            self._gate.slow_down(0.0, decision.verdict.wait)  # the others would be told the same
        return decision


def _packed(vector: Sequence[float], dimensions: int) -> Answer:
    try:
        return packed(vector, dimensions)
    except (ValueError, TypeError, OverflowError) as error:
        return TextRefused(f"its vector is none: {error}")
