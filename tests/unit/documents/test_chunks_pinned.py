"""The same text is cut the same way by every version of batchwright whose chunker has the same signature."""

from __future__ import annotations

import hashlib
import random

import pytest

from batchwright.documents import Chunker, Tokenizer
from tests.support.reading import parse

from .markdown_strategies import LINES

WORDS = (
    "a",
    "batch",
    "of",
    "records,",
    "stored",
    "once.",
    "Größe",
    "中文字符。",
    "`code`",
    "|",
    "https://e.org/x?y=1",
)


def document(dice: random.Random) -> str:
    """Return Markdown of every kind, with sections short and long, lines short and long."""
    blocks = []
    for _ in range(dice.randrange(1, 60)):
        if dice.random() < 0.4:
            blocks.append(dice.choice(LINES))
        else:
            blocks.append(" ".join(dice.choices(WORDS, k=dice.choice((3, 20, 20, 200)))))
        blocks += [""] * dice.choice((0, 0, 1, 1, 2))
    return dice.choice(("\n", "\n", "\r\n")).join(blocks)


@pytest.mark.parametrize(
    ("max_tokens", "overlap", "encoding", "count_header", "digest"),
    [
        (512, 0, "cl100k_base", False, "85aa90637d07b850"),
        (64, 0, "cl100k_base", False, "bb6973982b3d0e4f"),
        (16, 0, "o200k_base", False, "db4ec9aa8d7f17e7"),
        (128, 20, "o200k_base", True, "19b0279116fa0afa"),
    ],
)
def test_chunks_are_as_ever_or_the_signature_has_to_change(
    max_tokens: int, overlap: int, encoding: str, count_header: bool, digest: str
) -> None:
    chunker = Chunker(max_tokens, overlap, Tokenizer(encoding), count_header=count_header)
    dice = random.Random(7)
    found = hashlib.sha256()
    for number in range(150):
        for chunk in chunker.chunk(parse(document(dice).encode(), f"{number}.md"), "0" * 36):
            place = (chunk.id, chunk.chunk_hash, chunk.context_header, chunk.chunk_token_count)
            found.update(repr((*place, chunk.span_start, chunk.span_end, chunk.line)).encode())
    assert found.hexdigest()[:16] == digest, "raise the chunker's _VERSION, or leave the chunks as they were"
