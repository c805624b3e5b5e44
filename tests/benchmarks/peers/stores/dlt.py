"""dlt: a filesystem source, LangChain's chunks, merged into Postgres by their key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dlt
from dlt.destinations import postgres
from dlt.sources.filesystem import filesystem

from tests.benchmarks.peers.adapter import load
from tests.benchmarks.peers.texts.langchain import by_toktok, splitter


def main(dsn: str, folder: str, state: str) -> None:
    split = splitter(by_toktok())

    @dlt.transformer(  # type: ignore[untyped-decorator]
        name="chunks", primary_key=("source", "position"), write_disposition="merge"
    )
    def chunks(items: list[Any]) -> Iterator[list[dict[str, Any]]]:
        for item in items:
            text = item.read_bytes().decode()
            source = item["relative_path"]
            yield [
                {"source": source, "position": position, "text": piece.page_content}
                for position, piece in enumerate(split(text))
            ]

    pipeline = dlt.pipeline(
        "bench", pipelines_dir=state, destination=postgres(credentials=dsn), dataset_name="kb"
    )
    pipeline.run(filesystem(Path(folder).as_uri(), file_glob="**/*.md") | chunks)


if __name__ == "__main__":
    load(main)
