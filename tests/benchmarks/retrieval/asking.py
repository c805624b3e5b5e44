"""All questions asked in one way, and how good the answers are."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any

from tests.benchmarks.measuring import Case, Cost, Result
from tests.benchmarks.peers.tables import show
from tests.benchmarks.retrieval.modes import Mode
from tests.benchmarks.retrieval.questions import Question, question_sets
from tests.benchmarks.retrieval.scoring import Answers, Score, score

ALL = "all sets"


@dataclass(frozen=True)
class Asked:
    """A way to search, with what it answered and how long that took.

    Attributes:
        name: What it is called.
        answers: By question.
        seconds: Of each question; none where the answers were put together from others.
    """

    name: str
    answers: Answers
    seconds: Sequence[float] = ()

    @classmethod
    def of(cls, name: str, mode: Mode) -> Asked:
        """Ask every question of every set."""
        answers, seconds = {}, []
        for question in questions_of(ALL):
            began = time.perf_counter()
            answers[question.text] = mode(question.text)
            seconds.append(time.perf_counter() - began)
        return cls(name, answers, seconds)

    def scores(self) -> dict[str, Score]:
        """Return how good the answers are, set by set and over all."""
        return {name: score(questions_of(name), self.answers) for name in (*question_sets(), ALL)}

    def as_dict(self) -> dict[str, dict[str, float]]:
        """Return the scores for JSON."""
        return {name: asdict(found) for name, found in self.scores().items()}

    def as_result(self) -> Result:
        """Return the time of asking, with the scores as facts."""
        cost = Cost(sum(self.seconds), 0.0, rows=len(self.seconds))
        facts: dict[str, Any] = {
            "scores": self.as_dict(),
            "median_ms": statistics.median(self.seconds) * 1e3,
        }
        return Result(Case(self.name, lambda: cost, facts=facts), [cost])


def questions_of(name: str) -> Sequence[Question]:
    """Return the questions of a set, or of all of them."""
    sets = question_sets()
    return list(chain.from_iterable(sets.values())) if name == ALL else sets[name]


def print_scores(everything: Sequence[Asked]) -> None:
    """Print hit@5 and MRR of each, set by set, and the median time of a question."""
    names = (*question_sets(), ALL)
    rows = []
    for asked in everything:
        taken = f"{statistics.median(asked.seconds) * 1e3:.1f}" if asked.seconds else ""
        scores = asked.scores()
        rows.append([asked.name, *(str(scores[name]) for name in names), taken])
    titles = [f"{name} ({len(questions_of(name))})" for name in names]
    show("hit@5 / MRR of the first ten documents", [*titles, "median ms"], rows)
