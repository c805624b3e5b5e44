"""semantic-text-splitter: MarkdownSplitter, with the tiktoken that is built into it and with a callback."""

from __future__ import annotations

from typing import Any

from semantic_text_splitter import MarkdownSplitter

from tests.benchmarks.peers.adapter import LIMIT, Work, each, measure, toktok, untold


def with_splitter(splitter: Any) -> Work:
    return each(lambda text: untold(splitter.chunks(text)))


if __name__ == "__main__":
    measure(
        {
            "own": lambda: with_splitter(MarkdownSplitter.from_tiktoken_model("gpt-4", LIMIT)),
            "toktok": lambda: with_splitter(MarkdownSplitter.from_callback(toktok().count, LIMIT)),
        }
    )
