"""Finding what is installed, whatever state its metadata is in."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest

from batchwright import PluginManager
from batchwright.plugins.installed import Installed, find_installed

PLUGIN = """
import batchwright

@batchwright.hookimpl
def classify_error(failure):
    return None
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def install(
    site: Path,
    name: str,
    points: bytes | None = None,
    metadata: bytes | None = b"Name: {name}\nVersion: 2.5\n",
    source: str = PLUGIN,
) -> None:
    info = site / f"{name}-2.5.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_bytes(points or f"[batchwright]\n{name} = {name}\n".encode())
    if metadata is not None:
        (info / "METADATA").write_bytes(metadata.replace(b"{name}", name.encode()))
    (site / f"{name}.py").write_text(source)


def found(name: str) -> Installed:
    [plugin] = [plugin for plugin in find_installed() if plugin.name == name]
    return plugin


def state(name: str, **arguments: list[str]) -> tuple[str, str]:
    [info] = [info for info in PluginManager.load(**arguments).listing() if info.name == name]  # type: ignore[arg-type]
    return info.state, info.reason


def test_a_sound_distribution_gives_its_name_and_version(site: Path) -> None:
    install(site, "sound_one")
    plugin = found("sound_one")
    assert (plugin.distribution, plugin.version, plugin.remark) == ("sound_one", "2.5", "")


@pytest.mark.parametrize("metadata", [None, b"", b"\xff\xfe\x00", b"Version: 2.5\n", b"nonsense"])
def test_one_without_metadata_is_loaded_and_the_listing_says_so(site: Path, metadata: bytes | None) -> None:
    install(site, "bare_one", metadata=metadata)
    assert state("bare_one") == ("ok", "its distribution has no metadata; reinstall it")
    assert found("bare_one").distribution == "bare_one"


@pytest.mark.parametrize("points", [b"[batchwright]\n\xff\xfe = \xff", b"[batchwright]\nno equals sign\n"])
def test_one_whose_entry_points_are_broken_is_named_and_the_others_are_loaded(
    site: Path, points: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    install(site, "torn_one", points)
    install(site, "whole_one")
    with caplog.at_level(logging.WARNING):
        manager = PluginManager.load()
    states = {info.name: info.state for info in manager.listing()}
    assert (states["whole_one"], states["sqlite"]) == ("ok", "ok")
    torn = [info for info in manager.listing() if info.distribution == "torn_one"]
    assert [info.state for info in torn] == ["broken"]
    assert "torn_one" in caplog.text


@pytest.mark.parametrize("metadata", [None, b"Name: {name}\nVersion: 2.5\n"])
def test_blocked_it_is_not_imported_whatever_its_metadata(site: Path, metadata: bytes | None) -> None:
    install(site, "blocked_one", metadata=metadata, source="raise SystemExit('imported')")
    for name in ("blocked_one", "Blocked-One"):
        assert state("blocked_one", disable=[name])[0] == "blocked"
    assert "blocked_one" not in sys.modules
    assert state("blocked_one")[0] == "broken"


def test_entry_points_of_others_are_nobody_s_business(site: Path) -> None:
    install(site, "stranger", b"[console_scripts]\n\xff\xfe garbage\n", metadata=None)
    install(site, "another", b"[pytest11]\nx = y\n", metadata=None)
    assert not [plugin for plugin in find_installed() if plugin.distribution in ("stranger", "another")]


def test_a_distribution_that_is_twice_on_the_path_is_one_plugin(
    site: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path_factory.mktemp("other")
    for folder in (site, other):
        install(folder, "twice_there")
    monkeypatch.syspath_prepend(str(other))
    assert state("twice_there") == ("ok", "")
