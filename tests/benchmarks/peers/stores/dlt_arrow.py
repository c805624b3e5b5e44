"""dlt: the rows of a CSV as Arrow tables, merged into Postgres by their key.

That is its fastest way: no row becomes a Python value, and the tables go to the server by ADBC, as Parquet.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import dlt
import pyarrow as pa
from dlt.destinations import postgres
from pyarrow import csv

TYPES = {"id": pa.int64(), "amount": pa.decimal128(38, 9), "placed": pa.date32()}


def main(dsn: str, path: str, state: str) -> None:
    """Load the file."""

    def tables() -> Iterator[pa.Table]:
        with csv.open_csv(path, convert_options=csv.ConvertOptions(column_types=TYPES)) as batches:
            for batch in batches:
                yield pa.Table.from_batches([batch])

    orders = dlt.resource(tables, name="orders", primary_key="id", write_disposition="merge")
    pipeline = dlt.pipeline(
        "bench", pipelines_dir=state, destination=postgres(credentials=dsn), dataset_name="kb"
    )
    pipeline.run(orders, loader_file_format="parquet")


if __name__ == "__main__":
    main(*sys.argv[1:])
