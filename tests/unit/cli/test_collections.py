"""Two folders named alike in one target, collections side by side, and the commands about them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from batchwright import BatchConfig, BatchProcessor, ProcessedChunk
from tests.support.alike import BOTH, AlikeChecks, Shown, shown_of, write_alike
from tests.unit.cli.conftest import Command


@pytest.fixture(params=["sqlite:///kb.db", "jot:///kb.db?table=knowledge_base"])
def to(request: pytest.FixtureRequest) -> str:
    """A target with a dialect of its own, and one with the common one."""
    return str(request.param)


@pytest.fixture(autouse=True)
def _two_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`one/docs` and `two/docs`, with the same keys and other texts."""
    monkeypatch.setenv(
        "BATCHWRIGHT_PLUGINS", str(Path(__file__).parents[2] / "plugins/jot/batchwright_jot.py")
    )
    write_alike(tmp_path)


def texts(table: str = "knowledge_base") -> list[tuple[str, str, str]]:
    """What a reader sees: collection, document, and the name of the folder in its text."""
    with closing(sqlite3.connect("kb.db")) as connection:
        rows = connection.execute(f'SELECT collection, source_file, chunk_text FROM "{table}"').fetchall()
    return shown_of(rows)


class TestAlike(AlikeChecks):
    @pytest.fixture(autouse=True)
    def _folders(self) -> None:
        """They are there."""

    @pytest.fixture
    def shown(self) -> Shown:
        return texts


