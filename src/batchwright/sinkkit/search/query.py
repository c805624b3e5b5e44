"""What is asked of a search: words, "phrases", beginnings*, and -words that must not be there.

Whatever is typed is a query, and a bounded one: there is no syntax to get wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice, pairwise
from typing import Self

from batchwright.sinkkit.search.characters import SIGNS, UNSPACED
from batchwright.sinkkit.search.normal import terms

_MOST_CHARACTERS = 10_000
_MOST_TERMS = 256  # that count for the ranking
_MOST_CLAUSES = 16
_MOST_LETTERS = 64  # that are looked for where no word is found
_SHORTEST = 2  # of a beginning, with the star, that is none: of a letter
_FEW_LETTERS = 3  # of an option like -xzf
_OPTION = re.compile(r"-|[.,]?\d|[^=]+=")  # behind a minus: --name, a number, -name=value

_NO_WORD = "the query has no word, so this looked for its characters as they stand; name one, or conf*"

_PART = re.compile(
    r"""(?P<minus>(?<!\S)-)?              # an exclusion, or an option's
        (?: ["\u201c\u201e\u201f](?P<phrase>[^"\u201c-\u201f]*)["\u201c\u201d\u201f]
          | (?P<word>[^\s"\u201c-\u201f]+) )""",
    re.VERBOSE,
)
_UNSPACED = re.compile(f"[{UNSPACED}]")


@dataclass(frozen=True, slots=True)
class Clause:
    """What a record must have, or must not have.

    Attributes:
        words: Terms that follow one another.
        identifiers: Terms that stand anywhere.
        prefix: Whether the last of `words` is the beginning of a term.
    """

    words: tuple[str, ...]
    identifiers: tuple[str, ...] = ()
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A query, in the terms that `normal` makes of a text.

    A record matches that meets all `required` and none of `excluded`, and has one of the `words` or a term
    that begins with one of the `prefixes`.

    Attributes:
        text: As it was typed.
        words: The terms that it is ranked by, in the order of the query, each once.
        prefixes: Beginnings of terms that it is ranked by as well: each ``word*``, and a single character of
            a script without spaces.
        pairs: Terms that are neighbours in the query.
        required: The phrases, and the ``word*``.
        excluded: The ``-words``.
        notes: What was understood otherwise than one may expect, in sentences.
    """

    text: str
    words: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    required: tuple[Clause, ...] = ()
    excluded: tuple[Clause, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to look for: no word at all, or only some that must not be there."""
        return not (self.words or self.prefixes)

    @property
    def loosened(self) -> Self | None:
        """The query with words as beginnings of words, for where it finds nothing; None if that won't do."""
        begun = [word for word in self.words if len(word) >= _FEW_LETTERS][:_MOST_CLAUSES]
        if self.required or not begun:
            return None
        return replace(self, prefixes=tuple(dict.fromkeys([*self.prefixes, *begun])))

    @property
    def letters(self) -> str | None:
        """What to look for by letter where no word is found; None for a long text, or with conditions."""
        text = self.text.strip()
        return None if self.required or self.excluded or not 0 < len(text) <= _MOST_LETTERS else text

    def without(self, words: Sequence[str]) -> Self:
        """Return the query for what has none of these words or the prefixes, but another of its words."""
        done = [Clause((word,)) for word in words]
        done += [Clause((prefix,), prefix=True) for prefix in self.prefixes]
        return replace(
            self,
            words=tuple(word for word in self.words if word not in words),
            prefixes=(),
            excluded=(*self.excluded, *done),
        )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read any text as a query."""
        reader = _Reader()
        for found in _PART.finditer(text[:_MOST_CHARACTERS]):
            reader.read(found["minus"] is not None, found["phrase"], found["word"])
        if len(text) > _MOST_CHARACTERS:
            reader.notes[f"only the first {_MOST_CHARACTERS:,} characters of the query were read"] = None
        if not (reader.words or reader.prefixes) and text.strip():
            reader.notes[_NO_WORD] = None
        words = tuple(islice(reader.words, _MOST_TERMS))
        if len(reader.words) > _MOST_TERMS:
            reader.notes[f"only the first {_MOST_TERMS} words of the query count"] = None
        return cls(
            text,
            words,
            tuple(islice(reader.prefixes, _MOST_CLAUSES)),
            tuple(islice(reader.pairs, _MOST_TERMS)),
            tuple(islice(reader.required, _MOST_CLAUSES)),
            tuple(islice(reader.excluded, _MOST_CLAUSES)),
            tuple(reader.notes),
        )


@dataclass(slots=True)
class _Reader:
    """Collects what a query's parts say; what is there already stays where it is."""

    words: dict[str, None] = field(default_factory=dict)
    prefixes: dict[str, None] = field(default_factory=dict)
    pairs: dict[tuple[str, str], None] = field(default_factory=dict)
    required: dict[Clause, None] = field(default_factory=dict)
    excluded: dict[Clause, None] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)
    last: str | None = None

    def read(self, minus: bool, phrase: str | None, word: str | None) -> None:
        if minus and self._excludes(phrase, word):
            return
        if phrase is not None:
            clause = _clause(phrase)
            self._rank(clause.words, clause.identifiers)
            if clause.words or clause.identifiers:
                self.required[clause] = None
            return
        asked = f"-{word}" if minus else word or ""
        if _is_beginning(asked) and (clause := _clause(asked[:-1], prefix=True)).words:
            *whole, begun = clause.words
            self._rank(whole, clause.identifiers)
            self.prefixes[begun] = None
            self.last = None
            self.required[clause] = None
            return
        found, identifiers = terms(asked)
        self._rank(found.split(), identifiers)

    def _excludes(self, phrase: str | None, word: str | None) -> bool:
        """Take it for an exclusion, if it is one: not an option's name, nor what the query begins with."""
        said = phrase if phrase is not None else word or ""
        is_short = said.isascii() and len(said) <= _FEW_LETTERS
        if phrase is None and (is_short or _OPTION.match(said)):
            return False
        begins = phrase is None and _is_beginning(said)
        clause = _clause(said[:-1] if begins else said, prefix=begins)
        if not clause.words and not clause.identifiers:
            return False
        shown = f'-"{said}"' if phrase is not None else f"-{said}"
        if not (self.words or self.prefixes):
            self.notes[f"{shown} was looked for; to leave it out, put it behind a word"] = None
            return False
        self.excluded[clause] = None
        self.notes[f'{shown} leaves out what has "{said}"; to search for it, put it in quotes: "-{said}"'] = (
            None
        )
        return True

    def _rank(self, words: Sequence[str], identifiers: Iterable[str]) -> None:
        if self.last is not None and _of_unspaced(self.last):
            self.last = None  # in a text the last character stands between the two
        for before, word in pairwise(["", *words]):
            if len(word) == 1 and _of_unspaced(word):
                if not _is_last(before, word):
                    self.prefixes[word] = None
                self.last = None
                continue
            self.words[word] = None
            if self.last is not None:
                self.pairs[self.last, word] = None
            self.last = word
        self.words.update(dict.fromkeys(identifiers))


def _clause(text: str, *, prefix: bool = False) -> Clause:
    found, identifiers = terms(text)
    words = found.split()
    if len(words) > 1 and _is_last(words[-2], words[-1]):
        # in a text the run may go on
        return Clause(tuple(words[:-1]), tuple(identifiers))
    if words and len(words[-1]) == 1 and _of_unspaced(words[-1]):
        prefix = True
    # of what is only begun, the identifiers aren't known
    return Clause(tuple(words), () if prefix else tuple(identifiers), prefix)


def _is_beginning(word: str) -> bool:
    """Tell whether it is ``word*``, and not ``**word**`` or ``src/*``; ``a*`` would be half of all words."""
    if len(word) <= _SHORTEST and word.isascii():
        return False
    return len(word) > 1 and word.endswith("*") and word.count("*") == 1 and word[-2] not in SIGNS


def _is_last(before: str, word: str) -> bool:
    """Tell whether a term is the last character of a run, of which the term before is the last two."""
    return len(before) == 2 and before[1] == word and _of_unspaced(word)


def _of_unspaced(word: str) -> bool:
    return _UNSPACED.match(word) is not None
