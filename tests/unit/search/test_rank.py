"""The order of what was found, and excerpts."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwright.sinkkit.search.candidates import CUT, Candidate, blocks, rarest
from batchwright.sinkkit.search.query import Query
from batchwright.sinkkit.search.rank import rank
from tests.support.marks import marked


def candidates(*texts: str, heading: str = "") -> list[Candidate]:
    return [Candidate(f"id{n}", "docs", f"{n}.md", heading, text, n + 1) for n, text in enumerate(texts)]


def order(query: str, found: list[Candidate], **frequencies: float) -> list[str]:
    return [hit.key for hit in rank(Query.parse(query), found, frequencies, 1_000, 10, 10)]


def test_rare_words_count_for_more_than_common_ones() -> None:
    assert order("the walrus", candidates("the the the", "a walrus"), the=900, walrus=3) == ["1.md", "0.md"]


def test_neighbours_in_the_query_that_are_neighbours_in_the_text_come_first() -> None:
    found = candidates("green tea and a bag", "a bag and a tea so green", "green bag and tea bag")
    assert order("tea bag", found, tea=5, bag=5)[0] == "2.md"


def test_words_in_the_heading_count_as_a_sentence() -> None:
    found = [
        *candidates("of other things"),
        Candidate("h", "docs", "h.md", "Walrus care", "of other things, too"),
    ]
    assert order("walrus", found)[0] == "h.md"


def test_short_records_come_before_long_ones() -> None:
    assert order("walrus", candidates("walrus " + "word " * 200, "a walrus"))[0] == "1.md"


def test_the_same_text_is_one_hit_and_names_its_places() -> None:
    found = candidates("a walrus", "a seal", "a walrus")
    [hit, _] = rank(Query.parse("walrus"), found, {}, 10, 2, 5)
    assert (hit.key, hit.line) == ("0.md", 1)
    assert [(place.key, place.line) for place in hit.places] == [("2.md", 3)]


def test_the_order_does_not_depend_on_that_of_the_candidates() -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    dice = random.Random(seed)
    words = ["walrus", "seal", "tea", "bag", "the"]
    found = candidates(*(" ".join(dice.choices(words, k=dice.randrange(1, 8))) for _ in range(100)))
    first = rank(Query.parse("walrus tea bag"), found, {"tea": 3}, 100, 5, 100)
    for _ in range(5):
        dice.shuffle(found)
        assert rank(Query.parse("walrus tea bag"), found, {"tea": 3}, 100, 5, 100) == first


def test_the_rarest_words_are_looked_for_until_they_are_enough() -> None:
    query = Query.parse("a b c d unknown")
    assert rarest(query, {"a": 50_000, "b": 10, "c": 2_500, "d": 900}) == ("b", "d", "c")
    assert rarest(query, {"a": CUT * 2}) == ("a",)
    assert rarest(query, {}) == ()
    many = Query.parse(" ".join(f"w{n}" for n in range(100)))
    assert len(rarest(many, dict.fromkeys(many.words, 1))) == 16


def test_copies_do_not_take_the_places_of_other_texts() -> None:
    found = candidates(*["copy"] * 500, *(f"text {n}" for n in range(500)))
    seen: set[str] = set()
    made = [{one.text for one in block} for block in blocks([*found, *found], seen)]
    assert [len(texts) for texts in made] == [200, 200, 101]
    assert set.union(*made) == seen
    assert not [*blocks(found, seen)]


def test_a_limit_below_one_finds_nothing() -> None:
    assert rank(Query.parse("walrus"), candidates("walrus"), {}, 1, 1, 0) == []


# --- excerpts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "text", "shown"),
    [
        (
            "café",
            "« Le café est fermé », dit l'élève. CAFE\u0301!",
            "« Le «café» est fermé », dit l'élève. «CAFE\u0301»!",
        ),
        ("-f", "apply -f x, and f", "apply «-f» x, and «f»"),
        ("pod.yaml", "of `pod.yaml`.", "of `«pod.yaml»`."),
        ("c++", "C++, C#", "«C++», «C»#"),
        ("192.168", "at 192.168.0.1", "at «192.168».0.1"),
        ("状態", "この状態は", "この«状態»は"),
        ("状", "この状態は", "この«状»態は"),
        ("ポスト", "ﾎﾟｽﾄ and ポスト", "«ﾎﾟｽﾄ» and «ポスト»"),
        ("हिन्दी", "यह हिन्दी है", "यह «हिन्दी» है"),
        ("ช่องว่าง", "ไม่มีช่องว่าง", "ไม่มี«ช่องว่าง»"),
        ("🚀", "to 🚀 go", "to «🚀» go"),
        ("ins*", "Install it", "«Install» it"),
        ("don't", "you don't", "you «don't»"),
    ],
)
def test_matches_are_marked_and_nothing_is_lost(query: str, text: str, shown: str) -> None:
    [hit] = rank(Query.parse(query), candidates(text), {}, 10, 5, 1)
    assert hit.excerpt == text
    assert marked(hit) == shown


def test_a_long_text_is_cut_around_what_shows_most() -> None:
    text = "walrus " + "filler " * 200 + "the walrus and the seal " + "filler " * 200
    [hit] = rank(Query.parse("walrus seal"), candidates(text), {}, 10, 5, 1)
    assert "«walrus» and the «seal»" in marked(hit)
    assert hit.excerpt.startswith("…filler")
    assert hit.excerpt.endswith("…")
    assert len(hit.excerpt) < 300


def test_what_matches_in_the_heading_only_is_shown_there() -> None:
    [hit] = rank(Query.parse("care"), candidates("of animals", heading="Walrus care"), {}, 10, 5, 1)
    assert marked(hit) == "Walrus «care»"


@given(st.text(max_size=300), st.text(max_size=20))
def test_marks_are_ranges_of_the_excerpt_in_order(text: str, query: str) -> None:
    for hit in rank(Query.parse(query), candidates(text, heading=text[:20]), {}, 10, 5, 1):
        marked(hit)
        assert list(hit.marks) == sorted(hit.marks)
        assert hit.excerpt.strip("…") in text or hit.excerpt.strip("…") in text[:20]
