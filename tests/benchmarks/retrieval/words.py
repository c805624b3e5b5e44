"""What counts as a content word, and when two words are the same one."""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")

_COMMON = """
a about above after again against all also although always am among an and another any anybody
anything are as at away be because been before being below beside besides between both but by can
cannot could did do does doing don't down each either else enough even ever every everybody everyone
everything few first for from get gets go goes got had has have he her here herself him his how
however i if in inside instead into is it its itself just keep keeps last least less let like long
made make makes many may me mean might mine more most much must my near nearly need needs neither
never no nobody none nor not nothing now of off often on once one only onto or other others our out
over own per put rather really same say says see she should since so some somebody something soon
still such take takes than that the their them then there these they thing things this those though
through till to together too two under until up upon us use used uses very was way we well were what
when where whether which while who whoever whole whom whose why will with within without would yes
yet you your three four five
"""

COMMON = frozenset(_COMMON.split())
"""Words that say nothing about a subject."""

_ENDINGS = {
    "ies": "y",
    "ied": "y",
    "ier": "y",
    "ily": "y",
    **dict.fromkeys(
        ("ness", "ment", "ings", "ing", "ation", "ion", "ers", "er", "ed", "es", "ly", "s", "y", "e"), ""
    ),
}


def words(text: str) -> list[str]:
    """Return the words of a text, lower-cased, in order."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def content_words(text: str) -> list[str]:
    """Return the words that say something about the subject, in order, each once."""
    return [word for word in dict.fromkeys(words(text)) if word not in COMMON and len(word) > 2]


def stem(word: str) -> str:
    """Return what a word's forms have in common, roughly: `baking`, `baked`, `bakes` and `bake` are one.

    It errs on the side of calling two words the same.
    """
    word = word.partition("'")[0].partition("’")[0]
    for ending, instead in _ENDINGS.items():
        if word.endswith(ending) and len(word) - len(ending) + len(instead) >= 3:
            word = word.removesuffix(ending) + instead
            break
    word = word.removesuffix("e") if len(word) > 3 else word
    if len(word) > 3 and word[-1] == word[-2]:
        word = word[:-1]
    return word[:-1] + "y" if len(word) > 3 and word.endswith("i") else word.removesuffix("y") or word


def shared(question: str, text: str) -> set[str]:
    """Return the content words of the question that the text has too, in any form."""
    known = {stem(word) for word in content_words(text)}
    return {word for word in content_words(question) if stem(word) in known}
