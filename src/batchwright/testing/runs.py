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
        target: The URL, which names the target relative to the working directory. For a target elsewhere,
            such as a server, override the method `target_in`.
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

    def target_in(self, folder: Path) -> str:
        """Return the URL of a target that belongs to a folder: for each folder another one, empty at first.

        Override it for a target that is not in the working directory, as another database for each folder.
        """
        return self.target

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
        self._check_is_new(docs, two)
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
        self._check_is_new(docs, folder)
        killed = 0
        for part in _MOMENTS:
            process = subprocess.Popen(  # noqa: S603 - ourselves
                self._command(docs, folder), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
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

    def _check_is_new(self, docs: Path, folder: Path) -> None:
        """Check that the target of a folder is empty: else a target would be compared with itself."""
        folder.mkdir(exist_ok=True)
        planned = self._call("plan", docs, folder)["documents"]
        there = {state: planned[state] for state in ("changed", "unchanged", "deleted") if planned[state]}
        assert not there, (
            f"the target {self.target_in(folder)!r} is not a new one for each folder, as it holds documents "
            f"of another: {there}. Override `target_in`, to return an empty target for every folder"
        )

    def _command(self, docs: Path, folder: Path, *more: str) -> list[str]:
        return [*self._base("run", docs, folder), "--batch-size", "4", *self.arguments, *more]

    def _base(self, command: str, docs: Path, folder: Path) -> list[str]:
        target = ("--to", self.target_in(folder))
        return [sys.executable, "-m", "batchwright", command, str(docs), *target, "--json"]

    def _run(self, docs: Path, folder: Path, *more: str) -> dict[str, Any]:
        folder.mkdir(exist_ok=True)
        account: dict[str, Any] = self._answer(self._command(docs, folder, *more), folder)["account"]
        return account

    def _call(self, command: str, docs: Path, folder: Path) -> dict[str, Any]:
        return self._answer([*self._base(command, docs, folder), *self._plugins()], folder)

    def _plugins(self) -> list[str]:
        """Return those of the arguments that name plugins, which every command takes."""
        pairs = zip(self.arguments, self.arguments[1:], strict=False)
        return [part for option, value in pairs if option == "--plugin" for part in (option, value)]

    def _answer(self, command: list[str], folder: Path) -> dict[str, Any]:
        done = subprocess.run(  # noqa: S603 - ourselves
            command, cwd=folder, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer
