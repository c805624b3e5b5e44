"""Scenarios of runs at once, drawn from a seed: which runs, of which documents, and what becomes of them."""

from __future__ import annotations

import random
import signal
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from batchwright import BatchConfig, BatchProcessor
from batchwright.engine.store.policy import DeliveryPolicy
from tests.support import slow
from tests.support.forked import ELSEWHERE, HURRIED, Order
from tests.support.two_runs import CHUNK_TOKENS, write_document

OTHER_TOKENS = 16
LATEST = 0.3
"""Seconds after which the last run begins, and anything happens to one, at most."""

PAUSE = HURRIED.young + HURRIED.again + 1.0
"""Seconds that a run is stopped: long enough to be replaced."""

Fate = Literal["", "killed", "paused"]
"""What becomes of a run in the middle of it."""


@dataclass(frozen=True)
class RunAtOnce:
    """One of the runs.

    Attributes:
        folder: What it loads.
        collection: Into which collection.
        tokens: A chunk.
        prune: Whether it removes what is gone.
        workers: Its writers.
        seed: Of the points at which it is slowed.
        longest: Seconds that it is held at one point, at most.
        after: Seconds until it begins.
        wait: Seconds that it waits for another.
        fate: What becomes of it.
        at: Seconds after its beginning until that.
        elsewhere: Whether it passes for one of another machine.
    """

    folder: Path
    collection: str
    tokens: int
    prune: bool
    workers: int
    seed: int = 0
    longest: float = 0.0
    after: float = 0.0
    wait: float = 0.0
    fate: Fate = ""
    at: float = 0.0
    elsewhere: bool = False

    def alone(self, url: str) -> None:
        """Run undisturbed; check that it gets done."""
        config = BatchConfig(
            input_dir=self.folder,
            to=url,
            collection=self.collection,
            chunk_max_tokens=self.tokens,
            prune=self.prune,
            prune_limit=1.0,
            readers=1,
            reporters=(),
            wait=60.0,
        )
        policy = replace(DeliveryPolicy.of(config), leases=HURRIED)
        result = BatchProcessor(config, policy=policy).run()
        assert result.state == "done", result.reason
        assert result.account.documents.failed == 0

    def order(self, url: str) -> Order:
        """The same, slowed, for a process of its own."""
        prune = ("--prune", "--prune-limit", "1") if self.prune else ("--no-prune",)
        sizes = ("--chunk-max-tokens", str(self.tokens), "--workers", str(self.workers))
        options = ("--to", url, "-q", "--json", "--wait", str(self.wait), "--plugin", slow.__file__)
        return Order(
            ("run", str(self.folder), *options, *prune, *sizes),
            self.folder.parent,
            {
                "SLOW_SEED": str(self.seed),
                "SLOW_LONGEST": str(self.longest),
                "BATCHWRIGHT_COLLECTION": self.collection,
                "BATCHWRIGHT_READERS": "1",
            },
            owner=ELSEWHERE if self.elsewhere else None,
        )

    @property
    def signals(self) -> list[tuple[float, signal.Signals]]:
        """What is sent to it, and when."""
        match self.fate:
            case "killed":
                return [(self.at, signal.SIGKILL)]
            case "paused":
                return [(self.at, signal.SIGSTOP), (self.at + PAUSE, signal.SIGCONT)]
        return []

    def __str__(self) -> str:
        words = [f"{self.folder.name}→{self.collection}/{self.tokens} x{self.workers}"]
        words += (
            ["prune"] * self.prune + ["elsewhere"] * self.elsewhere + [f"waits {self.wait}"] * (self.wait > 0)
        )
        words += [f"{self.fate} at {self.at:.2f}"] * bool(self.fate)
        return " ".join(words)


@dataclass(frozen=True)
class Scenario:
    """What happens at once."""

    runs: tuple[RunAtOnce, ...]
    programs: bool

    @classmethod
    def drawn(cls, folder: Path, seed: int) -> Scenario:
        """Draw one, and write the documents as they are at first."""
        random_ = random.Random(seed)
        folders = [folder / "left", folder / "right"][: random_.randint(1, 2)]
        for one in folders:
            for number in range(random_.randint(3, 4)):
                write_document(one / f"doc{number}.md", random_.randint(1, 9), f"old{number}")
        count = random_.choice([2, 2, 3])
        names = (
            random_.choice([["fruit"], ["fruit"], ["fruit", "nuts"]])
            if len(folders) == 1
            else ["left", "right"]
        )
        sizes = random_.choice([[CHUNK_TOKENS], [CHUNK_TOKENS, OTHER_TOKENS]])
        pruning = random_.randrange(count) if random_.random() < 0.5 else None
        struck = random_.randrange(count)
        fate: Fate = random_.choice(["", "killed", "paused", "paused"])
        runs = tuple(
            RunAtOnce(
                folders[number % len(folders)],
                names[number % len(names)],
                sizes[number % len(sizes)],
                number == pruning,
                random_.choice([1, 1, 2]),
                random_.randrange(2**32),
                random_.choice([0.05, 0.3]),
                random_.random() * LATEST,
                random_.choice([0.0, 20.0, 20.0]),
                fate if number == struck else "",
                0.1 + random_.random() * LATEST,
                number == struck and random_.random() < 0.3,
            )
            for number in range(count)
        )
        return cls(runs, random_.random() < 0.25)

    def edit(self, seed: int) -> None:
        """Change most documents, add one; remove one where a run prunes."""
        random_ = random.Random(seed + 1)
        for folder in dict.fromkeys(run.folder for run in self.runs):
            paths = sorted(folder.iterdir())
            for path in random_.sample(paths, len(paths) - 1):
                write_document(path, random_.randint(1, 15), "new")
            write_document(folder / "doc9.md", random_.randint(1, 15), "added")
            if any(run.prune for run in self.runs):
                paths[0].unlink()

    def __str__(self) -> str:
        return f"{', '.join(map(str, self.runs))}{', programs' * self.programs}"
