"""The questions: four sets about the English documents, and words to be found in Chinese and Japanese ones."""

from __future__ import annotations

import json
import random
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from tests.benchmarks.retrieval.corpus import HERE, Passage, documents, passages
from tests.benchmarks.retrieval.words import content_words, words

SEED = 13
WORDS, SCATTERED, HEADINGS = 160, 80, 100
_CROWD = 5
"""A question whose words stand together in passages of more documents than this can't be answered."""


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

    `words`: two to four content words of one passage. `scattered`: as many of two passages of a document, so
    that no passage has them all. `headings`: a heading as it stands, for every second question behind the
    document's title. `paraphrases`: written by hand, without a content word of the answer.
    """
    return {
        "words": _of_words(WORDS, scattered=False),
        "scattered": _of_words(SCATTERED, scattered=True),
        "headings": _of_headings(),
        "paraphrases": _paraphrases(),
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


def _of_words(count: int, *, scattered: bool) -> tuple[Question, ...]:
    dice = random.Random(f"{SEED} {scattered}")
    by_document: dict[str, list[tuple[Passage, list[str]]]] = {}
    for passage in passages():
        asked = [word for word in content_words(_body(passage)) if len(word) > 3 and word.isalpha()]
        by_document.setdefault(passage.key, []).append((passage, asked))
    holders = Counter(
        word for known in by_document.values() for word in {word for _, asked in known for word in asked}
    )
    found: dict[str, Question] = {}
    keys = sorted(by_document)
    while len(found) < count:
        key = dice.choice(keys)
        known = [asked for _, asked in by_document[key] if len(asked) >= 4]
        length = dice.choice((2, 3, 3, 4))
        if scattered:
            if len(known) < 2:
                continue
            one, other = dice.sample(known, 2)
            picked = dice.sample(one, length // 2) + dice.sample(other, length - length // 2)
        else:
            picked = _in_text_order(dice, dice.choice(known), length) if known else []
        # Words that only this document has need no search engine; the others make up most of a question.
        alone = sum(holders[word] == 1 for word in picked)
        if len(set(picked)) < length or alone > length // 3:
            continue
        together = {passage.key for passage in passages() if set(picked) <= set(words(passage.text))}
        if len(together) > _CROWD:
            continue
        text = " ".join(picked)
        found[text] = Question(text, frozenset({key}))
    return tuple(found.values())


def _in_text_order(dice: random.Random, asked: list[str], length: int) -> list[str]:
    return [asked[index] for index in sorted(dice.sample(range(len(asked)), length))]


def _of_headings() -> tuple[Question, ...]:
    dice = random.Random(SEED)
    holders: dict[str, set[str]] = {}
    titles: dict[str, str] = {}
    for key, text in documents().items():
        for line in text.splitlines():
            if line.startswith("# "):
                titles[key] = line[2:]
            elif line.startswith("## "):
                holders.setdefault(line[3:], set()).add(key)
    alone = [(heading, *keys) for heading, keys in sorted(holders.items()) if len(keys) == 1]
    plain = [one for one in alone if len(content_words(one[0])) >= 2]
    repeated = [(heading, key) for heading, keys in sorted(holders.items()) for key in sorted(keys)]
    found = [Question(heading, frozenset({key})) for heading, key in dice.sample(plain, HEADINGS // 2)]
    found += [
        Question(f"{titles[key]} {heading}", frozenset({key}))
        for heading, key in dice.sample(repeated, HEADINGS // 2)
    ]
    return tuple(found)


def _paraphrases() -> tuple[Question, ...]:
    with (HERE / "paraphrases.jsonl").open(encoding="utf-8") as lines:
        return tuple(Question(one["question"], frozenset({one["answer"]})) for one in map(json.loads, lines))


def _body(passage: Passage) -> str:
    return "\n".join(line for line in passage.text.splitlines() if not line.startswith("#"))
