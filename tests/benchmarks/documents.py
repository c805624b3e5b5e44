"""Markdown documents to measure on: made, or multiplied."""

from __future__ import annotations

import random
from pathlib import Path


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


def multiply(source: Path, target: Path, times: int) -> None:
    """Write the documents of a folder so many times, each copy with a last line of its own."""
    texts = {path.relative_to(source): path.read_bytes() for path in sorted(source.rglob("*.md"))}
    for number in range(times):
        for name, text in texts.items():
            path = target / str(number) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text + b"\n\nCopy %d.\n" % number)
