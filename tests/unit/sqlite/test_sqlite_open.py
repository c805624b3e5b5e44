from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from batchwright import Field, RecordType, Target
from batchwright.builtin.sqlite import SqliteOptions, SqliteSink, schema
from batchwright.contracts.receipts import Run
from batchwright.errors import ConfigError, SinkError
from batchwright.sinkkit.sqlite.faults import explain
from batchwright.sinkkit.sqlite.ledger import SqliteLedgerBeside
from tests.support import nobody
from tests.support.marks import marked
from tests.unit.sqlite.cases import check_index, publish, published, select, sink_at, store_at

ODD_NAMES = [
    "two words",
    'say "hi"',
    "it's",
    "select",
    "дока",
    "a.b",
    "100%",
    "{n.fts}",
    "x;--",
    "表",
    "[b]",
    "`c`",
]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder in which an account without privileges can be tried, since root may write anywhere."""
    with nobody.open_folder() as folder, nobody.as_nobody():
        yield folder


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("sqlite:///kb.db", "kb.db"),
        ("sqlite:///deep/er/kb.db", "deep/er/kb.db"),
        ("sqlite:///with%20space%3F%23%25.db", "with space?#%.db"),
        ("sqlite:///%D0%B4.db", "д.db"),
        ("sqlite:///д.db", "д.db"),
    ],
)
def test_a_relative_url_names_a_file_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, file: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with SqliteSink(SqliteOptions(url=SecretStr(url))).open() as store:
        publish(store, "a.md", ["text"])
    assert published(tmp_path / file) == ["text"]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite:///", "names no file"),
        ("sqlite:", "names no file"),
        ("sqlite:///a%00b", "names no file"),
        ("sqlite:///:memory:", "must be a file, since several connections"),
        ("sqlite:///file:x?mode=memory", "unknown parameters"),
        ("sqlite:///file:x", "must be a file"),
        ("sqlite://kb.db", "after its third slash"),
        ("sqlite://user:hunter22@host/kb.db", "after its third slash"),
        (
            "sqlite:///kb.db?tabel=x&password=hunter22",
            r"unknown parameters \(password, tabel\); known are table, full",
        ),
        ("sqlite:///kb#1.db", "%23"),
        ("sqlite:///%ff.db", "UTF-8"),
        ("sqlite://[x/kb.db", "can't be read"),
    ],
)
def test_a_wrong_url_is_explained_without_a_password(url: str, message: str) -> None:
    sink = SqliteSink(SqliteOptions(url=SecretStr(url)))
    with pytest.raises(ConfigError, match=message) as caught:
        sink.open()
    assert "hunter22" not in f"{caught.value} {sink!r} {sink.options!r} {caught.value.__cause__}"


@pytest.mark.parametrize("name", ["sqlite_x", "SQLite_", "", "  ", "a\0b", "\ud800"])
def test_impossible_table_names_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="table"):
        SqliteOptions(url=SecretStr("sqlite:///x.db"), table=name)


@pytest.mark.parametrize("options", [{"full_txt": False}, {"busy_timeout": -1}, {"synchronous": "off"}])
def test_unknown_and_impossible_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        SqliteOptions(url=SecretStr("sqlite:///x.db"), **options)


def test_odd_table_names_live_side_by_side(tmp_path: Path) -> None:
    file = tmp_path / "kb.db"
    for name in ODD_NAMES:
        with store_at(file, table=name) as store:
            publish(store, "a.md", ["old"])
            publish(store, "a.md", [f"text of {name}"], content="v2")
            assert [marked(hit) for hit in store.search("text")] == [f"«text» of {name}"]
            assert len(store.ledger.documents("docs")) == 1
    for name in ODD_NAMES:
        with store_at(file, table=name) as store:
            assert published(file, name.replace('"', '""')) == [f"text of {name}"]
            check_index(file, name.replace('"', '""'))


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE Knowledge_Base (x)",
        "CREATE VIEW knowledge_base AS SELECT 1",
        "CREATE TABLE knowledge_base_records (x)",
        "CREATE TABLE knowledge_base_meta (x)",
        "CREATE TABLE knowledge_base_meta (key, value)",
    ],
)
def test_a_table_of_somebody_else_is_left_alone(tmp_path: Path, statement: str) -> None:
    file = tmp_path / "kb.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(statement)
    sink = sink_at(file)
    with pytest.raises(
        SinkError, match=r"has a '(?i:knowledge_base)\w*' that batchwright did not make; choose another"
    ):
        sink.open()
    assert len(select(file, "SELECT name FROM sqlite_master")) == 1
    with store_at(file, table="other") as other:
        publish(other, "a.md", ["text"])


def test_a_table_named_like_a_part_of_another_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "kb.db"
    with store_at(file, table="kb"):
        pass
    with pytest.raises(SinkError, match="choose another"):
        store_at(file, table="kb_records")


def test_a_newer_layout_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "kb.db"
    with store_at(file):
        pass
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE knowledge_base_meta SET value = '4' WHERE key = 'layout'")
    with pytest.raises(SinkError, match=r"layout 4.*update batchwright"):
        store_at(file)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="is a folder; name a file"):
        store_at(tmp_path)
    with pytest.raises(SinkError, match="is a folder; name a file"):
        Target(f"sqlite:///{tmp_path}").open()
    with pytest.raises(SinkError, match="is a folder; name a file"):
        Target(f"sqlite:///{tmp_path}?table=mine").open()


def test_a_file_in_place_of_a_folder_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(SinkError, match="can't be used: it is a file; choose another"):
        store_at(tmp_path / "file" / "kb.db")
    with pytest.raises(SinkError, match="can't be used: Not a directory; choose another"):
        store_at(tmp_path / "file" / "deeper" / "kb.db")


def test_a_file_that_is_no_database_is_explained_and_kept(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("my notes, " * 1000)
    with pytest.raises(SinkError, match="is not a SQLite database"):
        store_at(file)
    assert file.read_text() == "my notes, " * 1000


def test_a_damaged_database_is_explained(tmp_path: Path) -> None:
    file = tmp_path / "kb.db"
    with store_at(file) as store:
        publish(store, "a.md", ["text"])
    content = bytearray(file.read_bytes())
    content[100:16_384] = b"\xff" * (16_384 - 100)
    file.write_bytes(content)
    with pytest.raises(SinkError, match="is damaged; restore it"):
        store_at(file)


def test_a_locked_database_is_explained_after_busy_timeout(tmp_path: Path) -> None:
    file = tmp_path / "kb.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(SinkError, match=r"is locked by another program; wait .* busy_timeout"):
            store_at(file, busy_timeout=0.2)


def test_opening_what_is_there_does_not_wait_for_a_writer(tmp_path: Path) -> None:
    file = tmp_path / "kb.db"
    with store_at(file) as store:
        publish(store, "a.md", ["text"])
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with store_at(file, busy_timeout=0) as store:
            assert len(store.search("text")) == 1


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions of POSIX")
def test_missing_permissions_are_explained(open_folder: Path) -> None:
    file = open_folder / "kb.db"
    with store_at(file) as store:
        publish(store, "a.md", ["text"])
    file.chmod(0o444)
    with pytest.raises(SinkError, match="can't be written to; make the file and its folder writable"):
        store_at(file, table="other")
    file.chmod(0o000)
    with pytest.raises(SinkError, match="can't be opened; check that you may read and write"):
        store_at(file)
    closed = open_folder / "closed"
    closed.mkdir(mode=0o555)
    with pytest.raises(SinkError, match="can't be opened"):
        store_at(closed / "kb.db")
    with pytest.raises(SinkError, match="Permission denied; choose another"):
        store_at(closed / "folder" / "kb.db")


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions of POSIX")
def test_a_read_only_file_is_refused_even_where_all_is_there(open_folder: Path) -> None:
    file = open_folder / "kb.db"
    with store_at(file):
        pass
    file.chmod(0o444)
    with pytest.raises(SinkError, match="can't be written to"):
        store_at(file)
    assert sorted(open_folder.iterdir()) == [file]


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions of POSIX")
def test_what_would_change_a_read_only_file_says_so(open_folder: Path) -> None:
    file = open_folder / "kb.db"
    with store_at(file) as store:
        publish(store, "a.md", ["text"])
    file.chmod(0o444)
    with sink_at(file).open(create=False) as store:
        assert len(store.search("text")) == 1
        store.probe()
        with pytest.raises(SinkError, match="can't be written to; make the file and its folder writable"):
            list(store.reindex())
    assert sorted(open_folder.iterdir()) == [file]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (sqlite3.SQLITE_FULL, "the disk is full; make room"),
        (sqlite3.SQLITE_IOERR_WRITE, "the disk reports an error"),
        (sqlite3.SQLITE_READONLY_DIRECTORY, "writable"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, "busy_timeout"),
        (sqlite3.SQLITE_MISUSE, "can't be used: what SQLite says"),
        (None, "can't be used: what SQLite says"),
    ],
)
def test_sqlite_errors_are_told_with_the_next_step(code: int | None, message: str) -> None:
    error = sqlite3.OperationalError("what SQLite says")
    if code is not None:
        error.sqlite_errorcode = code
    assert message in explain(error, Path("kb.db"))
    assert explain(error, Path("kb.db")).startswith("kb.db ")


def test_the_index_is_built_and_dropped_as_the_option_says(tmp_path: Path) -> None:
    file = tmp_path / "kb.db"
    with store_at(file, full_text=False) as store:
        publish(store, "a.md", ["Straßenbahn fährt"])
        assert [marked(hit) for hit in store.search("FÄHRT")] == ["Straßenbahn «fährt»"]
    with store_at(file) as store:
        publish(store, "b.md", ["fahrt ins Blaue"])
        assert {hit.key for hit in store.search("fahrt")} == {"a.md", "b.md"}
    check_index(file)
    with store_at(file, full_text=False) as store:
        assert select(file, "SELECT name FROM sqlite_master WHERE name LIKE '%fts%'") == []
        publish(store, "c.md", ["fahrt"])
    with store_at(file) as store:
        assert len(store.search("fahrt")) == 3
    check_index(file)


def test_a_writer_keeps_the_index_that_another_one_made(tmp_path: Path) -> None:
    file = tmp_path / "kb.db"
    with store_at(file, full_text=False) as without, store_at(file, full_text=True) as one:
        publish(without, "a.md", ["apple"])
        publish(one, "b.md", ["banana"])
        check_index(file)
        with store_at(file, full_text=False):
            publish(one, "c.md", ["cherry"])
        assert len(one.search("cherry")) == 1


def test_without_fts5_all_works_and_a_stale_index_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "kb.db"
    with store_at(file) as store:
        publish(store, "a.md", ["apple"])
    with monkeypatch.context() as patched:
        patched.setattr(schema, "has_fts5", lambda connection: False)
        with store_at(file) as store:
            publish(store, "b.md", ["banana"])
            assert [hit.key for hit in store.search("banana")] == ["b.md"]
        with store_at(file):
            pass
        with store_at(tmp_path / "new.db") as store:
            publish(store, "b.md", ["banana"])
            assert [hit.key for hit in store.search("BANANA")] == ["b.md"]
    with store_at(file) as store:
        assert [hit.key for hit in store.search("banana")] == ["b.md"]
    check_index(file)


def test_many_may_create_the_same_database_at_once(tmp_path: Path) -> None:
    failures: list[BaseException] = []
    barrier = threading.Barrier(8)

    def create() -> None:
        try:
            barrier.wait()
            with store_at(tmp_path / "new" / "kb.db") as store:
                store.probe()
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_ledger_and_a_sink_may_share_a_file_and_a_name(tmp_path: Path) -> None:
    file = tmp_path / "kb.db"
    ledger = SqliteLedgerBeside.open(file, "kb")
    with store_at(file, table="kb") as store:
        version = publish(store, "a.md", ["text"])
        assert [known.version for known in ledger.documents("docs")] == [version]
    ledger.close()
    ledger.close()


@pytest.mark.parametrize(("setting", "number"), [("normal", 1), ("full", 2)])
def test_commits_are_as_durable_as_asked(tmp_path: Path, setting: str, number: int) -> None:
    with store_at(tmp_path / "kb.db", synchronous=setting) as store:
        connection = store._file._opened()
        assert connection.execute("PRAGMA synchronous").fetchone() == (number,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        statements: list[str] = []
        connection.set_trace_callback(statements.append)
        store.ledger.finish_run(Run("r", "2026-01-31", "docs", state="done"))
        connection.set_trace_callback(None)
        assert statements.index("PRAGMA synchronous = full") < statements.index("COMMIT")
        assert connection.execute("PRAGMA synchronous").fetchone() == (number,)


def test_too_many_columns_are_told_with_what_to_do(tmp_path: Path) -> None:
    fields = (Field("id", "text"), *(Field(f"c{number}", "text", nullable=True) for number in range(2_500)))
    options = SqliteOptions.model_validate({"url": f"sqlite:///{tmp_path}/kb.db", "table": "wide"})
    with pytest.raises(SinkError, match=r"too many columns .*; load fewer columns; with --chunk COLUMN"):
        SqliteSink(options).open(RecordType("wide", fields, "id"))


@pytest.mark.parametrize("page_bytes", [512, 4_096, 65_536])
def test_the_wal_has_one_length_in_files_of_whatever_pages(tmp_path: Path, page_bytes: int) -> None:
    with closing(sqlite3.connect(tmp_path / "kb.db")) as connection:
        connection.execute(f"PRAGMA page_size = {page_bytes}")
        connection.execute("CREATE TABLE theirs (x)")
    with store_at(tmp_path / "kb.db") as store, store._database.reading() as connection:
        ((pages,),) = connection.execute("PRAGMA wal_autocheckpoint").fetchall()
    assert pages * page_bytes == 64 * 1024 * 1024


@pytest.mark.parametrize("create", [True, False])
def test_dropped_tables_are_named_to_those_that_read_as_well(tmp_path: Path, *, create: bool) -> None:
    path = tmp_path / "kb.db"
    sink_at(path).open().close()
    with closing(sqlite3.connect(path)) as other:
        other.execute("DROP TABLE knowledge_base_rejects")
    with pytest.raises(
        SinkError, match=r"lacks knowledge_base_rejects, though .* Restore them from a backup"
    ):
        sink_at(path).open(create=create)


@pytest.mark.parametrize("create", [True, False])
def test_a_database_of_utf16_is_refused(tmp_path: Path, *, create: bool) -> None:
    """Hashes and the full-text index are made of the bytes of texts: all rows would count as damaged."""
    path = tmp_path / "kb.db"
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA encoding = 'UTF-16le'")
        other.execute("CREATE TABLE others (x)")
    with pytest.raises(SinkError, match="keeps its texts in UTF-16le, not UTF-8; choose another file"):
        sink_at(path).open(create=create)
