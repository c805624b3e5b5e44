"""Runs that embed while somebody else has what they need of the vectors' tables."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from batchwright import EmbedderLimits, RunResult
from tests.integration.postgres.examples import query
from tests.support.embedding import Scripted
from tests.support.loads import config_of, run

_TIMEOUT = 0.4
"""Seconds that a call may take; a lock is held until several have."""

_PATIENCE = 30.0
_INDEXES = "SELECT indexname FROM pg_indexes WHERE indexdef LIKE '%hnsw%'"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(12):
        (tmp_path / f"{number}.md").write_text(
            f"# Title {number}\n\nSomething that is said only here: {number}.\n"
        )
    return tmp_path


def _load(folder: Path, url: str, script: Scripted, max_outage: float = _PATIENCE) -> RunResult:
    config = config_of(
        folder, url, embedder="scripted", batch_timeout=_TIMEOUT, max_retries=1, max_outage=max_outage
    )
    return run(config, [script.plugin()])


@contextmanager
def _locked(url: str, mode: str) -> Iterator[None]:
    """Lock the vectors until a call of the block must have waited for several timeouts."""
    ended, locked = threading.Event(), threading.Event()

    def hold() -> None:
        with psycopg.connect(url) as connection:
            connection.execute(f"LOCK TABLE knowledge_base_vectors IN {mode} MODE".encode())
            locked.set()
            ended.wait(6 * _TIMEOUT)

    holder = threading.Thread(target=hold)
    holder.start()
    assert locked.wait(_PATIENCE)
    try:
        yield
    finally:
        ended.set()
        holder.join(_PATIENCE)


def _loaded(folder: Path, url: str) -> Scripted:
    """Load; then there is something new, and no index."""
    script = Scripted(limits=EmbedderLimits(texts=8, at_once=2))
    assert _load(folder, url, script).exit_code == 0
    (folder / "more.md").write_text("# More\n\nSomething new.\n")
    return script


def test_an_index_may_take_longer_to_build_than_a_batch_and_an_outage(
    postgres_url: str, folder: Path
) -> None:
    script = _loaded(folder, postgres_url)
    [(index,)] = query(postgres_url, _INDEXES)
    query(postgres_url, "DROP INDEX {}", names=[index])
    with _locked(postgres_url, "ROW EXCLUSIVE"):  # as another run that keeps vectors has it
        assert _load(folder, postgres_url, script, max_outage=_TIMEOUT).exit_code == 0
    assert query(postgres_url, _INDEXES) == [(index,)]


@pytest.mark.parametrize("options", ["", "?lock_timeout=0.1", "?statement_timeout=0.2"])
def test_vectors_wait_for_who_builds_an_index(postgres_url: str, folder: Path, options: str) -> None:
    script = _loaded(folder, postgres_url)
    with _locked(postgres_url, "SHARE"):  # as building an index has it
        assert _load(folder, f"{postgres_url}{options}", script).exit_code == 0
    assert query(postgres_url, "SELECT count(*) FROM knowledge_base_vectors") == [(13,)]
    assert set(script.texts.values()) == {1}
