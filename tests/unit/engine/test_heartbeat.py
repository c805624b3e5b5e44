"""A run and its lease: heartbeats that fail, and a lease that is lost."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from batchwright import BatchConfig, BatchProcessor, ErrorRecoveryAction, hookimpl
from batchwright.engine.lease import LeaseTimes
from tests.support.memory import MemoryPlugin
from tests.support.policies import quick

TIMES = LeaseTimes(beat=0.02)


class Skipping:
    """Says SKIP of everything."""

    @hookimpl
    def classify_error(self, failure: Any) -> ErrorRecoveryAction:
        return ErrorRecoveryAction.SKIP


def _processor(folder: Path, plugin: MemoryPlugin, *more: object, **settings: Any) -> BatchProcessor:
    (folder / "docs").mkdir()
    for number in range(3):
        (folder / "docs" / f"{number}.md").write_text(f"# {number}\n\nWords.\n")
    config = BatchConfig(
        input_dir=folder / "docs", to="memory://", batch_size=1, readers=1, reporters=(), **settings
    )
    return BatchProcessor(config, plugins=[plugin, *more], policy=quick(config, leases=TIMES))


def test_a_lease_is_given_back_and_its_token_stands_in_every_receipt(tmp_path: Path) -> None:
    plugin, tokens = MemoryPlugin(), set()
    plugin.database.before = lambda batch, receipt: tokens.add(receipt.token)
    assert _processor(tmp_path, plugin).run().state == "done"
    assert len(tokens) == 1
    assert None not in tokens
    assert plugin.database.tables.leases.held == {}


def test_a_lost_lease_interrupts_the_run_whatever_a_classifier_says(tmp_path: Path) -> None:
    plugin = MemoryPlugin()

    def rob(batch: Any, receipt: Any) -> None:
        leases = plugin.database.tables.leases
        if len(plugin.database.writes) == 2 and leases.held["docs"].token == receipt.token:
            leases.swap("docs", receipt.token, replace(leases.held["docs"], token="new", run_id="other"))

    plugin.database.before = rob
    result = _processor(tmp_path, plugin, Skipping()).run()
    assert (result.state, result.reason[:21]) == ("interrupted", "replaced by run other")
    records = result.account.records
    assert (records.written, records.rejected, records.failed) == (1, 0, 0)
    assert plugin.database.tables.rejects == {}
    assert plugin.database.tables.leases.held["docs"].token == "new", "what is another's stays"


def test_a_heartbeat_that_finds_another_token_ends_the_run(tmp_path: Path) -> None:
    plugin = MemoryPlugin()

    def rob(batch: Any, receipt: Any) -> None:
        leases = plugin.database.tables.leases
        leases.swap("docs", receipt.token, None)
        time.sleep(0.3)

    plugin.database.after = rob
    result = _processor(tmp_path, plugin).run()
    assert result.state == "interrupted"
    assert "the ledger no longer knows this run" in result.reason
    assert result.account.records.written == 1


def test_a_heartbeat_that_can_not_be_written_is_no_outage(tmp_path: Path) -> None:
    plugin = MemoryPlugin()
    tried: list[str] = []

    def fail(collection: str, token: str) -> bool:
        tried.append(token)
        raise ConnectionError("gone")

    plugin.database.tables.leases.beat = fail  # type: ignore[method-assign]
    plugin.database.after = lambda batch, receipt: time.sleep(0.1)
    result = _processor(tmp_path, plugin).run()
    assert (result.state, result.account.retries) == ("done", 0)
    assert len(tried) > 1


def test_a_lease_whose_end_could_not_be_told_is_free_for_the_same_process(tmp_path: Path) -> None:
    plugin = MemoryPlugin()
    processor = _processor(tmp_path, plugin)
    leases = plugin.database.tables.leases
    swap = leases.swap

    def fail(collection: str, token: str | None, lease: Any) -> bool:
        if lease is None:
            raise ConnectionError("gone")
        return swap(collection, token, lease)

    leases.swap = fail  # type: ignore[method-assign]
    assert processor.run().state == "done"
    assert leases.held
    leases.swap = swap  # type: ignore[method-assign]
    assert processor.run().state == "done"
    assert leases.held == {}


def test_a_run_that_loses_its_lease_at_the_end_is_not_noted_as_done(tmp_path: Path) -> None:
    plugin = MemoryPlugin()

    def rob(method: str) -> None:
        leases = plugin.database.tables.leases
        if method == "finish_run" and (own := leases.held["docs"]).token != "new":
            leases.swap("docs", own.token, replace(own, token="new", run_id="other"))

    plugin.database.asked = rob
    result = _processor(tmp_path, plugin).run()
    assert (result.state, result.reason[:21]) == ("interrupted", "replaced by run other")
    [run] = plugin.database.tables.runs.values()
    assert (run.state, dict(run.account)) == ("running", {}), "what it wrote is another run's to account for"


def test_rejects_of_earlier_runs_are_dropped_under_the_lease_only(tmp_path: Path) -> None:
    plugin = MemoryPlugin()
    processor = _processor(tmp_path, plugin)
    (tmp_path / "docs" / "0.md").write_bytes(b"\xe9")
    assert processor.run().account.documents.failed == 1
    kept = dict(plugin.database.tables.rejects)
    (tmp_path / "docs" / "0.md").unlink()

    def rob(batch: Any, receipt: Any) -> None:
        leases = plugin.database.tables.leases
        if receipt.resolved:
            leases.swap("docs", receipt.token, replace(leases.held["docs"], token="new", run_id="other"))

    plugin.database.before = rob
    assert processor.run().state == "interrupted"
    assert plugin.database.tables.rejects == kept
    plugin.database.tables.leases.held.clear()
    plugin.database.before = lambda batch, receipt: None
    assert processor.run().state == "done"
    assert plugin.database.tables.rejects == {}
