"""The command as a user has it: real engine, SQLite, and the bad inputs that people really give."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Command, Outcome


def rows(database: str) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(
            "SELECT source_file, chunk_text FROM knowledge_base ORDER BY source_file, chunk_index"
        ).fetchall()


def assert_error(outcome: Outcome, code: int, *parts: str) -> None:
    """One message, all of its parts in it, nothing on stdout."""
    assert outcome.code == code, outcome
    assert outcome.out == ""
    lines = [line for line in outcome.err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, outcome.err
    assert "Traceback" not in outcome.err
    for part in parts:
        assert part in lines[0]


# --- what works ---------------------------------------------------------------------------------------


def test_run_then_search_then_run_again(batchwright: Command) -> None:
    first = batchwright("run", "docs", "--json")
    assert (first.code, first.json["account"]["documents"]["added"]) == (0, 1)
    assert rows("batchwright.db") == [("guide.md", "# Guide\n\nInstall it on Linux.\n")]

    found = batchwright("search", "linux")
    assert found.code == 0
    assert found.out.startswith("guide.md:1  Guide\n")
    assert "«Linux»" in found.out

    again = batchwright("run", "docs", "--json")
    account = again.json["account"]
    assert (again.code, account["records"]["written"], account["documents"]["unchanged"]) == (0, 0, 1)


def test_search_as_json_has_document_place_and_excerpt(batchwright: Command) -> None:
    batchwright("run", "docs")
    result = batchwright("search", "--json", "install", "linux").json
    [hit] = result["hits"]
    assert (result["query"], hit["key"], hit["context_header"]) == (
        "install linux",
        "guide.md",
        hit["context_header"],
    )
    assert "Guide" in hit["context_header"]
    assert [hit["excerpt"][start:end] for start, end in hit["marks"]] == ["Install", "Linux"]
    assert (hit["line"], hit["page"], hit["places"], result["notes"]) == (1, None, [], [])


def test_nothing_found_is_said_and_no_failure(batchwright: Command) -> None:
    batchwright("run", "docs")
    outcome = batchwright("search", "nosuchword")
    assert (outcome.code, outcome.out) == (0, "")
    assert outcome.err == "nothing found for 'nosuchword' in sqlite:///batchwright.db\n"


def test_searching_what_was_never_loaded_says_how_to_load_it(batchwright: Command) -> None:
    assert_error(
        batchwright("search", "x", "--to", "sqlite:///other.db"),
        1,
        "batchwright run SOURCE --to sqlite:///other.db",
    )


def test_a_changed_document_is_replaced_and_a_deleted_one_only_pruned_when_asked(
    batchwright: Command,
) -> None:
    for name in "abcd":
        Path(f"docs/{name}.md").write_text(f"# {name}\n", "utf-8")
    batchwright("run", "docs")
    Path("docs/a.md").write_text("# new\n", "utf-8")
    Path("docs/b.md").unlink()
    outcome = batchwright("run", "docs")
    assert outcome.code == 0
    assert "1 changed, 3 unchanged, 1 deleted" in outcome.out
    assert "(remove them: --prune):\n  b.md\n" in outcome.out
    assert "b.md" in dict(rows("batchwright.db"))
    assert "1 removed" in batchwright("run", "docs", "--prune").out
    assert "b.md" not in dict(rows("batchwright.db"))


def test_plugins_lists_the_built_in_ones_as_plugins_like_any_other(batchwright: Command) -> None:
    listed = {info["name"]: info for info in batchwright("plugins", "--json").json["plugins"]}
    assert listed["sqlite"]["offers"] == ["sink sqlite"]
    assert (listed["progress"]["distribution"], listed["progress"]["state"]) == ("batchwright", "ok")
    table = batchwright("plugins").out.splitlines()
    assert table[0].split() == ["NAME", "VERSION", "DISTRIBUTION", "STATE", "OFFERS"]
    assert any(line.split()[:1] == ["sqlite"] for line in table)


def test_blocked_plugins_are_listed_as_such(batchwright: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATCHWRIGHT_DISABLE_PLUGINS", "progress, sizing")
    states = {info["name"]: info["state"] for info in batchwright("plugins", "--json").json["plugins"]}
    assert (states["progress"], states["sizing"], states["logging"]) == ("blocked", "blocked", "ok")


# --- bad input ----------------------------------------------------------------------------------------


def test_no_such_directory(batchwright: Command) -> None:
    assert_error(batchwright("run", "nowhere"), 2, "no such file or directory: nowhere")


def test_a_file_instead_of_a_directory(batchwright: Command) -> None:
    outcome = batchwright("run", "docs/guide.md", "--json").json
    assert (outcome["collection"], outcome["account"]["documents"]["added"]) == ("guide", 1)


def test_a_file_that_no_reader_takes(batchwright: Command) -> None:
    Path("photo.png").write_bytes(b"png")
    assert_error(batchwright("run", "photo.png"), 2, "no documents can be read in photo.png")


def test_no_directory(batchwright: Command) -> None:
    assert_error(batchwright("run"), 2, "batchwright run SOURCE")


def test_an_empty_directory(batchwright: Command) -> None:
    Path("empty").mkdir()
    assert_error(batchwright("run", "empty", "-q"), 2, "no documents can be read in empty")


def test_a_file_of_bytes_fails_alone(batchwright: Command) -> None:
    Path("docs/bytes.md").write_bytes(bytes(range(256)))
    outcome = batchwright("run", "docs", "--json")
    assert outcome.code == outcome.json["exit_code"] == 3
    [failed] = outcome.json["failed_documents"]
    assert failed["key"] == "bytes.md"
    assert "UTF-8" in failed["reason"]
    assert [name for name, _ in rows("batchwright.db")] == ["guide.md"]
    assert "Traceback" not in outcome.err


@pytest.fixture
def unreadable() -> Iterator[Path]:
    path = Path("docs/closed.md")
    path.write_text("# closed\n", "utf-8")
    path.chmod(0)
    if os.access(path, os.R_OK):  # root reads everything, but not what isn't there
        path.unlink()
        path.symlink_to("missing.md")
    yield path
    if not path.is_symlink():
        path.chmod(0o600)


def test_an_unreadable_file_fails_alone(batchwright: Command, unreadable: Path) -> None:
    outcome = batchwright("run", "docs")
    assert outcome.code == 3
    assert "documents that could not be loaded:\n  closed.md: " in outcome.out
    assert "Traceback" not in outcome.err
    assert [name for name, _ in rows("batchwright.db")] == ["guide.md"]


def test_a_target_that_is_no_url(batchwright: Command) -> None:
    assert_error(batchwright("run", "docs", "--to", "kb.db"), 2, "--to: ", "not a URL", "sqlite")


def test_an_unknown_scheme_lists_installed_ones_and_the_nearest(batchwright: Command) -> None:
    outcome = batchwright("run", "docs", "--to", "sqlit://me:hunter2@host/kb")
    assert_error(outcome, 2, "--to: no sink for 'sqlit'; did you mean 'sqlite'?", "installed: ", "postgresql")
    assert "hunter2" not in outcome.err


def test_a_misspelled_option(batchwright: Command) -> None:
    assert_error(batchwright("run", "docs", "--chunk-max-token", "3"), 2, "--chunk-max-token")


def test_a_misspelled_setting_in_the_file(batchwright: Command) -> None:
    Path("batchwright.toml").write_text("chunk_max_token = 100\n", "utf-8")
    message = "batchwright.toml: chunk_max_token: no such setting; did you mean chunk_max_tokens?"
    assert_error(batchwright("run", "docs"), 2, message)


def test_a_misspelled_option_of_a_sink_in_the_file(batchwright: Command) -> None:
    Path("batchwright.toml").write_text("[sink.sqlite]\ntabel = 'x'\n", "utf-8")
    assert_error(
        batchwright("run", "docs"),
        2,
        "batchwright.toml: sink.sqlite.tabel: no such setting; did you mean table?",
    )


def test_a_misspelled_setting_in_the_environment(
    batchwright: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BATCHWRIGHT_CHUNK_MAX_TOKEN", "100")
    message = "BATCHWRIGHT_CHUNK_MAX_TOKEN: no such setting; did you mean BATCHWRIGHT_CHUNK_MAX_TOKENS?"
    assert_error(batchwright("run", "docs"), 2, message)


def test_a_misspelled_reporter(batchwright: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATCHWRIGHT_REPORTERS", "loging")
    message = "BATCHWRIGHT_REPORTERS: no reporter has this name (loging); did you mean 'logging'?"
    assert_error(batchwright("run", "docs"), 2, message)


def test_a_plugin_that_is_not_there(batchwright: Command) -> None:
    assert_error(batchwright("run", "docs", "--plugin", "none.py"), 2, "none.py")


def test_a_plugin_that_breaks(batchwright: Command) -> None:
    Path("broken.py").write_text("import nothing_of_this_name\n", "utf-8")
    assert_error(batchwright("run", "docs", "--plugin", "broken.py"), 2, "broken.py", "nothing_of_this_name")


def test_a_database_that_is_none(batchwright: Command) -> None:
    Path("kb.db").write_bytes(b"not a database at all, but long enough to look at" * 30)
    outcome = batchwright("run", "docs", "--to", "sqlite:///kb.db", "--json")
    assert outcome.code == 1
    assert json.loads(outcome.out)["exit_code"] == 1
    assert "kb.db" in outcome.err
    assert "Traceback" not in outcome.err
