"""Some words of a text around what was searched for, and where in them that stands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from batchwright.contracts.search import Marks
from batchwright.sinkkit.search.characters import Characters, masked
from batchwright.sinkkit.search.normal import LONGEST, is_identifier, terms
from batchwright.sinkkit.search.query import Query

_BEFORE, _LENGTH = 60, 200  # characters of an excerpt before its first match, and in all
_MOST_READ = 100_000  # characters of a text
_KINDS = Characters(masked)
_PLACES = re.compile("(?P<run>u[um]*)|(?P<emoji>e)|(?P<word>[ws](?:[wms]*[wms])?)")
_WORD = re.compile("w[wm]*")
_SIGN = re.compile(r"[^\s\w]|_")
_CHARACTER = re.compile("um*")


class Excerpts:
    """Makes the excerpts of a query's hits.

    Args:
        query: What was asked.
        weights: What each word of the query is worth, and each ``prefix*``.
    """

    def __init__(self, query: Query, weights: Mapping[str, float]) -> None:
        self._words = frozenset(query.words)
        self._prefixes = query.prefixes
        self._has_identifiers = any(map(is_identifier, query.words))
        self._weights = weights
        self._known: dict[str, str | None] = {}

    def of(self, heading: str, text: str) -> tuple[str, Marks]:
        """Return an excerpt of a text, or of its heading if only that matches, and where it matches."""
        for of in (text, heading):
            places = [*self._places(of[:_MOST_READ])]
            if places:
                return self._cut(of, places)
        return self._cut(text, [])

    def _cut(self, text: str, places: list[tuple[int, int, str]]) -> tuple[str, Marks]:
        at = self._best(places)
        start = max(0, at - _BEFORE)
        if start:
            space = re.compile(r"\s").search(text, start, at)
            start = space.end() if space else start
        end = min(len(text), start + _LENGTH)
        for first, last, _ in places:
            if first < end < last <= end + LONGEST:
                end = last
        if end < len(text):
            ends = [last for _, last, _ in places if last <= end]
            end = max([text.rfind(" ", end - _BEFORE, end), *ends]) if ends else end
        shift = (1 if start else 0) - start
        excerpt = f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"
        inside = ((first + shift, last + shift) for first, last, _ in places if start <= first < last <= end)
        return excerpt, _joined(excerpt, inside)

    def _best(self, places: list[tuple[int, int, str]]) -> int:
        """Return the match from which on the excerpt shows most: other words first, then more of them."""
        best, at, last = -1.0, 0, 0
        seen: dict[str, int] = {}
        worth = 0.0
        for first, (start, _, _) in enumerate(places):
            while last < len(places) and places[last][1] <= start + _LENGTH - _BEFORE:
                term = places[last][2]
                seen[term] = seen.get(term, 0) + 1
                worth += self._weights.get(term, 1.0) * (1.0 if seen[term] == 1 else 0.01)
                last += 1
            if round(worth, 6) > best:
                best, at = round(worth, 6), start
            if first < last:
                term = places[first][2]
                seen[term] -= 1
                worth -= self._weights.get(term, 1.0) * (0.01 if seen[term] else 1.0)
            else:
                last = first + 1
        return at

    def _places(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Yield start, end and term of each match, in order."""
        kinds = text.translate(_KINDS)
        for found in _PLACES.finditer(kinds):
            start, end = found.span()
            if found.lastgroup == "run":
                yield from self._in_run(text, kinds, start, end)
                continue
            if found.lastgroup == "word" and "s" in found[0]:
                said = text[start:end]
                names = terms(said).identifiers if self._has_identifiers else ()
                for name in names:
                    if name in self._words:
                        front = len(said) - len(said.lstrip("/"))
                        yield start + front, start + len(said.rstrip("./-")), name
                        break
                else:
                    for word in _WORD.finditer(kinds, start, end):
                        yield from self._at(text, *word.span())
                continue
            yield from self._at(text, start, end)

    def _at(self, text: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
        said = text[start:end]
        if said not in self._known:
            self._known[said] = self._term(said)
        term = self._known[said]
        if term is not None:
            yield start, end, term

    def _term(self, said: str) -> str | None:
        """Return the word of the query, or the ``prefix*``, that a word is."""
        words = terms(said, identifiers=False).words.split()
        for word in words:
            if word in self._words:
                return word
            for prefix in self._prefixes:
                if word.startswith(prefix):
                    return f"{prefix}*"
        return None

    def _in_run(self, text: str, kinds: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
        characters = [found.span() for found in _CHARACTER.finditer(kinds, start, end)]
        for index, (first, last) in enumerate(characters):
            behind = characters[index + 1][1] if index + 1 < len(characters) else last
            pair, one = text[first:behind], text[first:last]
            if behind > last and (term := self._of(pair)) is not None and not term.endswith("*"):
                yield first, behind, term
            elif (term := self._of(one)) is not None:
                yield first, last, term

    def _of(self, said: str) -> str | None:
        if said not in self._known:
            self._known[said] = self._term(said)
        return self._known[said]


def _joined(text: str, ranges: Iterator[tuple[int, int]]) -> Marks:
    """Return the ranges; as one where they touch, or where a single sign is between them, as in ``1.2.3``."""
    joined: list[tuple[int, int]] = []
    for start, end in ranges:
        if joined and (start <= joined[-1][1] or _SIGN.fullmatch(text, joined[-1][1], start)):
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return tuple(joined)
