"""The readers as readers: streams of any kind, hostile bytes, memory."""

from __future__ import annotations

import io
import random
import tracemalloc
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from batchwright import DocumentError, Item
from tests.files import Forward, Write, arrow, arrow_stream, parquet, reader, rows, sample

TABLE = pa.table({"id": range(10_000), "name": [f"name {n}" for n in range(10_000)]})
WRITERS = [parquet, arrow, arrow_stream]


@pytest.mark.parametrize("write", WRITERS)
def test_a_stream_that_cannot_go_back_is_read(write: Write) -> None:
    data = write(TABLE)
    made = reader(write)
    forward = io.BufferedReader(Forward(data))
    assert list(made.rows(forward, Item("x"))) == rows(write, data)
    assert made.sample(io.BufferedReader(Forward(data))) == sample(write, data)


@pytest.mark.parametrize("write", WRITERS)
def test_a_file_without_rows_has_a_type(write: Write) -> None:
    data = write(TABLE.slice(0, 0))
    assert rows(write, data) == []
    assert sample(write, data).names == ("id", "name")


def test_rows_are_numbered_through_row_groups_and_batches() -> None:
    for write, data in [
        (parquet, parquet(TABLE, row_group_size=700)),
        (arrow, arrow(pa.concat_tables([TABLE.slice(n, 7) for n in range(0, 700, 7)]))),
    ]:
        found = rows(write, data)
        assert [number for number, _ in found] == list(range(1, len(found) + 1))
        assert [row["id"] for _, row in found] == list(range(len(found)))


@pytest.mark.parametrize("compression", ["NONE", "SNAPPY", "GZIP", "BROTLI", "LZ4", "ZSTD"])
def test_compressions_of_parquet_are_read(compression: str) -> None:
    assert len(rows(parquet, parquet(TABLE, compression=compression))) == 10_000


@pytest.mark.parametrize("compression", ["lz4", "zstd"])
def test_compressions_of_arrow_are_read(compression: str) -> None:
    data = arrow(TABLE, options=pa.ipc.IpcWriteOptions(compression=compression))
    assert len(rows(arrow, data)) == 10_000


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("data", [b"", b"PAR1", b"ARROW1\0\0", b"FEA1....", b"id,name\n1,a\n", b"\xff" * 100])
def test_what_is_no_table_is_an_error_of_the_document(write: Write, data: bytes) -> None:
    with pytest.raises(DocumentError):
        sample(write, data)
    with pytest.raises(DocumentError, match=r"x\.parquet: "):
        list(reader(write).rows(io.BytesIO(data), Item("x.parquet")))


@pytest.mark.parametrize("write", WRITERS)
def test_bytes_that_were_changed_are_an_error_of_the_document_at_worst(write: Write) -> None:
    good, chance = bytearray(write(TABLE.slice(0, 500))), random.Random(20261126)
    for _ in range(60):
        data = bytearray(good)
        for _ in range(chance.randrange(1, 5)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        if chance.random() < 0.3:
            data = data[: chance.randrange(len(data))]
        with suppress(DocumentError):
            rows(write, bytes(data))


def test_what_fails_beneath_is_no_fault_of_the_file() -> None:
    class Cut(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise ConnectionResetError("cut")

    with pytest.raises(ConnectionResetError):
        list(reader(parquet).rows(Cut(parquet(TABLE)), Item("x")))


def test_the_settings_of_a_reader_join_its_signature() -> None:
    assert reader(parquet).signature == "parquet1"
    assert reader(arrow, nanoseconds="cut").signature == 'arrow1{"nanoseconds":"cut"}'


@pytest.mark.slow
def test_a_row_group_of_any_size_is_read_with_flat_memory(tmp_path: Path) -> None:
    """1,000,000 rows of 100 bytes in one row group, beside 100,000 of them: about 4 MB at their peaks."""
    peaks = []
    for rows_ in (100_000, 1_000_000):
        path = tmp_path / f"{rows_}.parquet"
        text = [f"{n:0100d}" for n in range(rows_)]
        pq.write_table(
            pa.table({"id": range(rows_), "text": text}), path, row_group_size=rows_, use_dictionary=False
        )
        del text
        pool = pa.default_memory_pool()
        before = pool.bytes_allocated()
        tracemalloc.start()
        arrows = 0
        with path.open("rb") as stream:
            for number, _ in reader(parquet).rows(stream, Item("x")):
                if number % 10_000 == 0:
                    arrows = max(arrows, pool.bytes_allocated() - before)
        peaks.append(tracemalloc.get_traced_memory()[1] + arrows)
        tracemalloc.stop()
    assert max(peaks) < 10_000_000, peaks
