"""Documents made from a seed: the same seed, the same bytes."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

POISON = "POISON"
"""Stands in the text of a record that a test has the sink refuse."""

_WORDS = ["rain", "stone", "lamp", "river", "glass", "north", "copper", "field", "ember", "quiet", "tide"]


def write_corpus(
    folder: Path, seed: int, documents: int = 12, *, sections: int = 6, bad: bool = False
) -> Path:
    """Write documents of very different lengths, an empty one among them.

    Args:
        folder: Made anew.
        seed: What they are made from.
        documents: How many.
        sections: Of an average document; one in four has four times as many.
        bad: Whether some records can't be stored: two adjacent ones, one alone, one with a NUL.
    """
    random_ = random.Random(seed)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for number in range(documents):
        count = 4 * sections if number % 4 == 1 else random_.randint(1, sections)
        bodies = [_section(random_, number, position) for position in range(count)]
        if bad and number % 4 == 1:
            bodies[2] += f"\n{POISON} one\n\n## next\n\n{POISON} two\n"
        elif bad and number == 3:
            bodies[-1] += f"\n{POISON} three and a NUL\0 here\n"
        elif bad and number == 6:
            bodies[0] += "\nonly a NUL\0 here\n"
        _put(folder, number, bodies)
    (folder / "empty.md").write_text("---\ntitle: nothing\n---\n")
    return folder


def edit_corpus(folder: Path, seed: int) -> Path:
    """Change some documents, remove some, add one."""
    random_ = random.Random(seed + 1)
    names = sorted(path for path in folder.rglob("*.md") if path.name != "empty.md")
    for position, path in enumerate(names):
        if position % 3 == 0:
            path.write_text(path.read_text() + _section(random_, 99, position))
        elif position % 5 == 1:
            path.unlink()
    _put(folder, 900, [_section(random_, 900, position) for position in range(5)])
    return folder


def write_megabytes(folder: Path, seed: int, megabytes: int) -> Path:
    """Write documents of 64 KiB each, no two alike."""
    random_ = random.Random(seed)
    folder.mkdir(parents=True)
    body = "".join(_section(random_, 0, position, words=120) for position in range(90))[: 63 * 1024]
    for number in range(megabytes * 16):
        (folder / f"{number:06}.md").write_text(f"# Document {number}\n\n{random_.random()}\n\n{body}")
    return folder


def _put(folder: Path, number: int, bodies: list[str]) -> None:
    path = folder / f"part{number % 3}" / f"doc{number:03}.md"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"---\ntitle: Document {number}\n---\n# Document {number}\n\n" + "".join(bodies))


def _section(random_: random.Random, number: int, position: int, words: int = 16) -> str:
    text = " ".join(random_.choices(_WORDS, k=words))
    return f"## Section {number}.{position}\n\n{text} {random_.randrange(10**6)}.\n\n"
