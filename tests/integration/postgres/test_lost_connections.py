"""Connections that are lost, or hang."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from tests.integration.postgres.examples import (
    publish,
    store_at,
    version,
)
from tests.support.postgres import PostgresServer


def test_a_store_that_lost_its_connection_is_done(own_postgres: PostgresServer) -> None:
    with store_at(own_postgres.dsn()) as store:
        publish(store, version())
        own_postgres.restart()
        with pytest.raises(ConnectionError, match="lost the connection"):
            publish(store, version("b.md"))
        for use in (store.probe, lambda: store.ledger.committed("none"), lambda: store.search("text")):
            with pytest.raises(ConnectionError, match="was lost before"):
                use()
    with store_at(own_postgres.dsn()) as another:
        publish(another, version("b.md"))
        assert len(another.ledger.documents("docs")) == 2


@contextmanager
def frozen(server: PostgresServer) -> Iterator[None]:
    """While this lasts, no process of the server does anything."""
    assert server.pid is not None
    postmaster = psutil.Process(server.pid)
    processes = [postmaster, *postmaster.children(recursive=True)]
    for process in processes:
        os.kill(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process.pid, signal.SIGCONT)


def test_cancel_hangs_up_on_a_frozen_server(own_postgres: PostgresServer) -> None:
    with store_at(own_postgres.dsn()) as store:
        publish(store, version())
        errors: list[Exception] = []

        def work() -> None:
            try:
                publish(store, version("b.md"))
            except Exception as error:  # noqa: BLE001 - looked at below
                errors.append(error)

        with frozen(own_postgres):
            thread = threading.Thread(target=work)
            thread.start()
            time.sleep(0.3)
            start = time.monotonic()
            store.cancel()
            thread.join(5)
            assert time.monotonic() - start < 4
            assert isinstance(errors[0], ConnectionError)
