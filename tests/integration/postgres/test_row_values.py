"""A row that Postgres refuses shows its values in no output: they may be anybody's."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from batchwright.cli.main import execute

SECRET = "the account of Wilhelmina"
WORD = "Wilhelmina"  # no number: run ids, times and ports come with every four digits now and then
CHECK = f"chunk_text NOT LIKE '%{WORD}%'"


@pytest.mark.parametrize("action", ["fail", "skip"])
def test_a_refused_row_is_shown_nowhere(
    postgres_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    action: str,
) -> None:
    monkeypatch.setenv("BATCHWRIGHT_SQLSTATES__23514", action)
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.md").write_text("# A\n\nharmless\n", "utf-8")
    to = ["--to", postgres_url]
    assert execute(["run", str(folder), *to]) == 0
    with psycopg.connect(postgres_url) as connection:
        connection.execute(f"ALTER TABLE knowledge_base_records ADD CONSTRAINT discreet CHECK ({CHECK})")
    (folder / "b.md").write_text(f"# B\n\n{SECRET}\n", "utf-8")
    for words in (
        ["run", str(folder), "-vv", *to],
        ["run", str(folder), "--log-json", *to],
        ["rejects", "list", *to],
        ["runs", "--json", *to],
    ):
        execute(words)
        shown = capsys.readouterr()
        assert WORD not in shown.out + shown.err, words
        if words[0] == "run" and action == "fail":
            assert "discreet" in shown.err
