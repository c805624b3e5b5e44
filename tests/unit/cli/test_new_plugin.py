"""`batchwright new-plugin`: names it takes, folders it refuses. What it makes is run by tests/plugins."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

from batchwright.contracts.hookspecs import API_VERSION
from batchwright.scaffold import KINDS
from tests.unit.cli.conftest import Command


@pytest.mark.parametrize("kind", KINDS)
def test_it_makes_a_folder_and_says_what_comes_next(batchwright: Command, kind: str) -> None:
    outcome = batchwright("new-plugin", kind, "my-notes")
    assert outcome.code == 0
    article = "an" if kind == "embedder" else "a"
    assert outcome.out == f"made batchwright-my-notes, {article} {kind} that works as it is\n"
    assert "cd batchwright-my-notes\n" in outcome.err
    assert "pytest" in outcome.err
    folder = Path("batchwright-my-notes")
    project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["name"] == "batchwright-my-notes"
    assert project["entry-points"]["batchwright"] == {"my-notes": "batchwright_my_notes"}
    assert project["dependencies"] == ["batchwright>=0.1,<0.2"]
    assert (folder / "src/batchwright_my_notes/py.typed").is_file()
    for path in folder.rglob("*"):
        if path.is_file():
            assert not re.search(
                r"MODULE|@(?!hookimpl|pytest|property|contextmanager|v\d)", path.read_text("utf-8")
            )
        if path.suffix == ".py":
            ast.parse(path.read_text("utf-8"))
    init = (folder / "src/batchwright_my_notes/__init__.py").read_text("utf-8")
    assert f"BATCHWRIGHT_API = {API_VERSION}\n" in init


def test_the_prefix_of_the_distribution_may_be_given_or_not(batchwright: Command) -> None:
    assert batchwright("new-plugin", "sizer", "batchwright-a").code == 0
    assert Path("batchwright-a").is_dir()


def test_the_folder_goes_where_it_is_wanted(batchwright: Command) -> None:
    outcome = batchwright("new-plugin", "sizer", "a", "--dir", "new/place", "--json")
    assert outcome.json["folder"] == str(Path("new/place/batchwright-a"))
    assert "pyproject.toml" in outcome.json["files"]
    assert all((Path("new/place/batchwright-a") / file).is_file() for file in outcome.json["files"])


def test_what_is_there_is_not_touched(batchwright: Command) -> None:
    folder = Path("batchwright-a")
    folder.mkdir()
    (folder / "mine.txt").write_text("mine", "utf-8")
    outcome = batchwright("new-plugin", "sizer", "a")
    assert outcome.code == 2
    assert "batchwright-a is there already, and nothing of it is touched" in outcome.err
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    "name",
    [
        "My-Notes",
        "my_notes",
        "my.notes",
        "9lives",
        "-a",
        "a-",
        "a--b",
        "a/b",
        "..",
        "",
        "ä",
        "a b",
        "a\n",
        "batchwright-",
    ],
)
def test_a_bad_name_is_refused_with_a_good_one(batchwright: Command, name: str) -> None:
    outcome = batchwright("new-plugin", "sink", "--", name)
    assert outcome.code == 2
    assert "can't name a plugin" in outcome.err
    assert "`my-notes`" in outcome.err
    assert [path.name for path in Path().iterdir()] == ["docs"]


def test_a_name_that_is_too_long_is_refused(batchwright: Command) -> None:
    outcome = batchwright("new-plugin", "sink", "a" * 25)
    assert outcome.code == 2
    assert "24 characters at most" in outcome.err


@pytest.mark.parametrize("name", ["sqlite", "postgresql", "progress", "sizing"])
def test_a_name_that_is_taken_is_refused(batchwright: Command, name: str) -> None:
    outcome = batchwright("new-plugin", "sink", name)
    assert outcome.code == 2
    assert f"{name!r} is taken by" in outcome.err


def test_an_unknown_kind_is_refused_with_those_there_are(batchwright: Command) -> None:
    outcome = batchwright("new-plugin", "sinks", "a")
    assert outcome.code == 2
    assert "'sinks' is none of sink, source, reader, embedder, reporter, classifier, sizer" in outcome.err


def test_a_place_that_cannot_be_written_is_an_error(batchwright: Command) -> None:
    Path("file").write_text("", "utf-8")
    outcome = batchwright("new-plugin", "sizer", "a", "--dir", "file/below")
    assert outcome.code == 2
    assert "can't be written" in outcome.err
    assert "defect" not in outcome.err
