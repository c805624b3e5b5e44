"""What `batchwright run` asks of the engine, what it says of the result, and its exit code."""

from __future__ import annotations

import json
import logging
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from batchwright.contracts.account import Account, DocumentCounts, RecordCounts
from batchwright.contracts.events import BatchRetrying, DocumentFinished, RecordRejected
from tests.unit.cli.conftest import Command, Engine

LOADED = Account(
    records=RecordCounts(written=2500, unchanged=90, rejected=10),
    documents=DocumentCounts(added=100, unchanged=14, failed=1),
    records_seen=2600,
    documents_seen=115,
    batches=82,
    retries=3,
    bytes_read=3_100_000,
    seconds=1.25,
)
CLEAN = Account(documents=DocumentCounts(added=2), records=RecordCounts(written=4), seconds=1.0, batches=1)


def test_a_clean_run_exits_with_0_and_says_what_to_do_next(batchwright: Command, engine: Engine) -> None:
    engine.account = CLEAN
    outcome = batchwright("run", "docs")
    assert outcome.code == 0
    assert outcome.out.startswith("done: docs to sqlite:///batchwright.db, collection docs\n")
    assert outcome.out.endswith("search it: batchwright search TEXT\n")


def test_a_run_that_found_nothing_new_does_not_say_again_how_to_search(
    batchwright: Command, engine: Engine
) -> None:
    engine.account = Account(documents=DocumentCounts(unchanged=2), records=RecordCounts(unchanged=4))
    assert "search it" not in batchwright("run", "docs").out


def test_a_slow_run_is_not_said_to_write_0_records_a_second(batchwright: Command, engine: Engine) -> None:
    engine.account = Account(documents=DocumentCounts(added=1), records=RecordCounts(written=1), seconds=2.1)
    assert "0.48 records/s" in batchwright("run", "docs").out


def test_the_summary_is_the_account_without_its_zeros(batchwright: Command, engine: Engine) -> None:
    engine.account = LOADED
    outcome = batchwright("run", "docs", "--quiet")
    assert outcome.out.splitlines()[2:7] == [
        "  documents    115   100 added, 14 unchanged, 1 failed",
        "  records    2,600   2,500 written, 90 unchanged, 10 rejected",
        "  batches       82   3 retries",
        "  read      3.1 MB   2.5 MB/s",
        "  time      1.25 s   2,000 records/s",
    ]


def test_documents_and_records_that_went_wrong_are_listed_up_to_ten(
    batchwright: Command, engine: Engine
) -> None:
    engine.account = LOADED
    engine.events = [
        DocumentFinished("bad.md", "failed", reason="byte 3 is not UTF-8"),
        *(RecordRejected(f"{n}.md", n, "DataError", "NUL byte", "classifier", "22021") for n in range(12)),
    ]
    out = batchwright("run", "docs").out
    assert "documents that could not be loaded:\n  bad.md: byte 3 is not UTF-8\n" in out
    assert "  9.md #9: NUL byte (SQLSTATE 22021)\n" in out
    assert "10.md" not in out


def test_rejects_and_unreadable_documents_exit_with_3(batchwright: Command, engine: Engine) -> None:
    engine.account = Account(documents=DocumentCounts(added=1), records=RecordCounts(rejected=1))
    assert batchwright("run", "docs").code == 3
    engine.account = Account(documents=DocumentCounts(added=1, failed=1))
    assert batchwright("run", "docs").code == 3


def test_a_failed_run_exits_with_1_and_tells_why_on_stderr(batchwright: Command, engine: Engine) -> None:
    engine.state, engine.reason, engine.account = "failed", "no such table: kb", CLEAN
    outcome = batchwright("run", "docs")
    assert outcome.code == 1
    assert outcome.err.count("no such table: kb") == 1
    assert "error: no such table: kb\n" in outcome.err
    assert "run the same command again" in outcome.out


