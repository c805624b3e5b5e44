"""Decimals in Postgres' binary form say the same number, whichever way they are encoded."""

from __future__ import annotations

import random
from decimal import Decimal
from struct import unpack

import pytest

from batchwright.builtin.postgres.encoding import _numeric

EDGES = ("0", "-0", "0.00", "1", "-1", "0.0001", "-0.0001", "9999", "10000", "99999999", "100000000", "1E+3")


def read(data: bytes) -> tuple[Decimal, int]:
    length, count, weight, sign, scale = unpack("!ihhHh", data[:12])
    groups = unpack(f"!{count}h", data[12:])
    assert length == len(data) - 4
    assert not groups or (groups[0] and groups[-1]), "no zeros around it"
    whole = sum(group * Decimal(10_000) ** (weight - place) for place, group in enumerate(groups))
    return Decimal(-whole if sign else whole), scale


@pytest.mark.parametrize("seed", range(3))
def test_a_decimal_is_read_as_it_was_written(seed: int) -> None:
    draw = random.Random(seed)
    drawn = [
        Decimal(draw.randint(-(10 ** draw.randint(0, 13)), 10**12)).scaleb(-draw.randint(0, 9))
        for _ in range(2_000)
    ]
    for value in [*map(Decimal, EDGES), *drawn]:
        found, scale = read(_numeric(value))
        assert found == value
        assert scale == len(format(value, "f").partition(".")[2])
