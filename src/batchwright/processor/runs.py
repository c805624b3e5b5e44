"""Loading the documents of the directory that the settings name."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

from batchwright.contracts.stop import Stop
from batchwright.engine.result import RunResult
from batchwright.engine.run import Loading
from batchwright.errors import RunFailed, RunInterrupted
from batchwright.processor.base import Base


class Runs(Base):
    """The part of a processor that loads a directory."""

    def process_directory(self) -> list[str]:
        """Load the documents of the directory that are new or changed; return the ids of the chunks written.

        Raises:
            ConfigError, PluginError, SinkError: It could not begin.
            RunInterrupted: It was stopped; run it again to resume.
            RunFailed: A batch failed for good. The error's `chunk_ids` are the chunks that were written.
        """
        ids: list[str] = []
        result = self.run(on_stored=ids.extend)
        if result.state == "interrupted":
            raise RunInterrupted(f"the run was stopped ({result.reason}); run again to resume", ids)
        if result.state != "done":
            raise RunFailed(result.reason, ids)
        return ids

    def run(
        self,
        *,
        on_stored: Callable[[list[str]], None] = lambda _: None,
        on_finished: Callable[[RunResult], None] = lambda _: None,
        stop: Stop | None = None,
    ) -> RunResult:
        """Load the documents of the directory that are new or changed; return the account.

        Args:
            on_stored: Called with the ids of the chunks of every batch that is committed, by the thread that
                wrote it; where workers load, with those of every partition.
            on_finished: Called with the result before the reporters are closed: some need seconds for that,
                such as one that sends what it has to a server that does not answer.
            stop: Request it to end the run soon; `stop` does the same.

        Raises:
            ConfigError, PluginError, SinkError: It could not begin.
            ExecutorError: The executor could not do the work.
            BatchwrightError: This processor is running already.
        """
        begun = self._working(self.config, on_stored=on_stored, on_finished=on_finished, stop=stop)
        with begun as work, closing(Loading(work.setup)) as loading:
            work.result = loading.run()
        return work.result

    async def arun(
        self, *, on_stored: Callable[[list[str]], None] = lambda _: None, stop: Stop | None = None
    ) -> RunResult:
        """Do what `run` does, in a thread of its own, and await it.

        Cancelling the task stops the run: what is in flight is finished, and CancelledError is raised when
        nothing is running any more. Run again to resume.

        Args:
            on_stored: As for `run`; called by other threads than the event loop's.
            stop: As for `run`.
        """
        stop = stop or Stop()
        from batchwright.processor.awaiting import awaited  # asyncio takes 20 ms, and few need it

        return await awaited(lambda: self.run(on_stored=on_stored, stop=stop), stop)
