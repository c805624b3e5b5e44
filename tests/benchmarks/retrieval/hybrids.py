"""Text and vector search put together, for every weight: what a hybrid search is to reach."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache

from tests.benchmarks.peers.tables import show
from tests.benchmarks.retrieval.asking import ALL, Asked
from tests.benchmarks.retrieval.corpus import Place, passages
from tests.benchmarks.retrieval.questions import question_sets
from tests.benchmarks.retrieval.scoring import Score, fused, mixed, mixed_by_cover
from tests.benchmarks.retrieval.words import words

WEIGHTS = tuple(step / 20 for step in range(21))
"""Of the vector's side."""

Scores = Mapping[float, Mapping[str, Score]]
"""By weight and set."""


def combined(text: Asked, vector: Asked) -> dict[str, Scores]:
    """Return the scores of each way to put the two together, by its name; RRF has no weight, here 0."""
    return {
        way: {a: asked(a).scores() for a in (WEIGHTS if way != "RRF 60" else (0.0,))}
        for way, asked in ways(text, vector).items()
    }


def best(scores: Scores, name: str = ALL) -> float:
    """Return the weight with the best MRR in a set; of equal ones the smallest."""
    return max(scores, key=lambda a: (scores[a][name].mrr, -a))


def ways(text: Asked, vector: Asked) -> dict[str, Callable[[float], Asked]]:
    """Return each way to put the two together by a weight, by its name."""
    return {
        "min-max": lambda a: _mixed(text, vector, a),
        "by cover": lambda a: _covered(text, vector, a),
        "RRF 60": lambda a: _fused(text, vector),
    }


def best_of(text: Asked, vector: Asked, found: Mapping[str, Scores]) -> list[Asked]:
    """Return each way at the weight that is best over all sets."""
    asked = []
    for way, scores in found.items():
        a = best(scores)
        weight = f", a {a:.2f}" if len(scores) > 1 else ""
        asked.append(Asked(f"{text.name} + vector: {way}{weight}", ways(text, vector)[way](a).answers))
    return asked


def print_weights(title: str, scores: Scores) -> None:
    """Print the scores for every second weight, and the best weight of each set."""
    names = (*question_sets(), ALL)
    rows = [[f"a {a:.1f}", *(str(scores[a][name]) for name in names)] for a in WEIGHTS[::2]]
    rows.append(["best a by MRR", *(f"{best(scores, name):.2f}" for name in names)])
    show(title, names, rows)


def _mixed(text: Asked, vector: Asked, a: float) -> Asked:
    return Asked("", {key: mixed(found, vector.answers[key], a) for key, found in text.answers.items()})


def _covered(text: Asked, vector: Asked, a: float) -> Asked:
    return Asked(
        "",
        {
            key: mixed_by_cover(
                found, vector.answers[key], a, {place: cover(key, place) for place, _ in found}
            )
            for key, found in text.answers.items()
        },
    )


def _fused(text: Asked, vector: Asked) -> Asked:
    return Asked("", {key: fused(found, vector.answers[key]) for key, found in text.answers.items()})


@cache
def cover(question: str, place: Place) -> float:
    """Return the share of the question's words that a passage or its headings have; rare ones count more."""
    asked = {word: _weight(word) for word in words(question)}
    whole = sum(asked.values())
    return sum(weight for word, weight in asked.items() if word in _words()[place]) / whole if whole else 0.0


@cache
def _weight(word: str) -> float:
    """Return the word's idf as BM25 has it; a word that no passage has weighs most."""
    holders = sum(word in known for known in _words().values())
    return math.log(1 + (len(_words()) - holders + 0.5) / (holders + 0.5))


@cache
def _words() -> Mapping[Place, frozenset[str]]:
    return {one.place: frozenset(words(f"{one.headings}\n{one.text}")) for one in passages()}
