"""Cuts documents into chunks that follow their structure and never exceed a number of tokens."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import cached_property
from hashlib import sha256
from itertools import compress, pairwise
from typing import NamedTuple

from batchwright.documents.context import Sections, context_header, stem
from batchwright.documents.lines import Lines
from batchwright.documents.overlap import lead_in
from batchwright.documents.pages import check, page_at
from batchwright.documents.signature import signature_of
from batchwright.documents.splitter import Splitter
from batchwright.documents.structure import outline, with_line_feeds
from batchwright.documents.tokenizer import Tokenizer
from batchwright.errors import ConfigError
from batchwright.model import Document, ProcessedChunk, processed_chunk, record_id

MIN_MAX_TOKENS = 16

_new_tuple = tuple.__new__  # half the price of a NamedTuple's own


class Chunk(NamedTuple):
    """A piece of a text.

    Attributes:
        start: Where it starts, in characters.
        end: Where it ends, in characters; the next one starts there.
        tokens: Tokens of ``text[lead:end]``, exactly.
        headings: The headings it stands under, outermost first. Of several sections they are those that all
            have in common, then the first and the last of those that differ: ``("Changes", "1.4 … 1.2")``.
        lead: Where its text begins: at `start`, or before it with overlap.
        table: The head of the table that it goes on with, as in ``Name | Type``; else empty.
    """

    start: int
    end: int
    tokens: int
    headings: tuple[str, ...]
    lead: int
    table: str = ""


class _Cut(NamedTuple):
    """The chunks of a text, and its sections."""

    chunks: list[Chunk]
    sections: Sections


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
        count_header: Whether `max_tokens` is for a chunk's header, a line feed and its text together. A
            header takes up to a quarter; a longer one is cut. `overlap` is then at most a quarter, too.

    Raises:
        ConfigError: `max_tokens` or `overlap` is out of range.
    """

    def __init__(
        self,
        max_tokens: int = 512,
        overlap: int = 0,
        tokenizer: Tokenizer | None = None,
        *,
        count_header: bool = False,
    ) -> None:
        if max_tokens < MIN_MAX_TOKENS:
            raise ConfigError(f"max_tokens must be at least {MIN_MAX_TOKENS}, not {max_tokens}")
        if overlap < 0 or overlap * 2 >= max_tokens:
            raise ConfigError(
                f"overlap must be at least 0 and less than half of max_tokens ({max_tokens}), not {overlap}"
            )
        if count_header and overlap * 4 > max_tokens:
            raise ConfigError(
                f"overlap must be at least 0 and at most a quarter of max_tokens ({max_tokens}) where "
                f"headers are counted, not {overlap}"
            )
        self.max_tokens = max_tokens
        self.overlap = overlap
        self.count_header = count_header
        self.tokenizer = tokenizer if tokenizer is not None else Tokenizer()

    @cached_property
    def _count(self) -> Callable[[str], int]:
        return self.tokenizer.count_unchecked

    @property
    def signature(self) -> str:
        """Everything that decides how a text is cut, in short, as in ``cl100k_base/512/0/v2``."""
        return signature_of(
            self.tokenizer.encoding, self.max_tokens, self.overlap, count_header=self.count_header
        )

    def spans(self, text: str) -> list[Chunk]:
        """Return the chunks of `text`, in order; none for an empty text.

        Raises:
            ValueError: The text holds a lone surrogate.
        """
        return self._cut(text, self.max_tokens).chunks

    def chunk(self, document: Document, version_id: str) -> list[ProcessedChunk]:
        """Return the chunks of `document`, ready to be stored.

        They share one metadata object.

        Args:
            document: What to cut.
            version_id: From `model.document_id`; the chunks' ids are derived from it.

        Raises:
            ValueError: The text holds a lone surrogate, or its pages aren't in it, one after the other.
        """
        text, source_file, category = document.text, document.source_file, document.category
        document_date, metadata, pages = document.document_date, document.metadata, document.pages
        check(pages, len(text))
        cut = self._cut_with_headers(document) if self.count_header else self._cut(text, self.max_tokens)
        header_of = self._header if self.count_header else context_header
        above = _title_above(document, cut.sections)
        total, at = len(cut.chunks), document.body_start
        gaps, lines = deque(document.gaps), Lines(text, document.front_matter)
        chunks = []
        header, headed, continued = "", None, ""
        for index, (start, end, tokens, path, lead, table) in enumerate(cut.chunks):
            if path is not headed or table is not continued:
                header, headed, continued = header_of(source_file, above + path, table), path, table
            content = text[lead:end]
            encoded = content.encode()
            span_start = at
            at += len(encoded) if lead == start else len(text[start:end].encode())
            while gaps and (gaps[0][0] < end or index + 1 == total):
                at += gaps.popleft()[1]
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
                    lines.first(start, end),
                    page_at(pages, lines.at) if pages else None,
                )
            )
        return chunks

    def _cut_with_headers(self, document: Document) -> _Cut:
        """Cut the text so that each chunk and its header fit together."""
        most = self.max_tokens
        while True:
            cut = self._cut(document.text, most)
            above = _title_above(document, cut.sections)
            excess = 0
            for chunk in cut.chunks:
                header = self._header(document.source_file, above + chunk.headings, chunk.table)
                excess = max(excess, self._tokens_of(header) + chunk.tokens - self.max_tokens)
            if not excess:
                return cut
            # No header takes more than a quarter, so this ends.
            most = max(most - excess, self.max_tokens - self.max_tokens // 4)

    def _header(self, source_file: str, headings: Sequence[str], table: str) -> str:
        """Return a header that takes at most a quarter of the tokens."""
        header = context_header(source_file, headings, table)
        most = self.max_tokens // 4
        while header and (tokens := self._tokens_of(header)) > most:
            length = min(len(header) - 2, len(header) * most // tokens)
            header = header[:length].rstrip() + "…" if length > 0 else ""
        return header

    def _tokens_of(self, header: str) -> int:
        """Count the tokens of a header and a line feed."""
        # an escape in a title may have made a lone surrogate, which is for the sink to refuse
        return self._count(f"{header}\n".encode("utf-8", "replace").decode())

    def _cut(self, text: str, most: int) -> _Cut:
        """Cut a text into chunks of at most `most` tokens.

        Raises:
            ValueError: The text holds a lone surrogate.
        """
        if not text:
            return _Cut([], Sections([], []))
        try:
            return self._cut_encodable(text, most)
        except UnicodeEncodeError:
            self.tokenizer.count(text)  # says where
            raise

    def _cut_encodable(self, text: str, most: int) -> _Cut:
        lines = with_line_feeds(text)
        starts, ends, levels, titles, blocks = outline(lines)
        # Counts don't add up before a slash (see splitter), so no section begins with one.
        kept = [text[start] != "/" for start in starts]
        if not all(kept):
            starts, ends = list(compress(starts, kept)), list(compress(ends, kept))
            levels, titles = list(compress(levels, kept)), list(compress(titles, kept))
        limit = most - self.overlap
        splitter = Splitter(text, lines, blocks, ends, self._count, limit)
        if not starts or (starts[0] and not text[: starts[0]].isspace()):
            starts.insert(0, 0)
            levels.insert(0, 0)
            titles.insert(0, "")
        starts[0] = 0
        sections = Sections(levels, titles)
        starts.append(len(text))
        pieces = self._pieces(text, starts, levels, sections.ends, splitter, limit)
        tables = None
        paths = sections.paths
        chunks = []
        section = line_end = bar = 0
        for index, (start, tokens, _) in enumerate(pieces):
            end = pieces[index + 1][0] if index + 1 < len(pieces) else len(text)
            while starts[section + 1] <= start:
                section += 1
            last = section
            while starts[last + 1] < end:
                last += 1
            if last == section:
                path = paths[section] or sections.path(section)
            else:
                path = sections.path_of(section, last)
            lead = start
            table = ""
            if start >= line_end or 0 <= bar < start:  # a line may be the whole document: search it once
                line_end = text.find("\n", start) if start >= line_end else line_end
                line_end = len(text) if line_end < 0 else line_end
                bar = text.find("|", start, line_end)
            if bar >= 0 and start != starts[section]:
                if tables is None:
                    from batchwright.documents.tables import TableHeads  # few documents have any

                    tables = TableHeads(lines, blocks)
                table = tables.at(start)
            section = last
            if self.overlap and start:
                lead, tokens = lead_in(text, start, end, tokens, self.overlap, most, self._count)
            chunks.append(_new_tuple(Chunk, (start, end, tokens, path, lead, table)))
        return _Cut(chunks, sections)

    def _pieces(
        self,
        text: str,
        starts: Sequence[int],
        levels: Sequence[int],
        subtree_ends: Sequence[int],
        splitter: Splitter,
        limit: int,
    ) -> list[tuple[int, int, int]]:
        """Return start, tokens and level of each chunk to be."""
        tiny, small = limit // 8, limit // 4
        total = len(levels)
        sums = self._sums(text, starts, splitter, limit)
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

    def _sums(self, text: str, starts: Sequence[int], splitter: Splitter, limit: int) -> list[int]:
        """Return how many tokens there are before each of `starts`."""
        count, count_parts = self._count, splitter.tokens
        likely = limit * 0.9
        sums = [0]
        tokens = 0
        for start, end in pairwise(starts):
            # A section that probably won't fit is counted by the parts it will then be cut into,
            # going by the characters a token before it, or 3.5.
            long = likely * (start + 700) / (tokens + 200)
            tokens += count(text[start:end]) if end - start < long else count_parts(start, end)
            sums.append(tokens)
        return sums


def _title_above(document: Document, sections: Sections) -> tuple[str, ...]:
    """Return the title of a document, if neither its text nor its name says it."""
    title = document.title
    return (title,) if title and title != stem(document.source_file) and not sections.say(title) else ()
