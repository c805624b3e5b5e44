"""Checks: a model that can't be reached."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from batchwright.errors import BadRecords, BatchTooLarge
from batchwright.testing.calls import within
from batchwright.testing.embedders.rig import TEXTS, EmbedderChecks, EmbedderRig
from batchwright.testing.supplied import supplied


class OutageChecks(EmbedderChecks):
    """What happens while the way to the model is cut off, and afterwards."""

    def test_an_outage_is_no_fault_of_the_texts_and_passes(self, rig: EmbedderRig, cut_off: Any) -> None:
        """Fails: nothing is raised, or BadRecords for a text that is good, or it stays broken afterwards.

        Raise a ConnectionError or a TimeoutError: these are tried again.
        """
        outage = supplied(cut_off, "cut_off")
        embedder = rig.make()
        before = rig.embedded(embedder, TEXTS[:1])[0]
        with outage():
            with pytest.raises(Exception) as caught:  # noqa: PT011 - looked at below
                within(rig.patience, "`embed` while cut off", partial(embedder.embed, list(TEXTS[:1])))
            assert not isinstance(caught.value, BadRecords | BatchTooLarge), repr(caught.value)
        assert rig.alike(rig.embedded(embedder, TEXTS[:1])[0], before)
