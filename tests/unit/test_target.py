"""`Target`: what the commands print, as values; the commands use it themselves."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from batchwright import (
    BatchConfig,
    BatchProcessor,
    BatchwrightError,
    ConfigError,
    Corrected,
    Fate,
    Fault,
    ProcessedChunk,
    SinkError,
    Target,
)
from batchwright.cli.main import execute
from tests.support import nobody
from tests.support.operations import Operations, write_documents

TO = "sqlite:///kb.db"
BAD = "\ud800"


@pytest.fixture
def loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operations:
    """Four documents of a run, and one of a program, of which two records were set aside."""
    monkeypatch.chdir(tmp_path)
    operations = Operations(write_documents(tmp_path / "docs"), TO)
    operations.run()
    texts = ["good", f"bad {BAD}", f"worse {BAD}"]
    with BatchProcessor(operations.config()) as processor:
        processor.insert_chunks(
            [
                ProcessedChunk(text, source_file="bad.md", chunk_index=n, total_chunks=3)
                for n, text in enumerate(texts)
            ]
        )
    return operations


@pytest.fixture
def kb(loaded: Operations) -> Iterator[Target]:
    with Target(loaded.config()) as target:
        yield target


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    capsys.readouterr()
    execute([*arguments, "--to", TO, "--json"])
    return json.loads(capsys.readouterr().out)


def test_search_returns_the_hits_that_the_command_prints(
    kb: Target, capsys: pytest.CaptureFixture[str]
) -> None:
    hits = kb.search("introduction", limit=3)
    assert len(hits) == 3
    assert said(capsys, "search", "introduction", "--limit", "3")["hits"] == json.loads(
        json.dumps([asdict(hit) for hit in hits])
    )
    assert kb.search("nowhere") == []


def test_status_returns_the_figures_that_the_command_prints(
    kb: Target, capsys: pytest.CaptureFixture[str]
) -> None:
    status = kb.status()
    assert (status.published, status.pending, status.rejects) == (5, 0, 2)
    assert status.last_run == kb.runs(limit=1)[0]
    printed = said(capsys, "status")
    assert printed["records"] == status.records > 0
    assert printed["last_run"]["run_id"] == kb.runs()[0].run_id


def test_collections_are_those_that_the_command_lists_and_can_be_deleted(
    kb: Target, capsys: pytest.CaptureFixture[str]
) -> None:
    both = kb.collections()
    assert [(one.name, one.published, one.rejects) for one in both] == [("chunks", 1, 2), ("docs", 4, 0)]
    assert said(capsys, "collections", "list")["collections"] == [asdict(one) for one in both]
    assert [hit.collection for hit in kb.search("good", collection="chunks")] == ["chunks"]
    assert kb.search("good", collection="docs") == []
    assert kb.delete_collection("chunks") == both[0]
    assert [one.name for one in kb.collections()] == ["docs"]
    assert list(kb.rejects()) == []


def test_one_collection_alone_is_shown_where_the_settings_name_it(loaded: Operations) -> None:
    with Target(loaded.config(collection="docs")) as kb:
        assert (kb.status().published, list(kb.rejects()), kb.search("good")) == (4, [], [])
        assert kb.document("bad.md") is None
    with (
        pytest.raises(ConfigError, match="there is no collection none"),
        Target(loaded.config(collection="none")) as kb,
    ):
        kb.status()


def test_documents_come_by_key_or_one_alone(kb: Target) -> None:
    documents = list(kb.documents())
    assert [known.version.key for known in documents] == ["bad.md", *(f"doc{n}.md" for n in range(4))]
    assert kb.document("bad.md") == documents[0]
    assert documents[0].rejected == 2
    assert kb.document("none.md") is None


def test_rejects_can_be_narrowed_like_those_of_the_command(
    kb: Target, capsys: pytest.CaptureFixture[str]
) -> None:
    rejects = list(kb.rejects(key="bad.md"))
    assert [reject.key for reject in rejects] == ["bad.md"] * 2
    assert list(kb.rejects(key="doc1.md")) == []
    assert [kb.reject(reject.id[:8] + f".{reject.position}") for reject in rejects] == rejects
    assert list(kb.rejects(rejects[0].id)) == rejects[:1]
    with pytest.raises(ConfigError, match="there is no reject"):
        kb.reject("00000000")


def test_rejects_are_replayed_as_they_were_corrected_and_dropped(kb: Target) -> None:
    first, second = kb.rejects()
    assert [result.fate for result in kb.replay(kb.rejects())] == [Fate.LEFT] * 2  # they are as bad as before
    assert first.payload is not None
    good = {**first.payload, "chunk_text": first.payload["chunk_text"].replace(BAD, "")}
    [result] = kb.replay([Corrected(first.id, good)])
    assert (result.fate, result.key) == (Fate.STORED, "bad.md")
    assert kb.drop(kb.rejects()) == 1
    assert list(kb.rejects()) == []
    assert second.id != first.id


def test_verify_finds_what_is_missing_and_repair_restores_it(kb: Target, tmp_path: Path) -> None:
    verification = kb.verify()
    assert (list(verification), verification.documents) == ([], 5)
    with closing(sqlite3.connect("kb.db", isolation_level=None)) as database:
        database.execute("DELETE FROM knowledge_base_records WHERE source_file = 'doc1.md'")
    assert [(finding.fault, finding.key) for finding in kb.verify()] == [(Fault.LOST, "doc1.md")]
    (tmp_path / "empty").mkdir()
    assert [reason for _, reason in kb.repair(kb.verify(), tmp_path / "empty")] != [""]
    with pytest.raises(ConfigError, match="no such file or directory"):
        list(kb.repair(kb.verify(), tmp_path / "none"))
    assert [(finding.key, reason) for finding, reason in kb.repair(kb.verify())] == [("doc1.md", "")]
    assert list(kb.verify()) == []


def test_a_plan_says_what_a_run_would_do_without_an_open_target(loaded: Operations) -> None:
    planned = Target(loaded.config()).plan()
    assert (planned.unchanged, planned.records) == (4, 0)
    assert Target(replace(loaded, to="sqlite:///other.db").config()).plan().added == 4
    assert not Path("other.db").exists()


# --- opening ------------------------------------------------------------------------------------------


def test_the_url_is_enough(loaded: Operations) -> None:
    with Target(TO) as kb:
        assert kb.status().published == 5
    assert kb.name == TO


def test_nothing_is_made_where_nothing_was_loaded(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="nothing is loaded in"), Target(f"sqlite:///{tmp_path}/none.db"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_target_that_is_not_open_says_how_to_open_it(loaded: Operations) -> None:
    kb = Target(TO)
    for _ in range(2):
        with pytest.raises(BatchwrightError, match="the target is not open: with Target"):
            kb.status()
        assert kb.open().status().published == 5
        assert kb.open() is kb  # open already
        kb.close()
        kb.close()


def test_a_wrong_setting_names_its_place(loaded: Operations) -> None:
    Path("batchwright.toml").write_text("[sink.sqlite]\ntabel = 'x'\n")
    with pytest.raises(ConfigError, match=r"^batchwright.toml: sink.sqlite.tabel: no such setting; did you"):
        Target(BatchConfig.load(environ={}, to=TO)).open()


def test_errors_of_the_program_within_with_stay_what_they_are(loaded: Operations) -> None:
    with pytest.raises(sqlite3.OperationalError, match="mine"), Target(TO):
        raise sqlite3.OperationalError("mine")


def test_threads_may_share_one(kb: Target) -> None:
    def ask(number: int) -> tuple[int, int, int]:
        return len(kb.search("introduction")), kb.status().published, len(list(kb.verify()))

    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(ask, range(12))) == {(4, 5, 0)}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork of POSIX")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_process_is_told_to_open_it_itself(kb: Target) -> None:
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    child = context.Process(target=_asked_in_child, args=(kb, answers))
    child.start()
    try:
        told, published = answers.get(timeout=30)
    finally:
        child.join(30)
    assert "opened in another process" in told
    assert published == 5
    assert kb.status().published == 5  # the child's end closed nothing here


def test_what_is_open_says_why_it_can_not_be_sent_to_another_process(kb: Target) -> None:
    for one in (kb, BatchProcessor(BatchConfig(to=TO))):
        with pytest.raises(TypeError, match="can't be sent to another process: send its"):
            pickle.dumps(one)
    assert isinstance(pickle.loads(pickle.dumps(Target(TO))), Target)


def _asked_in_child(kb: Target, answers: Any) -> None:
    try:
        kb.status()
        told = "nothing"
    except BatchwrightError as error:
        told = str(error)
    kb.close()
    with kb.open():
        answers.put((told, kb.status().published))


# --- where nothing may be written ---------------------------------------------------------------------


@pytest.fixture
def read_only(loaded: Operations) -> Iterator[str]:
    """A copy of the target that this account may read, in a folder that it may not write to."""
    with nobody.open_folder() as folder:
        file = folder / "kb.db"
        file.write_bytes(Path("kb.db").read_bytes())
        with Target(f"sqlite:///{file}") as kb:  # imports what it needs, which the account may not read
            kb.search("introduction")
            list(kb.verify())
        file.chmod(0o444)
        folder.chmod(0o555)
        with nobody.as_nobody():
            yield f"sqlite:///{file}"


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions of POSIX")
def test_a_file_that_may_only_be_read_shows_everything(read_only: str) -> None:
    with Target(read_only) as kb:
        assert (len(kb.search("introduction")), kb.status().published, len(kb.runs())) == (4, 5, 1)
        assert (len(list(kb.documents())), len(list(kb.rejects())), list(kb.verify())) == (5, 2, [])
        with pytest.raises(SinkError, match="can't be written to"):
            kb.drop(kb.rejects())
        assert kb.status().rejects == 2
