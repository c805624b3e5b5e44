"""Checks: what is listed, and in which order."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

import pickle
from functools import partial
from typing import Any

import pytest

from batchwright.items import Item
from batchwright.testing.calls import silent, within
from batchwright.testing.sources.rig import Contents, SourceChecks, SourceRig


class ListChecks(SourceChecks):
    """What `list`, `item` and `cursor` promise."""

    def test_every_item_is_listed(self, rig: SourceRig, contents: Contents) -> None:
        """Fails: an item is missing, or too many are listed, as the last page of a listing."""
        held = contents()
        least = 3 if rig.make().record_type is None else 1  # a query is one item
        assert len(held) >= least, f"the input has {len(held)} items; make it have {least} or more"
        assert sorted(item.key for item in rig.listed()) == sorted(held)

    def test_each_key_is_listed_once_and_in_order(self, rig: SourceRig) -> None:
        """Fails: a key comes twice, or not in the order of code points. Sort, or say ``sorted = False``."""
        source = rig.make()
        keys = [item.key for item in rig.listed(source)]
        assert len(set(keys)) == len(keys), "a key is listed twice"
        if source.sorted:
            assert keys == sorted(keys)
            assert all(keys), "a key is empty"

    def test_listing_again_gives_the_same(self, rig: SourceRig) -> None:
        """Fails: a second listing differs, though nothing changed: a page or a stream was used up."""
        source = rig.make()
        assert rig.listed(source) == rig.listed(source) == rig.listed()

    def test_a_listing_that_is_left_early_does_no_harm(self, rig: SourceRig) -> None:
        """Fails: after a listing that was not read to its end, the next one isn't whole."""
        source = rig.make()
        listing = source.list()
        next(listing)
        assert rig.listed(source) == rig.listed()
        del listing

    def test_a_listing_begins_behind_after_and_ends_with_until(self, rig: SourceRig) -> None:
        """Fails: `after` or `until` is ignored, or off by one: partitions would load items twice or never."""
        whole = rig.listed()
        keys = sorted(item.key for item in whole)
        bounds = ["", keys[0], keys[0] + "\0", keys[len(keys) // 2], keys[-1], keys[-1] + "~"]
        for after in bounds:
            for until in (*bounds, None):
                expected = [key for key in keys if after < key and (until is None or key <= until)]
                listed = sorted(item.key for item in rig.listed(after=after, until=until))
                assert listed == expected, f"after={after!r}, until={until!r}"

    def test_an_item_is_found_by_its_key(self, rig: SourceRig) -> None:
        """Fails: `item` doesn't return what is listed under a key, or returns something for another."""
        source = rig.make()
        for item in rig.listed(source)[:3]:
            found = within(rig.patience, "`item`", partial(source.item, item.key))
            assert found == item
        assert within(rig.patience, "`item`", lambda: source.item("batchwright/no such key")) is None

    def test_items_are_what_they_should_be(self, rig: SourceRig) -> None:
        """Fails: an item has a key that is no text, a negative size, or a key that begins with a slash."""
        for item in rig.listed():
            assert type(item) is Item
            assert isinstance(item.key, str)
            assert item.key.encode(), "the key isn't text"
            assert not item.key.startswith("/"), "the key begins with a slash; make it relative to the source"
            assert isinstance(item.size, int)
            assert item.size >= 0
            assert isinstance(item.fingerprint, str)
            assert isinstance(item.media_type, str)
            assert item.error is None or item.error.strip()

    def test_items_and_the_source_can_be_pickled(self, rig: SourceRig) -> None:
        """Fails: other processes can't be sent the source or its items. Keep no connection in either."""
        source = rig.make()
        items = rig.listed(source)
        copies, copy = _pickled(items), _pickled(source)
        assert copies == items
        copy.selection = source.selection
        try:
            assert rig.listed(copy) == items
            assert rig.content(copy, copies[0]) == rig.content(source, items[0])
        finally:
            copy.close()

    def test_a_cursor_lists_what_changed_since_and_what_has_none(self, rig: SourceRig) -> None:
        """Fails: `since` leaves out an item whose cursor is as high or higher, or one without a cursor."""
        source = rig.make()
        items = rig.listed(source)
        cursors = {item.key: source.cursor(item) for item in items}
        if not any(cursors.values()):
            pytest.skip("no item has a cursor")
        for since in sorted({cursor for cursor in cursors.values() if cursor is not None}):
            missing = {key for key, cursor in cursors.items() if cursor is None or cursor >= since}
            missing -= {item.key for item in rig.listed(since=since)}
            assert not missing, f"since={since!r}"

    def test_a_source_that_selects_lists_only_what_is_selected(self, rig: SourceRig) -> None:
        """Fails: ``selects = True``, yet `list` yields what `selection` doesn't take."""
        source = rig.make(patterns=("batchwright-kit-*.none",))
        if not source.selects:
            pytest.skip("it leaves that to the engine: `selects` is False")
        assert rig.listed(source) == []

    def test_nothing_is_written_to_stdout(self, rig: SourceRig, capfd: pytest.CaptureFixture[str]) -> None:
        """Fails: it prints. Stdout belongs to the results of the command; log, or write to stderr."""
        source = rig.make()
        for item in rig.listed(source):
            rig.content(source, item)
        source.close()
        silent(capfd, "the source")

    def test_a_probe_of_an_input_that_is_there_says_nothing(self, rig: SourceRig) -> None:
        """Fails: `probe` raises though the input can be listed, or hangs."""
        within(rig.patience, "`probe`", rig.make().probe)

    def test_closing_twice_does_no_harm(self, rig: SourceRig) -> None:
        """Fails: the second `close` raises, or one before anything was listed."""
        for used in (False, True):
            source = rig.make()
            if used:
                rig.content(source, rig.listed(source)[0])
            for _ in range(3):
                within(rig.patience, "`close`", source.close)

    def test_the_source_says_what_it_is(self, rig: SourceRig) -> None:
        """Fails: `name` is empty, or no scheme is that of its URL, or the limits make no sense."""
        source = rig.make()
        assert source.name.strip() == source.name != ""
        scheme = source.options.url.get_secret_value().partition(":")[0].lower()
        assert scheme in {known.lower() for known in source.schemes}
        assert source.limits.at_once >= 1
        assert source.limits.requests_a_minute is None or source.limits.requests_a_minute >= 1
        assert source.origin().strip(), "`origin` is empty; say what tells this input from another"


def _pickled(what: Any) -> Any:
    try:
        return pickle.loads(pickle.dumps(what))  # noqa: S301 - made here
    except Exception as error:  # noqa: BLE001 - whatever its parts raise
        pytest.fail(f"{type(error).__name__}: {error}")
