"""The terms of texts in several scripts: by alphabet, against the way that any text takes, CPU time."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

from batchwright.sinkkit.search.normal import terms, terms_of
from batchwright.sinkkit.search.spelling import spelled_of_any
from tests.benchmarks.measuring import Case, Cost, in_process
from tests.benchmarks.reporting import report
from tests.benchmarks.scope import Scope

SCRIPTS = {
    "English": "abcdefghijklmnopqrstuvwxyz",
    "Russian": "абвгдежзийклмнопрстуфхцчшщъыьэюя",
    "Greek": "αβγδεζηθικλμνξοπρστυφχψωάέήίόύώ",
    "Hindi": "अआइईउएओकखगघचछजटडणतथदधनपफबभमयरलवशसहािीुूेैोौंः",
    "Japanese": "あいうえおかきくけこさしすせそたちつてとなにのはアイウカシスタテトプルレン管理",
}
_TEXTS = 2_000


def texts(letters: str) -> list[str]:
    """Return texts of about 1,000 characters: sentences with identifiers and typographic signs."""
    dice = random.Random(1)
    words = ["".join(dice.choices(letters, k=dice.randint(2, 9))) for _ in range(3_000)]
    words += ["pod.yaml", "--no-cache", "`kubectl", "API", "—", "“HTTP”,"]
    gap = "、" if "あ" in letters else " "
    return [
        gap.join(words[int(len(words) * dice.random() ** 2)] for _ in range(160)) + "." for _ in range(_TEXTS)
    ]


def run(scope: Scope) -> Path:
    """Measure; return the file of results.

    Raises:
        AssertionError: The two ways find other terms.
    """
    cases = []
    for script, letters in SCRIPTS.items():
        made = texts(letters)
        if [of_any(text) for text in made[:100]] != [by_alphabet(text) for text in made[:100]]:
            raise AssertionError(f"the terms of {script} differ")
        slow = f"{script}, as any text"
        cases += [Case(slow, partial(cost, of_any, made), clock="cpu")]
        cases += [Case(script, partial(cost, by_alphabet, made), slow, clock="cpu")]
    results = scope.measure(cases, times=2)
    return report("terms", "Terms of texts, CPU time", results, folder=scope.results)


def cost(way: Callable[[str], list[str]], made: list[str]) -> Cost:
    """Return what the terms of the texts cost."""
    return in_process(lambda: [*map(way, made)], size=sum(len(text.encode()) for text in made))


def by_alphabet(text: str) -> list[str]:
    """Return the terms as they are found."""
    words, identifiers = terms(text)
    return [*words.split(), *identifiers]


def of_any(text: str) -> list[str]:
    """Return the same as though no alphabet had the text's letters."""
    words, identifiers = terms_of(spelled_of_any(text))
    return [*words.split(), *identifiers]
