"""Checks: an embedder is cheap to make, asks only whom it says, and can be closed."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

import pytest

from batchwright.contracts.embedder import Embedder, EmbedderOptions
from batchwright.errors import ConfigError
from batchwright.testing.audits import asked
from batchwright.testing.calls import silent, within
from batchwright.testing.embedders.rig import TEXTS, EmbedderChecks, EmbedderRig
from batchwright.testing.records import SECRET


class LifecycleChecks(EmbedderChecks):
    """Making, asking, closing."""

    def test_making_it_asks_nobody(self, rig: EmbedderRig) -> None:
        """Fails: `model`, `limits`, `host`, `tokens` or making it connects to something, or fetches it."""
        with asked() as whom:
            embedder = rig.make()
            assert isinstance(embedder, Embedder), "it must be a batchwright.Embedder"
            assert embedder.name.strip() == embedder.name != ""
            embedder.tokens("word")
            assert (embedder.model, embedder.limits) is not None
            assert isinstance(embedder.host, str)
        assert not whom, whom[0]

    def test_where_no_host_is_said_nobody_is_asked(self, rig: EmbedderRig) -> None:
        """Fails: a model is downloaded, or texts go somewhere that `host` doesn't say, as ``plan`` does.

        A model that isn't there is a ConfigError that says how to get it beforehand.
        """
        embedder = rig.make()
        if embedder.host:
            pytest.skip(f"texts go to {embedder.host}")
        with asked() as whom:
            rig.embedded(embedder, TEXTS[:1])
            within(rig.patience, "`probe`", embedder.probe)
        assert not whom, whom[0]

    def test_the_probe_passes(self, rig: EmbedderRig) -> None:
        """Fails: `probe` raises, though texts can be embedded."""
        embedder = rig.make()
        try:
            within(rig.patience, "`probe`", embedder.probe)
        except Exception as error:  # noqa: BLE001 - none may come
            pytest.fail(f"{type(error).__name__}: {error}")

    def test_it_may_be_closed_twice_and_before_it_was_used(self, rig: EmbedderRig) -> None:
        """Fails: `close` raises where there is nothing to close, or nothing any more."""
        for used in (False, True):
            embedder = rig.make()
            if used:
                rig.embedded(embedder, TEXTS[:1])
            for _ in range(2):
                try:
                    within(rig.patience, "`close`", embedder.close)
                except Exception as error:  # noqa: BLE001 - none may come
                    pytest.fail(f"{type(error).__name__}: {error}")

    def test_closing_one_leaves_others_alone(self, rig: EmbedderRig) -> None:
        """Fails: embedders share what `close` closes."""
        one, other = rig.make(), rig.make()
        before = [rig.embedded(embedder, TEXTS[:1])[0] for embedder in (one, other)]
        one.close()
        assert rig.alike(rig.embedded(other, TEXTS[:1])[0], before[1])

    def test_nothing_is_written_to_stdout(self, rig: EmbedderRig, capfd: pytest.CaptureFixture[str]) -> None:
        """Fails: it prints, a progress bar say. Stdout belongs to the results of the command."""
        embedder = rig.make()
        capfd.readouterr()
        rig.embedded(embedder, TEXTS[: embedder.limits.texts])
        embedder.close()
        silent(capfd, "the embedder")

    def test_an_unknown_option_is_refused(self, rig: EmbedderRig) -> None:
        """Fails: a misspelt option is ignored, or shown with its value. Keep to EmbedderOptions."""
        embedder = rig.make()
        assert issubclass(embedder.options_type, EmbedderOptions)
        given = {name: getattr(embedder.options, name) for name in embedder.options.model_fields_set}
        with pytest.raises(ConfigError, match="no_such_option") as caught:
            embedder.options_type.model_validate({**given, "no_such_option": SECRET})
        assert SECRET not in str(caught.value), "an error of the options shows what was given"
