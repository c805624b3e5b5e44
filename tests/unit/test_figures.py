"""The figures that reporters show: counted from the events, and in the end those of the account."""

from __future__ import annotations

import pytest

from batchwright.contracts import events
from batchwright.contracts.account import Account, RecordCounts
from batchwright.contracts.figures import FIGURES, Figure, Figures, figures_of
from batchwright.testing import ordinary_run

STARTED = events.RunStarted("r", "docs", "x", "docs")


def finished(run: list[events.Event]) -> Account:
    assert isinstance(run[-1], events.RunFinished)
    return run[-1].account


def counted(*happened: events.Event) -> dict[Figure, int]:
    figures = Figures()
    for event in happened:
        figures.add(event)
    return {figure: value for figure, value in figures.values.items() if value}


def test_the_figures_are_all_of_the_account() -> None:
    account = finished(ordinary_run())
    figures = figures_of(account)
    assert set(figures) == {(name, kind) for name, kinds in FIGURES.items() for kind in kinds}
    values = account.as_dict()
    for noun in ("records", "documents"):
        assert {kind: figures[noun, kind] for kind in FIGURES[noun]} == values[noun]
    assert (figures["batches", "stored"], figures["batches", "failed"]) == (2, 1)
    assert figures["left_out", "no_reader"] == 2
    assert {kind: figures["vectors", kind] for kind in FIGURES["vectors"]}.items() <= values[
        "vectors"
    ].items()
    assert (figures["texts_sent", ""], figures["tokens_sent", ""]) == (4, 64)
    rest = set(values) - {"records", "documents", "batches", "batches_failed", "left_out", "vectors"}
    sent = {"texts_sent", "tokens_sent"}
    assert (
        rest - {"records_seen", "documents_seen", "seconds"}
        == {n for n, kinds in FIGURES.items() if kinds == ("",)} - sent
    )
    for name in ("retries", "removed", "bytes_read"):
        assert figures[name, ""] == values[name]


def test_events_add_up_to_the_account_of_an_ordinary_run() -> None:
    run = ordinary_run()
    account = {figure: value for figure, value in figures_of(finished(run)).items() if value}
    assert counted(*run[:-1]) == account


@pytest.mark.parametrize(
    ("event", "figures"),
    [
        (events.BatchWritten(0, 7, 70, 0.1), {("records", "written"): 7}),
        (events.BatchFailed(0, 7, "no", "x"), {("records", "failed"): 7}),
        (events.BatchFinished(0, "stored", 0.1), {("batches", "stored"): 1}),
        (events.BatchFinished(0, "failed", 0.1), {("batches", "failed"): 1}),
        (events.BatchFinished(0, "stopped", 0.1), {}),
        (events.BatchRetrying(0, 1, 0.1, "no", "x"), {("retries", ""): 1}),
        (events.BatchRetrying(None, 1, 0.1, "no", "x"), {}),
        (events.RecordRejected("a", 0, "E", "no", "x"), {("records", "rejected"): 1}),
        (events.RecordRejected("a", None, "E", "no", "x"), {}),
        (
            events.DocumentsRead(3, 5, 30, {"characters cleaned": 2}),
            {("bytes_read", ""): 30, ("left_out", "characters_cleaned"): 2},
        ),
        (
            events.InputCounted(3, 5, {"no reader: .a": 1, "no reader: .b": 2, "of a later version": 1}),
            {("left_out", "no_reader"): 3},
        ),
        (
            events.DocumentsFinished("unchanged", 2, 5, rejected=2, size=30),
            {("documents", "unchanged"): 2, ("records", "unchanged"): 3, ("records", "rejected"): 2},
        ),
        (
            events.DocumentsFinished("added", 2, 5, rejected=2, size=30),  # its rejects come one by one
            {("documents", "added"): 2},
        ),
        (events.DocumentsFinished("deleted", 3, 5, size=30), {("documents", "deleted"): 3}),
        (
            events.DocumentsFinished("not_attempted", 2, 5),
            {("documents", "not_attempted"): 2, ("records", "not_attempted"): 5},
        ),
        (events.DocumentsFinished("unheard of", 1, 5), {}),  # type: ignore[arg-type]  # a later version's
        (events.DocumentFinished("a", "added", 5, size=30), {}),  # counted already
        (events.DocumentsRemoved(3), {("removed", ""): 3}),
        (events.ErrorClassified(0, 1, "write", "no", "E", None, "retry", "x"), {}),
        (events.OutageStarted("no"), {}),
    ],
)
def test_what_an_event_counts(event: events.Event, figures: dict[Figure, int]) -> None:
    assert counted(event) == figures


def test_at_the_end_they_are_the_accounts_though_events_were_lost_or_repeated() -> None:
    run = ordinary_run()
    account = figures_of(finished(run))
    for happened in (run, run[:-1] * 3 + run[-1:], run[:1] + run[-1:], run[-1:]):
        figures = Figures()
        for event in happened:
            figures.add(event)
        assert figures.values == account


def test_add_returns_what_changed_and_what_it_is_now() -> None:
    figures = Figures()
    assert figures.add(STARTED) == {}
    assert figures.add(events.BatchWritten(0, 7, 70, 0.1)) == {("records", "written"): 7}
    assert figures.add(events.BatchWritten(0, 7, 70, 0.1)) == {("records", "written"): 14}
    account = Account(RecordCounts(written=7), batches=1)
    changed = figures.add(events.RunFinished("r", "done", account))
    assert changed == {("records", "written"): 7, ("batches", "stored"): 1}
    assert figures["records", "written"] == 7
    assert figures.add(STARTED) == {("records", "written"): 0, ("batches", "stored"): 0}
