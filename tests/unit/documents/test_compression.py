"""Compressed files: what is taken for one, what comes out, and what is refused."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import sys
from collections.abc import Callable
from typing import Any

import pytest

from batchwright.documents import bare, decompressed
from batchwright.documents import compression as module
from batchwright.errors import DocumentError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstd.compress,
}
ENDINGS = list(COMPRESS)
TEXT = "One line of text, in UTF-8: ü 😀\n".encode() * 5_000


class Dribbling(io.RawIOBase):
    """A stream that returns a few bytes at a time, as sockets do, and breaks where it is told to."""

    def __init__(self, data: bytes, breaks_at: int | None = None) -> None:
        self._data = data
        self._breaks_at = breaks_at
        self._position = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if self._breaks_at is not None and self._position >= self._breaks_at:
            raise OSError("Invalid data stream")  # the words that bz2 has for damaged data
        part = self._data[self._position : self._position + min(size, 7) if size >= 0 else None]
        self._position += len(part)
        return part


def content(data: bytes, key: str, **options: Any) -> bytes:
    with decompressed(io.BytesIO(data), key, **options) as stream:
        return stream.read()


def refusal(data: bytes, key: str, **options: Any) -> str:
    with pytest.raises(DocumentError) as caught:
        content(data, key, **options)
    assert caught.value.source_file == key
    return caught.value.reason


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("a/b.csv.gz", "a/b.csv"),
        ("b.CSV.GZ", "b.CSV"),
        ("b.md.zst", "b.md"),
        ("b.gz", "b"),
        ("b.gz.gz", "b.gz"),
        ("a.gz/b.md", "a.gz/b.md"),
        ("a/.gz", "a/.gz"),
        ("b.zip", "b.zip"),
        ("gz", "gz"),
        ("", ""),
    ],
)
def test_the_ending_of_a_compression_is_taken_off_once(key: str, expected: str) -> None:
    assert bare(key) == expected


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_was_compressed_comes_out(ending: str) -> None:
    assert content(COMPRESS[ending](TEXT), f"notes.md{ending}") == TEXT
    assert content(COMPRESS[ending](TEXT), f"NOTES.MD{ending.upper()}") == TEXT
    assert content(COMPRESS[ending](b""), f"notes.md{ending}") == b""


@pytest.mark.parametrize("ending", ENDINGS)
def test_several_in_a_row_are_one_content(ending: str) -> None:
    assert content(COMPRESS[ending](b"one\n") + COMPRESS[ending](b"two\n"), f"log{ending}") == b"one\ntwo\n"


@pytest.mark.parametrize("ending", ENDINGS)
def test_it_is_read_a_line_at_a_time_from_a_stream_that_dribbles(ending: str) -> None:
    stream: Any = Dribbling(COMPRESS[ending](TEXT))
    with decompressed(stream, f"a.txt{ending}") as lines:
        assert io.TextIOWrapper(lines, "utf-8").readline() == TEXT.decode().partition("\n")[0] + "\n"
    assert stream.closed


def test_a_key_without_such_an_ending_is_left_alone() -> None:
    stream = io.BytesIO(gzip.compress(TEXT))
    assert decompressed(stream, "notes.md") is stream


def test_closing_closes_the_stream_too_and_may_come_twice() -> None:
    stream = io.BytesIO(gzip.compress(TEXT))
    opened = decompressed(stream, "a.gz")
    opened.close()
    opened.close()
    assert stream.closed


def test_a_zstandard_file_may_begin_with_a_frame_to_be_skipped() -> None:
    skipped = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"\nnew"
    assert content(skipped + zstd.compress(TEXT), "a.zst") == TEXT


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("other", [*ENDINGS, ""])
def test_a_name_that_says_something_else_than_the_bytes_is_refused(ending: str, other: str) -> None:
    if ending == other:
        return
    stream = io.BytesIO(COMPRESS.get(other, bytes)(TEXT))
    with pytest.raises(DocumentError) as caught:
        decompressed(stream, f"a.csv{ending}")
    assert stream.closed
    reason = caught.value.reason
    assert reason.startswith(f"its name ends in {ending}, but it isn't ")
    assert "rename it" in reason


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_empty_file_is_not_compressed(ending: str) -> None:
    assert "but it isn't" in refusal(b"", f"a.csv{ending}")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_that_was_cut_short_is_refused(ending: str, seed: int) -> None:
    data = COMPRESS[ending](random.Random(seed).randbytes(50_000))
    assert "cut short" in refusal(data[: len(data) // 2], f"a.csv{ending}")


@pytest.mark.parametrize("ending", ENDINGS)
def test_damaged_bytes_are_refused_or_what_they_were(ending: str, seed: int) -> None:
    dice = random.Random(seed)
    text = dice.randbytes(20_000)
    data = COMPRESS[ending](text)
    reasons = []
    for _ in range(40):
        place = dice.randrange(6, len(data))
        damaged = data[:place] + bytes([data[place] ^ (1 << dice.randrange(8))]) + data[place + 1 :]
        try:
            content(damaged, f"a.csv{ending}")
        except DocumentError as error:
            reasons.append(error.reason)
    assert reasons or ending == ".zst"  # which need not have a checksum
    assert all("damaged" in reason or "cut short" in reason for reason in reasons)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("breaks_at", [7, 1_000])
def test_an_error_of_the_stream_is_not_taken_for_damage(ending: str, breaks_at: int, seed: int) -> None:
    stream: Any = Dribbling(COMPRESS[ending](random.Random(seed).randbytes(5_000)), breaks_at)
    with (
        pytest.raises(OSError, match="Invalid data stream"),
        decompressed(stream, f"a{ending}") as opened,
    ):
        opened.read()


@pytest.mark.parametrize("ending", ENDINGS)
def test_no_more_comes_out_than_the_limit(ending: str) -> None:
    data = COMPRESS[ending](TEXT)
    assert content(data, f"a{ending}", most=len(TEXT)) == TEXT
    assert f"more than {len(TEXT) - 1:,} bytes" in refusal(data, f"a{ending}", most=len(TEXT) - 1)


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_expands_beyond_reason_is_refused_before_it_fills_anything(
    ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "UNCHECKED", 1_000_000)
    bomb = COMPRESS[ending](bytes(20_000_000))
    with decompressed(io.BytesIO(bomb), f"a{ending}") as stream:
        assert len(stream.read(900_000)) == 900_000
        with pytest.raises(DocumentError, match="more than 100 times"):
            stream.read(2_500_000)


def test_a_small_file_may_expand_as_much_as_it_likes() -> None:
    assert len(content(gzip.compress(bytes(5_000_000)), "a.gz")) == 5_000_000


@pytest.mark.parametrize("name", ["gzip", "bz2", "lzma", "backports.zstd"])
def test_a_python_without_a_compression_says_so(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ending = dict(zip(["gzip", "bz2", "lzma", "backports.zstd"], ENDINGS, strict=True))[name]
    data = COMPRESS[ending](TEXT)
    monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "compression.zstd", None)
    assert "this Python can't decompress" in refusal(data, f"a{ending}")
