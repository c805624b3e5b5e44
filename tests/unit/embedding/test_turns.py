"""Requests take turns: the next is ready before one ends, and none is held up by one that hangs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from batchwright import EmbedderLimits
from batchwright.engine.embedding.gate import Gate
from tests.unit.embedding.conftest import Base


def test_the_next_request_waits_at_the_gate_before_one_has_ended(
    base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    came = threading.Semaphore(0)
    turn = Gate.turn

    @contextmanager
    def noted(self: Gate, *arguments: object) -> Iterator[float]:
        came.release()
        with turn(self, *arguments) as began:  # type: ignore[arg-type]
            yield began

    monkeypatch.setattr(Gate, "turn", noted)
    base.script.limits = EmbedderLimits(texts=8, at_once=1)
    ready: list[bool] = []

    def act(_texts: list[str], before: int) -> None:
        if before == 2:  # the canary, three of texts, and one more
            ready.extend(came.acquire(timeout=10) for _ in range(5))

    base.script.act = act
    assert base.load().exit_code == 0
    assert base.script.most == 1
    assert ready == [True] * 5
    base.check()


@pytest.mark.parametrize("at_once", [1, 3])
def test_a_request_that_hangs_is_left_behind_and_made_again(base: Base, at_once: int) -> None:
    base.script.limits = EmbedderLimits(texts=4, at_once=at_once)
    over, in_time = threading.Event(), list[bool]()

    def act(_texts: list[str], before: int) -> None:
        if before < at_once:
            in_time.append(over.wait(30))

    base.script.act = act
    try:
        result = base.load(batch_timeout=0.5)
    finally:
        over.set()
    assert result.exit_code == 0, result
    assert False not in in_time, "it was waited for"
    assert sorted(base.script.texts.values())[-1] == 2, "those that hung"
    base.check()


@pytest.mark.parametrize("at_once", [1, 2])
def test_once_the_embedder_is_given_up_what_is_ready_is_not_sent(base: Base, at_once: int) -> None:
    base.script.limits = EmbedderLimits(texts=4, at_once=at_once)
    base.write(20, 6)

    def act(*_: object) -> None:
        raise ConnectionRefusedError

    base.script.act, base.script.probe = act, act
    result = base.load({"on_outage": "publish"}, max_outage=0.5)
    assert (result.state, result.exit_code) == ("done", 3), result
    assert len(base.script.texts) <= 4 * at_once
    base.script.act = lambda *_: None
    assert base.load().exit_code == 0
    base.check()
