"""Checks: an input that can't be reached, or only in part."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

import pytest

from batchwright.errors import DocumentError
from batchwright.testing.calls import within
from batchwright.testing.sources.rig import Contents, Context, SourceChecks, SourceRig
from batchwright.testing.supplied import supplied


class OutageChecks(SourceChecks):
    """What is said of it: nobody may take what can't be seen for gone."""

    def test_a_listing_that_breaks_off_raises(self, rig: SourceRig, break_off: Context | None) -> None:
        """Fails: a listing that can't go on ends as if that were all: the rest would count as gone."""
        broken = supplied(break_off, "break_off")
        source = rig.make()
        whole = [item.key for item in rig.listed(source)]
        listed: list[str] = []

        def listing() -> None:
            listed.extend(item.key for item in source.list())

        with broken(), pytest.raises(Exception) as caught:  # noqa: PT011 - whatever the source raises
            within(rig.patience, "a listing that breaks off", listing)
        assert str(caught.value).strip(), "the error has no message; say what failed"
        assert listed == whole[: len(listed)], "what was listed before isn't what there is"

    def test_an_input_that_is_out_of_reach_raises(self, rig: SourceRig, cut_off: Context | None) -> None:
        """Fails: `list` or `probe` says nothing, or hangs, where the input can't be reached. Set timeouts."""
        away = supplied(cut_off, "cut_off")
        source = rig.make()
        with away():
            for what, call in {"`list`": lambda: list(source.list()), "`probe`": source.probe}.items():
                with pytest.raises(Exception):  # noqa: B017, PT011 - whatever the source raises
                    within(rig.patience, what, call)

    def test_an_item_that_is_out_of_reach_is_not_given_up(
        self, rig: SourceRig, cut_off: Context | None
    ) -> None:
        """Fails: `fetch` raises what is final for the item (DocumentError, FileNotFoundError) in an outage.

        Let the driver's error through, as `ConnectionError` or `TimeoutError`: it is tried again.
        """
        away = supplied(cut_off, "cut_off")
        source = rig.make()
        item = rig.listed(source)[0]
        with away(), pytest.raises(Exception) as caught:  # noqa: PT011 - whatever the source raises
            rig.content(source, item)
        assert not isinstance(caught.value, DocumentError | FileNotFoundError), f"{caught.value!r} is final"

    def test_it_works_again_when_the_input_is_back(
        self, rig: SourceRig, contents: Contents, cut_off: Context | None
    ) -> None:
        """Fails: after an outage the same source stays broken, as if a connection isn't opened anew."""
        away = supplied(cut_off, "cut_off")
        source, held = rig.make(), contents()
        items = rig.listed(source)
        with away(), pytest.raises(Exception):  # noqa: B017, PT011 - the other checks are about it
            rig.content(source, items[0])
        assert rig.listed(source) == items
        assert rig.content(source, items[0]) == held[items[0].key]
