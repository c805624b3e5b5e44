"""Leases in DuckDB: the ledger's, and before them the lock that DuckDB has on its file."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.support.lease_checks import LeaseRunChecks
from tests.support.leased import Gated, documents, done, order


class TestLeases(LeaseRunChecks):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"duckdb:///{tmp_path}/kb.duckdb?busy_timeout=0.2"

    def test_a_run_that_is_stopped_keeps_the_file(self, url: str, docs: Path) -> None:
        with Gated(order(docs, url)) as first:
            first.reached()
            first.send(signal.SIGSTOP)
            busy = json.loads(done(order(docs, url, "--wait", "4"), code=4).said("out"))
            assert busy["held_by"] == f"process {first.pid}"
            first.release()
            first.send(signal.SIGCONT)
            assert first.ended().code == 0
        self.check_sound(url)

    def test_a_run_of_another_collection_waits_as_well(self, url: str, docs: Path, tmp_path: Path) -> None:
        others = documents(tmp_path / "others")
        with Gated(order(docs, url)) as first:
            first.reached()
            done(order(others, url), code=4)
            first.release()
            done(order(others, url, "--wait", "30"))
            assert first.ended().code == 0
        self.check_sound(url)
