"""Databases that lack characters, and values beyond a limit: they cost their document, not the run."""

from __future__ import annotations

import random
import string
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from batchwright import BatchConfig, BatchProcessor, Target
from tests.support.databases import Databases
from tests.support.loads import config_of, run


@pytest.fixture(params=["LATIN1", "SQL_ASCII", "KOI8R"])
def narrow_url(request: pytest.FixtureRequest, postgres_server: Databases) -> Iterator[str]:
    """An empty database of another encoding than UTF8."""
    name = f"narrow_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server.dsn(), autocommit=True) as session:
        session.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE 'C' LC_CTYPE 'C'").format(
                sql.Identifier(name), sql.Literal(request.param)
            )
        )
    yield postgres_server.dsn(name)
    postgres_server.drop_database(name)


NAMES = ("plain.md", "naïve café.md", "日本語.md", "Привет.md", "€uro.md")


@pytest.fixture
def named(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    for name in NAMES:
        (folder / name).write_text(f"# Title\n\nbody of {name[:1]}, and pears\n")
    for number in range(30):
        (folder / f"{number:02}.md").write_text(f"# Garden\n\npeas {number}\n")
    return folder


def test_names_and_texts_that_the_database_cannot_hold_cost_their_documents(
    named: Path, narrow_url: str
) -> None:
    result = BatchProcessor(config_of(named, narrow_url)).run()
    assert result.state == "done", result.reason
    result.account.check()
    documents = result.account.documents
    assert documents.added >= 31
    with Target(narrow_url) as target:
        rejects = list(target.rejects())
    assert documents.added + len({reject.key for reject in rejects}) == len(NAMES) + 30
    assert {reject.key for reject in rejects} <= set(NAMES)

    again = BatchProcessor(config_of(named, narrow_url)).run()
    assert (again.state, again.account.documents.added) == ("done", 0)
    assert again.account.records.rejected == 0  # not anew on each run


def test_search_works_whatever_the_encoding(named: Path, narrow_url: str) -> None:
    BatchProcessor(config_of(named, narrow_url)).run()
    with Target(narrow_url) as target:
        assert target.search("peas")
        assert {hit.key for hit in target.search("日本")} <= {"日本語.md"}


def test_a_document_that_cannot_be_read_is_kept_with_the_rejects_whatever_its_name(
    named: Path, narrow_url: str
) -> None:
    (named / "日本.md").write_bytes(b"\xff\xfe\xfa")
    result = BatchProcessor(config_of(named, narrow_url)).run()
    assert result.state == "done", result.reason
    with Target(narrow_url) as target:
        assert "日本.md" in {reject.key for reject in target.rejects()}


def test_a_path_of_thousands_of_bytes_that_do_not_compress_is_stored(
    tmp_path: Path, postgres_url: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.md").write_text("a\n")
    monkeypatch.chdir(folder)
    for _ in range(13):
        name = "".join(chance.choices(string.ascii_letters + string.digits, k=240))
        Path(name).mkdir()
        monkeypatch.chdir(name)
    Path("deep.md").write_text("deep\n")
    monkeypatch.chdir(tmp_path)
    result = run(BatchConfig(input_dir=folder, to=postgres_url, reporters=()))
    assert (result.state, result.account.documents.added) == ("done", 2)
