"""The hash of a row: the same for the same row, another for any other."""

from __future__ import annotations

from itertools import product

import pytest

from batchwright.engine.rows.row_hash import of_json, of_texts


def test_no_two_rows_of_texts_have_one_hash() -> None:
    texts = ["", "a", "b", "a\0b", "\0", "\0\0", '["a"]', "a\0", '["a"]\0']
    for columns in (["x"], ["x", "y"], ["x", "y", "z"]):
        digest = of_texts(columns, None)
        rows = list(product(texts, repeat=len(columns)))
        assert len({digest(row) for row in rows}) == len(rows)


@pytest.mark.parametrize("hashing", [of_texts, of_json])
def test_order_and_empty_columns_change_nothing(hashing) -> None:  # type: ignore[no-untyped-def]  # of two
    nothing = "" if hashing is of_texts else None
    plain = hashing(["x", "y"], None)(["1", "2"])
    assert hashing(["y", "x"], None)(["2", "1"]) == plain
    assert hashing(["y", "z", "x"], None)(["2", nothing, "1"]) == plain
    assert hashing(["y", "z", "x"], frozenset("xy"))(["2", "3", "1"]) == plain
    assert hashing(["y", "z", "x"], None)(["2", "3", "1"]) != plain
    assert hashing(["x", "z"], None)(["1", "2"]) != plain
