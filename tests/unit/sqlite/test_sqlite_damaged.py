"""A file that is damaged, or of which tables were dropped: said, and never taken for sound."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from batchwright import SinkError, Target
from tests.support.loads import config_of, run


@pytest.fixture
def loaded(tmp_path: Path) -> Path:
    """A database of 200 documents."""
    docs = tmp_path / "docs"
    docs.mkdir()
    for number in range(200):
        (docs / f"{number:03}.md").write_text(f"# Title {number}\n\n{'word ' * 200}\n")
    assert run(config_of(docs, f"sqlite:///{tmp_path}/kb.db")).state == "done"
    return tmp_path / "kb.db"


def verified(path: Path) -> int:
    with Target(f"sqlite:///{path}") as target:
        return len(list(target.verify()))


def test_verify_finds_a_malformed_file(loaded: Path) -> None:
    assert verified(loaded) == 0
    with (
        closing(sqlite3.connect(loaded)) as connection,
        connection,
    ):  # an index that says something else than its table
        connection.execute("PRAGMA writable_schema = on")
        (root,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE type = 'index' AND tbl_name = 'knowledge_base_records'"
        ).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    raw = bytearray(loaded.read_bytes())
    raw[(root - 1) * size : root * size] = b"\xff" * size
    loaded.write_bytes(raw)
    with pytest.raises(SinkError, match="damaged; restore it from a backup"):
        verified(loaded)


@pytest.mark.parametrize("table", ["records", "documents", "receipts"])
def test_a_table_that_was_dropped_is_not_made_again_in_silence(loaded: Path, table: str) -> None:
    with closing(sqlite3.connect(loaded)) as connection, connection:
        connection.execute("DROP VIEW knowledge_base")
        connection.execute(f"DROP TABLE knowledge_base_{table}")
    connection.close()
    with pytest.raises(SinkError, match=f"lacks knowledge_base_{table}.* dropped, and their rows are lost"):
        run(config_of(loaded.parent / "docs", f"sqlite:///{loaded}"))


def test_a_view_that_was_dropped_is_made_again(loaded: Path) -> None:
    with closing(sqlite3.connect(loaded)) as connection, connection:
        connection.execute("DROP VIEW knowledge_base")
    connection.close()
    result = run(config_of(loaded.parent / "docs", f"sqlite:///{loaded}"))
    assert (result.state, result.account.documents.unchanged) == ("done", 200)
    with closing(sqlite3.connect(loaded)) as connection, connection:
        assert connection.execute("SELECT count(*) FROM knowledge_base").fetchone()[0] >= 200
    connection.close()
