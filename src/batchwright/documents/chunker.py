"""Cuts documents into chunks that follow their structure and never exceed a number of tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from hashlib import sha256
from itertools import compress, pairwise
from typing import NamedTuple

from batchwright.documents.overlap import lead_in
from batchwright.documents.splitter import Splitter
from batchwright.documents.structure import clean_heading, outline, with_line_feeds
from batchwright.documents.tokenizer import Tokenizer
from batchwright.errors import ConfigError
from batchwright.model import Document, ProcessedChunk, processed_chunk, record_id

MIN_MAX_TOKENS = 16
MAX_HEADING = 120
MAX_HEADER = 500

# Raise it when the same text would be cut differently: stored documents are then chunked anew.
_VERSION = "v2"

_new_tuple = tuple.__new__  # half the price of a NamedTuple's own


class Chunk(NamedTuple):
    """A piece of a text.

    Attributes:
        start: Where it starts, in characters.
        end: Where it ends, in characters; the next one starts there.
        tokens: Tokens of ``text[lead:end]``, exactly.
        headings: The headings it stands under, outermost first, where it starts.
        lead: Where its text begins: at `start`, or before it with overlap.
    """

    start: int
    end: int
    tokens: int
    headings: tuple[str, ...]
    lead: int


class Chunker:
    """Cuts text into chunks of at most `max_tokens`, which together are the text, to the character.

    A section (a heading with all below it) that fits is one chunk. One that doesn't is cut at its
    subsections, a heading staying with what follows it; neighbours are joined while one of them is
    under a quarter of `max_tokens`, but the end of a section isn't joined to the start of a higher
    one unless it is under an eighth. What is too long without its subsections is cut at blank lines,
    list items, fences, lines, sentences, words and characters, each only where the one before won't do.

    With `overlap`, a chunk's text begins with up to that many tokens of what precedes it, from the
    start of a word; its span leaves them out.

    Args:
        max_tokens: Tokens of a chunk's text at most, overlap included; at least 16.
        overlap: Tokens to repeat from the text before a chunk; less than half of `max_tokens`.
        tokenizer: Counts tokens; by default `Tokenizer("cl100k_base")`.

    Raises:
        ConfigError: `max_tokens` or `overlap` is out of range.
    """

    def __init__(self, max_tokens: int = 512, overlap: int = 0, tokenizer: Tokenizer | None = None) -> None:
        if max_tokens < MIN_MAX_TOKENS:
            raise ConfigError(f"max_tokens must be at least {MIN_MAX_TOKENS}, not {max_tokens}")
        if overlap < 0 or overlap * 2 >= max_tokens:
            raise ConfigError(
                f"overlap must be at least 0 and less than half of max_tokens ({max_tokens}), not {overlap}"
            )
        self.max_tokens = max_tokens
        self.overlap = overlap
        self.tokenizer = tokenizer if tokenizer is not None else Tokenizer()

    @cached_property
    def _count(self) -> Callable[[str], int]:
        return self.tokenizer.count_unchecked

    @property
    def signature(self) -> str:
        """Everything that decides how a text is cut, in short, as in ``cl100k_base/512/0/v2``."""
        return f"{self.tokenizer.encoding}/{self.max_tokens}/{self.overlap}/{_VERSION}"

    def spans(self, text: str) -> list[Chunk]:
        """Return the chunks of `text`, in order; none for an empty text.

        Raises:
            ValueError: The text holds a lone surrogate.
        """
        if not text:
            return []
        try:
            return self._spans(text)
        except UnicodeEncodeError:
            self.tokenizer.count(text)  # says where
            raise

    def chunk(self, document: Document, version_id: str) -> list[ProcessedChunk]:
        """Return the chunks of `document`, ready to be stored.

        They share one metadata object.

        Args:
            document: What to cut.
            version_id: From `model.document_id`; the chunks' ids are derived from it.
        """
        text, source_file, category = document.text, document.source_file, document.category
        document_date, metadata = document.document_date, document.metadata
        spans = self.spans(text)
        total, at = len(spans), document.body_start
        chunks = []
        header, headed = "", None
        for index, (start, end, tokens, path, lead) in enumerate(spans):
            content = text[lead:end]
            encoded = content.encode()
            span_start = at
            at += len(encoded) if lead == start else len(text[start:end].encode())
            if path is not headed:
                header, headed = context_header(source_file, path), path
            chunks.append(
                processed_chunk(
                    content,
                    sha256(encoded).hexdigest(),
                    header,
                    source_file,
                    category,
                    document_date,
                    index,
                    total,
                    tokens,
                    metadata,
                    record_id(version_id, index),
                    span_start,
                    at,
                )
            )
        return chunks

    def _spans(self, text: str) -> list[Chunk]:
        lines = with_line_feeds(text)
        starts, ends, levels, titles, blocks = outline(lines)
        # Counts don't add up before a slash (see splitter), so no section begins with one.
        kept = [text[start] != "/" for start in starts]
        if not all(kept):
            starts, ends = list(compress(starts, kept)), list(compress(ends, kept))
            levels, titles = list(compress(levels, kept)), list(compress(titles, kept))
        splitter = Splitter(text, lines, blocks, ends, self._count, self.max_tokens - self.overlap)
        if not starts or (starts[0] and not text[: starts[0]].isspace()):
            starts.insert(0, 0)
            levels.insert(0, 0)
            titles.insert(0, "")
        starts[0] = 0
        subtree_ends, parents = _tree(levels)
        starts.append(len(text))
        pieces = self._pieces(text, starts, levels, subtree_ends, splitter)
        paths: list[tuple[str, ...] | None] = [None] * len(levels)
        chunks = []
        section = 0
        for index, (start, tokens, _) in enumerate(pieces):
            end = pieces[index + 1][0] if index + 1 < len(pieces) else len(text)
            while starts[section + 1] <= start:
                section += 1
            path = paths[section]
            if path is None:
                path = _path(section, parents, titles, paths)
            lead = start
            if self.overlap and start:
                lead, tokens = lead_in(text, start, end, tokens, self.overlap, self.max_tokens, self._count)
            chunks.append(_new_tuple(Chunk, (start, end, tokens, path, lead)))
        return chunks

    def _pieces(
        self,
        text: str,
        starts: Sequence[int],
        levels: Sequence[int],
        subtree_ends: Sequence[int],
        splitter: Splitter,
    ) -> list[tuple[int, int, int]]:
        """Return start, tokens and level of each chunk to be."""
        limit = self.max_tokens - self.overlap
        tiny, small = limit // 8, limit // 4
        total = len(levels)
        sums = self._sums(text, starts, splitter)
        pieces: list[tuple[int, int, int]] = []
        first = 0
        while first < total:
            start, level = starts[first], levels[first]
            after = subtree_ends[first]
            if sums[after] - sums[first] > limit:
                after = first + 1
                while after < total and levels[after] > level and sums[after] - sums[first] < tiny:
                    after += 1
            tokens = sums[after] - sums[first]
            first = after
            if pieces:
                last_start, last_tokens, last_level = pieces[-1]
                joined = last_tokens + tokens
                if last_tokens < tiny or (
                    level >= last_level and joined <= limit and min(last_tokens, tokens) < small
                ):
                    pieces.pop()
                    start, tokens, level = last_start, joined, min(level, last_level)
            if tokens <= limit:
                pieces.append((start, tokens, level))
                continue
            for end, part in splitter.split(start, starts[after]):
                pieces.append((start, part, level))
                start = end
        return pieces

    def _sums(self, text: str, starts: Sequence[int], splitter: Splitter) -> list[int]:
        """Return how many tokens there are before each of `starts`."""
        count, count_parts = self._count, splitter.tokens
        limit = (self.max_tokens - self.overlap) * 0.9
        sums = [0]
        tokens = 0
        for start, end in pairwise(starts):
            # A section that probably won't fit is counted by the parts it will then be cut into,
            # going by the characters a token before it, or 3.5.
            long = limit * (start + 700) / (tokens + 200)
            tokens += count(text[start:end]) if end - start < long else count_parts(start, end)
            sums.append(tokens)
        return sums


def context_header(source_file: str, headings: Sequence[str]) -> str:
    """Return where a chunk stands, as in ``guide.md > Install > Linux``.

    The file is named by its path relative to the input directory, since names like ``index.md``
    repeat. A heading is cut at 120 characters; over 500 characters in all, outer headings give way.
    """
    header = " > ".join((source_file, *headings))
    if len(header) <= MAX_HEADING:
        return header
    parts = [source_file, *(_capped(heading, MAX_HEADING) for heading in headings)]
    header = " > ".join(parts)
    while len(header) > MAX_HEADER and len(parts) > 2:
        del parts[1]
        header = " > ".join([parts[0], "…", *parts[1:]])
    return _capped(header, MAX_HEADER)


def _capped(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def _tree(levels: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return for each section the index of the next that isn't below it, and of the one it is below or -1."""
    ends = [len(levels)] * len(levels)
    parents = []
    above: list[int] = []
    for index, level in enumerate(levels):
        while above and levels[above[-1]] >= level:
            ends[above.pop()] = index
        parents.append(above[-1] if above else -1)
        above.append(index)
    return ends, parents


def _path(
    section: int, parents: Sequence[int], titles: Sequence[str], paths: list[tuple[str, ...] | None]
) -> tuple[str, ...]:
    """Return the headings of a section and those it is below, as far as they say anything."""
    known = paths[section]
    if known is None:
        above = parents[section]
        known = () if above < 0 else _path(above, parents, titles, paths)
        if title := clean_heading(titles[section]):
            known = (*known, title)
        paths[section] = known
    return known
