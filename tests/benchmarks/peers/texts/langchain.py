"""LangChain: MarkdownHeaderTextSplitter, then RecursiveCharacterTextSplitter with a token count."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langchain_text_splitters import MarkdownHeaderTextSplitter, RecursiveCharacterTextSplitter

from tests.benchmarks.peers.adapter import LIMIT, Work, each, measure, toktok, untold


def splitter(recursive: Any) -> Callable[[str], list[Any]]:
    """Return what makes LangChain documents of a text: sections, and their parts where they are too long."""
    headers = MarkdownHeaderTextSplitter(
        [("#" * level, f"h{level}") for level in range(1, 7)], strip_headers=False
    )
    return lambda text: recursive.split_documents(headers.split_text(text))


def by_toktok() -> Any:
    """Return a splitter that counts with batchwright's tokenizer."""
    return RecursiveCharacterTextSplitter(chunk_size=LIMIT, chunk_overlap=0, length_function=toktok().count)


def by_tiktoken() -> Any:
    """Return a splitter that counts as LangChain's documentation has it."""
    make = RecursiveCharacterTextSplitter.from_tiktoken_encoder
    return make("cl100k_base", chunk_size=LIMIT, chunk_overlap=0)


def with_splitter(recursive: Any) -> Work:
    split = splitter(recursive)
    return each(lambda text: untold(piece.page_content for piece in split(text)))


if __name__ == "__main__":
    measure({"tiktoken": lambda: with_splitter(by_tiktoken()), "toktok": lambda: with_splitter(by_toktok())})
