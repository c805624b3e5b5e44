"""The reference of the Python interface is complete, and the service of the how-to answers."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from batchwright import BatchConfig, BatchProcessor, SearchHit, Status, Target
from tests.support.pages import DOCS, blocks

REFERENCE = (DOCS / "reference" / "python.md").read_text("utf-8")


def section(name: str) -> str:
    """The text under a heading of the second level."""
    return re.split(r"^## ", REFERENCE.partition(f"\n## `{name}`\n")[2], maxsplit=1, flags=re.M)[0]


@pytest.mark.parametrize("cls", [BatchProcessor, Target], ids=lambda cls: cls.__name__)
def test_every_method_for_programs_is_in_the_reference_with_its_parameters(cls: type) -> None:
    text = section(cls.__name__)
    for name in dir(cls):
        if name.startswith("_") or name in ("open", "close"):
            continue
        row = re.search(rf"^\| `\.{name}(?:\((?P<given>.*?)\))?` \|", text, re.M)
        assert row, f"{cls.__name__}.{name} is not in the reference"
        if row["given"] in (None, "…"):
            continue
        given = re.findall(r"(\w+)(?==|,|$)", row["given"].replace("…", ""))
        wanted = [
            parameter for parameter in inspect.signature(getattr(cls, name)).parameters if parameter != "self"
        ]
        assert [one for one in given if one in wanted] == wanted, name


def test_what_status_says_is_in_the_reference() -> None:
    text = section("Target")
    names = [field.name for field in fields(Status)]
    names += [name for name, value in vars(Status).items() if isinstance(value, property)]
    assert [name for name in names if f"`{name}`" not in text] == []


def test_the_ways_to_make_settings_are_in_the_reference() -> None:
    text = section("BatchConfig")
    parameters = ", ".join(inspect.signature(BatchConfig.load).parameters)
    assert parameters == "path, environ, settings"
    assert all(f"`.{name}" in text or f"BatchConfig.{name}" in text for name in ("load", "folder", "origin"))


@pytest.mark.filterwarnings("ignore:Using `httpx` with")
def test_the_fastapi_service_of_the_how_to_stores_and_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip(
        "fastapi", reason="FastAPI is not a dependency; install it to try the how-to's service"
    )
    pytest.importorskip("httpx", reason="FastAPI's test client needs httpx")
    client_of = importlib.import_module("fastapi.testclient").TestClient  # type checkers need not have it
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    for block in blocks(DOCS / "how-to" / "services.md"):
        if block.mark == "file":
            (tmp_path / block.what).write_text(block.text, "utf-8")
    for name in ("articles", "app"):
        sys.modules.pop(name, None)
    articles: Any = importlib.import_module("articles")
    articles.BatchProcessor(articles.config).load([])
    with client_of(importlib.import_module("app").app) as client:
        headers = {"Content-Type": "text/plain"}
        said = client.put("/articles/peas", content="Sow them in March.", headers=headers)
        assert said.json() == {"key": "peas", "state": "added"}
        [hit] = client.get("/search", params={"q": "sow"}).json()
    assert (hit["key"], set(hit)) == ("peas", {field.name for field in fields(SearchHit)})
