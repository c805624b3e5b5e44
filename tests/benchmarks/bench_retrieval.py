"""What searches find: documents by words, headings and paraphrases, and words in unspaced scripts.

Documents and questions are those of `retrieval/`, the same everywhere, so that figures of two commits can be
compared. Vector search is exact, over vectors made once; hybrid is put together here from that and the text
search of each sink: what an index and `Target.search` are to reach.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from batchwright import BatchConfig, Target
from tests.benchmarks.bare import SCHEMA
from tests.benchmarks.reporting import report
from tests.benchmarks.retrieval import hybrids
from tests.benchmarks.retrieval.asking import Asked, print_scores, questions_of
from tests.benchmarks.retrieval.corpus import passages
from tests.benchmarks.retrieval.embedder import NAME, Plugin
from tests.benchmarks.retrieval.held_out import held_out, print_held_out
from tests.benchmarks.retrieval.loading import load
from tests.benchmarks.retrieval.modes import by_vector, of_target, plain_postgres, plain_sqlite
from tests.benchmarks.retrieval.questions import occurrences, question_sets, unspaced_words
from tests.benchmarks.retrieval.scoring import hits
from tests.benchmarks.scope import Scope, renew

_EVERYTHING = 1_000


def run(scope: Scope) -> Path:
    """Measure, print tables, and return the file of results."""
    admin = scope.postgres()
    renew(admin)
    targets = targets_of(scope)
    for target in targets.values():
        for name in ("corpus", "unspaced"):
            load(name, scope.folder(), f"{target}table={name}", embedded=name == "corpus")

    text = {name: ask(f"text, {name}", f"{target}table=corpus") for name, target in targets.items()}
    vector = Asked.of("vector, exact", by_vector)
    everything = [
        *text.values(),
        *(
            ask(f"{mode}, {name}", f"{target}table=corpus", mode=mode)
            for mode in ("vector", "hybrid")
            for name, target in targets.items()
        ),
        Asked.of("plain OR, FTS5 bm25", plain_sqlite(passages())),
        Asked.of("plain OR, ts_rank, simple", plain_postgres(passages(), admin, "simple")),
        Asked.of("plain OR, ts_rank, english", plain_postgres(passages(), admin, "english")),
        vector,
    ]
    both = {name: hybrids.combined(asked, vector) for name, asked in text.items()}
    print_scores(
        [
            *everything,
            *(one for name, asked in text.items() for one in hybrids.best_of(asked, vector, both[name])),
        ]
    )
    for name, ways in both.items():
        for way in ("min-max", "by cover"):
            hybrids.print_weights(f"{name}, {way}", ways[way])
    unseen = {name: held_out(asked, vector) for name, asked in text.items()}
    for name, found in unseen.items():
        print_held_out(name, found)
    differing = {name: differences(name, *text.values()) for name in question_sets()}
    print(f"questions that the text search of one sink answers, and that of the other does not: {differing}")
    recall = {name: recalled(f"{target}table=unspaced") for name, target in targets.items()}
    print(f"of the occurrences of {len(unspaced_words())} Chinese and Japanese words, found: {recall}")
    renew(admin, drop_only=True)

    facts = {
        "passages": len(passages()),
        "questions": {name: len(found) for name, found in question_sets().items()},
        "hybrid": {
            name: {
                way: {
                    f"{a:.2f}": {of: asdict(one) for of, one in found.items()} for a, found in scores.items()
                }
                for way, scores in ways.items()
            }
            for name, ways in both.items()
        },
        "held_out": {
            name: {way: {of: asdict(one) for of, one in scores.items()} for way, scores in found.items()}
            for name, found in unseen.items()
        },
        "differing": differing,
        "unspaced": recall,
    }
    results = [asked.as_result() for asked in everything]
    return report("retrieval", "All questions, asked once", results, facts=facts, folder=scope.results)


def targets_of(scope: Scope) -> dict[str, str]:
    """Return the beginnings of the URLs of both sinks; an option is to follow."""
    url = scope.database()
    return {
        "SQLite": f"sqlite:///{scope.folder() / 'retrieval.db'}?",
        "Postgres": f"{url}{'&' if '?' in url else '?'}schema={SCHEMA}&",
    }


def ask(name: str, target: str, *, mode: str = "text") -> Asked:
    """Ask all questions by the search of a target."""
    with Target(BatchConfig(to=target, embedder=NAME), plugins=[Plugin()]) as opened:
        return Asked.of(name, of_target(opened, mode=mode))


def differences(name: str, one: Asked, other: Asked) -> int:
    """Return how many questions of a set only one of the two answers in its first five documents."""
    questions = questions_of(name)
    pairs = zip(hits(questions, one.answers), hits(questions, other.answers), strict=True)
    return sum(first != second for first, second in pairs)


def recalled(target: str) -> dict[str, float]:
    """Return how well words in unspaced scripts are found.

    Returns:
        ``recall``: the share of their occurrences that is found; ``precision``: the share of what is found
        that has the word; ``first``: the share of occurrences that stand before all else.
    """
    found = right = there = first = 0
    with Target(target) as opened:
        search = of_target(opened, _EVERYTHING)
        for word in unspaced_words():
            places = [place for place, _ in search(word)]
            known = occurrences(word)
            found, there = found + len(places), there + len(known)
            right += len(known.intersection(places))
            first += len(known.intersection(places[: len(known)]))
    return {
        "recall": right / there,
        "precision": right / found if found else 1.0,
        "first": first / there,
    }