def test_the_same_folder_by_another_path_is_the_same(
    batchwright: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    to = f"sqlite:///{tmp_path}/kb.db"
    assert batchwright("run", "one/docs", "--to", to).code == 0
    monkeypatch.chdir(tmp_path / "one" / "docs")
    for path in (".", "../docs", str(tmp_path / "one/docs")):
        again = batchwright("run", path, "--to", to, "--json")
        assert (again.code, again.json["account"]["documents"]["unchanged"]) == (0, 2)


@pytest.mark.parametrize("name", ["", " docs", "a\nb", "x" * 256, "é" * 128])
def test_a_name_that_can_not_be_one_is_refused(batchwright: Command, name: str) -> None:
    refused = batchwright("run", "one/docs", "--to", "sqlite:///kb.db", "--collection", name, "--json")
    assert refused.code == 2
    assert "collection's name" in refused.json["reason"]


def test_a_root_folder_needs_a_name(batchwright: Command) -> None:
    refused = batchwright("plan", "/", "--to", "sqlite:///kb.db", "--json")
    assert refused.code == 2
    assert "--collection NAME" in refused.json["reason"]


def test_a_program_has_a_collection_of_its_own_and_shares_a_given_one(batchwright: Command) -> None:
    to = "sqlite:///kb.db"
    chunk = ProcessedChunk("Text of program", source_file="a.md")
    for name in (None, "shared"):
        config = BatchConfig(input_dir=Path("one/docs"), to=to, collection=name)
        with BatchProcessor(config) as processor:
            processor.insert_chunks([chunk])
    run = ("run", "one/docs", "--to", to, "--prune", "--prune-limit", "1", "--collection", "shared")
    documents = batchwright(*run, "--json").json["account"]["documents"]
    assert (documents["changed"], documents["added"], documents["deleted"]) == (1, 1, 0)
    assert texts() == [("chunks", "a.md", "program"), ("shared", "a.md", "one"), ("shared", "b.md", "one")]
    config = BatchConfig(input_dir=Path("one/docs"), to=to, collection="shared")
    with BatchProcessor(config) as processor:
        processor.insert_chunks([ProcessedChunk("Text of program", source_file="c.md")])
    again = batchwright(*run, "--json").json["account"]
    assert (again["documents"]["unchanged"], again["removed"]) == (2, 0)
    assert ("shared", "c.md", "program") in texts()


def test_reading_commands_show_all_collections_and_one_where_it_is_named(batchwright: Command) -> None:
    to = ("--to", "sqlite:///kb.db")
    for folder, name in (("one", "docs"), ("two", "other")):
        batchwright("run", f"{folder}/docs", *to, "--collection", name)
    status = batchwright("status", *to, "--json").json
    assert [(one["name"], one["published"]) for one in status["collections"]] == [("docs", 2), ("other", 2)]
    assert status["published"] == 4
    narrowed = batchwright("status", *to, "--collection", "other", "--json").json
    assert (narrowed["published"], narrowed["last_run"]["collection"]) == (2, "other")
    assert batchwright("verify", *to, "--collection", "docs", "--json").json["documents"] == 2
    for name in ("docs", "other"):
        hits = batchwright("search", "Text", *to, "--collection", name, "--json").json["hits"]
        assert [hit["collection"] for hit in hits] == [name] * 2
        runs = batchwright("runs", *to, "--collection", name, "--json").json["runs"]
        assert [run["collection"] for run in runs] == [name]
    assert len(batchwright("search", "Text", *to, "--json").json["hits"]) == 4
    assert "other: a.md" in batchwright("search", "Text", *to).out
    for command in (("status",), ("verify",), ("search", "Text"), ("rejects", "list")):
        unknown = batchwright(*command, *to, "--collection", "nowhere")
        assert (unknown.code, "docs, other" in unknown.err) == (2, True), command
    assert "other" in batchwright("status", *to).out
    assert "other" in batchwright("collections", "list", *to).out


def test_rejects_are_those_of_the_collection(batchwright: Command) -> None:
    to = ("--to", "sqlite:///kb.db")
    for name in ("one", "two"):
        Path(name, "docs", "bad.md").write_bytes(b"\xff\xfe\xfa")
        assert batchwright("run", f"{name}/docs", *to, "--collection", name).code == 3
    [line] = batchwright("rejects", "list", *to, "--collection", "one", "--json").out.splitlines()
    assert '"collection": "one"' in line
    assert len(batchwright("rejects", "list", *to, "--json").out.splitlines()) == 2
    assert batchwright("rejects", "drop", *to, "--collection", "one", "--json").json["dropped"] == 1
    assert len(batchwright("rejects", "list", *to, "--json").out.splitlines()) == 1


def test_deleting_a_collection_leaves_the_others_and_may_be_repeated(batchwright: Command, to: str) -> None:
    for folder, name in (("one", "docs"), ("two", "other")):
        Path(folder, "docs", "bad.md").write_bytes(b"\xff\xfe\xfa")
        batchwright("run", f"{folder}/docs", "--to", to, "--collection", name)
    deleted = batchwright("collections", "delete", "other", "--to", to, "--json")
    assert (deleted.code, deleted.json["removed"]["published"], deleted.json["removed"]["rejects"]) == (
        0,
        2,
        1,
    )
    assert texts() == BOTH[:2]
    listed = batchwright("collections", "list", "--to", to, "--json").json["collections"]
    assert [(one["name"], one["rejects"]) for one in listed] == [("docs", 1)]
    assert batchwright("verify", "--to", to).code == 0
    assert batchwright("collections", "delete", "other", "--to", to).code == 2
    Path("two/docs/bad.md").unlink()
    assert batchwright("run", "two/docs", "--to", to, "--collection", "other").code == 0
    assert texts() == BOTH


def test_each_collection_is_repaired_from_where_it_came(batchwright: Command) -> None:
    to = ("--to", "sqlite:///kb.db")
    for folder, name in (("one", "docs"), ("two", "other")):
        batchwright("run", f"{folder}/docs", *to, "--collection", name)
    with closing(sqlite3.connect("kb.db")) as connection:
        connection.execute("DELETE FROM knowledge_base_records WHERE source_file = 'a.md'")
        connection.commit()
    repaired = batchwright("verify", *to, "--repair", "--json")
    assert (repaired.code, repaired.json["repaired"]) == (0, 2)
    assert texts() == BOTH
