"""Checks: items that change, come and go, and have odd names."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

import pytest

from batchwright.testing.sources.rig import Contents, Put, Remove, SourceChecks, SourceRig
from batchwright.testing.supplied import supplied

KEYS = (
    "batchwright kit.md",
    "batchwright-kit/ünïcode/\U0001f600.md",
    "batchwright-kit/a?b[c]*d{e}.md",
    "batchwright-kit/100%25#fragment&x=1+2.md",
    "batchwright-kit/-rf.md",
    "batchwright-kit/'; DROP TABLE x; --.md",
    "batchwright-kit/" + "x" * 200 + ".md",
    "batchwright-kit/two\nlines.md",
)
"""Keys that are hostile to URLs, globs, shells and terminals."""


class ChangeChecks(SourceChecks):
    """What becomes of the list and of what is fetched."""

    def test_a_changed_item_has_another_fingerprint(
        self, rig: SourceRig, contents: Contents, put: Put | None
    ) -> None:
        """Fails: a fingerprint stays though the content changed: the item would never be loaded again."""
        change, held = supplied(put, "put"), contents()
        before = {item.key: item for item in rig.listed()}
        key = min(before)
        change(key, bytes(reversed(held[key])) + b"!")
        after = {item.key: item for item in rig.listed()}
        assert after.keys() == before.keys()
        if before[key].fingerprint:
            assert after[key].fingerprint != before[key].fingerprint
        for other in before.keys() - {key}:
            assert after[other].fingerprint == before[other].fingerprint, "an item that didn't change"

    def test_what_changed_behind_the_list_is_never_taken_for_what_was_listed(
        self, rig: SourceRig, contents: Contents, put: Put | None
    ) -> None:
        """Fails: an item that changed since it was listed is fetched with the fingerprint of before.

        Say in `Fetched.fingerprint` what was fetched, or raise where it isn't what was listed.
        """
        change, held = supplied(put, "put"), contents()
        source = rig.make()
        item = rig.listed(source)[0]
        change(item.key, held[item.key] + b" and more")
        try:
            fetched = rig.fetched(source, item)
            content = rig.read(fetched)
        except Exception:  # noqa: BLE001 - refusing it is as good
            return
        assert content in (held[item.key], held[item.key] + b" and more"), (
            "neither the old nor the new content"
        )
        if item.fingerprint and content != held[item.key]:
            [now] = [listed.fingerprint for listed in rig.listed() if listed.key == item.key]
            assert (fetched.fingerprint or item.fingerprint) == now

    def test_an_item_that_is_gone_is_not_found(self, rig: SourceRig, remove: Remove | None) -> None:
        """Fails: fetching what is gone since it was listed raises something else than FileNotFoundError."""
        take_away = supplied(remove, "remove")
        source = rig.make()
        item = rig.listed(source)[0]
        take_away(item.key)
        with pytest.raises(FileNotFoundError):
            rig.content(rig.make(), item)

    def test_an_item_that_is_gone_is_not_listed(self, rig: SourceRig, remove: Remove | None) -> None:
        """Fails: what is gone is still listed, and not as `deleted`; or something else is gone with it."""
        take_away = supplied(remove, "remove")
        keys = [item.key for item in rig.listed()]
        take_away(keys[1])
        assert [item.key for item in rig.listed() if not item.deleted] == [keys[0], *keys[2:]]

    @pytest.mark.parametrize("key", KEYS)
    def test_an_odd_key_is_a_key_like_any_other(self, rig: SourceRig, put: Put | None, key: str) -> None:
        """Fails: a key with characters of URLs, globs or Unicode isn't listed or fetched. Quote it."""
        add = supplied(put, "put")
        try:
            add(key, b"# Odd")
        except Exception as error:  # noqa: BLE001 - whatever the input says
            pytest.skip(f"the input can't hold such a key: {type(error).__name__}")
        source = rig.make()
        found = {item.key: item for item in rig.listed(source)}
        assert key in found
        assert rig.content(source, found[key]) == b"# Odd"
        assert source.item(key) == found[key]

    def test_an_empty_item_is_an_item(self, rig: SourceRig, put: Put | None) -> None:
        """Fails: an item without any bytes isn't listed, or can't be fetched."""
        supplied(put, "put")("batchwright-kit.md", b"")
        source = rig.make()
        found = {item.key: item for item in rig.listed(source)}
        assert "batchwright-kit.md" in found
        item = found["batchwright-kit.md"]
        assert (item.size, rig.content(source, item)) == (0, b"")

    def test_many_items_are_listed_in_order(self, rig: SourceRig, put: Put | None) -> None:
        """Fails: beyond the first page of a listing items are missing, twice there, or out of order."""
        add = supplied(put, "put")
        before = {item.key for item in rig.listed()}
        added = {f"{name}{number}.md" for number in range(40) for name in ("batchwright-kit/", "kit-")}
        for key in sorted(added, key=lambda key: key[::-1]):
            add(key, key.encode())
        source = rig.make()
        keys = [item.key for item in rig.listed(source)]
        assert sorted(keys) == sorted(before | added)
        if source.sorted:
            assert keys == sorted(keys)
