"""Replaying rejects: what is stored, that it is stored once, and what stays among the rejects."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from batchwright import ConfigError, ProcessedChunk, Reject, SinkError
from batchwright.documents import Tokenizer
from batchwright.operations.corrected import Corrected
from batchwright.operations.reject_selection import RejectSelection, resolve, short
from batchwright.operations.replay import Fate
from batchwright.operations.target import OpenTarget
from tests.support.dying import Killed, dying_behind_a_write
from tests.support.memory import MemoryPlugin, fail_for, fail_once
from tests.support.operations import Operations, write_documents

BAD = ("Introduction 1", "Introduction 2", "2.1")


@pytest.fixture
def plugin() -> MemoryPlugin:
    return MemoryPlugin()


@pytest.fixture
def memory(tmp_path: Path, plugin: MemoryPlugin, monkeypatch: pytest.MonkeyPatch) -> Operations:
    monkeypatch.chdir(tmp_path)
    return Operations(write_documents(tmp_path / "docs"), "memory://", [plugin])


@pytest.fixture
def undisturbed(memory: Operations) -> dict[str, ProcessedChunk]:
    """The rows of a run in which nothing is bad."""
    other = MemoryPlugin()
    Operations(memory.folder, memory.to, [other]).run()
    return other.database.tables.rows


def is_bad(chunk: ProcessedChunk) -> bool:
    return any(text in chunk.chunk_text for text in BAD)


@pytest.fixture
def rejects(memory: Operations, plugin: MemoryPlugin) -> list[Reject]:
    """Three rejects, of two documents."""
    plugin.database.before = fail_for(is_bad, lambda: ValueError("bad"))
    memory.run()
    found = list(plugin.database.tables.rejects.values())
    assert len(found) == 3
    return found


def counts(plugin: MemoryPlugin) -> dict[str, int]:
    return {name: known.rejected for name, known in plugin.database.tables.known.items()}


def test_once_the_cause_is_gone_every_record_lands_as_if_it_had_never_been_rejected(
    memory: Operations, plugin: MemoryPlugin, rejects: list[Reject], undisturbed: dict[str, ProcessedChunk]
) -> None:
    assert counts(plugin) == {"doc0.md": 0, "doc1.md": 1, "doc2.md": 2, "doc3.md": 0}
    plugin.database.before = fail_once()

    assert [result.fate for result in memory.replay()] == [Fate.STORED] * 3

    assert plugin.database.tables.rows == undisturbed
    assert plugin.database.tables.rejects == {}
    assert set(counts(plugin).values()) == {0}
    assert memory.run().account.records.written == 0


def test_replaying_twice_stores_once(
    memory: Operations, plugin: MemoryPlugin, rejects: list[Reject], undisturbed: dict[str, ProcessedChunk]
) -> None:
    plugin.database.before = fail_once()
    records = [Corrected(reject.id, reject.payload) for reject in rejects]
    memory.replay(records)
    writes = len(plugin.database.writes)

    assert [result.fate for result in memory.replay(records)] == [Fate.GONE] * 3
    assert memory.replay() == []
    assert len(plugin.database.writes) == writes
    assert plugin.database.tables.rows == undisturbed


def test_a_lost_reply_to_the_commit_is_not_written_again(
    memory: Operations, plugin: MemoryPlugin, rejects: list[Reject], undisturbed: dict[str, ProcessedChunk]
) -> None:
    plugin.database.before = fail_once()
    plugin.database.after = fail_once(ConnectionError("the reply was lost"))
    plugin.database.writes.clear()

    assert [result.fate for result in memory.replay()] == [Fate.STORED] * 3
    assert len(plugin.database.writes) == 3
    assert plugin.database.tables.rows == undisturbed


@pytest.mark.parametrize("own_ledger", [True, False])
def test_after_a_crash_behind_a_commit_the_rest_is_stored_and_nothing_twice(
    memory: Operations,
    plugin: MemoryPlugin,
    undisturbed: dict[str, ProcessedChunk],
    own_ledger: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plugin.database.own_ledger = own_ledger
    plugin.database.before = fail_for(is_bad, lambda: ValueError("bad"))
    memory.run()
    plugin.database.before = fail_once()
    if own_ledger:
        dying_behind_a_write(monkeypatch)
        with pytest.raises(Killed):
            memory.replay()
    else:  # between the sink's commit and the ledger's
        plugin.database.after = fail_once(Killed())
        assert [result.fate for result in memory.replay()] == [Fate.FAILED]

    again = memory.replay()

    assert [result.fate for result in again] == [Fate.STORED] * (2 if own_ledger else 3)
    assert plugin.database.tables.rows == undisturbed
    with memory.target() as target:
        assert {known.rejected for known in target.relations[0].documents("docs")} == {0}
        assert target.relations[0].ledger.rejects() == []
    assert memory.verify() == []


def test_what_fails_again_stays_with_its_new_error_and_one_more_attempt(
    memory: Operations, plugin: MemoryPlugin, rejects: list[Reject]
) -> None:
    plugin.database.before = fail_for(lambda chunk: "2.1" in chunk.chunk_text, lambda: TypeError("worse"))

    fates = {result.key + str(result.position): result.fate for result in memory.replay()}

    assert sorted(fate.value for fate in fates.values()) == ["left", "stored", "stored"]
    [left] = plugin.database.tables.rejects.values()
    [before] = [reject for reject in rejects if reject.id == left.id]
    assert (left.error, left.message, left.attempts) == ("TypeError", "worse", before.attempts + 1)
    assert (left.payload, left.run_id) == (before.payload, before.run_id)
    assert counts(plugin)["doc2.md"] == 1


def test_a_sink_that_is_down_ends_the_replay_and_keeps_every_reject(
    memory: Operations, plugin: MemoryPlugin, rejects: list[Reject]
) -> None:
    plugin.database.before = fail_for(lambda _: True, lambda: ConnectionError("down"))
    plugin.database.writes.clear()

    [result] = memory.replay()

    assert (result.fate, result.reason) == (Fate.FAILED, "down")
    assert len(plugin.database.writes) == 3  # the first try and two retries
    assert len(plugin.database.tables.rejects) == 3


def test_a_settings_override_of_a_sqlstate_decides_here_as_well(
    memory: Operations, plugin: MemoryPlugin, rejects: list[Reject]
) -> None:
    class Unique(Exception):
        sqlstate = "23505"

    plugin.database.before = fail_for(lambda _: True, lambda: Unique("there already"))
    assert [result.fate for result in memory.replay()] == [Fate.FAILED]
    assert [result.fate for result in memory.replay(sqlstates={"23505": "skip"})] == [Fate.LEFT] * 3
    assert {reject.sqlstate for reject in plugin.database.tables.rejects.values()} == {"23505"}


def test_a_mended_text_is_stored_with_its_own_hash_and_tokens_and_without_a_span(
    memory: Operations, plugin: MemoryPlugin, rejects: list[Reject]
) -> None:
    reject = rejects[0]
    assert reject.payload is not None
    text = "Corrected, quite differently.\n"
    corrected = {
        **reject.payload,
        "chunk_text": text,
        "chunk_hash": "what it was",
        "metadata": {"by": "hand"},
    }

    [result] = memory.replay([Corrected(reject.id, corrected)])

    assert result.fate is Fate.STORED
    row = plugin.database.tables.rows[reject.id]
    assert (row.chunk_text, row.metadata) == (text, {"by": "hand"})
    assert row.chunk_hash == sha256(text.encode()).hexdigest()
    assert row.chunk_token_count == Tokenizer("cl100k_base").count(text)
    assert (row.span_start, row.span_end) == (None, None)
    assert memory.verify() == []


@pytest.mark.parametrize(("unstorable", "text"), [("strip", "ab"), ("escape", "a\\u0000b")])
def test_characters_that_cannot_be_stored_are_cleaned_as_the_settings_say(
    memory: Operations, plugin: MemoryPlugin, rejects: list[Reject], unstorable: str, text: str
) -> None:
    reject = rejects[0]
    assert reject.payload is not None
    corrected = {
        **reject.payload,
        "chunk_text": "a\0b",
        "context_header": "x\0",
        "metadata": {"k\0": ["\ud800"]},
    }

    memory.replay([Corrected(reject.id, corrected)], unstorable=unstorable)

    row = plugin.database.tables.rows[reject.id]
    assert row.chunk_text == text
    assert "\0" not in row.context_header + "".join(row.metadata)
    assert row.chunk_hash == sha256(text.encode()).hexdigest()


def test_another_records_identity_is_refused(
    memory: Operations, plugin: MemoryPlugin, rejects: list[Reject]
) -> None:
    plugin.database.before = fail_once()
    assert rejects[0].payload is not None
    wrong = {**rejects[0].payload, "source_file": "other.md", "chunk_index": 99}

    [result] = memory.replay([Corrected(rejects[0].id, wrong)])

    assert result.fate is Fate.LEFT
    assert "source_file, chunk_index can't be changed" in result.reason


def test_a_stale_reject_is_not_stored(
    memory: Operations, plugin: MemoryPlugin, rejects: list[Reject]
) -> None:
    plugin.database.before = fail_once()
    stale = replace(rejects[0], document_id="00000000-0000-8000-8000-000000000000")
    plugin.database.tables.rejects = {stale.id: stale}

    [result] = memory.replay()

    assert result.fate is Fate.LEFT
    assert "stale" in result.reason
    assert "drop it" in result.reason


def test_a_whole_document_cannot_be_replayed(memory: Operations, plugin: MemoryPlugin) -> None:
    (memory.folder / "bytes.md").write_bytes(b"caf\xe9")
    memory.run()

    [result] = memory.replay()

    assert (result.fate, result.key) == (Fate.LEFT, "bytes.md")
    assert "fix the file and run again" in result.reason


def test_a_document_that_lacks_rows_is_to_be_restored_first(
    memory: Operations, plugin: MemoryPlugin, rejects: list[Reject]
) -> None:
    plugin.database.before = fail_once()
    [reject] = [reject for reject in rejects if reject.key == "doc1.md"]
    rows = plugin.database.tables.rows
    del rows[next(key for key, row in rows.items() if row.source_file == "doc1.md")]

    [result] = memory.replay([Corrected(reject.id, reject.payload)])

    assert result.fate is Fate.LEFT
    assert "verify --repair" in result.reason


def test_a_version_that_was_begun_meanwhile_is_left_to_the_next_run_which_leaves_nothing_behind(
    memory: Operations, plugin: MemoryPlugin, rejects: list[Reject], monkeypatch: pytest.MonkeyPatch
) -> None:
    (memory.folder / "doc1.md").write_text("# Newer\n\n" + "word " * 200, "utf-8")
    plugin.database.before = fail_once()
    dying_behind_a_write(monkeypatch)  # in the middle of doc1.md
    with pytest.raises(SinkError, match="Killed"):
        memory.run(batch_size=1)
    assert len(plugin.database.tables.pending) == 1

    [begun] = plugin.database.tables.pending
    begun_rows = plugin.database.tables.count(begun)

    assert [result.fate for result in memory.replay()] == [Fate.STORED] * 3

    assert [*plugin.database.tables.pending] == [begun]
    assert plugin.database.tables.count(begun) == begun_rows > 0
    assert memory.verify() == []
    assert memory.run().account.documents.changed == 1
    tables = plugin.database.tables
    assert (tables.pending, tables.rejects) == ({}, {})
    assert {row.document_id for row in tables.rows.values()} == tables.published_ids()
    assert begun in tables.published_ids()


# --- which ones ---------------------------------------------------------------------------------------


def meant(target: OpenTarget, given: str) -> str:
    [(_, reject)] = resolve(target.relations, [given])
    return reject.id


def test_short_ids_and_beginnings_name_one_reject(memory: Operations, rejects: list[Reject]) -> None:
    with memory.target() as target:
        for reject in rejects:
            assert meant(target, short(reject)) == reject.id
            assert meant(target, reject.id) == reject.id
        [alone] = [reject for reject in rejects if reject.key == "doc1.md"]
        assert meant(target, alone.id[:8]) == alone.id


@pytest.mark.parametrize("given", ["", "nothing", ".1", "x.y"])
def test_an_id_of_no_reject_is_a_usage_error(memory: Operations, rejects: list[Reject], given: str) -> None:
    with memory.target() as target, pytest.raises(ConfigError, match="rejects list"):
        meant(target, given)


def test_an_ambiguous_beginning_is_a_usage_error(memory: Operations, rejects: list[Reject]) -> None:
    two = [reject for reject in rejects if reject.key == "doc2.md"]
    with memory.target() as target, pytest.raises(ConfigError, match="more than one"):
        meant(target, two[0].id[:8])


def test_selections_are_by_run_source_and_error(memory: Operations, rejects: list[Reject]) -> None:
    def number(selection: RejectSelection) -> int:
        with memory.target() as target:
            return sum(map(len, selection.pages(target)))

    assert number(RejectSelection()) == 3
    assert number(RejectSelection(run=rejects[0].run_id[:8])) == 3
    assert number(RejectSelection(run="0" * 8)) == 0
    assert number(RejectSelection(key="doc2.md")) == 2
    assert number(RejectSelection(error="ValueError")) == 3
    assert number(RejectSelection(error="TypeError")) == 0
    assert number(RejectSelection(ids=(short(rejects[0]),))) == 1
