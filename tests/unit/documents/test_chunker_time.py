"""No text, however made, takes more than linear time."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from batchwright.documents import Chunker
from batchwright.documents.embedded import without_embedded
from batchwright.documents.front_matter import split_front_matter

SIZE = 125_000

UNITS = {
    "newlines": "\n",
    "spaces": " ",
    "blank lines": "  \n",
    "letters": "a",
    "words": "word ",
    "hashes": "#",
    "headings": "# h\n",
    "deeper headings": "".join("#" * level + " h\n" for level in range(1, 7)),
    "spaced hashes": "# ",
    "pipes": "|",
    "rows": "| a | b |\n",
    "dashes": "-",
    "items in items": "- ",
    "items": "- a\n",
    "quotes": "> ",
    "quote lines": "> > > >\n",
    "backticks": "`",
    "fences": "```\n",
    "fences in items": "- ```\n",
    "indented fences": "   ~~~\nx\n",
    "tildes, growing": "- ~~~~~\n\n  ~~~\n",
    "underlines": "a\n-\n",
    "rules": "---\n",
    "text and equals": "=\n",
    "comments": "<!--\n",
    "tags": "<a b=c>\n",
    "open tags": "<a b",
    "angle brackets": "<",
    "brackets": "[",
    "Chinese": "中",
    "families": "👩\u200d👩\u200d👧\u200d👦",
    "flags": "🇩",
    "marks": "\u0301",
    "carriage returns": "\r",
    "line ends": "\r\n",
    "nuls": "\0",
    "slashes": "/\n",
    "slashes, underlined": "/\n=\n\n",
    "blank lines, slashes": "\n" * 5_000 + "/a",
    "colons": "a:\n\n",
    "titles": "# `a\n",
    "digits": "1",
    "displayed math": "$$\nx\n=\n",
    "brackets of math": "\\[\n",
    "brackets of math, and a blank line": "\\[\n" * 40 + "\n\\]\n",
    "environments of math": "\\begin{align}\n\\begin{cases}\n",
    "MathML": "<math>\nx\n=\n",
    "dollars": "$$ a\n",
    "admonitions": "!!! a\n\n    ```\n",
    "tables": "| a | b |\n|---|---|\n",
    "delimiters": "|-:",
    "stressed headings": "# *a _b ~~c\n",
    "linked headings": "# [a](b [\n",
}


def ratio(
    work: Callable[[str], object], unit: str, start: str = "", *, size: int = SIZE, times: int = 2
) -> float:
    """How many times longer so many times the text takes, at best of a few."""

    def seconds(length: int) -> float:
        text = start + unit * (length // len(unit))
        began = time.process_time()
        work(text)
        return time.process_time() - began

    for _ in range(8):  # on a busy machine some are slow
        once = max(seconds(size), 0.005)
        found = seconds(times * size) / once
        if found <= 2 * times:
            break
    return found


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", UNITS)
def test_chunking_twice_the_text_takes_at_most_four_times_as_long(name: str) -> None:
    assert ratio(Chunker().spans, UNITS[name]) <= 4


@pytest.mark.timeout(60)
@pytest.mark.parametrize(("unit", "size"), [("中", 3_000_000), ("a|b ", 1_500_000)])
def test_a_line_of_megabytes_is_searched_once(unit: str, size: int) -> None:
    assert ratio(Chunker().spans, unit, size=size, times=4) <= 8


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "name", ["newlines", "spaces", "words", "headings", "items", "quote lines", "line ends"]
)
def test_a_fence_that_never_closes_is_linear(name: str) -> None:
    assert ratio(Chunker().spans, UNITS[name], "```\n") <= 4


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", ["Chinese", "letters", "words", "spaces", "families"])
def test_overlap_keeps_it_linear(name: str) -> None:
    assert ratio(Chunker(256, 64).spans, UNITS[name]) <= 4


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "unit",
    [
        "data:",
        "data:image/png;base64,",
        "data:a/b;c=d",
        "](data:image/",
        "data:a/b,\n" + "x" * 40,
        "data:a/b," + "x" * 70 + "\n" + "x" * 40 + "\n",
    ],
)
def test_leaving_out_data_uris_is_linear(unit: str) -> None:
    assert ratio(without_embedded, unit) <= 4


@pytest.mark.parametrize("unit", ["a: b\n", "- ", "\n", "---x\n", "[", " "])
def test_front_matter_that_never_ends_is_linear(unit: str) -> None:
    assert ratio(split_front_matter, unit, "---\n") <= 4
