"""Checks: a password shows nowhere."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterable
from functools import partial

import pytest

from batchwright.contracts.source import AnySource, SourceOptions
from batchwright.errors import ConfigError
from batchwright.items import Item
from batchwright.testing.calls import within
from batchwright.testing.records import SECRET
from batchwright.testing.sources.rig import SourceChecks, SourceRig


class SecrecyChecks(SourceChecks):
    """Where a person, a log or the ledger might hold it."""

    def test_the_repr_shows_no_secret(self, wrong_source: AnySource) -> None:
        """Fails: `repr` or `str` of the source or its options shows a password. Leave the URL out."""
        given = wrong_source.options.url.get_secret_value()
        assert SECRET in given, "the fixture `wrong_source` must have `batchwright.testing.SECRET` in its URL"
        for shown in (
            repr(wrong_source),
            str(wrong_source),
            repr(wrong_source.options),
            str(wrong_source.options),
        ):
            assert SECRET not in shown, f"shown: {shown[:300]}"

    def test_the_origin_shows_no_secret(self, wrong_source: AnySource) -> None:
        """Fails: `origin` or `collection_name` holds a password, user or token; the ledger keeps both."""
        for shown in (wrong_source.origin(), wrong_source.collection_name() or ""):
            assert SECRET not in shown, f"shown: {shown[:300]}"

    def test_an_error_shows_no_secret(
        self, rig: SourceRig, wrong_source: AnySource, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Fails: the message, a cause or a log record of a failed `list` or `probe` shows a password."""
        caplog.set_level(logging.DEBUG)
        calls: dict[str, Callable[[], Iterable[Item] | None]] = {
            "`list`": wrong_source.list,
            "`probe`": wrong_source.probe,
        }
        for what, call in calls.items():
            shown = within(rig.patience + 20, f"{what} of a wrong source", partial(_complaint, call))
            assert shown.strip(), f"{what} says nothing is wrong; say what is, or override `wrong_source`"
            place = max(0, shown.find(SECRET) - 100)
            assert SECRET not in shown, f"{what} shows it: {shown[place : place + 300]}"
        assert SECRET not in caplog.text, "a password is logged"

    def test_an_unknown_option_is_refused(self, rig: SourceRig) -> None:
        """Fails: a misspelt option is ignored, or shown with its value. Keep to SourceOptions."""
        source = rig.make()
        assert issubclass(source.options_type, SourceOptions)
        given = source.options.model_dump(by_alias=True, exclude_unset=True)
        with pytest.raises(ConfigError, match="no_such_option") as caught:
            source.options_type.model_validate({**given, "no_such_option": SECRET})
        assert SECRET not in str(caught.value), "an error of the options shows what was given"


def _complaint(call: Callable[[], Iterable[Item] | None]) -> str:
    """Return what a call says is wrong: by an error, or by the items that can't be fetched."""
    try:
        return "\n".join(item.error or "" for item in call() or ())
    except Exception as error:  # noqa: BLE001 - all must be discreet
        return "".join(traceback.format_exception(error)) + repr(error) if str(error).strip() else ""
