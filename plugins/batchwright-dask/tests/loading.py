"""A corpus of several partitions, and what became of it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from batchwright import Account, BatchConfig, BatchProcessor, Reporter, ReporterOptions
from batchwright.contracts.account import DOCUMENT_STATES
from batchwright.contracts.events import BatchWritten, Event
from batchwright.secrets import revealed

from tests.support.corpus import write_megabytes
from tests.support.tables import Contents, contents, rows

BIG = "big.md"
"""Takes many batches, and is more than a partition should be."""

BAD = 5
"""Records that Postgres can't store: a NUL is in them."""

UNREADABLE = ("broken.md", "latin1.md")
"""A document in another encoding, and a link that leads nowhere."""

WORDS = ["rain", "stone", "lamp", "river", "glass", "north", "copper", "field", "ember", "quiet", "tide"]


def write_documents(
    folder: Path, seed: int, *, bad: bool = False, megabytes: int = 1, sections: int = 600
) -> Path:
    """Write documents of which a cluster makes several partitions; with `bad`, unstorable ones among them."""
    write_megabytes(folder, seed, megabytes)
    random_ = random.Random(seed)
    texts = [f"## {number}\n\n{' '.join(random_.choices(WORDS, k=90))}.\n\n" for number in range(sections)]
    (folder / BIG).write_text("# Big\n\n" + "".join(texts))
    if bad:
        for number in range(BAD):
            with (folder / f"{number * 3:06}.md").open("a") as document:
                document.write(f"\n\n## Bad {number}\n\nA NUL\0 is here.\n")
        (folder / "latin1.md").write_bytes(b"# caf\xe9\n")
        (folder / "broken.md").symlink_to(folder / "nowhere.md")
    return folder


def config_of(
    corpus: Path, url: str, scheduler: str | None = None, worker_timeout: float = 60, **settings: Any
) -> BatchConfig:
    """Return settings: without a scheduler, for this process."""
    values: dict[str, Any] = {"batch_size": 40, "chunk_max_tokens": 128, "retry_cap": 0.05, "reporters": ()}
    if scheduler is not None:
        values |= {
            "executor": "dask",
            "executors": {"dask": {"scheduler": scheduler, "worker_timeout": worker_timeout}},
        }
    return BatchConfig.model_validate({"input_dir": corpus, "to": url, **values, **settings})


class Listener(Reporter[ReporterOptions]):
    """Keeps the events, and acts once when so many batches are written."""

    name = "listener"
    each_document = DOCUMENT_STATES

    def __init__(self, at: int = 0, act: Callable[[], object] = lambda: None) -> None:
        super().__init__(ReporterOptions())
        self.events: list[Event] = []
        self.acted = False
        self._at = at
        self._act = act

    def handle(self, event: Event) -> None:
        self.events.append(event)
        if not self.acted and self._at and len(self.of(BatchWritten)) >= self._at:
            self.acted = True
            self._act()

    def of(self, kind: type[Event]) -> list[Any]:
        """Return the events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run left behind."""

    contents: Contents
    account: Account
    ids: tuple[str, ...]
    state: str
    ledger: tuple[dict[str, Any], ...]


def run(config: BatchConfig, listener: Listener | None = None, plugins: Any = ()) -> Outcome:
    """Run in this process."""
    ids: list[str] = []
    processor = BatchProcessor(config, reporters=[listener] if listener else None, plugins=plugins)
    result = processor.run(on_stored=ids.extend)
    result.account.check()
    url = revealed(config.to)
    return Outcome(
        contents(url),
        result.account,
        tuple(sorted(ids)),
        result.state,
        tuple(rows(url, "knowledge_base_runs")),
    )


def figures(account: Account) -> dict[str, Any]:
    """Return what must not hang on who loaded, and in how many attempts."""
    return asdict(replace(account, batches=0, retries=0, seconds=0.0))


def assert_same(outcome: Outcome, reference: Outcome) -> None:
    """The same rows, rejects and figures, and every id told once."""
    assert outcome.contents.differences(reference.contents) == []
    assert not outcome.contents.pending
    assert figures(outcome.account) == figures(reference.account)
    assert outcome.ids == reference.ids
    assert len(set(outcome.ids)) == len(outcome.ids)
    assert outcome.state == "done"
