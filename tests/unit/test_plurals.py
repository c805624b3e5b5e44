"""Numbers with their nouns."""

from __future__ import annotations

import pytest

from batchwright.engine.reject_limit import RejectLimit
from batchwright.plurals import counted


@pytest.mark.parametrize(
    ("number", "nouns", "said"),
    [
        (0, ("row",), "0 rows"),
        (1, ("row",), "1 row"),
        (2, ("row",), "2 rows"),
        (1_234, ("row",), "1,234 rows"),
        (1, ("batch", "batches"), "1 batch"),
        (2, ("batch", "batches"), "2 batches"),
    ],
)
def test_a_noun_is_in_the_plural_unless_there_is_one(number: int, nouns: tuple[str, ...], said: str) -> None:
    assert counted(number, *nouns) == said


def test_the_limit_of_rejects_counts_one_as_one() -> None:
    limit = RejectLimit(0, lambda: 10)
    limit.add(1)
    assert limit.exceeded == "1 reject is more than max_rejects (0) allows"
    limit.add(1)
    assert limit.exceeded == "2 rejects are more than max_rejects (0) allows"
