"""Whole runs, against a server that fails meanwhile."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from batchwright import BatchConfig, BatchProcessor
from batchwright.testing import EmbeddingsServer, ServerFault, make_corpus


def processor(server: EmbeddingsServer, folder: Path, **options: Any) -> BatchProcessor:
    """Return one that embeds with the server."""
    section = {"base_url": server.url, "model": "tiny", "dimensions": 8, "texts": 8, **options}
    return BatchProcessor(
        BatchConfig(
            source=folder,
            to=f"sqlite:///{folder.parent / 'kb.db'}",
            embedder="openai",
            embedders={"openai": section},
            reporters=(),
        )
    )


def sent(server: EmbeddingsServer) -> Counter[str]:
    """Return how often each text was answered."""
    return Counter(text for asked in server.requests if asked.status == 200 for text in asked.texts)


def test_what_fails_on_the_way_costs_no_vector_and_no_text_is_paid_twice(
    server: EmbeddingsServer, tmp_path: Path
) -> None:
    server.set_faults(
        ServerFault(at=(2,), status=503),
        ServerFault(at=(4,), status=429, retry_after=0.2),
        ServerFault(at=(5,), reset=True),
        ServerFault(at=(7,), cut=100),
        ServerFault(at=(9,), refuse=0.5),
    )
    folder = make_corpus(tmp_path / "docs")
    first: Any = processor(server, folder).run()
    assert (first.state, first.account.vectors.made) == ("done", first.account.records.written)
    assert max(sent(server).values()) == 1
    before = sent(server)
    with (folder / "001.md").open("a") as stream:
        stream.write("\nOne line more.\n")
    second: Any = processor(server, folder).run()
    assert second.state == "done"
    news = sent(server) - before
    assert 1 <= second.account.vectors.made <= 2
    assert sum("One line more." in text for text in news) == 1


def test_a_text_that_is_refused_is_found_by_halving_and_costs_no_other(
    server: EmbeddingsServer, tmp_path: Path
) -> None:
    server.set_faults(ServerFault(text="Section 1 bad", status=422))
    folder = make_corpus(tmp_path / "docs")
    result = processor(server, folder).run()
    account: Any = result.account
    assert result.state == "done"
    assert (account.records.written, account.vectors.made, account.vectors.refused) == (72, 68, 4)


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "batchwright", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("asks", [["--mode", "vector"], ["--mode", "hybrid"], []])
def test_the_command_searches_with_the_embedder_that_loaded(
    server: EmbeddingsServer, tmp_path: Path, asks: list[str]
) -> None:
    make_corpus(tmp_path / "docs")
    mode = "" if asks else 'search_mode = "hybrid"\n'
    section = f'base_url = "{server.url}"\nmodel = "tiny"\ndimensions = 8\n'
    (tmp_path / "batchwright.toml").write_text(f'embedder = "openai"\n{mode}[embedders.openai]\n{section}')
    loaded = command(tmp_path, "run", "docs", "--json")
    assert loaded.returncode == 0, loaded.stderr
    found = command(tmp_path, "search", "section", "--json", "--limit", "3", *asks)
    assert found.returncode == 0, found.stderr
    hits = json.loads(found.stdout)["hits"]
    assert len(hits) == 3
    assert all(hit["line"] >= 1 for hit in hits)
    refused = command(tmp_path, "search", "section", "--mode", "hybrid", "--embedder", "nobody")
    assert refused.returncode == 2
    assert "nobody" in refused.stderr


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (ServerFault(at=tuple(range(1, 99)), status=429, code="insufficient_quota"), "quota"),
        (ServerFault(at=tuple(range(1, 99)), status=401), "check the key"),
        (ServerFault(at=tuple(range(1, 99)), dimensions=3), "a vector of 3 numbers where 8 are expected"),
    ],
)
def test_what_does_not_pass_ends_the_run_at_once_and_says_what_to_do(
    server: EmbeddingsServer, tmp_path: Path, fault: ServerFault, words: str
) -> None:
    server.set_faults(fault)
    result = processor(server, make_corpus(tmp_path / "docs")).run()
    assert result.state == "failed"
    assert words in result.reason
    assert len(server.requests) < 10
