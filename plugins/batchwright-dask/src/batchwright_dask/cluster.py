"""Connecting to a scheduler, or starting a cluster on this machine."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing import resource_tracker

from batchwright import ExecutorError
from dask.system import CPU_COUNT
from distributed import Client, LocalCluster, Security

from batchwright_dask.options import DaskOptions


@contextmanager
def connected(options: DaskOptions, at_once: int) -> Iterator[Client]:
    """Connect to the scheduler, or to a cluster of this machine's own that ends with the context.

    Args:
        options: Which.
        at_once: Partitions that may be loaded at the same time, at most.

    Raises:
        ExecutorError: The scheduler can't be reached, or the cluster not be started.
    """
    with ExitStack() as stack:
        try:
            address = options.scheduler
            if address is None:
                address = stack.enter_context(_local_cluster(options, at_once)).scheduler_address
            client = stack.enter_context(
                Client(
                    address,
                    timeout=options.connect_timeout,
                    security=_security(options),
                    set_as_default=False,
                    name="batchwright",
                )
            )
        except (OSError, TimeoutError, ValueError, RuntimeError) as error:
            where = options.scheduler or "of this machine"
            raise ExecutorError(
                f"the Dask scheduler {where} can't be reached ({type(error).__name__}: {error}); "
                f"start one with `dask scheduler`, and workers with `dask worker ADDRESS --nthreads 1`"
            ) from error
        yield client


@contextmanager
def _local_cluster(options: DaskOptions, at_once: int) -> Iterator[LocalCluster]:
    with _interrupts_held_back():
        cluster = LocalCluster(
            n_workers=options.workers or min(CPU_COUNT, at_once),
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.ERROR,
        )
    with cluster:
        yield cluster


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Have what is started meanwhile never see a Ctrl-C, which is for the run to deal with.

    A thread and a process inherit which signals are blocked, and so do workers that are started again later,
    since the cluster's own thread starts them.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # or else its start unblocks them
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _security(options: DaskOptions) -> Security | None:
    if options.tls_ca_file is None:
        return None
    return Security(
        tls_ca_file=str(options.tls_ca_file),
        tls_client_cert=str(options.tls_cert) if options.tls_cert else None,
        tls_client_key=str(options.tls_key) if options.tls_key else None,
        require_encryption=True,
    )
