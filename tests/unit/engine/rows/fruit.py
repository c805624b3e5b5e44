"""Files of rows, loaded from the working directory, and what the target then holds."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from batchwright import (
    BatchConfig,
    BatchProcessor,
    RunResult,
    Target,
)

TO = "sqlite:///kb.db"


def write(text: str, name: str = "fruit.csv") -> str:
    Path(name).parent.mkdir(exist_ok=True, parents=True)
    Path(name).write_text(text, encoding="utf-8")
    return name


def load(source: str = "fruit.csv", **settings: Any) -> RunResult:
    config = BatchConfig(**{"source": source, "to": TO, "key": "id", "reporters": (), **settings})
    return BatchProcessor(config).run()


def states(result: RunResult) -> dict[str, int]:
    counted = result.account.documents
    names = ("added", "changed", "unchanged", "refused", "deleted", "failed", "not_attempted")
    return {name: getattr(counted, name) for name in names if getattr(counted, name)}


def rows(table: str = "fruit", columns: str = "id, name, amount", order: str = "id") -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect("kb.db")) as database, database:
        return database.execute(f'SELECT {columns} FROM "{table}" ORDER BY {order}').fetchall()


def rejects() -> list[tuple[str, str]]:
    with Target(TO) as target:
        return sorted((reject.key, reject.message) for reject in target.rejects())
