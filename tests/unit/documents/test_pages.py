"""On which page a chunk begins, whatever was done to the text before."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwright import Document
from batchwright.documents import Chunker, Cleaner, finished, replaced
from batchwright.documents.lines import Lines
from batchwright.documents.pages import page_at

VERSION = "0" * 36
PARAGRAPH = "words of tea " * 30 + "\n\n"  # some 90 tokens
IMAGE = f"![](data:image/png;base64,{'A' * 100})"


def document(*pages: str, before: str = "") -> Document:
    """A document with these pages, and a text that is on none of them."""
    starts = [len(before)]
    for page in pages[:-1]:
        starts.append(starts[-1] + len(page))
    return Document("a.pdf", before + "".join(pages), pages=tuple(starts))


def pages_of(document: Document, max_tokens: int = 100, overlap: int = 0) -> list[int | None]:
    return [chunk.page for chunk in Chunker(max_tokens, overlap).chunk(document, VERSION)]


def texts(document: Document) -> list[str]:
    """The text of each page."""
    return [document.text[at:end] for at, end in pairwise((*document.pages, len(document.text)))]


def test_a_chunk_says_the_page_on_which_it_begins() -> None:
    assert pages_of(document(*[PARAGRAPH] * 3)) == [1, 2, 3]
    assert pages_of(document(PARAGRAPH * 2, PARAGRAPH)) == [1, 1, 2]


def test_of_two_pages_it_says_the_first() -> None:
    assert pages_of(document("one\n", "two\n", PARAGRAPH * 2)) == [1, 3]


def test_a_document_without_pages_says_none() -> None:
    assert pages_of(Document("a.md", PARAGRAPH * 2)) == [None, None]


def test_what_stands_before_the_first_page_is_on_none() -> None:
    assert pages_of(document(PARAGRAPH, PARAGRAPH, before=PARAGRAPH)) == [None, 1, 2]


def test_a_page_without_text_is_counted() -> None:
    assert pages_of(document("", PARAGRAPH, "", "", PARAGRAPH, "")) == [2, 5]
    assert pages_of(document("", "")) == []


def test_blank_lines_at_the_end_of_a_page_do_not_count() -> None:
    assert pages_of(document("\n \n", PARAGRAPH)) == [2]
    assert pages_of(document(PARAGRAPH, "\n" * 5 + " \n", "\n" + PARAGRAPH)) == [1, 3]


def test_overlap_leaves_the_page_as_it_is() -> None:
    assert pages_of(document(PARAGRAPH, PARAGRAPH), 120, overlap=20) == [1, 2]


@pytest.mark.parametrize("pages", [(3, 1), (0, 5), (-1,)])
def test_pages_that_are_not_in_the_text_are_refused(pages: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"its page \d can't begin at"):
        Chunker().chunk(Document("a.pdf", "text", pages=pages), VERSION)


@pytest.mark.parametrize("escape", [True, False])
def test_pages_follow_what_is_cleaned_and_left_out(escape: bool) -> None:
    before = document(f"a\0{IMAGE}b", f"c\ud800{IMAGE}", f"{IMAGE}\0d", "", "\0")
    after = Cleaner(escape=escape).clean(finished(before))
    nul, surrogate = ("\\u0000", "\\ud800") if escape else ("", "")
    assert texts(after) == [f"a{nul}![]()b", f"c{surrogate}![]()", f"![](){nul}d", "", nul]


def test_data_over_two_pages_is_on_the_first() -> None:
    link = f"x {IMAGE} y"
    assert texts(finished(document(link[:60], link[60:]))) == ["x ![](", ") y"]


@pytest.mark.parametrize("by", ["", "b", r"\1\1\1\1", lambda found: found[0].upper()])
def test_pages_follow_what_is_replaced(by: str) -> None:
    before = document("a secret x", "secret", "", "no such\n", "last secret")
    pattern = re.compile("(secret)")
    after = replaced(before, pattern, by)
    assert after.text == pattern.sub(by, before.text)
    assert texts(after) == [pattern.sub(by, page) for page in texts(before)]


def test_what_is_put_at_the_beginning_of_a_page_is_on_it() -> None:
    before = document("one\n", "two\n", "", "three")
    assert texts(replaced(before, re.compile("(?m)^(?!\\Z)"), "> ")) == ["> one\n", "> two\n", "", "> three"]


def test_what_is_replaced_over_two_pages_is_on_the_first() -> None:
    assert texts(replaced(document("a sec", "ret b"), re.compile("secret"), "[…]")) == ["a […]", " b"]


@given(
    st.lists(st.text("ab\n", max_size=5), min_size=1), st.sampled_from(["a", "b+", "a*b", "(?=a)", "^", ""])
)
def test_pages_stay_in_the_text_whatever_is_replaced(pages: list[str], pattern: str) -> None:
    after = replaced(document(*pages), re.compile(pattern), "xyz")
    Chunker().chunk(after, VERSION)
    assert len(after.pages) == len(pages)
    if pattern in ("a", "(?=a)"):  # it matches within pages only
        assert texts(after) == [re.sub(pattern, "xyz", page) for page in pages]


@given(st.lists(st.text("a \n", max_size=4), min_size=1))
def test_the_page_is_that_of_the_first_character_that_is_not_blank(pages: list[str]) -> None:
    one = document(*pages)
    lines = Lines(one.text)
    lines.first(0, len(one.text))
    wanted = next((number for number, page in enumerate(pages, 1) if page.strip()), None)
    if wanted is not None:
        assert page_at(one.pages, lines.at) == wanted
