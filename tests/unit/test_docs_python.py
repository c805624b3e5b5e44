"""The reference of the Python interface is complete."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields

import pytest

from batchwright import BatchConfig, BatchProcessor, Status, Target
from tests.support.pages import DOCS

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
