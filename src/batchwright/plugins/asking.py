"""Ask classifiers and sizers, whatever they raise and however long they take."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar

from batchwright.contracts.failure import Decision, Failure, Verdict
from batchwright.contracts.sizing import SizeLimits, SizingFeedback
from batchwright.errors import DeadlineExceeded
from batchwright.model import ErrorRecoveryAction
from batchwright.plugins.faults import FaultLog
from batchwright.plugins.foreign import PATIENCE, Foreign, Helpers, answered
from batchwright.plugins.loading import Loaded

Answer = TypeVar("Answer")


class Asker:
    """Asks the plugins that were loaded, in their order. One that does not answer is not asked again.

    Args:
        loaded: The plugins.
        faults: Where what they must not do is noted.
    """

    def __init__(self, loaded: Loaded, faults: FaultLog) -> None:
        self._loaded = loaded
        self._faults = faults
        self._silent: set[str] = set()
        self._helpers = Helpers()

    def classify(self, failure: Failure) -> Decision:
        """See `PluginManager.classify`."""
        for name, verdict in self.opinions(failure):
            if verdict is not None:
                return Decision(verdict, name)
        return Decision(Verdict(ErrorRecoveryAction.FAIL, "no classifier answered"), "engine")

    def opinions(self, failure: Failure) -> Iterator[tuple[str, Verdict | None]]:
        """See `PluginManager.opinions`."""
        for name, implementation in self._loaded.registry.implementations("classify_error"):
            if name in self._silent:
                continue
            try:
                answer = self._ask("classifier", name, partial(implementation, failure=failure), _verdict)
            except Exception as error:  # noqa: BLE001 - a plugin may raise anything
                what = self._note("classifier", name, error, "taken as FAIL")
                answer = Verdict(ErrorRecoveryAction.FAIL, f"the classifier {name!r} {what}")
            yield name, answer

    def batch_size(self, feedback: SizingFeedback, limits: SizeLimits) -> int:
        """See `PluginManager.batch_size`."""
        for name, implementation in self._loaded.registry.implementations("batch_size"):
            if name in self._silent:
                continue
            question = partial(implementation, feedback=feedback, limits=limits)
            try:
                size = self._ask("sizer", name, question, _size)
            except Exception as error:  # noqa: BLE001 - a plugin may raise anything
                self._note("sizer", name, error, "the next one is asked")
                continue
            if size is not None:
                return max(1, min(size, limits.rows))
        return limits.rows

    def rest(self) -> None:
        """See `PluginManager.rest`."""
        self._helpers.rest()

    def _ask(
        self, noun: str, name: str, question: Callable[[], Any], checked: Callable[[Any], Answer]
    ) -> Answer:
        """Return a plugin's answer, checked.

        Raises:
            DeadlineExceeded: There is none; the plugin is not asked again.
            Exception: What it raised, or is wrong with the answer.
        """
        who = f"the {noun} {name!r}"
        if name in self._loaded.own:
            with Foreign(who):
                return checked(question())
        return self._helpers.bounded(who, lambda: checked(answered(question())), PATIENCE)

    def _note(self, noun: str, name: str, error: Exception, outcome: str) -> str:
        """Note what a plugin did, with one warning; return it."""
        what = self._faults.raised(error)
        if isinstance(error, DeadlineExceeded) and name not in self._loaded.own:
            self._silent.add(name)
            what, outcome = str(error).partition(f"{name!r} ")[2], f"{outcome}, and it is not asked again"
        self._faults.add(name, noun, f"{what}; {outcome}")
        return what


def _verdict(answer: Any) -> Verdict | None:
    """Return a classifier's answer as a verdict.

    Raises:
        TypeError, ValueError: It is none.
    """
    if isinstance(answer, ErrorRecoveryAction):
        return Verdict(answer)
    if answer is None:
        return None
    if not isinstance(answer, Verdict) or not isinstance(answer.action, ErrorRecoveryAction):
        raise TypeError(f"expected Verdict, ErrorRecoveryAction or None, got {answer!r}")
    if answer.wait is not None and not math.isfinite(answer.wait):
        raise ValueError(f"expected a finite wait, got {answer!r}")
    return answer


def _size(answer: Any) -> int | None:
    """Return a sizer's answer.

    Raises:
        TypeError: It is no size.
    """
    if not isinstance(answer, int | None):
        raise TypeError(f"expected int or None, got {answer!r}")
    return None if answer is None else int(answer)
