"""The commands about what was loaded: rejects, runs, status, verify, plan, and search where nothing is."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Command

PICKY = """
import os
from batchwright import hookimpl
from batchwright.builtin.sqlite import SqliteSink


class PickySink(SqliteSink):
    name = "picky"
    schemes = ("picky",)

    def open(self, record_type=None, *, create=True):
        store = super().open(record_type, create=create)
        write = store.write

        def picky(batch, receipt):
            for chunk in batch.documents:
                if "bad" in chunk.chunk_text and not os.path.exists("lenient"):
                    raise ValueError("it is bad\\nin two lines")
            if os.path.exists("busy"):
                os.remove("busy")
                raise ConnectionError("busy with hunter2")
            write(batch, receipt)

        store.write = picky
        return store


@hookimpl
def register_sinks():
    return [PickySink]
"""


@pytest.fixture
def picky(batchwright: Command, monkeypatch: pytest.MonkeyPatch) -> Command:
    """A target that has refused b.md's only record, and could not be given un.md."""
    Path("picky.py").write_text(PICKY, "utf-8")
    Path("docs/b.md").write_text("# B\n\nbad \U0001f600\n", "utf-8")
    Path("docs/un.md").write_bytes(b"\xff\xfe")
    monkeypatch.setenv("BATCHWRIGHT_TO", "picky:///p.db")
    monkeypatch.setenv("BATCHWRIGHT_PLUGINS", "picky.py")
    assert batchwright("run", "docs", "-q").code == 3
    return batchwright


def texts(database: str = "p.db") -> dict[str, str]:
    with closing(sqlite3.connect(database)) as connection:
        return dict(connection.execute("SELECT source_file, chunk_text FROM knowledge_base").fetchall())


@pytest.mark.parametrize(
    "command",
    ["search x", "status", "runs", "verify", "rejects list", "rejects show x", "rejects replay --all",
     "rejects drop --all"],
)  # fmt: skip
def test_nothing_is_made_by_a_command_that_finds_nothing_loaded(batchwright: Command, command: str) -> None:
    before = sorted(Path.cwd().iterdir())
    outcome = batchwright(*command.split(), "--to", "sqlite:///sub/none.db")
    assert (outcome.code, outcome.out) == (1, "")
    assert "error: nothing is loaded in sqlite:///sub/none.db yet" in outcome.err
    assert "batchwright run SOURCE --to sqlite:///sub/none.db" in outcome.err
    assert sorted(Path.cwd().iterdir()) == before


def test_an_unrelated_database_is_left_as_it_is(batchwright: Command) -> None:
    with closing(sqlite3.connect("other.db")) as connection:
        connection.execute("CREATE TABLE mine (x)")
    before = Path("other.db").read_bytes()
    assert batchwright("status", "--to", "sqlite:///other.db").code == 1
    assert batchwright("plan", "docs", "--to", "sqlite:///other.db").code == 0
    assert Path("other.db").read_bytes() == before


# --- rejects ------------------------------------------------------------------------------------------


def test_rejects_are_listed_in_a_table_with_a_short_id(picky: Command) -> None:
    lines = picky("rejects", "list").out.splitlines()
    assert lines[0].split("  ")[0] == "ID"
    assert len(lines) == 3
    [line] = [line for line in lines if "b.md" in line]
    assert "ValueError" in line
    assert line.endswith("it is bad in two lines")
    shown = picky("rejects", "show", line.split()[0])
    assert shown.code == 0
    assert "it is bad" in shown.out
    assert "  # B\n\n  bad" in shown.out


def test_filters_narrow_the_list(picky: Command) -> None:
    def sources(*arguments: str) -> list[str]:
        lines = picky("rejects", "list", "--json", *arguments).out.splitlines()
        return [json.loads(line)["key"] for line in lines]

    assert sorted(sources()) == ["b.md", "un.md"]
    assert sources("--source", "b.md") == ["b.md"]
    assert sources("--error", "Document") == ["un.md"]
    assert sources("--run", "0000") == []


def test_mended_lines_are_replayed_once(picky: Command) -> None:
    lines = picky("rejects", "list", "--json", "--source", "b.md").out
    Path("r.jsonl").write_text(lines.replace("bad", "good"), "utf-8")

    outcome = picky("rejects", "replay", "--from", "r.jsonl", "--json")
    assert (outcome.code, outcome.json["stored"], outcome.json["left"]) == (0, 1, 0)
    assert texts()["b.md"] == "# B\n\ngood \U0001f600\n"

    again = picky("rejects", "replay", "--from", "r.jsonl")
    assert again.code == 0
    assert again.out.endswith("0 stored, 1 no rejects any more (picky:///p.db)\n")
    assert picky("verify").code == 0


def test_what_is_refused_again_stays_and_the_code_says_so(picky: Command) -> None:
    outcome = picky("rejects", "replay", "--all")
    assert outcome.code == 3
    assert "left    b.md #0: it is bad in two lines\n" in outcome.out
    assert "un.md: a whole document: fix the file and run again" in outcome.out
    Path("lenient").touch()
    assert picky("rejects", "replay", "--source", "b.md").code == 0
    assert "bad" in texts()["b.md"]


def test_a_retry_is_announced_on_stderr_without_secrets(
    picky: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("lenient").touch()
    Path("busy").touch()
    monkeypatch.setenv("PGPASSWORD", "hunter2")
    monkeypatch.setenv("BATCHWRIGHT_RETRY_CAP", "0.1")
    outcome = picky("rejects", "replay", "--source", "b.md", "--json")
    assert outcome.code == 0, outcome
    assert outcome.json["stored"] == 1
    assert outcome.err == "trying again in 0.1 s: busy with ***\n"


def test_a_mistake_in_the_file_is_named_with_its_line_and_nothing_is_stored(picky: Command) -> None:
    line = picky("rejects", "list", "--json", "--source", "b.md").out.replace("bad", "good")
    Path("r.jsonl").write_text(line + '{"id": "x", "payload": {"chunk_txt": ""}}\n', "utf-8")
    outcome = picky("rejects", "replay", "--from", "r.jsonl")
    assert outcome.code == 2
    assert "r.jsonl:2: a record has no field chunk_txt" in outcome.err
    assert "b.md" not in texts()


def test_dropping_says_how_many_and_needs_to_be_told_which(picky: Command) -> None:
    assert picky("rejects", "drop").code == 2
    assert picky("rejects", "drop", "--all", "--source", "b.md").code == 2
    assert picky("rejects", "drop", "--source", "b.md").out == "dropped 1 reject from picky:///p.db\n"
    assert picky("rejects", "drop", "--all", "--json").json["dropped"] == 1
    assert picky("rejects", "list").err == "no rejects in picky:///p.db\n"


def test_replaying_needs_to_be_told_which(picky: Command) -> None:
    assert picky("rejects", "replay").code == 2
    assert picky("rejects", "replay", "--all", "--from", "x").code == 2
    assert picky("rejects", "replay", "--from", "nowhere.jsonl").code == 2
    os.mkfifo("pipe.jsonl")
    outcome = picky("rejects", "replay", "--from", "pipe.jsonl")
    assert (outcome.code, outcome.err.strip()) == (
        2,
        "error: pipe.jsonl isn't a file; save the records in one",
    )
    assert picky("rejects", "replay", "zzz").code == 2


def test_a_text_that_moves_the_cursor_is_shown_as_escapes(picky: Command) -> None:
    Path("docs/c.md").write_text("bad \x1b[2J\n", "utf-8")
    picky("run", "docs", "-q")
    [line] = picky("rejects", "list", "--json", "--source", "c.md").out.splitlines()
    shown = picky("rejects", "show", json.loads(line)["id"]).out
    assert "\x1b" not in shown
    assert "\\x1b[2J" in shown


# --- runs and status ----------------------------------------------------------------------------------


def test_runs_lists_the_latest_first_with_their_accounts(picky: Command) -> None:
    picky("run", "docs", "-q")
    latest, first = picky("runs", "--json").json["runs"]
    assert latest["started_at"] > first["started_at"]
    assert first["account"]["records"]["rejected"] == 1
    lines = picky("runs", "--limit", "1").out.splitlines()
    assert len(lines) == 2
    assert lines[1].startswith(latest["run_id"][:8])
    assert "done" in lines[1]


def test_a_run_that_did_not_end_is_running_or_killed(picky: Command) -> None:
    with closing(sqlite3.connect("p.db")) as connection:
        connection.execute(
            "UPDATE knowledge_base_runs SET state = 'running', finished_at = NULL, account = '{}'"
        )
        connection.commit()
    assert "running or killed" in picky("runs").out
    assert "running or killed" in picky("status").out


def test_status_shows_the_last_account_and_what_is_there(picky: Command) -> None:
    shown = picky("status")
    assert shown.code == 0
    assert shown.out.startswith("last run done: docs to picky:///p.db\n")
    assert "1 added, 1 refused, 1 failed" in shown.out
    assert "published 1 document, 1 record" in shown.out
    assert "rejects   2; see: batchwright rejects list" in shown.out
    figures = picky("status", "--json").json
    assert {name: figures[name] for name in ("published", "records", "pending", "rejects")} == {
        "published": 1, "records": 1, "pending": 0, "rejects": 2,
    }  # fmt: skip
    assert figures["last_run"]["account"]["documents"]["added"] == 1


# --- verify -------------------------------------------------------------------------------------------


def test_verify_finds_repairs_and_is_content(batchwright: Command) -> None:
    batchwright("run", "docs", "-q")
    assert batchwright("verify").out == "sound: 1 document, 1 row in sqlite:///batchwright.db\n"
    before = texts("batchwright.db")
    with closing(sqlite3.connect("batchwright.db")) as connection:
        connection.execute("DELETE FROM knowledge_base_records")
        connection.commit()

    found = batchwright("verify")
    assert found.code == 1
    assert found.out.startswith("lost        docs: guide.md: 0 of 1 rows\n")
    assert "--repair" in found.out
    result = batchwright("verify", "--json").json
    assert (result["exit_code"], result["found"], result["repaired"]) == (1, 1, 0)
    assert (result["findings"][0]["fault"], result["findings"][0]["key"]) == ("lost", "guide.md")

    repaired = batchwright("verify", "--repair")  # from the last run's directory
    assert (repaired.code, "; repaired\n" in repaired.out) == (0, True)
    assert texts("batchwright.db") == before
    assert batchwright("verify").code == 0


def test_what_cannot_be_repaired_is_said_and_the_code_is_1(batchwright: Command) -> None:
    batchwright("run", "docs", "-q")
    with closing(sqlite3.connect("batchwright.db")) as connection:
        connection.execute("DELETE FROM knowledge_base_records")
        connection.commit()
    Path("docs/guide.md").write_text("# Other\n", "utf-8")
    outcome = batchwright("verify", "docs", "--repair")
    assert outcome.code == 1
    assert "not repaired: the file has changed since; run again" in outcome.out


# --- plan ---------------------------------------------------------------------------------------------


def test_plan_tells_what_run_then_does(batchwright: Command) -> None:
    plan = batchwright("plan", "docs", "--json").json
    assert not Path("batchwright.db").exists()
    run = batchwright("run", "docs", "--json").json["account"]
    assert plan["documents"]["added"] == run["documents"]["added"] == 1
    assert plan["records"] == run["records"]["written"]
    assert [document["key"] for document in plan["lists"]["added"]] == ["guide.md"]
    assert plan["lists"]["failed"] == []
    assert batchwright("plan", "docs", "--json").json["documents"]["unchanged"] == 1


def test_plan_lists_documents_when_asked(batchwright: Command) -> None:
    outcome = batchwright("plan", "docs", "-v")
    assert outcome.code == 0
    assert outcome.out.startswith("added       guide.md  1 record\n")
    assert "guide.md" not in batchwright("plan", "docs").out


def test_plan_refuses_what_run_refuses(batchwright: Command) -> None:
    assert batchwright("plan", "nowhere").code == 2
    Path("empty").mkdir()
    assert batchwright("plan", "empty").code == 2
    batchwright("run", "docs", "-q")
    Path("docs/guide.md").rename("guide.md")
    outcome = batchwright("plan", "docs", "--prune")
    assert outcome.code == 1
    assert "refusing to prune 1 of 1 documents" in outcome.err
