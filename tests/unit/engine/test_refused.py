"""A version of which no record can be stored: the one before stays, and it is not tried twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from batchwright import (
    Account,
    Batch,
    BatchConfig,
    BatchProcessor,
    Document,
    Fate,
    ProcessedChunk,
    Receipt,
    RunResult,
    Target,
)
from batchwright.contracts.account import DOCUMENT_STATES
from batchwright.errors import BadRecords, SinkError
from tests.support.memory import Database, MemoryPlugin, fail_for
from tests.support.model import Tables

BAD = "bad"


class Killed(BaseException):
    """Stands for the death of the process."""


class Shelf:
    """A folder, a target in memory, and what is loaded from the one into the other.

    Attributes:
        plugin: Offers the target; it refuses every chunk with the word bad in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.joinpath("docs").mkdir()
        self.plugin = MemoryPlugin()
        self.database.before = fail_for(is_bad, lambda: ValueError("bad"))

    @property
    def database(self) -> Database:
        return self.plugin.database

    @property
    def tables(self) -> Tables:
        return self.database.tables

    def config(self, **settings: Any) -> BatchConfig:
        given: dict[str, Any] = {"chunk_max_tokens": 16, "batch_size": 2, "reporters": (), "to": "memory://"}
        given |= {"input_dir": self.folder / "docs", "ledger": self.folder / "ledger.db"}
        return BatchConfig(**{**given, **settings})

    def write(self, name: str, *parts: str) -> None:
        path = self.folder / "docs" / name
        path.write_text("".join(f"# {part}\n\n{part} and some more words.\n\n" for part in parts), "utf-8")

    def run(self, **settings: Any) -> RunResult:
        return BatchProcessor(self.config(**settings), plugins=[self.plugin]).run()

    def load(self, records: Any, **options: Any) -> RunResult:
        config = self.config(collection="docs")
        return BatchProcessor(config, plugins=[self.plugin]).load(records, **options)

    def target(self) -> Target:
        return Target(self.config(), plugins=[self.plugin])

    def texts(self, key: str = "a.md") -> list[str]:
        """What is visible of a document; none where it isn't."""
        return [row.chunk_text.split()[0] for row in self.tables.published().get(key, ())]


def is_bad(chunk: ProcessedChunk) -> bool:
    return BAD in chunk.chunk_text


def states(account: Account) -> dict[str, int]:
    counts = {state: getattr(account.documents, state) for state in DOCUMENT_STATES}
    return {state: count for state, count in counts.items() if count}


@pytest.fixture(params=[True, False], ids=["own ledger", "ledger beside"])
def shelf(tmp_path: Path, request: pytest.FixtureRequest) -> Shelf:
    shelf = Shelf(tmp_path)
    shelf.database.own_ledger = request.param
    return shelf


@pytest.fixture
def changed(shelf: Shelf) -> Iterator[Shelf]:
    """Its only document was loaded, and changed since to what can't be stored."""
    shelf.write("a.md", "good", "fine")
    assert states(shelf.run().account) == {"added": 1}
    shelf.write("a.md", "bad", "bad again", "bad too")
    yield shelf
    check_verified(shelf)


def check_verified(shelf: Shelf) -> None:
    with shelf.target() as target:
        assert list(target.verify()) == []


def test_the_version_before_stays_and_the_account_says_so(changed: Shelf) -> None:
    result = changed.run()
    account = result.account
    assert (result.state, states(account)) == ("done", {"refused": 1})
    assert (account.records.rejected, account.records.written) == (3, 0)
    with changed.target() as target:
        assert len(list(target.rejects())) == 3


def test_the_next_run_neither_writes_nor_rejects_anew(changed: Shelf) -> None:
    first = changed.run().account
    changed.database.writes.clear()
    with changed.target() as target:
        kept = list(target.rejects())
        planned = target.plan()
    again = changed.run().account
    assert (planned.refused, planned.records, planned.records_rejected) == (1, 0, 3)
    assert (states(again), again.records) == (states(first), first.records)
    assert changed.database.writes == []
    with changed.target() as target:
        assert list(target.rejects()) == kept, "they are the ones of the first run"


def test_other_content_is_tried_and_takes_its_place(changed: Shelf) -> None:
    changed.run()
    changed.write("a.md", "bad still")
    assert states(changed.run().account) == {"refused": 1}
    with changed.target() as target:
        assert len(list(target.rejects())) == 1, "those of the version refused before are gone"
    changed.write("a.md", "better")
    assert states(changed.run().account) == {"changed": 1}
    with changed.target() as target:
        assert list(target.rejects()) == []
    changed.write("a.md", "bad still")
    assert changed.run().account.records.rejected == 1, "nobody remembers that it was refused"


