"""The questions: six sets about the English documents, and Chinese and Japanese words to find."""

from __future__ import annotations

import json
import random
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from tests.benchmarks.retrieval.corpus import HERE, Passage, documents, passages
from tests.benchmarks.retrieval.words import content_words, words

SEED = 13
WORDS, SCATTERED, INEXACT, HEADINGS = 160, 80, 80, 100
_SHARED = 4
"""Documents that have a word of a question, at least."""
_CROWD = 8
"""A question whose words stand together in passages of more documents than this can't be answered."""
_SAME_HEADING = 3
"""Documents that have a heading, at most."""

_Picking = Callable[[random.Random, list[list[str]], list[str]], list[str]]
"""Picks a question's words from those of a document's passages, and from those that many documents have."""


@dataclass(frozen=True, slots=True)
class Question:
    """Something asked of the documents.

    Attributes:
        text: The question.
        answers: The documents that answer it; one of them is enough.
    """

    text: str
    answers: frozenset[str]


@cache
def question_sets() -> Mapping[str, tuple[Question, ...]]:
    """Return the sets by name, the same ones each time.

    `words`: two to four content words of one passage. `scattered`: two words each of two passages of a
    document. `inexact`: three words of a passage, and one that need not be there. `headings`: a heading as it
    stands, of words that other documents use, too. `natural`: a whole sentence, as people ask. `paraphrases`:
    without a content word of the answer, in any form. The last two were written by hand.
    """
    return {
        "words": _of_words("words", WORDS, _of_one),
        "scattered": _of_words("scattered", SCATTERED, _of_two),
        "inexact": _of_words("inexact", INEXACT, _with_a_stranger),
        "headings": _of_headings(),
        "natural": _by_hand("natural"),
        "paraphrases": _by_hand("paraphrases"),
    }


@cache
def unspaced_words() -> tuple[str, ...]:
    """Return words of the Chinese and Japanese documents, where they stand amid running text."""
    return tuple((HERE / "unspaced_words.txt").read_text(encoding="utf-8").split())


def occurrences(word: str) -> frozenset[tuple[str, int]]:
    """Return the places of the Chinese and Japanese passages that hold the word, headings included."""
    known = unicodedata.normalize("NFKC", word).casefold()
    return frozenset(
        passage.place
        for passage in passages("unspaced")
        if known in unicodedata.normalize("NFKC", f"{passage.headings}\n{passage.text}").casefold()
    )


def _of_words(name: str, count: int, picking: _Picking) -> tuple[Question, ...]:
    """Return questions of words that several documents have; a word of one alone needs no search engine."""
    dice = random.Random(f"{SEED} {name}")
    holders = _holders()
    by_document: dict[str, list[list[str]]] = {}
    for passage in passages():
        asked = [word for word in content_words(_body(passage)) if len(word) > 3 and holders[word] >= _SHARED]
        by_document.setdefault(passage.key, []).append(asked)
    texts = [(passage.key, set(words(passage.text))) for passage in passages()]
    common = sorted(word for word, number in holders.items() if number >= _SHARED and len(word) > 3)
    found: dict[str, Question] = {}
    keys = sorted(by_document)
    while len(found) < count:
        key = dice.choice(keys)
        picked = picking(dice, [asked for asked in by_document[key] if len(asked) >= 4], common)
        together = {of for of, known in texts if known.issuperset(picked)}
        if len(set(picked)) < 2 or len(together) > _CROWD:
            continue
        found[" ".join(picked)] = Question(" ".join(picked), frozenset({key}))
    return tuple(found.values())


def _of_one(dice: random.Random, known: list[list[str]], common: list[str]) -> list[str]:
    length = dice.choice((2, 3, 3, 4))
    return _some(dice, dice.choice(known), length) if known else []


def _of_two(dice: random.Random, known: list[list[str]], common: list[str]) -> list[str]:
    if len(known) < 2:
        return []
    one, other = dice.sample(known, 2)
    return [*_some(dice, one, 2), *_some(dice, other, 2)]


def _with_a_stranger(dice: random.Random, known: list[list[str]], common: list[str]) -> list[str]:
    if not known:
        return []
    picked = [*_some(dice, dice.choice(known), 3), dice.choice(common)]
    return dice.sample(picked, 4)


def _some(dice: random.Random, asked: list[str], length: int) -> list[str]:
    """Return some of the words, in the order of the text."""
    return [asked[index] for index in sorted(dice.sample(range(len(asked)), length))]


@cache
def _holders() -> Counter[str]:
    """Return how many documents have each word."""
    return Counter(word for text in documents().values() for word in set(words(text)))


def _of_headings() -> tuple[Question, ...]:
    """Return headings: those whose rarest word stands in the most documents."""
    holders: dict[str, set[str]] = {}
    for key, text in documents().items():
        for line in text.splitlines():
            if line.startswith("#"):
                holders.setdefault(line.lstrip("# "), set()).add(key)
    known = _holders()

    def ease(heading: str) -> tuple[int, str]:
        return -min(known[word] for word in content_words(heading)), heading

    usable = [
        heading for heading, keys in holders.items() if content_words(heading) and len(keys) <= _SAME_HEADING
    ]
    chosen = sorted(usable, key=ease)[:HEADINGS]
    return tuple(Question(heading, frozenset(holders[heading])) for heading in chosen)


def _by_hand(name: str) -> tuple[Question, ...]:
    with (HERE / f"{name}.jsonl").open(encoding="utf-8") as lines:
        return tuple(Question(one["question"], frozenset({one["answer"]})) for one in map(json.loads, lines))


def _body(passage: Passage) -> str:
    return "\n".join(line for line in passage.text.splitlines() if not line.startswith("#"))
