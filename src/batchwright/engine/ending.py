"""The last event of an attempt at a run, also of one that an error ends before it can say so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from batchwright.config import BatchConfig, secrets_of
from batchwright.contracts import exits
from batchwright.contracts.events import EndState, RunFinished, RunNotStarted
from batchwright.contracts.stop import Stop
from batchwright.engine.collection import usual_name
from batchwright.engine.dispatch import Dispatcher
from batchwright.engine.result import RunResult
from batchwright.errors import RunInterrupted
from batchwright.interrupts import is_by_signal
from batchwright.secrets import describe


def finished(dispatcher: Dispatcher, result: RunResult) -> RunResult:
    """Emit that a run has ended; return its result."""
    dispatcher.emit(RunFinished(result.run_id, result.state, result.account, result.reason, result.exit_code))
    return result


@contextmanager
def reporting_its_failure(
    dispatcher: Dispatcher, config: BatchConfig, stop: Stop, source: str
) -> Iterator[None]:
    """Emit an event for an error that ends a run before the run has emitted its last event itself.

    That is `RunNotStarted` where the run had not begun, else `RunFinished`.

    Args:
        dispatcher: Where it is emitted.
        config: The settings.
        stop: What ends the run early.
        source: What is loaded; empty for the source of the settings.
    """
    try:
        yield
    except BaseException as error:
        code = stop.exit_code if isinstance(error, RunInterrupted) else exits.of_error(error)
        if dispatcher.running:
            account, reason = dispatcher.tally.account(), describe(error, secrets_of(config))
            state: EndState = "interrupted" if is_by_signal(error) else "failed"
            finished(dispatcher, RunResult(dispatcher.run_id, state, account, reason, code))
        elif not dispatcher.run_id:
            dispatcher.emit(not_started(config, error, code, source))
        raise


def not_started(
    config: BatchConfig, error: BaseException, code: int | None = None, source: str = ""
) -> RunNotStarted:
    """Return the event of a run that an error keeps from beginning.

    Args:
        config: The settings, as far as they are known.
        error: The error.
        code: The exit code; None for the error's.
        source: What was to be loaded; empty for the source of the settings.
    """
    secrets = secrets_of(config)
    kind = type(error)
    return RunNotStarted(
        source=source or config.source_shown,
        target=config.target_shown,
        collection=usual_name(config),
        reason=describe(error, secrets),
        error_type=f"{kind.__module__}.{kind.__qualname__}",
        exit_code=exits.of_error(error) if code is None else code,
    )
