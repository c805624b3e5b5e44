"""Scenarios of runs at once, drawn from a seed: which runs, of which documents, and what happens beside."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from batchwright import BatchConfig, BatchProcessor
from tests.support.two_runs import CHUNK_TOKENS, write_document

OTHER_TOKENS = 16
LATEST = 0.2
"""Seconds after which the last run begins, at most."""


@dataclass(frozen=True)
class RunAtOnce:
    """One of the runs: what of, and how; it begins `after` so many seconds."""

    folder: Path
    tokens: int
    prune: bool
    workers: int
    seed: int
    after: float = 0

    def config(self, url: str) -> BatchConfig:
        """Its settings."""
        return BatchConfig(
            input_dir=self.folder,
            to=url,
            chunk_max_tokens=self.tokens,
            prune=self.prune,
            workers=self.workers,
            readers=1,
            reporters=(),
            retry_cap=0.05,
        )

    def arguments(self, url: str) -> list[str]:
        """The same settings for the command line."""
        prune = "--prune" if self.prune else "--no-prune"
        sizes = ["--chunk-max-tokens", str(self.tokens), "--workers", str(self.workers)]
        return ["run", str(self.folder), "--to", url, "-q", prune, *sizes]

    def alone(self, url: str) -> None:
        """Run undisturbed; check that it gets done."""
        result = BatchProcessor(self.config(url)).run()
        assert result.state == "done", result.reason
        assert result.account.documents.failed == 0


@dataclass(frozen=True)
class Scenario:
    """What happens at once."""

    runs: tuple[RunAtOnce, ...]
    programs: bool
    away: Path | None

    @classmethod
    def drawn(cls, folder: Path, seed: int) -> Scenario:
        """Draw one, and write the documents as they are at first."""
        random_ = random.Random(seed)
        folders = [folder / "left", folder / "right"][: random_.randint(1, 2)]
        for one in folders:
            for number in range(random_.randint(3, 4)):
                write_document(one / f"{one.name}{number}.md", random_.randint(1, 9), f"old{number}")
        count = random_.choice([2, 2, 3])
        sizes = random_.choice([[CHUNK_TOKENS], [CHUNK_TOKENS, OTHER_TOKENS]])
        pruning = random_.randrange(count) if len(folders) == 1 and random_.random() < 0.5 else None
        runs = tuple(
            RunAtOnce(
                folders[number % len(folders)],
                sizes[number % len(sizes)] if len(folders) == 1 else random_.choice(sizes),
                number == pruning,
                random_.choice([1, 1, 2]),
                random_.randrange(2**32),
                random_.random() * LATEST,
            )
            for number in range(count)
        )
        away = random_.choice(sorted(folders[0].iterdir())) if random_.random() < 0.3 else None
        return cls(runs, random_.random() < 0.4, away)

    def edit(self, seed: int) -> None:
        """Change most documents, add one; remove one where a run prunes."""
        random_ = random.Random(seed + 1)
        for folder in self.folders:
            paths = sorted(path for path in folder.iterdir() if path != self.away)
            for path in random_.sample(paths, len(paths) - 1):
                write_document(path, random_.randint(1, 15), "new")
            write_document(folder / f"{folder.name}9.md", random_.randint(1, 15), "added")
            if any(run.prune for run in self.runs):
                paths[0].unlink()
        if self.away:
            write_document(self.away, 7, "new")

    @property
    def folders(self) -> list[Path]:
        """The folders that the runs load."""
        return list(dict.fromkeys(run.folder for run in self.runs))

    def __str__(self) -> str:
        runs = ", ".join(
            f"{run.folder.name}/{run.tokens}{' prune' * run.prune} x{run.workers}" for run in self.runs
        )
        return f"{runs}{', programs' * self.programs}{f', {self.away.name} away' if self.away else ''}"
