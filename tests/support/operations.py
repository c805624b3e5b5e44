"""Loading a folder, and working on what was loaded: what the tests of replay, verify and plan share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchwright import BatchConfig, BatchProcessor, PluginManager, RunResult
from batchwright.engine.reading.changes import Change
from batchwright.operations.corrected import Corrected
from batchwright.operations.plan import Plan, plan
from batchwright.operations.reject_selection import RejectSelection
from batchwright.operations.repair import repair
from batchwright.operations.replay import Replayed, replay
from batchwright.operations.target import OpenTarget, existing
from batchwright.operations.verify import Fault, Finding, Verification


def write_documents(folder: Path, count: int = 4) -> Path:
    """A folder of documents, of several chunks each at 64 tokens."""
    folder.mkdir()
    for number in range(count):
        sections = "".join(f"## Part {n}\n\n{'word ' * 40}{number}.{n}\n\n" for n in range(number + 2))
        (folder / f"doc{number}.md").write_text(
            f"# Title {number}\n\nIntroduction {number}.\n\n{sections}", "utf-8"
        )
    return folder


@dataclass
class Operations:
    """A folder, a target, and what can be done with them."""

    folder: Path
    to: str
    plugins: Sequence[object] = ()

    def config(self, **settings: Any) -> BatchConfig:
        """The settings, unless others are given."""
        defaults = {
            "chunk_max_tokens": 64,
            "batch_size": 7,
            "max_retries": 2,
            "retry_cap": 0.01,
            "batch_timeout": None,
        }
        return BatchConfig(input_dir=self.folder, to=self.to, **{**defaults, **settings})

    def manager(self) -> PluginManager:
        """The plugins."""
        return PluginManager.load(self.plugins)

    def run(self, **settings: Any) -> RunResult:
        """Load the folder."""
        return BatchProcessor(self.config(**settings), manager=self.manager()).run()

    @contextmanager
    def target(self, **settings: Any) -> Iterator[OpenTarget]:
        """The target, loaded before."""
        with existing(self.config(**settings), self.manager()) as target:
            yield target

    def replay(self, corrected: Sequence[Corrected] | None = None, **settings: Any) -> list[Replayed]:
        """Replay all rejects, or the corrected ones."""
        config, manager = self.config(**settings), self.manager()
        with existing(config, manager) as target:
            rejects = (reject for page in RejectSelection().pages(target) for reject in page)
            return list(replay(target, config, rejects if corrected is None else corrected))

    def verify(self) -> list[Finding]:
        """What is wrong."""
        with self.target() as target:
            return list(Verification(target))

    def faults(self) -> list[tuple[Fault, str]]:
        """What is wrong, in short."""
        return [(finding.fault, finding.key) for finding in self.verify()]

    def repair(self, **settings: Any) -> list[str]:
        """Repair what is wrong; the reasons why something could not be."""
        config, manager = self.config(**settings), self.manager()
        with existing(config, manager) as target:
            return [one.reason for one in repair(target, config, Verification(target), self.folder)]

    def plan(self, **settings: Any) -> tuple[Plan, list[Change]]:
        """What a run would do, in all and document by document."""
        planned: list[Change] = []
        return plan(self.config(**settings), self.manager(), planned.append), planned
