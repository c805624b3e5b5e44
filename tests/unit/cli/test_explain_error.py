"""`batchwright plugins explain-error`: the verdict, who decides, and who else is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.conftest import Command

MILD = """
import batchwright
from batchwright import ErrorRecoveryAction, Verdict


@batchwright.hookimpl
def classify_error(failure):
    if failure.sqlstate == "23505":
        return Verdict(ErrorRecoveryAction.SKIP, "duplicates don't matter here", wait=None)
    if failure.http_status == 429 or "4711" in str(failure.error):
        return Verdict(ErrorRecoveryAction.RETRY, "later", wait=30.0)
    if failure.batch and any("bad" in chunk.chunk_text for chunk in failure.batch.documents):
        return Verdict(ErrorRecoveryAction.SKIP, "a bad record")
    if isinstance(failure.error, ZeroDivisionError):
        raise LookupError("that is too much for me")
"""
SLOW = """
import batchwright
from batchwright import ErrorRecoveryAction, Verdict


@batchwright.hookimpl
def classify_error(failure):
    if failure.sqlstate == "23505":
        return Verdict(ErrorRecoveryAction.RETRY, "", wait=7.5)
"""


@pytest.fixture(autouse=True)
def _plugins() -> None:
    Path("mild.py").write_text(MILD, "utf-8")
    Path("slow.py").write_text(SLOW, "utf-8")


@pytest.mark.parametrize(
    ("what", "action", "error"),
    [
        ("40P01", "retry", "psycopg.errors.DeadlockDetected"),
        ("22021", "skip", "psycopg.errors.CharacterNotInRepertoire"),
        ("23505", "fail", "psycopg.errors.UniqueViolation"),
        ("ZZ999", "fail", "psycopg.DatabaseError"),
        ("TimeoutError", "retry", "TimeoutError"),
        ("UnicodeDecodeError", "skip", "UnicodeDecodeError"),
        ("psycopg.errors.DeadlockDetected", "retry", "psycopg.errors.DeadlockDetected"),
        ("batchwright.BadRecords", "skip", "batchwright.errors.BadRecords"),
        ("json.JSONDecodeError", "skip", "json.decoder.JSONDecodeError"),
        ("KeyError", "fail", "KeyError"),
        ("KeyboardInterrupt", "fail", "KeyboardInterrupt"),
        ("429", "retry", "urllib.error.HTTPError"),
    ],
)
def test_the_verdict_is_the_one_of_a_run(batchwright: Command, what: str, action: str, error: str) -> None:
    outcome = batchwright("plugins", "explain-error", what, "--json")
    assert outcome.code == 0
    result = outcome.json
    assert (result["action"], result["error"], result["decided_by"]) == (action, error, "classifier")
    assert result["answers"][-1]["action"] == action


def test_everybody_is_named_in_the_order_of_asking_also_who_is_not_asked(batchwright: Command) -> None:
    outcome = batchwright(
        "plugins", "explain-error", "23505", "--plugin", "slow.py", "--plugin", "mild.py", "--json"
    )
    result = outcome.json
    assert (result["action"], result["reason"], result["decided_by"]) == (
        "skip",
        "duplicates don't matter here",
        "mild",
    )
    answers = [(a["name"], a["action"], a["asked"], a["wait"]) for a in result["answers"]]
    assert answers == [
        ("settings", None, True, None),
        ("mild", "skip", True, None),
        ("slow", "retry", False, 7.5),
        ("classifier", "fail", False, None),
    ]


def test_the_settings_come_first(batchwright: Command) -> None:
    Path("batchwright.toml").write_text('[sqlstates]\n23 = "retry"\n', "utf-8")
    outcome = batchwright("plugins", "explain-error", "23505", "--plugin", "mild.py")
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert lines[0] == "error      psycopg.errors.UniqueViolation (SQLSTATE 23505)"
    assert lines[1] == "verdict    RETRY: the settings say so of SQLSTATE 23"
    assert lines[2] == "decided by settings"
    assert any(line.startswith("mild") and "not asked; SKIP" in line for line in lines)


def test_the_wait_that_is_asked_for_is_told(batchwright: Command) -> None:
    outcome = batchwright("plugins", "explain-error", "23505", "--plugin", "slow.py")
    assert "after a wait of 7.5 s" in outcome.out


@pytest.mark.parametrize("what", [["RuntimeError", "--message", "error 4711"], ["429"]])
def test_a_message_and_a_status_reach_the_classifiers(batchwright: Command, what: list[str]) -> None:
    outcome = batchwright("plugins", "explain-error", *what, "--plugin", "mild.py")
    assert "verdict    RETRY: later" in outcome.out
    assert "decided by mild" in outcome.out
    assert "after a wait of 30 s" in outcome.out
    assert ("give it with --message" in outcome.err) == (what == ["429"])


def test_a_classifier_that_raises_is_named(batchwright: Command) -> None:
    result = batchwright(
        "plugins", "explain-error", "ZeroDivisionError", "--plugin", "mild.py", "--json"
    ).json
    assert (result["action"], result["decided_by"]) == ("fail", "mild")
    assert "raised LookupError: that is too much for me" in result["reason"]


def test_without_any_classifier_the_engine_decides(
    batchwright: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BATCHWRIGHT_DISABLE_PLUGINS", "classifier")
    result = batchwright("plugins", "explain-error", "40001", "--json").json
    assert (result["action"], result["decided_by"]) == ("fail", "engine")


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("no.such.Error", "there is no module 'no'"),
        ("json.NoSuchError", "json has no 'NoSuchError'"),
        ("json.dumps", "json.dumps is no exception"),
        ("DeadlockDetected", "did you mean psycopg.errors.DeadlockDetected?"),
        ("TimoutError", "did you mean TimeoutError?"),
        ("GatewayError", "give its dotted name: MODULE.GatewayError"),
        ("a b", "no exception's dotted name"),
        ("", "no exception's dotted name"),
        ("..", "no exception's dotted name"),
    ],
)
def test_what_is_not_understood_is_said(batchwright: Command, what: str, message: str) -> None:
    outcome = batchwright("plugins", "explain-error", "--", what)
    assert outcome.code == 2
    assert message in outcome.err
    assert "defect" not in outcome.err


def test_a_module_that_breaks_on_import_is_said(
    batchwright: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "explodes_on_import.py").write_text("1 / 0\n", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    outcome = batchwright("plugins", "explain-error", "explodes_on_import.Error")
    assert outcome.code == 2
    assert "importing explodes_on_import failed: ZeroDivisionError" in outcome.err


PICKY = """
from batchwright import hookimpl
from batchwright.builtin.sqlite import SqliteSink