def test_json_is_one_object_with_every_figure(batchwright: Command, engine: Engine) -> None:
    engine.account = LOADED
    engine.events = [
        DocumentFinished("bad.md", "failed", reason="no"),
        DocumentFinished("gone.md", "deleted"),
        RecordRejected("a.md", 3, "DataError", "NUL", "classifier"),
    ]
    outcome = batchwright("run", "docs", "--to", "postgresql://me:hunter2@host/db", "--json")
    result = outcome.json
    assert outcome.code == result["exit_code"] == 3
    assert (result["run_id"], result["state"]) == ("r1", "done")
    assert result["account"] == LOADED.as_dict()
    assert result["failed_documents"] == [{"key": "bad.md", "reason": "no"}]
    assert result["deleted_documents"] == ["gone.md"]
    assert result["rejects"][0]["position"] == 3
    assert result["target"] == "postgresql://me:***@host/db"
    assert "hunter2" not in outcome.out + outcome.err


def test_deleted_documents_are_reported_with_the_way_to_remove_them(
    batchwright: Command, engine: Engine
) -> None:
    engine.account = Account(documents=DocumentCounts(unchanged=5, deleted=1))
    engine.events = [DocumentFinished("gone.md", "deleted")]
    out = batchwright("run", "docs").out
    assert "--prune" in out
    assert "  gone.md\n" in out


