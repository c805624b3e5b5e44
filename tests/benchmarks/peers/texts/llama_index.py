"""LlamaIndex: MarkdownNodeParser, then SentenceSplitter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llama_index.core import Document
from llama_index.core.node_parser import MarkdownNodeParser, SentenceSplitter

from tests.benchmarks.peers.adapter import LIMIT, Work, each, measure, tiktoken, toktok, untold


def transformations(encode: Callable[[str], Any]) -> list[Any]:
    """Return both parsers. Their chunks leave room for the metadata, as LlamaIndex embeds it too."""
    return [MarkdownNodeParser(), SentenceSplitter(chunk_size=LIMIT, chunk_overlap=0, tokenizer=encode)]


def with_tokenizer(encode: Callable[[str], Any]) -> Work:
    sections, sentences = transformations(encode)

    def split(text: str) -> list[str]:
        nodes = sections.get_nodes_from_documents([Document(text=text)])
        return [node.text for node in sentences.get_nodes_from_documents(nodes)]

    return each(lambda text: untold(split(text)))


if __name__ == "__main__":
    measure(
        {
            "tiktoken": lambda: with_tokenizer(tiktoken().encode_ordinary),
            "toktok": lambda: with_tokenizer(toktok().encode_ordinary),
        }
    )
