"""Checks: what is fetched is what the input holds."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from batchwright.contracts.source import AnySource
from batchwright.items import Item
from batchwright.testing.calls import Call
from batchwright.testing.sources.rig import Contents, SourceChecks, SourceRig, held_by


class FetchChecks(SourceChecks):
    """What `fetch` promises."""

    def test_what_is_fetched_is_what_there_is(self, rig: SourceRig, contents: Contents) -> None:
        """Fails: an item's content is cut short, decoded, changed, or that of another."""
        source, held = rig.make(), contents()
        for item in rig.listed(source):
            assert rig.content(source, item) == held[item.key], item.key

    def test_what_is_fetched_may_be_opened_again(self, rig: SourceRig, contents: Contents) -> None:
        """Fails: `open` works once only; it is called again where a stream breaks off."""
        source, held = rig.make(), contents()
        for item in rig.listed(source)[:3]:
            fetched = rig.fetched(source, item)
            for _ in range(2 if callable(fetched.open) else 1):
                try:
                    content = rig.read(fetched)
                except Exception as error:  # noqa: BLE001 - such as that the stream is closed
                    pytest.fail(f"{item.key}: {type(error).__name__}: {error}")
                assert content == held[item.key], item.key

    def test_items_are_fetched_in_any_order_and_again(self, rig: SourceRig, contents: Contents) -> None:
        """Fails: `fetch` relies on the order of the list, or on the item before."""
        source, held = rig.make(), contents()
        items = rig.listed(source)
        for item in [*reversed(items), *items]:
            assert rig.content(source, item) == held[item.key], item.key

    def test_a_source_that_has_listed_nothing_fetches(self, rig: SourceRig, contents: Contents) -> None:
        """Fails: `fetch` needs what `list` left in the source; in another process nothing was listed."""
        held = contents()
        for item in rig.listed()[:3]:
            assert rig.content(rig.make(), item) == held[item.key], item.key

    def test_items_may_be_fetched_at_the_same_time(self, rig: SourceRig, contents: Contents) -> None:
        """Fails: threads get in each other's way. Keep nothing in `self`, or say ``at_once=1``."""
        source, held = rig.make(), contents()
        if source.limits.at_once == 1:
            pytest.skip("one item is fetched at a time: `limits.at_once` is 1")
        items = rig.listed(source)
        wanted = (items * 8)[: max(8, len(items))]
        calls = [Call(partial(_read_slowly, source, item)) for item in wanted]
        for item, call in zip(wanted, calls, strict=True):
            assert call.result(rig.patience, "fetching with others") == held[item.key], item.key


def _read_slowly(source: AnySource, item: Item) -> Any:
    return held_by(source.fetch(item), at_once=64)