class PickySink(SqliteSink):
    name = "picky"
    schemes = ("picky",)

    def open(self, record_type=None, *, create=True):
        store = super().open(record_type, create=create)
        write = store.write

        def picky(batch, receipt):
            if any("bad" in chunk.chunk_text for chunk in batch.documents):
                raise ArithmeticError("too bad")
            write(batch, receipt)

        store.write = picky
        return store


@hookimpl
def register_sinks():
    return [PickySink]
"""


@pytest.fixture
def rejects(batchwright: Command, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of rejects: a record that mild.py set aside, and a document that can't be read."""
    Path("picky.py").write_text(PICKY, "utf-8")
    Path("docs/b.md").write_text("# B\n\nbad\n", "utf-8")
    Path("docs/un.md").write_bytes(b"\xff\xfe")
    monkeypatch.setenv("BATCHWRIGHT_TO", "picky:///p.db")
    monkeypatch.setenv("BATCHWRIGHT_PLUGINS", "picky.py,mild.py")
    assert batchwright("run", "docs", "-q").code == 3
    lines = batchwright("rejects", "list").out.splitlines()[1:]
    return sorted((line.split()[0] for line in lines), key=lambda id_: "." not in id_)


def test_a_reject_is_explained_with_its_record(batchwright: Command, rejects: list[str]) -> None:
    result = batchwright("plugins", "explain-error", rejects[0], "--json").json
    assert (result["error"], result["action"], result["decided_by"]) == ("ArithmeticError", "skip", "mild")
    assert result["reason"] == "a bad record"
    assert not any("have changed" in note for note in result["notes"])


def test_a_reject_that_would_be_judged_otherwise_now_is_told(
    batchwright: Command, rejects: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BATCHWRIGHT_PLUGINS", "picky.py")
    outcome = batchwright("plugins", "explain-error", rejects[0], "--to", "picky:///p.db")
    assert outcome.code == 0
    assert "verdict    FAIL: unknown error" in outcome.out
    assert "when it was set aside, mild decided" in outcome.err


def test_a_document_that_cannot_be_read_is_nobodys_to_judge(batchwright: Command, rejects: list[str]) -> None:
    outcome = batchwright("plugins", "explain-error", rejects[1])
    assert outcome.code == 0
    assert "no classifier is asked" in outcome.out
    assert batchwright("plugins", "explain-error", rejects[1], "--json").json["answers"] == []


def test_a_reject_keeps_its_own_message(batchwright: Command, rejects: list[str]) -> None:
    outcome = batchwright("plugins", "explain-error", rejects[0], "--message", "another")
    assert outcome.code == 2
    assert "a reject has a message of its own" in outcome.err


def test_a_reject_that_is_not_there_is_said(batchwright: Command, rejects: list[str]) -> None:
    outcome = batchwright("plugins", "explain-error", "00000000.7")
    assert outcome.code == 2
    assert "there is no reject '00000000.7'" in outcome.err
