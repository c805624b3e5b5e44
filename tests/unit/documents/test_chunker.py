"""Chunks are the text, follow its structure, and count exactly."""

from __future__ import annotations

import hashlib

import pytest
import splintr
from hypothesis import example, given, settings
from hypothesis import strategies as st

from batchwright.documents import Chunker, Tokenizer, context_header
from batchwright.errors import ConfigError
from batchwright.model import ProcessedChunk, document_id, record_id
from tests.support.reading import parse

from .markdown_strategies import documents

REFERENCES = {name: splintr.Tokenizer.from_pretrained(name) for name in ("cl100k_base", "o200k_base")}
TOKENIZERS = {name: Tokenizer(name) for name in REFERENCES}
VERSION = document_id("a.md", "hash")


def tokens(text: str, encoding: str = "cl100k_base") -> int:
    return len(REFERENCES[encoding].encode_ordinary(text))


def cut(text: str, max_tokens: int = 512) -> list[str]:
    return [text[chunk.start : chunk.end] for chunk in Chunker(max_tokens).spans(text)]


def paragraph(words: int, word: str = "word") -> str:
    return " ".join([word] * words) + "\n"


@given(
    documents,
    st.sampled_from([16, 17, 40, 100]),
    st.sampled_from([0, 1, 7]),
    st.sampled_from(sorted(TOKENIZERS)),
)
@settings(max_examples=400, deadline=None)
@example("", 16, 0, "cl100k_base")
def test_chunks_tile_the_text_within_the_limit_and_count_exactly(
    text: str, max_tokens: int, overlap: int, encoding: str
) -> None:
    chunker = Chunker(max_tokens, overlap, TOKENIZERS[encoding])
    chunks = chunker.spans(text)
    at = 0
    for chunk in chunks:
        assert chunk.start == at < chunk.end
        at = chunk.end
        assert chunk.lead <= chunk.start
        assert tokens(text[chunk.lead : chunk.start], encoding) <= overlap
        assert chunk.tokens == tokens(text[chunk.lead : chunk.end], encoding) <= max_tokens
    assert at == len(text)
    assert chunker.spans(text) == chunks


@pytest.mark.parametrize("between", ["\n", "\n\n", "\n\n/x\n===\n\n"])
@pytest.mark.parametrize("words", range(6))
def test_o200k_counts_hold_before_slashes_which_it_joins_to_the_line_above(between: str, words: int) -> None:
    text = ("// a few" + " words" * words + "!" + between) * 30
    for chunk in Chunker(40, 0, TOKENIZERS["o200k_base"]).spans(text):
        assert chunk.tokens == tokens(text[chunk.start : chunk.end], "o200k_base") <= 40


@given(
    st.booleans(),
    st.sampled_from(["", "---\ntitle: Ü\n---\n", "+++\r\n+++\r\n"]),
    documents,
    st.sampled_from([0, 5]),
)
@settings(max_examples=200, deadline=None)
def test_spans_restore_the_bytes_of_the_file(mark: bool, front: str, body: str, overlap: int) -> None:
    data = b"\xef\xbb\xbf" * mark + (front + body).encode()
    document = parse(data, "a.md")
    at = document.body_start
    for chunk in Chunker(24, overlap).chunk(document, VERSION):
        assert chunk.span_start == at
        assert chunk.span_end is not None
        content = data[chunk.span_start : chunk.span_end].decode()
        assert chunk.chunk_text.endswith(content) if overlap else chunk.chunk_text == content
        at = chunk.span_end
    assert at == len(data)


def test_chunks_are_ready_to_be_stored() -> None:
    data = b"---\ncategory: c\ndate: 2024-02-03\n---\n# Title\n\n" + paragraph(40).encode()
    document = parse(data, "sub/a.md")
    chunks = Chunker(32).chunk(document, VERSION)
    assert len(chunks) == 2
    for index, chunk in enumerate(chunks):
        assert chunk == ProcessedChunk(
            chunk_text=chunk.chunk_text,
            chunk_hash=hashlib.sha256(chunk.chunk_text.encode()).hexdigest(),
            context_header="sub/a.md > Title",
            source_file="sub/a.md",
            source_category="c",
            document_date=document.document_date,
            chunk_index=index,
            total_chunks=2,
            chunk_token_count=tokens(chunk.chunk_text),
            metadata=document.metadata,
            id=record_id(VERSION, index),
            span_start=chunk.span_start,
            span_end=chunk.span_end,
            line=chunk.line,
        )
        assert chunk.metadata is document.metadata


