"""Counting the input: few documents are remembered, many are put aside; both give the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from batchwright import Item
from batchwright.builtin.files.source import FilesOptions, FilesSource
from batchwright.engine.reading.inventory import Inventory
from tests.support.reading import input_of


@pytest.mark.parametrize("remembered", [1, 4, 5, 6])
def test_documents_are_counted_and_come_in_order(tmp_path: Path, remembered: int) -> None:
    for name in ("b.md", "a/z.md", "a-1.md", "c.md", "ä.md", "not.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    inventory = Inventory(input_of(tmp_path), remembered)
    assert (inventory.documents, inventory.size) == (5, 25)
    for _ in range(2):
        assert [found.key for found in inventory] == ["a-1.md", "a/z.md", "b.md", "c.md", "ä.md"]


def test_few_documents_are_found_once(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("one")
    inventory = Inventory(input_of(tmp_path))
    (tmp_path / "b.md").write_text("two")
    assert [found.key for found in inventory] == ["a.md"]


class _Unsorted(FilesSource):
    sorted = False

    def list(self, after: str = "", until: str | None = None, since: str | None = None) -> Iterator[Item]:
        return iter([*super().list()][::-1])


@pytest.mark.parametrize("remembered", [1, 2, 7, 1_000])
def test_items_in_any_order_are_sorted_on_disk(tmp_path: Path, remembered: int) -> None:
    keys = [f"{number:04}.md" for number in range(600)]
    for key in keys:
        (tmp_path / key).write_text("x")
    source = _Unsorted(FilesOptions(url=SecretStr(tmp_path.as_uri())))
    inventory = Inventory(replace(input_of(tmp_path), source=source), remembered)
    assert inventory.documents == 600
    for _ in range(2):
        assert [found.key for found in inventory] == keys
