"""Names, texts and messages that others wrote reach a terminal from no command as they are."""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from typer.main import get_command

from batchwright.cli.main import app
from tests.unit.cli.conftest import Command, Outcome

EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\u200b"
FORGED = "forged: all is lost"
NAME = f"x{EVIL}\n{FORGED}.md"
TARGET = "sqlite:///kb.db"

PLUGIN = f"""
import batchwright

class Evil(batchwright.Reporter):
    name = {f"evil{EVIL}"!r}
    def handle(self, event):
        raise ValueError({f"no{EVIL}" + chr(10) + FORGED!r})

@batchwright.hookimpl
def register_reporters():
    return [Evil]

@batchwright.hookimpl
def classify_error(failure):
    return batchwright.Verdict(batchwright.ErrorRecoveryAction.SKIP, {f"because{EVIL}" + chr(10) + FORGED!r})
"""

COMMANDS = {
    "run": ["run", "docs"],
    "plan": ["plan", "docs", "-v"],
    "search": ["search", "harmless"],
    "status": ["status"],
    "runs": ["runs"],
    "verify": ["verify"],
    "reindex": ["reindex"],
    "rejects list": ["rejects", "list"],
    "rejects show": ["rejects", "show", "REJECT"],
    "rejects replay": ["rejects", "replay", "--all"],
    "rejects export": ["rejects", "export", f"{NAME}.csv"],
    "rejects drop": ["rejects", "drop", "--source", NAME],
    "collections list": ["collections", "list"],
    "collections delete": ["collections", "delete", EVIL],
    "plugins": ["plugins"],
    "plugins doctor": ["plugins", "doctor"],
    "plugins explain-error": ["plugins", "explain-error", "REJECT"],
    "new-plugin": ["new-plugin", "sink", EVIL],
}


def _all_commands() -> Iterator[str]:
    for name, command in get_command(app()).commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", {})
        if not inner or command.invoke_without_command:
            yield name
        yield from (f"{name} {sub}" for sub in inner)


@pytest.fixture
def loaded(batchwright: Command, tmp_path: Path) -> Command:
    """A target with hostile names, texts, rejects and messages, and a plugin of the kind."""
    Path("evil.py").write_text(PLUGIN, "utf-8")
    folder = Path("docs")
    (folder / NAME).write_text(f"# t{EVIL}\n\nharmless {EVIL} text\n", "utf-8")
    (folder / f"bad{NAME}").write_bytes(b"\xff\xfe\xfa")
    batchwright("run", "docs", "--to", TARGET)
    with closing(sqlite3.connect("kb.db")) as connection, connection:
        connection.execute(
            "CREATE TRIGGER picky BEFORE INSERT ON knowledge_base_records "
            "WHEN NEW.chunk_text LIKE '%refuse%' "
            f"BEGIN SELECT RAISE(ABORT, '{EVIL}\n{FORGED}'); END"
        )
    (folder / f"refused{NAME}").write_text(f"# t{EVIL}\n\nrefuse {EVIL}\n{FORGED}\n", "utf-8")
    assert batchwright("run", "docs", "--to", TARGET, "--plugin", "evil.py").code == 3
    with closing(sqlite3.connect("kb.db")) as connection, connection:
        connection.execute("DELETE FROM knowledge_base_records")
    return batchwright


def _is_harmless(outcome: Outcome) -> bool:
    text = outcome.out + outcome.err
    shown = [c for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")]
    return not shown and not re.search(f"^{FORGED}", text, re.MULTILINE)


def test_every_command_is_tried() -> None:
    assert set(_all_commands()) == set(COMMANDS)


@pytest.mark.parametrize("more", [[], ["--json"]], ids=["text", "json"])
def test_no_command_prints_what_a_terminal_would_obey(loaded: Command, more: list[str]) -> None:
    found = [line.split()[0] for line in loaded("rejects", "list", "--to", TARGET).out.splitlines()[1:]]
    assert len(found) == 2
    for name, words in COMMANDS.items():
        for reject in found if "REJECT" in words else found[:1]:
            arguments = [reject if word == "REJECT" else word for word in words]
            if name == "new-plugin":
                outcome = loaded(*arguments, *more)
            elif name == "plugins":
                outcome = loaded(*arguments, "--plugin", "evil.py", *more)
            else:
                outcome = loaded(*arguments, "--to", TARGET, "--plugin", "evil.py", *more)
            assert _is_harmless(outcome), (name, outcome.out, outcome.err)
            assert outcome.out + outcome.err, name


@pytest.mark.parametrize(
    "words",
    [
        ["status", "--to", f"nowhere{EVIL}://x"],
        ["run", f"nowhere{EVIL}"],
        ["search", EVIL],
        [f"no{EVIL}"],
        ["runs", f"--no{EVIL}"],
        ["runs", "--limit", EVIL],
        ["run", "docs", "--executor", EVIL],
        ["run", "docs", "--plugin", f"{EVIL}.py"],
        ["status", "--config", EVIL],
        ["rejects", "show", EVIL],
        ["plugins", "explain-error", EVIL],
    ],
    ids=lambda words: words[0][:6],
)
def test_what_is_wrong_is_shown_harmlessly(batchwright: Command, words: list[str]) -> None:
    outcome = batchwright(*words)
    assert outcome.code in (1, 2)
    assert "error: " in outcome.err
    assert _is_harmless(outcome), outcome.err


def test_the_log_is_harmless_at_every_level(loaded: Command) -> None:
    for path in Path("docs").iterdir():
        path.touch()
    for more in (["-v"], ["-vv"], ["--log-json"]):
        assert _is_harmless(loaded("run", "docs", "--to", TARGET, "--plugin", "evil.py", *more)), more