def test_an_empty_body_has_no_chunks() -> None:
    document = parse(b"---\ntitle: T\n---\n", "a.md")
    assert Chunker().chunk(document, VERSION) == []


def test_a_document_that_fits_is_one_chunk() -> None:
    text = "intro\n\n# A\n\ntext\n\n## B\n\ntext\n\n# C\n\ntext\n"
    assert cut(text) == [text]


def test_a_section_that_fits_is_one_chunk_with_all_below_it() -> None:
    one = "## One\n\n" + paragraph(100) + "\n### Deeper\n\n" + paragraph(100) + "\n"
    two = "## Two\n\n" + paragraph(300) + "\n"
    text = "# Title\n\n" + one + two
    assert cut(text) == ["# Title\n\n" + one, two]


def test_small_neighbours_are_joined_but_not_into_a_higher_section() -> None:
    small = "### S\n\n" + paragraph(80) + "\n"
    higher = "## H\n\n" + paragraph(300) + "\n### T\n\n" + paragraph(250)
    text = "## G\n\n" + paragraph(450) + "\n" + small + higher
    first, second, *_ = cut(text)
    assert first.startswith("## G")
    assert second == small


def test_a_tiny_section_begins_the_long_one_after_it() -> None:
    long = "## L\n\n" + (paragraph(100) + "\n") * 8
    text = "# T\n\n" + paragraph(506) + "\n## S\n\nshort\n\n" + long
    assert any(chunk.startswith("## S") and "## L" in chunk for chunk in cut(text))


def test_a_heading_is_never_parted_from_what_follows_it() -> None:
    for text in (
        "# T\n\n" + paragraph(600),
        "# T\n\n## U\n\n" + paragraph(490) + "\n" + paragraph(490),
        "# T\n\n" + paragraph(30) + "\n## U\n\n" + paragraph(480) + "\n" + paragraph(480),
        paragraph(500) + "\n# T\n\n" + paragraph(490) + "\n" + paragraph(100),
        "# T\n\n" + "- item of a list\n" * 300,
        "# T\n\n\n\n```\n" + "code\n" * 600 + "```\n",
    ):
        chunks = cut(text)
        assert len(chunks) > 1
        for chunk in chunks:
            assert not chunk.rstrip().rpartition("\n")[2].startswith("#")


def test_a_fence_that_fits_is_kept_whole() -> None:
    fence = "```python\n" + "x = 1\n\ny = 2\n" * 30 + "```\n"
    text = "# T\n\n" + paragraph(300) + "\n" + fence + "\n" + paragraph(300)
    assert any(fence in chunk for chunk in cut(text))


@pytest.mark.parametrize("line", ["An example:", '<Listing number="1">'])
def test_a_line_that_introduces_a_block_stays_with_it(line: str) -> None:
    text = paragraph(470) + f"\n{line}\n\n```\n" + "code\n" * 100 + "```\n\n" + paragraph(100)
    assert any(chunk.startswith(line) for chunk in cut(text))


def test_a_fence_inside_a_list_item_is_kept_whole() -> None:
    fence = "  ```\n" + "  x\n\n" * 90 + "  ```\n"
    text = paragraph(400) + "\n- item\n\n" + fence + "\n- item\n\n" + paragraph(300)
    assert any(fence in chunk for chunk in cut(text))


def test_a_fence_too_long_is_cut_at_its_blank_lines_first() -> None:
    body = ("def f():\n" + "    pass\n" * 20 + "\n") * 20
    chunks = cut("```python\n" + body + "```\n")
    assert len(chunks) > 1
    assert all(chunk.startswith("def f") for chunk in chunks[1:])


def test_long_tables_and_lists_are_cut_at_rows_and_items() -> None:
    table = "| a | b |\n|---|---|\n" + "| one | two |\n" * 300
    assert all(chunk.startswith("|") and chunk.endswith("|\n") for chunk in cut(table))
    items = "- an item that\n  goes on in a second line\n" * 100
    assert all(chunk.startswith("- an") for chunk in cut(items))


