"""Looking through texts, and excerpts."""

from __future__ import annotations

from batchwright.sinkkit.excerpts import excerpt, look_through, marks_of

CHUNKS = [
    ("1", "docs", "a.md", "Garden", "Sow PEAS in March, and peas again in April."),
    ("2", "docs", "b.md", "Peas", "How to cook them."),
    ("3", "docs", "c.md", "Beans", "Sow beans in March."),
    ("4", "docs", "d.md", "Beans", "Sow beans in March."),
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


def test_an_excerpt_surrounds_the_first_match() -> None:
    marks = marks_of(["pea", "peas"])
    assert excerpt("Garden", "Sow PEAS in March.", marks) == "Sow «PEAS» in March."
    assert excerpt("Peas", "How to cook them.", marks) == "«Peas»"
    long = excerpt("", f"{'x' * 100} peas {'y' * 500}", marks)
    assert long.startswith("…x")
    assert long.endswith("y…")
    assert "«peas»" in long
    assert len(long) < 200
