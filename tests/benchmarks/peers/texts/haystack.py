"""Haystack: DocumentSplitter by tokens, for which it takes no other tokenizer than tiktoken."""

from __future__ import annotations

from haystack import Document
from haystack.components.preprocessors import DocumentSplitter

from tests.benchmarks.peers.adapter import LIMIT, Work, each, measure, untold


def splitter() -> DocumentSplitter:
    """Return the splitter."""
    made = DocumentSplitter(split_by="token", split_length=LIMIT, tokenizer_encoding="cl100k_base")
    made.warm_up()
    return made


def with_tiktoken() -> Work:
    run = splitter().run

    def split(text: str) -> list[str]:
        return [piece.content for piece in run([Document(content=text)])["documents"]]

    return each(lambda text: untold(split(text)))


if __name__ == "__main__":
    measure({"tiktoken": with_tiktoken})