def test_long_lines_are_cut_behind_sentences_else_between_words() -> None:
    sentences = "This is a sentence. " * 300
    assert all(chunk.startswith("This") for chunk in cut(sentences))
    chinese = "这是一个句子。" * 300
    assert all(chunk.endswith("。") for chunk in cut(chinese))
    assert all(chunk.startswith("word") for chunk in cut(paragraph(2000)))


@pytest.mark.parametrize("cluster", ["e\u0301\u0302", "👩‍👩‍👧", "🇩🇪", "👍🏽", "की", "각", "1️⃣"])
def test_no_cut_goes_through_a_cluster(cluster: str) -> None:
    for max_tokens in (24, 33, 50, 64):
        chunks = cut(cluster * 300, max_tokens)
        assert len(chunks) > 1
        assert all(len(chunk) % len(cluster) == 0 for chunk in chunks)


def test_no_cut_goes_through_a_line_end() -> None:
    assert not any(chunk.startswith("\n") for chunk in cut("x" * 50 + "\r\n" * 400, 16))


def test_a_cluster_larger_than_a_chunk_is_cut() -> None:
    text = "e" + "\u0301" * 500
    assert "".join(cut(text, 16)) == text


def test_no_scrap_is_left_at_the_end_of_a_section() -> None:
    text = "".join(paragraph(60) + "\n" for _ in range(9))
    counts = [chunk.tokens for chunk in Chunker().spans(text)]
    assert min(counts) > 200


def test_paths_name_the_headings_where_a_chunk_begins() -> None:
    long = paragraph(400) + "\n"
    text = f"{long}# A\n\n{long}## B `x` ##\n\n{long}### C {{ #c }}\n\n{long}## D\n\n{long}# E\n\n{long}"
    assert [chunk.headings for chunk in Chunker().spans(text)] == [
        (),
        ("A",),
        ("A", "B x"),
        ("A", "B x", "C"),
        ("A", "D"),
        ("E",),
    ]


def test_overlap_repeats_whole_words_of_the_text_before() -> None:
    text = "".join(f"word{number} " for number in range(400))
    first, *rest = Chunker(64, 8).spans(text)
    assert first.lead == first.start
    for chunk in rest:
        repeated = text[chunk.lead : chunk.start]
        assert repeated.startswith("word")
        assert 4 <= tokens(repeated) <= 8


def test_overlap_works_without_spaces() -> None:
    text = "批处理" * 300
    assert all(chunk.lead < chunk.start for chunk in Chunker(64, 8).spans(text)[1:])


@pytest.mark.parametrize(
    ("headings", "header"),
    [
        ((), "guide.md"),
        (("Install", "Linux"), "guide.md > Install > Linux"),
        (("x" * 130,), "guide.md > " + "x" * 119 + "…"),
        (tuple("abcdef"[i] * 110 for i in range(6)), None),
    ],
)
def test_headers_are_capped(headings: tuple[str, ...], header: str | None) -> None:
    found = context_header("guide.md", headings)
    assert len(found) <= 500
    if header is None:
        assert found.startswith("guide.md > … > c")
        assert found.endswith("f" * 110)
    else:
        assert found == header


def test_a_header_with_an_endless_path_is_capped() -> None:
    assert len(context_header("d/" * 400 + "a.md", ("A", "B"))) == 500


def test_the_signature_names_all_that_changes_the_chunks() -> None:
    assert Chunker().signature == "cl100k_base/512/0/v4"
    assert Chunker(64, 8, Tokenizer("o200k_base")).signature == "o200k_base/64/8/v4"
    assert Chunker(count_header=True).signature == "cl100k_base/512/0/v4/header"


@pytest.mark.parametrize(("max_tokens", "overlap"), [(15, 0), (0, 0), (-1, 0), (64, 32), (64, -1)])
def test_limits_out_of_range_are_refused(max_tokens: int, overlap: int) -> None:
    with pytest.raises(ConfigError, match="must be at least"):
        Chunker(max_tokens, overlap)


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(ValueError, match="lone surrogate"):
        Chunker().spans("a\ud800")
