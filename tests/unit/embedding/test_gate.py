"""The one gate of all requests: so many at once, so many a minute, and none while the other side rests."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from batchwright import EmbedderLimits
from batchwright.engine.embedding import gate as module
from batchwright.engine.embedding.gate import Gate
from batchwright.errors import RunInterrupted

NEVER = threading.Event()


def gate(**limits: int) -> Gate:
    return Gate(EmbedderLimits(**limits))


def test_after_a_refusal_half_as_many_pass_and_then_more_again() -> None:
    own = gate(at_once=8)
    with own.turn(1, object(), 0, NEVER) as began:
        own.slow_down(began, 0.0)
    assert own.allowed == 4
    own.slow_down(began, 0.0)  # it was under way with the first
    assert own.allowed == 4
    with own.turn(1, object(), 0, NEVER) as began:
        own.slow_down(began, 0.0)
    assert own.allowed == 2
    for _ in range(60):
        own.succeeded()
    assert own.allowed == 8


def test_never_fewer_than_one_passes() -> None:
    own = gate(at_once=1)
    for _ in range(3):
        with own.turn(1, object(), 0, NEVER) as began:
            own.slow_down(began, 0.0)
    assert own.allowed == 1


@pytest.mark.parametrize("limits", [{"requests_a_minute": 3}, {"tokens_a_minute": 30}])
def test_no_more_than_the_limit_begin_in_a_minute(
    monkeypatch: pytest.MonkeyPatch, limits: dict[str, int]
) -> None:
    monkeypatch.setattr(module, "MINUTE", 0.5)
    own = gate(at_once=8, **limits)
    begun: list[float] = []

    def request(number: int) -> None:
        with own.turn(10, object(), number, NEVER) as began:
            begun.append(began)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(request, range(9)))
    begun.sort()
    assert all(later - earlier >= 0.49 for earlier, later in zip(begun, begun[3:], strict=False))


def test_a_request_above_the_limit_of_tokens_passes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MINUTE", 0.2)
    own = gate(tokens_a_minute=5)
    for _ in range(2):
        with own.turn(50, object(), 0, NEVER):
            pass


def test_a_stop_ends_the_wait() -> None:
    stop = threading.Event()
    own = gate(at_once=1)
    own.slow_down(0.0, 60.0)
    threading.Timer(0.1, stop.set).start()
    began = time.monotonic()
    with pytest.raises(RunInterrupted), own.turn(1, object(), 0, stop):
        pass
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("is_made_again", [True, False])
def test_who_failed_keeps_the_place_until_it_succeeds_or_leaves(is_made_again: bool) -> None:
    own, passed = gate(at_once=1), threading.Event()
    with suppress(ValueError), own.turn(1, "first", 1, NEVER):
        raise ValueError

    def other() -> None:
        with own.turn(1, "second", 2, NEVER):
            passed.set()

    threading.Thread(target=other).start()
    assert not passed.wait(0.3)
    if is_made_again:
        with own.turn(1, "third", 1, NEVER):
            pass
    else:
        own.leave(1)
    assert passed.wait(10)


def test_one_that_is_left_behind_counts_no_more_whatever_becomes_of_it() -> None:
    own = gate(at_once=1)
    with own.turn(1, "hangs", 1, NEVER):
        own.end("hangs", failed=True)
        with own.turn(1, "again", 1, NEVER):
            own.leave(2)
    with own.turn(1, "other", 2, NEVER):
        assert own.allowed == 1
