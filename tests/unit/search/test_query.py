"""What a query says."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwright.sinkkit.search.normal import normal
from batchwright.sinkkit.search.query import Clause, Query
from tests.support.search_table import NONSENSE


@pytest.mark.parametrize(
    "option",
    [
        "-f",
        "-it",
        "-xzf",
        "--no-cache",
        "--f",
        "-O2",
        "-10",
        "-0400",
        "-273.15",
        "-.5",
        "-std=c++20",
        "-DCMAKE_X=ON",
    ],
)
def test_a_minus_with_few_letters_a_number_or_a_value_or_two_minuses_is_an_option(option: str) -> None:
    query = Query.parse(f"tar {option}")
    assert query.excluded == ()
    assert query.notes == ()
    assert query.words == ("tar", *normal(option).split())


@pytest.mark.parametrize(
    ("asked", "excluded"),
    [
        ("install -windows", Clause(("windows",))),
        ('install -"two words"', Clause(("two", "words"))),
        ("install -wind*", Clause(("wind",), prefix=True)),
        ("状態 -管理", Clause(("管理",))),
        ("install -été", Clause(("ete",))),
    ],
)
def test_a_longer_word_behind_a_minus_is_left_out_and_a_note_says_so(asked: str, excluded: Clause) -> None:
    query = Query.parse(asked)
    assert query.excluded == (excluded,)
    assert not {*query.words} & {*excluded.words}
    [note] = query.notes
    assert note.startswith(f"{asked.split(' ', 1)[1]} leaves out")
    assert "put it in quotes" in note


def test_in_quotes_it_is_searched_for() -> None:
    query = Query.parse('find . "-name"')
    assert query.excluded == ()
    assert query.required == (Clause(("name",), tuple(normal("-name").split()[1:])),)


def test_a_query_that_begins_with_a_minus_asks_for_it_and_a_note_says_so() -> None:
    query = Query.parse("-name")
    assert query.words == tuple(normal("-name").split())
    assert query.notes == ("-name was looked for; to leave it out, put it behind a word",)
    assert Query.parse("-f").notes == Query.parse("--name").notes == ()


@pytest.mark.parametrize("text", ["*", '""', "-", "!?", "-- --", '"', "***///***"])
def test_of_a_query_without_a_word_a_note_says_what_was_looked_for(text: str) -> None:
    query = Query.parse(text)
    assert query.is_empty
    assert query.notes == (
        "the query has no word, so this looked for its characters as they stand; name one, or conf*",
    )


@pytest.mark.parametrize("text", ["", "  ", "word", "🎉", "-f", "状"])
def test_of_another_nothing_is_said(text: str) -> None:
    assert Query.parse(text).notes == ()


@pytest.mark.parametrize(
    ("asked", "required"),
    [
        ('"apply the file"', Clause(("apply", "the", "file"))),
        ("“apply the file”", Clause(("apply", "the", "file"))),
        ('"状態を"', Clause(("状態", "態を"))),
        ('"状"', Clause(("状",), prefix=True)),
        ("insta*", Clause(("insta",), prefix=True)),
        ("pod.ya*", Clause(("pod", "ya"), prefix=True)),
    ],
)
def test_phrases_and_beginnings_are_required(asked: str, required: Clause) -> None:
    query = Query.parse(asked)
    assert query.required == (required,)
    assert not query.is_empty


@pytest.mark.parametrize("asked", ["", " ", "%", "*", "**", "-", "--", '"', '""', '"*"', "\0", "\ud800"])
def test_there_may_be_nothing_to_look_for(asked: str) -> None:
    query = Query.parse(asked)
    assert query.is_empty
    assert any("the query has no word" in note for note in query.notes) == bool(asked.strip())


@pytest.mark.parametrize("asked", ["**bold**", "src/*", "a**", "a*"])
def test_other_stars_are_no_beginnings(asked: str) -> None:
    assert Query.parse(asked).required == ()


def test_neighbours_are_known_and_the_terms_of_identifiers_have_none() -> None:
    assert Query.parse("run pod.yaml now").pairs == (("run", "pod"), ("pod", "yaml"), ("yaml", "now"))


@pytest.mark.parametrize("asked", NONSENSE, ids=range(len(NONSENSE)))
def test_a_query_is_bounded(asked: str) -> None:
    began = time.process_time()
    query = Query.parse(asked)
    assert time.process_time() - began < 1
    assert len(query.words) <= 256
    assert max(len(query.prefixes), len(query.required), len(query.excluded)) <= 16
    assert query.loosened is None or len(query.loosened.prefixes) <= 32


@given(st.text(st.sampled_from('ab"*-+ 状🚀é\0')), st.text(max_size=30))
def test_anything_is_a_query(left: str, right: str) -> None:
    query = Query.parse(left + right)
    for clause in (*query.required, *query.excluded):
        assert clause.words or clause.identifiers
        assert clause.words or not clause.prefix
    for term in (*query.words, *query.prefixes):
        assert term.isalnum()
