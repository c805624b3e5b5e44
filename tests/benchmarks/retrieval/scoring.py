"""How good an order of documents is, and how two orders of passages become one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.benchmarks.retrieval.corpus import Place, in_order
from tests.benchmarks.retrieval.questions import Question

CANDIDATES = 50
"""Passages that each side of a hybrid search brings."""
_HIT, _LAST = 5, 10
_RRF = 60

Ranked = Sequence[tuple[Place, float]]
"""Passages with their scores, the best first."""

Answers = Mapping[str, Ranked]
"""What a way of searching found for each question, by its text."""


@dataclass(frozen=True, slots=True)
class Score:
    """How good the answers to a set of questions are.

    Attributes:
        hit: Share of questions with a right document among the first five.
        mrr: Mean of one over the rank of the first right document, of the first ten.
    """

    hit: float
    mrr: float

    def __str__(self) -> str:
        return f"{self.hit:.3f}/{self.mrr:.3f}"


def score(questions: Sequence[Question], answers: Answers) -> Score:
    """Return how good the answers are."""
    ranks = [rank(question, answers[question.text]) for question in questions]
    return Score(
        sum(number is not None and number <= _HIT for number in ranks) / len(ranks),
        sum(1 / number for number in ranks if number is not None) / len(ranks),
    )


def hits(questions: Sequence[Question], answers: Answers) -> list[bool]:
    """Return for each question whether a right document is among the first five."""
    ranks = (rank(question, answers[question.text]) for question in questions)
    return [number is not None and number <= _HIT for number in ranks]


def rank(question: Question, ranked: Ranked) -> int | None:
    """Return the rank of the first right document, from 1; None where it is not among the first ten."""
    found = in_order(place for place, _ in ranked)[:_LAST]
    return next((number for number, key in enumerate(found, 1) if key in question.answers), None)


def mixed(text: Ranked, vector: Ranked, a: float) -> Ranked:
    """Return a · vector + (1 − a) · text, each brought to 0 … 1 within its first 50."""
    return _summed((_from_least(text), 1 - a), (_from_least(vector), a))


def mixed_by_cover(text: Ranked, vector: Ranked, a: float, covers: Mapping[Place, float]) -> Ranked:
    """Return a · vector + (1 − a) · cover² · text, the text's scores divided by their highest.

    Args:
        text: What text search found.
        vector: What is nearest.
        a: The vector's weight beside a text that matches all of the question.
        covers: How much of the question each of the texts matches, from 0 to 1.
    """
    matching = [(place, value * covers[place] ** 2) for place, value in _from_nothing(text)]
    return _summed((matching, 1 - a), (_from_least(vector), a))


def fused(text: Ranked, vector: Ranked) -> Ranked:
    """Return reciprocal rank fusion with k = 60."""
    sides = [
        [(place, 1 / (_RRF + number)) for number, (place, _) in enumerate(side[:CANDIDATES], 1)]
        for side in (text, vector)
    ]
    return _summed(*((side, 1.0) for side in sides))


def _from_least(ranked: Ranked) -> Ranked:
    first = ranked[:CANDIDATES]
    low, high = min((s for _, s in first), default=0.0), max((s for _, s in first), default=0.0)
    return [(place, (value - low) / (high - low) if high > low else 1.0) for place, value in first]


def _from_nothing(ranked: Ranked) -> Ranked:
    first = ranked[:CANDIDATES]
    high = max((value for _, value in first), default=0.0)
    return [(place, value / high if high > 0 else 1.0) for place, value in first]


def _summed(*sides: tuple[Ranked, float]) -> Ranked:
    """Return the sums, the highest first; of equal ones what stands first in the first side."""
    total: dict[Place, float] = {}
    for ranked, weight in sides:
        for place, value in ranked:
            total[place] = total.get(place, 0.0) + weight * value
    return sorted(total.items(), key=lambda entry: -entry[1])
