"""Reading and chunking Markdown against the bare token count of the same texts.

Run as ``python tests/benchmarks/bench_text.py [FOLDER] [ROUNDS]``. Trust the ratios, not the figures. All
times are CPU times of one process; the cold ones are first passes, each in a process of its own.
"""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from batchwright.documents import Chunker, MarkdownReader, discover
from batchwright.model import document_id

COLD = ("bare count", "read + chunk")


class Work:
    """What is measured, over the documents of one folder; each method returns the tokens it counted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.reader = MarkdownReader()
        self.chunker = Chunker()
        self.count = self.chunker.tokenizer.count
        self.found = list(discover(folder))
        self.texts = [self.reader.parse(self.reader.load(found)).text for found in self.found]
        self.bytes = sum(len(text.encode()) for text in self.texts)
        self.cases: dict[str, Callable[[], int]] = {
            "bare count": self.bare,
            "read": self.read,
            "spans": self.spans,
            "read + chunk": self.chunk,
        }

    def bare(self) -> int:
        return sum(map(self.count, self.texts))

    def read(self) -> int:
        for found in discover(self.folder):
            self.reader.parse(self.reader.load(found))
        return 0

    def spans(self) -> int:
        return sum(chunk.tokens for text in self.texts for chunk in self.chunker.spans(text))

    def chunk(self) -> int:
        tokens = 0
        for found in discover(self.folder):
            document = self.reader.parse(self.reader.load(found))
            version = document_id(document.source_file, document.content_hash)
            for chunk in self.chunker.chunk(document, version):
                tokens += chunk.chunk_token_count
        return tokens


def run(folder: Path, rounds: int = 5) -> list[dict[str, Any]]:
    """Return medians of `rounds` for each part of the work, all of them measured in every round.

    ``of_bare`` compares the speed to that of the bare count, warm to warm and cold to cold.

    Args:
        folder: Where the documents are.
        rounds: How often each is measured.
    """
    work = Work(folder)
    seconds: dict[tuple[str, bool], list[float]] = {(what, False): [] for what in work.cases}
    seconds |= {(what, True): [] for what in COLD}
    tokens = {what: case() for what, case in work.cases.items()}
    if len({tokens[what] for what in ("bare count", "spans", "read + chunk")}) != 1:
        raise AssertionError(f"the counts differ: {tokens}")
    for _ in range(rounds):
        for (what, cold), times in seconds.items():
            times.append(_in_a_new_process(what, folder) if cold else _measure(work.cases[what]))
    results = []
    for (what, cold), times in seconds.items():
        bare = seconds["bare count", cold]
        median = statistics.median(times)
        results.append(
            {
                "what": what,
                "cold": cold,
                "cpu_ms": round(median * 1e3, 1),
                "mb_per_second": round(work.bytes / median / 1e6, 1),
                "of_bare": round(statistics.median(b / t for b, t in zip(bare, times, strict=True)), 3),
                "spread": round((max(times) - min(times)) / median, 3),
            }
        )
    return results


def make_documents(folder: Path, count: int = 300) -> None:
    """Write documents of about 9 KB: headings, paragraphs, lists, fences; the same ones each time."""
    dice = random.Random(1)
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["".join(dice.choices(letters, k=dice.randint(2, 9))) for _ in range(5_000)] + ["naïve", "→"]

    def text(least: int, most: int) -> str:
        # Most words are frequent ones, as in any language.
        return " ".join(words[int(len(words) * dice.random() ** 4)] for _ in range(dice.randint(least, most)))

    for number in range(count):
        parts = [f"# {text(2, 5)}"]
        for _ in range(dice.randint(3, 12)):
            parts.append(f"{'#' * dice.choice((2, 2, 3))} {text(1, 6)}")
            for _ in range(dice.randint(1, 6)):
                kind = dice.random()
                if kind < 0.7:
                    parts.append(text(20, 90).capitalize() + ".")
                elif kind < 0.85:
                    parts.append("\n".join(f"- {text(3, 15)}" for _ in range(dice.randint(2, 8))))
                else:
                    body = "\n".join(f"{text(1, 1)} = {text(1, 4)}" for _ in range(dice.randint(2, 12)))
                    parts.append(f"```python\n{body}\n```")
        path = folder / f"{number % 10}" / f"{number}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def main() -> None:
    """Print a table and JSON."""
    if sys.argv[1:2] == ["--cold"]:
        print(_measure(Work(Path(sys.argv[3])).cases[sys.argv[2]]))
        return
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with tempfile.TemporaryDirectory() as made:
        if len(sys.argv) > 1:
            folder = Path(sys.argv[1])
        else:
            folder = Path(made)
            make_documents(folder)
        results = run(folder, rounds)
    print(f"{'':14}{'':6}{'CPU ms':>9}{'MB/s':>8}{'of bare':>9}{'spread':>8}")
    for row in results:
        pace = "cold" if row["cold"] else "warm"
        print(
            f"{row['what']:14}{pace:6}{row['cpu_ms']:9.1f}{row['mb_per_second']:8.1f}"
            f"{row['of_bare']:9.1%}{row['spread']:8.1%}"
        )
    print(json.dumps(results))


def _measure(case: Callable[[], int]) -> float:
    began = time.process_time()
    case()
    return time.process_time() - began


def _in_a_new_process(what: str, folder: Path) -> float:
    command = [sys.executable, __file__, "--cold", what, str(folder)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


if __name__ == "__main__":
    main()
