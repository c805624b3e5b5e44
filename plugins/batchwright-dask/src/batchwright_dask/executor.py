"""The executor. Dask is imported when a run needs it, not before."""

from __future__ import annotations

from batchwright import Execution, Executor

from batchwright_dask.options import DaskOptions


class DaskExecutor(Executor[DaskOptions]):
    """Has the partitions of a run loaded by the workers of a Dask cluster."""

    name = "dask"
    options_type = DaskOptions

    def execute(self, execution: Execution) -> None:
        """Load the run.

        Raises:
            ConfigError: The sink can't be written by several processes, or a worker lacks something.
            ExecutorError: The cluster is out of reach, has no workers, or they die of a partition.
        """
        job = execution.job()  # refused before anything is started
        from batchwright_dask.cluster import connected
        from batchwright_dask.driver import Driver

        with connected(self.options, execution.at_once) as client:
            Driver(client, execution, job, self.options).run()
