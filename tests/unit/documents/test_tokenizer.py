"""Counts are exact, by an independent implementation."""

from __future__ import annotations

import pytest
import splintr
from hypothesis import given, settings

from batchwright.documents import Tokenizer
from batchwright.errors import ConfigError

from .markdown_strategies import text as texts

SAMPLES = [
    "",
    "Hello, world! It's 12345 o'clock.\n\n  Indented, trailing.   \n",
    "Größe, Übermaß und Straße – „Anführung“.",
    "Быстрая коричневая лиса прыгает через ленивую собаку.",
    "批处理按顺序写入数据库。每个文档都有账目！",
    "データベースにまとめて書き込みます。",
    "यह एक परीक्षण है।",
    "مرحبا بالعالم، كيف حالك؟",
    "👩‍👩‍👧‍👦 and 🏳️‍🌈 and 🇩🇪🇫🇷",
    "def f(x: int) -> int:\n\treturn x ** 2  # squared\n",
    "| a | b |\n|---|---|\n| 1 | 2 |\n",
    "<|endoftext|> is text",
    "\x00\x01\ufeff\u200b",
    " " * 300 + "a" * 300,
]


@pytest.mark.parametrize("encoding", ["cl100k_base", "o200k_base"])
@pytest.mark.parametrize("text", SAMPLES)
def test_counts_agree_with_an_independent_implementation(encoding: str, text: str) -> None:
    reference = splintr.Tokenizer.from_pretrained(encoding)
    assert Tokenizer(encoding).count(text) == len(reference.encode_ordinary(text))


REFERENCE = splintr.Tokenizer.from_pretrained("cl100k_base")


@given(texts)
@settings(max_examples=300, deadline=None)
def test_counts_of_any_text_agree(text: str) -> None:
    assert Tokenizer().count(text) == len(REFERENCE.encode_ordinary(text))


def test_a_lone_surrogate_is_named_with_its_place() -> None:
    with pytest.raises(ValueError, match=r"character 2 is the lone surrogate '\\ud800'"):
        Tokenizer().count("ab\ud800")


def test_an_unknown_encoding_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="'p50k_base'; choose one of cl100k_base, o200k_base"):
        Tokenizer("p50k_base")


def test_an_encoding_is_kept_and_shown() -> None:
    assert repr(Tokenizer("o200k_base")) == "Tokenizer('o200k_base')"
