"""A request to end the run early."""

from __future__ import annotations

from batchwright.contracts.stop import Stop


def test_who_waits_is_woken_while_the_block_lasts() -> None:
    woken: list[str] = []
    stop = Stop()
    stop.on_request(lambda: woken.append("whole run"))
    with stop.waking(lambda: woken.append("before")):
        pass
    with stop.waking(lambda: woken.append("inside")):
        stop.request("enough")
    assert woken == ["whole run", "inside"]


def test_who_begins_to_wait_after_the_request_is_woken_at_once() -> None:
    woken: list[str] = []
    stop = Stop()
    stop.request("enough")
    with stop.waking(lambda: woken.append("late")):
        assert woken == ["late"]