def test_a_target_given_as_an_option_is_in_the_command_to_search_it(
    batchwright: Command, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.account = CLEAN
    assert batchwright("run", "docs", "--to", "sqlite:///a b.db").out.endswith(
        "TEXT --to 'sqlite:///a b.db'\n"
    )
    monkeypatch.setenv("BATCHWRIGHT_TO", "sqlite:///b.db")
    assert batchwright("run", "docs").out.endswith("search it: batchwright search TEXT\n")


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_no_documents_is_an_error_of_configuration(
    batchwright: Command, engine: Engine, arguments: list[str]
) -> None:
    outcome = batchwright("run", "docs", *arguments)
    assert outcome.code == 2
    assert "error: no documents can be read in docs\n" in outcome.err
    if arguments:
        assert (outcome.json["exit_code"], outcome.json["error"]) == (2, "ConfigError")


def test_all_documents_gone_is_an_error_unless_pruning(batchwright: Command, engine: Engine) -> None:
    engine.account = Account(documents=DocumentCounts(deleted=4))
    outcome = batchwright("run", "docs")
    assert outcome.code == 2
    assert "the 4 that were loaded from it are still in the target (--prune removes them)" in outcome.err
    assert batchwright("run", "docs", "--prune").code == 0


# --- what the engine is asked -------------------------------------------------------------------------


def test_options_become_settings(batchwright: Command, engine: Engine) -> None:
    batchwright(
        *("run", "docs", "--to", "sqlite:///x.db", "--batch-size", "7", "--chunk-max-tokens", "99"),
        *("--workers", "2", "--prune", "--prune-limit", "0.9"),
    )
    config = engine.config
    assert config is not None
    assert (config.source, config.to, config.batch_size) == (Path("docs"), "sqlite:///x.db", 7)
    assert (config.chunk_max_tokens, config.workers) == (99, 2)
    assert (config.prune, config.prune_limit, config.adaptive) == (True, 0.9, False)


@pytest.mark.parametrize(
    ("settings", "adaptive"), [("", True), ("batch_size = 5", False), ("adaptive = false", False)]
)
def test_the_batch_size_adapts_unless_it_was_given_anywhere(
    batchwright: Command, engine: Engine, settings: str, adaptive: bool
) -> None:
    Path("batchwright.toml").write_text(settings, "utf-8")
    batchwright("run", "docs")
    assert engine.config is not None
    assert engine.config.adaptive is adaptive


@pytest.mark.parametrize(
    ("arguments", "settings", "reporters"),
    [
        ([], "", ["progress", "logging", "summary"]),
        (["--quiet"], "", ["logging", "summary"]),
        (["--log-json"], "", ["logging", "summary"]),
        ([], "reporter.logging.format = 'json'", ["logging", "summary"]),
        ([], "reporters = ['logging']", ["logging", "summary"]),
    ],
)
def test_progress_is_shown_unless_something_speaks_against_it(
    batchwright: Command, engine: Engine, arguments: list[str], settings: str, reporters: list[str]
) -> None:
    Path("batchwright.toml").write_text(settings, "utf-8")
    batchwright("run", "docs", *arguments)
    assert [reporter.name for reporter in engine.reporters] == reporters


# --- stderr -------------------------------------------------------------------------------------------


def test_quiet_says_nothing_where_all_went_well(batchwright: Command, engine: Engine) -> None:
    engine.account = CLEAN
    engine.events = [BatchRetrying(0, 1, 2.0, "busy", "classifier")]
    outcome = batchwright("run", "docs", "--quiet")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
    assert batchwright("run", "docs", "--quiet", "--json").json["exit_code"] == 0
    assert "busy" in batchwright("run", "docs", "--quiet", "-v").err  # asked for


def test_quiet_says_all_where_it_did_not(batchwright: Command, engine: Engine) -> None:
    engine.account = LOADED
    engine.events = [RecordRejected("a.md", 3, "DataError", "NUL", "classifier")]
    outcome = batchwright("run", "docs", "--quiet")
    assert (outcome.code, "records set aside" in outcome.out) == (3, True)
    assert outcome.err == "warning: a.md #3: set aside: DataError: NUL (by classifier)\n"


def test_a_command_that_fails_says_what_was_held_back(batchwright: Command, engine: Engine) -> None:
    engine.events = [BatchRetrying(0, 1, 2.0, "busy", "classifier")]
    engine.state, engine.reason = "failed", "no"
    outcome = batchwright("run", "docs", "--quiet")
    assert outcome.code == 1
    assert "again in 2 s: busy" in outcome.err
    assert outcome.err.endswith("error: no\n")


def test_verbose_logs_the_run_and_more_verbose_every_document(batchwright: Command, engine: Engine) -> None:
    engine.events = [DocumentFinished("same.md", "unchanged"), DocumentFinished("new.md", "added")]
    once, twice = batchwright("run", "docs", "-v").err, batchwright("run", "docs", "-vv").err
    assert "new.md: added" in once
    assert "same.md" not in once
    assert "same.md: unchanged" in twice


def test_json_logs_are_one_object_a_line(batchwright: Command, engine: Engine) -> None:
    engine.account = CLEAN
    lines = [json.loads(line) for line in batchwright("run", "docs", "--log-json").err.splitlines()]
    assert [line["event"] for line in lines] == ["run_started", "run_finished"]
    assert lines[1]["account"]["records"]["written"] == 4


def test_json_stays_json_where_a_password_is_masked(batchwright: Command, engine: Engine) -> None:
    message = 'connect failed: {"password": "hunter2"} password="hunter2"'
    engine.events = [RecordRejected("a.md", 3, "DataError", message, "classifier")]
    engine.account = CLEAN
    outcome = batchwright("run", "docs", "--log-json", "--json")
    assert "hunter2" not in outcome.out + outcome.err
    assert "***" in outcome.json["rejects"][0]["message"]
    assert any("***" in json.loads(line)["message"] for line in outcome.err.splitlines())


def test_a_setting_named_like_a_secret_is_not_taken_for_one(batchwright: Command) -> None:
    Path("batchwright.toml").write_text("[sink.sqlite]\ntoken = 'hunter2'", "utf-8")
    outcome = batchwright("run", "docs", "--json")
    assert "error: batchwright.toml: sink.sqlite.token: no such setting" in outcome.err
    assert "sink.sqlite.token: no such setting" in outcome.json["reason"]
    assert "hunter2" not in outcome.out + outcome.err


def test_logs_show_no_password(batchwright: Command, engine: Engine) -> None:
    engine.events = [BatchRetrying(0, 1, 1.0, "login of me with hunter2 refused", "classifier")]
    engine.during = lambda: logging.getLogger("some.driver").warning("dsn password=%s", "hunter2")
    outcome = batchwright("run", "docs", "-vv", "--to", "postgresql://me:hunter2@host/db")
    assert "login of me with *** refused" in outcome.err
    assert "hunter2" not in outcome.err


# --- signals ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_the_run_in_good_order(
    batchwright: Command, engine: Engine, number: signal.Signals, code: int
) -> None:
    def interrupted() -> None:
        os.kill(os.getpid(), number)
        deadline = time.monotonic() + 10
        while not engine.stopped and time.monotonic() < deadline:
            time.sleep(0.01)

    before = signal.getsignal(number)
    engine.during, engine.state, engine.account = interrupted, "interrupted", CLEAN
    outcome = batchwright("run", "docs", "--json")
    assert engine.stopped == [number.name]
    assert (outcome.code, outcome.json["exit_code"], outcome.json["state"]) == (code, code, "interrupted")
    assert f"{number.name}: finishing what is being written" in outcome.err
    assert signal.getsignal(number) is before


