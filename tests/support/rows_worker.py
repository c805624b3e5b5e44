"""A process that edits a CSV and loads it, again and again, until it is killed: URL CSV SEED.

Each time some rows are new, some changed, some gone. Whenever it is killed, the file is whole.
"""

from __future__ import annotations

import csv
import random
import sys
from collections.abc import Mapping
from pathlib import Path

from batchwright import BatchConfig, BatchProcessor
from batchwright.engine.result import RunResult

COLLECTION = "orders"
COLUMNS = ("id", "name", "amount", "placed", "note")
RAGGED = "ragged,too,few"
"""A line that is no row."""

UNSTORABLE = "unstorable"
"""The key of a row that holds NUL, which PostgreSQL can't store."""

Orders = dict[str, tuple[str, ...]]

_ROWS = 240


def edited(orders: Mapping[str, tuple[str, ...]], chance: random.Random) -> Orders:
    """Return other orders: a tenth is gone, a fifth changed, and new ones take the place of what is gone."""
    kept = {key: row for key, row in orders.items() if chance.random() < 0.9}
    while len(kept) < _ROWS:
        key = f"o{chance.randrange(10**6):06}"
        kept[key] = _order(key, chance)
    return {key: _order(key, chance) if chance.random() < 0.2 else row for key, row in kept.items()}


def _order(key: str, chance: random.Random) -> tuple[str, ...]:
    amount, day = f"{chance.randrange(1, 10**5)}.{chance.randrange(10, 99)}", chance.randrange(1, 28)
    note = chance.choice(["", "fragile", "two\nlines", "ß, €"])
    return key, f"Customer {chance.randrange(50)}", amount, f"2026-03-{day:02}", note


def write(path: Path, orders: Mapping[str, tuple[str, ...]]) -> None:
    """Write orders, one row that not every target can store, and a line that is no row."""
    new = path.with_suffix(".new")
    with new.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(orders.values())
        writer.writerow((UNSTORABLE, "NUL \0", "1.00", "2026-03-01", ""))
        file.write(RAGGED)
    new.replace(path)


def read(path: Path) -> Orders:
    """Return the orders that are in a file."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [*csv.reader(file)][1:]
    return {row[0]: tuple(row) for row in rows if len(row) == len(COLUMNS) and row[0] != UNSTORABLE}


def load(url: str, path: Path, batch_size: int = 16) -> RunResult:
    """Load a file; what is gone from it goes."""
    config = BatchConfig(
        source=str(path),
        to=url,
        key="id",
        collection=COLLECTION,
        prune=True,
        prune_limit=1.0,
        batch_size=batch_size,
        reporters=(),
    )
    return BatchProcessor(config).run()


if __name__ == "__main__":
    url, path, chance = sys.argv[1], Path(sys.argv[2]), random.Random(int(sys.argv[3]))
    print("at work", flush=True)
    while True:
        write(path, edited(read(path) if path.exists() else {}, chance))
        load(url, path, chance.choice([7, 16, 300]))
