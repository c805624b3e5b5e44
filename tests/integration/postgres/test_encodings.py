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

from batchwright import BatchConfig, BatchProcessor, ConfigError, Target
from batchwright.builtin.postgres.narrow import ServerEncoding
from batchwright.contracts.account import DocumentCounts
from batchwright.operations.plan import plan
from batchwright.plugins.manager import PluginManager
from tests.integration.postgres.examples import publish, store_at, version
from tests.support.databases import Databases
from tests.support.loads import config_of, run


@pytest.fixture(params=["LATIN1", "SQL_ASCII", "KOI8R"])
def narrow_url(request: pytest.FixtureRequest, postgres_server: Databases) -> Iterator[str]:
    """An empty database of another encoding than UTF8."""
    yield from _database(postgres_server, request.param)


@pytest.fixture
def latin_url(postgres_server: Databases) -> Iterator[str]:
    """An empty database that holds what western Europe writes."""
    yield from _database(postgres_server, "LATIN1")


def _database(postgres_server: Databases, encoding: str) -> Iterator[str]:
    name = f"narrow_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server.dsn(), autocommit=True) as session:
        session.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE 'C' LC_CTYPE 'C'").format(
                sql.Identifier(name), sql.Literal(encoding)
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
    assert (again.account.batches, again.account.documents.failed) == (0, 0)  # not anew on each run


def test_a_document_whose_name_the_database_cannot_hold_is_refused_once(
    tmp_path: Path, latin_url: str
) -> None:
    for name in NAMES:
        (tmp_path / name).write_text("pears\n")
    config = config_of(tmp_path, latin_url)
    result = BatchProcessor(config).run()
    result.account.check()
    assert (result.state, result.exit_code) == ("done", 3)
    assert (result.account.documents.refused, result.account.documents.failed) == (3, 0)
    with Target(latin_url) as target:
        before = list(target.rejects())
    assert {reject.key for reject in before} == {"日本語.md", "Привет.md", "€uro.md"}

    foreseen = plan(config, PluginManager.load())
    again = BatchProcessor(config).run()
    assert (foreseen.refused, foreseen.records) == (3, 0)
    assert again.account.documents == DocumentCounts(unchanged=2, refused=3)
    assert (again.account.batches, again.account.records.written) == (0, 0)
    with Target(latin_url) as target:
        assert list(target.rejects()) == before  # neither written nor rejected anew

    (tmp_path / "日本語.md").rename(tmp_path / "nihongo.md")
    renamed = BatchProcessor(config).run()
    assert (renamed.account.documents.added, renamed.account.documents.refused) == (1, 2)
    with Target(latin_url) as target:
        assert {reject.key for reject in target.rejects()} == {"Привет.md", "€uro.md"}


@pytest.mark.parametrize("encoding", ["KOI8R", "WIN1251", "LATIN9", "EUC_JP"])
def test_nothing_published_is_taken_for_deleted_where_bytes_sort_unlike_code_points(
    tmp_path: Path, postgres_server: Databases, encoding: str
) -> None:
    names = ("юла", "абв", "ёж", "цапля", "Яма", "zz", "é", "€", "Š", "ž", "日本", "漢", "あ", "ア", "a\x7f")
    for name in names:
        (tmp_path / f"{name}.md").write_text(f"# {len(name)}\n\npears\n")
    for url in _database(postgres_server, encoding):
        config = config_of(tmp_path, url, prune=True, prune_limit=1.0)
        first = BatchProcessor(config).run().account.documents
        again = BatchProcessor(config).run().account
        assert again.documents == DocumentCounts(unchanged=first.added, refused=first.refused)
        assert first.added + first.refused == len(names)
        assert (again.removed, again.batches) == (0, 0)
        with Target(url) as target:
            hits = target.search("pears", limit=100)
            assert len(hits) + sum(len(hit.places) for hit in hits) == first.added


def test_the_folders_above_the_input_may_have_names_that_the_database_cannot_hold(
    tmp_path: Path, latin_url: str
) -> None:
    folder = tmp_path / "日本" / "docs"
    folder.mkdir(parents=True)
    (folder / "a.md").write_text("a\n")
    for state in ("added", "unchanged"):
        result = BatchProcessor(config_of(folder, latin_url)).run()
        assert (result.state, getattr(result.account.documents, state)) == ("done", 1)
    with Target(latin_url) as target:
        assert [one.origin for one in target.collections()] == [str(folder)]
        assert {run.source for run in target.runs()} == {str(folder)}


def test_a_collection_whose_name_the_database_cannot_hold_is_a_mistake_with_a_way_out(
    tmp_path: Path, latin_url: str
) -> None:
    folder = tmp_path / "日本"
    folder.mkdir()
    (folder / "a.md").write_text("a\n")
    with pytest.raises(ConfigError, match=r"has no '\\u65e5' for the collection .*--collection NAME"):
        BatchProcessor(config_of(folder, latin_url)).run()
    assert BatchProcessor(config_of(folder, latin_url, collection="japan")).run().state == "done"


def test_search_works_whatever_the_encoding(named: Path, narrow_url: str) -> None:
    BatchProcessor(config_of(named, narrow_url)).run()
    with Target(narrow_url) as target:
        assert target.search("peas")
        assert {hit.key for hit in target.search("日本")} <= {"日本語.md"}


def _lacks(encoding: str, character: str) -> str:
    return ServerEncoding.of(encoding).lacks(character)


@pytest.mark.parametrize(("encoding", "text"), [("LATIN1", "5 µm, naïve ﬁ"), ("KOI8R", "Ёлка ½ x²")])
def test_terms_that_the_database_cannot_hold_are_found_all_the_same(
    postgres_server: Databases, encoding: str, text: str
) -> None:
    # What is stored can be held; its terms, μ and fi and ½ in full, are characters of their own.
    for url in _database(postgres_server, encoding):
        with store_at(url) as store:
            held = "".join(character for character in text if not _lacks(encoding, character))
            publish(store, version(chunks=1), held)
            for word in held.split():
                assert [hit.key for hit in store.search(word)] == ["a.md"], word
            assert store.search("日本") == []
            assert store.search("text", collection="日本") == []


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


def test_rows_of_a_file_whose_name_the_database_cannot_hold_are_loaded_and_known_again(
    tmp_path: Path, narrow_url: str
) -> None:
    file, counts = tmp_path / "注文.csv", []
    for text in ("id,n\n1,a\n2,b\n", "id,n\n1,a\n2,b\n", "id,n\n1,a\n2,c\n"):
        file.write_text(text, "utf-8")
        to = f"{narrow_url}?table=orders"
        config = BatchConfig(source=str(file), to=to, key="id", collection="orders", reporters=())
        counts.append(BatchProcessor(config).run().account.documents)
    assert counts == [
        DocumentCounts(added=2),
        DocumentCounts(unchanged=2),
        DocumentCounts(unchanged=1, changed=1),
    ]
