"""The contract of a reader of rows, as checks."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise
from typing import Any

import pytest

from batchwright.contracts.reader import AnyReader, BadLine, RowReader
from batchwright.contracts.records import RecordType
from batchwright.errors import DocumentError
from batchwright.items import Item
from batchwright.testing.calls import within
from batchwright.testing.readers.common import ItemReaderChecks, MakeReader, Samples
from batchwright.testing.streams import OnceOnly

_MANY = 100_000


class RowReaderContract(ItemReaderChecks):
    """Subclass it as ``TestMyRowReader``, and supply two fixtures.

    Fixtures to supply:
        make_reader: A callable that returns a new reader.
        samples: Files that it reads, by their keys, as ``{"a.csv": b"…"}``: one or more, of two good rows or
            more each.

    Fixtures that add checks:
        many: ``many(n)`` returns a file of n rows, as bytes: for formats that are read from their beginning.
        bad_line: A file with rows before and behind a line that is none, and the number of that line.

    Attributes:
        patience: Seconds that reading one of the samples may take, whole or damaged.
    """

    @pytest.fixture
    def many(self) -> Callable[[int], bytes] | None:
        """Override where a file of any number of rows can be made."""
        return None

    @pytest.fixture
    def bad_line(self) -> tuple[bytes, int] | None:
        """Override where a line of a file can be wrong without the others."""
        return None

    def made_of(self, reader: AnyReader, stream: Any, item: Item) -> Any:
        """Return the rows, and behind them the error that ended them."""
        rows: list[Any] = []
        try:
            rows.extend(_rows(reader).rows(stream, item))
        except DocumentError as error:
            if error.source_file != item.key or not rows:
                raise
            rows.append(error.args)  # rows before it count
        return rows

    def test_every_sample_has_rows(self, make_reader: MakeReader, samples: Samples) -> None:
        """Fails: a good file is refused, or has no rows, or some that aren't mappings by column."""
        assert samples, "there are no samples"
        for key, data in samples.items():
            rows = self.outcome(make_reader(), data, key)
            assert isinstance(rows, list), rows
            assert len(rows) >= 2, f"{key}: {len(rows)} rows; a sample has two or more"
            for _, row in rows:
                assert isinstance(row, Mapping), f"{key}: {row!r}"
                assert all(isinstance(name, str) for name in row)

    def test_lines_are_counted_from_one(self, make_reader: MakeReader, samples: Samples) -> None:
        """Fails: the numbers of the lines don't begin at 1 or more, or don't rise: messages name them."""
        for key, data in samples.items():
            numbers = [number for number, _ in self.outcome(make_reader(), data, key)]
            assert numbers[0] >= 1
            assert all(before < after for before, after in pairwise(numbers)), numbers

    def test_the_sample_names_the_columns(self, make_reader: MakeReader, samples: Samples) -> None:
        """Fails: `sample` lacks a column of the first row, or isn't the same for the same bytes."""
        for key, data in samples.items():
            types = [
                within(self.patience, "`sample`", partial(_rows(make_reader()).sample, OnceOnly(data)))
                for _ in range(2)
            ]
            assert types[0] == types[1]
            assert isinstance(types[0], RecordType)
            first = next(row for _, row in self.outcome(make_reader(), data, key))
            assert first.keys() <= set(types[0].names), key

    def test_a_sample_of_damaged_bytes_is_refused(self, make_reader: MakeReader, samples: Samples) -> None:
        """Fails: `sample` raises something else than a DocumentError of bytes that are no rows."""
        for data in (
            b"",
            b"\0" * 5_000,
            b"\xff\xfe\0\xd8",
            *(data[: len(data) // 3] for data in samples.values()),
        ):
            try:
                within(self.patience, "`sample`", partial(_rows(make_reader()).sample, OnceOnly(data)))
            except DocumentError:
                continue
            except Exception as error:  # noqa: BLE001 - the point
                pytest.fail(f"{type(error).__name__}: {error}, of {data[:60]!r}")

    def test_rows_come_while_the_rest_is_unread(
        self, make_reader: MakeReader, many: Callable[[int], bytes] | None
    ) -> None:
        """Fails: the whole file is read before its first row comes, or before `sample` returns. Stream it."""
        if many is None:
            pytest.skip("the fixture `many` is not supplied")
        data = many(_MANY)
        for what in ("rows", "sample"):
            stream = OnceOnly(data)
            if what == "rows":
                next(iter(_rows(make_reader()).rows(stream, Item("many"))))
            else:
                _rows(make_reader()).sample(stream)
            assert stream.taken < len(data) // 2, f"`{what}` has read {stream.taken:,} bytes"

    def test_every_row_of_many_comes(
        self, make_reader: MakeReader, many: Callable[[int], bytes] | None
    ) -> None:
        """Fails: rows are missing, or twice there, as at the end of a buffer."""
        if many is None:
            pytest.skip("the fixture `many` is not supplied")
        assert len(self.outcome(make_reader(), many(_MANY), "many")) == _MANY

    def test_a_bad_line_costs_only_itself(
        self, make_reader: MakeReader, bad_line: tuple[bytes, int] | None
    ) -> None:
        """Fails: a line that is no row ends the file, is passed over, or has no reason. Yield a BadLine."""
        if bad_line is None:
            pytest.skip("the fixture `bad_line` is not supplied")
        data, line = bad_line
        rows = self.outcome(make_reader(), data, "bad")
        bad = [(number, row) for number, row in rows if isinstance(row, BadLine)]
        assert [number for number, _ in bad] == [line]
        assert bad[0][1].reason.strip()
        assert bad[0][1].text.strip()
        good = [number for number, row in rows if not isinstance(row, BadLine)]
        assert min(good) < line < max(good), "rows before it or behind it are missing"


def _rows(reader: AnyReader) -> RowReader[Any]:
    assert isinstance(reader, RowReader), "it must be a batchwright.RowReader"
    return reader
