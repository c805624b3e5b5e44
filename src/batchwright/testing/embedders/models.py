"""Checks: what the embedder says of its model, its limits, and of texts."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

from batchwright.contracts.embedder import EmbeddingModel
from batchwright.testing.embedders.process import embedded_elsewhere
from batchwright.testing.embedders.rig import HOSTILE, TEXTS, EmbedderChecks, EmbedderRig


class ModelChecks(EmbedderChecks):
    """What `model`, `limits` and `tokens` promise."""

    def test_the_model_says_what_it_is(self, rig: EmbedderRig) -> None:
        """Fails: the model has no name or dimensions, or settings that are no texts."""
        model = rig.make().model
        assert isinstance(model, EmbeddingModel)
        assert model.name.strip()
        assert type(model.dimensions) is int
        assert model.dimensions >= 1
        assert all(isinstance(part, str) for pair in model.settings for part in pair)
        assert EmbeddingModel.of_identity(model.identity) == model

    def test_the_model_stays_the_same(self, rig: EmbedderRig) -> None:
        """Fails: `model` differs between two embedders alike, or once something was embedded.

        Vectors of models that differ are never mixed: all would be made anew.
        """
        embedder = rig.make()
        before = embedder.model
        rig.embedded(embedder, TEXTS[:1])
        assert embedder.model == before
        assert rig.make().model == before

    def test_another_process_has_the_same_model_and_vectors(self, rig: EmbedderRig) -> None:
        """Fails: it can't be pickled, or `identity` or a vector depend on a hash, an id or the process."""
        embedder = rig.make()
        elsewhere = embedded_elsewhere(embedder, TEXTS[0], rig.patience)
        assert elsewhere.identity == embedder.model.identity
        assert rig.alike(elsewhere.vector, rig.embedded(embedder, TEXTS[:1])[0])

    def test_limits_are_numbers_from_one(self, rig: EmbedderRig) -> None:
        """Fails: a limit is 0 or less, or no whole number, or a text may have more tokens than a request."""
        limits = rig.make().limits
        for name in ("texts", "at_once"):
            assert type(getattr(limits, name)) is int, name
            assert getattr(limits, name) >= 1, name
        for name in ("tokens", "tokens_a_text", "requests_a_minute", "tokens_a_minute"):
            limit = getattr(limits, name)
            assert limit is None or (type(limit) is int and limit >= 1), name
        if limits.tokens is not None and limits.tokens_a_text is not None:
            assert limits.tokens_a_text <= limits.tokens

    def test_tokens_are_counted_the_same_each_time_and_more_for_more(self, rig: EmbedderRig) -> None:
        """Fails: `tokens` raises, differs from time to time, or doesn't grow with the text."""
        embedder = rig.make()
        for text in (*TEXTS, *HOSTILE.values(), ""):
            count = embedder.tokens(text)
            assert type(count) is int, f"{count!r}"
            assert count >= 0
            assert embedder.tokens(text) == rig.make().tokens(text) == count
        assert embedder.tokens(TEXTS[0] * 20) > 10 * embedder.tokens(TEXTS[0])
