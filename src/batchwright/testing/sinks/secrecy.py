"""Checks: a password shows nowhere."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

import logging
import traceback

import pytest

from batchwright.contracts.sink import AnySink
from batchwright.errors import ConfigError
from batchwright.testing.calls import within
from batchwright.testing.records import SECRET
from batchwright.testing.sinks.rig import Rig, SinkChecks, says


class SecrecyChecks(SinkChecks):
    """Where a person or a log might see it."""

    def test_the_repr_shows_no_secret(self, wrong_target: AnySink) -> None:
        """Fails: `repr` or `str` of the sink or its options shows a password. Leave the URL out."""
        given = str(wrong_target.options.url.get_secret_value())
        assert SECRET in given, "the fixture `wrong_target` must have `batchwright.testing.SECRET` in its URL"
        for shown in (
            repr(wrong_target),
            str(wrong_target),
            repr(wrong_target.options),
            str(wrong_target.options),
        ):
            assert SECRET not in shown, f"shown: {says(shown)}"

    def test_an_error_of_open_shows_no_secret(
        self, rig: Rig, wrong_target: AnySink, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Fails: the message, a cause or a log record of a failed `open` shows a password. Mask it."""
        caplog.set_level(logging.DEBUG)
        try:
            store = within(rig.patience + 20, "`open` of a wrong target", wrong_target.open)
        except Exception as error:  # noqa: BLE001 - all must be discreet
            shown = "".join(traceback.format_exception(error)) + repr(error)
            message = str(error).strip()
        else:
            store.close()
            pytest.fail("the wrong target can be opened; refuse a host, or override `wrong_target`")
        assert message, "the error has no message; say what is wrong and what to do"
        assert SECRET not in shown, f"shown: {says(shown[max(0, shown.find(SECRET) - 100) :])}"
        assert SECRET not in caplog.text, "a password is logged"

    def test_an_error_of_exists_shows_no_secret(
        self, rig: Rig, wrong_target: AnySink, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Fails: the message or a log record of a failed `exists` shows a password. Mask it."""
        caplog.set_level(logging.DEBUG)
        try:
            within(rig.patience + 20, "`exists` of a wrong target", wrong_target.exists)
        except Exception as error:  # noqa: BLE001 - all must be discreet
            shown = "".join(traceback.format_exception(error)) + repr(error)
            assert SECRET not in shown, f"`exists` shows it: {says(shown[shown.find(SECRET) - 100 :])}"
        assert SECRET not in caplog.text, "a password is logged"

    def test_the_identity_shows_no_secret(self, wrong_target: AnySink) -> None:
        """Fails: `identity` holds the password; it names files, and stands in messages. Leave it out."""
        try:
            shown = wrong_target.identity()
        except Exception as error:  # noqa: BLE001 - all must be discreet
            shown = "".join(traceback.format_exception(error)) + repr(error)
        assert SECRET not in shown, f"shown: {says(shown)}"

    def test_an_error_of_the_options_shows_no_secret(self, rig: Rig) -> None:
        """Fails: a wrong option is shown with its value. Keep `hide_input_in_errors` of SinkOptions."""
        options = type(rig.make().options)
        for given in ({"url": [SECRET]}, {"url": f"x://{SECRET}", "no_such_option": SECRET}):
            with pytest.raises(ConfigError) as caught:
                options.model_validate(given)
            assert SECRET not in str(caught.value), f"shown: {says(str(caught.value))}"
