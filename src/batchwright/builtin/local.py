"""The built-in executor: everything in this process."""

from __future__ import annotations

from collections.abc import Iterable

from batchwright.contracts.executor import AnyExecutor, Execution, Executor, ExecutorOptions
from batchwright.contracts.hookspecs import hookimpl


class LocalExecutor(Executor[ExecutorOptions]):
    """Loads the input in this process, with as many writers as the settings say."""

    name = "local"

    def execute(self, execution: Execution) -> None:
        """Load the run."""
        execution.load_here()


@hookimpl(trylast=True)
def register_executors() -> Iterable[type[AnyExecutor]]:
    """Offer the executor."""
    return [LocalExecutor]
