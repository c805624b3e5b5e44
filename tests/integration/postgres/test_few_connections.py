"""A role, or a server, that allows few connections: a run does with what it gets."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from batchwright.errors import SinkError
from tests.integration.postgres.examples import query
from tests.integration.postgres.opening import role
from tests.support.embedding import Scripted
from tests.support.loads import config_of, run
from tests.support.quick_runs import short_documents

GRANT = "GRANT USAGE, CREATE ON SCHEMA public TO ROLE"


@pytest.mark.parametrize(
    ("connections", "embeds", "writers"), [(2, False, 1), (3, False, 2), (3, True, 1), (4, True, 2)]
)
def test_a_run_writes_with_as_many_workers_as_may_connect(
    postgres_url: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    connections: int,
    embeds: bool,
    writers: int,
) -> None:
    docs = short_documents(tmp_path / "docs", 40)
    script = Scripted()
    settings = {"embedder": "scripted"} if embeds else {}
    query(postgres_url, "CREATE EXTENSION vector")
    with role(postgres_url, GRANT, f"ALTER USER ROLE CONNECTION LIMIT {connections}") as url:
        config = config_of(docs, url, workers=3, max_retries=0, max_outage=5.0, **settings)
        with caplog.at_level(logging.WARNING, "batchwright"):
            result = run(config, [script.plugin()])
        assert result.state == "done", result.reason
        assert result.account.records.written == 40
        [warning] = [record.getMessage() for record in caplog.records]
        assert f"writing with {writers} of 3 workers" in warning
        assert "too many connections" in warning


@pytest.mark.parametrize(("connections", "embeds"), [(1, False), (2, True)])
def test_too_few_connections_for_a_run_are_told_with_how_many_it_needs(
    postgres_url: str, tmp_path: Path, connections: int, embeds: bool
) -> None:
    docs = short_documents(tmp_path / "docs", 3)
    settings = {"embedder": "scripted"} if embeds else {}
    with role(postgres_url, GRANT, f"ALTER USER ROLE CONNECTION LIMIT {connections}") as url:
        config = config_of(docs, url, max_retries=0, max_outage=5.0, **settings)
        with pytest.raises(SinkError, match=r"too many connections .*; a run needs two, three where"):
            run(config, [Scripted().plugin()])