def test_the_old_content_again_is_unchanged_and_the_refusal_forgotten(changed: Shelf) -> None:
    changed.run()
    changed.write("a.md", "good", "fine")
    assert states(changed.run().account) == {"unchanged": 1}
    with changed.target() as target:
        assert list(target.rejects()) == []


@pytest.mark.parametrize("batch_size", [1, 2, 100])
def test_a_replay_publishes_it_record_by_record(changed: Shelf, batch_size: int) -> None:
    changed.run(batch_size=batch_size)
    changed.database.before = fail_for(lambda chunk: "again" in chunk.chunk_text, lambda: ValueError("no"))
    with changed.target() as target:
        fates = [result.fate for result in target.replay(list(target.rejects()))]
        assert sorted(fate.value for fate in fates) == ["left", "stored", "stored"]
        assert len(list(target.rejects())) == 1
    result = changed.run().account
    assert (states(result), result.records.unchanged, result.records.rejected) == ({"unchanged": 1}, 2, 1)
    changed.database.before = lambda batch, receipt: None
    with changed.target() as target:
        assert [result.fate for result in target.replay(list(target.rejects()))] == [Fate.STORED]


def test_a_replay_of_an_outdated_version_stores_nothing(changed: Shelf) -> None:
    changed.run()
    with changed.target() as target:
        kept = list(target.rejects())
    changed.write("a.md", "better")
    changed.run()
    changed.database.before = lambda batch, receipt: None
    if changed.database.own_ledger:
        changed.tables.rejects.update({reject.id: reject for reject in kept})
        with changed.target() as target:
            [*told] = target.replay(kept)
        assert {result.fate for result in told} == {Fate.LEFT}
        assert "stale" in told[0].reason
        with changed.target() as target:
            target.drop(kept)
    assert changed.run().account.documents.unchanged == 1


def test_once_its_rejects_are_dropped_it_is_tried_again(changed: Shelf) -> None:
    changed.run()
    with changed.target() as target:
        first, *rest = target.rejects()
        target.drop([first])
    assert changed.run().account.documents.refused == 1, "two of its rejects are left"
    changed.database.before = lambda batch, receipt: None
    with changed.target() as target:
        target.drop(rest)
    assert states(changed.run().account) == {"changed": 1}


def test_nothing_becomes_visible_where_there_was_nothing(shelf: Shelf) -> None:
    shelf.write("a.md", "bad")
    shelf.write("b.md", "good")
    for _ in range(2):
        account = shelf.run().account
        assert account.documents.refused == account.records.rejected == 1
    with shelf.target() as target:
        assert target.status().published == 1
    check_verified(shelf)


@pytest.mark.parametrize("prune", [False, True])
def test_a_document_that_is_gone_is_forgotten(shelf: Shelf, prune: bool) -> None:
    shelf.write("a.md", "bad")
    shelf.write("b.md", "good")
    shelf.run()
    (shelf.folder / "docs" / "a.md").unlink()
    result = shelf.run(prune=prune, prune_limit=0.0)
    assert (result.state, states(result.account)) == ("done", {"unchanged": 1}), "it was never published"
    with shelf.target() as target:
        assert list(target.rejects()) == []


def test_a_prune_does_not_take_it_for_gone(changed: Shelf) -> None:
    for _ in range(2):
        result = changed.run(prune=True, prune_limit=0.0)
        assert (result.state, result.account.removed, states(result.account)) == ("done", 0, {"refused": 1})
    (changed.folder / "docs" / "a.md").unlink()
    changed.write("b.md", "good")
    result = changed.run(prune=True, prune_limit=1.0)
    assert (states(result.account), result.account.removed) == ({"added": 1, "deleted": 1}, 1)
    with changed.target() as target:
        assert list(target.rejects()) == []


def test_an_empty_document_is_published_as_ever(shelf: Shelf) -> None:
    shelf.write("a.md", "good")
    shelf.run()
    shelf.write("a.md")
    assert states(shelf.run().account) == {"changed": 1}
    with shelf.target() as target:
        assert target.status().records == 0


