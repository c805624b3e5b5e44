"""Checks: a key shows nowhere."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from functools import partial

import pytest

from batchwright.contracts.embedder import AnyEmbedder
from batchwright.testing.calls import within
from batchwright.testing.embedders.rig import TEXTS, EmbedderChecks
from batchwright.testing.records import SECRET
from batchwright.testing.supplied import supplied


class SecrecyChecks(EmbedderChecks):
    """Where a person, a log or the target might hold it."""

    def test_nothing_that_is_shown_holds_the_key(self, wrong_embedder: AnyEmbedder | None) -> None:
        """Fails: `repr`, `str`, the options, `host` or the model's identity show the key. Use SecretStr."""
        embedder = supplied(wrong_embedder, "wrong_embedder")
        options = embedder.options
        shown = [repr(embedder), str(embedder), repr(options), str(options), options.model_dump_json()]
        for text in (*shown, str(options.model_dump()), embedder.host, embedder.model.identity):
            assert SECRET not in text, f"shown: {text[:300]}"

    def test_an_error_shows_no_key(
        self, wrong_embedder: AnyEmbedder | None, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Fails: the message, a cause or a log record of a failed `embed` or `probe` shows the key."""
        embedder = supplied(wrong_embedder, "wrong_embedder")
        caplog.set_level(logging.DEBUG)
        calls: dict[str, Callable[[], object]] = {
            "`embed`": partial(embedder.embed, list(TEXTS[:1])),
            "`probe`": embedder.probe,
        }
        for what, call in calls.items():
            shown = within(self.patience, f"{what} of a wrong embedder", partial(_complaint, call))
            assert shown.strip(), f"{what} says nothing is wrong; see the fixture `wrong_embedder`"
            place = max(0, shown.find(SECRET) - 100)
            assert SECRET not in shown, f"{what} shows it: {shown[place : place + 300]}"
        assert SECRET not in caplog.text, "a key is logged"
        embedder.close()


def _complaint(call: Callable[[], object]) -> str:
    """Return what a call says is wrong."""
    try:
        call()
    except Exception as error:  # noqa: BLE001 - all must be discreet
        return "".join(traceback.format_exception(error)) + repr(error) if str(error).strip() else ""
    return ""