def test_stopping_is_not_done_by_the_interrupted_thread_which_may_hold_locks(
    batchwright: Command, engine: Engine
) -> None:
    lock, stopped = threading.Lock(), threading.Event()

    def stop() -> None:
        with lock:
            stopped.set()

    def interrupted() -> None:
        with lock:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.05)
        assert stopped.wait(10)

    engine.on_stop = stop
    engine.during, engine.state = interrupted, "interrupted"
    assert batchwright("run", "docs").code == 130


def test_a_target_that_cannot_be_searched_gets_no_hint_to_search_it(
    batchwright: Command, engine: Engine, tmp_path: Path
) -> None:
    (tmp_path / "blind.py").write_text(
        "import batchwright\n"
        "class Blind(batchwright.Sink[batchwright.SinkOptions]):\n"
        "    name, schemes = 'blind', ('blind',)\n"
        "    def open(self, record_type=None, *, create=True): ...\n"
        "@batchwright.hookimpl\n"
        "def register_sinks(): return [Blind]\n"
    )
    engine.account = CLEAN
    outcome = batchwright("run", "docs", "--to", "blind://x", "--plugin", str(tmp_path / "blind.py"))
    assert outcome.code == 0
    assert "search" not in outcome.out


def test_a_scheduler_is_for_executors_that_have_one(batchwright: Command, engine: Engine) -> None:
    outcome = batchwright("run", "docs", "--scheduler", "tcp://127.0.0.1:1")
    assert outcome.code == 2
    assert "--scheduler: the executor 'local' has none" in outcome.err


def test_an_unknown_executor_is_named_as_it_was_given(batchwright: Command) -> None:
    outcome = batchwright("run", "docs", "--executor", "locl")
    assert outcome.code == 2
    assert "--executor: no executor has this name (locl); did you mean 'local'?" in outcome.err


def test_an_empty_name_is_not_the_working_directory(batchwright: Command, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# Fruit")
    outcome = batchwright("run", "", "--to", f"sqlite:///{tmp_path}/kb.db")
    assert (outcome.code, "it is empty, as a variable of the shell may be" in outcome.err) == (2, True)


def test_settings_of_rows_that_documents_have_no_use_for_are_named(
    batchwright: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fruit").mkdir()
    (tmp_path / "fruit/a.md").write_text("# Fruit")
    outcome = batchwright("run", "fruit", "--text", "name", "--lag", "1x")
    assert outcome.code == 0
    assert "not used, as fruit holds documents, not rows: --text, --lag" in outcome.err


def test_nothing_found_is_not_told_as_done(
    batchwright: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pear").write_text("pear")
    outcome = batchwright("run", "pear")
    assert (outcome.code, "done" in outcome.err) == (2, False)
    assert "no documents can be read in pear; left out: 1 no ending; no reader takes it: " in outcome.err
