"""Cutting the input into ranges: every name is in one of them, whatever is found or published."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from batchwright import DocumentVersion, KnownDocument, Partition
from batchwright.contracts.receipts import Bringer
from batchwright.engine.reading.pairs import pair
from batchwright.engine.reading.partitions import LARGEST, SMALLEST, cut, partition_size
from batchwright.items import Item


def found(name: str, size: int = 10, error: str | None = None) -> Item:
    return Item(name, Path(name), size, error=error)


def known(name: str, brought_by: Bringer = "run") -> KnownDocument:
    return KnownDocument(DocumentVersion(name, f"id of {name}", "hash", "s", 10, 1, brought_by), 0, "then")


def within(partition: Partition, name: str) -> bool:
    return name > partition.after and (partition.until is None or name <= partition.until)


@pytest.mark.parametrize("seed", range(20))
def test_every_name_is_in_one_range_and_every_document_in_its_range(seed: int) -> None:
    random_ = random.Random(seed)
    names = sorted({f"{random_.randrange(40)}/{random_.randrange(9)}.md" for _ in range(60)})
    here = [found(name, random_.randrange(30)) for name in names if random_.random() < 0.7]
    there = [known(name) for name in names if random_.random() < 0.5]
    partitions = list(cut(pair(here, there), 40))
    assert [partition.number for partition in partitions] == list(range(len(partitions)))
    assert [one for partition in partitions for one in partition.found] == here
    for name in [*names, "", "~", "20/0.md\0", "\U0010ffff"]:
        if name:
            assert sum(within(partition, name) for partition in partitions) == 1
    for partition in partitions:
        assert all(within(partition, one.key) for one in partition.found)
        assert partition.before is not None
        assert set(partition.before) == {
            one.version.key for one in there if within(partition, one.version.key)
        }
        assert partition.documents == len(list(partition.found))
        assert partition.size == sum(one.size for one in partition.found)


def test_no_input_is_one_range_that_holds_everything() -> None:
    [partition] = cut(pair([], []), 40)
    assert (partition.documents, partition.after, partition.until) == (0, "", None)


def test_what_a_program_stored_was_published_before_as_well() -> None:
    [partition] = cut(pair([], [known("a.md", "program"), known("b.md")]), 40)
    assert partition.before == {"a.md": "id of a.md", "b.md": "id of b.md"}


def test_a_folder_that_cannot_be_read_is_known_to_the_ranges_that_it_may_reach() -> None:
    here = [found("a.md"), found("shut", 0, "no"), found("shut-too.md"), found("shutter.md"), found("z.md")]
    partitions = list(cut(pair(here, [known("shut/in.md")]), 10))
    closed = {one.key: part.closed for part in partitions for one in part.found}
    assert closed == {
        "a.md": (),
        "shut": (),  # it says so itself
        "shut-too.md": (),  # in the same range; "-" comes before "/"
        "shutter.md": ("shut/",),  # in the range of shut/in.md
        "z.md": (),
    }
    [reached] = [part for part in partitions if within(part, "shut/in.md")]
    assert "shut/" in reached.closed


def test_the_root_that_cannot_be_read_reaches_everywhere() -> None:
    partitions = list(cut(pair([found(".", 0, "no")], [known(f"{n:04}.md") for n in range(2_500)]), 10))
    assert len(partitions) == 3
    assert [part.closed for part in partitions[1:]] == [("",), ("",)]


@pytest.mark.parametrize(
    ("size", "at_once", "expected"),
    [(0, 4, SMALLEST), (64 * SMALLEST, 4, 4 * SMALLEST), (10**12, 4, LARGEST)],
)
def test_partitions_are_small_enough_to_end_together_and_large_enough_to_pay(
    size: int, at_once: int, expected: int
) -> None:
    assert partition_size(size, at_once) == expected
