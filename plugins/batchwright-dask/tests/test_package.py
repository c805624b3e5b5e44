"""The distribution: what it says of itself, what it uses, and what it imports when."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path
from types import SimpleNamespace

import batchwright
import pytest
from batchwright import BatchConfig, BatchProcessor, ConfigError, PluginManager
from batchwright.testing.imports import private_imports

import batchwright_dask
from batchwright_dask import DaskExecutor, DaskOptions
from tests.loading import config_of

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def test_only_public_names_of_batchwright_are_used() -> None:
    assert private_imports([ROOT / "src", ROOT / "tests"]) == [
        "deadly.py: batchwright.builtin.postgres",
        "test_vectors.py: batchwright.engine.embedding.canary",  # what is sent besides the records
        "test_vectors.py: batchwright.engine.embedding.texts",
    ]


def test_the_public_names_are_these() -> None:
    assert batchwright_dask.__all__ == ["DaskExecutor", "DaskOptions"]


def test_the_entry_point_offers_the_executor() -> None:
    [point] = [point for point in entry_points(group="batchwright") if point.name == "dask"]
    assert point.dist is not None
    assert point.dist.name == "batchwright-dask"
    made = PluginManager.load().make("executor", "dask", {"dask": {"workers": 2}})
    assert isinstance(made, DaskExecutor)
    assert made.options == DaskOptions(workers=2)


@pytest.mark.parametrize(
    "code", ["import batchwright_dask.plugin", "from batchwright import PluginManager; PluginManager.load()"]
)
def test_finding_the_plugin_imports_no_dask(code: str) -> None:
    code += (
        "; import sys; print([name for name in ('dask', 'distributed', 'tornado') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def test_the_command_lists_it(tmp_path: Path) -> None:
    line = [sys.executable, "-m", "batchwright", "plugins"]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)
    [row] = [row for row in done.stdout.splitlines() if "batchwright-dask" in row]
    assert "ok" in row
    assert "executor" in row


def test_the_readme_lists_every_option_with_its_default() -> None:
    told = dict(re.findall(r"^\| `(\w+)` \| ([^|]*) \|", README, re.MULTILINE))
    assert told.keys() == DaskOptions.model_fields.keys()
    for name, field in DaskOptions.model_fields.items():
        if field.default is not None:
            assert told[name] == f"{field.default:g}", name


def test_the_settings_of_the_readme_are_valid() -> None:
    blocks = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    assert blocks
    for block in blocks:
        DaskOptions.model_validate(tomllib.loads(block)["executors"]["dask"])


@pytest.mark.parametrize(
    "options",
    [{"workers": 0}, {"connect_timeout": 0}, {"scheduler": "tls://h:1"}, {"scheduler": "h:1"}, {"nosuch": 1}],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        DaskOptions.model_validate(options)


def test_a_plugin_that_is_an_object_is_refused(corpus: Path, url: str) -> None:
    plugin = SimpleNamespace(__name__="mine", batch_size=batchwright.hookimpl(lambda feedback: None))
    processor = BatchProcessor(config_of(corpus, url, "tcp://127.0.0.1:1"), plugins=[plugin], reporters=())
    with pytest.raises(ConfigError, match="passed as an object"):
        processor.run()


def test_a_target_for_one_writer_is_refused(corpus: Path, tmp_path: Path) -> None:
    config = BatchConfig(input_dir=corpus, to=f"sqlite:///{tmp_path}/kb.db", executor="dask", reporters=())
    with pytest.raises(ConfigError, match="takes one writer"):
        BatchProcessor(config).run()
