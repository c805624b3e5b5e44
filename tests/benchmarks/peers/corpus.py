"""Documents to measure with: variations of our own documentation, the same ones each time."""

from __future__ import annotations

import random
import re
from pathlib import Path

from tests.benchmarks.measuring import ROOT

_WORD = re.compile(r"\b[a-z]{4,}\b")


def write(folder: Path, megabytes: float = 3) -> Path:
    """Write so many megabytes of documents, each with a third of its words replaced by others of the corpus.

    Structure stays as it is: front matter, headings, lists, tables, fences.
    """
    pages = {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    }
    words = [word for text in pages.values() for word in _WORD.findall(text)]
    size = sum(len(text.encode()) for text in pages.values())
    dice = random.Random(1)

    def another(match: re.Match[str]) -> str:
        return dice.choice(words) if dice.random() < 1 / 3 else match[0]

    for number in range(max(1, round(megabytes * 1e6 / size))):
        for name, text in pages.items():
            path = folder / f"{number:03}" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_WORD.sub(another, text), encoding="utf-8")
    return folder
