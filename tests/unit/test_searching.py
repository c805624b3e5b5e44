"""Looking through texts, and excerpts."""

from __future__ import annotations

from batchwright.sinkkit.search.candidates import Candidate
from batchwright.sinkkit.search.scan import excerpt, look_through, marks_of

CHUNKS = [
    Candidate("1", "docs", "a.md", "Garden", "Sow PEAS in March, and peas again in April.", 7, 2),
    Candidate("2", "docs", "b.md", "Peas", "How to cook them."),
    Candidate("3", "docs", "c.md", "Beans", "Sow beans in March."),
    Candidate("4", "docs", "d.md", "Beans", "Sow beans in March."),
]


def found(text: str, limit: int = 10) -> list[str]:
    return [hit.id for hit in look_through(CHUNKS, text, limit)]


def test_headings_weigh_double_and_case_does_not_matter() -> None:
    assert found("pEaS") == ["1", "2"]
    assert found("peas them") == ["2"]


def test_chunks_with_all_words_come_alone_where_there_are_any() -> None:
    assert found("peas march") == ["1"]
    assert found("peas nowhere") == ["1", "2"]


def test_what_ranks_alike_stays_in_order_and_the_limit_is_heeded() -> None:
    assert found("march") == ["1", "3", "4"]
    assert found("march", 2) == ["1", "3"]
    assert [found("march", 0), found("  "), found("%")] == [[], [], []]


def test_a_hit_says_where_it_stands_and_what_matched() -> None:
    [hit] = look_through(CHUNKS, "peas april", 10)
    assert (hit.key, hit.line, hit.page) == ("a.md", 7, 2)
    assert [hit.excerpt[start:end] for start, end in hit.marks] == ["PEAS", "peas", "April"]


def test_matches_that_touch_are_marked_as_one() -> None:
    assert excerpt("", "a ----- b - c", marks_of(["-"])) == ("a ----- b - c", ((2, 7), (10, 11)))


def test_an_excerpt_surrounds_the_first_match() -> None:
    pattern = marks_of(["pea", "peas"])
    assert excerpt("Garden", "Sow PEAS in March.", pattern) == ("Sow PEAS in March.", ((4, 8),))
    assert excerpt("Peas", "How to cook them.", pattern) == ("Peas", ((0, 4),))
    long, [(start, end)] = excerpt("", f"{'x' * 100} peas {'y' * 500}", pattern)
    assert long.startswith("…x")
    assert long.endswith("y…")
    assert long[start:end] == "peas"
    assert len(long) < 200
