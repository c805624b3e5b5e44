"""Plugins that a file of settings names, where it was found in the working directory and not given."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from batchwright import BatchConfig, BatchProcessor, ConfigError, PluginManager, Target
from batchwright.cli.main import execute
from batchwright.plugins import trust

PLUGIN = """
from pathlib import Path
import batchwright

Path("it_ran").touch()

@batchwright.hookimpl
def classify_error(failure):
    return None
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a file of settings that names a plugin beside it."""
    (tmp_path / "batchwright.toml").write_text('plugins = ["mine.py"]\nto = "sqlite:///kb.db"\n')
    (tmp_path / "mine.py").write_text(PLUGIN)
    (tmp_path / "a.md").write_text("# A\n")
    for path in tmp_path.iterdir():
        path.chmod(0o644)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def has_run(folder: Path) -> bool:
    return (folder / "it_ran").exists()


def test_the_user_s_own_are_loaded(folder: Path) -> None:
    PluginManager.of(BatchConfig.load())
    assert has_run(folder)


@pytest.mark.parametrize("name", ["batchwright.toml", "mine.py"])
@pytest.mark.parametrize("mode", [0o666, 0o646])
def test_files_that_others_may_write_are_refused_unless_they_are_given(
    folder: Path, name: str, mode: int
) -> None:
    (folder / name).chmod(mode)
    with pytest.raises(ConfigError, match=r"may be written by others.* --config batchwright\.toml"):
        BatchProcessor(BatchConfig.load(source=".")).run()
    assert not has_run(folder)
    PluginManager.of(BatchConfig.load("batchwright.toml"))
    assert has_run(folder)


def test_a_file_that_its_group_may_write_is_the_user_s_where_the_group_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "mine.py").chmod(0o664)
    alone = [True, False]
    monkeypatch.setattr(trust, "_is_alone_in", lambda group: alone.pop(0))
    PluginManager.of(BatchConfig.load())
    with pytest.raises(ConfigError, match="may be written by others"):
        PluginManager.of(BatchConfig.load())


def test_somebody_else_s_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    owner = Path("mine.py").stat().st_uid
    if owner == 0:  # root's are trusted by everybody
        pytest.skip("these files are root's, whom everybody trusts")
    with pytest.raises(ConfigError, match=r"batchwright\.toml belongs to somebody else"):
        PluginManager.of(BatchConfig.load())
    assert not has_run(folder)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="giving a file away takes root")
def test_what_was_given_away_is_refused(folder: Path) -> None:
    os.chown("mine.py", 12345, 12345)
    with pytest.raises(ConfigError, match=r"mine\.py belongs to somebody else"):
        PluginManager.of(BatchConfig.load())
    assert not has_run(folder)


def test_plugins_that_the_command_line_names_were_given(folder: Path) -> None:
    (folder / "batchwright.toml").chmod(0o666)
    PluginManager.of(BatchConfig.load(plugins=["mine.py"]))
    assert has_run(folder)


def test_a_command_that_only_reads_loads_none_but_the_sink_s(folder: Path) -> None:
    BatchProcessor(BatchConfig.load(source=".", plugins=[])).run()
    (folder / "batchwright.toml").chmod(0o666)
    config = BatchConfig.load()
    manager = PluginManager.of(config, reading=True)
    assert not has_run(folder)
    assert {info.name for info in manager.listing()} == {"classifier", "sqlite"}
    with Target(config, manager=manager) as target:
        assert [hit.key for hit in target.search("A")] == ["a.md"]


@pytest.mark.parametrize(
    "command", ["search a", "status", "runs", "rejects list", "rejects show 1", "collections list", "verify"]
)
def test_the_commands_that_only_read_load_no_plugin_that_was_found(folder: Path, command: str) -> None:
    BatchProcessor(BatchConfig.load(source=".", plugins=[])).run()
    (folder / "batchwright.toml").chmod(0o666)
    code = execute(command.split())
    assert code == (2 if "show" in command else 0)  # no such reject
    assert not has_run(folder)


@pytest.mark.parametrize("command", ["verify --repair", "rejects replay --all", "collections delete x"])
def test_the_commands_that_write_refuse_a_plugin_that_others_may_have_written(
    folder: Path, command: str
) -> None:
    (folder / "batchwright.toml").chmod(0o666)
    assert execute(command.split()) == 2
    assert not has_run(folder)


def test_a_found_plugin_that_may_bring_the_sink_has_to_be_the_user_s(folder: Path) -> None:
    config = BatchConfig.load(to="mine:///kb")
    PluginManager.of(config, reading=True)
    assert has_run(folder)
    (folder / "mine.py").chmod(0o666)
    with pytest.raises(ConfigError, match="may be written by others"):
        PluginManager.of(config, reading=True)


def test_sections_of_sinks_that_are_not_loaded_are_no_mistakes_of_a_command_that_reads(folder: Path) -> None:
    (folder / "batchwright.toml").write_text('[sink.duckdb]\nschema = "x"\n')
    config = BatchConfig.load()
    manager = PluginManager.of(config, reading=True)
    assert manager.make_sink(config.to, config.sink).name == "sqlite"


MODEL = """
from pathlib import Path
from pydantic import BaseModel

Path("it_ran").touch()

class Row(BaseModel):
    id: int
"""


def test_a_model_of_rows_is_imported_only_where_it_is_the_user_s_own(folder: Path) -> None:
    (folder / "batchwright.toml").write_text('record = "mine.py:Row"\nto = "sqlite:///kb.db"\nkey = "id"\n')
    (folder / "mine.py").write_text(MODEL)
    (folder / "rows.csv").write_text("id\n1\n")
    (folder / "mine.py").chmod(0o666)
    with pytest.raises(ConfigError, match=r"record: mine\.py may be written by others.* --config"):
        BatchProcessor(BatchConfig.load(source="rows.csv")).run()
    assert not has_run(folder)
    assert BatchProcessor(BatchConfig.load("batchwright.toml", source="rows.csv")).run().state == "done"
    assert has_run(folder)
