"""Headings and fences are those that pulldown-cmark finds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyromark
import pytest
from hypothesis import example, given, settings

from batchwright.documents import Chunker
from batchwright.documents.headings import clean_heading
from batchwright.documents.structure import first_title, outline, with_line_feeds

from .markdown_strategies import markdown

CONTAINERS = ("BlockQuote", "List", "Item")
Headings = tuple[list[tuple[int, int]], list[int]]


def ours(text: str) -> Headings:
    """Our top-level headings (start in bytes, level), and where top-level blocks start."""
    found = outline(with_line_feeds(text))
    starts = [len(text[:start].encode()) for start in found.starts]
    return list(zip(starts, found.levels, strict=True)), [start for start, _ in found.blocks]


def oracle(text: str) -> Headings:
    depth = 0
    found: list[tuple[int, int]] = []
    fences: list[int] = []
    events: Iterable[tuple[Any, Any]] = pyromark.events_with_range(text)
    for event, where in events:
        if not isinstance(event, dict):
            continue
        kind, what = next(iter(event.items()))
        name = what if isinstance(what, str) else next(iter(what), "")
        if kind == "Start":
            start = len(text.encode()[: where["start"]].decode())
            start = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
            if name == "Heading" and depth == 0:
                found.append((len(text[:start].encode()), int(what["Heading"]["level"][1])))
            elif name == "CodeBlock" and what["CodeBlock"] != "Indented":
                fences.append(start)
            depth += name in CONTAINERS
        elif kind == "End":
            depth -= name in CONTAINERS
    return found, fences


@pytest.mark.parametrize(
    "text",
    [
        "# a\n\ntext\n\n## b ##\n",
        "a\nb\n===\n\nc\n---\n",
        "- a\n---\n",
        "> a\n---\n",
        "- a\nb\n===\n",
        "- a\n\n  # in the item\n\n# out of it\n",
        "- a\n\n   ```\n   # x\n   ```\n\n# h\n",
        "- ```\n  # x\n\n# ends the item\n",
        "- ```\n  code\n  ```\n\n# h\n\n```\n# x\n```\n",
        "1. a\n   ```\n# ends it\n",
        "```\n# x\n~~~\n````\n# h\n",
        "~~~ a`b\n# x\n~~~\n# h\n",
        "``` a`b\n# h\n",
        "```\n# never closed\n",
        "    ```\n# h\n",
        "<div>\n# x\n\n# h\n",
        "<!-- \n\n# x\n--> # y\n# h\n",
        "<pre>\n\n# x\n</pre>\n# h\n",
        "text\n<a>\n# h\n",
        "<a>\n# x\n\n# h\n",
        "<?\n\n# x\n?>\n# h\n",
        "<!A\n\n# x\n>\n# h\n",
        "<![CDATA[\n\n# x\n]]>\n# h\n",
        "***\nb\n---\n",
        "# a\nb\n---\n---\nc\n===\n",
        "#\n##\n#x\n####### y\n",
        "\r\n# a\r\n\r\nb\r\n===\r\n",
        "# a\r# b\r",
        "\t# code\n\n#\ttab\n",
        "    code\n---\n",
        "a\n    b\n---\n",
    ],
)
def test_headings_are_those_of_the_oracle(text: str) -> None:
    assert ours(text)[0] == oracle(text)[0]


@given(markdown)
@settings(max_examples=600, deadline=None, derandomize=True)  # the rules differ in odd corners
@example("")
def test_headings_of_generated_markdown_are_those_of_the_oracle(text: str) -> None:
    assert ours(text)[0] == oracle(text)[0]


@given(markdown)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_every_fence_of_the_oracle_is_kept_whole(text: str) -> None:
    assert set(oracle(text)[1]) <= set(ours(text)[1])


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("$$\na\n=\nb\n$$\n\n# H\n", ["H"]),
        ("Mass\n\n$$ a\n-\nb $$\n\n# H\n", ["H"]),
        ("$$\na\n\nb\n=\n$$\n", []),
        ("$$ a $$\n=\n", ["$$ a $$"]),
        ("$$\n# H\n", ["H"]),  # never closed
        ("costs $$\n=\n", ["costs $$"]),
        ("    $$\n\n# H\n\n    $$\n", ["H"]),
        ("$$\n" + "x\n" * 5000 + "# H\n$$\n", ["H"]),  # too far from its end
        ("$$\na\n=\nb\n$$ (mass)\n\n# H\n", ["H"]),
        ("$$\na\n-\nb\n$$ {#eq:mass}\n\n# H\n", ["H"]),
        ("Mass\n\\[\na\n=\nb\n\\]\n\n# H\n", ["H"]),
        ("\\\\[ a\n-\nb \\\\], so\n\n# H\n", ["H"]),
        ("\\[ a \\]\n=\n", ["\\[ a \\]"]),
        ("\\[a\\] title\n===\n", ["\\[a\\] title"]),
        ("\\[a\n===\n\nb\\]\n", ["\\[a"]),  # brackets that are escaped
        ("\\[\na\n\nH\n=\n", ["H"]),
        ("- one\n\n  \\[\n  a\n  =\n  \\]\n\n# H\n", ["H"]),
        ("\\begin{align*}\na\n\n# b\n=\n\\end{align*}\n\n# H\n", ["H"]),
        ("\\begin{equation}\n\\begin{split}\na\n=\n\\end{split}\n-\n\\end{equation}\n# H\n", ["H"]),
        ("\\begin{document}\nH\n=\n\\end{document}\n", ["\\begin{document} H"]),
        ("\\begin{align}\nH\n=\n", ["\\begin{align} H"]),  # never closed
        ('<math display="block">\n<mi>a</mi>\n\n=\n</math>\n\n# H\n', ["H"]),
        ("Mass <b>\n<math><mi>a</mi>\n=\n</math>\n\n# H\n", ["H"]),
    ],
)
def test_displayed_math_holds_no_headings(text: str, titles: list[str]) -> None:
    found = outline(with_line_feeds(text))
    assert [" ".join(title.split()) for title in found.titles] == titles


@pytest.mark.parametrize("opening", ["??? note", '!!! warning "Hot"', "???+ tip", '=== "Linux"'])
def test_a_fence_inside_of_an_admonition_is_a_block(opening: str) -> None:
    text = f"# H\n\n{opening}\n\n    words\n\n    ```\n    # no heading\n\n    ```\n\n    more\n\n# I\n"
    found = outline(with_line_feeds(text))
    assert [title.strip() for title in found.titles] == ["H", "I"]
    assert [text[start:end].strip().count("```") for start, end in found.blocks] == [2]


def test_displayed_math_and_fences_of_admonitions_stay_whole_where_they_fit() -> None:
    words = "word " * 30 + "\n\n"
    math = "$$\na = b\n\n+ c\n\n+ d\n$$"
    fence = "    ```\n    one\n\n    two\n\n    three\n    ```"
    for block in (math, fence):
        text = "# T\n\n" + "".join(f"{words}??? note\n\n{block}\n\n" for _ in range(6))
        chunks = [text[chunk.start : chunk.end] for chunk in Chunker(48).spans(text)]
        assert len(chunks) > 5
        assert sum(chunk.count(block) for chunk in chunks) == 6


@given(markdown)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_the_title_is_the_first_heading_of_level_one(text: str) -> None:
    found = outline(with_line_feeds(text))
    titles = [title for level, title in zip(found.levels, found.titles, strict=True) if level == 1]
    assert first_title(text) == (clean_heading(titles[0]) if titles else "")
