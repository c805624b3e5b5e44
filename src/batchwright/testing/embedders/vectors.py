"""Checks: each text gets its vector, whatever else is asked, and by whom."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

from functools import partial
from itertools import combinations

import pytest

from batchwright.testing.calls import Call, within
from batchwright.testing.embedders.rig import TEXTS, EmbedderChecks, EmbedderRig

_MOST = 2_048


class VectorChecks(EmbedderChecks):
    """What `embed` and `embed_query` promise."""

    def test_there_is_one_vector_a_text(self, rig: EmbedderRig) -> None:
        """Fails: texts that are the same share a vector, or one is lost. Return one for each."""
        embedder = rig.make()
        for texts in (TEXTS[:1], TEXTS, TEXTS + TEXTS):
            fitting = texts[: embedder.limits.texts]
            made = within(rig.patience, "`embed`", partial(embedder.embed, list(fitting)))
            assert len(made) == len(fitting), f"{len(made)} vectors for {len(fitting)} texts"

    def test_a_vector_has_the_dimensions_of_the_model(self, rig: EmbedderRig) -> None:
        """Fails: `model.dimensions` is another number."""
        embedder = rig.make()
        rig.embedded(embedder, TEXTS[:1])

    def test_the_numbers_are_finite_and_not_all_zero(self, rig: EmbedderRig) -> None:
        """Fails: a vector has NaN, or is nothing but zeros: it is near to nothing. Say BadRecords."""
        embedder = rig.make()
        for text in TEXTS:
            [vector] = rig.embedded(embedder, [text])
            assert any(vector), f"all numbers of a vector are 0: {text!r}"

    def test_vectors_come_in_the_order_of_the_texts(self, rig: EmbedderRig) -> None:
        """Fails: vectors are given to texts by their place. Go by the `index` of the answer."""
        embedder = rig.make()
        alone = {text: rig.embedded(embedder, [text])[0] for text in TEXTS}
        size = max(1, min(len(TEXTS), embedder.limits.texts))
        for turn in range(len(TEXTS)):
            texts = (TEXTS[turn:] + TEXTS[:turn])[:size]
            for text, vector in zip(texts, rig.embedded(embedder, texts), strict=True):
                assert rig.alike(vector, alone[text]), f"another vector than alone: {text!r}"

    def test_the_same_text_has_the_same_vector(self, rig: EmbedderRig) -> None:
        """Fails: the vector depends on time, chance, or what was embedded before."""
        first = rig.embedded(rig.make(), TEXTS[:1])[0]
        embedder = rig.make()
        for text in TEXTS[1:] + TEXTS[:1]:
            [vector] = rig.embedded(embedder, [text])
        assert rig.alike(vector, first)

    def test_texts_that_differ_have_vectors_that_differ(self, rig: EmbedderRig) -> None:
        """Fails: all texts have one vector, or only their beginning counts."""
        embedder = rig.make()
        long = "The same words at the beginning. " * 20
        texts = [*TEXTS, long + "Apples.", long + "A lease, a token, an owner."]
        vectors = [rig.embedded(embedder, [text])[0] for text in texts]
        for (one, a), (other, b) in combinations(zip(texts, vectors, strict=True), 2):
            assert a != b, f"one vector for {one[-40:]!r} and {other[-40:]!r}"

    def test_a_full_request_is_taken(self, rig: EmbedderRig) -> None:
        """Fails: `limits` promise more than a request may hold."""
        embedder = rig.make()
        texts = [f"number {number}" for number in range(min(embedder.limits.texts, _MOST))]
        while len(texts) > 1 and not rig.fits(embedder, *texts):
            texts = texts[: len(texts) // 2]
        rig.embedded(embedder, texts)

    def test_requests_may_be_made_at_the_same_time(self, rig: EmbedderRig) -> None:
        """Fails: threads get each other's vectors. Keep nothing in `self`, or say ``at_once=1``."""
        embedder = rig.make()
        if embedder.limits.at_once == 1:
            pytest.skip("one request is made at a time: `limits.at_once` is 1")
        alone = {text: rig.embedded(embedder, [text])[0] for text in TEXTS}
        size = min(3, embedder.limits.texts)
        wanted = [[TEXTS[(start + step) % len(TEXTS)] for step in range(size)] for start in range(24)]
        calls = [Call(partial(embedder.embed, texts)) for texts in wanted]
        for texts, call in zip(wanted, calls, strict=True):
            made = call.result(rig.patience, "`embed` with others")
            for text, vector in zip(texts, made, strict=True):
                assert rig.alike(rig.checked(embedder, vector), alone[text]), f"another's vector: {text!r}"

    def test_what_is_searched_for_has_a_vector_of_the_same_kind(self, rig: EmbedderRig) -> None:
        """Fails: `embed_query` returns a list of vectors, or one of other dimensions."""
        embedder = rig.make()
        made = within(rig.patience, "`embed_query`", partial(embedder.embed_query, TEXTS[0]))
        assert any(rig.checked(embedder, made))
