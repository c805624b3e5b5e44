"""Random receipts leave in a plugin's store what they leave in the model."""

from __future__ import annotations

import random

import pytest

from batchwright.contracts.sink import AnySink
from tests.support.random_receipts import check_random_receipts


class RandomReceiptChecks:
    """To be subclassed, with the fixture `sink`, whose target is empty and holds its ledger."""

    @pytest.fixture
    def sink(self) -> AnySink:
        raise NotImplementedError

    @pytest.mark.timeout(600)
    @pytest.mark.parametrize(
        "number", [pytest.param(60, id="some"), pytest.param(1_000, id="all", marks=pytest.mark.slow)]
    )
    def test_random_receipts_leave_what_they_leave_in_the_model(self, sink: AnySink, number: int) -> None:
        seed = random.SystemRandom().randrange(1_000_000)  # a failure names it
        with sink.open() as store:
            counted = check_random_receipts(store, seed, number)
        assert counted["stored"] > number / 3
        assert counted["refused"] > number / 40
