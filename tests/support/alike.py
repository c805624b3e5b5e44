"""Two folders named alike in one target, three ways: refused, side by side, taken over. For every sink."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from batchwright.cli.main import execute
from tests.support.surroundings import logging_as_it_was

Shown = Callable[[], list[tuple[str, str, str]]]
"""What a reader sees: collection, document, and the name of the folder that stands in its text."""

BOTH = [
    ("docs", "a.md", "one"),
    ("docs", "b.md", "one"),
    ("other", "a.md", "two"),
    ("other", "b.md", "two"),
]


class Said(NamedTuple):
    """What a command left behind."""

    code: int
    out: str

    @property
    def json(self) -> Any:
        """The one JSON object on stdout."""
        return json.loads(self.out)


def write_alike(folder: Path) -> None:
    """Write `one/docs` and `two/docs`, with the same keys and other texts."""
    for name in ("one", "two"):
        docs = folder / name / "docs"
        docs.mkdir(parents=True)
        for key in ("a.md", "b.md"):
            (docs / key).write_text(f"# {key}\n\nText of {name}.\n")


def shown_of(rows: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Return what `Shown` does, of rows of collection, document and text."""
    return sorted((collection, key, text.split("Text of ")[1].strip(".\n")) for collection, key, text in rows)


class AlikeChecks:
    """Subclass it, and supply the fixtures.

    Fixtures to supply:
        to: An empty target.
        shown: `Shown`, read without the sink.
    """

    @pytest.fixture(autouse=True)
    def _folders(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write_alike(tmp_path)
        monkeypatch.chdir(tmp_path)

    @pytest.fixture(autouse=True)
    def _logging_as_it_was(self) -> Iterator[None]:
        with logging_as_it_was():
            yield

    @pytest.fixture
    def command(self, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
        def command(*arguments: str) -> Said:
            capsys.readouterr()
            code = execute(arguments)
            return Said(code, capsys.readouterr().out)

        return command

    def test_another_folder_of_the_same_name_is_refused_with_both_ways_on(
        self, command: Callable[..., Said], to: str, shown: Shown, tmp_path: Path
    ) -> None:
        assert command("run", "one/docs", "--to", to).code == 0
        for name in ("run", "plan"):
            refused = command(name, "two/docs", "--to", to, "--json")
            assert refused.code == 2
            for part in (tmp_path / "one/docs", tmp_path / "two/docs", "--collection NAME", "--adopt"):
                assert str(part) in refused.json["reason"]
        assert len(command("runs", "--to", to, "--json").json["runs"]) == 1, "it began"
        assert shown() == BOTH[:2]

    def test_a_given_name_puts_it_beside_and_each_is_pruned_alone(
        self, command: Callable[..., Said], to: str, shown: Shown
    ) -> None:
        one = ("run", "one/docs", "--to", to, "--prune", "--prune-limit", "1")
        two = ("run", "two/docs", "--to", to, "--collection", "other", "--prune", "--prune-limit", "1")
        assert (command(*one).code, command(*two).code) == (0, 0)
        assert shown() == BOTH
        Path("two/docs/a.md").unlink()
        pruned = command(*two, "--json").json
        assert (pruned["collection"], pruned["account"]["removed"]) == ("other", 1)
        assert command(*one, "--json").json["account"]["documents"]["unchanged"] == 2
        assert shown() == [*BOTH[:2], BOTH[3]]
        verified = command("verify", "--to", to, "--json")
        assert (verified.code, verified.json["documents"]) == (0, 3)

    def test_adopting_takes_the_collection_over(
        self, command: Callable[..., Said], to: str, shown: Shown, tmp_path: Path
    ) -> None:
        assert command("run", "one/docs", "--to", to).code == 0
        adopted = command("run", "two/docs", "--to", to, "--adopt", "--json")
        assert (adopted.code, adopted.json["account"]["documents"]["changed"]) == (0, 2)
        assert shown() == [("docs", "a.md", "two"), ("docs", "b.md", "two")]
        assert command("run", "two/docs", "--to", to).code == 0
        assert command("run", "one/docs", "--to", to).code == 2
        [listed] = command("collections", "list", "--to", to, "--json").json["collections"]
        assert listed["origin"] == str(tmp_path / "two/docs")
