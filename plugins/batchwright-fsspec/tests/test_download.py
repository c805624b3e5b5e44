"""A body is read whole before anybody sees it, and listings are asked for again."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from batchwright_fsspec.answers import AnswerError, persistently
from batchwright_fsspec.download import BLOCK, Body, download
from fsspec.asyn import get_loop


class Sent:
    """What a server sends, in pieces; then its end, or an error."""

    def __init__(self, *pieces: bytes | Exception) -> None:
        self.pieces = list(pieces)
        self.closed = 0

    async def read(self, most: int) -> bytes:
        piece = self.pieces.pop(0) if self.pieces else b""
        if isinstance(piece, Exception):
            raise piece
        if len(piece) > most:
            self.pieces.insert(0, piece[most:])
        return piece[:most]

    def close(self) -> None:
        self.closed += 1

    def fetched(self, length: int | None) -> bytes:
        async def start() -> Body:
            return Body(self.read, self.close, length)

        fs = SimpleNamespace(loop=get_loop())
        content, _ = download(fs, "a.md", start)
        with content.open() as stream:
            return stream.read()


@pytest.mark.parametrize("size", [0, 10, BLOCK, 2 * BLOCK + 10])
def test_a_body_in_pieces_comes_whole(size: int) -> None:
    body = bytes(n % 251 for n in range(size))
    sent = Sent(*(body[at : at + 300_001] for at in range(0, size, 300_001)))
    assert sent.fetched(size) == body
    assert sent.closed == 1


@pytest.mark.parametrize(("size", "length"), [(10, 11), (0, 1), (2 * BLOCK, 2 * BLOCK + 1), (11, 10)])
def test_another_length_than_was_said_is_a_lost_connection(size: int, length: int) -> None:
    sent = Sent(b"x" * size)
    with pytest.raises(ConnectionError, match=rf"after {size:,} of {length:,} bytes"):
        sent.fetched(length)
    assert sent.closed == 1


@pytest.mark.parametrize("before", [0, 2 * BLOCK])
def test_a_body_that_breaks_off_is_closed(before: int) -> None:
    sent = Sent(*([b"x" * before] if before else []), OSError("broken"))
    with pytest.raises(OSError, match="broken"):
        sent.fetched(None)
    assert sent.closed == 1


def test_a_server_that_asks_for_a_long_wait_is_not_waited_for() -> None:
    waits: list[float] = []

    def busy() -> None:
        raise AnswerError("busy", 503, 31)

    with pytest.raises(AnswerError):
        persistently(busy, waits.append)
    assert waits == []
