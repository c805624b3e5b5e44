"""What the kit offers beside its contracts: the scenario, crashes at each step, and the look at imports."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from batchwright import Batch, ProcessedChunk, Receipt
from batchwright.builtin.sqlite import SqliteOptions, SqliteSink
from batchwright.testing import scenario
from batchwright.testing.crashes import Steps, kill_at_each_step
from batchwright.testing.imports import private_imports
from batchwright.testing.readme import undocumented

MAY_FORK = pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")  # of other tests


def test_the_scenario_ends_as_it_says(tmp_path: Path) -> None:
    with SqliteSink(SqliteOptions(url=SecretStr(f"sqlite:///{tmp_path}/kb.db"))).open() as store:
        for _ in range(2):
            scenario.load(store)
            scenario.expect_final(store)
        assert {hit.id for hit in store.search("ünïcödé", 100)} == scenario.FINAL.keys()
        store.write(*_one_more())
        with pytest.raises(AssertionError, match="held are"):
            scenario.expect_final(store)


def test_half_a_version_and_a_row_twice_are_not_whole() -> None:
    ids = [chunk.id for chunk in scenario.A1.chunks + scenario.D1.chunks]
    scenario.expect_whole(ids, "here")
    for wrong in (ids[1:], [*ids, ids[0]], ["0" * 36]):
        with pytest.raises(AssertionError, match="here: half"):
            scenario.expect_whole(wrong, "here")


def _one_more() -> tuple[Batch[ProcessedChunk], Receipt]:
    receipt = replace(scenario.STEPS[0][1], batch_id="7", publications=(), begun=(scenario.D1.version,))
    return Batch(list(scenario.D1.chunks), 7), receipt


def _work(path: Path, steps: Steps) -> None:
    steps.tap(Path, "touch")
    path.mkdir()
    for name in "abcde":
        (path / name).touch()


@MAY_FORK
@pytest.mark.parametrize(("every", "left"), [(1, [0, 1, 2, 3, 4, 5]), (2, [0, 2, 4, 5])])
def test_each_child_dies_before_its_step(tmp_path: Path, every: int, left: list[int]) -> None:
    assert kill_at_each_step(_work, tmp_path, every) == len(left) - 1
    assert sorted(len(list(path.iterdir())) for path in tmp_path.iterdir()) == left


@MAY_FORK
def test_a_child_that_fails_is_not_taken_for_a_killed_one(tmp_path: Path) -> None:
    def fail(path: Path, steps: Steps) -> None:
        steps.step()
        raise OSError(f"{path}: disk full")

    with pytest.raises(RuntimeError, match="to die at step 2 ended with"):
        kill_at_each_step(fail, tmp_path)


def test_what_is_not_offered_to_plugins_is_named(tmp_path: Path) -> None:
    (tmp_path / "plugin.py").write_text(
        "import json, batchwright.engine.run\n"
        "import batchwright.testing.records\n"
        "from batchwright import Sink, plugins\n"
        "from batchwright.contracts.sink import Holding, _hidden\n"
        "from batchwright.testing import scenario, SinkContract\n"
        "from batchwright.plugins.manager import PluginManager\n"
        "from batchwrights import anything\n"
        "from . import own\n"
    )
    assert private_imports([tmp_path]) == [
        f"plugin.py: {name}"
        for name in (
            "batchwright.engine.run",
            "batchwright.plugins",
            "batchwright.contracts.sink._hidden",
            "batchwright.plugins.manager",
        )
    ]


def test_what_a_readme_lacks_is_named(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(
        "`sqlite:///kb.db`\n| `synchronous` | `full` | a mode |\n| `full_text` | true | an index |\n"
    )
    assert undocumented(SqliteSink, SqliteOptions, readme) == [
        "the option table",
        "the option busy_timeout",
        "the default of synchronous, normal",
        "the limit of 10,000 records",
        "the limit of 32 MiB",
    ]
