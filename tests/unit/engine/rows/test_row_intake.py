"""Rows are taken in item by item; of an attempt to read one that is given up, nothing counts."""

from __future__ import annotations

from batchwright import Field, RecordType
from batchwright.contracts.reader import BadLine
from batchwright.engine.rows.declared_shape import DeclaredShape
from batchwright.engine.rows.row_intake import RowIntake

KIND = RecordType("rows", (Field("id", "integer"),), "id")


def test_what_was_read_of_an_attempt_that_is_given_up_is_not_counted() -> None:
    intake, shape = RowIntake(lambda: False, lambda _: None), DeclaredShape(KIND)
    intake.take(shape, intake.begin("a"), enumerate([{"id": 1}, {"id": 2}], 1))
    before = intake.rows, intake.bad, intake.size
    number = intake.begin("b")
    intake.take(shape, number, enumerate([{"id": 3}, BadLine("it is none", "4;")], 1))
    assert (intake.rows, intake.bad) == (4, 1)
    intake.drop(number)
    assert (intake.rows, intake.bad, intake.size) == before
    assert intake.dropped == {number}
    intake.take(shape, intake.begin("b"), enumerate([{"id": 3}], 1))
    assert intake.items == ["a", "b", "b"]
    assert (intake.rows, intake.bad) == (3, 0)
