"""What every check of an embedder works with: the fixtures that an author supplies."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from functools import partial
from typing import Any, ClassVar

import pytest

from batchwright.contracts.embedder import AnyEmbedder
from batchwright.testing.calls import within

MakeEmbedder = Callable[[], AnyEmbedder]
"""Returns a new embedder of the test's model."""

Vector = list[float]

TEXTS = (
    "The lease of a run is a token and its owner.",
    "Apples, pears and plums are fruit.",
    "def main() -> None: print('hello')",
    "Die Äpfel reifen im September.",
    "The lease of a run has no owner and no token.",
)
"""Texts that every model takes."""

HOSTILE = {
    "another script": "データベースに文書を読み込む。",
    "emoji": "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea",
    "a lone surrogate": "before \ud800 behind",
    "NUL": "before \0 behind",
    "controls": "\x1b[31m \u202e \ufeff \u2028 \x7f",
    "a combining mark alone": "\u0301",
    "JSON": '{"input": ["]}\\',
    "a special token": "<|endoftext|> [CLS] </s> [UNK]",
    "100 kB": "word and another " * 6_000,
    "100 kB without a space": "x" * 100_000,
}
"""Texts that models trip over."""


class EmbedderRig:
    """The embedder under test, and how the engine uses it."""

    def __init__(self, make_embedder: MakeEmbedder, patience: float, likeness: float) -> None:
        self._make = make_embedder
        self._made: list[AnyEmbedder] = []
        self._likeness = likeness
        self.patience = patience

    def make(self) -> AnyEmbedder:
        """Return a new embedder; it is closed when the check ends."""
        embedder = self._make()
        self._made.append(embedder)
        return embedder

    def embedded(self, embedder: AnyEmbedder, texts: Sequence[str]) -> list[Vector]:
        """Return the vectors of texts, within the time, and check that they are vectors."""
        given = list(texts)
        made = within(self.patience, "`embed`", partial(embedder.embed, given))
        assert given == list(texts), "`embed` changes the texts it was given"  # noqa: S101
        assert len(made) == len(given), f"{len(made)} vectors for {len(given)} texts"  # noqa: S101
        return [self.checked(embedder, vector) for vector in made]

    def checked(self, embedder: AnyEmbedder, vector: Any) -> Vector:
        """Return a vector's numbers; the check fails where it is none of this model."""
        try:
            numbers = [float(number) for number in vector]
        except (TypeError, ValueError) as error:
            pytest.fail(f"a vector is no sequence of numbers: {error}")
        wanted = embedder.model.dimensions
        assert len(numbers) == wanted, f"{len(numbers)} numbers, where the model says {wanted}"  # noqa: S101
        assert all(map(math.isfinite, numbers)), "a number is NaN or infinite"  # noqa: S101
        return numbers

    def alike(self, one: Vector, other: Vector) -> bool:
        """Tell whether two vectors may be of one text."""
        if one == other:
            return True
        lengths = math.hypot(*one) * math.hypot(*other)
        product = math.fsum(a * b for a, b in zip(one, other, strict=True))
        return lengths > 0 and product / lengths >= self._likeness

    def fits(self, embedder: AnyEmbedder, *texts: str) -> bool:
        """Tell whether the engine would send these texts in one request."""
        limits, counts = embedder.limits, [embedder.tokens(text) for text in texts]
        return (
            len(texts) <= limits.texts
            and (limits.tokens is None or sum(counts) <= limits.tokens)
            and (limits.tokens_a_text is None or max(counts) <= limits.tokens_a_text)
        )

    def close(self) -> None:
        """Close what was made."""
        for embedder in self._made:
            with suppress(Exception):
                embedder.close()


class EmbedderChecks:
    """The fixtures and attributes of `EmbedderContract`; see there."""

    patience: ClassVar[float] = 30.0
    likeness: ClassVar[float] = 0.999

    @pytest.fixture
    def make_embedder(self) -> MakeEmbedder:
        """Override: return a callable that makes new embedders of one model."""
        pytest.fail("override the fixture `make_embedder`: it returns a callable that makes new embedders")

    @pytest.fixture
    def refused_text(self) -> str | None:
        """Override where there is a text that the model refuses."""
        return None

    @pytest.fixture
    def cut_off(self) -> Callable[[], AbstractContextManager[object]] | None:
        """Override where the model can be made unreachable for a while."""
        return None

    @pytest.fixture
    def wrong_embedder(self) -> AnyEmbedder | None:
        """Override where an embedder has a key: return one with `SECRET` that can't reach its model."""
        return None

    @pytest.fixture
    def rig(self, make_embedder: MakeEmbedder) -> Iterator[EmbedderRig]:
        """The kit's own."""
        rig = EmbedderRig(make_embedder, self.patience, self.likeness)
        yield rig
        rig.close()
