"""What the same search finds in batchwright's chunks and in those of LangChain's splitter."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from tests.benchmarks.bench_retrieval import ask, targets_of
from tests.benchmarks.measuring import run_command
from tests.benchmarks.peers import environments
from tests.benchmarks.reporting import report
from tests.benchmarks.retrieval.asking import print_scores
from tests.benchmarks.retrieval.corpus import documents, write
from tests.benchmarks.retrieval.loading import load, load_pieces
from tests.benchmarks.scope import Scope, renew

_PEER = environments.LANGCHAIN


def run(scope: Scope, missing: Mapping[str, str], *, into: Path | None = None) -> Path | None:
    """Ask all questions in both sinks; print the table and return the file with the JSON.

    Args:
        scope: Where.
        missing: Environments that aren't there, and why.
        into: Where the JSON goes, if not where all benchmarks' goes.

    Returns:
        The file; None where LangChain isn't there.
    """
    if _PEER.name in missing:
        print(f"left out: LangChain's splitter, and what is found in its chunks: {missing[_PEER.name]}")
        return None
    pieces = split(scope.folder())
    renew(scope.postgres())
    everything = []
    for name, target in targets_of(scope).items():
        load("corpus", scope.folder(), f"{target}table=corpus")
        load_pieces(pieces, f"{target}table=langchain")
        everything.append(ask(f"batchwright's chunks, {name}", f"{target}table=corpus"))
        everything.append(ask(f"LangChain's chunks, {name}", f"{target}table=langchain"))
    print_scores(everything)
    renew(scope.postgres(), drop_only=True)
    facts = {"pieces": len(pieces), "versions": _PEER.versions()}
    results = [asked.as_result() for asked in everything]
    return report("peers-retrieval", "All questions, asked once", results, facts=facts, folder=into)


def split(folder: Path) -> list[tuple[str, str]]:
    """Return what LangChain's splitter makes of the documents: the document and the text of each piece."""
    written, chunks = write(folder / "documents", documents()), folder / "chunks.jsonl"
    adapter = "tests.benchmarks.peers.texts.langchain"
    command = [_PEER.python, "-m", adapter, "toktok", str(written), str(written), str(chunks)]
    run_command(command, environment=environments.variables())
    with chunks.open(encoding="utf-8") as lines:
        return [(key, text) for key, text, _ in map(json.loads, lines)]
