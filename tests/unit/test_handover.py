"""A helper whose thread can't be started has none, and may be asked again."""

from __future__ import annotations

import threading

import pytest

from batchwright.handover import Helper
from batchwright.secrets import describe


def test_a_thread_that_can_not_be_started_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    helper = Helper("helping")
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refused)
        with pytest.raises(RuntimeError, match="can't start new thread") as caught:
            helper.start(int)
        assert describe(caught.value) == (
            "can't start new thread; raise the limit of processes (ulimit -u), or of memory (ulimit -v)"
        )
        helper.close()
    call = helper.start(lambda: 3)
    assert call.ended.acquire(timeout=10)
    assert call.result() == 3
    helper.close()
