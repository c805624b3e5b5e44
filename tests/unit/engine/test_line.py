"""A run from end to end, into a sink in memory: what is loaded, replaced, left alone, and how it adds up."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any

import pytest

from batchwright import (
    Account,
    BatchProcessor,
    BatchTooLarge,
    RunFailed,
    RunInterrupted,
)
from tests.support.memory import MemoryPlugin, fail_for, fail_once
from tests.support.quick_runs import quick_processor


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    for number in range(10):
        sections = "".join(f"## Part {n}\n\n{'word ' * 40}{number}.{n}\n\n" for n in range(number + 1))
        (folder / f"doc{number:02}.md").write_text(
            f"# Title {number}\n\nIntroduction {number}.\n\n{sections}"
        )
    return folder


def processor(docs: Path, plugin: MemoryPlugin, **settings: Any) -> BatchProcessor:
    return quick_processor(docs, plugin, **{"chunk_max_tokens": 64, "batch_size": 7, **settings})


def texts(plugin: MemoryPlugin) -> dict[str, str]:
    return {
        name: "".join(chunk.chunk_text for chunk in chunks)
        for name, chunks in plugin.database.tables.published().items()
    }


def sources(docs: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(docs.glob("*.md"))}


def test_every_document_is_published_as_it_is(docs: Path, plugin: MemoryPlugin) -> None:
    ids = processor(docs, plugin).process_directory()

    assert texts(plugin) == sources(docs)
    assert sorted(ids) == sorted(plugin.database.tables.rows)
    assert {len(write) for write in plugin.database.writes[:-1]} == {7}


def test_the_account_says_what_happened(docs: Path, plugin: MemoryPlugin) -> None:
    result = processor(docs, plugin).run()

    account = result.account
    assert result.state == "done"
    assert account.documents.added == account.documents.total == 10
    assert account.records.written == account.records.total == len(plugin.database.tables.rows)
    assert account.batches == len(plugin.database.writes)
    stored = plugin.database.tables.runs[result.run_id]
    assert stored.state == "done"
    assert Account.from_dict(stored.account) == account


def test_a_second_run_writes_nothing(docs: Path, plugin: MemoryPlugin) -> None:
    first = processor(docs, plugin).run()
    plugin.database.writes.clear()

    second = processor(docs, plugin).run()

    assert plugin.database.writes == []
    assert second.account.documents.unchanged == 10
    assert second.account.records.unchanged == first.account.records.written


def test_other_chunking_settings_replace_every_document(docs: Path, plugin: MemoryPlugin) -> None:
    processor(docs, plugin).run()
    result = processor(docs, plugin, chunk_max_tokens=128).run()

    assert result.account.documents.changed == 10
    assert texts(plugin) == sources(docs)
    assert len(plugin.database.tables.rows) == result.account.records.written


def test_an_edited_document_alone_is_replaced_and_its_old_rows_go(docs: Path, plugin: MemoryPlugin) -> None:
    processor(docs, plugin).run()
    (docs / "doc05.md").write_text("# New\n\nAll new.\n")

    result = processor(docs, plugin).run()

    assert result.account.documents.changed == 1
    assert result.account.documents.unchanged == 9
    assert texts(plugin) == sources(docs)
    ids = {known.version.document_id for known in plugin.database.tables.known.values()}
    assert {row.document_id for row in plugin.database.tables.rows.values()} == ids


def test_a_deleted_document_is_reported_and_stays(docs: Path, plugin: MemoryPlugin) -> None:
    processor(docs, plugin).run()
    (docs / "doc03.md").unlink()

    result = processor(docs, plugin).run()

    assert (result.account.documents.deleted, result.account.removed) == (1, 0)
    assert "doc03.md" in texts(plugin)


def test_prune_removes_a_deleted_document(docs: Path, plugin: MemoryPlugin) -> None:
    processor(docs, plugin).run()
    (docs / "doc03.md").unlink()

    result = processor(docs, plugin, prune=True).run()

    assert (result.account.documents.deleted, result.account.removed) == (1, 1)
    assert texts(plugin) == sources(docs)


def test_prune_refuses_to_remove_more_than_its_limit(docs: Path, plugin: MemoryPlugin) -> None:
    processor(docs, plugin).run()
    for number in range(6):
        (docs / f"doc{number:02}.md").unlink()

    refused = processor(docs, plugin, prune=True).run()
    assert refused.state == "failed"
    assert "prune 6 of 10" in refused.reason
    assert len(texts(plugin)) == 10

    allowed = processor(docs, plugin, prune=True, prune_limit=0.6).run()
    assert allowed.account.removed == 6
    assert texts(plugin) == sources(docs)


def test_an_unreadable_document_costs_only_itself(docs: Path, plugin: MemoryPlugin) -> None:
    (docs / "bad.md").write_bytes(b"caf\xe9")
    result = processor(docs, plugin).run()

    assert result.state == "done"
    assert (result.account.documents.added, result.account.documents.failed) == (10, 1)
    [reject] = plugin.database.tables.rejects.values()
    assert (reject.key, reject.document_id, reject.position) == ("bad.md", None, None)

    (docs / "bad.md").write_text("corrected")
    assert processor(docs, plugin).run().account.documents.added == 1
    assert plugin.database.tables.rejects == {}


def test_a_document_is_visible_whole_or_not_at_all(docs: Path, plugin: MemoryPlugin) -> None:
    processor(docs, plugin).run()
    old = sources(docs)
    for path in docs.glob("*.md"):
        path.write_text(path.read_text().replace("word", "term"))
    new = sources(docs)
    seen: list[dict[str, str]] = []
    plugin.database.after = lambda batch, receipt: seen.append(texts(plugin))

    processor(docs, plugin, batch_size=2).run()

    assert len(seen) > 10
    for view in seen:
        assert all(text in (old[name], new[name]) for name, text in view.items())
    assert texts(plugin) == new


def test_a_transient_error_is_retried_and_nothing_is_doubled(docs: Path, plugin: MemoryPlugin) -> None:
    plugin.database.before = fail_once(TimeoutError("slow"), ConnectionError("gone"))
    result = processor(docs, plugin).run()

    assert result.account.retries == 2
    assert texts(plugin) == sources(docs)


def test_a_lost_commit_reply_is_not_written_again(docs: Path, plugin: MemoryPlugin) -> None:
    plugin.database.after = fail_once(ConnectionError("the reply was lost"))
    result = processor(docs, plugin).run()

    assert result.account.retries == 1
    assert len(plugin.database.writes) == result.account.batches
    assert texts(plugin) == sources(docs)


def test_a_batch_out_of_retries_fails_alone_and_the_next_run_loads_it(
    docs: Path, plugin: MemoryPlugin
) -> None:
    plugin.database.before = fail_for(lambda c: c.source_file == "doc04.md", lambda: TimeoutError("slow"))
    result = processor(docs, plugin).run()

    assert result.state == "failed"
    assert result.account.batches_failed >= 1
    assert "doc04.md" not in texts(plugin)
    assert "doc09.md" in texts(plugin)

    plugin.database.before = fail_once()
    assert processor(docs, plugin).run().state == "done"
    assert texts(plugin) == sources(docs)


def test_a_run_that_is_stopped_while_its_writer_connects_accounts_for_all(
    docs: Path, plugin: MemoryPlugin
) -> None:
    stopped = processor(docs, plugin)

    def on_open() -> None:
        if plugin.database.opens:
            stopped.stop("enough")
            raise ConnectionError("no place left in the pool")

    plugin.database.on_open = on_open
    result = stopped.run()
    assert (result.state, result.reason) == ("interrupted", "enough")
    assert result.account.documents.not_attempted == len(sources(docs))


def test_a_permanent_error_stops_the_run(docs: Path, plugin: MemoryPlugin) -> None:
    plugin.database.before = fail_for(lambda c: c.source_file == "doc04.md", lambda: RuntimeError("broken"))
    result = processor(docs, plugin).run()

    assert result.state == "failed"
    assert result.account.records.failed == 7
    assert result.account.records.not_attempted > 0
    with pytest.raises(RunFailed):
        processor(docs, plugin).process_directory()


def test_bad_records_are_set_aside_and_every_other_lands(docs: Path, plugin: MemoryPlugin) -> None:
    plugin.database.before = fail_for(lambda c: "5.3" in c.chunk_text, lambda: ValueError("bad"))
    result = processor(docs, plugin).run()

    assert result.state == "done"
    [reject] = plugin.database.tables.rejects.values()
    assert reject.payload is not None
    assert "5.3" in reject.payload["chunk_text"]
    assert result.account.records.rejected == 1
    assert result.account.records.written == result.account.records.total - 1
    assert set(texts(plugin)) == set(sources(docs))
    assert plugin.database.tables.known["doc05.md"].rejected == 1


def test_a_batch_too_large_is_halved_without_a_retry(docs: Path, plugin: MemoryPlugin) -> None:
    def refuse(batch: Any, receipt: Any) -> None:
        if len(batch.documents) > 3:
            raise BatchTooLarge("at most 3")

    plugin.database.before = refuse
    result = processor(docs, plugin).run()

    assert (result.state, result.account.retries, result.account.records.rejected) == ("done", 0, 0)
    assert texts(plugin) == sources(docs)


def test_stopping_finishes_what_is_in_flight_and_the_next_run_resumes(
    docs: Path, plugin: MemoryPlugin
) -> None:
    line = processor(docs, plugin, batch_size=3)
    plugin.database.after = lambda batch, receipt: line.stop("enough")

    result = line.run()
    assert (result.state, result.reason) == ("interrupted", "enough")
    assert result.account.records.written == 3
    assert result.account.documents.total == 10
    assert result.account.documents.not_attempted >= 8
    with pytest.raises(RunInterrupted):
        line.process_directory()

    plugin.database.after = fail_once()
    line.process_directory()
    assert texts(plugin) == sources(docs)


def test_a_version_that_was_begun_and_then_edited_leaves_no_rows(docs: Path, plugin: MemoryPlugin) -> None:
    line = processor(docs, plugin, batch_size=1)
    plugin.database.after = lambda batch, receipt: line.stop("enough") if batch.batch_index == 1 else None
    assert line.run().state == "interrupted"
    assert plugin.database.tables.pending
    for path in docs.glob("*.md"):
        path.write_text("# Other\n\nOther.\n")

    plugin.database.after = fail_once()
    line.run()
    assert texts(plugin) == sources(docs)
    assert len(plugin.database.tables.rows) == 10
    assert plugin.database.tables.pending == {}


def test_a_version_that_was_begun_and_whose_file_is_gone_is_discarded(
    docs: Path, plugin: MemoryPlugin
) -> None:
    line = processor(docs, plugin, batch_size=1)
    plugin.database.after = lambda batch, receipt: line.stop("enough") if batch.batch_index == 1 else None
    line.run()
    [version] = plugin.database.tables.pending.values()
    (docs / version.key).unlink()

    plugin.database.after = fail_once()
    line.run()
    assert texts(plugin) == sources(docs)
    assert {row.source_file for row in plugin.database.tables.rows.values()} == set(sources(docs))


def test_several_writers_give_the_same_table(docs: Path, plugin: MemoryPlugin) -> None:
    result = processor(docs, plugin, workers=4, batch_size=3).run()

    assert result.account.documents.added == 10
    assert texts(plugin) == sources(docs)
    assert plugin.database.opens == plugin.database.closes == 5


def test_an_empty_document_is_published_without_rows(docs: Path, plugin: MemoryPlugin) -> None:
    (docs / "empty.md").write_text("")
    assert processor(docs, plugin).run().account.documents.added == 11
    assert processor(docs, plugin).run().account.documents.unchanged == 11
    assert texts(plugin)["empty.md"] == ""


def test_a_sink_without_ledger_gets_one_beside_it(docs: Path, plugin: MemoryPlugin, tmp_path: Path) -> None:
    plugin.database.own_ledger = False
    settings = {"ledger": tmp_path / "ledger.db"}
    processor(docs, plugin, **settings).run()
    result = processor(docs, plugin, **settings).run()

    assert result.account.documents.unchanged == 10


def test_progress_is_complete_after_a_run(docs: Path, plugin: MemoryPlugin) -> None:
    line = processor(docs, plugin)
    ids = line.process_directory()
    progress = line.get_progress()

    assert progress.percent_complete == 100.0
    assert progress.documents_processed == len(ids)
    assert progress.batches_completed == len(plugin.database.writes)


def test_a_sink_that_can_not_be_opened_is_a_clear_error(
    docs: Path, plugin: MemoryPlugin, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse() -> None:
        raise PermissionError("password=hunter2 is wrong")

    plugin.database.on_open = refuse
    with caplog.at_level(logging.DEBUG), pytest.raises(Exception, match=r"password=\*\*\*"):
        processor(docs, plugin).run()
    assert "hunter2" not in caplog.text


def test_no_thread_outlives_a_run(docs: Path, plugin: MemoryPlugin) -> None:
    before = threading.active_count()
    processor(docs, plugin, workers=3).run()
    assert threading.active_count() == before


@pytest.mark.parametrize(
    ("unstorable", "text"),
    [("strip", "ab, c\n"), ("escape", "a\\u0000b, \\u0000c\n"), ("reject", "a\0b, \0c\n")],
)
def test_characters_that_databases_can_not_hold(
    tmp_path: Path, plugin: MemoryPlugin, unstorable: str, text: str
) -> None:
    (tmp_path / "nul.md").write_bytes(b'---\nauthor: "x\\0"\n---\na\0b, \0c\n')
    (tmp_path / "clean.md").write_text("clean")
    result = processor(tmp_path, plugin, unstorable=unstorable).run()

    published = plugin.database.tables.published()
    [chunk] = published["nul.md"]
    assert chunk.chunk_text == text
    assert chunk.metadata["author"] == {"strip": "x", "escape": "x\\u0000", "reject": "x\0"}[unstorable]
    assert chunk.span_start == (22 if unstorable == "reject" else 0)  # then of the prepared text
    assert published["clean.md"][0].span_start == 0
    assert result.account.left_out.get("characters cleaned", 0) == (0 if unstorable == "reject" else 3)
    assert processor(tmp_path, plugin, unstorable=unstorable).run().account.documents.unchanged == 2
