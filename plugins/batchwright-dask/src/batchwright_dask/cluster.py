"""Connecting to a scheduler, or starting a cluster on this machine."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from batchwright import ExecutorError
from distributed import Client, LocalCluster, Security

from batchwright_dask.options import DaskOptions


@contextmanager
def connected(options: DaskOptions) -> Iterator[Client]:
    """Connect to the scheduler, or to a cluster of this machine's own that ends with the context.

    Raises:
        ExecutorError: The scheduler can't be reached, or the cluster not be started.
    """
    with ExitStack() as stack:
        try:
            address = options.scheduler or stack.enter_context(_local_cluster(options)).scheduler_address
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
def _local_cluster(options: DaskOptions) -> Iterator[LocalCluster]:
    with _interrupts_ignored():  # which its processes inherit: a Ctrl-C is for the run to deal with
        cluster = LocalCluster(
            n_workers=options.workers or os.cpu_count() or 1,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.ERROR,
        )
    with cluster:
        yield cluster


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _security(options: DaskOptions) -> Security | None:
    if options.tls_ca_file is None:
        return None
    return Security(
        tls_ca_file=str(options.tls_ca_file),
        tls_client_cert=str(options.tls_cert) if options.tls_cert else None,
        tls_client_key=str(options.tls_key) if options.tls_key else None,
        require_encryption=True,
    )
