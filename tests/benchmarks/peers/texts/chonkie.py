"""chonkie: RecursiveChunker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chonkie import RecursiveChunker
from chonkie.tokenizer import Tokenizer

from tests.benchmarks.peers.adapter import LIMIT, Piece, Work, each, measure, tiktoken, toktok


class Toktok(Tokenizer):  # type: ignore[misc]  # chonkie isn't in the environment that mypy runs in
    """batchwright's tokenizer, as chonkie wants one."""

    def __init__(self) -> None:
        super().__init__()
        self._encoding = toktok()
        self.decode_batch = self._encoding.decode_batch
        self.count_tokens = self._encoding.count

    def __repr__(self) -> str:
        return "Toktok()"

    def encode(self, text: str) -> Any:
        return self._encoding.encode_ordinary(text)

    def tokenize(self, text: str) -> Any:
        return self.encode(text)

    def decode(self, tokens: Any) -> Any:
        return self._encoding.decode(tokens)


def with_tokenizer(tokenizer: Any) -> Work:
    chunk = RecursiveChunker(tokenizer=tokenizer, chunk_size=LIMIT).chunk

    def split(text: str) -> Iterator[Piece]:
        return ((piece.text, piece.token_count) for piece in chunk(text))

    return each(split)


if __name__ == "__main__":
    measure({"tiktoken": lambda: with_tokenizer(tiktoken()), "toktok": lambda: with_tokenizer(Toktok())})
