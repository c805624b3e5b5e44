"""Reading and chunking Markdown at 512 tokens, against the peers, and what their chunks are worth.

Every pass is a process of its own: it loads what it needs, chunks a tenth of the documents to warm up, and is
measured on the others, which it sees for the first time. A ratio is of CPU seconds in the same round.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from tests.benchmarks.measuring import ROUNDS, Case, Cost, Result, rounds, run_command
from tests.benchmarks.peers import environments
from tests.benchmarks.peers.adapter import documents
from tests.benchmarks.peers.environments import Environment
from tests.benchmarks.peers.judge import Verdict, judge
from tests.benchmarks.peers.tables import show, times
from tests.benchmarks.reporting import report

OURS = "batchwright"


@dataclass(frozen=True)
class Peer:
    """A splitter.

    Attributes:
        name: What the table calls it.
        environment: Where it is installed.
        adapter: Its module in `texts`.
        case: Which of the adapter's cases.
    """

    name: str
    environment: Environment | None
    adapter: str
    case: str


PEERS = (
    Peer(OURS, None, "batchwright", "chunker"),
    Peer("chonkie Recursive, same tokenizer", environments.CHONKIE, "chonkie", "toktok"),
    Peer("chonkie Recursive, tiktoken", environments.CHONKIE, "chonkie", "tiktoken"),
    Peer("semantic-text-splitter, same tokenizer", environments.SEMANTIC, "semantic_text_splitter", "toktok"),
    Peer("semantic-text-splitter, its own", environments.SEMANTIC, "semantic_text_splitter", "own"),
    Peer("LangChain header + recursive, same tokenizer", environments.LANGCHAIN, "langchain", "toktok"),
    Peer("LangChain header + recursive, tiktoken", environments.LANGCHAIN, "langchain", "tiktoken"),
    Peer("Haystack DocumentSplitter, tiktoken", environments.HAYSTACK, "haystack", "tiktoken"),
    Peer("LlamaIndex Markdown + Sentence, same tokenizer", environments.LLAMA_INDEX, "llama_index", "toktok"),
    Peer("LlamaIndex Markdown + Sentence, tiktoken", environments.LLAMA_INDEX, "llama_index", "tiktoken"),
)


def available(missing: Mapping[str, str]) -> list[Peer]:
    """Return the peers that can run, having said which can't and why."""
    found = []
    tiktoken = environments.vocabulary() is not None
    for peer in PEERS:
        if peer.environment and peer.environment.name in missing:
            print(f"left out: {peer.name}: {missing[peer.environment.name]}")
        elif peer.case == "tiktoken" and not tiktoken:
            print(f"left out: {peer.name}: the vocabulary would have to be fetched")
        else:
            found.append(peer)
    return found


def run(
    folder: Path,
    scratch: Path,
    missing: Mapping[str, str],
    count: int = ROUNDS,
    *,
    into: Path | None = None,
) -> Path:
    """Measure and judge all that are available; print both tables and return the file with the JSON.

    Args:
        folder: The documents.
        scratch: An empty folder for copies and chunks.
        missing: Environments that aren't there, and why.
        count: Rounds.
        into: Where the JSON goes, if not where all benchmarks' goes.
    """
    warm, measured = _divided(folder, scratch)
    peers = available(missing)
    size = sum(path.stat().st_size for path in measured.rglob("*.md"))
    cases = [
        Case(
            peer.name,
            partial(_pass, peer, warm, measured, scratch, size),
            against=None if peer.name == OURS else OURS,
            clock="cpu",
            facts={"versions": peer.environment.versions() if peer.environment else {}},
        )
        for peer in peers
    ]
    results = rounds(cases, count, warm_up=False)
    verdicts = {peer.name: judge(measured, _chunks(scratch, peer)) for peer in peers}
    results = [
        replace(
            result,
            case=replace(result.case, facts={**result.case.facts, **asdict(verdicts[result.case.name])}),
        )
        for result in results
    ]
    _print_verdicts(results, verdicts)
    facts = {"documents": sum(1 for _ in documents(measured)), "bytes": size, "missing": dict(missing)}
    return report("peers-text", "reading and chunking at 512 tokens", results, facts=facts, folder=into)


def _divided(folder: Path, scratch: Path) -> tuple[Path, Path]:
    """Copy every tenth document to one folder, the others to another."""
    warm, measured = scratch / "warm", scratch / "measured"
    for number, path in enumerate(sorted(folder.rglob("*.md"))):
        copy = (warm if number % 10 == 0 else measured) / path.relative_to(folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    return warm, measured


def _chunks(scratch: Path, peer: Peer) -> Path:
    return scratch / f"{peer.adapter}-{peer.case}.jsonl"


def _pass(peer: Peer, warm: Path, measured: Path, scratch: Path, size: int) -> Cost:
    python = peer.environment.python if peer.environment else sys.executable
    module = f"tests.benchmarks.peers.texts.{peer.adapter}"
    folders = [str(path) for path in (warm, measured, _chunks(scratch, peer))]
    command = [python, "-m", module, peer.case, *folders]
    whole, said = run_command(command, environment=environments.variables())
    own = json.loads(said.splitlines()[-1])
    return Cost(own["wall"], own["cpu"], whole.peak, own["rows"], size)


def _print_verdicts(results: list[Result], verdicts: Mapping[str, Verdict]) -> None:
    columns = (
        "ours is × faster",
        "chunks",
        "over the limit",
        "characters lost",
        "altered",
        "fences",
        "fences cut",
        "fences altered",
        "miscounted",
    )
    rows = []
    for result in results:
        found = verdicts[result.case.name]
        figures = (
            found.chunks,
            found.over,
            found.lost,
            found.altered,
            found.fences,
            found.fences_cut,
            found.fences_altered,
            found.miscounted,
        )
        told = ("–" if figure is None else f"{figure:,}" for figure in figures)
        rows.append([result.case.name, times(result.speed), *told])
    show("what the chunks are worth", columns, rows)
