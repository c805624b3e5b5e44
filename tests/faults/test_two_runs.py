"""Two runs at once, in one target: whatever one does, the other's rows stay.

The runs overlap at fixed points: each waits, where the test says, before one of its batches. What is wrong
where something is read when a run begins and acted on when it ends: a version that was begun then may be
published by now, and one that was published may be replaced.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.tables import TABLE, published, rows
from tests.support.targets import Target
from tests.support.two_runs import (
    GatedRun,
    check_at_rest,
    check_outcome,
    check_sound,
    check_verified,
    differences,
    load,
    undisturbed,
    wait_until,
    write_document,
)

RECORDS = 25
SMALLER = 16  # tokens a chunk


@pytest.fixture
def url(target: Target) -> Iterator[str]:
    made = target.fresh()
    yield made
    target.drop(made)


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


@pytest.mark.parametrize(
    ("ends", "prune"),
    [
        ("after", "--prune"),
        ("after", "--no-prune"),
        pytest.param("within", "--prune", marks=pytest.mark.slow),
        pytest.param("within", "--no-prune", marks=pytest.mark.slow),
    ],
)
def test_a_file_that_is_away_for_one_run_is_there_when_the_other_has_loaded_it(
    target: Target, url: str, docs: Path, tmp_path: Path, prune: str, ends: str
) -> None:
    write_document(docs / "index.md", 8, "index")
    write_document(docs / "news.md", 8, "news")
    all_of_it = undisturbed(target, docs)
    with GatedRun(docs, url, tmp_path / "a") as first:
        first.reached()
        _begun(url)
        away = (docs / "guide.md").rename(tmp_path / "guide.md")
        rest = {name: chunks for name, chunks in all_of_it.items() if name != "guide.md"}
        with GatedRun(docs, url, tmp_path / "b", prune) as second:
            second.reached()
            away.rename(docs / "guide.md")
            if ends == "within":
                check_outcome(second.released(), url, rest)
            check_outcome(first.released(), url, all_of_it)
            if ends == "after":
                check_outcome(second.released(), url, all_of_it)
    check_at_rest(url, docs, all_of_it)


@pytest.mark.parametrize(
    ("at", "ends"),
    [
        (1, "after"),  # neither has begun when the other looks
        pytest.param(1, "within", marks=pytest.mark.slow),
        pytest.param(3, "after", marks=pytest.mark.slow),
        pytest.param(3, "within", marks=pytest.mark.slow),
    ],
)
def test_two_chunk_sizes_at_once_leave_one_version_and_no_rows_of_the_other(
    target: Target, url: str, docs: Path, tmp_path: Path, at: int, ends: str
) -> None:
    write_document(docs / "more.md", 10, "more")
    large, small = undisturbed(target, docs), undisturbed(target, docs, SMALLER)
    assert len(small["guide.md"]) > len(large["guide.md"])
    with GatedRun(docs, url, tmp_path / "a", at=at) as first:
        first.reached()
        with GatedRun(docs, url, tmp_path / "b", at=at, tokens=SMALLER) as second:
            second.reached()
            for each in (second, first) if ends == "within" else (first, second):
                ended = each.released()
                assert ended.code in (0, 1), ended
                if ended.code == 0:
                    found = published(url)
                    torn = [name for name in small if found.get(name) not in (small[name], large[name])]
                    assert not torn, "exit code 0, and documents aren't whole"
    check_verified(url, tmp_path)
    load(docs, url, SMALLER)
    assert differences(published(url), small) == []
    check_sound(url, tmp_path)
    load(docs, url)
    assert differences(published(url), large) == []
    check_sound(url, tmp_path)
