"""Chunk headers: where a chunk stands, also one that joins sections or goes on with a table."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchwright.documents import Chunker, Tokenizer
from batchwright.errors import ConfigError
from tests.support.reading import parse
from tests.unit.documents.markdown_strategies import documents

VERSION = "00000000-0000-8000-8000-000000000000"


def headers(text: str, max_tokens: int = 512, name: str = "a.md") -> list[str]:
    document = parse(text.encode(), name)
    return [chunk.context_header for chunk in Chunker(max_tokens).chunk(document, VERSION)]


def words(number: int) -> str:
    return "word " * number + "\n\n"


def test_a_chunk_of_several_sections_names_the_first_and_the_last_below_what_they_share() -> None:
    text = "# Log\n\n" + words(60) + "".join(f"## May {day}\n\n{words(8)}" for day in range(1, 9))
    assert headers(text, 64) == [
        "a.md > Log",
        "a.md > Log > May 1 … May 4",
        "a.md > Log > May 5 … May 8",
    ]


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("# A\n\n## B\n\nb\n\n### C\n\nc\n", "a.md > A"),  # a whole section stands for what is below it
        ("## A\n\n### B\n\nb\n\n## C\n\nc\n", "a.md > a title > A … C"),
        ("# A\n\na\n\n# B\n\nb\n\n# C\n\nc\n", "a.md > a title > A … C"),
        ("some text\n\n# A\n\na\n", "a.md > A"),
        ("some text\n\n## A\n\na\n\n## B\n\nb\n", "a.md > a title > A … B"),
        ("## Same\n\na\n\n## Same\n\nb\n", "a.md > a title > Same"),
        ("##\n\na\n\n## B\n\nb\n", "a.md > a title > B"),
        ("no heading\n", "a.md > a title"),
        ("# A title of its own\n\na\n", "a.md > A title of its own"),
        ("# a title\n\na\n\n# B\n\nb\n", "a.md > a title … B"),
    ],
)
def test_the_header_of_one_chunk(text: str, header: str) -> None:
    assert headers("---\ntitle: a title\n---\n" + text) == [header]


def test_a_title_that_only_repeats_the_name_of_the_file_is_left_out() -> None:
    assert headers("---\ntitle: guide\n---\ntext\n", name="x/guide.md") == ["x/guide.md"]
    assert headers("text\n", name="x/guide.md") == ["x/guide.md"]


def test_long_headings_leave_room_for_each_other() -> None:
    text = f"# {'a' * 200}\n\na\n\n# {'b' * 200}\n\nb\n"
    assert headers(text) == [f"a.md > {'a' * 57}… … {'b' * 57}…"]


def table(rows: int, head: str = "| *No* | `Name` | a \\| b |") -> str:
    return head + "\n|---|:-:|--:|\n" + "".join(f"| {n} | n{n} | {n * 7} |\n" for n in range(rows))


def test_a_table_that_goes_on_in_another_chunk_has_its_head_in_the_header() -> None:
    text = "# T\n\n" + table(40) + "\nAfter it.\n\n" + words(70)
    found = headers(text, 128)
    rows = [header for header in found if header == "a.md > T > No | Name | a | b"]
    assert found[0] == "a.md > T"
    assert len(rows) >= 3
    assert found == ["a.md > T", *rows, *["a.md > T"] * (len(found) - len(rows) - 1)]


@pytest.mark.parametrize(
    "text",
    [
        "```\n" + table(60) + "```\n",  # an example
        "a | b\n" * 120,  # no delimiter
        "words | more\n\n" + "x | y\n" * 120,
        "|---|---|\n" + "x | y\n" * 120,  # no head
    ],
)
def test_what_only_looks_like_a_table_has_no_head(text: str) -> None:
    found = headers(text, 64)
    assert len(found) > 3
    assert set(found) == {"a.md"}


def test_each_table_has_its_own_head() -> None:
    text = table(30, "Red | Green | Blue") + "\n" + table(30, "> | One | Two | Three")
    assert set(headers(text, 64)) == {"a.md", "a.md > Red | Green | Blue", "a.md > One | Two | Three"}


@pytest.mark.parametrize("encoding", ["cl100k_base", "o200k_base"])
@given(documents, st.sampled_from([(16, 0), (16, 4), (40, 10), (64, 0)]), st.text("ab /", max_size=60))
@settings(max_examples=60, deadline=None)
def test_with_count_header_header_and_text_fit_together(
    encoding: str, text: str, limits: tuple[int, int], title: str
) -> None:
    count = Tokenizer(encoding).count
    chunker = Chunker(*limits, Tokenizer(encoding), count_header=True)
    data = f"---\ntitle: '{title}'\n---\n{text}".encode()
    document = parse(data, "folder/a.md")
    chunks = chunker.chunk(document, VERSION)
    if not chunker.overlap:
        assert "".join(chunk.chunk_text for chunk in chunks) == document.text
    for chunk in chunks:
        assert chunk.chunk_token_count == count(chunk.chunk_text)
        assert count(f"{chunk.context_header}\n") + chunk.chunk_token_count <= limits[0]


def test_without_count_header_the_limit_is_for_the_text_alone() -> None:
    document = parse(words(500).encode(), "a.md")
    alone, together = (Chunker(64, count_header=on).chunk(document, VERSION) for on in (False, True))
    assert max(chunk.chunk_token_count for chunk in alone) > 60
    assert len(together) > len(alone)


def test_overlap_must_leave_room_for_headers() -> None:
    Chunker(64, 16, count_header=True)
    with pytest.raises(ConfigError, match="at most a quarter"):
        Chunker(64, 17, count_header=True)
