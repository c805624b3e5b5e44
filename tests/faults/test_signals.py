"""The first SIGINT or SIGTERM ends a run in good order, the second at once; waits end; no child is left."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import Command, command
from tests.support.corpus import write_corpus
from tests.support.postgres import PostgresServer
from tests.support.tables import contents, published, rows
from tests.support.targets import PostgresTarget

PLUGIN = Path(__file__).parents[1] / "support" / "hang.py"
SETTINGS = {"BATCHWRIGHT_CHUNK_MAX_TOKENS": "24", "BATCHWRIGHT_BATCH_SIZE": "7"}
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}


@pytest.fixture
def corpus(tmp_path: Path, seed: int) -> Path:
    return write_corpus(tmp_path / "corpus", seed, 16, sections=12)


@pytest.fixture
def arguments(corpus: Path) -> list[str]:
    return ["run", str(corpus), "--to", "hanging:///kb.db", "--plugin", str(PLUGIN), "--json", "-q"]


def _wait_for(condition: Callable[[], Any], timeout: float = 20) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _whole(folder: Path) -> None:
    """Check that every published document is whole, and that the command, run again, loads the rest."""
    url = f"sqlite:///{folder}/kb.db"
    whole = {row["key"]: row["chunks"] for row in rows(url, "knowledge_base_documents")}
    seen = published(url)
    assert {name: len(seen.get(name, ())) for name in whole} == whole


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_the_first_signal_ends_the_run_in_good_order(
    corpus: Path, arguments: list[str], tmp_path: Path, number: signal.Signals
) -> None:
    url = f"sqlite:///{tmp_path}/kb.db"
    with Command(arguments, tmp_path, {**SETTINGS, "HANG_EVERY": "0.1"}) as running:
        _wait_for(lambda: len(rows(url, "knowledge_base_receipts")) >= 3)
        running.send(number)
        ended = running.ended(timeout=10)

    assert ended.code == CODES[number], ended.err
    assert "Traceback" not in ended.err
    result = ended.result
    assert result["state"] == "interrupted"
    assert result["reason"] == number.name
    assert result["account"]["records"]["not_attempted"] > 0
    assert result["account"]["batches"] == len(rows(url, "knowledge_base_receipts"))
    [noted] = rows(url, "knowledge_base_runs")
    assert noted["state"] == "interrupted"
    _whole(tmp_path)

    assert command(*arguments, cwd=tmp_path, environ=SETTINGS).code == 0
    other = f"sqlite:///{tmp_path}/other.db"
    assert command("run", str(corpus), "--to", other, cwd=tmp_path, environ=SETTINGS).code == 0
    assert contents(url).differences(contents(other)) == []


def test_the_second_signal_ends_it_at_once(arguments: list[str], tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/kb.db"
    with Command(arguments, tmp_path, {**SETTINGS, "HANG_ON": "Section 5."}) as running:
        _wait_for(lambda: len(rows(url, "knowledge_base_receipts")) >= 3)
        time.sleep(0.5)  # into the batch that hangs
        running.send(signal.SIGINT)
        time.sleep(0.5)
        assert running.process.poll() is None  # it finishes what is in flight, which hangs
        started = time.monotonic()
        running.send(signal.SIGINT)
        ended = running.ended(timeout=10)
    assert time.monotonic() - started < 2
    assert ended.code == 130, ended.err
    assert "Traceback" not in ended.err
    _whole(tmp_path)
    assert command(*arguments, cwd=tmp_path, environ=SETTINGS).code == 0


@pytest.mark.parametrize(
    "retries",
    [
        pytest.param("10", id="a wait before a retry"),
        pytest.param("0", id="the hold of an outage", marks=pytest.mark.slow),
    ],
)
def test_a_signal_ends_a_wait(arguments: list[str], tmp_path: Path, retries: str) -> None:
    url, down = f"sqlite:///{tmp_path}/kb.db", tmp_path / "down"
    environ = {**SETTINGS, "HANG_EVERY": "0.1", "DOWN": str(down), "BATCHWRIGHT_MAX_RETRIES": retries}
    with Command(arguments, tmp_path, environ) as running:
        _wait_for(lambda: len(rows(url, "knowledge_base_receipts")) >= 3)
        down.touch()
        time.sleep(3.5)  # into the wait of four seconds, or between probes
        started = time.monotonic()
        running.send(signal.SIGTERM)
        ended = running.ended(timeout=15)
    assert time.monotonic() - started < 1.5
    assert ended.code == 143, ended.err
    assert ended.result["account"]["records"]["failed"] == 0
    down.unlink()
    assert command(*arguments, cwd=tmp_path, environ=SETTINGS).code == 0


def test_a_signal_while_postgres_is_away_ends_the_run_as_interrupted(
    corpus: Path, own_postgres: PostgresServer, tmp_path: Path
) -> None:
    url = PostgresTarget(own_postgres).fresh()
    arguments = ["run", str(corpus), "--to", url, "--json", "-q"]
    environ = {**SETTINGS, "BATCHWRIGHT_MAX_RETRIES": "0", "BATCHWRIGHT_BATCH_SIZE": "1"}
    with Command(arguments, tmp_path, environ) as running:
        _wait_for(lambda: len(rows(url, "knowledge_base_receipts")) >= 3)
        own_postgres.stop("immediate")
        time.sleep(1)
        started = time.monotonic()
        running.send(signal.SIGINT)
        ended = running.ended(timeout=15)
    assert time.monotonic() - started < 3
    assert ended.code == 130, ended.err
    assert ended.result["state"] == "interrupted"
    own_postgres.start()
    assert command(*arguments, cwd=tmp_path, environ=environ).code == 0


@pytest.mark.parametrize("delay", [0.3, *(pytest.param(d, marks=pytest.mark.slow) for d in (0.0, 0.1, 0.6))])
def test_an_interrupt_from_the_terminal_leaves_no_reading_process(
    corpus: Path, arguments: list[str], tmp_path: Path, delay: float
) -> None:
    environ = {**SETTINGS, "HANG_EVERY": "0.1", "BATCHWRIGHT_READERS": "2"}
    with Command(arguments, tmp_path, environ) as running:
        running.wait_for_children(1)
        time.sleep(delay)
        running.send(signal.SIGINT, group=True)
        ended = running.ended(timeout=15)
        assert running.survivors() == []
    assert ended.code == 130, ended.err
    assert "Traceback" not in ended.err
    assert command(*arguments, cwd=tmp_path, environ=SETTINGS).code == 0
