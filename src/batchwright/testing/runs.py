"""Checks of a sink from the command line: run, run again, edit, kill."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

Published = Callable[[Path], Sequence[Sequence[Any]]]
"""Reads the published rows of the target in a folder, without the sink, always in the same order."""

_SECONDS = 100
_MOMENTS = (0.4, 0.55, 0.7, 0.8, 0.9)
"""When to kill a run, in parts of the time that an undisturbed one takes."""


def write_documents(folder: Path) -> Path:
    """Write the documents that are loaded into a folder; return it."""
    for number in range(30):
        path = folder / f"part{number % 3}" / f"{number:02}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        sections = (f"## Section {n}\n\n{f'word{n} ' * 500}\n\n" for n in range(number % 7 + 1))
        path.write_text(f"# Document {number} – größer 🜁\n\n{''.join(sections)}", "utf-8")
    return folder


class RunContract:
    """Subclass it as ``TestRuns``, and supply the target and a fixture; it needs batchwright's command.

    Attributes:
        target: The URL, which names the target relative to the working directory.
        arguments: More for the command line.

    Fixtures to supply:
        published: A callable that returns the published rows of the target in a folder.
    """

    target: ClassVar[str] = ""
    arguments: ClassVar[tuple[str, ...]] = ()

    @pytest.fixture
    def published(self) -> Published:
        """Override: return a callable that reads the published rows of the target in a folder."""
        pytest.fail("override the fixture `published`: it returns a callable that reads the published rows")

    @pytest.fixture
    def docs(self, tmp_path: Path) -> Path:
        """The kit's own: a folder of documents."""
        return write_documents(tmp_path / "docs")

    def test_what_is_loaded_is_not_loaded_again(
        self, docs: Path, tmp_path: Path, published: Published
    ) -> None:
        """Fails: a second run writes, or an edited folder isn't as if loaded anew. See the ledger."""
        one, two = tmp_path / "one", tmp_path / "two"
        first = self._run(docs, one)
        before = published(one)
        assert (first["documents"]["added"], first["records"]["written"]) == (30, len(before))
        again = self._run(docs, one)
        assert (again["documents"]["unchanged"], again["records"]["written"]) == (30, 0)
        assert published(one) == before
        (docs / "part0" / "00.md").write_text("# Anew\n\nquite different\n", "utf-8")
        (docs / "part1" / "01.md").unlink()
        (docs / "part1" / "new.md").write_text("# New\n\nrather fresh\n", "utf-8")
        edited = self._run(docs, one, "--prune")["documents"]
        assert (edited["added"], edited["changed"], edited["unchanged"]) == (1, 1, 28)
        self._run(docs, two)
        assert published(one) == published(two), "an edited folder, and the same loaded anew"

    def test_killed_again_and_again_it_ends_as_undisturbed(
        self, docs: Path, tmp_path: Path, published: Published
    ) -> None:
        """Fails: rows are lost or doubled where a run was killed. Commit rows and receipt together."""
        begun = time.monotonic()
        self._run(docs, tmp_path / "undisturbed")
        took = time.monotonic() - begun
        folder = tmp_path / "killed"
        folder.mkdir()
        killed = 0
        for part in _MOMENTS:
            process = subprocess.Popen(  # noqa: S603 - ourselves
                self._command(docs), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            try:
                process.wait(took * part)
            except subprocess.TimeoutExpired:
                killed += 1
            finally:
                process.kill()
                process.wait()
        assert killed, "all runs were done before they could be killed"
        self._run(docs, folder)
        assert published(folder) == published(tmp_path / "undisturbed")

    def _command(self, docs: Path, *more: str) -> list[str]:
        command = [sys.executable, "-m", "batchwright", "run", str(docs), "--to", self.target, "--json"]
        return [*command, "--batch-size", "4", *self.arguments, *more]

    def _run(self, docs: Path, folder: Path, *more: str) -> dict[str, Any]:
        folder.mkdir(exist_ok=True)
        done = subprocess.run(  # noqa: S603 - ourselves
            self._command(docs, *more),
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        account: dict[str, Any] = json.loads(done.stdout)["account"]
        return account
