"""The steps of a receipt: what a dialect may rely on, and which of them a function in Postgres can do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from batchwright.builtin.postgres.compiled_steps import CompiledSteps
from batchwright.builtin.postgres.dialect import PostgresDialect
from batchwright.builtin.postgres.names import Names
from batchwright.contracts.receipts import Receipt
from batchwright.sinkkit.sql_ledger.steps.receipt import ReceiptSteps
from batchwright.sinkkit.sql_ledger.steps.step import Step
from batchwright.testing.records import reject, sample

DIALECT = PostgresDialect(Names("public", "kb").tables)
MADE = [sample(f"{name}.md", 3) for name in ("d", "a", "c", "b")]
RECEIPT = Receipt(
    "batch",
    "run",
    "kit",
    0,
    12,
    begun=(MADE[0].version,),
    continued=(MADE[1].id,),
    publications=tuple(one.publication() for one in MADE[1:]),
    rejects=(reject(MADE[0].chunks[0]),),
    token="token",
)


def steps_of(receipt: Receipt) -> list[Step]:
    """The steps of a write whose batch holds two of the publications whole."""
    held = {one.version.document_id: one.rows for one in receipt.publications[:2]}
    steps = ReceiptSteps(receipt, "now")
    return [*steps.before_rows(), *steps.after_rows(held)]


def test_steps_that_are_given_the_same_have_the_same_values_in_columns_of_the_same_name() -> None:
    found: defaultdict[tuple[str, str], list[Sequence[Any]]] = defaultdict(list)
    for step in steps_of(RECEIPT):
        for position, (name, _) in enumerate(step.columns):
            if step.given:
                found[step.given, name].append([row[position] for row in step.rows])
    assert {given for given, _ in found} == {"lease", "published", "whole"}
    assert all(values == columns[0] for columns in found.values() for values in columns)
    assert len(found["published", "document_id"]) == 6


def test_what_steps_share_is_one_parameter() -> None:
    steps = [step for step in steps_of(RECEIPT) if step.given == "published"]
    assert len(CompiledSteps(steps, DIALECT).types) == len({name for s in steps for name, _ in s.columns})


@pytest.mark.parametrize("receipt", [RECEIPT, replace(RECEIPT, continued=()), replace(RECEIPT, begun=())])
def test_a_function_does_the_steps_that_it_knows_or_fewer(receipt: Receipt) -> None:
    arguments = CompiledSteps(steps_of(RECEIPT), DIALECT).arguments(steps_of(receipt))
    assert arguments is not None
    assert (None in arguments) == (receipt != RECEIPT)


def test_steps_that_are_compiled_apart_are_given_the_values_of_the_whole() -> None:
    steps = steps_of(RECEIPT)
    whole, rest = CompiledSteps(steps, DIALECT), CompiledSteps(steps[2:], DIALECT)
    every, some = whole.arguments(steps), rest.arguments(steps[2:])
    assert every is not None
    assert [every[int(number[1:]) - 1] for number in whole.handed_on(rest, 2)] == some


def test_a_function_does_nothing_of_a_receipt_with_other_steps() -> None:
    known = CompiledSteps(steps_of(replace(RECEIPT, rejects=())), DIALECT)
    assert known.arguments(steps_of(RECEIPT)) is None
    assert known.arguments(steps_of(replace(RECEIPT, rejects=(), discarded=(MADE[0].id,)))) is None


def test_a_function_does_all_steps_that_share_a_parameter_or_none() -> None:
    steps = steps_of(RECEIPT)
    known = CompiledSteps(steps, DIALECT)
    last = [step for step in steps if step.given == "published"][-1]
    assert known.arguments([step for step in steps if step is not last]) is None
    assert known.arguments([step for step in steps if step.given != "published"]) is not None


def test_a_function_does_the_steps_in_no_other_order() -> None:
    steps = steps_of(RECEIPT)
    assert CompiledSteps(steps, DIALECT).arguments([*reversed(steps)]) is None
