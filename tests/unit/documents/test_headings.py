"""Headings as a reader of the page sees them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwright.documents.headings import clean_heading


@pytest.mark.parametrize(
    ("title", "clean"),
    [
        (" Install ", "Install"),
        (" Install ##", "Install"),
        (" C#", "C#"),
        (" ##", ""),
        (" two\n   lines", "two lines"),
        # attributes, and what only looks like them
        (" Run { #run }", "Run"),
        (" Run {#run .wide key=1}", "Run"),
        (" Run {.wide}", "Run"),
        (" Run {: .wide}", "Run"),
        (" Run {:toc}", "Run"),
        (" Run {-}", "Run"),
        (" Run {/* #run */}", "Run"),
        (" Run ## {#run}", "Run"),
        (" Run {#run .x} ##", "Run {#run .x}"),
        (" `a_b` in _C_ {#run}", "a_b in C"),
        (" {x}", "{x}"),
        (" PUT /cups/{cup}/tea", "PUT /cups/{cup}/tea"),
        (" PUT /cups/{cup}", "PUT /cups/{cup}"),
        (" -Mode {Slow | Fast}", "-Mode {Slow | Fast}"),
        (" {{ site.name }} news", "{{ site.name }} news"),
        (" call(...args) {...rest}", "call(...args) {...rest}"),
        (" Sum \\{ 1 \\}", "Sum { 1 }"),
        # HTML, and what only looks like it
        (' <a id="x"></a>Types \\* more', "Types * more"),
        (" Map<Key, Value>", "Map<Key, Value>"),
        (" Box<Integer>", "Box<Integer>"),
        (" rm <file>", "rm <file>"),
        (" a < b and c > d", "a < b and c > d"),
        (" Water H<sub>2</sub>O<br/>", "Water H2O"),
        (' New <Badge kind="beta" />', "New"),
        (' <dfn title="x">Term</dfn>', "Term"),
        (" Keys <!-- to be sorted -->", "Keys"),
        (" See <https://x.example/y>", "See https://x.example/y"),
        # stress, and what only looks like it
        (" A **bold** [link](https://x.example/y) and `Box<T>*`", "A bold link and Box<T>*"),
        (" _iOS_ and *watch* __or__ ***both***", "iOS and watch or both"),
        (" **_x_ y**", "x y"),
        (" All *.csv files", "All *.csv files"),
        (" *.csv and *.tsv", "*.csv and *.tsv"),
        (" 2 * 3 * 4", "2 * 3 * 4"),
        (" snake_case_name", "snake_case_name"),
        (" _private_name", "_private_name"),
        (" ~~Old~~ New", "Old New"),
        (" \\_not stressed\\_", "_not stressed_"),
        # code
        (" `a` and `{b}`", "a and {b}"),
        (" `` a`b ``", "a`b"),
        (" `&lt;` and `_x_` and `[y](z)`", "&lt; and _x_ and [y](z)"),
        (" an odd ` tick", "an odd ` tick"),
        # links, references and entities
        (" ![logo](l.png) Tool", "logo Tool"),
        (" [![state](s.svg)](https://ci.example) Tool", "state Tool"),
        (" [a (b)](https://x.example/a_(b)) c", "a (b) c"),
        (" [text][ref] and [other]", "text and [other]"),
        (" [\\[draft\\] Tea](https://x.example)", "[draft] Tea"),
        (" Notes[^1]", "Notes"),
        (" Salt &amp; pepper &lt;3 &copy;", "Salt & pepper <3 ©"),
        (" AT&T", "AT&T"),
        (" &amp;amp;", "&amp;"),
    ],
)
def test_headings_lose_their_markup_and_nothing_else(title: str, clean: str) -> None:
    assert clean_heading(title) == clean


@given(st.text(alphabet="ab _*`<>[](){}#&;!~\\/=\"'", max_size=40))
def test_no_heading_raises_or_keeps_what_was_hidden(title: str) -> None:
    found = clean_heading(title)
    assert all(character.isascii() for character in found)
    assert found == found.strip()


@pytest.mark.parametrize(
    "unit", ["*a", "_a ", "`a", "[a](", "[", "<a b=c ", "<!--", "{", "\\", "&a;", "~~a", "[^", "(", "![a]("]
)
def test_no_heading_takes_long(unit: str) -> None:
    title = unit * (1000 // len(unit))
    began = time.process_time()
    clean_heading(title)
    assert time.process_time() - began < 0.1
