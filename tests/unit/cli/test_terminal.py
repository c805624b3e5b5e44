"""What a real terminal shows while a run goes on, and after it was interrupted."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from tests.unit.cli.slow_run import HIDE_CURSOR, SHOW_CURSOR, Session
from tests.unit.cli.slow_run import slow as slow


def test_a_terminal_shows_a_bar_that_is_gone_at_the_end(slow: list[Session]) -> None:
    session = Session(seconds=0.3)
    slow.append(session)
    session.read_until(r"[1-9]/9 documents")
    session.read_until(r"chunks/s, [\d.]+ MB/s")
    assert session.finish() == 0
    assert session.shown.count(HIDE_CURSOR) == session.shown.count(SHOW_CURSOR) == 1
    summary = session.shown[session.shown.rindex("\x1b[2K") :]  # what was there before it is erased
    assert "done" in summary
    assert "9 added" in summary
    assert "━" not in summary


def test_quiet_shows_no_bar(slow: list[Session]) -> None:
    session = Session("--quiet", seconds=0.01)
    slow.append(session)
    assert session.finish() == 0
    assert HIDE_CURSOR not in session.shown
    assert session.shown == ""


def test_one_interrupt_stops_in_good_order_and_gives_the_terminal_back(slow: list[Session]) -> None:
    session = Session(seconds=0.5)
    slow.append(session)
    session.read_until(r"[1-9]/9 documents")
    session.process.send_signal(signal.SIGINT)
    assert session.finish() == 130
    assert "SIGINT: finishing what is being written; once more to stop at once" in session.shown
    assert "not attempted" in session.shown
    assert session.shown.rindex(SHOW_CURSOR) > session.shown.rindex(HIDE_CURSOR)
    assert "Traceback" not in session.shown


def test_a_second_signal_ends_at_once_and_gives_the_terminal_back(slow: list[Session]) -> None:
    session = Session(seconds=60)
    slow.append(session)
    session.read_until(HIDE_CURSOR.replace("[", r"\[").replace("?", r"\?"))
    deadline = time.monotonic() + 30
    while not Path("writing").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    session.process.send_signal(signal.SIGTERM)
    session.read_until("once more to stop at once")
    begin = time.monotonic()
    session.process.send_signal(signal.SIGTERM)
    assert session.finish() == 143
    assert time.monotonic() - begin < 5
    assert "run the same command again" in session.shown
    assert session.shown.rindex(SHOW_CURSOR) > session.shown.rindex(HIDE_CURSOR)
