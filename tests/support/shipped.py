"""Runs by the shipping executor, and what they left, to be compared with an undisturbed one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from batchwright import (
    BatchConfig,
    BatchProcessor,
    RunResult,
)
from tests.support import shipping
from tests.support.loads import Watcher
from tests.support.memory import Database
from tests.support.model import Tables
from tests.support.shipping import State


def load(
    corpus: Path, executor: str = "shipping", watcher: Watcher | None = None, **settings: Any
) -> RunResult:
    return processor_of(corpus, executor, watcher or Watcher(), **settings).run()


def processor_of(corpus: Path, executor: str, watcher: Watcher, **settings: Any) -> BatchProcessor:
    values = {"batch_size": 5, "chunk_max_tokens": 24, "retry_cap": 0.01, "reporters": (), **settings}
    config = BatchConfig.model_validate(
        {"input_dir": corpus, "to": "memory://x", "executor": executor, "collection": "corpus", **values}
    )
    return BatchProcessor(config, plugins=[shipping.NAME], reporters=[watcher])


def figures(result: RunResult) -> Any:
    """The account without what depends on how the work was cut and on what had to be done again."""
    return replace(result.account, seconds=0.0, batches=0, retries=0)


def stored(tables: Tables) -> Any:
    rejects = {key: (reject.position, reject.error) for key, reject in tables.rejects.items()}
    versions = {name: (one.version, one.rejected) for name, one in tables.known.items()}
    return tables.rows, versions, tables.pending, rejects


def undisturbed(corpus: Path, **settings: Any) -> tuple[RunResult, Any]:
    """Load in this process, into a database of its own."""
    theirs, State.database = State.database, Database()
    State.database.before = theirs.before
    result = load(corpus, "local", **settings)
    tables, State.database = stored(State.database.tables), theirs
    return result, tables


def report_to_nobody(events: object) -> None:
    return None
