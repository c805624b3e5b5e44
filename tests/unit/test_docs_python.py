"""The reference of the Python interface is complete."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields

import pytest

import batchwright
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
    assert all(
        f"`.{name}" in text or f"BatchConfig.{name}" in text for name in ("load", "source_url", "origin")
    )


def test_every_public_name_is_in_the_reference() -> None:
    text = "".join(page.read_text("utf-8") for page in (DOCS / "reference").glob("*.md"))
    public = set(batchwright.__all__) - {"__version__"}
    assert [name for name in sorted(public) if not re.search(rf"\b{name}\b", text)] == []


def test_every_name_of_settings_in_the_reference_exists() -> None:
    named = re.findall(r"^\| `(?:BatchConfig)?\.(\w+)", section("BatchConfig"), re.M)
    assert [name for name in named if not hasattr(BatchConfig, name)] == []


def test_every_error_for_programs_is_in_the_reference_with_its_attributes() -> None:
    text = REFERENCE.partition("\n## Errors\n")[2]
    rows = dict(re.findall(r"^\| `(\w+)`[^|]*\|[^|]*\|([^|]*)\|$", text, re.M))
    public = {name: getattr(batchwright, name) for name in batchwright.__all__}
    errors = {name: kind for name, kind in public.items() if is_error(kind)}
    assert rows.keys() == errors.keys() - {"BatchwrightError"}
    for name, attributes in rows.items():
        documented = inspect.getdoc(errors[name]) or ""
        for attribute in re.findall(r"`(\w+)`", attributes):
            inherited = inspect.getdoc(errors[name].__mro__[1]) or ""
            assert f"    {attribute}: " in documented + inherited, (name, attribute)


def is_error(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, batchwright.BatchwrightError)
