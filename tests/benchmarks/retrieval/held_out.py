"""Whether a hybrid's weight holds for questions that it was not chosen by.

The documents are divided in two by a seed, and with them the questions. The weight that is best for one half
is tried on the other, beside the product's weight and the one that is best there, which nobody can know.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Mapping, Sequence

from batchwright.sinkkit.vectors.fusion import SHARE
from tests.benchmarks.peers.tables import show
from tests.benchmarks.retrieval import hybrids
from tests.benchmarks.retrieval.asking import Asked
from tests.benchmarks.retrieval.questions import Question, question_sets
from tests.benchmarks.retrieval.scoring import Answers, Score, score

SEEDS = range(5)

Half = Mapping[str, Sequence[Question]]
"""Questions by set."""

Way = Callable[[float], Answers]
"""Answers by the weight of the vector's side."""


def halves(seed: int) -> tuple[Half, Half]:
    """Return the questions of two halves of the documents; a question goes with its first answer."""
    keys = sorted({min(one.answers) for found in question_sets().values() for one in found})
    first = frozenset(random.Random(seed).sample(keys, len(keys) // 2))

    def half(*, is_first: bool) -> Half:
        return {
            name: [one for one in found if (min(one.answers) in first) == is_first]
            for name, found in question_sets().items()
        }

    return half(is_first=True), half(is_first=False)


def held_out(text: Asked, vector: Asked) -> dict[str, dict[str, Score]]:
    """Return the mean scores of each way, by set: over all seeds, each half is once chosen by, once tried."""
    ways: dict[str, Way] = {
        way: {a: answers(a).answers for a in hybrids.WEIGHTS}.__getitem__
        for way, answers in hybrids.ways(text, vector).items()
        if way != "RRF 60"
    }
    found: dict[str, list[dict[str, Score]]] = {}
    for seed in SEEDS:
        one, other = halves(seed)
        for chosen_by, tried_on in ((one, other), (other, one)):
            tried: dict[str, Answers] = {
                "text": text.answers,
                "vector": vector.answers,
                f"by cover, a {SHARE:.2f}": ways["by cover"](SHARE),
            }
            for way, answers in ways.items():
                tried[f"{way}, a by the other half"] = answers(_best(answers, chosen_by))
                tried[f"{way}, a by this half"] = answers(_best(answers, tried_on))
            for name, answered in tried.items():
                found.setdefault(name, []).append(_scores(tried_on, answered))
    return {name: _mean(scores) for name, scores in found.items()}


def print_held_out(title: str, found: Mapping[str, Mapping[str, Score]]) -> None:
    """Print the scores."""
    names = (*question_sets(),)
    show(f"{title}, on the half of the documents that the weight was not chosen by", names, [
        [way, *(str(scores[name]) for name in names)] for way, scores in found.items()
    ])  # fmt: skip


def _best(answers: Way, half: Half) -> float:
    """Return the weight with the best mean MRR of all sets; of equal ones the smallest."""

    def mrr(a: float) -> float:
        return statistics.fmean(one.mrr for one in _scores(half, answers(a)).values())

    return max(hybrids.WEIGHTS, key=lambda a: (mrr(a), -a))


def _scores(half: Half, answers: Answers) -> dict[str, Score]:
    return {name: score(questions, answers) for name, questions in half.items()}


def _mean(scores: Sequence[Mapping[str, Score]]) -> dict[str, Score]:
    return {
        name: Score(
            statistics.fmean(one[name].hit for one in scores),
            statistics.fmean(one[name].mrr for one in scores),
        )
        for name in scores[0]
    }
