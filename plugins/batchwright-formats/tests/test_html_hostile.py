"""HTML that is made to do harm costs seconds, and its own document at most."""

from __future__ import annotations

import time
from contextlib import nullcontext, suppress

import pytest
from batchwright_formats import HtmlReader
from hypothesis import given
from hypothesis import strategies as st

from batchwright import DocumentError

from .conftest import Read, reading

N = 100_000
HOSTILE = {
    "nested divs": "<div>" * N + "deep",
    "nested spans": "<p>" + "<b>" * N + "deep",
    "nested lists": "<ul><li>" * N + "deep",
    "nested quotes": "<blockquote>" * (N // 2) + "deep",
    "nested tables": "<table><tr><td>" * (N // 4) + "deep",
    "open comments": "<!--" * N,
    "open tags": "<a " * N,
    "open links": "<a href=" * N,
    "open links in code": "<pre>" + "<a " * N,
    "open code": "<pre>" * N,
    "open scripts": "<script>" * N,
    "open images": "<img " * N,
    "open metas": "<meta charset=" * N,
    "angle brackets": "<" * N,
    "ampersands": "&" * N,
    "huge spans": "<table><tr><td colspan=1000000000 rowspan=1000000000>x<tr><td>y</table>",
    "attributes": "<p " + "a=1 " * N + ">x",
    "different attributes": "<p " + " ".join(f"a{number}=1" for number in range(10 * N)) + ">x",
    "attributes behind a quote": "<p q='>' " + "".join(f"a{number}='>'/" for number in range(10 * N)) + ">x",
    "headings of anchors": "<h2>" + "<a href=#x>" * N + "</h2>",
    "line of anchors": "<h2>" + "[](#x" * N + "</h2>",
    "fences": "<p>" + "```<br>" * N,
    "entities": "<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><p>" + "&b;" * N,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_page_made_to_do_harm_ends_in_seconds(html: Read, name: str) -> None:
    begun = time.process_time()
    try:
        document = html(HOSTILE[name])
    except DocumentError:
        return
    assert time.process_time() - begun < 20
    assert len(document.text) < 40 * N


@pytest.mark.parametrize("name", ["different attributes", "attributes behind a quote"])
def test_a_tag_with_attributes_by_the_thousand_is_refused(html: Read, name: str) -> None:
    with pytest.raises(DocumentError, match="more than 5,000 attributes"):
        html(HOSTILE[name])


def test_words_in_scripts_and_quotes_are_no_attributes(html: Read) -> None:
    words = "word " * 10_000
    assert html(f"<script>if (a<b) {words}</script><p title='<b {words}'>x").text == "x\n"


def test_what_is_nested_too_deeply_is_counted(html: Read) -> None:
    document = html("<p>above</p>" + "<div>" * N + "deep")
    assert document.text == "above\n"
    assert [one.reason for one in document.left_out] == ["nested too deeply"]


TAGS = "<p> </p> <table> <tr> <td> <pre> <code> <ul> <li> <script> </script> <svg> <title> <!-- --> ]]>"
MARKUP = st.sampled_from([*TAGS.split(), *"<>&#\n\0é日 ", "<a href='", "<img ", "&#x0;", "```", "שלום"])


@given(st.lists(MARKUP, max_size=40).map("".join))
def test_any_markup_gives_a_document(page: str) -> None:
    read = reading(HtmlReader)
    with suppress(DocumentError) if not page or "\0" in page else nullcontext():
        assert read(page) == read(page)


@given(st.binary(max_size=300))
def test_any_bytes_give_a_document_or_say_why_not(data: bytes) -> None:
    with suppress(DocumentError):
        reading(HtmlReader)(data)
