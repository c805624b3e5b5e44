"""Checks: texts that a model can't take cost only themselves."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

import pytest

from batchwright.contracts.embedder import AnyEmbedder
from batchwright.errors import BadRecords, BatchTooLarge
from batchwright.testing.embedders.rig import HOSTILE, TEXTS, EmbedderChecks, EmbedderRig
from batchwright.testing.supplied import supplied


class RefusalChecks(EmbedderChecks):
    """What becomes of hostile texts, and of those that are refused."""

    @pytest.mark.parametrize("what", HOSTILE)
    def test_a_hostile_text_has_a_vector_or_is_named(self, rig: EmbedderRig, what: str) -> None:
        """Fails: it raises something else than BadRecords, hangs, or has a vector of NaN."""
        embedder = rig.make()
        if not rig.fits(embedder, HOSTILE[what]):
            pytest.skip("it is longer than `limits.tokens_a_text`")
        _taken(rig, embedder, [HOSTILE[what]], {0})

    @pytest.mark.parametrize("what", HOSTILE)
    def test_a_hostile_text_costs_no_other(self, rig: EmbedderRig, what: str) -> None:
        """Fails: BadRecords names other texts than the bad one, or others have other vectors beside it."""
        embedder = rig.make()
        texts = [TEXTS[0], HOSTILE[what], TEXTS[1]]
        if not rig.fits(embedder, *texts):
            pytest.skip("it is more than `limits` allow")
        if (vectors := _taken(rig, embedder, texts, {1})) is not None:
            for position in (0, 2):
                assert rig.alike(vectors[position], rig.embedded(embedder, [texts[position]])[0])

    def test_a_text_that_is_refused_is_named(self, rig: EmbedderRig, refused_text: str | None) -> None:
        """Fails: the refusal of a text alone isn't BadRecords({0: why}).

        Among others it may be BatchTooLarge: they are halved until it stands alone.
        """
        text = supplied(refused_text, "refused_text")
        embedder = rig.make()
        with pytest.raises(BadRecords) as caught:
            rig.embedded(embedder, [text])
        assert caught.value.reasons.keys() == {0}
        assert caught.value.reasons[0].strip(), "it doesn't say why"
        if embedder.limits.texts >= 3:
            with pytest.raises((BadRecords, BatchTooLarge)) as beside:
                rig.embedded(embedder, [TEXTS[0], text, TEXTS[1]])
            if isinstance(beside.value, BadRecords):
                assert beside.value.reasons.keys() == {1}
        rig.embedded(embedder, TEXTS[:1])


def _taken(
    rig: EmbedderRig, embedder: AnyEmbedder, texts: list[str], bad: set[int]
) -> list[list[float]] | None:
    """Return the vectors; None where the bad ones were refused."""
    try:
        return rig.embedded(embedder, texts)
    except BadRecords as error:
        named = set(error.reasons)
    except BatchTooLarge as error:
        if len(texts) == 1:
            pytest.fail(f"one text can't be halved: say BadRecords instead of BatchTooLarge: {error}")
        return None
    except ValueError as error:  # of a codec, say
        pytest.fail(f"{type(error).__name__}: {error}; say BadRecords, or embed it")
    assert named == bad, f"it names {sorted(named)}, where {sorted(bad)} is bad"
    return None
