"""What a package index shows of our distributions reads well there: no link leads into this repository."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.support.pages import ROOT

_INNER_LINK = re.compile(r"\]\((?!https?:)")
PLUGINS = sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda folder: folder.name)
def test_the_readme_of_a_plugin_has_no_link_into_the_repository(folder: Path) -> None:
    assert not _INNER_LINK.search((folder / "README.md").read_text("utf-8"))


def test_the_long_description_is_the_readme_without_links_into_the_repository() -> None:
    pytest.importorskip("hatchling", reason="hatchling isn't installed: make docs does it")
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    metadata: dict[str, Any] = {}
    module.LongDescription(str(ROOT), {}).update(metadata)
    text = metadata["readme"]["text"]
    assert not _INNER_LINK.search(text)
    assert "<!--" not in text
    assert len(text.splitlines()) > 200


def test_no_distribution_names_an_address_that_nobody_gave_it() -> None:
    for folder in (ROOT, *PLUGINS):
        project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
        assert "urls" not in project, folder
        assert project["description"].endswith("."), folder
