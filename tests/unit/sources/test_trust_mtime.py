"""Files whose size and modification time are trusted: what is read, and what is not."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from batchwright import Account, BatchConfig, BatchProcessor, Target
from batchwright.builtin.files.source import FilesOptions, FilesSource
from batchwright.engine.reading.processes import _Processes

HOUR = 3_600 * 10**9
KEYS = ["a.md", "b/c.md", "d.md"]


def age(path: Path, nanoseconds: int = HOUR) -> None:
    when = time.time_ns() - nanoseconds
    os.utime(path, ns=(when, when))


def rewrite(path: Path, text: str) -> None:
    """Change a file, and leave nothing of that to be seen but its content."""
    before = path.stat()
    assert len(text) == before.st_size
    path.write_text(text)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    for key in KEYS:
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / key).write_text(f"# {key}\n\nabout apples\n")
        age(folder / key)
    return folder


@pytest.fixture(params=["sqlite", "postgres"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return (
        f"sqlite:///{tmp_path}/kb.db"
        if request.param == "sqlite"
        else str(request.getfixturevalue("postgres_url"))
    )


def config_of(folder: Path, target: str, *, trust: bool = True, **settings: Any) -> BatchConfig:
    sources = {"files": {"trust_mtime": True}} if trust else {}
    return BatchConfig(source=folder, to=target, sources=sources, reporters=(), **settings)


def run(folder: Path, target: str, *, trust: bool = True, **settings: Any) -> Account:
    with BatchProcessor(config_of(folder, target, trust=trust, **settings)) as processor:
        result = processor.run()
    assert result.state == "done", result.reason
    return result.account


def test_what_is_as_it_was_is_not_read(folder: Path, target: str) -> None:
    first = run(folder, target)
    assert (first.documents.added, first.unfetched) == (3, 0)
    rewrite(folder / "a.md", "# a.md\n\nabout pears!\n")  # the risk that is taken
    again = run(folder, target)
    assert (again.documents.unchanged, again.unfetched) == (3, 3)
    assert again.records.unchanged == first.records.written
    plan = Target(config_of(folder, target)).plan()
    assert (plan.unchanged, plan.unfetched, plan.records_unchanged) == (3, 3, first.records.written)
    distrustful = run(folder, target, trust=False)
    assert (distrustful.documents.changed, distrustful.documents.unchanged) == (1, 2)
    assert distrustful.unfetched == 0


def test_another_time_another_size_and_what_comes_and_goes_are_seen(folder: Path, target: str) -> None:
    run(folder, target)
    (folder / "a.md").write_text("# a.md\n\nabout pears!\n")
    (folder / "b/c.md").write_text("# longer\n\nabout apples and pears\n")
    age(folder / "b/c.md")
    (folder / "d.md").unlink()
    (folder / "e.md").write_text("# new\n")
    documents = run(folder, target, prune=True).documents
    assert (documents.added, documents.changed, documents.deleted, documents.unchanged) == (1, 2, 1, 0)


@pytest.mark.parametrize("nanoseconds", [0, 10**9, -HOUR])
def test_a_file_that_is_young_when_it_is_loaded_is_read_again(folder: Path, nanoseconds: int) -> None:
    """What is changed within one moment keeps its time; a time to come is none either."""
    target = f"sqlite:///{folder.parent}/kb.db"
    age(folder / "a.md", nanoseconds)
    run(folder, target)
    rewrite(folder / "a.md", "# a.md\n\nabout pears!\n")
    account = run(folder, target)
    assert (account.documents.changed, account.unfetched) == (1, 2)


def test_a_young_file_is_trusted_once_it_was_read_when_it_was_not(folder: Path, target: str) -> None:
    for key in KEYS:
        age(folder / key, 0)
    run(folder, target)
    for key in KEYS:
        age(folder / key)
    assert [run(folder, target).unfetched for _ in range(2)] == [0, 3]


def test_trusting_may_begin_and_end_at_any_time(folder: Path, target: str) -> None:
    trusts = (False, True, True, False, True, True)
    assert [run(folder, target, trust=trust).unfetched for trust in trusts] == [0, 0, 3, 0, 0, 3]


def test_other_settings_chunk_anew(folder: Path, target: str) -> None:
    run(folder, target)
    account = run(folder, target, chunk_max_tokens=64)
    assert (account.documents.changed, account.unfetched) == (3, 0)
    assert run(folder, target, chunk_max_tokens=64).unfetched == 3


def test_collections_are_apart_and_a_folder_may_move(folder: Path, target: str) -> None:
    run(folder, target)
    assert run(folder, target, collection="other").documents.added == 3
    moved = folder.rename(folder.parent / "moved")
    account = run(moved, target, collection="in", adopt=True)
    assert (account.documents.unchanged, account.unfetched) == (3, 3)


def test_rows_are_repaired_from_a_file_that_is_trusted(folder: Path) -> None:
    target = f"sqlite:///{folder.parent}/kb.db"
    rows = run(folder, target).records.written
    with closing(sqlite3.connect(folder.parent / "kb.db")) as connection, connection:
        connection.execute("DELETE FROM knowledge_base_records")
    with Target(config_of(folder, target)) as there:
        assert [one.reason for one in there.repair(list(there.verify()))] == ["", "", ""]
        verification = there.verify()
        assert not list(verification)
        assert verification.rows == rows
    assert run(folder, target).unfetched == 3


def test_rows_of_a_file_are_counted_as_not_fetched(tmp_path: Path, target: str) -> None:
    file = tmp_path / "fruit.csv"
    file.write_text("id,name\n1,apple\n2,pear\n")
    age(file)
    assert run(file, target, key="id").documents.added == 2
    account = run(file, target, key="id")
    assert (account.documents.unchanged, account.unfetched) == (2, 2)
    file.write_text("id,name\n1,apple\n2,plum\n")
    assert run(file, target, key="id").documents.changed == 1


def test_no_reading_process_is_asked_about_what_is_not_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = f"sqlite:///{folder.parent}/kb.db"
    run(folder, target)

    def submit(self: _Processes, tasks: list[Any]) -> None:
        raise AssertionError(tasks)

    monkeypatch.setattr(_Processes, "submit", submit)
    assert run(folder, target, readers=2).unfetched == 3


def test_a_file_that_was_another_when_it_was_read_is_not_known_by_the_one_listed(folder: Path) -> None:
    source = FilesSource(FilesOptions.model_validate({"url": folder.as_uri(), "trust_mtime": True}))
    item = next(iter(source.list()))
    kept = shutil.copy2(folder / "a.md", folder / "kept")
    (folder / "a.md").write_text("# another\n")
    assert source.fetch(item).fingerprint != item.fingerprint
    Path(kept).replace(folder / "a.md")
    assert next(iter(source.list())) == item
    assert source.fetch(item).fingerprint == item.fingerprint
