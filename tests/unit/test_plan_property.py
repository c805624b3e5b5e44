"""A plan is what the run then does, figure by figure, whatever happened before: random pasts from a seed."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from batchwright.contracts.account import DOCUMENT_STATES, NONE_STORABLE, DocumentState
from batchwright.contracts.events import DocumentFinished, DocumentsFinished, Event
from batchwright.contracts.reporter import Reporter, ReporterOptions
from batchwright.engine.reading.changes import Change
from batchwright.engine.result import RunResult
from batchwright.operations.plan import Plan, plan
from tests.support.pasts import POISON, Past


class Documents(Reporter[ReporterOptions]):
    """Notes what became of each document."""

    name = "documents"
    each_document: Collection[DocumentState] = DOCUMENT_STATES

    def __init__(self) -> None:
        super().__init__(ReporterOptions())
        self.states: Counter[tuple[str, str, str]] = Counter()
        self.size = 0

    def handle(self, event: Event) -> None:
        if isinstance(event, DocumentFinished):
            self.states[event.key, event.state, event.reason] += 1
        if isinstance(event, DocumentsFinished) and (
            event.state in ("added", "changed") or (event.state == "refused" and not event.rejected)
        ):
            self.size += event.size


def settings(past: Past) -> dict[str, Any]:
    """Settings for the run; the limit of a prune is often just at what is gone."""
    random_ = past.random
    drawn: dict[str, Any] = {
        "chunk_max_tokens": random_.choice([32, 32, 32, 32, 16]),
        "batch_size": random_.choice([1, 7, 32, None]),
        "adaptive": random_.random() < 0.5,
        "workers": random_.choice([1, 1, 2]),
        "prune": random_.random() < 0.7,
    }
    made, _ = planned(past, **drawn, prune_limit=1.0)
    known = sum(document.version.brought_by == "run" for document in past.published())
    if made.deleted and known:
        border = made.deleted / known
        drawn["prune_limit"] = random_.choice([border, border, border - 1e-9, min(1.0, border + 1e-9), 0.0])
    return drawn


def planned(past: Past, **drawn: Any) -> tuple[Plan, list[Change]]:
    documents: list[Change] = []
    with past.folders_closed():
        return plan(past.config(**drawn), past.manager(), documents.append), documents


def check(past: Past) -> None:
    """Plan, run, and compare."""
    drawn = settings(past)
    before = past.everything()
    made, documents = planned(past, **drawn)
    assert past.everything() == before, "the plan changed something"

    there = past.published()
    reporter = Documents()
    result = past.run(past.config(**drawn), [reporter])

    after = {known.version.key for known in past.published()}
    removed = [known for known in there if known.version.key not in after]
    promised, came = promises(made, documents), outcome(result, reporter)
    came["records removed"] = sum(known.version.records - known.rejected for known in removed)
    if not made.batches_exact:
        del promised["batches"], came["batches"]
    assert promised == came, drawn


def promises(made: Plan, documents: list[Change]) -> dict[str, Any]:
    counted = {state: getattr(made, state) for state in DOCUMENT_STATES if state != "not_attempted"}
    each: Counter[tuple[str, str, str]] = Counter()
    for change in documents:
        assert change.state != "left_out"
        state, reason = str(change.state), change.reason
        if change.records and all(POISON in record.chunk_text for record in change.records):  # type: ignore[attr-defined]
            counted[change.state] -= 1  # what the sink can't hold at all, no plan can know
            counted["refused"] += 1
            state, reason = "refused", NONE_STORABLE
        each[change.key, state, reason] += 1
    return {
        "documents": counted,
        "in all": made.documents,
        "each": each,
        "written or rejected": made.records + made.records_rejected,
        "unchanged": made.records_unchanged,
        "size": made.size,
        "removed": made.removed,
        "records removed": made.records_removed if made.removed else 0,
        "end": ("failed" if made.refusal else "done", made.refusal),
        "batches": made.batches,
    }


def outcome(result: RunResult, reporter: Documents) -> dict[str, Any]:
    account = result.account
    documents = account.as_dict()["documents"]
    assert documents.pop("not_attempted") == 0
    return {
        "documents": documents,
        "in all": account.documents.total,
        "each": reporter.states,
        "written or rejected": account.records.written + account.records.rejected,
        "unchanged": account.records.unchanged,
        "size": reporter.size,
        "removed": account.removed,
        "end": (result.state, result.reason),
        "batches": account.batches,
    }


def check_states(folder: Path, kind: str, seed: int, count: int) -> None:
    for number in range(count):
        root = folder / f"{kind}{number}"
        root.mkdir()
        past = Past(root, kind, random.Random(f"{seed}/{kind}/{number}"))
        try:
            past.draw()
            check(past)
        except BaseException:
            print(f"state {number} of seed {seed}, {kind}: {'; '.join(past.told)}")
            raise


@pytest.mark.parametrize("kind", ["sqlite", "memory"])
def test_a_plan_comes_true(tmp_path: Path, seed: int, kind: str) -> None:
    check_states(tmp_path, kind, seed, 20)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", ["sqlite", "memory"])
def test_hundreds_of_plans_come_true(tmp_path: Path, seed: int, kind: str) -> None:
    check_states(tmp_path, kind, seed + 1, 200)
