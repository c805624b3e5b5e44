"""What to do about an error: as the settings say, else the classifiers. There is no other way to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from batchwright.config import BatchConfig, secrets_of
from batchwright.contracts.events import BatchRetrying, ErrorClassified
from batchwright.contracts.failure import Decision, Failure, Phase, Verdict, dotted_name
from batchwright.errors import BatchwrightError, CollectionBusy, ConfigError, LeaseLost, SinkError
from batchwright.model import Batch, ErrorRecoveryAction
from batchwright.plugins.manager import PluginManager
from batchwright.secrets import describe

READ_ONLY = "the sink is read-only; connect to the primary, or make the file and its disk writable"


class Judge:
    """Classifies errors, and emits an event for each, and for each call that is made again.

    Args:
        config: The settings, which may decide on SQLSTATEs, and hold what no message may show.
        manager: The classifiers.
        emit: Takes the events.

    Attributes:
        wrote: Whether a write succeeded, here or in the process that this one works for. Before, a sink that
            takes no writes is a mistake to be corrected, and no outage.
    """

    def __init__(
        self,
        config: BatchConfig,
        manager: PluginManager,
        emit: Callable[[ErrorClassified | BatchRetrying], None],
    ) -> None:
        self._config = config
        self._manager = manager
        self._emit = emit
        self._secrets = secrets_of(config)
        self.wrote = False

    def decide(
        self, error: Exception, *, phase: Phase, attempt: int = 1, batch: Batch[Any] | None = None
    ) -> Decision:
        """Return what to do about an error.

        Args:
            error: The error.
            phase: What was going on.
            attempt: The attempt that failed, from 1.
            batch: The batch it happened to, or None.
        """
        failure = Failure(error, batch, attempt, phase)
        decision = decision_on(failure, self._config, self._manager, wrote=self.wrote)
        self._emit(
            ErrorClassified(
                batch_index=batch.batch_index if batch else None,
                attempt=attempt,
                phase=phase,
                error=self.describe(error),
                error_type=dotted_name(error),
                sqlstate=failure.sqlstate,
                action=decision.action.value,
                decided_by=decision.decided_by,
            )
        )
        return decision

    def retrying(
        self,
        error: Exception,
        decision: Decision,
        attempt: int,
        wait: float,
        *,
        phase: Phase,
        batch: Batch[Any] | None = None,
        writer: int = 0,
    ) -> None:
        """Tell that what failed is tried again.

        Args:
            error: What it failed with.
            decision: What was decided on that.
            attempt: The attempt that failed, from 1.
            wait: Seconds until the next.
            phase: What is going on.
            batch: The batch that is written, or None.
            writer: Whose call it is.
        """
        self._emit(
            BatchRetrying(
                batch_index=batch.batch_index if batch else None,
                attempt=attempt,
                wait=wait,
                error=self.describe(error),
                decided_by=decision.decided_by,
                sqlstate=Failure(error).sqlstate,
                error_type=dotted_name(error),
                writer=writer,
                phase=phase,
            )
        )

    def may_pass(self, error: Exception) -> bool:
        """Tell whether a sink that answers a probe like this may be well again without anybody's doing."""
        return not isinstance(error, SinkError | ConfigError)

    def describe(self, error: BaseException) -> str:
        """Return what an error says, without secrets."""
        return describe(error, self._secrets)


def decision_on(
    failure: Failure, config: BatchConfig, manager: PluginManager, *, wrote: bool = True
) -> Decision:
    """Return what the settings say of a failure, else the classifiers; a run and ``explain-error`` ask here.

    Of some of our own errors nobody else is asked. Two things are added. A retry waits as long as the other
    side asks for. A sink that is read-only is a mistake where nothing was written before, else an outage.

    Args:
        failure: What went wrong.
        config: The settings.
        manager: The classifiers.
        wrote: Whether a write succeeded before.
    """
    error = failure.error
    if isinstance(error, CollectionBusy | LeaseLost):
        return Decision(Verdict(ErrorRecoveryAction.FAIL, "somebody else has the collection"), "engine")
    is_ours = isinstance(error, BatchwrightError) and not isinstance(error, TimeoutError)
    if is_ours and failure.phase in ("open", "ledger"):
        return Decision(Verdict(ErrorRecoveryAction.FAIL, "it says what to do"), "engine")
    decision = verdict_of_settings(failure, config) or manager.classify(failure)
    verdict = decision.verdict
    if verdict.action is not ErrorRecoveryAction.RETRY:
        return decision
    if not wrote and failure.phase != "process" and failure.is_read_only:
        return Decision(Verdict(ErrorRecoveryAction.FAIL, READ_ONLY), "engine")
    if verdict.wait is None and failure.retry_after is not None:
        return replace(decision, verdict=replace(verdict, wait=failure.retry_after))
    return decision


def verdict_of_settings(failure: Failure, config: BatchConfig) -> Decision | None:
    """Return what the settings say of the failure's SQLSTATE, or its class; None where they say nothing."""
    state = failure.sqlstate
    if state:
        for key in (state, state[:2]):
            if key in config.sqlstates:
                verdict = Verdict(config.sqlstates[key], f"the settings say so of SQLSTATE {key}")
                return Decision(verdict, "settings")
    return None
