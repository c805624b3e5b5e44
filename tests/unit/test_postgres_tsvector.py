"""A tsvector in Postgres' binary form: within its limits, whatever the text."""

from __future__ import annotations

from struct import unpack_from

import pytest

from batchwright.builtin.postgres.narrow import ServerEncoding
from batchwright.builtin.postgres.search_column import SearchColumn, held
from batchwright.builtin.postgres.tsvector import (
    GAP,
    LAST_POSITION,
    MOST_BYTES,
    MOST_POSITIONS,
    field,
)
from batchwright.contracts.records import CHUNK


def read(data: bytes) -> dict[str, list[int]]:
    """Return the positions by term, as the server reads a field."""
    length, count = unpack_from("!ii", data)
    assert length == len(data) - 4
    at, found = 8, dict[str, list[int]]()
    for _ in range(count):
        end = data.index(b"\0", at)
        (places,) = unpack_from("!H", data, end + 1)
        positions = [*unpack_from(f"!{places}H", data, end + 3)]
        assert positions == sorted({*positions})
        found[data[at:end].decode()] = positions
        at = end + 3 + 2 * places
    assert at == len(data)
    return found


def test_terms_have_their_positions() -> None:
    assert read(field(b"to be or not to be")) == {"to": [1, 5], "be": [2, 6], "or": [3], "not": [4]}
    assert read(field(b"")) == {}
    assert read(field(b" ".join((b"a", GAP, b"b")))) == {"a": [1], "b": [3]}


def test_no_term_has_more_positions_than_postgres_keeps() -> None:
    found = read(field(b"a b " + b"a " * 1_000))
    assert found["a"] == [1, *range(3, 2 + MOST_POSITIONS)]
    assert found["b"] == [2]


def test_terms_behind_the_last_position_are_there() -> None:
    found = read(field(b" ".join(b"t%d" % number for number in range(LAST_POSITION + 500)) + b" t0 t9"))
    assert found["t0"] == [1]
    assert found[f"t{LAST_POSITION - 1}"] == [LAST_POSITION]
    assert found[f"t{LAST_POSITION + 499}"] == [LAST_POSITION]


@pytest.mark.parametrize("length", [3, 50, 250])
def test_a_vector_is_no_longer_than_postgres_takes(length: int) -> None:
    data = field(b" ".join(b"%0*d" % (length, number) for number in range(2 * MOST_BYTES // length)))
    found = read(data)
    # each term may have a gap before its positions, and has their number
    assert sum(len(term) + 1 + 2 + 2 * len(places) for term, places in found.items()) <= MOST_BYTES
    assert len(found) > 0.3 * MOST_BYTES / (length + 8)


def test_the_heading_comes_first_and_no_phrase_goes_over_its_end() -> None:
    column = SearchColumn(CHUNK, ServerEncoding())
    [data] = column.fields(["A Title"], ["pod.yaml here"])
    found = read(data)
    assert (found["a"], found["title"], found["pod"], found["yaml"], found["here"]) == (
        [1],
        [2],
        [4],
        [5],
        [6],
    )
    [identifier] = [term for term in found if term.startswith("zz")]
    assert found[identifier] == [8]


def test_a_term_that_the_database_lacks_is_spelled_as_any_other_is_not() -> None:
    latin = ServerEncoding.of("LATIN1")
    assert held(latin, "café") == "café"
    assert held(latin, "μm") == "zu0003bc00006d"
    [data] = SearchColumn(CHUNK, latin).fields([None], ["5 µm"])
    assert {*read(data)} == {"5", "zu0003bc00006d"}
    assert held(ServerEncoding(), "μm") == "μm"
