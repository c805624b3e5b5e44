"""dlt: the rows of a CSV as Python values, merged into Postgres by their key."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import Any

import dlt
from dlt.destinations import postgres

PAGE = 5_000


def main(dsn: str, path: str, state: str) -> None:
    """Load the file."""

    def rows() -> Iterator[list[dict[str, Any]]]:
        with open(path, newline="", encoding="utf-8") as file:  # noqa: PTH123 - as dlt's own examples
            reader = csv.DictReader(file)
            while page := [_typed(row) for row in islice(reader, PAGE)]:
                yield page

    orders = dlt.resource(rows, name="orders", primary_key="id", write_disposition="merge")
    pipeline = dlt.pipeline(
        "bench", pipelines_dir=state, destination=postgres(credentials=dsn), dataset_name="kb"
    )
    pipeline.run(orders)


def _typed(row: dict[str, Any]) -> dict[str, Any]:
    return {
        **row,
        "id": int(row["id"]),
        "amount": Decimal(row["amount"]),
        "placed": date.fromisoformat(row["placed"]),
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
