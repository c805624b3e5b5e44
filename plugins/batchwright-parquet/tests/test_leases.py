"""Leases in a folder: files in it, heard by their time of change, and a lock for as long as a write takes."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest
from batchwright_parquet import ParquetOptions, ParquetSink
from batchwright_parquet.layout import LEASES, LOCK
from pydantic import SecretStr

from batchwright import Collection, Lease, Owner, Patience
from tests.support.forked import Forked
from tests.support.lease_checks import LeaseRunChecks
from tests.support.leased import Gated, begin, documents, done, order

LEASE = Lease("docs", "token", "run", Owner("elsewhere", 1), "2026-01-01T00:00:00+00:00")


class TestLeases(LeaseRunChecks):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"parquet:///{tmp_path}/kb?busy_timeout=0.2"

    def test_a_run_that_was_stopped_and_replaced_commits_nothing_more(self, url: str, docs: Path) -> None:
        with Gated(order(docs, url)) as first:
            first.reached()
            first.send(signal.SIGSTOP)
            documents(docs, "newer", chunks=9)
            done(order(docs, url, "--wait", "10"))
            first.release()
            first.send(signal.SIGCONT)
            ended = first.ended()
        assert ended.code == 1, ended
        assert ended.result["reason"].startswith("replaced by run "), ended
        assert ended.result["account"]["records"]["failed"] == 0
        self.check_sound(url)
        assert json.loads(done(order(docs, url)).said("out"))["account"]["documents"]["unchanged"] == 3

    def test_a_run_of_another_collection_goes_on_beside(self, url: str, docs: Path, tmp_path: Path) -> None:
        others = documents(tmp_path / "others")
        with Gated(order(docs, url)) as first:
            first.reached()
            done(order(others, url))
            first.release()
            assert first.ended().code == 0
        self.check_sound(url)

    def test_a_run_that_is_stopped_inside_a_write_keeps_the_folder(self, url: str, tmp_path: Path) -> None:
        docs = documents(tmp_path / "docs", chunks=60)
        with begin(order(docs, url, "--batch-size", "1")) as first:
            _stop_inside(first, tmp_path / "kb")
            busy = json.loads(done(order(docs, url, "--wait", "4"), code=4).said("out"))
            assert busy["held_by"].startswith(f"process {first.pid}"), busy
            first.send(signal.SIGKILL)
            first.ended()
            done(order(docs, url))
        self.check_sound(url)

    def test_two_that_find_a_silent_run_do_not_both_take_its_place(self, url: str, docs: Path) -> None:
        with Gated(order(docs, url)) as first:
            first.reached()
            first.send(signal.SIGSTOP)
            time.sleep(2.0)
            with begin(order(docs, url)) as one, begin(order(docs, url)) as other:
                codes = sorted((one.ended().code, other.ended().code))
            assert codes in ([0, 0], [0, 4]), codes  # the second may come when the first is done
            first.release()
            first.send(signal.SIGCONT)
            assert first.ended().code == 1
        self.check_sound(url)


def _stop_inside(process: Forked, root: Path) -> None:
    """Stop a process where it has the folder locked."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if not (root / LEASES).exists():
            time.sleep(0.01)
            continue
        process.send(signal.SIGSTOP)
        time.sleep(0.005)
        with (root / LOCK).open("r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
        process.send(signal.SIGCONT)
        time.sleep(0.003)
    pytest.fail("it was never inside a write")


def test_a_heartbeat_is_the_time_of_change_of_a_file(tmp_path: Path) -> None:
    with ParquetSink(ParquetOptions(url=SecretStr(f"parquet:///{tmp_path}/kb"))).open() as store:
        store.ledger.enter_collection(Collection("docs"))
        assert store.ledger.swap_lease("docs", None, LEASE, Patience(1))
        [file] = (tmp_path / "kb" / LEASES).iterdir()
        os.utime(file, (0, 0))
        old = store.ledger.lease("docs")
        assert old is not None
        assert old.age > 1e9
        assert store.ledger.beat("docs", "token")
        new = store.ledger.lease("docs")
        assert new is not None
        assert (new.age < 60, new.beat != old.beat) == (True, True)
        assert replace(new, beat=0, age=0.0) == LEASE
