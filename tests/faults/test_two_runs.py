"""Two runs at once, in two collections of one target: whatever one does, the other's rows stay.

The runs overlap at fixed points: each waits, where the test says, before one of its batches. Runs of one
collection exclude each other: see `test_leases`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.tables import TABLE, published, rows
from tests.support.targets import Target
from tests.support.two_runs import (
    GatedRun,
    check_at_rest,
    check_outcome,
    differences,
    load,
    undisturbed,
    wait_until,
    write_document,
)

RECORDS = 25


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    write_document(tmp_path / "docs" / "guide.md", RECORDS)
    return tmp_path / "docs"


@pytest.fixture
def others(tmp_path: Path) -> Path:
    write_document(tmp_path / "others" / "news.md", 12, "news")
    return tmp_path / "others"


def _begun(url: str) -> None:
    wait_until(lambda: bool(rows(url, f"{TABLE}_records")), "the first run has stored a part")
    assert not rows(url, TABLE), "the first run has published already: the test tests nothing"


def test_a_run_that_ends_after_another_folders_leaves_what_that_published(
    target: Target, url: str, docs: Path, others: Path, tmp_path: Path
) -> None:
    mine, theirs = undisturbed(target, docs), undisturbed(target, others)
    assert len(mine["guide.md"]) == RECORDS
    with GatedRun(docs, url, tmp_path / "a") as first:
        first.reached()
        _begun(url)
        with GatedRun(others, url, tmp_path / "b", at=2) as second:
            second.reached()
            check_outcome(first.released(), url, mine)
            check_outcome(second.released(), url, {**mine, **theirs})
    check_at_rest(url, docs, {**mine, **theirs})
    check_at_rest(url, others, {**mine, **theirs})


def test_a_run_that_ends_within_another_folders_leaves_what_that_has_begun(
    target: Target, url: str, docs: Path, others: Path, tmp_path: Path
) -> None:
    mine, theirs = undisturbed(target, docs), undisturbed(target, others)
    with GatedRun(docs, url, tmp_path / "a") as first:
        first.reached()
        _begun(url)
        load(others, url)
        assert differences(published(url), theirs) == []
        check_outcome(first.released(), url, {**mine, **theirs})
    check_at_rest(url, docs, {**mine, **theirs})
    check_at_rest(url, others, {**mine, **theirs})
