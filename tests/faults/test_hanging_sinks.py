"""A sink that hangs for ever on one of 200 batches: the other 199 land, and the run and the process end."""

from __future__ import annotations

import time
from pathlib import Path

import psycopg
import pytest

from batchwright import PluginManager
from tests.support.command import command
from tests.support.loads import config_of, run
from tests.support.tables import published

BAD = "record 117"
PLUGIN = Path(__file__).parents[1] / "support" / "hang.py"


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """200 documents of one chunk."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    for number in range(200):
        (folder / f"{number:03}.md").write_text(f"record {number:03}\n")
    return folder


def test_a_sink_that_hangs_and_hears_nothing_costs_one_batch(corpus: Path, tmp_path: Path) -> None:
    environ = {
        "HANG_ON": BAD,
        "BATCHWRIGHT_BATCH_TIMEOUT": "0.5",
        "BATCHWRIGHT_BATCH_SIZE": "1",
        "BATCHWRIGHT_MAX_OUTAGE": "5",
    }
    arguments = ["run", str(corpus), "--to", "hanging:///kb.db", "--plugin", str(PLUGIN), "--json", "-q"]
    started = time.monotonic()
    ended = command(*arguments, cwd=tmp_path, environ=environ)

    assert time.monotonic() - started < 20
    assert ended.code == 1, ended.err
    account = ended.result["account"]
    assert account["batches"] == 199
    assert account["batches_failed"] == 1
    assert account["records"]["written"] == 199
    assert account["documents"]["failed"] == 1
    url = f"sqlite:///{tmp_path}/kb.db"
    assert len(published(url)) == 199

    again = command(*arguments, cwd=tmp_path, environ={**environ, "HANG_ON": ""})
    assert again.code == 0, again.err
    assert len(published(url)) == 200


@pytest.mark.parametrize("workers", [3, pytest.param(1, marks=pytest.mark.slow)])
def test_a_batch_that_waits_for_a_lock_for_ever_costs_one_batch(
    corpus: Path, postgres_url: str, workers: int
) -> None:
    config = config_of(corpus, postgres_url, batch_size=1, batch_timeout=0.5, workers=workers)
    with PluginManager.load().make_sink(config.to, {}).open():
        pass  # the tables are there
    with psycopg.connect(postgres_url, autocommit=True) as other:
        other.execute(
            f"""CREATE FUNCTION wait_for_ever() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF NEW.chunk_text LIKE '%{BAD}%' THEN PERFORM pg_advisory_xact_lock(42); END IF;
                RETURN NEW; END $$"""
        )
        other.execute(
            "CREATE TRIGGER wait BEFORE INSERT ON knowledge_base_records "
            "FOR EACH ROW EXECUTE FUNCTION wait_for_ever()"
        )
        other.execute("SELECT pg_advisory_lock(42)")
        started = time.monotonic()
        result = run(config)
        assert time.monotonic() - started < 20

        assert result.state == "failed"
        assert (result.account.batches, result.account.batches_failed) == (199, 1)
        assert len(published(postgres_url)) == 199
        waiting = other.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
        assert waiting == (0,)  # the statement was cancelled, not merely given up
        other.execute("SELECT pg_advisory_unlock(42)")
    assert run(config).state == "done"
    assert len(published(postgres_url)) == 200