@pytest.mark.parametrize("write", range(1, 7))
def test_a_run_that_is_killed_in_between_is_made_up_for(changed: Shelf, write: int) -> None:
    refuse = changed.database.before
    left = [write]

    def kill(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        left[0] -= 1
        if not left[0]:
            raise Killed
        refuse(batch, receipt)

    changed.database.before = kill
    with suppress(SinkError):
        changed.run(batch_size=1)
    changed.database.before = refuse
    for _ in range(2):
        account = changed.run(batch_size=1).account
        assert (states(account), account.records.rejected) == ({"refused": 1}, 3)
    with changed.target() as target:
        assert len(list(target.rejects())) == 3


def test_bad_records_that_are_named_are_as_bad(changed: Shelf) -> None:
    def name(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if bad := {n: "bad" for n, chunk in enumerate(batch.documents) if is_bad(chunk)}:
            raise BadRecords(bad)

    changed.database.before = name
    assert states(changed.run(batch_size=100).account) == {"refused": 1}


# --- what a program brings -----------------------------------------------------------------------------


def document(key: str, text: str) -> Document:
    return Document(key, f"# {text}\n\n{text}\n", "", 0)


def test_a_load_leaves_the_row_before_and_counts_it_as_listed(shelf: Shelf) -> None:
    shelf.load([document("k", "good"), document("l", "good")])
    for _ in range(2):
        account = shelf.load([document("k", "bad"), document("l", "good")], prune=True).account
        assert (states(account), account.removed) == ({"refused": 1, "unchanged": 1}, 0)
        assert (account.records.rejected, account.records.unchanged) == (1, 1)
    account = shelf.load([document("k", "good"), document("l", "good")]).account
    assert states(account) == {"unchanged": 2}
    with shelf.target() as target:
        assert list(target.rejects()) == []
    check_verified(shelf)


def test_a_pruning_load_forgets_what_it_does_not_bring(shelf: Shelf) -> None:
    shelf.load([document("k", "bad"), document("l", "good")])
    shelf.load([document("l", "good")])
    with shelf.target() as target:
        assert len(list(target.rejects())) == 1
    assert states(shelf.load([document("l", "good")], prune=True).account) == {"unchanged": 1}
    with shelf.target() as target:
        assert list(target.rejects()) == []


def test_deleting_its_key_forgets_a_refusal(shelf: Shelf) -> None:
    shelf.load([document("k", "bad")])
    processor = BatchProcessor(shelf.config(collection="docs"), plugins=[shelf.plugin])
    with processor:
        assert processor.delete(["k"]) == 0, "nothing was visible"
    with shelf.target() as target:
        assert list(target.rejects()) == []
    account = shelf.load([document("k", "bad")]).account
    assert (states(account), account.records.rejected) == ({"refused": 1}, 1)


def test_a_run_forgets_no_refusal_of_a_program(shelf: Shelf) -> None:
    shelf.load([document("k", "bad")])
    shelf.write("a.md", "good")
    shelf.run(collection="docs")
    assert states(shelf.load([document("k", "bad")]).account) == {"refused": 1}
    with shelf.target() as target:
        assert len(list(target.rejects())) == 1


def test_inserted_chunks_that_can_not_be_stored_replace_nothing(shelf: Shelf) -> None:
    good = [ProcessedChunk("good", source_file="k", chunk_index=0, total_chunks=1)]
    bad = [
        ProcessedChunk("bad", source_file="k", chunk_index=n, total_chunks=2, chunk_token_count=1)
        for n in range(2)
    ]
    with BatchProcessor(shelf.config(collection="docs"), plugins=[shelf.plugin]) as processor:
        account = processor.insert_chunks(good).account
        assert (account.records.written, account.records_seen, states(account)) == (1, 1, {})
        account = processor.insert_chunks(bad).account
    assert (account.records.written, account.records.rejected, states(account)) == (0, 2, {})
    with shelf.target() as target:
        [known] = target.status().collections
        assert (known.published, known.records, known.pending) == (1, 1, 1)
        shelf.database.before = lambda batch, receipt: None
        fates = {result.fate for result in target.replay(list(target.rejects()))}
        assert fates == {Fate.STORED}
        [known] = target.status().collections
        assert (known.published, known.records, known.pending, known.rejects) == (1, 2, 0, 0)
    check_verified(shelf)


def test_a_collection_is_deleted_with_what_was_refused(changed: Shelf) -> None:
    changed.run()
    with changed.target() as target:
        assert target.delete_collection("docs").rejects == 3
        assert target.collections() == []
