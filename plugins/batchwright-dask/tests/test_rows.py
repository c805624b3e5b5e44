"""Rows with Dask in the settings: this process loads them, and no cluster is asked."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import psycopg
import pytest

from tests.cluster import Cluster
from tests.support.command import Command, command
from tests.support.postgres import free_port
from tests.support.tables import contents

ROWS = 20_000


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with rows, documents, and settings with a scheduler that isn't there."""
    write(tmp_path, range(ROWS))
    (tmp_path / "docs").mkdir()
    for number in range(20):
        (tmp_path / "docs" / f"{number}.md").write_text(f"# Document {number}\n\nwords\n", "utf-8")
    schedule(tmp_path, f"tcp://127.0.0.1:{free_port()}")
    return tmp_path


def schedule(folder: Path, address: str) -> None:
    (folder / "batchwright.toml").write_text(
        f'executor = "dask"\n[executors.dask]\nscheduler = "{address}"\n'
    )


def write(folder: Path, numbers: range) -> None:
    rows = "".join(f"{number},name {number}\n" for number in numbers)
    (folder / "orders.csv").write_text(f"id,name\n{rows}", "utf-8")


@pytest.mark.parametrize("target", ["postgres", "sqlite"])
@pytest.mark.parametrize("options", [("--key", "id"), (), ("--key", "id", "--chunk", "name")], ids=str)
def test_no_scheduler_is_asked(
    here: Path, options: tuple[str, ...], target: str, request: pytest.FixtureRequest
) -> None:
    write(here, range(50))
    to = request.getfixturevalue("url") if target == "postgres" else "sqlite:///kb.db"
    with Command(["run", "orders.csv", *options, "--to", to, "--json"], here) as running:
        assert not running.children()
        ended = running.ended()
    assert ended.code == 0, ended.err
    assert ended.result["account"]["records"]["written"] == 50
    assert ended.result["executor"] == "local"
    again = command("plan", "orders.csv", *options, "--to", to, cwd=here)
    assert "  executor: local, not dask: rows are loaded by one process" in again.out.splitlines()


def test_of_two_sources_only_the_documents_are_loaded_by_the_cluster(
    here: Path, url: str, cluster: Cluster
) -> None:
    schedule(here, cluster.address)
    ended = command("run", "orders.csv", "docs", "--to", url, "--workers", "2", "--json", cwd=here)
    assert ended.code == 0, ended.err
    rows, documents = ended.result["runs"]
    assert (rows["executor"], rows["account"]["documents"]["unchanged"]) == ("local", 0)
    assert rows["account"]["records"]["written"] > 0
    assert (documents["executor"], documents["account"]["documents"]["added"]) == ("dask", 20)
    assert len(contents(url).chunks) == 20


def test_after_a_kill_the_same_command_completes_them_and_prunes(here: Path, url: str) -> None:
    arguments = ["run", "orders.csv", "--key", "id", "--to", url, "--batch-size", "50", "--json"]
    with Command(arguments, here) as running:
        deadline = time.monotonic() + 60
        while not stored(url):
            assert running.process.poll() is None, running.ended()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.kill(running.process.pid, signal.SIGKILL)
        running.process.wait(30)
    assert 0 < stored(url) < ROWS
    ended = command(*arguments, cwd=here)
    states = ended.result["account"]["documents"]
    assert (ended.code, states["added"] + states["unchanged"], states["added"] > 0) == (0, ROWS, True)
    write(here, range(1, ROWS))
    ended = command(*arguments, "--prune", cwd=here)
    assert (ended.code, ended.result["account"]["removed"], stored(url)) == (0, 1, ROWS - 1)


def test_what_was_lost_of_them_is_restored(here: Path, url: str) -> None:
    write(here, range(100))
    assert command("run", "orders.csv", "--key", "id", "--to", url, cwd=here).code == 0
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DELETE FROM orders_records WHERE id < 10")
    ended = command("verify", "--repair", "--to", url, "--json", cwd=here)
    assert (ended.code, ended.result["repaired"], stored(url)) == (0, 10, 100)


def stored(url: str) -> int:
    with psycopg.connect(url) as connection:
        if connection.execute("SELECT to_regclass('orders')").fetchone() == (None,):
            return 0
        found = connection.execute("SELECT count(*) FROM orders").fetchone()
    assert found is not None
    return int(found[0])
