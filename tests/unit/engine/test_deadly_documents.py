"""A document that kills the process which reads it: the same command, repeated, loads all others."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from batchwright.engine.reading.preparing import may_start_processes
from tests.support.command import Ended, command
from tests.support.deadly import deadly_site


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(20):
        (folder / f"{number:02}.md").write_text(f"peas {number}\n")
    (folder / "10.md").write_text("deadly\n")
    deadly_site(tmp_path)
    return folder


def run(folder: Path, name: str = "run") -> Ended:
    environ = {"PYTHONPATH": os.pathsep.join([str(folder.parent / "site"), *sys.path])}
    return command(name, str(folder), "--json", cwd=folder.parent, environ=environ)


def test_the_run_after_one_that_a_document_killed_names_it_and_loads_all_others(folder: Path) -> None:
    assert run(folder).code == -signal.SIGKILL
    assert run(folder, "plan").result["documents"]["failed"] == 1
    for state in ("added", "unchanged"):  # and the next one knows that there is such a document
        ended = run(folder)
        assert ended.code == 3, ended.err
        said = ended.result
        assert said["account"]["documents"][state] >= 9
        assert said["account"]["documents"]["added"] + said["account"]["documents"]["unchanged"] == 19
        [failed] = said["failed_documents"]
        assert failed["key"] == "10.md"
        assert failed["reason"].startswith("the process that read it died of it")
        assert "documents are read in a process of their own" in ended.err
    (folder / "10.md").write_text("mended\n")
    assert run(folder).code == 0
    last = run(folder)
    assert (last.code, "process of their own" in last.err) == (0, False)


def test_a_program_that_a_new_process_would_run_once_more_is_given_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert may_start_processes()
    script = tmp_path / "script.py"
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(script), raising=False)
    assert not may_start_processes()
    for unguarded in ("", "log = logging.getLogger(__name__)\n", "if __name__\n"):
        script.write_text(f"from batchwright import BatchProcessor\n{unguarded}")
        assert not may_start_processes(), unguarded
    script.write_text("if __name__ == '__main__':\n" + "    pass\n" * 200)  # whichever the main thread is at
    assert may_start_processes()
    monkeypatch.delattr(sys.modules["__main__"], "__file__")
    assert may_start_processes()


_PROGRAM = """
import threading
from batchwright.engine.reading.preparing import may_start_processes
def tell():
    print(may_start_processes())
tell()
if __name__ == "__main__":
    tell()
    thread = threading.Thread(target=tell)
    thread.start()
    thread.join()
tell()
"""


def test_what_stands_above_the_guard_of_a_program_would_be_done_once_more(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(_PROGRAM)
    done = subprocess.run([sys.executable, "program.py"], cwd=tmp_path, capture_output=True, timeout=60)
    assert done.stdout.split() == [b"False", b"True", b"True", b"False"]
