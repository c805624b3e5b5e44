"""No garbage is looked for while a command starts and ends; while it works, it is."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from batchwright.cli import collector

PLUGIN = """
import gc
from pathlib import Path
import batchwright

at_start = gc.isenabled()

@batchwright.hookimpl
def prepare_document(document):
    Path("seen").write_text(f"{at_start} {gc.isenabled()} {gc.get_freeze_count() > 10_000}")
"""


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.enable()


def test_what_was_there_is_left_out_once() -> None:
    collector.hold()
    assert not gc.isenabled()
    collector.resume()
    assert gc.isenabled()
    assert gc.get_freeze_count()
    gc.unfreeze()
    collector.resume()  # nothing was held
    assert not gc.get_freeze_count()


def test_a_command_collects_garbage_from_when_its_plugins_are_loaded(tmp_path: Path) -> None:
    (tmp_path / "plugin.py").write_text(PLUGIN, encoding="utf-8")
    (tmp_path / "input").mkdir()
    (tmp_path / "input" / "one.md").write_text("# One\n\nWords.\n", encoding="utf-8")
    command = [sys.executable, "-m", "batchwright", "run", "input", "--plugin", "plugin.py", "--quiet"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=60)
    assert (tmp_path / "seen").read_text(encoding="utf-8") == "False True True"
