"""The tutorials that install something are true: each is followed to its end, in fresh environments.

pip fills these from wheels of what is installed here, and connects to nowhere.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support import wheelhouse
from tests.support.pages import DOCS, RUNNABLE, Reader, environment, installs, name_of

PAGES = [page for page in RUNNABLE if installs(page)]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if missing := wheelhouse.missing():
        pytest.skip(f"not installed; make docs does it: {', '.join(missing)}")
    return wheelhouse.fill(tmp_path_factory.mktemp("wheelhouse") / "wheels")


def test_there_is_a_tutorial_for_each_kind_of_plugin() -> None:
    kinds = ("a-classifier", "a-reader", "a-reporter", "a-sink", "a-sizer", "a-source", "an-embedder")
    assert [DOCS / "tutorials" / f"write-{kind}.md" for kind in kinds] == [
        page for page in PAGES if page.parent.name == "tutorials"
    ]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_tutorial_can_be_followed_from_nothing_to_the_end(page: Path, wheels: Path, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "python").symlink_to(Path(sys.executable).resolve())
    variables = environment(**wheelhouse.settings(wheels), HOME=str(tmp_path), NO_COLOR="1")
    variables["PATH"] = f"{programs}:/usr/local/bin:/usr/bin:/bin"  # nothing of ours is installed there
    variables.pop("VIRTUAL_ENV", None)
    Reader(tmp_path, variables, {}, patience=300).follow(page)
